"""Arrays that write down what is done with them, while a plain NumPy function runs on them.

Functions, methods, operators and indexing all end in `Recorder.record`. What asks for plain numbers (`float(x)`,
`if x > 0`, compiled code) cannot be followed where a derivative flows: a `Stop` remembers the line, and why.
"""

import linecache
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache, partial
from types import CodeType, FrameType
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from npreg.exercises.forward.analytic import ANALYTIC, PIECES

Array = np.ndarray[Any, Any]
MOST_NODES = 800
_NUMPY = os.path.dirname(np.__file__)
_NESTED = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")
_CHANGING = ("sort", "fill", "partition", "put", "resize", "itemset", "setfield")
_NUMBERS = ("item", "tolist", "tobytes", "dump", "dumps", "tofile", "view", "flat", "data", "ctypes", "base")
_ABOUT = (np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast)
_CHANGES_FIRST = (np.copyto, np.put, np.place, np.putmask, np.fill_diagonal)
_PASSING = ("asarray", "array", "asanyarray", "ascontiguousarray")
_PATCH = threading.RLock()


@dataclass(frozen=True)
class Stop:
    """Where following ended: `number`, `branch`, `array`, `loop`, `changed` or `error`, and the line."""

    kind: str
    file: str = ""
    line: int = 0

    @property
    def code(self) -> str:
        return linecache.getline(self.file, self.line).strip() or "…"


@dataclass
class Node:
    """One call of NumPy; an input has no function. `calls` are the helpers around it, `spot` the place."""

    function: Any
    given: Any  # args and items of kwargs, with references
    sources: tuple[int, ...]
    value: Array
    active: bool
    calls: tuple[FrameType, ...] = ()
    spot: Any = None


@dataclass(frozen=True)
class Ref:
    """A traced value among the arguments of a node."""

    at: int


_SMALL = (Ref, int, float, str, slice, type(...), type(None))


@dataclass
class Recorder:
    """What a function did: its nodes in order, the local variables it assigned, and where it got lost."""

    code: CodeType | None
    nodes: list[Node] = field(default_factory=list)
    assigned: dict[tuple[str, int], None] = field(default_factory=dict)  # in the order of assignment
    frozen: bool = False
    stop: Stop | None = None
    frame: FrameType | None = None
    _known: dict[Any, int] = field(default_factory=dict)

    def record(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Call a function with traced arrays among its arguments, and write the call down."""
        if function in PIECES and len(args) == 2 and not kwargs:
            return self.record(np.where, (self.record(PIECES[function], args, {}), *args), {})
        function = ANALYTIC.get(function, function)
        calls, spot = self._look_around()
        if len(self.nodes) >= MOST_NODES:
            raise self.lost("loop")
        given = (args, tuple(kwargs.items()))
        sources = tuple(dict.fromkeys(leaf._at for leaf in _leaves(given) if isinstance(leaf, Traced)))
        kept = _mapped(given, lambda leaf: Ref(leaf._at) if isinstance(leaf, Traced) else leaf)
        # Where the arguments say all that matters when printed, the same call gives the same node.
        key = (function, repr(kept)) if all(isinstance(leaf, _SMALL) for leaf in _leaves(kept)) else None
        if key in self._known:
            return Traced(self, self._known[key])
        result = called(function, kept, {at: self.nodes[at].value for at in sources})
        told = (any(self.nodes[at].active for at in sources), calls, spot)
        if isinstance(result, (tuple, list)):
            parts = [lambda *a, at=i, **k: function(*a, **k)[at] for i in range(len(result))]
            made = zip(parts, map(np.asarray, result), strict=True)
            return type(result)(self.add(part, kept, sources, value, *told) for part, value in made)
        if key is not None:
            self._known[key] = len(self.nodes)
        return self.add(function, kept, sources, np.asarray(result), *told)

    def lost(self, kind: str) -> TypeError:
        here = ((frame.f_code.co_filename, frame.f_lineno) for frame in _callers())
        self.stop = self.stop or Stop(kind, *next(here, ()))
        return TypeError(f"not followed: {kind}")

    def read_names(self) -> None:
        local = [] if self.frame is None else list(self.frame.f_locals.items())
        traced = ((n, value) for n, value in local if isinstance(value, Traced) and value._recorder is self)
        self.assigned |= {(name, value._at): None for name, value in traced}

    def add(self, *parts: Any) -> "Traced":
        self.nodes.append(Node(*parts))
        return Traced(self, len(self.nodes) - 1)

    def _look_around(self) -> tuple[tuple[FrameType, ...], Any]:
        """Read the local variables; tell through which helpers the call came, and its place in the code."""
        frames = list(_callers())
        spot = (frames[0].f_code, frames[0].f_lasti) if frames else None
        place = next((i for i, frame in enumerate(frames) if frame.f_code is self.code), None)
        if place is None:
            return (), spot
        self.frame = frames[place]
        self.read_names()
        return tuple(frame for frame in frames[:place][::-1] if frame.f_code.co_name not in _NESTED), spot


def _callers() -> Iterator[FrameType]:
    """The frames of people's code between here and `run`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not run.__code__:
        if frame.f_code.co_filename != __file__ and not frame.f_code.co_filename.startswith(_NUMPY):
            yield frame
        frame = frame.f_back


def _leaves(value: Any) -> list[Any]:
    """What stands in lists and tuples, however deep."""
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, (list, tuple)) else [value]


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    return type(value)(_mapped(v, change) for v in value) if isinstance(value, (list, tuple)) else change(value)


def called(function: Callable[..., Any], given: Any, values: Mapping[int, Any]) -> Any:
    args, kwargs = given
    return function(*[_filled(v, values) for v in args], **{name: _filled(v, values) for name, v in kwargs})


def _filled(value: Any, values: Mapping[int, Any]) -> Any:
    if isinstance(value, Ref):
        return values[value.at]
    return type(value)([_filled(v, values) for v in value]) if isinstance(value, (list, tuple)) else value


def _as(value: Callable[[Any], Any], *methods: str) -> Iterator[Any]:
    return (lambda traced, *args, m=method: getattr(value(traced), m)(*args) for method in methods)


class Traced(NDArrayOperatorsMixin):
    """An array-like that records; changing it in place makes it stand for the changed value."""

    __array_priority__ = 1000.0
    __float__, __int__, __index__ = _as(lambda traced: traced._plain("number"), "__float__", "__int__", "__index__")
    __len__, __repr__, __format__ = _as(lambda traced: traced._value, "__len__", "__repr__", "__format__")

    def __init__(self, recorder: Recorder, at: int) -> None:
        self._recorder, self._at = recorder, at

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _NUMBERS:
            return getattr(self._plain("number"), name)
        found = getattr(self._value, name)
        if callable(found):
            return partial(self._call, name)
        return self._recorder.record(named(name), (self,), {}) if isinstance(found, np.ndarray) else found

    @property
    def _value(self) -> Array:
        return self._recorder.nodes[self._at].value

    def _plain(self, kind: str) -> Array:  # for code that cannot be followed, if no derivative flows through it
        node = self._recorder.nodes[self._at]
        if node.active:
            raise self._recorder.lost(kind)
        self._recorder.frozen = True
        return node.value.copy()

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name in _CHANGING:
            self._become(_changed(named(name)), (self, *args), kwargs)
            return None
        function = ANALYTIC.get(getattr(np, name, None)) or named(name)
        return self._recorder.record(function, (self, *args), kwargs)

    def _become(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        self._at = self._recorder.record(function, args, kwargs)._at
        return self

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if method == "at":
            return inputs[0]._become(_changed(ufunc.at), inputs, kwargs)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if out is None:
            return self._recorder.record(function, inputs, kwargs)
        if not all(isinstance(target, Traced) for target in out):
            raise self._recorder.lost("array")
        if "where" in kwargs:  # where the condition is false the old value stays
            into = _changed(lambda changed, *args, **how: function(*args, out=changed, **how))
            return out[0]._become(into, (out[0], *inputs), kwargs)
        return out[0]._become(function, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _ABOUT:
            plain = _mapped((args, tuple(kwargs.items())), lambda a: a._value if isinstance(a, Traced) else a)
            return called(function, plain, {})
        if function in _CHANGES_FIRST and isinstance(args[0], Traced):
            args[0]._become(_changed(function), args, kwargs)
            return None
        if isinstance(kwargs.get("out"), Traced):
            return kwargs.pop("out")._become(function, args, kwargs)
        return self._recorder.record(function, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return self._recorder.record(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self._become(_changed(operator.setitem), (self, index, value), {})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self._value)))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return np.asarray(self._plain("array"), dtype=dtype)

    def __bool__(self) -> bool:
        return bool(self._plain("branch"))

    def copy(self, how: Any = None) -> "Traced":
        """An array that stands for the same value until one of the two is changed."""
        return Traced(self._recorder, self._at)

    __copy__ = __deepcopy__ = copy

    def astype(self, dtype: Any, **how: Any) -> Any:
        """The same for a floating dtype, so that the derivative passes; else recorded like any method."""
        if np.dtype(dtype).kind == self.dtype.kind == "f":
            return self.copy()
        return self._recorder.record(named("astype"), (self, dtype), how)


@cache
def named(name: str) -> Callable[..., Any]:
    """A function that takes an attribute of an array, or calls its method."""

    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        found = getattr(np.asarray(value), name)
        return found(*args, **kwargs) if callable(found) else found

    return call


def _changed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that changes its first argument, applied to a copy that can hold complex steps."""

    def call(value: Any, *args: Any, **kwargs: Any) -> Any:
        wider = (a for a in args if not isinstance(a, tuple) and np.iscomplexobj(a))
        changed = np.array(value, dtype=np.result_type(value, *wider))
        function(changed, *args, **kwargs)
        return changed

    return call


def run(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call the function on traced arrays, which `np.asarray` and its like hand through meanwhile."""
    with _PATCH, ExitStack() as after:
        for name in _PASSING:
            original = getattr(np, name)
            after.callback(setattr, np, name, original)
            setattr(np, name, partial(_pass, name == "array", original))
        return function(**arguments)


def _pass(copies: bool, original: Callable[..., Any], a: Any, *args: Any, **kwargs: Any) -> Any:
    found = next((leaf for leaf in _leaves(a) if isinstance(leaf, Traced)), None)
    if found is None:
        return original(a, *args, **kwargs)
    if a is not found:
        return found._recorder.record(original, (a,), {})
    dtype = args[0] if args else kwargs.get("dtype")
    return a.astype(dtype) if dtype is not None else (a.copy() if copies else a)
