"""Numerical derivatives of NumPy functions of named arrays, with an honest error for every entry.

Two schemes watch each other:

    complex step   Im f(x + i·h·v) / h,  h = 1e-20    nothing is subtracted: exact to rounding
    differences    (f(x + h·v) − f(x − h·v)) / 2h      extrapolated to h = 0 over a ladder of relative steps

`np.abs`, `np.vdot`, `np.real` or a comparison make the complex step silently wrong, so it is believed only where
differences along a random direction agree; otherwise these decide.

Source: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM
Review 40 (1998).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate import steps
from npreg.differentiate.differences import Array, Curve, Derivative, noise_of, real, slope_of
from npreg.differentiate.steps import Function, along, as_float_inputs, as_values, call, natural_scale, quiet

Move: TypeAlias = Mapping[str, Array]
EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP = 1e-20
UNSEEN = 1e3  # a slope of so many times the function's rounding cannot be told from none


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
    with quiet():
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
    with quiet():
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
        scale = natural_scale(function, base, what)
        return base, one_by_one(what, scale), scale
    move = {name: as_values(direction, f"direction {name!r}", np.float64) for name, direction in what.items()}
    for name, direction in move.items():
        if direction.shape != base[name].shape:
            raise ValueError(f"the direction for {name!r} has shape {direction.shape}, the input {base[name].shape}")
    return base, [move], np.ones(())


def columns(function: Function, base: Mapping[str, Any], moves: Sequence[Move]) -> Derivative:
    """The derivatives along several moves of the same inputs, as columns; differences confirm a combination, or each."""
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
        faint = np.fmax(faint, UNSEEN * value_rounding(function, base, together))
        slack = 1e3 * EPS * np.abs(exact) @ np.abs(amounts)
        if _confirmed(exact @ amounts, slope_of(curve, noise), faint, slack).all():
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
