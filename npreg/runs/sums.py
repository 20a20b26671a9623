"""Sums over all rows: the mean loss, from residuals or from moments, and the tree in which parts add up."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, TypeVar

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.losses import Loss

T = TypeVar("T", bound=Any)

BLOCK_ROWS = 32_768  # rows whose residuals are held at once
MOMENT_ROWS = 4096  # rows whose products are formed at once


def mean_loss(loss: Loss, data: Data, theta: FloatArray) -> float:
    X, y, weights = data
    squared, total = loss.is_squared, 0.0
    plain = squared and weights is None and X.dtype == np.float64
    for start in range(0, len(X), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        y_hat = X[rows].dot(theta[:-1])
        y_hat += theta[-1]
        if squared:  # as `squared_loss`, in place
            y_hat -= y[rows]
        if plain:
            total += float(np.vdot(y_hat, y_hat)) / 2
            continue
        values = np.multiply(y_hat, y_hat, y_hat) / 2 if squared else loss.value(y_hat, y[rows])
        if weights is not None:
            values = values * weights[rows, None]
        total += float(np.add.reduce(values, axis=None, dtype=np.float64))
    return float(total / (weight_of(data) * y.shape[1]))


def weight_of(data: Data) -> float:
    return float(len(data.X) if data.weights is None else data.weights.sum())


class Sums(tuple[Any, ...]):
    """Several sums over rows, of one pass."""

    def __add__(self, other: Any) -> "Sums":
        return Sums(one + another for one, another in zip(self, other, strict=True))


def losses_and_weight(data: Data, loss: Loss, thetas: Iterable[FloatArray]) -> FloatArray:
    """The sums of the loss over these rows at each of the parameters, and the sum of the weights."""
    weight = weight_of(data)
    return np.array([*(weight * mean_loss(loss, data, theta) for theta in thetas), weight])


@dataclass
class LossMoments:
    """Σ s r²/2  =  value + slope·Δ + ½ Δᵀ curvature Δ, Δ = θ − θ₀: expanding around θ₀ keeps digits."""

    value: float
    slope: FloatArray
    curvature: FloatArray
    weight: float

    @classmethod
    def of(cls, data: Data, theta: FloatArray, shift: FloatArray | float = 0.0) -> "LossMoments":
        """Of rows x − shift."""
        p, k = theta.shape
        value, products = 0.0, np.zeros((p, p + k))
        for start in range(0, len(data.X), MOMENT_ROWS):
            X, y, weights = data.rows(slice(start, start + MOMENT_ROWS))
            Z = np.ones((p + k, len(X)))  # x − shift, 1 and r, one line each: short lines are slow
            np.subtract(np.asarray(X).T, np.reshape(shift, (-1, 1)), out=Z[: p - 1])
            np.subtract(theta.T @ Z[:p], y.T, out=Z[p:])
            weighted = Z if weights is None else Z * weights
            value += float(np.vdot(Z[p:], weighted[p:])) / 2
            products += Z[:p] @ weighted.T
        return cls(value, products[:, p:], products[:, :p], weight_of(data))

    def __add__(self, other: "LossMoments") -> "LossMoments":
        return LossMoments(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    def mean_loss(self, move: FloatArray) -> float | None:
        """The mean loss at θ₀ + move; None where cancellation would leave fewer than seven digits."""
        total = self.value + np.vdot(self.slope, move) + np.vdot(move, self.curvature @ move) / 2
        # Sums of large numbers cancel within slope·Δ and Δᵀ curvature Δ, too: columns far from 0 against b.
        size = np.abs(move)
        terms = self.value + np.vdot(np.abs(self.slope), size) + np.vdot(size, np.abs(self.curvature) @ size) / 2
        if not math.isfinite(total) or total < 1e-7 * terms:
            return None
        return float(total / (self.weight * move.shape[1]))


class TreeSum:
    """Adds neighbours, then these, ((a + b) + (c + d)) + (e + f): rounding depends on the parts' order alone."""

    def __init__(self) -> None:
        self.levels: list[Any] = []  # sums of 1, 2, 4, … parts, or None

    def add(self, part: Any) -> None:
        for level, before in enumerate(self.levels):
            if before is None:
                self.levels[level] = part
                return
            part, self.levels[level] = before + part, None
        self.levels.append(part)

    @property
    def total(self) -> Any:
        parts = [part for part in self.levels if part is not None]
        return reduce(lambda total, part: part + total, parts) if parts else None


def tree_sum(parts: Iterable[T]) -> T:
    """The sum of one or more parts by `TreeSum`."""
    result = TreeSum()
    for part in parts:
        result.add(part)
    return result.total  # type: ignore[no-any-return]
