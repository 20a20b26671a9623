"""A learning rate that is safe, known before the first step."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from npreg import arrays
from npreg.arrays import Data, FloatArray, Names, Rows
from npreg.arrays.sparse import is_sparse
from npreg.sgd import Momentum, Nesterov, Rule

__all__ = ["LearningRateWarning", "max_learning_rate"]

AUTO_AVERAGE = 0.5  # lr="auto" averages over this part of the epochs: at so large a rate steps are noisy
WIDE, WIDE_ROWS = 256, 512  # beyond so many columns at most so many rows are looked at
MOST_PRODUCTS = 1e9  # rows · columns², as far as all rows of a block are looked at
SAMPLE_MARGIN = 1.25  # by which λ and κ of a sample of rows are raised
BLOCK_ROWS = 32_768  # rows looked at together


class LearningRateWarning(UserWarning):
    """The learning rate is beyond the bound up to which the run is known to be stable.

    `warnings.simplefilter("error", npreg.LearningRateWarning)` ends such a run before its first step.
    """


def max_learning_rate(
    features: ArrayLike | Rows, batch_size: int, *, l2: float = 0.0, sample_weight: ArrayLike | None = None
) -> float:
    """The learning rate below which minibatch SGD on the squared loss is stable in mean square.

        lr < 2 B / (κ + (B − 1) λ)

    with x̃ = (x, 1), λ the largest eigenvalue of E[x̃x̃ᵀ] (the steepest direction, which alone limits
    gradient descent on all rows), and κ the least number with E[‖x̃‖² x̃x̃ᵀ] ≼ κ E[x̃x̃ᵀ] (what a single
    row can do to the others); λ ≤ κ ≤ max ‖x̃‖².  The bound is sufficient: below it the expected squared
    distance to the least-squares solution stays bounded; a run somewhat above it may still be stable.
    It scales with 1 / features², so one column in large units makes it small for all.  Where B ≥ n, each
    step uses every row, and the bound is the exact one of gradient descent, 2 B / (n λ).  An L2 penalty lowers it
    to 2 / (2 / bound + 2 l2); rows count as √weight · x̃, with weights scaled to mean 1.  `features` are (n, d), or
    RowBlocks; errors as of `train` for the same arguments.

    >>> features = np.random.default_rng(0).standard_normal((1000, 2))
    >>> round(max_learning_rate(features, 10), 2), round(max_learning_rate(1000 * features, 10), 8)
    (1.37, 1.5e-06)

    Source: the condition is that of A. Défossez and F. Bach, Averaged least-mean-squares (AISTATS 2015),
    and P. Jain et al., Parallelizing stochastic gradient descent for least squares (JMLR 18, 2018).
    """
    B, l2 = arrays.as_batch_size(batch_size), arrays.as_nonnegative(l2, "l2")
    if isinstance(features, Rows):
        if sample_weight is not None:
            raise TypeError("RowBlocks bring their own sample_weight; leave it out")
        moments: RateMoments = features.total(rate_moments)
        return moments.bound(B, l2)
    X, names, _ = arrays.as_features(features, sparse=True)
    return RateMoments.of(X, arrays.as_weights(sample_weight, len(X), features), names).bound(B, l2)


def rate_moments(data: Data) -> "RateMoments":
    return RateMoments.of(data.X, data.weights, data.names)


def _extended(X: FloatArray, weights: FloatArray | None) -> FloatArray:
    rows = np.empty((len(X), X.shape[1] + 1))
    rows[:, :-1], rows[:, -1] = X, 1
    if weights is not None:
        rows *= np.sqrt(weights)[:, None]
    return rows


@dataclass(frozen=True)
class RateMoments:
    """All that the bound needs of the rows; those of several blocks add up."""

    num_rows: int
    looked_at: int  # an evenly spaced sample, where fewer: then λ and κ are raised by SAMPLE_MARGIN
    largest: float  # max ‖x̃‖²
    second: FloatArray  # Σ x̃x̃ᵀ
    fourth: FloatArray  # Σ ‖x̃‖² x̃x̃ᵀ
    rows: FloatArray  # of many columns, a few in place of the matrices: their Gram matrix has the same eigenvalues

    @classmethod
    def of(cls, X: FloatArray, weights: FloatArray | None = None, names: Names = None) -> "RateMoments":
        n, p = len(X), X.shape[1] + 1
        most = WIDE_ROWS if p > WIDE else max(int(MOST_PRODUCTS) // (p * p), 4 * p)
        every = -(-n // most)
        largest = squared_norms(X, weights)[0] if every > 1 else 0.0
        some, part = X[::every], None if weights is None else weights[::every]
        second, fourth = np.zeros((2, 0, 0) if p > WIDE else (2, p, p))
        for start in range(0, len(some), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            with np.errstate(over="ignore", invalid="ignore"):
                rows = _extended(some[block], None if part is None else part[block])
                norms = np.einsum("ij,ij->i", rows, rows)
                largest = max(largest, float(norms.max()))
                if p <= WIDE:
                    second += rows.T @ rows
                    fourth += rows.T @ (rows * norms[:, None])
        if not math.isfinite(n * largest * largest):
            column = arrays.column_name(names, int(np.abs(X).max(axis=0).argmax()))
            why = f"features reach {np.abs(X).max():.3g} (column {column}), whose fourth power overflows"
            raise ValueError(f"{why}; scale column {column}, for example with standardize=True")
        return cls(n, len(some), largest, second, fourth, rows if p > WIDE else np.empty((0, p)))

    def __add__(self, other: "RateMoments") -> "RateMoments":
        rows = np.concatenate([self.rows, other.rows])
        rows = rows[:: -(-len(rows) // WIDE_ROWS) or 1]
        num_rows, looked_at = self.num_rows + other.num_rows, len(rows) or self.looked_at + other.looked_at
        second, fourth = self.second + other.second, self.fourth + other.fourth
        return RateMoments(num_rows, looked_at, max(self.largest, other.largest), second, fourth, rows)

    @cached_property
    def curvatures(self) -> tuple[float, float]:
        """κ and λ, as in `max_learning_rate`."""
        m, rows, eps = self.looked_at, self.rows, np.finfo(float).eps
        eigenvalues, vectors = np.linalg.eigh((rows @ rows.T if len(rows) else self.second) / m)
        keep = eigenvalues > eigenvalues[-1] * len(eigenvalues) * eps  # directions without data drop out
        white = vectors[:, keep]
        # In the basis where E[x̃x̃ᵀ] is the identity κ is an eigenvalue.
        if len(rows):
            fourth = white.T @ (white * np.einsum("ij,ij->i", rows, rows)[:, None])
        else:
            white = white / np.sqrt(eigenvalues[keep])
            fourth = white.T @ (self.fourth / m) @ white
        margin = 1.0 if m == self.num_rows else SAMPLE_MARGIN
        # κ cannot exceed max ‖x̃‖², which also holds where ill-conditioned columns spoil the eigenvalue.
        kappa = float(np.linalg.eigvalsh(fourth)[-1]) if len(fourth) else 0.0
        # The last entry of x̃ is 1, or √weight: only ratios of weights matter.
        weight = float(np.vdot(rows[:, -1], rows[:, -1]) if len(rows) else self.second[-1, -1]) / m
        steepest = margin * float(eigenvalues[-1])
        return min(self.largest, margin * kappa) / weight, min(self.largest, steepest) / weight

    def bound(self, batch_size: int, l2: float = 0.0, rule: Rule | None = None) -> float:
        return rate_bound(batch_size, self.num_rows, *self.curvatures, l2, rule)


def rate_bound(
    batch_size: int, num_rows: float, kappa: float, largest: float, l2: float, rule: Rule | None = None
) -> float:
    """2 / (noise of rows + steepest slope), each as far as the rule amplifies it."""
    all_rows, slope, noise = batch_size >= num_rows, largest + 2 * l2, kappa / batch_size
    steepest = largest * num_rows / batch_size + 2 * l2 if all_rows else slope - largest / batch_size
    noise = 0.0 if all_rows else noise
    if noise + steepest <= 0 or not isinstance(rule, Momentum):
        return 2 / (noise + steepest) if noise + steepest > 0 else np.inf
    # The noise of 1 / (1 − β) steps sums up; a slope makes oscillations, of √(lr λ) = ω a step.
    heavy = (1 + 2 * rule.beta if isinstance(rule, Nesterov) else 1.0) / (1 + rule.beta)
    bound = 2 / (noise / (1 - rule.beta) + heavy * steepest)
    if all_rows:
        return bound
    # An epoch of T steps, one of them short, lets them grow by (1 − its part) ω / 2 T a step, and takes (1 − β) / 2.
    epoch = math.ceil(num_rows / batch_size)
    damping, short = (1 - rule.beta) * epoch, max(epoch - num_rows / batch_size, 1e-9)
    bound = min(bound, (damping / short) ** 2 / slope)
    # A velocity that outlasts epochs is pushed by each row once in T steps, at a random time: with s = ω² T² its
    # square grows by s² / 6 an epoch, and loses (1 − β) T.
    patient = min(2.0, math.sqrt(6 * damping)) / (epoch * epoch * slope)
    return max(bound, patient, (1 - rule.beta) * 2 / (noise + steepest))


def steepest_slope(X: FloatArray, weights: FloatArray | None) -> float:
    """λ of a few rows."""
    if X.shape[1] < len(X):
        gram = (rows := _extended(X, weights)).T @ rows
    else:
        gram = (rows := np.asarray(X, np.float64)) @ rows.T + 1
        gram *= 1 if weights is None else np.sqrt(np.outer(weights, weights))
    return float(np.linalg.eigvalsh(gram)[-1]) / len(X)


def squared_norms(X: FloatArray, weights: FloatArray | None) -> tuple[float, float]:
    """The largest and the mean ‖x̃‖² (times weight) of the rows."""
    if is_sparse(X):
        all_norms = (X.squares_of_rows() + 1) * (1.0 if weights is None else weights)
        return float(all_norms.max()), float(all_norms.mean())
    largest = total = 0.0
    wide, ones = X.shape[1] >= 16, np.ones(X.shape[1], X.dtype)  # a sum over a shorter axis is slow
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(X), 4096):
            block = X[start : start + 4096]
            norms = (np.einsum("ij,ij->i", block, block) if wide else np.square(block).dot(ones)) + 1
            if weights is not None:
                some = weights[start : start + 4096]
                norms = np.where(some > 0, norms * some, 0.0)  # not inf · 0
            largest = max(largest, float(norms.max()))
            total += float(norms.sum())
    return largest, total / len(X)


def scale_advice(data: Data) -> str:
    """What to do about features whose scale limits the learning rate."""
    X = data.X
    with np.errstate(over="ignore"):
        if is_sparse(X):
            rms = np.sqrt(X.column_sums(X.stored[1].astype(np.float64) ** 2) / len(X))
        else:
            rms = np.sqrt(np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X))
    column, cure = int(rms.argmax()), 'take a smaller lr, or lr="auto"'
    if rms[column] > 3:
        name = arrays.column_name(data.names, column)
        cure += f", or scale column {name} (its root mean square is {rms[column]:.3g}), "
        cure += "for all columns at once with standardize=True"
    return cure
