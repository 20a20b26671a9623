"""Records from a student's process are rebuilt from what is expected, or refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npreg.isolation.executor import checked_outcome
from npreg.isolation.inside.answers import run

PROBES = [{"x": np.array(2.0), "r": np.array(3.0)}, {"x": np.array(1.0), "r": np.array(5.0)}]
SOURCE = "def grad_w(x, r): return x * r\ndef grad_b(r): raise ValueError('no')\ndef grad_r(r): return r"
REQUEST = {"names": ["grad_w", "grad_b"], "optional": ["grad_r"], "probes": PROBES}


def genuine():
    return run(SOURCE, REQUEST["names"], PROBES, optional=["grad_r"])


def test_a_genuine_outcome_passes_unchanged():
    checked = checked_outcome(genuine(), REQUEST)
    assert checked == genuine()


def paths(value, before=()):
    """Every place in nested records."""
    yield before
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from paths(item, (*before, name))


STRANGE = [
    None,
    True,
    -1,
    1.5,
    "text",
    "x" * 10_000,
    [],
    {},
    [1] * 500,
    np.array(["text"]),
    np.zeros(3),
    {"shape": [1.5]},
    {"shape": [-1]},
    {"shape": [10**9, 10**9]},
    {"shape": [0] * 20},
]


@given(st.sampled_from(list(paths(genuine()))[1:]), st.sampled_from(STRANGE))
def test_one_strange_field_is_refused_or_harmless(path, strange):
    outcome = copy.deepcopy(genuine())
    place = outcome
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = strange
    try:
        checked = checked_outcome(outcome, REQUEST)
    except (KeyError, TypeError, ValueError):
        return
    assert set(checked["functions"]) <= {"grad_w", "grad_b", "grad_r"}
    for function in checked["functions"].values():
        assert len(function["runs"]) == 2
        for record in function["runs"]:
            assert record["value"] is not None or record["problem"] is not None
            assert len(record["type"]) <= 2000


def test_functions_that_nobody_asked_for_are_dropped():
    outcome = genuine()
    outcome["functions"]["grad_secret"] = outcome["functions"]["grad_w"]
    outcome["score"] = 1.0
    checked = checked_outcome(outcome, REQUEST)
    assert set(checked) == {"error", "stdout", "functions"}
    assert "grad_secret" not in checked["functions"]


def test_a_missing_function_or_run_is_refused():
    outcome = genuine()
    del outcome["functions"]["grad_b"]
    with pytest.raises(KeyError):
        checked_outcome(outcome, REQUEST)
    outcome = genuine()
    outcome["functions"]["grad_w"]["runs"].pop()
    with pytest.raises(ValueError, match="1 runs, not 2"):
        checked_outcome(outcome, REQUEST)


def test_a_shape_stands_for_an_array_too_large_to_send():
    outcome = genuine()
    outcome["functions"]["grad_w"]["runs"][0]["value"] = {"shape": [900, 900]}
    value = checked_outcome(outcome, REQUEST)["functions"]["grad_w"]["runs"][0]["value"]
    assert value.shape == (900, 900)
    assert value.base is not None
