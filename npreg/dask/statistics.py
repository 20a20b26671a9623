"""Least squares in one parallel pass, or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npreg.arrays import Data, FloatArray
from npreg.dask.feed import cluster_feed
from npreg.exact.least_squares import LeastSquaresResult, check_rank
from npreg.runs.scaling import ColumnMoments

__all__ = ["least_squares"]

ILL_CONDITIONED = 100.0  # its square is lost to rounding in moments: beyond, they keep fewer than 12 digits
NEARLY_PERFECT = 1e-6  # a smaller part of the variance left over is lost to rounding in moments as well


def least_squares(
    features: Any,
    labels: Any = None,
    *,
    intercept: bool = True,
    method: str = "auto",
    client: Any = None,
    rows: Sequence[int] | None = None,
) -> LeastSquaresResult:
    """Linear least squares in one pass, or two.

        moments   the rows around their means, Σ (z − mean)(z − mean)ᵀ with z = (x, y), and the Cholesky
                  factor of it.  Loses twice the digits of the condition number.
        qr        the triangular factor R of every chunk, and of two such on top of each other (TSQR).
                  Loses the digits of the condition number once, as `numpy.linalg.lstsq`.

    Either ends in the R of (1, X, y) = Q R, from which all else follows.

    Parameters
    ----------
    features, labels, client, rows
        As in `npreg.dask.train`.
    intercept : bool
    method : "auto", "moments" or "qr"
        "auto" takes a second pass, by qr, where the moments would keep fewer than about 12 digits.

    Returns
    -------
    LeastSquaresResult
        As `npreg.least_squares`, in float64, without its refinement in double-double.

    Raises
    ------
    ValueError
        As `npreg.least_squares`: fewer rows than parameters, or dependent columns, which are named.

    Source: J. Demmel, L. Grigori, M. Hoemmen and J. Langou, SIAM Journal on Scientific Computing 34 (2012).
    """
    if method not in ("auto", "moments", "qr"):
        raise ValueError(f'method must be "auto", "moments" or "qr", not {method!r}')
    if not isinstance(intercept, (bool, np.bool_)):
        raise TypeError(f"intercept must be True or False, not {intercept!r}")
    if method == "moments" and not intercept:
        raise ValueError('method="moments" is for fits with an intercept; use method="qr"')
    feed = cluster_feed(features, labels, client=client, rows=rows)
    facts = feed.facts
    p = facts.width + bool(intercept)
    if facts.num_rows < p:
        raise ValueError(
            f"features of {facts.num_rows} rows cannot determine {p} parameters; more rows needed"
        )
    if facts.sample.weights is not None:
        raise ValueError("least_squares knows no sample_weight; leave it out of the blocks")
    if intercept and method != "qr":
        moments: CentredMoments = feed.total(CentredMoments.of)
        factor = moments.factor(facts.width)
        if factor is not None and (method == "moments" or factor.is_accurate):
            return factor.solve()
        if method == "moments":
            raise ValueError('features are too ill-conditioned for moments; use method="qr"')
    by_qr: Factor = feed.total(Factor.of, bool(intercept))
    return by_qr.solve()


@dataclass(frozen=True)
class CentredMoments:
    """Means and centred second moments of (X, y); those of several chunks add up."""

    num_rows: int
    mean: FloatArray
    second: FloatArray
    dtype: Any

    @classmethod
    def of(cls, data: Data) -> CentredMoments:
        Z = np.hstack([data.X, data.y]).astype(np.float64)
        mean = Z.mean(axis=0)
        Z -= mean
        return cls(len(Z), mean, Z.T @ Z, data.X.dtype)

    def __add__(self, other: CentredMoments) -> CentredMoments:
        n, gap = self.num_rows + other.num_rows, other.mean - self.mean
        merged = np.outer(gap, gap) * (self.num_rows * (other.num_rows / n))
        mean = self.mean + gap * (other.num_rows / n)
        return CentredMoments(n, mean, self.second + other.second + merged, self.dtype)

    def factor(self, width: int) -> Factor | None:
        """R of (1, X, y), by Cholesky's method; None where rounding has left no factor."""
        size = np.sqrt(np.diag(self.second))
        scale = np.where(size > 0, size, 1.0)
        try:
            R = np.linalg.cholesky(self.second / scale / scale[:, None]).T * scale
        except np.linalg.LinAlgError:
            return None
        whole = np.zeros((len(R) + 1, len(R) + 1))
        whole[0, 0], whole[0, 1:] = 1.0, self.mean
        whole[0] *= np.sqrt(self.num_rows)
        whole[1:, 1:] = R
        labels = ColumnMoments(
            float(self.num_rows), self.num_rows, self.mean[width:], np.diag(self.second)[width:]
        )
        return Factor(whole, True, labels, self.dtype)


@dataclass(frozen=True)
class Factor:
    """R of (1, X, y) = Q R, or of (X, y), with the labels' mean and squares; those of two chunks merge."""

    R: NDArray[np.float64]
    intercept: bool
    labels: ColumnMoments
    dtype: Any

    @classmethod
    def of(cls, data: Data, intercept: bool) -> Factor:
        X, y, _ = data
        ones = [np.ones((len(X), 1))] if intercept else []
        R = _triangle(np.hstack([*ones, X, y]).astype(np.float64))
        return cls(R, intercept, ColumnMoments.of(Data(y.astype(np.float64), y)), X.dtype)

    def __add__(self, other: Factor) -> Factor:
        R = _triangle(np.vstack([self.R, other.R]))
        return Factor(R, self.intercept, self.labels + other.labels, self.dtype)

    @property
    def parts(self) -> tuple[NDArray[np.float64], ...]:
        """The blocks of R that belong to X with X, X with y, and y with y."""
        p = self.R.shape[1] - len(self.labels.mean)
        return self.R[:p, :p], self.R[:p, p:], self.R[p:, p:]

    @property
    def is_accurate(self) -> bool:
        """Whether a factor from moments has kept its digits: of the features, and of the residuals."""
        R, _, rest = self.parts
        lengths = np.linalg.norm(R[1:, 1:], axis=0)
        if not lengths.all():
            return False
        left_over = np.sum(rest**2, axis=0)
        perfect = (left_over <= NEARLY_PERFECT * self.labels.squares) & (self.labels.squares > 0)
        return bool(np.linalg.cond(R[1:, 1:] / lengths) <= ILL_CONDITIONED and not perfect.any())

    def solve(self) -> LeastSquaresResult:
        """The solution of R x = y, and what R says of its errors."""
        R, right, rest = self.parts
        n, p = self.labels.num_rows, len(R)
        condition_number = check_rank(R, n, self.intercept)
        x = np.linalg.solve(R, right)
        rss = np.sum(rest**2, axis=0)
        freedom = n - p
        sd = np.sqrt(rss / freedom) if freedom else np.full(len(rss), np.inf)
        with np.errstate(invalid="ignore"):
            stderr = sd * np.sqrt(np.sum(np.linalg.inv(R) ** 2, axis=1))[:, None]
        centred = self.labels.squares
        uncentred = centred + n * self.labels.mean**2

        def split(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
            rows = rows.astype(self.dtype)
            return (rows[1:], rows[0]) if self.intercept else (rows, np.zeros_like(rows, shape=rows.shape[1]))

        (w, b), (w_stderr, b_stderr) = split(x), split(stderr)
        return LeastSquaresResult(
            w=w,
            b=b,
            w_stderr=w_stderr,
            b_stderr=b_stderr,
            residual_sd=sd.astype(self.dtype),
            r2_centered=_r2(rss, centred).astype(self.dtype),
            r2_uncentered=_r2(rss, uncentred).astype(self.dtype),
            condition_number=condition_number,
            rank=p,
            degrees_of_freedom=freedom,
        )


def _triangle(rows: FloatArray) -> NDArray[np.float64]:
    return np.asarray(np.linalg.qr(rows, mode="r"), np.float64)


def _r2(rss: FloatArray, total: FloatArray) -> FloatArray:
    perfect = np.where(rss <= 0, 1.0, 0.0)
    ratio: FloatArray = 1 - np.divide(rss, total, out=1 - perfect, where=total > 0)
    return ratio
