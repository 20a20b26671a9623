"""How large the terms of a derivative are: what rounding is relative to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from npreg.differentiate.differences import Array, Curve, real
from npreg.differentiate.schemes import base_of, complex_slope, moves_of, one_entry, side_by_side
from npreg.differentiate.steps import Function, along, as_float_inputs, natural_scale, quiet

__all__ = ["term_sizes"]

NUDGE = 2.0**-16  # relative change by which term sizes are measured
NUDGES = 7


def term_sizes(
    function: Function, inputs: Mapping[str, Any], what: str | Mapping[str, Any], *, analytic: bool = True
) -> Array:
    """Σ|terms| of each derivative: the sum that makes it up, with absolute values.

        max(|J|, Σ_i |x_i ∂J/∂x_i|) over all entries x_i of all floating inputs

    It is what rounding is relative to: near an optimum the terms of a gradient cancel, and the gradient is
    known to eps · Σ|terms|, not to eps · |gradient|. The sum is measured, not derived: all inputs are moved
    at once by random relative amounts c_i·2⁻¹⁶ with c_i from a Cauchy distribution, and the median over
    several draws of |ΔJ| estimates Σ_i |x_i ∂J/∂x_i|, usually within a factor of two.

    Parameters
    ----------
    function, inputs
        As for `jacobian`.
    what : str or mapping
        The argument to vary, as for `jacobian`, or the directions, as for `directional`.
    analytic : bool
        Whether to use the complex step (`Derivative.method` says so) or plain central differences.

    Returns
    -------
    sizes : the derivative's shape, float64, not negative

    Source: the median of Cauchy projections is the sum of absolute values: P. Indyk, "Stable distributions,
    pseudorandom generators, embeddings, and data stream computation", J. ACM 53 (2006).

    >>> x = {"x": np.array([1.0, 2.0, -3.0 + 1e-9])}
    >>> bool(1 < float(term_sizes(lambda x: np.sum(x) ** 2, x, "x")[0]) < 100)
    True
    """
    rng = np.random.default_rng(1)
    base = base_of(inputs, what) if isinstance(what, str) else as_float_inputs(inputs, list(what))
    with quiet():
        if isinstance(what, str):
            scale = natural_scale(function, base, what)
        moves = {} if isinstance(what, str) else moves_of(inputs, what)

        def slopes(at: Mapping[str, Any]) -> Array:
            if not isinstance(what, str):
                return _rough_slope(along(function, at, moves), analytic)
            return _rough_jacobian(function, at, what, scale, analytic)

        start = slopes(base)
        changes = [np.abs(slopes(_nudged(base, rng)) - start) / NUDGE for _ in range(NUDGES)]
        change = np.nanmedian(np.stack(changes), axis=0)
        return np.asarray(np.fmax(np.abs(start), change))


def _nudged(base: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """All floating inputs moved by relative amounts from a Cauchy distribution, its tails cut."""
    result = dict(base)
    for name, value in base.items():
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            amounts = np.clip(rng.standard_cauchy(value.shape), -1024.0, 1024.0)
            result[name] = np.asarray(value * (1 + NUDGE * amounts))
    return result


def _rough_jacobian(
    function: Function, inputs: Mapping[str, Any], name: str, scale: Array, analytic: bool
) -> Array:
    columns = []
    for index in np.ndindex(scale.shape):
        curve = along(function, inputs, {name: one_entry(scale, index)})
        columns.append(_rough_slope(curve, analytic) / scale[index])
    return side_by_side(columns, function, inputs, scale.shape)


def _rough_slope(curve: Curve, analytic: bool) -> Array:
    """A slope comparable between neighbouring points: one complex or one central step."""
    slope = complex_slope(curve) if analytic else None
    if slope is None:
        h = 2.0**-10
        slope = (real(curve(h)) - real(curve(-h))) / (2 * h)
    return slope
