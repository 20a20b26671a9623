"""What least squares has found, and how far to trust it: by Student's t distribution."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import FloatArray, Names, as_number, as_rows_of

_ratio: Callable[..., FloatArray] = np.errstate(divide="ignore", invalid="ignore")(np.divide)


@dataclass(frozen=True, eq=False)
class LeastSquaresResult:
    """The least-squares solution, and how far to trust it; d features, k outputs (labels (n,): k = 1).

    The arrays have the dtype of the data, although computed in float64.

    Attributes
    ----------
    w, b : (d, k) and (k,), coefficients and intercept, as in the result of `train`; b is 0 with `fit_intercept=False`
    w_stderr, b_stderr : their standard errors, residual_sd · √diag((AᵀA)⁻¹); that of an intercept not fitted is 0
    residual_sd : (k,), √(RSS / degrees_of_freedom), in units of the labels; RSS = Σ residual² (by weights of mean 1).
        This and the standard errors are inf where no degrees of freedom are left.
    r2_centered : (k,), 1 − RSS / Σ(labels − mean)², the share of the variance explained, as scikit-learn's `r2_score`
    r2_uncentered : (k,), 1 − RSS / Σ labels², often quoted for models without intercept.  Where the denominator of
        either is 0 (constant labels): 1 for a perfect fit, else 0.
    condition_number : of the features and, if fitted, a column of ones, each scaled to length 1; inf where dependent
    rank, degrees_of_freedom : how many parameters the data determine, and rows (of positive weight) minus that
    feature_names : the features' columns, where they had names, or None
    has_intercept : whether b was fitted
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
    has_intercept: bool = True

    @property
    def w_t(self) -> FloatArray:
        """The coefficients in units of their standard errors, (d, k)."""
        return _ratio(self.w, self.w_stderr)

    @property
    def b_t(self) -> FloatArray:
        """The intercept in units of its standard error, (k,)."""
        return _ratio(self.b, self.b_stderr)

    @property
    def w_p(self) -> FloatArray:
        """The probability of a t as far from 0 if the coefficient were 0 and the noise normal, (d, k)."""
        return _two_sided(self.w_t, self.degrees_of_freedom).astype(self.w.dtype)

    @property
    def b_p(self) -> FloatArray:
        """The same for the intercept, (k,)."""
        return _two_sided(self.b_t, self.degrees_of_freedom).astype(self.b.dtype)

    def confidence_interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Intervals that hold the true coefficients with this probability if the noise is normal.

        Lower and upper ends, estimate ∓ t · standard error, of w and b: (d, k, 2) and (k, 2).
        """
        if not 0 < as_number(level, "level") < 1:
            raise ValueError(f"level must be between 0 and 1, both excluded, not {level!r}")
        signs = np.array([-1, 1], self.w.dtype) * quantile(level, self.degrees_of_freedom)
        with np.errstate(invalid="ignore"):
            w_reach, b_reach = signs * self.w_stderr[..., None], signs * self.b_stderr[..., None]
            return self.w[..., None] + w_reach, self.b[..., None] + b_reach

    def summary(self, level: float = 0.95) -> str:
        """The table that statistics packages print: one block an output.

        >>> from npreg import least_squares
        >>> features = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> print(least_squares(features, [1.0, 3.0, 5.0, 6.0]).summary())
        4 rows, 2 degrees of freedom, R² 0.979661, residual sd 0.387298, condition number 3
                           coefficient   std error         t           p       95 % interval
        intercept                  1.2     0.32404     3.703      0.0658    -0.1942  2.594
        column 0                   1.7     0.17321     9.815      0.0102     0.9548  2.445
        """
        w_ends, b_ends = self.confidence_interval(level)
        names = self.feature_names or [f"column {j}" for j in range(len(self.w))]
        wide = max(16, *map(len, names))
        columns = (self.w, self.w_stderr, self.w_t, self.w_p, *np.moveaxis(w_ends, -1, 0))
        if self.has_intercept:
            names, head = ["intercept", *names], (self.b, self.b_stderr, self.b_t, self.b_p, *b_ends.T)
            columns = tuple(np.vstack([first, rest]) for first, rest in zip(head, columns, strict=True))
        blocks = []
        for c, r2 in enumerate(self.r2_centered if self.has_intercept else self.r2_uncentered):
            lines = [
                f"{self.degrees_of_freedom + self.rank} rows, {self.degrees_of_freedom} degrees of freedom, "
                f"R² {r2:.6g}, residual sd {self.residual_sd[c]:.6g}, condition number {self.condition_number:.2g}",
                f"{'':{wide}}   coefficient   std error         t           p{f'{100 * level:g} % interval':>20}",
            ]
            for name, row in zip(names, np.stack(columns)[:, :, c].T, strict=True):
                value, stderr, t, p, low, high = row
                lines.append(f"{name:{wide}}  {value:12.5g}{stderr:12.5g}{t:10.4g}{p:12.3g}{low:11.4g}  {high:.4g}")
            blocks.append("\n".join(line.rstrip() for line in lines))
        return "\n\n".join(blocks)

    def predict(self, features: ArrayLike) -> FloatArray:
        """features @ w + b, shape (n, k); of a frame, the columns by their names, in whatever order."""
        y_hat: FloatArray = as_rows_of(self.feature_names, len(self.w), features) @ self.w + self.b
        return y_hat


def two_sided(t: float, freedom: float) -> float:
    """P(|T| > |t|) = I(ν / (ν + t²); ν/2, 1/2), I the regularised incomplete beta function.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.5.8 and 26.7.1.
    """
    if math.isnan(t) or not freedom > 0:
        return math.nan
    return _beta(freedom / (freedom + t * t), freedom / 2, 0.5)


_two_sided: Callable[..., FloatArray] = np.vectorize(two_sided, [np.float64])


def quantile(level: float, freedom: float) -> float:
    """The t for which P(|T| ≤ t) = level, by bisection."""
    if not freedom > 0:
        return math.inf
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > 1 - level:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) > 1 - level else (low, middle)
    return high


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz's method)."""
    if x <= 0.0:
        return 0.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1 / (d or tiny)
    value = d
    for m in range(1, 10_000):
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + top * d) or tiny)
            c = (1 + top / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return math.exp(log_front) * value / a
