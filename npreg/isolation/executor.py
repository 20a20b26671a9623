"""Answers run as ``run_answers`` does, but in isolated processes; one that dies costs itself only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npreg.isolation.inside.answers import NO_RUN
from npreg.isolation.sandbox import Sandbox
from npreg.isolation.worker import Watch, run_once

Probes = Sequence[Mapping[str, np.ndarray[Any, Any]]]


@dataclass
class Ran:
    """What came of a file: ``outcome`` as ``run_answers`` returns it, and how its processes ended.

    ``endings`` maps a function that ended its process (``""``: the file as a whole) to the reason's code and
    detail; ``isolation`` is what was in force; ``complex`` are functions that work with complex numbers.
    """

    outcome: dict[str, Any]
    endings: dict[str, tuple[str, str]] = field(default_factory=dict)
    isolation: dict[str, Any] = field(default_factory=dict)
    complex: list[str] = field(default_factory=list)


def run_isolated(
    sandbox: Sandbox,
    source: str,
    names: Sequence[str],
    probes: Probes,
    *,
    optional: Sequence[str] = (),
    helpers: Mapping[str, str] | None = None,
    slot: int = 0,
    watch: Watch | None = None,
) -> Ran:
    """Run answers as ``run_answers`` does, in a process of their own.

    Where the process dies in one function the others are run again without it, so that one endless loop costs
    one answer. The records of a function that ended its process hold the reason as its error.

    Parameters beyond those of ``run_answers``: ``helpers`` are modules of the file's own folder that it may
    import, as name and source; ``slot`` keeps the users of parallel processes apart; ``watch`` is called now
    and then while a process runs, with the seconds since it began and the function that is at work ("" while
    the file is loaded), and may raise to end it.
    """
    request = _request(source, probes, helpers, names=list(names), optional=list(optional))
    ran = Ran({"error": None, "stdout": "", "functions": {}})
    dead: dict[str, dict[str, Any]] = {}
    while request["names"]:
        run = run_once(sandbox, request, slot, watch)
        ran.isolation = run.isolation or ran.isolation
        ran.complex = run.complex or ran.complex
        if run.outcome is not None:
            ran.outcome = run.outcome
            break
        asked = (*request["names"], *request["optional"])
        culprit = run.started[-1] if run.started and run.started[-1] in asked else ""
        ran.endings[culprit] = (run.ending, run.detail)
        error = {"kind": run.ending, "message": run.detail, "line": None, "package": None}
        ran.outcome["error"] = ran.outcome["error"] if culprit else error
        died = {**NO_RUN, "problem": "raises", "error": error}
        function = {"defined": True, "parameters": [], "globals": [], "line": None, "runs": [died for _ in probes]}
        dead |= {name: function for name in request["names"] if culprit in ("", name)}
        for key in ("names", "optional"):
            request[key] = [name for name in request[key] if culprit not in ("", name)]
    functions = {**ran.outcome["functions"], **dead}
    ran.outcome["functions"] = {name: functions[name] for name in (*names, *optional) if name in functions}
    return ran


def search_isolated(
    sandbox: Sandbox,
    source: str,
    name: str,
    *,
    probes: Probes,
    helpers: Mapping[str, str] | None = None,
    slot: int = 0,
    watch: Watch | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Run small changes of a file in a process of its own; empty where the process ends before its answer.

    Parameters and changes are as of ``npreg.isolation.inside.variants.search``.
    """
    lines = source.splitlines()
    changes = run_once(
        sandbox, _request(source, probes, helpers, search={"name": name, **options}), slot, watch
    ).changes
    return [{**c, "text": lines[c["place"][0] - 1][:200]} for c in changes if 0 < c["place"][0] <= len(lines)]


def _request(source: str, probes: Probes, helpers: Mapping[str, str] | None, **more: Any) -> dict[str, Any]:
    """What a process is sent after its settings."""
    given = [{name: np.asarray(value) for name, value in probe.items()} for probe in probes]
    return {"source": source, "helpers": dict(helpers or {}), "probes": given, **more}
