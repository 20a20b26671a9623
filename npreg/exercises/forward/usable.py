"""Why an exercise cannot be judged: the line of its loss that stops, on inputs of which shapes."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from npreg.exercises.forward.inputs import Array
from npreg.exercises.forward.trace import NotALoss, code_of


def explained(function: Callable[..., Any], inputs: Mapping[str, Array], error: BaseException) -> str:
    """What is wrong with a loss that cannot be traced on these inputs, with the line where there is one."""
    if isinstance(error, NotALoss):
        return str(error)
    shapes = ", ".join(f"{name} {value.shape}" for name, value in inputs.items())
    said = f"{type(error).__name__}: {error}"
    return f"the loss stops{_line(function, error)} ({said}) on inputs of the shapes {shapes}"


def _line(function: Callable[..., Any], error: BaseException) -> str:
    """The last line of the function itself that an exception passed through."""
    code, found = code_of(function), ""
    for frame in traceback.extract_tb(error.__traceback__):
        if code is not None and (frame.filename, frame.name) == (code.co_filename, code.co_name):
            text = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
            found = f" in line {frame.lineno}, `{text}`" if text else f" in line {frame.lineno}"
    return found
