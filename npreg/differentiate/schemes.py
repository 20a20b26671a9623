"""Numerical derivatives of NumPy functions of named arrays, with an honest error for every entry.

Two schemes watch each other:

    complex step   Im f(x + i·h·v) / h,  h = 1e-20    nothing is subtracted: exact to rounding
    differences    (f(x + h·v) − f(x − h·v)) / 2h      extrapolated to h = 0 over a ladder of relative steps

The complex step needs an analytic function. `np.abs`, `np.linalg.norm`, `np.vdot`, `np.real` or a comparison
make it silently wrong, so it is believed only where differences along a random direction agree; otherwise the
differences decide. At a kink the two one-sided derivatives differ; both are returned, as `lower` and `upper`.

    jacobian, gradient     the plain arrays
    derivative             the same with error, bounds and kinks
    directional            along one direction in the space of all inputs

Source: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM
Review 40 (1998).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate.differences import Array, Curve, Derivative, noise_of, real, slope_of
from npreg.differentiate.rounding import sizes_of
from npreg.differentiate.steps import Function, along, as_float_inputs, call, natural_scale, quiet, random_direction

__all__ = ["Derivative", "derivative", "directional", "gradient", "jacobian", "term_sizes"]

Move: TypeAlias = Mapping[str, Array]
EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP = 1e-20
UNSEEN = 1e3  # a slope of so many times the function's rounding cannot be told from none


def jacobian(function: Function, inputs: Mapping[str, Any], name: str) -> Array:
    """The dense Jacobian of a function with respect to one named argument.

        J[i…, j…] = ∂ f(inputs)[i…] / ∂ inputs[name][j…]

    Parameters
    ----------
    function : callable
        Called by keyword, `function(**inputs)`; returns an array or a number.
    inputs : mapping name → array
        Floats are handed over in float64, always as copies.
    name : str
        The argument to vary; integers become floats.

    Returns
    -------
    J : the function's output shape followed by the argument's shape, float64
        At a kink the middle of the two one-sided derivatives; `derivative` has the bounds and the error.

    Raises
    ------
    ValueError
        There is no such input.
    TypeError
        The input or the output is not real numbers.

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


def derivative(function: Function, inputs: Mapping[str, Any], name: str) -> Derivative:
    """The dense Jacobian with its error estimate, its kinks and their one-sided bounds.

    Parameters and exceptions are those of `jacobian`.

    >>> d = derivative(lambda x: np.abs(x), {"x": 0.0}, "x")
    >>> bool(d.kink), float(d.lower), float(d.upper)
    (True, -1.0, 1.0)
    """
    base = _base(inputs, name)
    with quiet():
        scale = natural_scale(function, base, name)
        found = columns(function, base, one_by_one(name, scale))
    shape = found.value.shape[:-1] + scale.shape
    return found.each(lambda field: field.reshape(shape), over=scale)


def directional(function: Function, inputs: Mapping[str, Any], directions: Mapping[str, Any]) -> Derivative:
    """The derivative along one direction in the space of all named arguments.

        d/dt f(inputs + t·directions) at t = 0

    Parameters
    ----------
    function, inputs
        As for `jacobian`.
    directions : mapping name → array of that input's shape
        Inputs without a direction stay as they are. The length sets the largest step: choose it comparable to
        the inputs.

    Returns
    -------
    Derivative
        Its arrays have the function's output shape.

    >>> d = directional(lambda x, y: x * y, {"x": 2.0, "y": 3.0}, {"x": 1.0, "y": 1.0})
    >>> float(d.value)
    5.0
    """
    base, moves = as_float_inputs(inputs, list(directions)), _moves(inputs, directions)
    with quiet():
        return columns(function, base, [moves]).each(lambda field: field[..., 0])


def term_sizes(
    function: Function, inputs: Mapping[str, Any], what: str | Mapping[str, Any], *, analytic: bool = True
) -> Array:
    """Σ|terms| of each derivative: the sum that makes it up, with absolute values.

        max(|J|, Σ_i |x_i ∂J/∂x_i|) over all numbers x_i, given or computed on the way

    It is what rounding is relative to: near an optimum the terms of a gradient cancel, and the gradient is
    known to eps · Σ|terms|, not to eps · |gradient|; and where the derivative is zero whatever the inputs (a
    bias in front of a centring), nothing but the rounding of the steps is left of it.

    Parameters
    ----------
    function, inputs
        As for `jacobian`.
    what : str or mapping
        The argument to vary, as for `jacobian`, or the directions, as for `directional`.
    analytic : bool
        Whether to use the complex step (`Derivative.method` says so) or plain central differences, which see
        the terms of the inputs only.

    Returns
    -------
    sizes : the derivative's shape, float64, not negative

    >>> x = {"x": np.array([1.0, 2.0, -3.0 + 1e-9])}
    >>> bool(1 < float(term_sizes(lambda x: np.sum(x) ** 2, x, "x")[0]) < 100)
    True
    >>> bool(0.1 < float(term_sizes(lambda x: np.sum(x - np.mean(x)), x, "x")[0]) < 10)
    True
    """
    with quiet():
        if isinstance(what, str):
            base = _base(inputs, what)
            scale = natural_scale(function, base, what)
            sizes = column_sizes(function, base, one_by_one(what, scale), analytic)
            return np.asarray(sizes.reshape(sizes.shape[:-1] + scale.shape) / scale)
        base, moves = as_float_inputs(inputs, list(what)), _moves(inputs, what)
        return np.asarray(column_sizes(function, base, [moves], analytic)[..., 0])


def columns(function: Function, base: Mapping[str, Any], moves: Sequence[Move]) -> Derivative:
    """The derivatives along several moves, as columns at the end.

    The complex step is believed for all where differences confirm it along one combination of them; else for
    each column apart.
    """
    curves = [along(function, base, move) for move in moves]
    if not curves:
        empty = np.zeros((*call(function, base).shape, 0))
        return _exact(empty)
    slopes = [_complex_slope(curve) for curve in curves]
    exact = None if any(slope is None for slope in slopes) else np.stack(slopes, axis=-1)  # type: ignore[arg-type]
    amounts, together = _combination(moves)
    curve = along(function, base, together)
    noise, faint = noise_of(curve), _faint(curve)
    if exact is not None:
        found, slack = slope_of(curve, noise), 1e3 * EPS * np.abs(exact) @ np.abs(amounts)
        if _confirmed(exact @ amounts, found, faint, slack).all():
            return _exact(exact)
        faint = np.fmax(faint, UNSEEN * value_rounding(function, base, together))
        if _confirmed(exact @ amounts, found, faint, slack).all():
            return _exact(exact)
    parts = [
        _believe(None if exact is None else exact[..., k], slope_of(curve, noise), faint)
        for k, curve in enumerate(curves)
    ]
    methods = {part.method for part in parts}
    fields: list[Any] = [np.stack([part[k] for part in parts], axis=-1) for k in range(5)]
    fields.append(methods.pop() if len(methods) == 1 else "mixed")
    return Derivative(*fields)


def _combination(moves: Sequence[Move]) -> tuple[Array, Move]:
    """Random amounts of the moves, and their sum, which goes about as far as each."""
    amounts = random_direction(np.ones(len(moves)), np.random.default_rng(0))
    names = {name for move in moves for name in move}
    total = {n: sum(a * move[n] for a, move in zip(amounts, moves, strict=True) if n in move) for n in names}
    longest = max((float(np.max(np.abs(m), initial=0.0)) for move in moves for m in move.values()), default=0.0)
    reach = max((float(np.max(np.abs(total[n]), initial=0.0)) for n in names), default=0.0)
    shrink = 2.0 ** -max(0.0, np.ceil(np.log2(reach / longest) - 1)) if longest > 0 else 1.0
    return amounts * shrink, {name: np.asarray(total[name] * shrink) for name in names}


def column_sizes(function: Function, base: Mapping[str, Any], moves: Sequence[Move], analytic: bool) -> Array:
    """Σ|terms| of each column of `columns`."""

    def slopes(of: Function, at: Mapping[str, Any]) -> Array:
        if not moves:
            return np.zeros((*call(function, base).shape, 0))
        return np.stack([_rough_slope(along(of, at, move), analytic) for move in moves], axis=-1)

    return sizes_of(slopes, function, base, steps=analytic)


def one_by_one(name: str, scale: Array) -> list[Move]:
    """A move for each entry of an input."""
    return [{name: one_entry(scale, index)} for index in np.ndindex(scale.shape)]


def one_entry(values: Array, index: tuple[int, ...]) -> Array:
    result = np.zeros_like(values)
    result[index] = values[index]
    return result


def _base(inputs: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in inputs:
        raise ValueError(f"there is no input {name!r}; the inputs are {', '.join(inputs)}")
    return as_float_inputs(inputs, [name])


def _moves(inputs: Mapping[str, Any], directions: Mapping[str, Any]) -> dict[str, Array]:
    moves = {name: np.asarray(direction, dtype=np.float64) for name, direction in directions.items()}
    for name, move in moves.items():
        if name not in inputs:
            raise ValueError(f"there is no input {name!r}; the inputs are {', '.join(inputs)}")
        if move.shape != np.shape(inputs[name]):
            raise ValueError(f"the direction for {name!r} has shape {move.shape}, the input {np.shape(inputs[name])}")
    return moves


def _complex_slope(curve: Curve) -> Array | None:
    """Im f(x + ihv)/h; None where the function does not take complex numbers."""
    try:
        return np.asarray(curve(1j * COMPLEX_STEP).imag / COMPLEX_STEP, dtype=np.float64)
    except Exception:
        return None  # whatever a function does with complex numbers, the differences still apply


def _exact(value: Array) -> Derivative:
    return Derivative(value, 4 * EPS * np.abs(value), value, value, np.zeros(value.shape, bool), "complex step")


def _rough_slope(curve: Curve, analytic: bool) -> Array:
    """A slope comparable between neighbouring points: one complex or one central step."""
    slope = _complex_slope(curve) if analytic else None
    if slope is None:
        h = 2.0**-10
        slope = (real(curve(h)) - real(curve(-h))) / (2 * h)
    return slope


def value_rounding(function: Function, inputs: Mapping[str, Any], moves: Mapping[str, Array]) -> Array:
    """How large the rounding errors of the function's values are, in its output's shape."""
    sizes = sizes_of(lambda of, at: real(call(of, at)), function, inputs)
    return np.asarray(np.fmax(noise_of(along(function, inputs, moves)), EPS * sizes))


def _faint(curve: Curve) -> Array:
    """What counts as a small error of a slope: a millionth of how far the function moves along the curve."""
    start = real(curve(0.0))
    slopes = [np.abs(real(curve(t)) - start) / abs(t) for t in (0.25, -0.25, 2.0**-7, -(2.0**-7))]
    return np.asarray(2.5e-7 * np.nan_to_num(np.fmax.reduce(slopes)))


def _confirmed(exact: Array, found: Derivative, faint: Array, slack: Array) -> NDArray[np.bool_]:
    """Where differences confirm the complex step: they agree, and know enough to disagree."""
    close = np.abs(exact - found.value) <= 5 * found.error + slack
    return np.asarray(close & ~found.kink & (found.error <= np.maximum(faint, 1e-6 * np.abs(exact))))


def _believe(exact: Array | None, found: Derivative, faint: Array) -> Derivative:
    """The complex step's values wherever the differences confirm them."""
    if exact is None:
        return found
    good = _confirmed(exact, found, faint, 1e3 * EPS * np.abs(exact))
    method = "complex step" if good.all() else "mixed" if good.any() else "differences"
    value, lower, upper = (np.where(good, exact, old) for old in (found.value, found.lower, found.upper))
    error = np.where(good, 4 * EPS * np.abs(exact), found.error)
    return Derivative(value, error, lower, upper, found.kink, method)
