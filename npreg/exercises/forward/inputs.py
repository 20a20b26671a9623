"""The inputs of an exercise: symbolic shapes, how numbers are drawn for them, and which sizes are good.

With n = 4, d = 2 the mistakes "n times", "d² times" and "four times" are one and the same number. So sizes
are distinct, coprime, not powers of two and not twice one another, and keep away from sizes that are fixed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Any]
BANK_SIZES = ((7, 3, 5), (9, 5, 7), (11, 7, 3), (10, 3, 7))
CHECK_SIZES = ((9, 7, 5), (7, 5, 3), (5, 3, 7))
_MORE_SIZES = (3, 5, 7, 11, 13, 17, 19, 23, 29)
_RANGES = {"positive": ((0.35, 0.8), (1.2, 1.9)), "fraction": ((0.15, 0.4), (0.6, 0.85))}
_WHOLE = {"real": (-2, -1, 1, 2, 3), "positive": (2, 3), "fraction": (0.25, 0.75)}
_COUNTS = (6, 13, 14, 15, 17, 18, 19)
DRAWS = (*_WHOLE, "count", "labels", "one-hot", "classes")


@dataclass(frozen=True)
class Input:
    """An input: its symbolic shape and how its probes are drawn.

    Parameters
    ----------
    shape : sizes, a letter for one that is drawn, a number for one that is fixed
    draw : ``"real"``, ``"positive"`` (a hyperparameter such as lam), ``"fraction"`` (strictly between 0 and
        1, not ½), ``"count"`` (a whole number that differs from every size), ``"labels"`` (floats 0 and 1),
        ``"one-hot"`` (rows with a single 1), ``"classes"`` (whole numbers from 0), or a function
        ``(rng, shape) -> array``
    bounds : the smallest and the largest number of ``"positive"``
    of : the number of ``"classes"``, or the letter for it
    """

    shape: tuple[str | int, ...] = ()
    draw: str | Draw = "real"
    bounds: tuple[float, float] | None = None
    of: str | int = 2

    def __post_init__(self) -> None:
        if not all(isinstance(s, str) or (isinstance(s, int) and s > 0) for s in self.shape):
            raise ValueError(f"sizes are letters, or whole numbers from 1; got {self.shape}")
        if not callable(self.draw) and self.draw not in DRAWS:
            raise ValueError(f"an input is drawn as {', '.join(DRAWS)} or by a function; got {self.draw!r}")

    def is_setting(self, own: bool) -> bool:
        """Whether it is a scalar setting (lam, lr), which can turn up as a factor, ``own`` functions included."""
        if callable(self.draw) and own and not self.shape:
            rng = np.random.default_rng(0)
            return all(self.numbers({}, rng) > 0 for _ in range(3))
        return not self.shape and self.draw in ("positive", "fraction", "count")

    def numbers(self, sizes: Mapping[str, int], rng: "np.random.Generator", whole: bool = False) -> Array:
        """Numbers for this input, drawn at random; ``whole`` ones are small and easy to redo on paper."""
        shape = tuple(sizes[s] if isinstance(s, str) else s for s in self.shape)
        if callable(self.draw):
            own = np.asarray(self.draw(rng, shape))
            if own.shape != shape:
                raise ValueError(f"the function that draws it returns shape {own.shape}, not {shape}")
            return np.rint(own) if whole and own.dtype.kind == "f" else own
        if self.draw in ("labels", "one-hot", "classes"):
            one_hot, of = self.draw == "one-hot", sizes[self.of] if isinstance(self.of, str) else self.of
            rows, kinds = (shape[:1], shape[1]) if one_hot else (shape, of)
            drawn: Array = (rng.permuted(np.arange(int(np.prod(rows)))) % kinds).reshape(rows)
            return drawn if self.draw == "classes" else np.eye(kinds)[drawn] if one_hot else drawn.astype(float)
        if self.draw == "count" and whole:
            return np.full(shape, max(sizes.values(), default=1) + 1)
        if self.draw == "count":
            near = {n + by for size in sizes.values() for n, by in ((size, 0), (2 * size, 0), (size, 1), (size, -1))}
            return np.asarray(rng.choice([c for c in _COUNTS if c not in near] or [37], shape))
        if whole:
            return np.asarray(rng.choice(np.array(_WHOLE[self.draw]), shape), dtype=float)
        if self.bounds is not None:
            low, high = np.log(self.bounds)
            return np.asarray(np.exp(rng.uniform(low, high, shape)))
        if self.draw in _RANGES:
            return np.asarray(rng.choice([rng.uniform(low, high, shape) for low, high in _RANGES[self.draw]]))
        sign = np.where(rng.random(shape) < 0.65, 1.0, -1.0)
        return np.asarray(sign * rng.uniform(0.15, 1.6, shape))


def real(*shape: str | int) -> Input:
    """Real numbers of either sign; ``real("n", "d")`` is a matrix, ``real()`` a scalar."""
    return Input(shape)


def positive(*shape: str | int, low: float | None = None, high: float | None = None) -> Input:
    """Positive numbers: ``lam``, ``delta``, ``lr``; near 1, or between ``low`` and ``high`` (0 < low < high)."""
    if low is None and high is None:
        return Input(shape, "positive")
    if low is None or high is None or not 0 < low < high < np.inf:
        raise ValueError(f"positive needs 0 < low < high, got low={low} and high={high}")
    return Input(shape, "positive", (float(low), float(high)))


def fraction(*shape: str | int) -> Input:
    """Numbers strictly between 0 and 1, never ½: ``tau``."""
    return Input(shape, "fraction")


def count(*shape: str | int) -> Input:
    """Whole numbers that differ from every size: ``batch_size``."""
    return Input(shape, "count")


def labels(*shape: str | int) -> Input:
    """Labels 0.0 and 1.0, both present."""
    return Input(shape, "labels")


def one_hot(*shape: str | int) -> Input:
    """Rows of zeros with a single 1.0."""
    return Input(shape, "one-hot")


def classes(*shape: str | int, of: str | int) -> Input:
    """Whole numbers 0 … ``of`` - 1 that name classes: ``classes("n", of="k")`` beside scores ("n", "k")."""
    return Input(shape, "classes", of=of)


def completed(start: Sequence[int], symbols: int, fixed: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Good sizes for so many symbols, those that begin like ``start`` first.

    >>> next(completed((7, 3, 5), 4, fixed=())), next(completed((7, 3, 5), 3, fixed=[5]))
    ((7, 3, 5, 11), (7, 3, 11))
    """
    pool = list(dict.fromkeys([*start, *_MORE_SIZES]))

    def extend(sizes: tuple[int, ...], strict: bool) -> Iterator[tuple[int, ...]]:
        if len(sizes) == symbols:
            yield sizes
            return
        for size in pool:
            if size not in sizes and (not strict or _apart(size, sizes, fixed)):
                yield from extend((*sizes, size), strict)

    yield from extend((), True)
    yield from extend((), False)


def _apart(size: int, others: Sequence[int], fixed: Sequence[int]) -> bool:
    """Whether no two products of sizes and small numbers coincide by accident."""
    if size & (size - 1) == 0 or any(gcd(size, other) > 1 or abs(size - other) == 1 for other in others):
        return False
    return not any(size in (f - 1, f, f + 1, 2 * f) or f == 2 * size for f in fixed if f > 1)
