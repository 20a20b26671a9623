"""A learning rate that is safe, known before the first step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import (
    Data,
    FloatArray,
    Names,
    Rows,
    as_batch_size,
    as_features,
    as_nonnegative,
    as_weights,
    column_name,
    warn,
)

__all__ = [
    "AUTO_AVERAGE",
    "AUTO_FRACTION",
    "LearningRateWarning",
    "RateMoments",
    "check_learning_rate",
    "max_learning_rate",
    "rate_moments",
    "squared_norms",
]

AUTO_FRACTION = 0.5  # lr="auto" takes this part of max_learning_rate
AUTO_AVERAGE = 0.5  # and averages over this part of the epochs: at so large a rate single steps are noisy
SAMPLE_ROWS = 128
EXACT_COLUMNS = 64
BLOCK_ROWS = 32_768  # rows looked at together


class LearningRateWarning(UserWarning):
    """The learning rate is beyond the bound up to which the run is known to be stable."""


def max_learning_rate(
    features: ArrayLike | Rows,
    batch_size: int,
    *,
    l2: float = 0.0,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The learning rate below which minibatch SGD on the squared loss is stable in mean square.

        lr < 2 B / (κ + (B − 1) λ)

    with x̃ = (x, 1), λ the largest eigenvalue of E[x̃x̃ᵀ] (the steepest direction, which alone limits
    gradient descent on all rows), and κ the least number with E[‖x̃‖² x̃x̃ᵀ] ≼ κ E[x̃x̃ᵀ] (what a single
    row can do to the others); λ ≤ κ ≤ max ‖x̃‖².  The bound is sufficient: below it the expected squared
    distance to the least-squares solution stays bounded; a run somewhat above it may still be stable.
    It scales with 1 / features², so one column in large units makes it small for all.  Where B ≥ n, each
    step uses every row, and the bound is the exact one of gradient descent, 2 B / (n λ).

    Parameters
    ----------
    features : (n, d), or RowBlocks
    batch_size : int
        B ≥ 1.
    l2 : float
        An L2 penalty's factor; lowers the bound to 2 / (2 / bound + 2 l2).
    sample_weight : (n,), optional
        Rows count as √weight · x̃.

    Returns
    -------
    float
        In units of labels-independent 1 / features².

    Raises
    ------
    ValueError, TypeError
        As `train` for the same arguments.

    >>> features = np.random.default_rng(0).standard_normal((1000, 2))
    >>> round(max_learning_rate(features, 10), 2), round(max_learning_rate(1000 * features, 10), 8)
    (1.37, 1.5e-06)

    Source: the condition is that of A. Défossez and F. Bach, Averaged least-mean-squares (AISTATS 2015),
    and P. Jain et al., Parallelizing stochastic gradient descent for least squares (JMLR 18, 2018).
    """
    B, l2 = as_batch_size(batch_size), as_nonnegative(l2, "l2")
    if isinstance(features, Rows):
        if sample_weight is not None:
            raise TypeError("RowBlocks bring their own sample_weight; leave it out")
        moments: RateMoments = features.total(rate_moments)
    else:
        X, names, index, _ = as_features(features)
        moments = RateMoments.of(X, as_weights(sample_weight, len(X), index), names)
    return moments.bound(B, l2)


def rate_moments(data: Data) -> RateMoments:
    """`RateMoments` of a part of the rows."""
    return RateMoments.of(data.X, data.weights, data.names)


def _extended(X: FloatArray, weights: FloatArray | None) -> FloatArray:
    rows = np.empty((len(X), X.shape[1] + 1))
    rows[:, :-1], rows[:, -1] = X, 1
    if weights is not None:
        rows *= np.sqrt(weights)[:, None]
    return rows


@dataclass(frozen=True)
class RateMoments:
    """All that the bound needs of the rows; those of several blocks add up.

    second = Σ x̃x̃ᵀ      fourth = Σ ‖x̃‖² x̃x̃ᵀ      largest = max ‖x̃‖²
    """

    num_rows: int
    second: FloatArray
    fourth: FloatArray
    largest: float

    @classmethod
    def of(cls, X: FloatArray, weights: FloatArray | None = None, names: Names = None) -> RateMoments:
        p, largest = X.shape[1] + 1, 0.0
        second, fourth = np.zeros((p, p)), np.zeros((p, p))
        for start in range(0, len(X), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            with np.errstate(over="ignore", invalid="ignore"):
                rows = _extended(X[block], None if weights is None else weights[block])
                norms = np.einsum("ij,ij->i", rows, rows)
                second += rows.T @ rows
                fourth += rows.T @ (rows * norms[:, None])
            largest = max(largest, float(norms.max()))
        if not np.isfinite(fourth).all():
            column = column_name(names, int(np.abs(X).max(axis=0).argmax()))
            raise ValueError(
                f"features reach {np.abs(X).max():.3g} (column {column}), whose fourth power overflows; "
                f"scale column {column}, for example with standardize=True"
            )
        return cls(len(X), second, fourth, largest)

    def __add__(self, other: RateMoments) -> RateMoments:
        return RateMoments(
            self.num_rows + other.num_rows,
            self.second + other.second,
            self.fourth + other.fourth,
            max(self.largest, other.largest),
        )

    def bound(self, batch_size: int, l2: float = 0.0) -> float:
        """The largest learning rate that is known to be stable."""
        n, kappa = self.num_rows, self.largest
        eigenvalues, vectors = np.linalg.eigh(self.second / n)
        if batch_size < n:
            # In the basis where E[x̃x̃ᵀ] is the identity κ is an eigenvalue.  Directions without data drop out.
            keep = eigenvalues > eigenvalues[-1] * len(eigenvalues) * np.finfo(float).eps
            white = vectors[:, keep] / np.sqrt(eigenvalues[keep])
            # κ cannot exceed max ‖x̃‖², which also holds where ill-conditioned columns spoil the eigenvalue.
            kappa = min(kappa, float(np.linalg.eigvalsh(white.T @ (self.fourth / n) @ white)[-1]))
        return _bound(batch_size, n, kappa, float(eigenvalues[-1]), l2)


def _bound(batch_size: int, num_rows: int, kappa: float, largest: float, l2: float) -> float:
    if batch_size >= num_rows:
        curvature = largest * num_rows / batch_size
    else:
        curvature = (kappa + (batch_size - 1) * largest) / batch_size
    return 2 / (curvature + 2 * l2) if curvature + l2 > 0 else np.inf


def squared_norms(X: FloatArray, weights: FloatArray | None) -> tuple[float, float]:
    """The largest and the mean ‖x̃‖² (times weight) of the rows."""
    largest = total = 0.0
    ones = np.ones(X.shape[1], X.dtype)
    step = 4096
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(X), step):
            block = X[start : start + step]
            wide = X.shape[1] >= 16  # a sum over a shorter axis is slow
            norms = np.einsum("ij,ij->i", block, block) if wide else np.square(block).dot(ones)
            norms += 1
            if weights is not None:
                some = weights[start : start + step]
                norms = np.where(some > 0, norms * some, 0.0)  # not inf · 0
            largest = max(largest, float(norms.max()))
            total += float(norms.sum())
    return largest, total / len(X)


def _is_surely_below(
    lr: float,
    X: FloatArray,
    batch_size: int,
    l2: float,
    weights: FloatArray | None,
    norms: tuple[float, float],
) -> bool:
    """Whether cheap upper bounds of κ and λ already show that lr is safe."""
    kappa, trace = norms
    n = len(X)
    if lr < _bound(batch_size, n, kappa, trace, l2):
        return True
    if X.shape[1] <= EXACT_COLUMNS:
        return False
    # λ ≤ trace is coarse where columns are many; a sample of rows tells it better, with a margin.
    some = slice(None, None, max(1, n // SAMPLE_ROWS))
    rows = _extended(X[some], None if weights is None else weights[some])
    vector = np.ones(rows.shape[1])
    largest = 0.0
    for _ in range(12):
        vector = rows.T @ (rows @ vector) / len(rows)
        largest = float(np.linalg.norm(vector))
        vector /= largest
    return lr < _bound(batch_size, n, kappa, 1.5 * largest, l2)


def check_learning_rate(
    lr: float,
    X: FloatArray,
    batch_size: int,
    *,
    l2: float,
    weights: FloatArray | None,
    norms: tuple[float, float],
    mode: str,
    names: Names = None,
) -> None:
    """Warn, or raise ValueError, where lr is beyond the bound; say which column's scale is the cause."""
    if mode == "off" or _is_surely_below(lr, X, batch_size, l2, weights, norms):
        return
    if X.shape[1] <= EXACT_COLUMNS:
        bound = RateMoments.of(X, weights).bound(batch_size, l2)
    else:
        some = slice(None, None, max(1, len(X) // (4 * X.shape[1] + 4096)))
        part = None if weights is None else weights[some]
        sample = RateMoments.of(X[some], part)
        m = sample.num_rows
        # A minibatch of all rows, or of more, must stay one: there the bound is another.
        rows = -(-batch_size * m // len(X)) if batch_size >= len(X) else min(batch_size, max(m - 1, 1))
        bound = sample.bound(rows, l2)
    if lr < bound:
        return
    message = (
        f"lr = {lr:g} is beyond {bound:.3g}, up to which SGD with minibatches of {batch_size} is known to be "
        f"stable on these features; {scale_advice(X, names)}"
    )
    if mode == "error":
        raise ValueError(message)
    warn(message, LearningRateWarning)


def scale_advice(X: FloatArray, names: Names = None) -> str:
    """What to do about features whose scale limits the learning rate."""
    with np.errstate(over="ignore"):
        rms = np.sqrt(np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X))
    column = int(rms.argmax())
    cure = 'take a smaller lr, or lr="auto"'
    if rms[column] > 3:
        cure += (
            f", or scale column {column_name(names, column)} (its root mean square is {rms[column]:.3g}), "
            "for all columns at once with standardize=True"
        )
    return cure
