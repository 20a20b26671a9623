"""What a student's process sent, checked field by field before anything is done with it.

The process may be in a student's hands, so its records are rebuilt from the fields and types that are expected, cut
to a bounded length. Anything else is a ``ValueError``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

PROBLEMS = ("not-implemented", "no-return", "raises", "dtype")
LONGEST_TEXT = 2000
MOST_ENTRIES = 1_000_000
Check = Callable[[Any], Any]


def checked_outcome(outcome: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """Rebuild the records of ``answers.run``; ``KeyError`` for a missing field, ``ValueError`` for a wrong one."""
    given = _is(dict)(_is(dict)(outcome)["functions"])
    names = [*request["names"], *(name for name in request["optional"] if name in given)]
    functions = {name: _record(given[name], FUNCTION) for name in names}
    for runs in (function["runs"] for function in functions.values()):
        if len(runs) != len(request["probes"]):
            raise ValueError(f"{len(runs)} runs, not {len(request['probes'])}")
        for run in runs:
            if run["problem"] not in PROBLEMS and (run["problem"] is not None or run["value"] is None):
                raise ValueError(f"neither a value nor a problem: {run['problem']}")
    return {"error": _error(outcome["error"]), "stdout": text_of(outcome["stdout"]), "functions": functions}


def checked_changes(changes: Any, count: int) -> list[dict[str, Any]]:
    """Rebuild what ``variants.search`` returned for so many probes; places are within any file."""
    found = [_record(change, CHANGE) for change in _is(list)(changes)]
    for change in found:
        values, place = change["values"], change["place"]
        if len(values) != count or len(place) != 4 or not all(0 <= number < MOST_ENTRIES for number in place):
            raise ValueError(f"{len(values)} values, not {count}, or no place: {place}")
    return [{**change, "cell": None} for change in found]


def _record(value: Any, fields: Mapping[str, Check]) -> dict[str, Any]:
    return {key: check(_is(dict)(value)[key]) for key, check in fields.items()}


def _is(kind: type) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{kind.__name__} expected, not {type(value).__name__}")
        return value

    return check


def _list(check: Check) -> Check:
    return lambda items: [check(item) for item in _is(list)(items)[:MOST_ITEMS]]


def _maybe(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def text_of(text: Any) -> str:
    """Text of a bounded length; halves of characters cannot be written to a file."""
    return str(_is(str)(text))[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _array(value: Any) -> Any:
    """A numeric array as it is; of one too large to be sent, its shape filled with zeros."""
    if isinstance(value, dict):
        shape = _list(_is(int))(value["shape"])
        if len(shape) > 8 or min(shape, default=1) < 0 or math.prod(shape) > MOST_ENTRIES:
            raise ValueError("an impossible shape")
        return np.broadcast_to(np.float64(0.0), shape)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        raise ValueError("a value that is no numeric array")
    return value


MOST_ITEMS = 10_000
_line = _maybe(lambda line: min(max(_is(int)(line), 0), MOST_ENTRIES))
ERROR = {"kind": text_of, "message": text_of, "line": _line, "package": _maybe(text_of)}
_error = _maybe(lambda error: _record(error, ERROR))
RUN = dict.fromkeys(("value", "again", "free"), _maybe(_array))
RUN |= {"type": text_of, "problem": _maybe(text_of), "error": _error, "changed": _list(text_of), "stdout": text_of}
FUNCTION = {"defined": _is(bool), "name": text_of, **dict.fromkeys(("parameters", "globals"), _list(text_of))}
FUNCTION |= {"guards": _list(_is(float)), "line": _line, "runs": _list(lambda run: _record(run, RUN))}
CHANGE = {"id": _is(int), "kind": text_of, "cost": _is(float)}
CHANGE |= {"place": _list(_is(int)), "also": _list(_is(int)), "values": _list(_is(np.ndarray))}
