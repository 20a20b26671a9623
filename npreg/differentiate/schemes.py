"""Numerical derivatives of NumPy functions of named arrays, with an honest error for every entry.

Two schemes watch each other:

    complex step   Im f(x + i·h·v) / h,  h = 1e-20    nothing is subtracted: exact to rounding
    differences    (f(x + h·v) − f(x − h·v)) / 2h      extrapolated to h = 0 over a ladder of relative steps

`np.abs`, `np.vdot`, `np.real` or a comparison make the complex step silently wrong, so it is believed only where
differences along a random direction agree; otherwise these decide.

Sources: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
(1998); C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982);
for the noise J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate import steps
from npreg.differentiate.steps import Array, Curve, Function, along, as_float_inputs, as_values, call, real

Move: TypeAlias = Mapping[str, Array]
EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP = 1e-20
UNSEEN = 1e3  # a slope of so many times the function's rounding cannot be told from none
RATIO = 4.0
STEPS = 0.25 * RATIO ** -np.arange(10.0)  # relative: 1/4 … 1e-6
FINE_STEPS = 0.25 * RATIO ** -np.arange(20.0)  # … 1e-12, only to tell a kink from a near one
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

    def each(self, change: Callable[[Any], Any], over: Any = 1.0) -> "Derivative":
        """The same with every array changed in shape, and the numbers divided."""
        return Derivative._make([*(change(field) / over for field in self[:4]), change(self.kink), self.method])


def jacobian(function: Function, inputs: Mapping[str, Any], name: str) -> Array:
    """The dense Jacobian of a function with respect to one named argument.

        J[i…, j…] = ∂ f(inputs)[i…] / ∂ inputs[name][j…]

    `function(**inputs)` returns an array or a number; floats are handed over in float64, always as copies. `name`
    is the argument to vary; integers become floats. The result has the function's output shape followed by the
    argument's, in float64; at a kink it is the middle of the one-sided derivatives, which `derivative` tells
    apart. ValueError where there is no such input, TypeError where the input or the output is not real numbers.

    >>> jacobian(lambda x: x[:2] ** 2, {"x": np.array([1.0, 2.0, 3.0])}, "x")
    array([[2., 0., 0.],
           [0., 4., 0.]])
    """
    return derivative(function, inputs, name).value


def gradient(function: Function, inputs: Mapping[str, Any], name: str) -> Array:
    """The gradient of a scalar function with respect to one named argument, in that argument's shape.

    Parameters and exceptions are those of `jacobian`; ValueError also for an output of more than one entry.

    >>> gradient(lambda w: np.sum(w**2) / 2, {"w": np.array([3.0, 4.0])}, "w")
    array([3., 4.])
    """
    result = jacobian(function, inputs, name)
    shape = np.shape(inputs[name])
    output = result.shape[: result.ndim - len(shape)]
    if int(np.prod(output)) != 1:
        raise ValueError(f"the function returns shape {output}, not a scalar; use jacobian, or sum it first")
    return result.reshape(shape)


def derivative(function: Function, inputs: Mapping[str, Any], name: str | Mapping[str, Any]) -> Derivative:
    """The dense Jacobian with its error estimate, its kinks and their one-sided bounds.

    Parameters and exceptions are those of `jacobian`; in the place of a name, directions are as in `directional`.

    >>> d = derivative(lambda x: np.abs(x), {"x": 0.0}, "x")
    >>> bool(d.kink), float(d.lower), float(d.upper)
    (True, -1.0, 1.0)
    """
    with steps.quiet():
        base, moves, scale = _asked(function, inputs, name)
        found = columns(function, base, moves)
        shape = found.value.shape[:-1] + scale.shape
        return found.each(lambda field: field.reshape(shape), over=scale)


def directional(function: Function, inputs: Mapping[str, Any], directions: Mapping[str, Any]) -> Derivative:
    """The derivative along one direction in the space of all named arguments.

        d/dt f(inputs + t·directions) at t = 0

    `directions` are arrays of the shapes of the inputs that they name; other inputs stay as they are. Their
    length sets the largest step: choose it comparable to the inputs. The result's arrays have the function's
    output shape; the rest is as for `jacobian`.

    >>> d = directional(lambda x, y: x * y, {"x": 2.0, "y": 3.0}, {"x": 1.0, "y": 1.0})
    >>> float(d.value)
    5.0
    """
    return derivative(function, inputs, directions)


def term_sizes(
    function: Function, inputs: Mapping[str, Any], what: str | Mapping[str, Any], *, analytic: bool = True
) -> Array:
    """Σ|terms| of each derivative: the sum that makes it up, with absolute values.

        max(|J|, Σ_i |x_i ∂J/∂x_i|) over all numbers x_i, given or computed on the way

    It is what rounding is relative to: near an optimum the terms of a gradient cancel, and the gradient is
    known to eps · Σ|terms|, not to eps · |gradient|; and where the derivative is zero whatever the inputs (a
    bias in front of a centring), nothing but the rounding of the steps is left of it.

    `what` is an input to vary, as for `jacobian`, or the directions, as for `directional`. Without `analytic` the
    derivatives are plain central differences, which see the terms of the inputs only.

    >>> x = {"x": np.array([1.0, 2.0, -3.0 + 1e-9])}
    >>> bool(1 < float(term_sizes(lambda x: np.sum(x) ** 2, x, "x")[0]) < 100)
    True
    >>> bool(0.1 < float(term_sizes(lambda x: np.sum(x - np.mean(x)), x, "x")[0]) < 10)
    True
    """
    with steps.quiet():
        base, moves, scale = _asked(function, inputs, what)
        sizes = column_sizes(function, base, moves, analytic)
        return np.asarray(sizes.reshape(sizes.shape[:-1] + scale.shape) / scale)


def _asked(
    function: Function, inputs: Mapping[str, Any], what: str | Mapping[str, Any]
) -> tuple[dict[str, Any], list[Move], Array]:
    """The inputs as floats, a move for each entry of one of them, or for all directions, and how far each goes."""
    if not isinstance(inputs, Mapping) or not isinstance(what, (str, Mapping)):
        raise TypeError("inputs and directions must be mappings name → array, and name a text")
    try:
        inspect.signature(function).bind(**inputs)
    except (TypeError, ValueError) as error:
        if not callable(function) or isinstance(error, TypeError):
            raise TypeError(f"the function cannot be called with the inputs by their names: {error}") from None
    varied = [what] if isinstance(what, str) else list(what)
    for name in varied:
        if name not in inputs:
            raise ValueError(f"there is no input {name!r}; the inputs are {', '.join(inputs)}")
    base = as_float_inputs(inputs, varied)
    if isinstance(what, str):
        scale = steps.natural_scale(function, base, what)
        return base, one_by_one(what, scale), scale
    move = {name: as_values(direction, f"direction {name!r}", np.float64) for name, direction in what.items()}
    for name, direction in move.items():
        if direction.shape != base[name].shape:
            raise ValueError(f"the direction for {name!r} has shape {direction.shape}, the input {base[name].shape}")
    return base, [move], np.ones(())


def columns(function: Function, base: Mapping[str, Any], moves: Sequence[Move]) -> Derivative:
    """The derivatives along moves of the same inputs, as columns; differences confirm a combination, or each."""
    if not moves:
        return _exact(np.zeros((*call(function, base).shape, 0)))
    curves = [along(function, base, move) for move in moves]
    slopes = [slope for slope in map(_complex_slope, curves) if slope is not None]
    exact = np.stack(slopes, axis=-1) if len(slopes) == len(curves) else None
    amounts, together = _combination(moves)
    curve = along(function, base, together)
    noise, start = noise_of(curve), real(curve(0.0))
    reach = [np.abs(real(curve(t)) - start) / abs(t) for t in (0.25, -0.25, 2.0**-7, -(2.0**-7))]
    faint = 2.5e-7 * np.nan_to_num(np.fmax.reduce(reach))  # of a slope: a millionth of how far the function moves
    if exact is not None:
        slack, found = 1e3 * EPS * np.abs(exact) @ np.abs(amounts), slope_of(curve, noise)
        if not (good := _confirmed(exact @ amounts, found, faint, slack)).all():  # the rounding costs many calls
            faint = np.fmax(faint, UNSEEN * value_rounding(function, base, together))
            good = _confirmed(exact @ amounts, found, faint, slack)
        if good.all():
            return _exact(exact)
    each = [slope_of(curve, noise) for curve in curves]
    found = Derivative._make([*(np.stack([one[k] for one in each], axis=-1) for k in range(5)), "differences"])
    if exact is None:
        return found
    good = _confirmed(exact, found, faint[..., None], 1e3 * EPS * np.abs(exact))
    method = "complex step" if good.all() else "mixed" if good.any() else "differences"
    fields = [np.where(good, *pair) for pair in zip(_exact(exact)[:5], found[:5], strict=True)]
    return Derivative._make([*fields, method])


def _combination(moves: Sequence[Move]) -> tuple[Array, Move]:
    """Random amounts of the moves, and their sum, which goes about as far as each."""
    amounts = steps.random_direction(np.ones(len(moves)), np.random.default_rng(0))
    total = {name: sum(a * move[name] for a, move in zip(amounts, moves, strict=True)) for name in moves[0]}
    arrays = [[*map(np.ravel, move.values())] for move in (total, *moves)]
    length, *each = (float(np.max(np.abs(np.concatenate([*parts, [0.0]])))) for parts in arrays)
    shrink = 2.0 ** -max(0.0, np.ceil(np.log2(length / max(each)) - 1)) if max(each) > 0 else 1.0
    return amounts * shrink, {name: np.asarray(array * shrink) for name, array in total.items()}


def column_sizes(function: Function, base: Mapping[str, Any], moves: Sequence[Move], analytic: bool) -> Array:
    """Σ|terms| of each column of `columns`."""

    def slope(curve: Curve) -> Array:
        """A slope comparable between neighbouring points: one complex or one central step."""
        exact, h = _complex_slope(curve) if analytic else None, 2.0**-10
        return (real(curve(h)) - real(curve(-h))) / (2 * h) if exact is None else exact

    def slopes(of: Function, at: Mapping[str, Any]) -> Array:
        found = [slope(along(of, at, move)) for move in moves]
        return np.stack(found, axis=-1) if found else np.zeros((*call(function, base).shape, 0))

    return steps.sizes_of(slopes, function, base, steps=analytic)


def one_by_one(name: str, scale: Array) -> list[Move]:
    """A move for each entry of an input."""
    return [{name: row.reshape(scale.shape)} for row in np.diag(scale.ravel())]


def _complex_slope(curve: Curve) -> Array | None:
    """Im f(x + ihv)/h; None where the function does not take complex numbers."""
    try:
        return np.asarray(curve(1j * COMPLEX_STEP).imag / COMPLEX_STEP, dtype=np.float64)
    except Exception:
        return None  # whatever a function does with complex numbers, the differences still apply


def _exact(value: Array) -> Derivative:
    return Derivative(value, 4 * EPS * np.abs(value), value, value, np.zeros(value.shape, bool), "complex step")


def value_rounding(function: Function, inputs: Mapping[str, Any], moves: Mapping[str, Array]) -> Array:
    """How large the rounding errors of the function's values are, in its output's shape."""
    sizes = steps.sizes_of(lambda of, at: real(call(of, at)), function, inputs)
    return np.asarray(np.fmax(noise_of(along(function, inputs, moves)), EPS * sizes))


def _confirmed(exact: Array, found: Derivative, faint: Array, slack: Array) -> NDArray[np.bool_]:
    """Where differences confirm the complex step: they agree, and know enough to disagree."""
    close = np.abs(exact - found.value) <= 5 * found.error + slack
    return np.asarray(close & ~found.kink & (found.error <= np.maximum(faint, 1e-6 * np.abs(exact))))


def noise_of(curve: Curve) -> Array:
    """The rounding error of the function's values: their fourth differences, on a grid where f's own vanish."""
    values = np.stack([[real(curve(place + t)) for t in NOISE_STEPS] for place in NOISE_PLACES])
    levels = np.max(np.abs(np.diff(values, 4, axis=1)), axis=1) / np.sqrt(70.0)
    return np.asarray(2 * np.sort(levels, axis=0)[1])  # the second quietest place: some may have a kink


def slope_of(curve: Curve, noise: Array, ladder: Array = STEPS) -> Derivative:
    """The derivative of a curve at t = 0 from differences alone; `noise` is that of `noise_of`.

    A kink at the point is told from one nearby: its jump is the same at every step until rounding hides it; curvature's
    shrinks with the step, and that of a kink at a distance ends abruptly. The last jump that stands out from the noise
    counts.
    """
    start = curve(0.0)
    middle, eps = real(start), np.finfo(start.dtype if start.dtype.kind == "f" else float).eps
    column = (-1,) + (1,) * middle.ndim
    h, rows = ladder.reshape(column), np.arange(len(ladder)).reshape(column)
    plus, minus = (np.stack([real(curve(side * t)) for t in ladder]) for side in (1, -1))
    central, forward, backward = (plus - minus) / (2 * h), (plus - middle) / h, (middle - minus) / h
    jump = forward - backward
    rounding = np.finfo(float).eps * np.maximum(np.abs(plus), np.abs(minus))
    level = 2 * np.fmax(rounding, np.fmax(noise, float(eps) * np.abs(middle))) / h
    value, error = _extrapolated(central, level, 2, jump)
    error = np.where(jump.any(axis=0) | central.any(axis=0), error, 0.0)
    seen = (np.abs(jump) > 10 * level) & (rows >= KINK_LEVEL)
    last = np.max(np.where(seen, rows, 0), axis=0)[None]
    size, before = (np.abs(np.take_along_axis(jump, row, 0)[0]) for row in (last, np.maximum(last - 1, 0)))
    hidden = size < 15 * RATIO * np.take_along_axis(level, last, 0)[0]
    kink = (size >= 0.5 * before) & (hidden | (last[0] == len(ladder) - 1))
    kink |= (error > size / 4) & (size > 0)  # or it is too near to be told from one
    kink &= seen.any(axis=0)
    if ladder is STEPS:
        unclear = kink | ~(error <= 1e-4 * np.max(np.abs(np.nan_to_num(central)), axis=0))
        clear = Derivative(value, error, value, value, kink, "differences")
        return slope_of(curve, noise, FINE_STEPS) if unclear.any() else clear
    right, right_error = _extrapolated(forward, level, 1)
    left, left_error = _extrapolated(backward, level, 1)
    kink &= ~(np.abs(right - left) <= 10 * (left_error + right_error))
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
