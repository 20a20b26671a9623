"""Answers run as the check runs them, but in isolated processes; one that dies costs itself only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from npreg.exercises.answers import FILENAME
from npreg.isolation.sandbox import Sandbox
from npreg.isolation.worker import run_once


class Executor:
    """Runs answers as ``npreg.exercises.answers.run`` does, but in isolated processes.

    Where the process dies in one function the others are run again without it, so that one endless loop costs
    one answer. ``endings`` then maps the function's name (``""`` for the file as a whole) to the reason's
    code and detail; ``isolation`` is what was in force, ``functions`` the last record of every function.
    """

    def __init__(self, sandbox: Sandbox, slot: int = 0) -> None:
        self.sandbox = sandbox
        self.slot = slot
        self.endings: dict[str, tuple[str, str]] = {}
        self.isolation: dict[str, Any] = {}
        self.functions: dict[str, Any] = {}
        self.complex: list[str] = []

    def __call__(
        self,
        source: str,
        names: Sequence[str],
        probes: Sequence[Mapping[str, np.ndarray[Any, Any]]],
        *,
        optional: Sequence[str] = (),
        filename: str = FILENAME,
        started: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        """Return the records of all functions; those of a function that ended the process say so."""
        request = {
            "source": source,
            "names": list(names),
            "optional": list(optional),
            "filename": filename,
            "probes": [{name: np.asarray(value) for name, value in probe.items()} for probe in probes],
        }
        dead: dict[str, dict[str, Any]] = {}
        while True:
            run = run_once(self.sandbox, request, self.slot)
            self.isolation = run.isolation or self.isolation
            self.complex = run.complex or self.complex
            if run.outcome is not None:
                break
            asked = (*request["names"], *request["optional"])
            culprit = run.started[-1] if run.started and run.started[-1] in asked else ""
            self.endings[culprit] = (run.ending, run.detail)
            error = {"kind": run.ending, "message": run.detail, "line": None}
            if not culprit:
                run.outcome = {"error": error, "stdout": "", "functions": _all_dead(request, error)}
                break
            if culprit in request["names"]:
                dead[culprit] = dead_function(error, len(probes))
            request["names"] = [name for name in request["names"] if name != culprit]
            request["optional"] = [name for name in request["optional"] if name != culprit]
            if not request["names"]:
                run.outcome = {"error": None, "stdout": "", "functions": {}}
                break
        functions = {**run.outcome["functions"], **dead}
        functions = {name: functions[name] for name in [*names, *optional] if name in functions}
        self.functions.update(functions)
        run.outcome["functions"] = functions
        return run.outcome


def _all_dead(request: Mapping[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    return {name: dead_function(error, len(request["probes"])) for name in request["names"]}


def dead_function(error: dict[str, Any], count: int) -> dict[str, Any]:
    """Return the record of a function that never came back, for ``count`` probes."""
    record: dict[str, Any] = {"value": None, "again": None, "type": "", "problem": "raises", "changed": []}
    record["error"] = error
    runs = [{**record, "stdout": ""} for _ in range(count)]
    return {"defined": True, "parameters": [], "globals": [], "line": None, "runs": runs}
