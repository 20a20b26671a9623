"""The derivative of a curve t → f(x + t·v) at t = 0, from function values alone; all outputs are treated at once.

Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4
(1982); the noise: J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Curve: TypeAlias = Callable[[complex], NDArray[Any]]

RATIO = 4.0
STEPS = 0.25 * RATIO ** -np.arange(10.0)  # relative: 1/4 … 1e-6
FINE_STEPS = STEPS[-1] * RATIO ** -np.arange(1.0, 11.0)  # … 1e-12, only to tell a kink from a near one
KINK_LEVEL = 5  # kinks are looked for from STEPS[5] = 2.4e-4 on
NOISE_PLACES = (2.0**-13, -(2.0**-12), 2.0**-4, -(2.0**-5))
NOISE_STEPS = 2.0**-17 * np.arange(6.0)


class Derivative(NamedTuple):
    """A numerical derivative: arrays of the function's output shape, then the shape of what was varied.

    Attributes
    ----------
    value : the derivative; at a kink the middle of the two one-sided derivatives
    error : an estimate of |value − truth|, at a kink of each bound; on top of it comes the rounding of the
        function's own arithmetic, some ten times eps · `term_sizes`
    lower, upper : the smaller and the larger one-sided derivative, equal to `value` away from kinks
    kink : True where the two one-sided derivatives differ
    method : "complex step", "differences", or "mixed" where some entries needed the latter
    """

    value: Array
    error: Array
    lower: Array
    upper: Array
    kink: NDArray[np.bool_]
    method: str

    def each(self, change: Callable[[Any], Any], over: Any = 1.0) -> Derivative:
        """The same with every array changed in shape, and the numbers divided."""
        return Derivative._make([*(change(field) / over for field in self[:4]), change(self.kink), self.method])


def real(value: NDArray[Any]) -> Array:
    return np.asarray(value.real, dtype=np.float64)


def noise_of(curve: Curve) -> Array:
    """The rounding error of the function's values: their fourth differences, on a grid where f's own vanish."""
    values = np.stack([[real(curve(place + t)) for t in NOISE_STEPS] for place in NOISE_PLACES])
    levels = np.max(np.abs(np.diff(values, 4, axis=1)), axis=1) / np.sqrt(70.0)
    return np.asarray(2 * np.sort(levels, axis=0)[1])  # the second quietest place: some may have a kink


def slope_of(curve: Curve, noise: Array) -> Derivative:
    """The derivative of a curve at t = 0 from differences alone; `noise` is that of `noise_of`."""
    middle = curve(0.0)
    eps = np.finfo(middle.dtype if middle.dtype.kind == "f" else float).eps
    noise = np.fmax(noise, float(eps) * np.abs(real(middle)))
    ladder = _Ladder(curve, real(middle), noise, STEPS)
    value, error = ladder.limit()
    # the one-sided slopes still differ at small steps, more than curvature (h·f″) explains
    rows = _eliminated(ladder.jump[KINK_LEVEL : KINK_LEVEL + 4], RATIO)
    jump = np.nan_to_num(np.min(np.abs(rows), axis=0))  # one unlucky rounding does not make a kink
    slope = np.nanmax(np.abs(ladder.central[KINK_LEVEL:]), axis=0, initial=0.0)
    suspicious = jump > 50 * ladder.noise[KINK_LEVEL + 3] + 1e-8 * slope
    suspicious |= ~(error <= 1e-4 * np.max(np.abs(np.nan_to_num(ladder.central)), axis=0))
    if suspicious.any():
        return _Ladder(curve, real(middle), noise, np.concatenate([STEPS, FINE_STEPS])).with_kinks(suspicious)
    return Derivative(value, error, value, value, np.zeros(value.shape, bool), "differences")


class _Ladder:
    """Function values at x ± h·v for a ladder of steps h, and the slopes from them: a row per step, largest first."""

    def __init__(self, curve: Curve, middle: Array, noise: Array, steps: Array) -> None:
        h = steps.reshape((-1,) + (1,) * middle.ndim)
        plus, minus = (np.stack([real(curve(side * t)) for t in steps]) for side in (1, -1))
        self.central = (plus - minus) / (2 * h)
        self.forward, self.backward = (plus - middle) / h, (middle - minus) / h
        self.jump = self.forward - self.backward
        rounding = np.finfo(float).eps * np.maximum(np.abs(plus), np.abs(minus))
        self.noise = 2 * np.fmax(rounding, noise) / h

    def limit(self) -> tuple[Array, Array]:
        """The central slopes' limit and its error."""
        value, error = _extrapolated(self.central, self.noise, 2, self.jump)
        moved = self.jump.any(axis=0) | self.central.any(axis=0)
        return value, np.where(moved, error, 0.0)

    def with_kinks(self, suspicious: NDArray[np.bool_]) -> Derivative:
        """Tell a kink at the point from one nearby, and find the one-sided derivatives of the former.

        A kink's jump is the same at every step until rounding hides it; curvature's shrinks with the step,
        and that of a kink at a distance ends abruptly. The last jump that stands out from the noise counts.
        """
        rows = np.arange(len(self.jump)).reshape((-1,) + (1,) * (self.jump.ndim - 1))
        seen = (np.abs(self.jump) > 10 * self.noise) & (rows >= KINK_LEVEL)
        last = np.max(np.where(seen, rows, 0), axis=0)[None]
        jump, before = (np.abs(np.take_along_axis(self.jump, row, 0)[0]) for row in (last, np.maximum(last - 1, 0)))
        hidden = jump < 15 * RATIO * np.take_along_axis(self.noise, last, 0)[0]
        here, at_end = seen.any(axis=0), last[0] == len(self.jump) - 1
        kink = here & (jump >= 0.5 * before) & (hidden | at_end)
        value, error = self.limit()
        kink |= here & (error > jump / 4) & (jump > 0)  # or it is too near to be told from one
        right, right_error = _extrapolated(self.forward, self.noise, 1)
        left, left_error = _extrapolated(self.backward, self.noise, 1)
        kink &= suspicious & ~(np.abs(right - left) <= 10 * (left_error + right_error))
        low, high = np.minimum(left, right), np.maximum(left, right)
        at_kink = (left + right) / 2, np.maximum(left_error, right_error), low, high
        fields = [np.where(kink, *pair) for pair in zip(at_kink, (value, error, value, value), strict=True)]
        return Derivative._make([*fields, kink, "differences"])


def _extrapolated(slopes: Array, noise: Array, order: int, jump: Array | None = None) -> tuple[Array, Array]:
    """Richardson extrapolation to step zero, and its error: each entry from the part of the table that agrees best.

        T[i, j] = (c·T[i, j−1] − T[i−1, j−1]) / (c − 1),   c = (h[i−1] / h[i])^(order·j)

    `order` is 2 for central, 1 for one-sided slopes; the error is the disagreement with the neighbours in the table,
    or the rounding, or what is left of `jump`, right minus left slope: it vanishes unless a kink lies within h.
    """
    best, column = slopes[-1], slopes
    error = np.full(best.shape, np.inf)
    for j in range(1, 7):
        previous, column = column, _eliminated(column, RATIO ** (order * j))
        doubt = np.maximum(np.abs(column - previous[1:]), np.abs(column - previous[:-1]))
        if jump is not None:
            jump = _eliminated(jump, RATIO ** (2 * j - 1))
            doubt = np.maximum(doubt, np.abs(jump) / 2)
        doubt = np.nan_to_num(np.maximum(doubt, 2 * noise[j:]), nan=np.inf)
        after = np.where(np.isfinite(doubt[1:]), doubt[1:], 0.0)
        doubt[:-1] = np.maximum(doubt[:-1], after / 2)  # agreement by luck does not last to the next row
        row = np.argmin(doubt, axis=0)[None]
        found = np.take_along_axis(doubt, row, 0)[0]
        best = np.where(found < error, np.take_along_axis(column, row, 0)[0], best)
        error = np.where(found < error, found, error)
    return best, error


def _eliminated(rows: Array, factor: float) -> Array:
    """One step of Richardson's: the term that shrinks by `factor` from row to row cancels."""
    return np.asarray((factor * rows[1:] - rows[:-1]) / (factor - 1))
