"""What a student's process sent, checked field by field before anything is done with it.

The process may be in a student's hands, so its records are rebuilt here from the fields that are expected,
with the types that are expected, cut to a bounded length. Anything else is a ``ValueError``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

PROBLEMS = ("not-implemented", "no-return", "raises", "dtype")
LONGEST_TEXT = 2000
MOST_ENTRIES = 1_000_000


def checked_outcome(outcome: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """Rebuild the records of ``answers.run`` for the names and probes of ``request``.

    Raises ``KeyError`` if a field is missing, ``ValueError`` if it is of the wrong type or size.
    """
    functions = _is(_is(outcome, dict)["functions"], dict)
    names = list(request["names"])
    names += [name for name in request["optional"] if name in functions and name not in names]
    count = len(request["probes"])
    return {
        "error": _error(outcome["error"]),
        "stdout": _text(outcome["stdout"]),
        "functions": {name: _function(functions[name], count) for name in names},
    }


def checked_changes(changes: Any, count: int) -> list[dict[str, Any]]:
    """Rebuild what ``variants.search`` returned for so many probes; places are within any file."""
    return [_change(change, count) for change in _is(changes, list)]


def _change(change: Any, count: int) -> dict[str, Any]:
    values, place = _is(_is(change, dict)["values"], list), _is(change["place"], list)
    if len(values) != count or len(place) != 4:
        raise ValueError(f"{len(values)} values for {count} probes, or a place of {len(place)} numbers")
    if any(type(number) is not int or not 0 <= number < MOST_ENTRIES for number in place):
        raise ValueError("a place that is none")
    return {
        "id": _is(change["id"], int),
        "kind": _text(change["kind"])[:20],
        "cost": _is(change["cost"], float),
        "cell": None,
        "place": place,
        "values": [_is(value, np.ndarray) for value in values],
    }


def _function(record: Any, count: int) -> dict[str, Any]:
    runs = _is(_is(record, dict)["runs"], list)
    if len(runs) != count:
        raise ValueError(f"{len(runs)} runs for {count} probes")
    return {
        "defined": _is(record["defined"], bool),
        "parameters": _texts(record["parameters"]),
        "globals": _texts(record["globals"]),
        "line": _line(record["line"]),
        "runs": [_run(run) for run in runs],
    }


def _run(run: Any) -> dict[str, Any]:
    problem = _is(run, dict)["problem"]
    if problem is not None and _text(problem) not in PROBLEMS:
        raise ValueError("a problem that is none")
    value = _value(run["value"])
    if problem is None and value is None:
        raise ValueError("neither a value nor a problem")
    return {
        "value": value,
        "again": _value(run["again"]),
        "type": _text(run["type"]),
        "problem": problem,
        "error": _error(run["error"]),
        "changed": _texts(run["changed"]),
        "stdout": _text(run["stdout"]),
    }


def _value(value: Any) -> Any:
    """A numeric array as it is; of one too large to be sent, its shape filled with zeros."""
    if value is None:
        return None
    if isinstance(value, dict):
        shape = [_is(axis, int) for axis in _is(value["shape"], list)]
        if len(shape) > 8 or min(shape, default=1) < 0 or math.prod(shape) > MOST_ENTRIES:
            raise ValueError("an impossible shape")
        return np.broadcast_to(np.float64(0.0), shape)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        raise ValueError("a value that is no numeric array")
    return value


def _error(error: Any) -> dict[str, Any] | None:
    if error is None:
        return None
    _is(error, dict)
    package = None if error["package"] is None else _text(error["package"])
    found = {"kind": _text(error["kind"]), "message": _text(error["message"]), "package": package}
    return {**found, "line": _line(error["line"])}


def _line(line: Any) -> int | None:
    return None if line is None else min(max(_is(line, int), 0), 1_000_000)


def _texts(items: Any) -> list[str]:
    return [_text(item) for item in _is(items, list)[:100]]


def _text(text: Any) -> str:
    return str(_is(text, str))[:LONGEST_TEXT]


def _is(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{kind.__name__} expected, not {type(value).__name__}")
    return value
