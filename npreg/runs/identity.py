"""What a run depends on, as texts that are the same in another process and differ where the thing differs.

The identity of a function is its code, defaults and closure, of an object its class and attributes; never an address.
"""

import sys
import zlib
from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from npreg.arrays import FloatArray

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), np.generic, np.ufunc)
RANDOM = ("random", "numpy.random")  # what a generator draws after a crash is something else


def identify(value: Any, name: str) -> tuple[str, str]:
    """A setting's name and identity; TypeError, with the cure, for what cannot be known again."""
    try:
        text = _text(value, {})
    except (LookupError, RecursionError) as error:
        cure = f"give {name} an attribute checkpoint_name, a text that you change whenever it computes something else"
        why = f"a checkpoint must know {name} again in another process, and cannot know {error}"
        raise TypeError(f"{why}; {cure}") from None
    given = (value, getattr(value, "checkpoint_name", None), getattr(value, "name", None))
    kind = value if isinstance(value, (FunctionType, type)) else type(value)
    shown = "" if kind is value else repr(value)
    shown = shown if shown and " at 0x" not in shown and len(shown) <= 200 else f"{kind.__module__}.{kind.__qualname__}"
    name = next((one for one in given if isinstance(one, str)), shown)
    return name, text if len(text) <= 80 else f"{zlib.crc32(text.encode()):08x} {len(text)}"


def fingerprint(*arrays: FloatArray | None) -> str:
    """A checksum of data, by which a run on other data is told."""
    total = 0
    for array in arrays:
        if array is not None:
            total = zlib.crc32(f"{array.dtype.str} {array.shape}".encode(), total)
            for start in range(0, len(array), 65536):
                total = zlib.crc32(np.ascontiguousarray(array[start : start + 65536]).tobytes(), total)
    return f"{total:08x}"


def _text(value: Any, met: dict[int, Any]) -> str:
    """Walks through a value; what has been met before is a number (and kept alive: no two have one id)."""
    of = partial(_text, met=met)
    if isinstance(value, PLAIN):
        return repr(value)
    if id(value) in met:
        return f"#{met[id(value)][0]}"
    met[id(value)] = len(met), value
    given = getattr(value, "checkpoint_name", None)
    if isinstance(given, str):
        return f"named {given!r}"
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"array {fingerprint(np.atleast_1d(value))}"
    if type(value) is dict:
        return f"dict({', '.join(f'{of(k)}: {of(v)}' for k, v in value.items())})"
    if type(value) in (tuple, list):
        return f"{type(value).__name__}({', '.join(map(of, value))})"
    if isinstance(value, (set, frozenset)):
        return f"set({', '.join(sorted(map(of, value)))})"
    if isinstance(value, (FunctionType, type)) and _is_installed(value.__module__):
        return f"{value.__module__}.{value.__qualname__}"
    kind, parts = _parts(value)
    return f"{kind}({of(parts)})"


def _parts(value: Any) -> tuple[str, Any]:
    if isinstance(value, CodeType):
        names = value.co_names, value.co_varnames, value.co_freevars
        return "code", [value.co_code.hex(), *names, list(value.co_consts)]
    if isinstance(value, FunctionType):
        there = value.__globals__
        used = {name: there[name] for name in _globals(value.__code__) if name in there}
        used = {name: value for name, value in used.items() if not isinstance(value, ModuleType)}
        closed = [cell.cell_contents for cell in value.__closure__ or ()]
        given = value.__defaults__, value.__kwdefaults__
        return f"function {value.__qualname__}", [value.__code__, *given, closed, used]
    if isinstance(value, type):
        own = {k: v for k, v in vars(value).items() if not k.startswith("__") or isinstance(v, FunctionType)}
        inner = {k: getattr(v, "__func__", getattr(v, "fget", v)) for k, v in own.items() if k[:5] != "_abc_"}
        inner = {k: v for k, v in inner.items() if not hasattr(v, "__objclass__")}  # the doors to slots
        return f"class {value.__qualname__}", [list(value.__bases__), inner]
    kind, wrapped = type(value), getattr(value, "__wrapped__", None)
    if wrapped is not None:  # such as a cached function
        return kind.__qualname__, wrapped
    try:  # anything else: what pickling it would write down
        reduced = None if kind.__module__.startswith(RANDOM) else value.__reduce_ex__(4)
    except Exception:
        reduced = None
    if reduced is None:
        raise LookupError(f"{value!r:.60} of type {kind.__qualname__}")
    if isinstance(reduced, str):
        return getattr(value, "__module__", None) or kind.__module__, reduced
    return "object", [list(part) if isinstance(part, Iterator) else part for part in reduced]


def _globals(code: Any) -> Iterator[str]:
    """The names that may be global variables, also in functions inside."""
    yield from code.co_names
    for inner in (constant for constant in code.co_consts if isinstance(constant, CodeType)):
        yield from _globals(inner)


def _is_installed(module: str) -> bool:
    """Whether a module belongs to Python, NumPy, npreg or another package, whose names say enough."""
    top = module.partition(".")[0]
    if (top in sys.stdlib_module_names and top != "__main__") or top in ("numpy", "npreg"):
        return True
    return "-packages" in (getattr(sys.modules.get(module), "__file__", None) or "")  # of site or dist
