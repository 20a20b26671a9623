"""Answers run as ``run_answers`` does, but in isolated processes; one that dies costs itself only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npreg.isolation.inside.answers import FILENAME
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
    request: dict[str, Any] = {
        "source": source,
        "names": list(names),
        "optional": list(optional),
        "filename": FILENAME,
        "helpers": dict(helpers or {}),
        "probes": [{name: np.asarray(value) for name, value in probe.items()} for probe in probes],
    }
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
        if not culprit:
            dead |= {name: dead_function(error, len(probes)) for name in request["names"]}
            ran.outcome["error"] = error
            break
        if culprit in request["names"]:
            dead[culprit] = dead_function(error, len(probes))
        for key in ("names", "optional"):
            request[key] = [name for name in request[key] if name != culprit]
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
    request: dict[str, Any] = {
        "source": source,
        "names": [],
        "optional": [],
        "filename": FILENAME,
        "helpers": dict(helpers or {}),
        "probes": [{key: np.asarray(value) for key, value in probe.items()} for probe in probes],
        "search": {"name": name, **options},
    }
    lines = source.splitlines()
    changes = run_once(sandbox, request, slot, watch).changes
    return [{**c, "text": lines[c["place"][0] - 1][:200]} for c in changes if 0 < c["place"][0] <= len(lines)]


def dead_function(error: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the record of a function that never came back, for ``count`` probes."""
    record: dict[str, Any] = {"value": None, "again": None, "type": "", "problem": "raises", "changed": []}
    runs = [{**record, "error": error, "stdout": ""} for _ in range(count)]
    return {"defined": True, "parameters": [], "globals": [], "line": None, "runs": runs}
