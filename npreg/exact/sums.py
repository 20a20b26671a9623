"""The sums over rows that least squares needs, a few thousand rows at a time; those of several blocks add up.

Columns are those of A = (1, X), or X without an intercept, and y, each scaled by a power of two (exact); S is the
diagonal matrix of weights. Moments have so many digits for the price of an ordinary product: a column is cut into
slices of 21 bits, whose products, and sums of 2048 of them, are float64 numbers without rounding, in any order.

    a = a₁ + a₂ + a₃      aᵀb = a₁ᵀb₁ + (a₁ᵀb₂ + a₂ᵀb₁) + a₂ᵀb₂ (all exact) + terms of the small a₃, b₃

Source: K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, Numerical Algorithms 59 (2012).
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from npreg.arrays import Data, FloatArray, Kind
from npreg.exact.double_double import Array, DoubleDouble, exactly, subtract_matmul, two_sum

ROWS = 2048  # 2 · 21 bits and 2^11 of them make 53
SMALL_FIRST = [(2, 2), (1, 2), (2, 1), (0, 2), (2, 0), (1, 1), (0, 1), (1, 0), (0, 0)]  # slices i of a, j of b
FIRST, SECOND = 1.5 * 2.0**31, 1.5 * 2.0**10  # adding and subtracting these rounds to 2^-21 and 2^-42
Exponents: TypeAlias = NDArray[np.intc]


@dataclass(frozen=True)
class Extent:
    """How many rows count, of what kind, and how large their numbers are."""

    kind: Kind
    intercept: bool
    num_rows: int  # of positive weight
    largest: Array  # of each column: |features|, |labels|, weights
    label_sums: Array
    low: FloatArray | None = None  # what rounding took from the features, where these are in memory

    @classmethod
    def of(cls, data: Data, intercept: bool) -> "Extent":
        X, y, weights = data
        n, largest = len(X), [np.maximum(table.max(axis=0), -table.min(axis=0)) for table in (X, y)]
        if weights is not None:
            n, largest = int(np.count_nonzero(weights)), [*largest, weights.max(keepdims=True)]
        with np.errstate(over="ignore"):
            sums = y.sum(axis=0, dtype=np.float64) / len(y)
        every = np.concatenate(largest, dtype=np.float64)
        return cls(data.kind, intercept, n, every, np.where(np.isfinite(sums), sums, 0.0))

    def __add__(self, other: "Extent") -> "Extent":
        if self.kind[:2] != other.kind[:2] or len(self.largest) != len(other.largest):
            found = f"blocks of {self.kind[:2]} and of {other.kind[:2]} (features, outputs)"
            raise ValueError(f"{found}, or with and without weights; all blocks must be alike")
        kind = (*self.kind[:2], np.result_type(self.kind[2], other.kind[2]), self.kind[3])
        largest = np.maximum(self.largest, other.largest)
        return replace(self, kind=kind, num_rows=self.num_rows + other.num_rows, largest=largest)

    @property
    def exponents(self) -> tuple[Exponents, Exponents, int]:
        """Powers of two that bring the columns of A, of y, and the weights below 1."""
        found, d = np.frexp(self.largest)[1], self.kind[0]
        of_A = np.concatenate([np.zeros(int(self.intercept), np.intc), found[:d]])
        weight = int(found[-1]) if len(found) > d + self.kind[1] else 0
        return of_A, found[d : d + self.kind[1]], weight

    @property
    def label_mean(self) -> Array:
        """About the mean of the scaled labels (that of the first block), to subtract."""
        return np.ldexp(self.label_sums, -self.exponents[1])

    def parts(self, data: Data) -> Iterator[tuple[DoubleDouble, DoubleDouble, DoubleDouble | None]]:
        """Some scaled rows after the other: A with what rounding took from it, y, and weights (m, 1)."""
        of_A, of_y, of_weights = self.exponents
        first = int(self.intercept)
        for start in range(0, len(data.X), ROWS):
            X, y, weights = data.rows(slice(start, start + ROWS))
            high = np.ones((len(X), len(of_A)))
            np.ldexp(X, -of_A[first:], out=high[:, first:])
            A = exactly(high)
            if self.low is not None:
                small = np.zeros_like(high)
                small[:, first:] = np.ldexp(self.low[start : start + ROWS].astype(np.float64), -of_A[first:])
                A = two_sum(high, small)
            s = None if weights is None else exactly(np.ldexp(weights, -of_weights)[:, None])
            yield A, exactly(np.ldexp(y.astype(np.float64), -of_y)), s


@dataclass(frozen=True)
class Moments:
    """Aᵀ S A and Aᵀ S y, R of √S A = Q R, and of the labels Σ s, Σ s (y − m), Σ s (y − m)², Σ s y²."""

    slices: DoubleDouble  # products of all slices of (A, y) with each other
    R: Array
    labels: DoubleDouble  # (4, k)

    @classmethod
    def of(cls, data: Data, extent: Extent) -> "Moments":
        p, k = len(extent.exponents[0]), extent.kind[1]
        total = cls(exactly(np.zeros((3 * p, 3 * (p + k)))), np.zeros((0, p)), exactly(np.zeros((4, k))))
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            for A, y, s in extent.parts(data):
                left, root = _slices(A), A.high if s is None else A.high * np.sqrt(s.high)
                right, right_y = (left, y) if s is None else (_slices(A * s), y * s)
                products = np.hstack([left.T @ right, left.T @ _slices(right_y)])
                deviations = two_sum(y.high, np.broadcast_to(-extent.label_mean, y.high.shape))
                terms = (exactly(np.ones(y.high.shape)), deviations, deviations * deviations, y * y)
                labels = stacked(*((each if s is None else each * s).sum() for each in terms))
                total += cls(exactly(products), np.asarray(np.linalg.qr(root, mode="r"), np.float64), labels)
        return total

    def __add__(self, other: "Moments") -> "Moments":
        R = np.concatenate([self.R, other.R])
        if len(R) > R.shape[1]:
            R = np.asarray(np.linalg.qr(R, mode="r"), np.float64)
        return Moments(self.slices + other.slices, R, self.labels + other.labels)

    def products(self) -> tuple[DoubleDouble, DoubleDouble]:
        """Aᵀ S A (p, p) and Aᵀ S y (p, k), the small terms added first."""
        p = self.R.shape[1]

        def combined(columns: slice) -> DoubleDouble:
            high, low = (half[:, columns].reshape(3, p, 3, -1) for half in (self.slices.high, self.slices.low))
            return reduce(operator.add, (DoubleDouble(high[i, :, j], low[i, :, j]) for i, j in SMALL_FIRST))

        return combined(slice(3 * p)), combined(slice(3 * p, None))


def _slices(A: DoubleDouble) -> Array:
    """The three slices next to each other, (m, 3 p)."""
    m, p = A.high.shape
    result = np.empty((m, 3 * p))
    first, second, rest = result[:, :p], result[:, p : 2 * p], result[:, 2 * p :]
    np.add(A.high, FIRST, first)
    first -= FIRST
    np.subtract(A.high, first, rest)
    np.add(rest, SECOND, second)
    second -= SECOND
    rest -= second
    rest += A.low
    return result


def gradient(data: Data, extent: Extent, x: DoubleDouble) -> DoubleDouble:
    """Aᵀ S (y − A x), and in the last row Σ s (y − A x)², (p + 1, k)."""
    total = exactly(np.zeros((len(x.high) + 1, x.high.shape[1])))
    for A, y, s in extent.parts(data):
        r = subtract_matmul(y.high, A, x)
        weighted = r if s is None else r * s
        products = (A[:, j : j + 1] * weighted for j in range(len(x.high)))
        total += stacked(*(each.sum() for each in (*products, r * weighted)))
    return total


def stacked(*parts: DoubleDouble) -> DoubleDouble:
    return DoubleDouble(np.vstack([part.high for part in parts]), np.vstack([part.low for part in parts]))


def whitened(data: Data, extent: Extent, W: Array) -> Array:
    """(A W)ᵀ S (A W), the identity but for the rounding of W."""
    total = np.zeros((W.shape[1], W.shape[1]))
    for A, _, s in extent.parts(data):
        B = subtract_matmul(np.zeros((len(A.high), W.shape[1])), A, exactly(np.asarray(W, np.float64))).high
        total += B.T @ (B if s is None else B * s.high)
    return total
