"""The exact reference: linear least squares, right to the last digit.

1. Scale every column by a power of two (exact), so that units do not matter.
2. In one pass over the rows, find R of √S A = Q R block by block (two on top of each other make the next),
   and AᵀSA and AᵀSy to 28 digits (`npreg.exact.sums`).  W = R⁻¹.
3. Start at x = 0 and repeat  x += W Wᵀ (AᵀSy − AᵀSA x).  The gradient vanishes at the solution, whatever the
   errors in W: they only decide how fast, by about eps · condition number a round.  Where that number is
   too large for 28 digits, or the fit so good that little is left of the labels, a few more passes find
   the gradient AᵀS(y − A x) from the residuals, in double-double.
4. (AᵀSA)⁻¹ = W M⁻¹ Wᵀ with M = Wᵀ AᵀSA W, close to the identity; its diagonal gives the standard errors.

Sources: Björck, Numerical Methods for Least Squares Problems (SIAM 1996), sections 2.9 and 6.6; Demmel, Grigori,
Hoemmen and Langou, SIAM Journal on Scientific Computing 34 (2012), for R block by block; Longley, JASA 62 (1967).
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import FloatArray, Names, Rows, as_data, as_features, as_flag, check_finite, column_name, warn
from npreg.exact.double_double import Array, DoubleDouble, exactly, subtract_matmul
from npreg.exact.result import LeastSquaresResult
from npreg.exact.sums import Exponents, Extent, Moments, gradient, stacked, whitened

EPS = float(np.finfo(np.float64).eps)
SQUARED_CONDITION = 3e4  # up to here its square costs none of 28 digits that would be seen
INVERSE_CONDITION = 1e6  # the same for standard errors, which need fewer
NEARLY_PERFECT = 1e-10  # a smaller share of the labels' squares left over is found from residuals

Total = Callable[..., Any]  # the sum over all rows of function(data, *arguments)


class RankWarning(UserWarning):
    """The data do not determine all coefficients; of the solutions the one of least Σ w² was taken."""


def least_squares(
    features: ArrayLike | Rows,
    labels: ArrayLike | None = None,
    *,
    fit_intercept: bool = True,
    sample_weight: ArrayLike | None = None,
    features_low: ArrayLike | None = None,
    intercept: bool | None = None,
) -> LeastSquaresResult:
    """Solve linear least squares as exact arithmetic on the given numbers would, then round.

        w, b = argmin Σ_i s_i (labels_i − features_i w − b)²

    Condition numbers up to 1 / ((10 p + √n) eps), p parameters, cost no digits, only passes over the rows
    (10¹³ for ten columns); beyond, the columns count as dependent.

    The result has w (d, k), b (k,), their standard errors, R² and more, in the dtype of the data.  ValueError or
    TypeError for shapes that do not fit, NaN, inf, what is no number, and results beyond the range of the dtype.
    RankWarning where a column is a linear combination of others (it is named), or rows are fewer than parameters:
    then the solution with the least Σ w² is returned.

    Parameters
    ----------
    features : (n, d), one row an example, float32 or float64; or RowBlocks
    labels : (n,), or (n, k) for k outputs, each a problem of its own; left out with RowBlocks, which bring their own
    fit_intercept : whether to fit b, which else is 0; `intercept` is another name for it
    sample_weight : (n,), the factors s, of which only ratios matter.  Standard errors are those of noise whose
        variance is 1 / s; rows of weight 0 do not count.
    features_low : (n, d), what rounding took from computed columns, such as powers; the problem has
        features + features_low

    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> fit = least_squares(features, [1.0, 3.0, 5.0, 6.0])
    >>> fit.w, fit.b
    (array([[1.7]]), array([1.2]))
    >>> fit.w_stderr, fit.w_p, fit.r2_centered
    (array([[0.1732]]), array([[0.0102]]), array([0.9797]))
    """
    flag, low = as_flag(fit_intercept if intercept is None else intercept, "fit_intercept"), None
    if isinstance(features, Rows):
        if not (labels is None and sample_weight is None and features_low is None):
            raise TypeError("RowBlocks bring their own labels and weights; leave these and features_low out")
        total: Total = features.total
    elif labels is None:
        raise TypeError("labels are missing; only RowBlocks bring their own")
    else:
        data = as_data(features, labels, sample_weight)
        total = data.total
        if features_low is not None:
            low = as_features(features_low, "features_low").array
            if low.shape != data.X.shape:
                raise ValueError(f"features_low of shape {low.shape} do not fit features of shape {data.X.shape}")
            with np.errstate(over="ignore"):
                check_finite(data.X + low, "features + features_low")
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return _solve(total, replace(total(Extent.of, flag), low=low))


def _solve(total: Total, extent: Extent) -> LeastSquaresResult:
    moments: Moments = total(Moments.of, extent)
    G, h = moments.products()
    inverse = inverse_of(moments.R, extent.num_rows, extent.intercept, extent.exponents[0], extent.kind[3])
    dependent, hard = bool(inverse.dependence), inverse.condition_number > SQUARED_CONDITION
    if dependent:
        p, n, cause = len(G.high), extent.num_rows, inverse.dependence
        if n < p:
            cause = f"{n} rows do not determine {p} parameters; give more rows or fewer columns"
        warn(f"{cause}. Of all solutions the one with the least sum of squares of w is returned", RankWarning)
    squares = moments.labels[3]

    def from_moments(x: DoubleDouble) -> DoubleDouble:
        """h − G x, and Σ s y² − hᵀx − xᵀ(h − G x), output by output."""
        found, fitted = subtract_matmul(h.high, G, x) + exactly(h.low), (h * x).sum()
        rest = squares + DoubleDouble(-fitted.high, -fitted.low)
        return stacked(found, rest + exactly(-np.sum(x.high * found.high, axis=0)))

    x, rss = _refine(from_moments, inverse.W, exactly(np.zeros(h.high.shape)), 1.0)
    if not dependent and (hard or bool(np.any(rss.high <= NEARLY_PERFECT * squares.high))):
        rate = min(1.0, 100 * len(G.high) * inverse.condition_number * EPS)
        x, rss = _refine(lambda x: total(gradient, extent, x), inverse.W, x, rate)
    if dependent or inverse.condition_number <= INVERSE_CONDITION:
        M = inverse.W.T @ subtract_matmul(np.zeros(inverse.W.shape), G, exactly(-inverse.W)).high
    else:
        M = total(whitened, extent, inverse.W)
    return _result(extent, inverse, x, rss, moments.labels, M)


def _refine(
    gradient_at: Callable[[DoubleDouble], DoubleDouble], W: Array, x: DoubleDouble, rate: float
) -> tuple[DoubleDouble, DoubleDouble]:
    """Solve Aᵀ(y − A x) = 0 by corrections, step 3 of the module's docstring; x, and Σ (y − A x)² there."""
    previous = np.full(x.high.shape[1], np.inf)
    active = np.ones(x.high.shape[1], bool)
    rss = exactly(np.zeros(x.high.shape[1]))
    while active.any():
        found = gradient_at(x)
        change = W.T @ found.high[:-1]
        correction = np.where(active, W @ change, 0.0)
        better = found[-1] + exactly(-np.sum(change**2, axis=0))
        rss = DoubleDouble(np.where(active, better.high, rss.high), np.where(active, better.low, rss.low))
        x += exactly(correction)
        size = np.linalg.norm(change, axis=0)  # the length of the change in A x
        # Done where the next correction, `rate` times this one, changes no coefficient's last bit, or none shrinks.
        active &= ~np.all(np.abs(correction) * rate <= EPS / 64 * np.abs(x.high), axis=0) & ~(size >= previous / 2)
        previous = size
    return x, DoubleDouble(np.maximum(rss.high, 0.0), np.where(rss.high > 0, rss.low, 0.0))


def _result(
    extent: Extent, inverse: "Inverse", x: DoubleDouble, rss: DoubleDouble, labels: DoubleDouble, M: Array
) -> LeastSquaresResult:
    of_A, of_y, _ = extent.exponents
    dtype, n, rank = extent.kind[2], extent.num_rows, inverse.W.shape[1]
    weight, deviation = labels.high[:2]
    centred = labels[2] + exactly(-(deviation**2) / weight)  # deviations from about the mean
    # Weights have mean 1: Σ s (the same for all outputs) stands for the rows.
    residual_sd, stderr = np.full_like(rss.high, np.inf), np.full_like(x.high, np.inf)
    if n > rank:
        residual_sd = np.sqrt(rss.high * (n / weight) / (n - rank))
        diagonal = np.einsum("ij,ji->i", inverse.W, np.linalg.solve(M, inverse.W.T)) * (weight[0] / n)
        stderr = residual_sd * np.sqrt(diagonal)[:, np.newaxis]

    def unscaled(scaled: Array, exponents: Exponents, name: str) -> FloatArray:
        found: FloatArray = np.ldexp(scaled, exponents).astype(dtype)
        if np.any(np.isinf(found) & np.isfinite(scaled)):
            raise ValueError(f"a {name} is beyond the range of {np.dtype(dtype)}; rescale features or labels")
        return found

    def parameters(scaled: Array, name: str) -> tuple[FloatArray, FloatArray]:
        rows = unscaled(scaled, of_y - of_A[:, np.newaxis], name)
        return (rows[1:], rows[0]) if extent.intercept else (rows, np.zeros_like(rows, shape=rows.shape[1]))

    def r2(total: DoubleDouble) -> FloatArray:
        """(total − rss) / total, subtracted in double-double: an R² near 0 keeps its digits."""
        explained = (total.high - rss.high) + (total.low - rss.low)
        perfect = np.where(rss.high <= EPS**2, 1.0, 0.0)
        return np.divide(explained, total.high, out=perfect, where=total.high > 0.0).astype(dtype)

    (w, b), (w_stderr, b_stderr) = parameters(x.high, "coefficient"), parameters(stderr, "standard error")
    spread = unscaled(residual_sd, of_y, "residual standard deviation")
    facts = inverse.condition_number, rank, n - rank, extent.kind[3], extent.intercept
    return LeastSquaresResult(w, b, w_stderr, b_stderr, spread, r2(centred), r2(labels[3]), *facts)


class Inverse(NamedTuple):
    """W with x = W Wᵀ Aᵀy: R⁻¹, or (p, rank) where columns are dependent; then also which, in words."""

    W: Array
    condition_number: float
    dependence: str = ""


def inverse_of(R: Array, num_rows: int, intercept: bool, exponents: Exponents, names: Names) -> Inverse:
    """The inverse of R, whose columns were scaled by `exponents`; of dependent ones that for the least Σ w²."""
    p = R.shape[1]
    R = np.vstack([R, np.zeros((max(p - len(R), 0), p))])
    lengths = np.linalg.norm(R, axis=0)
    lengths[lengths == 0.0] = 1.0
    scaled = R / lengths
    # Smaller singular values are noise: measured up to a million rows.
    tolerance = (10 * p + np.sqrt(num_rows)) * EPS
    values = np.linalg.svd(scaled, compute_uv=False)
    if values[-1] > tolerance:
        return Inverse(np.asarray(np.linalg.solve(R, np.eye(p)), np.float64), float(values[0] / values[-1]))
    first = int(intercept)
    # Without the first row and column, R is that of the features around their means.
    _, sizes, Vt = np.linalg.svd(scaled[first:, first:])
    kept = sizes > tolerance
    to_w = (Vt[kept].T / sizes[kept]) / lengths[first:, None]
    units = exponents[first:, None] - exponents[first:].max()
    null = np.linalg.qr(np.ldexp(Vt[~kept].T / lengths[first:, None], -units))[0]  # in the features' own units
    raw = np.ldexp(to_w, -units)
    to_w = np.ldexp(raw - null @ (null.T @ raw), units)
    if intercept:
        to_w = np.block([[1 / R[:1, :1], -(R[:1, 1:] @ to_w) / R[0, 0]], [np.zeros((p - 1, 1)), to_w]])
    return Inverse(to_w, float("inf"), _dependence(scaled, tolerance, intercept, names))


def _dependence(R: Array, tolerance: float, intercept: bool, names: Names) -> str:
    """Name the first column that is a combination of those before it, and the cure."""
    sizes = range(1, len(R))  # of the first columns; their smallest singular value only falls as columns join
    dependent = 1 + bisect_left(sizes, -tolerance, key=lambda p: -np.linalg.svd(R[:p, :p], compute_uv=False)[-1])
    combination = np.linalg.svd(R[:dependent, :dependent])[2][-1]
    involved = [int(j) - intercept for j in np.flatnonzero(np.abs(combination) > 1e-6)]
    culprit, others = involved[-1], involved[:-1]  # −1 stands for the intercept
    column = f"features column {column_name(names, culprit)}"
    if not others:
        return f"{column} is all zeros, so its coefficient is not determined; drop it"
    if others == [-1]:
        return f"{column} is constant, which is what the intercept is for; drop it or pass fit_intercept=False"
    listed = [column_name(names, j) for j in others if j >= 0]
    if len(listed) > 6:
        listed = [*listed[:5], f"{len(listed) - 5} more"]
    text = ", ".join(listed[:-1]) + " and " * (len(listed) > 1) + listed[-1]
    cure = "drop it"
    if others[0] == -1:
        text, cure = f"{text} and the intercept", "drop it or pass fit_intercept=False"
    what = f"{column} is a linear combination of column{'s' * (len(listed) > 1)} {text} (to rounding)"
    return f"{what}, so the coefficients are not determined; {cure}"
