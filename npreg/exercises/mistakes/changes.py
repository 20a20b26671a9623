"""The small changes of a value, a local derivative or what arrives from above, of which mistakes are made."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Array
from npreg.exercises.forward.tape import Edit


def plain(change: Any) -> Edit:
    """The same change whatever else is on the tape."""
    return lambda value, tape: change(value)


ZERO, ONE = (plain(partial(like, dtype=float)) for like in (np.zeros_like, np.ones_like))
NEGATIVE, SQUARE, ABSOLUTE, TRANSPOSE = map(plain, (np.negative, np.square, np.abs, np.transpose))
ROLL, ROLL_BACK = (plain(partial(np.roll, shift=by, axis=0)) for by in (1, -1))
TIMES = tuple(plain(partial(np.multiply, factor)) for factor in (0.0, 1.0, 2.0))
MEAN = plain(lambda value: np.broadcast_to(np.mean(value, axis=0), value.shape))
COLUMN_OR_FLAT = plain(lambda value: value[:, None] if value.ndim == 1 else value.ravel())
ABSENT = (ZERO, ONE, NEGATIVE)
THRESHOLDS = (NEGATIVE, ABSOLUTE, SQUARE, plain(lambda a: 2.0 * a), plain(lambda a: a / 2.0), ONE, ZERO)
OPPOSITE, ALWAYS, NEVER = map(plain, (np.logical_not, np.ones_like, np.zeros_like))

PATTERN = plain(lambda jacobian: (jacobian != 0).astype(float))
IDENTITY = plain(lambda jacobian: np.eye(*jacobian.shape))
DIAGONAL = plain(lambda jacobian: np.diag(np.diag(jacobian)))
AND_DIAGONAL = plain(lambda jacobian: jacobian * np.diag(jacobian))
SQUARED_MATRIX = plain(lambda jacobian: jacobian @ jacobian)
EVERYWHERE = plain(lambda jacobian: np.tile(np.diag(jacobian)[:, None], (1, jacobian.shape[1])))


def take(other: str) -> Edit:
    return lambda value, tape: tape.values[other]


def times(other: str) -> Edit:
    return lambda value, tape: value * tape.values[other]


def parts(axis: int) -> list[tuple[str, Callable[[Array], Array]]]:
    """What loops keep along an axis, the first or the last alone or all but one of them, and the code for it."""

    def kept(value: Array, place: int, only: bool) -> Array:
        chosen = np.indices(value.shape)[axis] == place % value.shape[axis]
        return np.where(chosen == only, value, 0.0)

    rows = (("first-only", 0, True), ("last-only", -1, True), ("off-by-one", -1, False), ("off-by-one", 0, False))
    return [(code, partial(kept, place=place, only=only)) for code, place, only in rows]


def summed(axes: tuple[int, ...]) -> Edit:
    return plain(partial(np.sum, axis=axes))


def constant(array: Array) -> Edit:
    return lambda value, tape: array.reshape(value.shape)
