"""Numerical derivatives of NumPy functions of named arrays, with an honest error for every entry.

Two schemes watch each other:

    complex step   Im f(x + i·h·v) / h,  h = 1e-20    nothing is subtracted: exact to rounding
    differences    (f(x + h·v) − f(x − h·v)) / 2h      extrapolated to h = 0 over a ladder of relative steps

The complex step needs an analytic function. `np.abs`, `np.linalg.norm`, `np.vdot`, `np.real` or a comparison
make it silently wrong, so it is believed only where differences along a random direction agree; otherwise the
differences decide. At a kink the two one-sided derivatives differ; both are returned, as `lower` and `upper`.

Source: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM
Review 40 (1998); C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering
Software 4 (1982).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[..., Any]

COMPLEX_STEP = 1e-20
RATIO = 4.0
STEPS = 0.25 * RATIO ** -np.arange(10.0)  # relative: 1/4 … 1e-6
FINE_STEPS = STEPS[-1] * RATIO ** -np.arange(1.0, 11.0)  # … 1e-12, only to tell a kink from a near one
KINK_LEVEL = 5  # kinks are looked for from STEPS[5] = 2.4e-4 on


class Derivative(NamedTuple):
    """A numerical derivative: arrays of the function's output shape, then the shape of what was varied.

    value: the derivative; at a kink the middle of the two one-sided derivatives
    error: an estimate of |value − truth|; at a kink of each bound
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


def jacobian(function: Function, inputs: Mapping[str, Any], name: str) -> Array:
    """The dense Jacobian of a function with respect to one named argument.

        J[i…, j…] = ∂ f(inputs)[i…] / ∂ inputs[name][j…]

    Args:
        function: called by keyword, `function(**inputs)`; returns an array or a number.
        inputs: name → array. Floats are differentiated in float64; the arrays are never changed.
        name: the argument to vary.

    Returns:
        float64, the function's output shape followed by the argument's shape. At a kink, the middle of the
        two one-sided derivatives; use `derivative` for the bounds and the error.

    Raises:
        ValueError: there is no such input.
        TypeError: the input or the output is not real numbers.

    >>> jacobian(lambda x: x[:2] ** 2, {"x": np.array([1.0, 2.0, 3.0])}, "x")
    array([[2., 0., 0.],
           [0., 4., 0.]])
    """
    return derivative(function, inputs, name).value


def gradient(function: Function, inputs: Mapping[str, Any], name: str) -> Array:
    """The gradient of a scalar function with respect to one named argument, in that argument's shape.

    Args and exceptions as for `jacobian`; ValueError also for an output with more than one entry.

    >>> gradient(lambda w: np.sum(w**2) / 2, {"w": np.array([3.0, 4.0])}, "w")
    array([3., 4.])
    """
    result = jacobian(function, inputs, name)
    shape = np.shape(inputs[name])
    if result.size != int(np.prod(shape)):
        output = result.shape[: result.ndim - len(shape)]
        raise ValueError(f"the function returns shape {output}, not a scalar; use jacobian, or sum it first")
    return result.reshape(shape)


def derivative(function: Function, inputs: Mapping[str, Any], name: str) -> Derivative:
    """The dense Jacobian with its error estimate, its kinks and their one-sided bounds.

    Args and exceptions as for `jacobian`.

    >>> d = derivative(lambda x: np.abs(x), {"x": 0.0}, "x")
    >>> bool(d.kink), float(d.lower), float(d.upper)
    (True, -1.0, 1.0)
    """
    if name not in inputs:
        raise ValueError(f"there is no input {name!r}; the inputs are {', '.join(inputs)}")
    base = as_float_inputs(inputs, [name])
    with quiet():
        return _derivative(function, base, name)


def directional(function: Function, inputs: Mapping[str, Any], directions: Mapping[str, Any]) -> Derivative:
    """The derivative along one direction in the space of all named arguments.

        d/dt f(inputs + t·directions) at t = 0

    Args:
        function, inputs: as for `jacobian`.
        directions: name → array of that input's shape; inputs without a direction stay as they are. Its
            length sets the largest step, so choose it comparable to the inputs.

    Returns:
        A `Derivative` whose arrays have the function's output shape.

    >>> d = directional(lambda x, y: x * y, {"x": 2.0, "y": 3.0}, {"x": 1.0, "y": 1.0})
    >>> float(d.value)
    5.0
    """
    base = as_float_inputs(inputs, list(directions))
    moves = {}
    for name, direction in directions.items():
        moves[name] = np.asarray(direction, dtype=np.float64)
        if moves[name].shape != base[name].shape:
            raise ValueError(
                f"the direction for {name!r} has shape {moves[name].shape}, the input {base[name].shape}"
            )
    with quiet():
        curve = _curve(function, base, moves)
        return _believe(_complex_slope(curve), _difference(curve))


def as_float_inputs(inputs: Mapping[str, Any], varied: list[str]) -> dict[str, Any]:
    """The inputs with every floating array, and every varied one, as a float64 copy.

    Raises:
        TypeError: a varied input is complex or not numeric.
    """
    result: dict[str, Any] = {}
    for name, value in inputs.items():
        kind = np.asarray(value).dtype.kind
        if name in varied and kind not in "fiub":
            raise TypeError(f"input {name!r} must hold real numbers, not {np.asarray(value).dtype}")
        result[name] = np.array(value, dtype=np.float64) if kind == "f" or name in varied else value
    return result


@contextmanager
def quiet() -> Iterator[None]:
    """No NumPy or Python warning leaves; a dropped imaginary part is an error that ends the complex step."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        yield


def call(function: Function, inputs: Mapping[str, Any]) -> NDArray[Any]:
    """The function's value at copies of the inputs; 0-d arrays are handed over as NumPy scalars.

    Raises:
        TypeError: the function did not return one array of numbers.
    """
    copies = {name: v.copy()[()] if isinstance(v, np.ndarray) else v for name, v in inputs.items()}
    result = np.asarray(function(**copies))
    if result.dtype.kind not in "fiubc":
        raise TypeError(f"the function must return one array or number, not {result.dtype} data")
    return result


def natural_scale(function: Function, inputs: Mapping[str, Any], name: str) -> Array:
    """The size of a step that counts as 1 for each entry of an input: a power of two near max(|x|, rms(x)).

    An input that is zero everywhere has no size of its own: it gets the largest power of ten along which the
    function changes by less than half.
    """
    x: Array = inputs[name]
    finite = np.where(np.isfinite(x), np.abs(x), 0.0)
    top = float(finite.max(initial=0.0))
    if top == 0.0:
        return np.full(x.shape, _zero_scale(function, inputs, name))
    rms = top * float(np.sqrt(np.mean((finite / top) ** 2)))
    return np.asarray(2.0 ** np.round(np.log2(np.maximum(finite, rms))))


def _zero_scale(function: Function, inputs: Mapping[str, Any], name: str) -> float:
    start = _real(call(function, inputs))
    size = float(np.max(np.abs(start), initial=0.0))
    if size == 0.0 or not np.isfinite(size):
        return 1.0
    for exponent in range(12, -13, -2):
        moved = _real(call(function, {**inputs, name: np.full_like(inputs[name], 10.0**exponent)}))
        change = float(np.max(np.abs(moved - start), initial=0.0))
        if 0.0 < change <= 0.5 * size:
            return float(2.0 ** np.round(np.log2(10.0**exponent)))
    return 1.0


def random_direction(scale: Array, rng: np.random.Generator) -> Array:
    """A random direction of magnitudes 1 to 1.75 times `scale` and random signs.

    Three-bit magnitudes keep x ± h·v exactly representable for h a power of two; unequal ones keep the errors
    of two entries from cancelling.
    """
    signs = rng.choice([-1.0, 1.0], size=scale.shape)
    return np.asarray(scale * signs * (1.0 + rng.integers(0, 4, size=scale.shape) / 4.0))


def _real(value: NDArray[Any]) -> Array:
    return np.asarray(value.real, dtype=np.float64)


def _curve(
    function: Function, inputs: Mapping[str, Any], moves: Mapping[str, Array]
) -> Callable[[complex], NDArray[Any]]:
    def at(t: complex) -> NDArray[Any]:
        moved = {name: np.asarray(inputs[name] + t * move) for name, move in moves.items()}
        return call(function, {**inputs, **moved})

    return at


def _complex_slope(curve: Callable[[complex], NDArray[Any]]) -> Array | None:
    """Im f(x + ihv)/h; None where the function does not take complex numbers."""
    try:
        return np.asarray(curve(1j * COMPLEX_STEP).imag / COMPLEX_STEP, dtype=np.float64)
    except Exception:
        return None  # whatever a function does with complex numbers, the differences still apply


def _derivative(function: Function, inputs: dict[str, Any], name: str) -> Derivative:
    x: Array = inputs[name]
    scale = natural_scale(function, inputs, name)
    value = _complex_jacobian(function, inputs, name, scale)
    if value is not None:
        direction = random_direction(scale, np.random.default_rng(0))
        along = _difference(_curve(function, inputs, {name: direction}))
        expected = np.tensordot(value, direction, x.ndim) if x.ndim else value * direction
        slack = 1e3 * np.finfo(float).eps * np.tensordot(np.abs(value), np.abs(direction), x.ndim)
        if _agree(expected, along, slack):
            error = 4 * np.finfo(float).eps * np.abs(value)
            return Derivative(value, error, value, value, np.zeros(value.shape, bool), "complex step")
    columns = []
    for index in np.ndindex(x.shape):
        move = np.zeros_like(x)
        move[index] = scale[index]
        column = _difference(_curve(function, inputs, {name: move}))
        exact = None if value is None else value[(..., *index)] * scale[index]
        columns.append(_rescale(_believe(exact, column), float(scale[index])))
    return _stack(columns, _real(call(function, inputs)).shape, x.shape)


def _complex_jacobian(function: Function, inputs: Mapping[str, Any], name: str, scale: Array) -> Array | None:
    """Every column by the complex step; None where the function does not take complex numbers."""
    x: Array = inputs[name]
    columns = []
    for index in np.ndindex(x.shape):
        moved = x.astype(np.complex128)
        moved[index] += 1j * COMPLEX_STEP * scale[index]
        try:
            imaginary = call(function, {**inputs, name: moved}).imag
        except Exception:
            return None  # as in _complex_slope
        columns.append(np.asarray(imaginary, dtype=np.float64) / (COMPLEX_STEP * scale[index]))
    if not columns:
        return np.zeros(call(function, inputs).shape + x.shape)
    return np.stack(columns, axis=-1).reshape(columns[0].shape + x.shape)


def _agree(expected: Array, found: Derivative, slack: Array | float) -> bool:
    close = np.abs(expected - found.value) <= 5 * found.error + slack
    return bool(np.all(close & ~found.kink & np.isfinite(found.error)))


def _believe(exact: Array | None, found: Derivative) -> Derivative:
    """The complex step's values wherever the differences confirm them."""
    if exact is None:
        return found
    eps = np.finfo(float).eps
    with np.errstate(all="ignore"):
        good = np.isfinite(found.error) & ~found.kink
        good &= np.abs(exact - found.value) <= 5 * found.error + 1e3 * eps * np.abs(exact)
    method = "complex step" if good.all() else "mixed" if good.any() else "differences"
    value, lower, upper = (np.where(good, exact, old) for old in (found.value, found.lower, found.upper))
    error = np.where(good, 4 * eps * np.abs(exact), found.error)
    return Derivative(value, error, lower, upper, found.kink, method)


def _rescale(d: Derivative, scale: float) -> Derivative:
    return d._replace(
        value=d.value / scale, error=d.error / scale, lower=d.lower / scale, upper=d.upper / scale
    )


def _stack(columns: list[Derivative], output: tuple[int, ...], shape: tuple[int, ...]) -> Derivative:
    methods = {column.method for column in columns}
    method = methods.pop() if len(methods) == 1 else "mixed"
    fields = [
        np.stack([column[k] for column in columns], axis=-1).reshape(output + shape)
        if columns
        else np.zeros(output + shape, bool if k == 4 else float)
        for k in range(5)
    ]
    return Derivative(fields[0], fields[1], fields[2], fields[3], fields[4].astype(bool), method)


def _difference(curve: Callable[[complex], NDArray[Any]]) -> Derivative:
    """The derivative of a curve at t = 0 from differences alone."""
    middle = curve(0.0)
    eps = np.finfo(middle.dtype).eps if middle.dtype.kind == "f" else np.finfo(float).eps
    ladder = _Ladder(curve, _real(middle), float(eps), STEPS)
    jump = ladder.jump_at(KINK_LEVEL)
    suspicious = np.abs(jump) > ladder.jump_threshold(KINK_LEVEL)
    if not suspicious.any():
        value, error = extrapolate(ladder.central, ladder.noise, ladder.steps, 2)
        return Derivative(value, error, value, value, np.zeros(value.shape, bool), "differences")
    ladder = _Ladder(curve, _real(middle), float(eps), np.concatenate([STEPS, FINE_STEPS]))
    return _with_kinks(ladder, suspicious)


class _Ladder:
    """Function values at x ± h·v for a ladder of steps h, and the slopes made from them.

    Arrays have one row per step, largest first.
    """

    def __init__(
        self, curve: Callable[[complex], NDArray[Any]], middle: Array, eps: float, steps: Array
    ) -> None:
        self.steps = steps
        column = (-1,) + (1,) * middle.ndim
        h = steps.reshape(column)
        plus = np.stack([_real(curve(t)) for t in steps])
        minus = np.stack([_real(curve(-t)) for t in steps])
        self.central = (plus - minus) / (2 * h)
        self.forward = (plus - middle) / h
        self.backward = (middle - minus) / h
        self.jump = self.forward - self.backward
        self.noise = 2 * eps * np.maximum(np.maximum(np.abs(plus), np.abs(minus)), np.abs(middle)) / h

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

    Args:
        slopes: one row per step, largest step first; NaN rows are left out.
        noise: the rounding error of each slope, same shape.
        steps: the steps, each the previous one divided by a constant.
        order: 2 for central, 1 for one-sided differences.

    Returns:
        The limit and its error estimate: the larger of the disagreement with the two neighbours in the table
        and of the rounding error.
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
        row = np.argmin(doubt, axis=0)[None]
        found = np.take_along_axis(doubt, row, 0)[0]
        better = found < error
        best = np.where(better, np.take_along_axis(column, row, 0)[0], best)
        error = np.where(better, found, error)
        previous.append(column)
    return best, error
