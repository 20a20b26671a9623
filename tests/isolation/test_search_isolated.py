"""Small changes of a file, run in one process of their own for all searches."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from npreg.isolation import Isolated, Sandbox, executor, search_changes

SOURCE = "import numpy as np\ndef grad_w(X, r):\n    return X @ r\ndef grad_b(r):\n    return r.mean()\n"
PROBES = [{"X": np.arange(9.0).reshape(3, 3), "r": np.array([1.0, -2, 4])}]
ABOUT = {"probes": PROBES, "sizes": [{"n": 3, "d": 3}]}


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    found, popen = [], subprocess.Popen

    def counted(*args, **kwargs):
        found.append(popen(*args, **kwargs))
        return found[-1]

    monkeypatch.setattr(executor.subprocess, "Popen", counted)
    return found


def comparable(changes):
    return [(c["id"], c["kind"], c["place"], c["text"], [v.tolist() for v in c["values"]]) for c in changes]


def test_all_searches_are_made_in_one_process_and_find_what_they_find_here(started):
    with Isolated(Sandbox(), SOURCE).searching(20) as search:
        assert started == []  # a right file needs none
        found = {name: search(name, **ABOUT, shapes=[shape]) for name, shape in (("grad_w", [3]), ("grad_b", []))}
    assert len(started) == 1
    assert started[0].poll() is not None
    for name, shape in (("grad_w", [3]), ("grad_b", [])):
        here = search_changes(SOURCE, name, **ABOUT, shapes=[shape], seconds=20)
        assert comparable(found[name]) == comparable(here)
        assert len(here) > 5


def test_a_search_whose_process_is_gone_is_made_again_in_another(started):
    with Isolated(Sandbox(), SOURCE).searching(20) as search:
        first = search("grad_b", **ABOUT)
        started[0].kill()
        assert comparable(search("grad_b", **ABOUT)) == comparable(first)
    assert len(started) == 2


def test_a_file_that_ends_its_process_in_every_change_has_no_changes(started):
    ends = SOURCE + "import os\nos._exit(3)\n"
    with Isolated(Sandbox(), ends).searching(20) as search:
        assert search("grad_b", **ABOUT) == []
        assert search("grad_w", **ABOUT) == []
    assert all(process.poll() is not None for process in started)
