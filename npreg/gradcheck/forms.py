"""A function and its gradient in the form in which people have them, as calls with named arrays."""

import inspect
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from types import CellType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from npreg.differentiate.steps import as_values, copied
from npreg.gradcheck.readings import Shapes, is_number, one_or_all
from npreg.isolation import keys_for

CONTAINERS = ("params", "parameters")
CACHES = ("cache", "caches", "ctx", "context", "tape", "memory")
UPSTREAM = re.compile(r"(?:up|grad|d|g|delta).*|.*_(?:grad|gradient|error|delta)", re.IGNORECASE)
BACKWARDS = ("backward", "gradient", "grad")
OUTPUTS = ("output", "out", "y", "z", "loss")
ANY = [inspect.Parameter("inputs", inspect.Parameter.VAR_KEYWORD)]
Path = tuple[Any, ...]


class Context(SimpleNamespace):
    """What `forward(ctx, …)` keeps for `backward(ctx, …)`, as in PyTorch and minitorch."""

    def save_for_backward(self, *values: Any) -> None:
        self.saved_tensors = self.saved_values = values


class Form:
    """A function of named arrays, `value(**leaves)`, and the raw result of its gradient, `gradients(leaves)`."""

    def __init__(self, function: Any, gradient: Any, inputs: Mapping[str, Any], asked: Sequence[str]) -> None:
        self.function, self.gradient = function, function if gradient is None else gradient
        self.owner = _owner(function)
        self.state: Mapping[str, Any] = getattr(self.owner, "__dict__", {})
        self.place: int | None = None  # where in a tuple the function's value stands
        self.ambiguous = False  # whether it could be first or last
        self.cache: Any = None
        self._parameters = cache(_parameters)  # which are asked for at every call
        self._lay_out(inputs, asked)
        if hasattr(self.owner, "backward") and callable(self.backward()):
            with suppress(Exception):  # once, so that the gradients are there beside the parameters
                self.gradients(self.leaves, np.ones(np.shape(self.value(**self.leaves))))
            self._lay_out(inputs, asked)

    def _lay_out(self, inputs: Mapping[str, Any], asked: Sequence[str]) -> None:
        own = self.state if hasattr(self.owner, "backward") else {}
        paired = [name for name in own if keys_for(name, [other for other in own if other != name])]  # W beside dW
        found = [name for name in CONTAINERS if _is_open(_attribute(self.owner, name))]
        found += [name for name in self.state if name not in CONTAINERS and (name in asked or name in paired)]
        self.attributes = [name for name in found if name not in inputs]
        self.tree = {**inputs, **{name: _attribute(self.owner, name) for name in self.attributes}}
        self.names: dict[Path, str] = {}
        self.leaves: dict[str, Any] = {}  # every array, also those in containers and the owner's

        def named(path: Path, value: Any) -> None:
            short = path[-1]
            if not isinstance(short, str) or short in self.leaves or (len(path) > 1 and short in self.tree):
                short = str(path[0]) + "".join(f"[{key!r}]" for key in path[1:])
            as_values(value, f"input {short!r}")
            self.names[path] = short
            self.leaves[short] = value

        mapped(self.tree, named, lambda path, value: bool(path) and not _is_open(value))

    def opened(self) -> "tuple[Form, dict[str, Any]]":
        """The same with the arrays and numbers that both functions read from around them as inputs, and these."""
        parts = [self.function, self.gradient]
        if self.owner is not None or not all(isinstance(part, FunctionType) for part in parts):
            return self, {}
        seen = [inspect.getclosurevars(part) for part in parts]
        first, second = ({**one.globals, **one.nonlocals} for one in seen)
        both = {n: v for n, v in first.items() if second.get(n) is v and n not in self.leaves and kind_of(v) in "fiu"}
        if not any(np.shape(value) for value in both.values() if value is not None):
            return self, {}
        one = _opened(self.function, both)
        other = one if self.gradient is self.function else _opened(self.gradient, both)
        form = Form(one, other, {**self.tree, **both}, [])
        form.place = self.place
        return form, both

    def inside(self, name: str) -> Shapes:
        """The shapes of the inputs that a name stands for: its own, or of all in a container."""
        leaves = [leaf for path, leaf in self.names.items() if leaf == name or path[0] == name]
        return {leaf: np.shape(self.leaves[leaf]) for leaf in leaves}

    def value(self, **leaves: Any) -> Any:
        """The function's value, without what it returns beside it."""
        with self._arguments(leaves) as given:
            return self._forward(given)

    def _forward(self, given: Mapping[str, Any]) -> Any:
        forward, context = getattr(self.function, "forward", self.function), Context()
        result = forward(**self._accepted(forward, given, cache=context))
        if result is None:
            result = next((self.state[name] for name in OUTPUTS if name in self.state), None)
        self.cache = context
        if not isinstance(result, tuple) or not result:
            return result
        if self.place is None:
            numbers = [place for place in (0, -1) if is_number(result[place])]
            arrays = [place for place, item in enumerate(result) if not isinstance(item, Mapping)]
            self.place, self.ambiguous = [*numbers, *arrays, 0][0], len(numbers) > 1
        rest = list(result)
        value = rest.pop(self.place)
        self.cache = one_or_all(tuple(rest))
        return value

    def backward(self, gradient: Any = None) -> Any:
        """What is called for the gradient; None where that is a mapping or an array."""
        gradient = self.gradient if gradient is None else gradient
        methods = (getattr(gradient, name, None) for name in BACKWARDS)
        return next(filter(callable, methods), gradient if callable(gradient) else None)

    def upstream(self) -> tuple[bool, bool]:
        """Whether the gradient has a parameter for the upstream derivative, and cannot do without."""
        _, roles, named = self._roles(self.backward())
        free = [name for name, role in roles.items() if role != "cache"]
        layer = hasattr(self.owner, "backward") or "cache" in roles.values()
        return named or bool(free), any(layer or UPSTREAM.fullmatch(name) for name in free)

    def gradients(self, leaves: Mapping[str, Any], upstream: Any, gradient: Any = None) -> list[Any]:
        """The raw results of the gradient, to be read in this order."""
        backward = self.backward(gradient)
        if backward is None and isinstance(self.gradient, Mapping):
            return [{k: self.gradients(leaves, upstream, g)[0] if callable(g) else g for k, g in self.gradient.items()}]
        if backward is None:
            return [self.gradient]
        layer = hasattr(self.owner, "backward")
        with self._arguments(leaves) as given:
            if layer or self._roles(backward)[1]:
                self._forward(given)
            result = backward(**self._accepted(backward, given, cache=self.cache, upstream=upstream))
            kept = {key: item for key, item in self.state.items() if layer and key not in self.tree}
            return [self._keyed(result, kept), result] if kept else [result]

    def _keyed(self, result: Any, kept: Mapping[str, Any]) -> dict[str, Any]:
        """What a backward pass returns for its inputs, beside what it keeps for its parameters."""
        if isinstance(result, Mapping):
            return {**kept, **result}
        free = {n: np.shape(v) for n, v in self.leaves.items() if n in self.tree and n not in self.attributes}
        found = dict(kept)
        for item in result if isinstance(result, tuple) else (result,):
            name = next((n for n, shape in free.items() if item is not None and np.shape(item) == shape), None)
            if name is not None:
                free.pop(name)
                found[f"grad_{name}"] = item
        return found

    @contextmanager
    def _arguments(self, leaves: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The arguments of a call at these values, the owner's attributes set to them meanwhile."""

        def new(path: Path, value: Any) -> Any:
            leaf = leaves[self.names[path]]
            return np.asmatrix(leaf) if isinstance(value, np.matrix) else leaf

        tree = mapped(self.tree, new, lambda path, _: path in self.names)
        before = {name: _attribute(self.owner, name) for name in self.attributes}
        try:
            for name in self.attributes:
                _set(self.owner, name, tree[name])
            yield {**leaves, **{name: tree[name] for name in tree if name not in self.attributes}}
        finally:
            for name, value in before.items():
                _set(self.owner, name, value)

    def _roles(self, function: Any, forward: bool = False) -> tuple[list[str], dict[str, str], bool]:
        """The inputs that it takes, other parameters with what each is given, and whether one is called upstream.

        The cache is known by its name, or as it is not the upstream derivative.
        """
        parameters = (self._parameters if isinstance(function, Hashable) else _parameters)(function)
        known = [name for name in {**self.leaves, **self.tree} if name not in self.attributes]
        taken = [p.name for p in parameters if p.name in known]
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            taken += [name for name in self.tree if name in known and name not in taken]
        needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        missing = [p.name for p in needed if p.name not in taken or p.kind is p.POSITIONAL_ONLY]
        cached = [name for name in missing if name in CACHES]
        if not (forward or cached or len(missing) < 2 or isinstance(self.cache, (Context, type(None)))):
            cached = ([name for name in missing if not UPSTREAM.fullmatch(name)] or missing)[-1:]
        free = [name for name in missing if name not in cached]
        ups = [name for name in free if UPSTREAM.fullmatch(name)] or free
        roles = {name: "cache" if name in cached else "upstream" if name in ups else name for name in missing}
        return taken, roles, any(p.name == "upstream" for p in parameters)

    def _accepted(self, function: Callable[..., Any], given: Mapping[str, Any], **spare: Any) -> dict[str, Any]:
        taken, roles, named = self._roles(function, forward="upstream" not in spare)
        if spare.get("upstream") is not None and named and not roles:
            roles = {"upstream": "upstream"}
        found = {name: given[name] for name in taken}
        for name, role in roles.items():
            if spare.get(role) is None:
                needs = f"{getattr(function, '__name__', 'the function')} needs {name!r}"
                how = f"is called with the inputs by their names ({', '.join(self.leaves)})"
                raise TypeError(f"{needs}, but {how}; wrap it, e.g. lambda {next(iter(self.leaves))}: ...")
            found[name] = copied(spare[role])
        return found


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    with suppress(TypeError, ValueError):
        return list(inspect.signature(function).parameters.values())
    return ANY


def _opened(function: Any, around: Mapping[str, Any]) -> Callable[..., Any]:
    """A function that takes what it reads from around it as arguments."""
    code, own = function.__code__, inspect.signature(function).parameters

    def call(**given: Any) -> Any:
        pairs = zip(code.co_freevars, function.__closure__ or (), strict=True)
        cells = tuple(CellType(given[name]) if name in around else cell for name, cell in pairs)
        known = {**function.__globals__, **{name: given[name] for name in around}}
        fresh = FunctionType(code, known, function.__name__, function.__defaults__, cells)
        fresh.__kwdefaults__ = function.__kwdefaults__
        return fresh(**{name: given[name] for name in own})

    new = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in [*own, *around]]
    call.__signature__ = inspect.Signature(new)  # type: ignore[attr-defined]
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _owner(function: Any) -> Any:
    """The object whose parameters a function uses: its own, or one that it mentions."""
    bound = getattr(function, "__self__", None)
    if bound is not None and not inspect.ismodule(bound):
        return bound
    if hasattr(function, "forward"):
        return function
    with suppress(TypeError, ValueError):
        seen = inspect.getclosurevars(function)
        for value in (*seen.nonlocals.values(), *seen.globals.values()):
            if any(_is_open(getattr(value, "__dict__", {}).get(name)) for name in CONTAINERS):
                return value
    return None


def _attribute(owner: Any, name: str) -> Any:
    """An attribute; of a method such as `parameters()`, what it lists."""
    value = getattr(owner, name, None)
    return list(value()) if inspect.ismethod(value) and name in CONTAINERS else value


def _set(owner: Any, name: str, value: Any) -> None:
    if not inspect.ismethod(getattr(owner, name)):
        setattr(owner, name, value)
        return
    for array, new in zip(getattr(owner, name)(), value, strict=True):
        array[...] = new


def contents(value: Any) -> dict[Any, Any] | None:
    """What a container holds, by key or position; None for what is none."""
    if isinstance(value, Mapping):
        return dict(value)
    return dict(enumerate(value)) if isinstance(value, (list, tuple)) else None


def _is_open(value: Any) -> bool:
    """Whether a value is a container of arrays, whose entries are inputs of their own."""
    inside = (contents(value) or {}).values()
    return any((isinstance(item, np.ndarray) and item.dtype.kind == "f") or _is_open(item) for item in inside)


def mapped(value: Any, change: Callable[[Path, Any], Any], stop: Callable[[Path, Any], bool], path: Path = ()) -> Any:
    """A container with everything in it changed that is no container, or at which to stop."""
    inside = contents(value)
    if inside is None or stop(path, value):
        return change(path, value)
    new = {key: mapped(item, change, stop, (*path, key)) for key, item in inside.items()}
    return new if isinstance(value, Mapping) else (tuple if isinstance(value, tuple) else list)(new.values())


def kind_of(value: Any) -> str:
    """NumPy's letter for what a value holds; "O" for what is no array."""
    try:
        return np.asarray(value).dtype.kind
    except Exception:  # whatever somebody's __array__ raises
        return "O"
