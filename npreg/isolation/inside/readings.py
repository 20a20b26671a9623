"""What stands for an answer that no function of the file is named after: a method, or one of several results."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np

MOST_TRIED = 10
_BEFORE = r"(?:d|g|grad|gradient|nabla|delta|d_?(?:j|l|c|e|f|loss|cost)_d|partial)_?"
_AFTER = r"_?(?:g|d|grad|grads|gradient|delta|bar)"
_GRADIENT = re.compile(r"grad|backward|backprop|deriv", re.IGNORECASE)
Probe = Mapping[str, np.ndarray]


def keys_for(name: str, keys: Sequence[str]) -> list[str]:
    """The keys under which a gradient with respect to a name is found, the decorated ones first."""
    word = re.escape(name)
    pattern = f"{_BEFORE}{word}|{word}{_AFTER}"
    found = [key for flag in (0, re.IGNORECASE) for key in keys if re.fullmatch(pattern, key, flag)]
    return list(dict.fromkeys([*found, *(key for key in keys if key == name)]))


def is_gradient(name: str, value: Any) -> bool:
    """Whether this may stand for answers: a class, or a function with a name such as `compute_gradient`."""
    return isinstance(value, type) or (isinstance(value, FunctionType) and bool(_GRADIENT.search(name)))


def bound(namespace: Mapping[str, Any], name: str, make: Callable[[Any], Any] | None = None) -> Any:
    """A function by its name, or a method by ``Class.method``: of the object that `make` makes, or as it stands."""
    owner, _, method = name.rpartition(".")
    if not owner or not isinstance(namespace.get(owner), type):
        return namespace.get(name)
    return getattr(make(namespace[owner]) if make else namespace[owner], method, None)


def picked(result: Any, part: str) -> Any:
    """One of several results, by its place or key; "" is all. A function that returns something else is told."""
    if not part or result is None:
        return result
    if isinstance(result, Mapping) and part in result:
        return result[part]
    if not part.isdigit() or not isinstance(result, (tuple, list)) or len(result) <= int(part):
        which = f"result {int(part) + 1}" if part.isdigit() else f"the result {part!r}"
        raise TypeError(f"it must return several results, {which} of which is asked for, not {type(result).__name__}")
    return result[int(part)]


def other_names(
    namespace: Mapping[str, Any],
    missing: Sequence[str],
    known: Iterable[str],
    probes: Sequence[Probe],
    call: Callable[[str, Probe], Any],
) -> dict[str, str]:
    """What stands for answers that no function is named after, where only one reading is possible.

    Such as ``gradient[1]``, ``gradient[dw]``, ``Model.grad_w`` or ``Model.backward[0]``; a name that is only misspelt
    is told instead. `known` are the names that mean something else; `call` returns what a function does, by its name.
    """
    defined, wanted = _defined(namespace, known), {name: name.removeprefix("grad_") for name in missing}
    found: dict[str, str] = {}
    for name in missing:
        own = [one for one in defined if one.endswith(f".{name}")]
        if len(own) == 1 and _first(own[0], probes, call) is not None:
            found[name] = own[0]
    rest = {name: wrt for name, wrt in wanted.items() if name not in found and wrt in probes[0]}
    others = [one for one in defined if one not in found.values() and _GRADIENT.search(one)][:MOST_TRIED]
    results = {one: result for one in others if rest and (result := _first(one, probes, call)) is not None}
    if len(results) == 1:
        ((one, (result, probe)),) = results.items()
        parts = _parts(result, list(rest.values()), probe, bound(namespace, one))
        found |= {name: f"{one}{parts[wrt]}" for name, wrt in rest.items() if parts}
    return found


def _defined(namespace: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    here = {key: value for key, value in namespace.items() if key not in {*known} and not key.startswith("_")}
    classes = [(key, value) for key, value in here.items() if isinstance(value, type) and key == value.__name__]
    methods = [(key, name, value) for key, one in classes for name, value in vars(one).items()]
    functions = [key for key, value in here.items() if isinstance(value, FunctionType)]
    return functions + [f"{k}.{n}" for k, n, value in methods if isinstance(value, FunctionType) and n[0] != "_"]


def _first(name: str, probes: Sequence[Probe], call: Callable[[str, Probe], Any]) -> tuple[Any, Probe] | None:
    """What a function returns, on a probe whose arrays differ in shape as far as any do; None where it cannot."""
    probe = max(probes, key=lambda probe: len({np.shape(value) for value in probe.values()}))
    try:
        result = call(name, probe)
    except (SystemExit, Exception, GeneratorExit):
        return None
    return None if result is None else (result, probe)


def _parts(result: Any, wanted: Sequence[str], probe: Probe, function: Any) -> dict[str, str] | None:
    """Which part of a result is the gradient with respect to each: by key, by the names returned, or by shape."""
    if isinstance(result, Mapping):
        keys = {wrt: keys_for(wrt, [key for key in result if isinstance(key, str)])[:1] for wrt in wanted}
        return {wrt: f"[{key[0]}]" for wrt, key in keys.items()} if all(keys.values()) else None
    if not isinstance(result, (tuple, list)):
        return {wanted[0]: ""} if len(wanted) == 1 else None
    named = [[name for name in names if name not in wanted] for names in _returned(function, len(result))]  # dw, not w
    fits = {wrt: [i for i, names in enumerate(named) if keys_for(wrt, names)] for wrt in wanted}
    if any(len(places) != 1 for places in fits.values()):
        shapes = [np.shape(item) if isinstance(item, (np.ndarray, np.generic, float, int)) else None for item in result]
        fits = {wrt: [i for i, shape in enumerate(shapes) if shape == probe[wrt].shape] for wrt in wanted}
    places = [place for found in fits.values() for place in found]
    if any(len(found) != 1 for found in fits.values()) or len(set(places)) < len(wanted):
        return None
    return {wrt: f"[{found[0]}]" for wrt, found in fits.items()}


def _returned(function: Any, count: int) -> list[list[str]]:
    """The names in each of the results that a function's `return` lists."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return [[] for _ in range(count)]
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    listed = [value.elts for value in returns if isinstance(value, (ast.Tuple, ast.List))]
    fitting = [items for items in listed if len(items) == count] or [[ast.Constant(0)] * count]
    return [[n.id for n in ast.walk(item) if isinstance(n, ast.Name)] for item in fitting[-1]]
