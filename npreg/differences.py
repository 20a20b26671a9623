"""The derivative of a curve t → f(x + t·v) at t = 0, from function values alone.

    (f(x + h·v) − f(x − h·v)) / 2h

over a ladder of steps h, extrapolated to h = 0. Every value comes with an error estimate, and where the two
one-sided derivatives differ (a kink) both are returned. All outputs of the function are treated at once.

Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4
(1982).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Curve", "Derivative", "extrapolate", "noise_of", "real", "slope_of"]

Array: TypeAlias = NDArray[np.float64]
Curve: TypeAlias = Callable[[complex], NDArray[Any]]

RATIO = 4.0
STEPS = 0.25 * RATIO ** -np.arange(10.0)  # relative: 1/4 … 1e-6
FINE_STEPS = STEPS[-1] * RATIO ** -np.arange(1.0, 11.0)  # … 1e-12, only to tell a kink from a near one
KINK_LEVEL = 5  # kinks are looked for from STEPS[5] = 2.4e-4 on
NOISE_STEPS = 2.0**-13 + 2.0**-17 * np.arange(6.0)


class Derivative(NamedTuple):
    """A numerical derivative: arrays of the function's output shape, then the shape of what was varied.

    value: the derivative; at a kink the middle of the two one-sided derivatives
    error: an estimate of |value − truth|, at a kink of each bound; on top of it comes the rounding of the
        function's own arithmetic, some ten times eps · `term_sizes`
    lower, upper: the smaller and the larger one-sided derivative, equal to `value` away from kinks
    kink: True where the two one-sided derivatives differ
    method: "complex step", "differences", or "mixed" where some entries needed the latter
    """

    value: Array
    error: Array
    lower: Array
    upper: Array
    kink: NDArray[np.bool_]
    method: str


def real(value: NDArray[Any]) -> Array:
    return np.asarray(value.real, dtype=np.float64)


def noise_of(curve: Curve) -> Array:
    """The rounding error of the function's values: what is left of them in fourth differences.

    On a grid this fine, f's own fourth difference vanishes. The quieter side counts: a kink may lie on the
    other.

    Source: J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
    """
    sides = []
    for sign in (1.0, -1.0):
        values = np.stack([real(curve(sign * t)) for t in NOISE_STEPS])
        sides.append(np.max(np.abs(np.diff(values, 4, axis=0)), axis=0) / np.sqrt(70.0))
    return np.asarray(2 * np.fmin(sides[0], sides[1]))


def slope_of(curve: Curve, noise: Array) -> Derivative:
    """The derivative of a curve at t = 0 from differences alone."""
    middle = curve(0.0)
    eps = np.finfo(middle.dtype).eps if middle.dtype.kind == "f" else np.finfo(float).eps
    noise = np.fmax(noise, float(eps) * np.abs(real(middle)))
    ladder = _Ladder(curve, real(middle), noise, STEPS)
    jump = ladder.jump_at(KINK_LEVEL)
    suspicious = np.abs(jump) > ladder.jump_threshold(KINK_LEVEL)
    if not suspicious.any():
        value, error = extrapolate(ladder.central, ladder.noise, ladder.steps, 2)
        error = np.where(ladder.jump.any(axis=0) | ladder.central.any(axis=0), error, 0.0)  # never moved
        return Derivative(value, error, value, value, np.zeros(value.shape, bool), "differences")
    ladder = _Ladder(curve, real(middle), noise, np.concatenate([STEPS, FINE_STEPS]))
    return _with_kinks(ladder, suspicious)


class _Ladder:
    """Function values at x ± h·v for a ladder of steps h, and the slopes made from them.

    Arrays have one row per step, largest first.
    """

    def __init__(self, curve: Curve, middle: Array, noise: Array, steps: Array) -> None:
        self.steps = steps
        column = (-1,) + (1,) * middle.ndim
        h = steps.reshape(column)
        plus = np.stack([real(curve(t)) for t in steps])
        minus = np.stack([real(curve(-t)) for t in steps])
        self.central = (plus - minus) / (2 * h)
        self.forward = (plus - middle) / h
        self.backward = (middle - minus) / h
        self.jump = self.forward - self.backward
        rounding = np.finfo(float).eps * np.maximum(np.abs(plus), np.abs(minus))
        self.noise = 2 * np.fmax(rounding, noise) / h

    def jump_at(self, level: int) -> Array:
        """Right minus left derivative, the curvature's linear part h·f″ removed.

        The smallest of three successive estimates, so that one unlucky rounding does not make a kink.
        """
        rows = [
            (RATIO * self.jump[k + 1] - self.jump[k]) / (RATIO - 1) for k in (level, level + 1, level + 2)
        ]
        return np.asarray(np.nan_to_num(np.min(np.abs(rows), axis=0)))

    def jump_threshold(self, level: int) -> Array:
        slope = np.nanmax(np.abs(self.central[level:]), axis=0, initial=0.0)
        return np.asarray(50 * self.noise[level + 3] + 1e-8 * slope)


def _with_kinks(ladder: _Ladder, suspicious: NDArray[np.bool_]) -> Derivative:
    """Tell a kink at the point from one nearby: the former's jump survives every smaller step."""
    size = ladder.jump_at(KINK_LEVEL)
    seen = np.abs(ladder.jump) >= 0.5 * size
    visible = ladder.noise < 0.1 * size
    rows = np.arange(len(ladder.steps)).reshape((-1,) + (1,) * size.ndim)
    late = rows >= KINK_LEVEL
    kink = suspicious & np.all(seen | ~visible | ~late, axis=0) & np.any(visible & late, axis=0)
    last_seen = np.max(np.where(seen & visible, rows, -1), axis=0)
    clean = (rows > last_seen) | ~suspicious  # steps that do not reach the kink nearby
    value, error = extrapolate(np.where(clean, ladder.central, np.nan), ladder.noise, ladder.steps, 2)
    kink |= suspicious & ~np.isfinite(error)  # too near to be told from one
    right, right_error = extrapolate(ladder.forward, ladder.noise, ladder.steps, 1)
    left, left_error = extrapolate(ladder.backward, ladder.noise, ladder.steps, 1)
    kink &= ~(np.abs(right - left) <= 10 * (left_error + right_error)) | ~np.isfinite(error)
    return Derivative(
        value=np.where(kink, (left + right) / 2, value),
        error=np.where(kink, np.maximum(left_error, right_error), error),
        lower=np.where(kink, np.minimum(left, right), value),
        upper=np.where(kink, np.maximum(left, right), value),
        kink=kink,
        method="differences",
    )


def extrapolate(slopes: Array, noise: Array, steps: Array, order: int) -> tuple[Array, Array]:
    """Richardson extrapolation to step zero, each entry from the part of the table that agrees best.

        T[i, j] = (c·T[i, j−1] − T[i−1, j−1]) / (c − 1),   c = (h[i−1] / h[i])^(order·j)

    Parameters
    ----------
    slopes, noise : (s, ...)
        One row per step, largest step first, and the rounding error of each; NaN rows are left out.
    steps : (s,)
        Each is the previous one divided by a constant.
    order : int
        2 for central, 1 for one-sided differences.

    Returns
    -------
    limit, error : (...)
        The error estimate is the larger of the disagreement with the neighbours in the table and of the
        rounding error.
    """
    ratio = float(steps[0] / steps[1])
    best = slopes[-1]
    error = np.full(best.shape, np.inf)
    previous = [slopes]
    for j in range(1, min(len(steps), 7)):
        factor = ratio ** (order * j)
        column = (factor * previous[-1][1:] - previous[-1][:-1]) / (factor - 1)
        doubt = np.maximum(np.abs(column - previous[-1][1:]), np.abs(column - previous[-1][:-1]))
        doubt = np.nan_to_num(np.maximum(doubt, 2 * noise[j:]), nan=np.inf)
        after = np.where(np.isfinite(doubt[1:]), doubt[1:], 0.0)
        doubt[:-1] = np.maximum(doubt[:-1], after / 2)  # agreement by luck does not last to the next row
        row = np.argmin(doubt, axis=0)[None]
        found = np.take_along_axis(doubt, row, 0)[0]
        better = found < error
        best = np.where(better, np.take_along_axis(column, row, 0)[0], best)
        error = np.where(better, found, error)
        previous.append(column)
    return best, error
