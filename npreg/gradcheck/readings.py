"""Which of the returned arrays is the gradient with respect to which input: readings of a result, in order.

    a mapping      by key: w, dw, dW1, grad_w, w_grad, dj_dw, nabla_w
    a sequence     by position, or in another order of the same shapes; None for what is not asked
    one array      the only gradient, or all of them end to end
    a loss         first or last beside any of these is left out

Every reading is judged, and the one with the most right gradients is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, permutations, product
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Reading", "Wanted", "keys_for", "readings"]

Reading: TypeAlias = dict[str, Any]  # input -> what stands for its gradient
Wanted: TypeAlias = Mapping[str, Mapping[str, tuple[int, ...]]]  # a name -> the shapes of the inputs in it

MOST = 24
_BEFORE = r"(?:d|g|grad|gradient|nabla|delta|d_?(?:j|l|c|e|f|loss|cost)_d|partial)_?"
_AFTER = r"_?(?:g|d|grad|grads|gradient|delta|bar)"


def keys_for(name: str, keys: Sequence[str]) -> list[str]:
    """The keys under which a gradient with respect to a name is found, the decorated ones first.

    >>> keys_for("W1", ["W1", "dW1", "db1", "dj_dw1", "W1_grad"])
    ['dW1', 'W1_grad', 'dj_dw1', 'W1']
    """
    word = re.escape(name)
    flags = (0, re.IGNORECASE)
    found = [k for flag in flags for k in keys if re.fullmatch(f"{_BEFORE}{word}|{word}{_AFTER}", k, flag)]
    return list(dict.fromkeys([*found, *(key for key in keys if key == name)]))


def readings(value: Any, wanted: Wanted, loss: Any, *, all_of_them: bool) -> list[Reading]:
    """All readings of a result, the most natural first; empty where it cannot be read.

    value : what the gradient function returned
    wanted : for each name that is or may be asked for, the shapes of its inputs
    loss : the function's value, to recognise it beside the gradients
    all_of_them : whether every name must be found
    """
    found: list[Reading] = []
    for rest in _without_loss(value, loss):
        for reading in islice(_read(rest, wanted, all_of_them), MOST):
            if not any(_same(reading, other) for other in found):
                found.append(reading)
    return found


def _same(one: Reading, other: Reading) -> bool:
    return one.keys() == other.keys() and all(one[name] is other[name] for name in one)


def _without_loss(value: Any, loss: Any) -> Iterator[Any]:
    """The result without the loss that stands first or last in it, and as it is."""
    if isinstance(value, (tuple, list)) and len(value) > 1:
        for place in (0, -1):
            if is_number(value[place]) and np.size(loss) == 1 and np.allclose(value[place], loss, rtol=1e-6):
                rest = list(value)
                del rest[place]
                yield rest[0] if len(rest) == 1 else tuple(rest)
    yield value


def is_number(value: Any) -> bool:
    """Whether it is one number, in whatever array."""
    return not isinstance(value, (Mapping, str)) and value is not None and _shape(value) in ((), (1,), (1, 1))


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of what can be an array."""
    try:
        return tuple(np.shape(value))
    except ValueError:
        return None


def _read(value: Any, wanted: Wanted, all_of_them: bool) -> Iterator[Reading]:
    if len(wanted) == 1 and isinstance(value, (tuple, list)):
        yield from (r for name in wanted if list(wanted[name]) != [name] for r in _spread(name, value, wanted))
    if isinstance(value, Mapping):
        yield from _by_key(value, wanted, all_of_them)
    elif isinstance(value, (tuple, list)) and (isinstance(value, tuple) or len(wanted) > 1):
        yield from _by_position(value, wanted, all_of_them)
    elif value is not None and _shape(value) is not None:
        names = list(wanted)
        if len(names) == 1 or not all_of_them:
            fitting = [name for name in names if list(wanted[name].values()) == [_shape(value)]]
            for name in fitting or names[: len(names) == 1]:
                yield from _spread(name, value, wanted)
        sizes = [int(np.prod(shape)) for shapes in wanted.values() for shape in shapes.values()]
        if np.size(value) == sum(sizes) and len(sizes) > 1:
            shapes = {name: shape for inside in wanted.values() for name, shape in inside.items()}
            pieces = np.split(np.ravel(value), np.cumsum(sizes)[:-1])
            yield {name: piece.reshape(shapes[name]) for name, piece in zip(shapes, pieces, strict=True)}


def _by_key(value: Mapping[Any, Any], wanted: Wanted, all_of_them: bool) -> Iterator[Reading]:
    """By the keys of a mapping, which may name the inputs inside of a name, too."""
    keys = [key for key in value if isinstance(key, str)]
    choices: dict[str, list[Reading]] = {}
    for name, inside in wanted.items():
        for one, own in ((name, wanted), *((leaf, {leaf: {leaf: s}}) for leaf, s in inside.items())):
            found = [r for key in keys_for(one, keys) for r in _spread(one, value[key], own)]
            if found:
                choices.setdefault(one, found)
            if found and one == name:
                break
    asked = {leaf for inside in wanted.values() for leaf in inside}
    for parts in product(*choices.values()):
        reading = {leaf: array for part in parts for leaf, array in part.items()}
        if reading and (not all_of_them or asked <= reading.keys()):
            yield reading


def _by_position(value: Sequence[Any], wanted: Wanted, all_of_them: bool) -> Iterator[Reading]:
    names, given = list(wanted), [item for item in value if item is not None]
    if len(given) < len(value) == len(names):
        pairs = [(name, item) for name, item in zip(names, value, strict=True) if item is not None]
        yield from _joined([name for name, _ in pairs], [item for _, item in pairs], wanted)
        return
    if len(given) > len(names) or (all_of_them and len(given) < len(names)):
        return
    tries = 0
    fits = {(name, i): _fits(item, name, wanted[name]) for i, item in enumerate(given) for name in names}
    for order in islice(permutations(names, len(given)), 50_000):
        if all(fits[name, i] for i, name in enumerate(order)):
            tries += 1
            yield from _joined(order, given, wanted)
    if not tries and len(given) == len(names):
        yield from _joined(names, given, wanted)


def _fits(value: Any, name: str, inside: Mapping[str, tuple[int, ...]]) -> bool:
    if list(inside) == [name]:
        return _shape(value) == inside[name]
    items = list(value.values()) if isinstance(value, Mapping) else value
    return isinstance(items, (list, tuple)) and [*map(_shape, items)] == list(inside.values())


def _joined(names: Sequence[str], values: Sequence[Any], wanted: Wanted) -> Iterator[Reading]:
    parts = [list(_spread(name, value, wanted)) for name, value in zip(names, values, strict=True)]
    for chosen in product(*parts):
        yield {leaf: array for part in chosen for leaf, array in part.items()}


def _spread(name: str, value: Any, wanted: Wanted) -> Iterator[Reading]:
    """What stands for a name, spread over the inputs in it."""
    inside = wanted[name]
    if list(inside) == [name] and not isinstance(value, Mapping):
        yield {name: value}
    elif list(inside) != [name] and isinstance(value, (Mapping, tuple, list)):
        yield from _read(value, {leaf: {leaf: shape} for leaf, shape in inside.items()}, all_of_them=False)
