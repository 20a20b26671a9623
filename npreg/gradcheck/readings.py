"""Which of the returned arrays is the gradient with respect to which input: readings of a result, in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, permutations, product
from typing import Any

import numpy as np

from npreg.isolation import keys_for

Reading = dict[str, Any]  # input -> what stands for its gradient
Shapes = Mapping[str, tuple[int, ...]]
Wanted = Mapping[str, Shapes]  # a name -> the shapes of the inputs in it

MOST = 24


def readings(value: Any, wanted: Wanted, loss: Any, *, all_of_them: bool) -> list[Reading]:
    """All readings of a result, the most natural first, a `loss` in it left out; with `all_of_them` of every name."""
    several = value if isinstance(value, (tuple, list)) and len(value) > 1 and np.size(loss) == 1 else ()
    numbers = [place for place, item in enumerate(several) if is_number(item)]
    losses = [place for place in numbers if np.allclose(value[place], loss, rtol=1e-6)]
    without = [one_or_all((*value[:place], *value[place + 1 :])) for place in losses]
    found = [r for rest in (*without, value) for r in islice(_read(rest, wanted, all_of_them), MOST)]
    return found or _inside([*without, value][0], wanted, all_of_them)


def _inside(value: Any, wanted: Wanted, all_of_them: bool) -> list[Reading]:
    """The readings of the longest part of a tuple that fits, if only one does; beside it stands a cache, say."""
    shapes, length = _shapes_of(wanted), len(value) if isinstance(value, tuple) else 0
    for size in range(length - 1, 0, -1):
        parts = [one_or_all(value[at : at + size]) for at in range(length - size + 1)]
        every = [islice(_read(part, wanted, all_of_them), MOST) for part in parts]
        fit = [[r for r in found if all(_shape(r[name]) == shapes[name] for name in r)] for found in every]
        if any(fit):
            fitting = list(filter(None, fit))
            return fitting[0] if len(fitting) == 1 else []
    return []


def one_or_all(items: Sequence[Any]) -> Any:
    return items[0] if len(items) == 1 else items


def is_number(value: Any) -> bool:
    return not isinstance(value, (Mapping, str)) and value is not None and _shape(value) in ((), (1,), (1, 1))


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        return tuple(np.shape(value))
    except ValueError:
        return None


def _shapes_of(wanted: Wanted) -> Shapes:
    return {leaf: shape for inside in wanted.values() for leaf, shape in inside.items()}


def _read(value: Any, wanted: Wanted, all_of_them: bool) -> Iterator[Reading]:
    """A mapping by its keys, a sequence by position or shapes, one array as the only gradient or as all end to end."""
    several, names, shapes = isinstance(value, (tuple, list)), list(wanted), _shapes_of(wanted)
    if len(names) == 1 and several and list(shapes) != names:
        yield from _spread(names[0], value, wanted)
    if isinstance(value, Mapping):
        yield from _by_key(value, wanted, all_of_them)
    elif several and (isinstance(value, tuple) or len(names) > 1):
        yield from _by_position(value, wanted, all_of_them)
    elif value is not None and _shape(value) is not None:
        if len(names) == 1 or not all_of_them:
            fitting = [name for name in names if list(wanted[name].values()) == [_shape(value)]]
            for name in fitting or names[: len(names) == 1]:
                yield from _spread(name, value, wanted)
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        if len(ends) > 1 and np.size(value) == ends[-1]:
            pieces = np.split(np.ravel(value), ends[:-1])
            yield {leaf: piece.reshape(shapes[leaf]) for leaf, piece in zip(shapes, pieces, strict=True)}


def _by_key(value: Mapping[Any, Any], wanted: Wanted, all_of_them: bool) -> Iterator[Reading]:
    """By the keys of a mapping, which may name the inputs inside of a name, too."""
    keys, choices = [key for key in value if isinstance(key, str)], dict[str, list[Reading]]()
    for name, inside in wanted.items():
        parts = {leaf: {leaf: shape} for leaf, shape in inside.items()} | {name: inside}
        found = {one: [r for key in keys_for(one, keys) for r in _spread(one, value[key], parts)] for one in parts}
        choices |= {one: found[one] for one in ([name] if found[name] else parts) if found[one]}
    for reading in _joined(choices.values()):
        if reading and (not all_of_them or _shapes_of(wanted).keys() <= reading.keys()):
            yield reading


def _by_position(value: Sequence[Any], wanted: Wanted, all_of_them: bool) -> Iterator[Reading]:
    names, given = list(wanted), [item for item in value if item is not None]
    orders: list[Sequence[str]] = []
    if len(given) < len(value) == len(names):
        orders = [[name for name, item in zip(names, value, strict=True) if item is not None]]
    elif len(given) == len(names) or (len(given) < len(names) and not all_of_them):
        fits = {(name, i): _fits(item, name, wanted[name]) for i, item in enumerate(given) for name in names}
        every = islice(permutations(names, len(given)), 50_000)
        orders = list(islice((o for o in every if all(fits[name, i] for i, name in enumerate(o))), MOST))
        if not orders and len(given) == len(names):
            orders = [names]
    for order in orders:
        yield from _joined(_spread(name, item, wanted) for name, item in zip(order, given, strict=True))


def _fits(value: Any, name: str, inside: Shapes) -> bool:
    if list(inside) == [name]:
        return _shape(value) == inside[name]
    items = list(value.values()) if isinstance(value, Mapping) else value
    return isinstance(items, (list, tuple)) and [*map(_shape, items)] == list(inside.values())


def _joined(choices: Iterable[Iterable[Reading]]) -> Iterator[Reading]:
    for parts in product(*choices):
        yield {leaf: array for part in parts for leaf, array in part.items()}


def _spread(name: str, value: Any, wanted: Wanted) -> Iterator[Reading]:
    """What stands for a name, spread over the inputs in it."""
    plain = list(wanted[name]) == [name]
    if plain and not isinstance(value, Mapping):
        yield {name: value}
    elif not plain and isinstance(value, (Mapping, tuple, list)):
        yield from _read(value, {leaf: {leaf: shape} for leaf, shape in wanted[name].items()}, all_of_them=False)
