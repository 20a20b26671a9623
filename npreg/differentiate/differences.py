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
STEPS = 0.25 * RATIO ** -np.arange(20.0)  # relative: 1/4 … 1e-12, the smallest to tell a kink from a near one
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
    """The derivative of a curve at t = 0 from differences alone; `noise` is that of `noise_of`.

    A kink at the point is told from one nearby: its jump is the same at every step until rounding hides it; curvature's
    shrinks with the step, and that of a kink at a distance ends abruptly. The last jump that stands out from the noise
    counts.
    """
    start = curve(0.0)
    middle, eps = real(start), np.finfo(start.dtype if start.dtype.kind == "f" else float).eps
    column = (-1,) + (1,) * middle.ndim
    h, rows = STEPS.reshape(column), np.arange(len(STEPS)).reshape(column)
    plus, minus = (np.stack([real(curve(side * t)) for t in STEPS]) for side in (1, -1))
    central, forward, backward = (plus - minus) / (2 * h), (plus - middle) / h, (middle - minus) / h
    jump = forward - backward
    rounding = np.finfo(float).eps * np.maximum(np.abs(plus), np.abs(minus))
    noise = 2 * np.fmax(rounding, np.fmax(noise, float(eps) * np.abs(middle))) / h
    value, error = _extrapolated(central, noise, 2, jump)
    error = np.where(jump.any(axis=0) | central.any(axis=0), error, 0.0)
    right, right_error = _extrapolated(forward, noise, 1)
    left, left_error = _extrapolated(backward, noise, 1)
    seen = (np.abs(jump) > 10 * noise) & (rows >= KINK_LEVEL)
    last = np.max(np.where(seen, rows, 0), axis=0)[None]
    size, before = (np.abs(np.take_along_axis(jump, row, 0)[0]) for row in (last, np.maximum(last - 1, 0)))
    hidden = size < 15 * RATIO * np.take_along_axis(noise, last, 0)[0]
    kink = (size >= 0.5 * before) & (hidden | (last[0] == len(STEPS) - 1))
    kink |= (error > size / 4) & (size > 0)  # or it is too near to be told from one
    kink &= seen.any(axis=0) & ~(np.abs(right - left) <= 10 * (left_error + right_error))
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
