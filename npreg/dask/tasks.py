"""What runs on a worker: functions of one chunk of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from npreg.arrays import Data, FloatArray, Kind
from npreg.engines.moments import BatchMoments
from npreg.linear import linreg, linreg_backward
from npreg.loop import Order
from npreg.losses import Loss
from npreg.runs.blocks import BlockShuffle, as_block
from npreg.runs.mean_loss import LossMoments
from npreg.runs.scaling import Scaling

__all__ = [
    "BlockMoments",
    "ChunkActor",
    "Gradient",
    "Minibatches",
    "Place",
    "add",
    "block_moments",
    "first_rows",
    "number_of_rows",
    "of_chunk",
    "whole_chunk",
]


@dataclass(frozen=True)
class Place:
    """A chunk's place: its block's name, and which of the block's rows it holds."""

    name: str
    num_rows: int
    offset: int
    block_rows: int
    labelled: bool = True

    def look(self, found: tuple[Any, ...], kind: Kind | None = None, scaling: Scaling | None = None) -> Data:
        """What was computed for the chunk, looked at: ValueError or TypeError for what is no data."""
        if not self.labelled:
            found = _with_any_labels(found)
        data = as_block(found[0] if len(found) == 1 else found, self.name, self.num_rows)
        if kind is not None:
            data.check_kind(self.name, kind)
        return data if scaling is None else data._replace(X=scaling.features(data.X))


def _with_any_labels(found: tuple[Any, ...]) -> tuple[Any, ...]:
    """Data for questions about features: (features, features[, weights]), of blocks or themselves blocks."""
    X, _, *weights = found
    if isinstance(X, (tuple, list)):
        return (X,)
    X = np.asarray(X)
    return X, X[:, 0] if X.ndim == 2 and X.shape[1] else X, *weights


@dataclass(frozen=True)
class Minibatches:
    """How a block's rows form minibatches in one epoch."""

    seed: int
    batch_size: int

    def order(self, block_rows: int) -> Order:
        return BlockShuffle.order(self.seed, block_rows)

    def rows_of(self, place: Place) -> tuple[Order, Order]:
        """The chunk's rows in the block's order, and the minibatch of each."""
        order = self.order(place.block_rows)
        here = np.flatnonzero((order >= place.offset) & (order < place.offset + place.num_rows))
        return order[here] - place.offset, here // self.batch_size

    def index(self, place: Place) -> Order:
        """The chunk's rows in each minibatch (steps, rows), short ones padded by the number n.

        Of a block that is one chunk, it is the order, cut into minibatches.
        """
        rows, steps = self.rows_of(place)
        counts = np.bincount(steps, minlength=-(-place.block_rows // self.batch_size))
        starts = np.cumsum(counts) - counts
        index = np.full((len(counts), counts.max()), place.num_rows)
        index[steps, np.arange(len(rows)) - starts[steps]] = rows
        return index


@dataclass(frozen=True)
class BlockMoments:
    """What an epoch reads of a block, or of one of its chunks; those of its chunks add up."""

    steps: BatchMoments
    loss: LossMoments | None

    def __add__(self, other: BlockMoments) -> BlockMoments:
        loss = None if self.loss is None or other.loss is None else self.loss + other.loss
        return BlockMoments(self.steps + other.steps, loss)


@dataclass(frozen=True)
class Gradient:
    """The summed gradient of a part of a minibatch, and the part's rows or their total weight."""

    w: FloatArray
    b: FloatArray
    total: float

    def __add__(self, other: Gradient) -> Gradient:
        return Gradient(self.w + other.w, self.b + other.b, self.total + other.total)


class ChunkActor:
    """Holds a chunk of rows on its worker, and answers with gradients of its parts of minibatches."""

    def __init__(self, place: Place, kind: Kind, scaling: Scaling | None, loss: Loss, *found: Any) -> None:
        self.place, self.loss = place, loss
        self.data = place.look(found, kind, scaling)
        self.minibatches: Minibatches | None = None

    def apply(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """function(data, *arguments)."""
        return function(self.data, *arguments)

    def gradient(self, minibatches: Minibatches, step: int, theta: FloatArray) -> Gradient:
        """Of the chunk's rows in minibatch number `step` of the block."""
        if minibatches != self.minibatches:
            self.rows, steps = minibatches.rows_of(self.place)
            count = -(-self.place.block_rows // minibatches.batch_size)
            self.ends = np.searchsorted(steps, np.arange(count + 1)).tolist()
            self.minibatches = minibatches
        rows = self.rows[self.ends[step] : self.ends[step + 1]]
        if not len(rows):
            return Gradient(np.zeros_like(theta[:-1]), np.zeros_like(theta[-1]), 0.0)
        X, y, weights = self.data.X[rows], self.data.y[rows], self.data.weights
        grad_y_hat = self.loss.grad(linreg(X, theta[:-1], theta[-1]), y)
        total = float(len(rows))
        if weights is not None:
            grad_y_hat = grad_y_hat * weights[rows, None]
            total = float(weights[rows].sum())
        return Gradient(*linreg_backward(X, grad_y_hat), total)


def of_chunk(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    place: Place,
    kind: Kind,
    scaling: Scaling | None,
    *found: Any,
) -> Any:
    """function(data, *arguments) of a chunk."""
    return function(place.look(found, kind, scaling), *arguments)


def block_moments(
    place: Place,
    kind: Kind,
    scaling: Scaling | None,
    minibatches: Minibatches,
    scale: float,
    theta: FloatArray | None,
    totals: bool,
    *found: Any,
) -> BlockMoments:
    """The moments of each minibatch's rows in a chunk, and with `theta` those of the loss around it."""
    data = place.look(found, kind, scaling)
    loss = None if theta is None else LossMoments.of(data, theta)
    index = minibatches.index(place)
    steps = BatchMoments.of_block(data, index, minibatches.batch_size, scale, totals=totals)
    return BlockMoments(steps, loss)


def first_rows(place: Place, count: int, *found: Any) -> Data:
    return place.look(found).head(count)


def whole_chunk(place: Place, kind: Kind, *found: Any) -> Data:
    return place.look(found, kind)


def number_of_rows(found: Any, *_: Any) -> int:
    """Rows of features, or of a block (features, labels)."""
    return len(found[0]) if isinstance(found, (tuple, list)) else len(found)


def add(one: Any, other: Any) -> Any:
    return one + other
