"""The exact reference: linear least squares, right to the last digit.

    w, b = argmin Σ_i (labels_i − features_i w − b)²

What SGD approaches step by step has a closed solution, and rounding is its only enemy.  Four steps:

1. Scale every column by a power of two (exact), so that units do not matter.
2. Factor the scaled matrix, A = Q R, by Householder reflections in float64; W = R⁻¹.
3. Start at x = 0 and repeat  x += W Wᵀ Aᵀ(y − A x).  The gradient Aᵀ(y − A x) vanishes at the solution
   (these are the normal equations), and with it the correction, whatever the errors in W: they only
   decide how fast, by a factor of about eps · condition number a round.  The gradient is a sum that all
   but cancels, so it is computed in double-double, and x is kept in it.
4. B = A W, again in double-double, has orthonormal columns but for the errors in W.  What is missing is in
   M = BᵀB, close to the identity: (AᵀA)⁻¹ = W M⁻¹ Wᵀ, whose diagonal gives the standard errors.

Sources: Björck, Numerical Methods for Least Squares Problems (SIAM 1996), sections 2.9 and 6.6 (iterative
refinement, corrected seminormal equations); Longley, "An appraisal of least squares programs for the
electronic computer", JASA 62 (1967).  docs/least_squares.md has the digits on NIST's certified data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npreg.arrays import FloatArray, Names, as_data, as_features, as_rows_of, check_finite
from npreg.exact.double_double import (
    Array,
    DoubleDouble,
    add,
    exactly,
    subtract_matmul,
    sum_of_squares,
    sum_rows,
    transposed_matmul,
    two_sum,
    zeros,
)

__all__ = ["LeastSquaresResult", "check_rank", "least_squares"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LeastSquaresResult:
    """The least-squares solution, and how far to trust it; d features, k outputs (labels (n,): k = 1).

    The arrays have the dtype of the data, although computed in float64.

    Attributes
    ----------
    w : ndarray, shape (d, k)
    b : ndarray, shape (k,)
        Coefficients and intercept, laid out as in the result of `train`; b is 0 with `intercept=False`.
    w_stderr, b_stderr : ndarray, shapes (d, k) and (k,)
        Their standard errors, residual_sd · √diag((AᵀA)⁻¹); that of an intercept not fitted is 0.
    residual_sd : ndarray, shape (k,)
        √(RSS / degrees_of_freedom), in units of the labels; RSS = Σ residual².  This and the standard
        errors are inf where no degrees of freedom are left: the data then say nothing about the noise.
    r2_centered : ndarray, shape (k,)
        1 − RSS / Σ(labels − mean)², the share of the variance explained, as scikit-learn's `r2_score`.
        Negative where a fit without intercept is worse than the mean.
    r2_uncentered : ndarray, shape (k,)
        1 − RSS / Σ labels², often quoted for models without intercept.  Where the denominator of either
        is 0 (constant labels): 1 for a perfect fit, else 0.
    condition_number : float
        Largest over smallest singular value of A: the features and, if fitted, a column of ones, each
        column scaled to length 1.  Unrefined solutions lose about log10 of it of their 16 digits.
    rank : int
        The number of parameters fitted: d, and one for the intercept.  A smaller rank is refused.
    degrees_of_freedom : int
        Rows minus rank.
    feature_names : tuple of str, or None
        The features' columns, where they had names.
    """

    w: FloatArray
    b: FloatArray
    w_stderr: FloatArray
    b_stderr: FloatArray
    residual_sd: FloatArray
    r2_centered: FloatArray
    r2_uncentered: FloatArray
    condition_number: float
    rank: int
    degrees_of_freedom: int
    feature_names: Names = None

    def predict(self, features: ArrayLike) -> FloatArray:
        """features @ w + b, shape (n, k); of a frame, the columns by their names, in whatever order."""
        X = as_rows_of(self.feature_names, len(self.w), features)
        if X.shape[1:] != self.w.shape[:1]:
            raise ValueError(
                f"features of shape {X.shape} do not fit; needed is (n, {len(self.w)}), as was learned from"
            )
        y_hat: FloatArray = X @ self.w + self.b
        return y_hat


def least_squares(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    intercept: bool = True,
    features_low: ArrayLike | None = None,
) -> LeastSquaresResult:
    """Solve linear least squares as exact arithmetic on the given numbers would, then round.

        w, b = argmin Σ_i (labels_i − features_i w − b)²

    Column-scaled Householder QR in float64, refined with gradients in double-double.  Condition numbers up
    to 1 / ((10 p + √n) eps), p parameters, cost no digits, only rounds (10¹³ for ten columns); beyond, the
    columns count as dependent.  Takes ten to fifty times as long as `numpy.linalg.lstsq`.

    Parameters
    ----------
    features : (n, d)
        One row an example, float32 or float64.
    labels : (n,), or (n, k) for k outputs
        Every output is a problem of its own.
    intercept : bool
        Whether to fit b; else it is 0.
    features_low : (n, d), optional
        What rounding took from the features: the problem solved has features + features_low.  Computed
        columns, such as powers, can so enter with 32 digits.

    Returns
    -------
    LeastSquaresResult
        w (d, k), b (k,), their standard errors, R² and more, in the dtype of the data.

    Raises
    ------
    ValueError
        For shapes that do not fit, NaN and inf, fewer rows than parameters, a column that is a linear
        combination of others (named), and results beyond the range of the dtype.
    TypeError
        For data that are not real numbers, and an `intercept` that is not a bool.

    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> fit = least_squares(features, [1.0, 3.0, 5.0, 6.0])
    >>> fit.w, fit.b
    (array([[1.7]]), array([1.2]))
    >>> fit.w_stderr, fit.residual_sd, fit.r2_centered
    (array([[0.1732]]), array([0.3873]), array([0.9797]))
    >>> least_squares(np.hstack([features, 2 * features]), [1.0, 3.0, 5.0, 6.0])
    Traceback (most recent call last):
    ...
    ValueError: features column 1 is a linear combination of column 0 (to rounding), so ...
    """
    if not isinstance(intercept, (bool, np.bool_)):
        raise TypeError(f"intercept must be True or False, not {intercept!r}")
    intercept = bool(intercept)
    X, y, _ = data = as_data(features, labels)
    X_low = np.zeros_like(X) if features_low is None else as_features(features_low, "features_low").array
    if X_low.shape != X.shape:
        raise ValueError(
            f"features_low of shape {X_low.shape} does not fit features of shape {X.shape}; "
            "they must have the same shape"
        )
    parameters = X.shape[1] + int(intercept)
    if len(X) < parameters:
        raise ValueError(
            f"features of shape {X.shape}: {len(X)} rows do not determine {parameters} parameters "
            f"({X.shape[1]} columns{' and the intercept' * intercept}); give more rows or fewer columns"
        )
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        high, low = two_sum(X.astype(np.float64), X_low.astype(np.float64))
        check_finite(high, "features + features_low")
        ones = np.ones((len(X), int(intercept)))
        A = DoubleDouble(np.hstack([ones, high]), np.hstack([0.0 * ones, low]))
        return replace(_solve(A, y.astype(np.float64), bool(intercept), X.dtype), feature_names=data.names)


def _solve(A: DoubleDouble, y: Array, intercept: bool, dtype: DTypeLike) -> LeastSquaresResult:
    """Least squares for labels (n, k) and a design matrix with at least as many rows as columns."""
    n, rank = A.high.shape
    A, exponents = _scale_columns(A)
    y_scaled, y_exponents = _scale_columns(exactly(y))
    y = y_scaled.high
    R = np.asarray(np.linalg.qr(A.high, mode="r"), dtype=np.float64)
    condition_number = check_rank(R, n, intercept)
    W = np.asarray(np.linalg.solve(R, np.eye(rank)), dtype=np.float64)
    x = _refine(A, y, W)

    rss = sum_of_squares(subtract_matmul(y, A, x))
    residual_sd = np.sqrt(rss.high / (n - rank)) if n > rank else np.full_like(rss.high, np.inf)
    stderr = residual_sd * np.sqrt(_diagonal_of_inverse(A, W))[:, np.newaxis]

    def parameters(scaled: Array, name: str) -> tuple[FloatArray, FloatArray]:
        rows = _unscale(scaled, y_exponents - exponents[:, np.newaxis], dtype, name)
        return (rows[1:], rows[0]) if intercept else (rows, np.zeros_like(rows, shape=y.shape[1]))

    w, b = parameters(x.high, "coefficient")
    w_stderr, b_stderr = parameters(stderr, "standard error")
    return LeastSquaresResult(
        w=w,
        b=b,
        w_stderr=w_stderr,
        b_stderr=b_stderr,
        residual_sd=_unscale(residual_sd, y_exponents, dtype, "residual standard deviation"),
        r2_centered=_r2(rss, _sum_of_squares_about_mean(y)).astype(dtype),
        r2_uncentered=_r2(rss, sum_of_squares(exactly(y))).astype(dtype),
        condition_number=condition_number,
        rank=rank,
        degrees_of_freedom=n - rank,
    )


def _scale_columns(A: DoubleDouble) -> tuple[DoubleDouble, NDArray[np.intc]]:
    """A · 2^−exponents with columns of length 1/2 to 1 (or 0), stored by columns; and the exponents."""
    largest = np.frexp(np.abs(A.high).max(axis=0))[1]
    exponents = largest + np.frexp(np.linalg.norm(np.ldexp(A.high, -largest), axis=0))[1]
    high, low = (np.asfortranarray(np.ldexp(part, -exponents)) for part in A)
    return DoubleDouble(high, low), exponents


def _unscale(scaled: Array, exponents: NDArray[np.intc], dtype: DTypeLike, name: str) -> FloatArray:
    """scaled · 2^exponents in the dtype asked for; ValueError where that overflows."""
    with np.errstate(over="ignore"):
        result: FloatArray = np.ldexp(scaled, exponents).astype(dtype)
    if np.any(np.isinf(result) & np.isfinite(scaled)):
        raise ValueError(f"a {name} is beyond the range of {np.dtype(dtype)}; rescale features or labels")
    return result


def check_rank(R: Array, n: int, intercept: bool) -> float:
    """The condition number of R, its columns scaled to length 1; ValueError where they are dependent.

    Singular values below (10 p + √n) eps are noise: that is how large the rounding of the reflections gets
    (measured up to a million rows; dummy variables with an intercept are the worst).
    """
    lengths = np.linalg.norm(R, axis=0)
    R = np.divide(R, np.where(lengths > 0.0, lengths, 1.0), dtype=np.float64)
    tolerance = (10 * len(R) + np.sqrt(n)) * _EPS

    def singular_values(num_columns: int) -> Array:
        leading = R[:num_columns, :num_columns]
        return np.asarray(np.linalg.svd(leading, compute_uv=False), dtype=np.float64)

    largest, smallest = singular_values(len(R))[[0, -1]]
    if smallest > tolerance:
        return float(largest / smallest)
    # The smallest singular value only falls as columns join: bisect for the first dependent column.
    independent, dependent = 0, len(R)
    while dependent - independent > 1:
        middle = (independent + dependent) // 2
        if singular_values(middle)[-1] > tolerance:
            independent = middle
        else:
            dependent = middle
    combination = np.linalg.svd(R[:dependent, :dependent])[2][-1]
    involved = np.flatnonzero(np.abs(combination) > 1e-6) - intercept
    raise ValueError(_explain_dependence(int(involved[-1]), [int(j) for j in involved[:-1]]))


def _explain_dependence(culprit: int, others: list[int]) -> str:
    """Name the dependent column and the cure; −1 stands for the intercept."""
    if not others:
        return f"features column {culprit} is all zeros, so its coefficient is not determined; drop it"
    if others == [-1]:
        return (
            f"features column {culprit} is constant, which is what the intercept is for; "
            "drop it or pass intercept=False"
        )
    names = [str(j) for j in others if j >= 0]
    if len(names) > 6:
        names = [*names[:5], f"{len(names) - 5} more"]
    listed = (
        f"column{'s' * (len(names) > 1)} " + ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]
    )
    with_intercept = others[0] == -1
    return (
        f"features column {culprit} is a linear combination of {listed}"
        f"{' and the intercept' * with_intercept} (to rounding), so the coefficients are not determined; "
        f"drop it{' or pass intercept=False' * with_intercept}"
    )


def _refine(A: DoubleDouble, y: Array, W: Array) -> DoubleDouble:
    """Solve Aᵀ(y − A x) = 0 by corrections, step 3 of the module's docstring.

    An output is done when a correction changes the last bit of no coefficient, or no longer shrinks
    (where a coefficient is 0, corrections never get relatively small).
    """
    x = zeros((len(W), y.shape[1]))
    previous = np.full(y.shape[1], np.inf)
    active = np.arange(y.shape[1])
    while len(active):
        current = DoubleDouble(x.high[:, active], x.low[:, active])
        gradient = transposed_matmul(A, subtract_matmul(y[:, active], A, current)).high
        whitened = W.T @ gradient
        correction = W @ whitened
        updated = add(current, correction)
        x.high[:, active], x.low[:, active] = updated
        size = np.linalg.norm(whitened, axis=0)  # the length of the change in A x
        done = np.all(np.abs(correction) <= _EPS / 64 * np.abs(updated.high), axis=0)
        done |= size >= previous[active] / 2
        previous[active] = size
        active = active[~done]
    return x


def _diagonal_of_inverse(A: DoubleDouble, W: Array) -> Array:
    """The diagonal of (AᵀA)⁻¹, shape (p,), by step 4 of the module's docstring."""
    minus_B = subtract_matmul(np.zeros(A.high.shape), A, exactly(W)).high
    M = minus_B.T @ minus_B
    diagonal: Array = np.einsum("ij,ji->i", W, np.linalg.solve(M, W.T))
    return diagonal


def _sum_of_squares_about_mean(y: Array) -> DoubleDouble:
    """Σ(y − mean)² over axis 0, as Σ(y − m)² − (Σ(y − m))²/n with m the mean rounded to float64."""
    m = sum_rows(exactly(y)).high / len(y)
    deviations = two_sum(y, np.broadcast_to(-m, y.shape))
    return add(sum_of_squares(deviations), -(sum_rows(deviations).high ** 2) / len(y))


def _r2(rss: DoubleDouble, total: DoubleDouble) -> Array:
    """(total − rss) / total, subtracted in double-double: an R² near 0 keeps its digits."""
    explained = (total.high - rss.high) + (total.low - rss.low)
    perfect = np.where(rss.high <= _EPS**2, 1.0, 0.0)  # relative to labels scaled to length 1/2 to 1
    ratio: Array = np.divide(explained, total.high, out=perfect, where=total.high > 0.0)
    return ratio
