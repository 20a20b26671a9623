"""What a student's process sent, checked field by field before anything is done with it.

The process may be in a student's hands, so its records are rebuilt from the fields and types that are expected, cut
to a bounded length. Anything else is a ``ValueError``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

PROBLEMS = ("not-implemented", "no-return", "raises", "dtype")
LONGEST_TEXT = 2000
MOST_ENTRIES = 1_000_000
MOST_ITEMS = 10_000


def checked_outcome(outcome: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """Rebuild the records of ``answers.run``; ``KeyError`` for a missing field, ``ValueError`` for a wrong one."""
    given = _checked(_checked(outcome, dict)["functions"], dict)
    names = [*request["names"], *(name for name in request["optional"] if name in given)]
    functions = {name: _checked(given[name], FUNCTION) for name in names}
    for runs in (function["runs"] for function in functions.values()):
        if len(runs) != len(request["probes"]):
            raise ValueError(f"{len(runs)} runs, not {len(request['probes'])}")
        for run in runs:
            if run["problem"] not in PROBLEMS and (run["problem"] is not None or run["value"] is None):
                raise ValueError(f"neither a value nor a problem: {run['problem']}")
    return {**_checked(outcome, {"error": (ERROR,), "stdout": text_of}), "functions": functions}


def checked_changes(changes: Any, count: int) -> list[dict[str, Any]]:
    """Rebuild what ``variants.search`` returned for so many probes; places are within any file."""
    found = _checked(changes, [CHANGE])
    for change in found:
        values, place = change["values"], change["place"]
        if len(values) != count or len(place) != 4 or not all(0 <= number < MOST_ENTRIES for number in place):
            raise ValueError(f"{len(values)} values, not {count}, or no place: {place}")
    return [{**change, "cell": None} for change in found]


def _checked(value: Any, wanted: Any) -> Any:
    """A value rebuilt as a type, a function, {field: wanted}, [wanted] or, where None will do, (wanted,) says."""
    if isinstance(wanted, tuple):
        return None if value is None else _checked(value, *wanted)
    if isinstance(wanted, dict):
        return {key: _checked(_checked(value, dict)[key], field) for key, field in wanted.items()}
    if isinstance(wanted, list):
        return [_checked(item, *wanted) for item in _checked(value, list)[:MOST_ITEMS]]
    if not isinstance(wanted, type):
        return wanted(value)
    if type(value) is not wanted:
        raise ValueError(f"{wanted.__name__} expected, not {type(value).__name__}")
    return value


def text_of(text: Any) -> str:
    """Text of a bounded length; halves of characters cannot be written to a file."""
    return str(_checked(text, str))[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _line(number: Any) -> int:
    return min(max(int(_checked(number, int)), 0), MOST_ENTRIES)


def _array(value: Any) -> Any:
    """A numeric array as it is; of one too large to be sent, its shape filled with zeros."""
    if isinstance(value, dict):
        shape = _checked(value["shape"], [int])
        if len(shape) > 8 or min(shape, default=1) < 0 or math.prod(shape) > MOST_ENTRIES:
            raise ValueError("an impossible shape")
        return np.broadcast_to(np.float64(0.0), shape)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        raise ValueError("a value that is no numeric array")
    return value


ERROR = {"kind": text_of, "message": text_of, "line": (_line,), "package": (text_of,)}
RUN = {**dict.fromkeys(("value", "again", "free"), (_array,)), "type": text_of, "problem": (text_of,)}
RUN |= {"error": (ERROR,), "changed": [text_of], "stdout": text_of}
FUNCTION = {"defined": bool, "name": text_of, "parameters": [text_of], "globals": [text_of]}
FUNCTION |= {"guards": [float], "line": (_line,), "runs": [RUN]}
CHANGE = {"id": int, "kind": text_of, "cost": float, "place": [int], "also": [int], "values": [np.ndarray]}
