"""Where an epoch's minibatches come from: rows in memory, or blocks of rows that are read one by one.

A feed draws the orders of rows, hands the rows to an engine, and knows the mean loss.  Whatever it feeds,
and wherever its rows are, it is asked the same five things, and may be put on another scale.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, Rows, as_data
from npreg.arrays.sparse import is_sparse
from npreg.learning_rate import squared_norms
from npreg.loop import Engine, Path
from npreg.losses import Loss
from npreg.runs.blocks import RowBlocks
from npreg.runs.identity import fingerprint
from npreg.runs.lazy import announce_size
from npreg.runs.orders import orders
from npreg.runs.scaling import ColumnMoments, Scaling
from npreg.runs.sums import LossMoments, mean_loss, tree_sum
from npreg.runs.visit import Visit, row_order

__all__ = [
    "ArrayFeed",
    "BlockFeed",
    "Facts",
    "Feed",
    "How",
    "Reached",
    "as_feed",
    "as_rows",
    "losses_and_weight",
    "on_scale",
]

TOGETHER = 200_000  # rows whose orders may be drawn at once, so that short epochs share one pass
SAMPLE_ROWS = 256
MOMENT_COLUMNS = 256  # features up to which a pass over blocks also sums X̃ᵀX̃, for the loss


@dataclass(frozen=True)
class Facts:
    """What is known of the rows without reading them."""

    rows: Sequence[int]  # of each block: no minibatch spans two; in memory all rows are one block
    sample: Data  # to look at: all rows in memory, the first of the first block otherwise

    @cached_property
    def num_rows(self) -> int:
        return sum(self.rows)

    @property
    def width(self) -> int:
        return self.sample.kind[0]

    @property
    def num_outputs(self) -> int:
        return self.sample.kind[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.sample.X.dtype

    @property
    def is_whole(self) -> bool:
        """Whether the sample is all rows."""
        return len(self.sample.X) == self.num_rows

    def steps_per_epoch(self, batch_size: int) -> int:
        """Minibatches an epoch."""
        return sum(-(-rows // batch_size) for rows in self.rows)

    def divisor(self, batch_size: int) -> float:
        """What the summed gradient of a minibatch is divided by."""
        return float(batch_size)

    @cached_property
    def norms(self) -> tuple[float, float]:
        """The largest and the mean ‖x̃‖² of the sample."""
        return squared_norms(self.sample.X, self.sample.weights)

    @property
    def largest_norm(self) -> float:
        """An upper bound of ‖x̃‖² over all rows."""
        return self.norms[0] if self.is_whole else math.inf


class Reached(NamedTuple):
    """A place where a run may be left, and taken up again."""

    ends: list[FloatArray]  # the parameters after every epoch that has ended since the last such place
    state: dict[str, Any]  # in the middle of an epoch: what it has gathered besides the parameters


class How(NamedTuple):
    """What is asked of epochs."""

    loss: Loss | None = None  # what `losses` will be asked for; found in the same pass where it can be
    path: Path | None = None  # receives the parameters after every step
    ahead: bool = False  # nobody will stop before the last epoch: orders may be drawn early
    state: dict[str, Any] | None = None  # of an epoch that was left in the middle, with which to begin


class Feed(Rows):
    """Feeds an engine, epoch by epoch."""

    facts: Facts

    def epochs(
        self, engine: Engine, theta: FloatArray, rng: np.random.Generator, num_epochs: int, how: How
    ) -> Generator[Reached, None, None]:
        """Advance `theta` through `num_epochs` epochs, from one place to the next where it may be left."""
        raise NotImplementedError

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        """The mean loss over all rows at each of these parameters."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """A text by which other data are told."""
        raise NotImplementedError

    def scaled(self, scaling: Scaling) -> Feed:
        """The same rows with their features on another scale."""
        raise NotImplementedError


def as_rows(
    features: ArrayLike | Rows, labels: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> Data | Rows:
    """Arrays, looked at, as `Data`; RowBlocks and feeds as they are, since they bring their own labels."""
    if isinstance(features, Rows):
        if labels is not None or sample_weight is not None:
            raise TypeError("RowBlocks bring their own labels, weights and block sizes; leave these out")
        return features
    if labels is None:
        raise TypeError("labels are missing; only RowBlocks bring their own")
    data = as_data(features, labels, sample_weight, sparse=True)
    announce_size(data.X)
    return data


def as_feed(rows: Data | Rows) -> Feed:
    """Rows of any kind as a feed."""
    if isinstance(rows, Feed):
        return rows
    if isinstance(rows, RowBlocks):
        return BlockFeed(rows)
    assert isinstance(rows, Data)
    return ArrayFeed(rows)


def on_scale(feed: Feed, *, standardize: bool, center: bool = True) -> tuple[Feed, Scaling | None]:
    """A feed with weights of mean 1, and if so wished standardised columns, whose scaling is returned."""
    if not standardize and feed.facts.sample.weights is None:
        return feed, None
    moments: ColumnMoments = feed.total(ColumnMoments.of)
    if standardize:
        scaling = moments.scaling(center=center)
        return feed.scaled(scaling), scaling
    as_they_are = np.zeros_like(moments.mean), np.ones_like(moments.mean)
    return feed.scaled(Scaling(*as_they_are, moments.mean_weight)), None


class ArrayFeed(Feed):
    """Arrays in memory; every epoch is one `rng.permutation(n)`, cut into consecutive minibatches."""

    def __init__(self, data: Data) -> None:
        self.data, self.facts = data, Facts([len(data.X)], data)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.data, *arguments)

    def epochs(
        self, engine: Engine, theta: FloatArray, rng: np.random.Generator, num_epochs: int, how: How
    ) -> Generator[Reached, None, None]:
        num_rows = self.facts.num_rows
        together = max(TOGETHER // num_rows, 1) if how.ahead and how.path is None else 1
        engine.load(*self.data)
        with closing(orders(rng, num_rows, num_epochs, ahead=how.ahead)) as drawn:
            while some := list(islice(drawn, together)):
                yield Reached(engine.run(theta, some, how.path), {})

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        return [mean_loss(loss, self.data, theta) for theta in thetas]

    def fingerprint(self) -> str:
        X: Any = self.data.X
        return fingerprint(*(X.arrays() if is_sparse(X) else [X]), *self.data[1:])

    def scaled(self, scaling: Scaling) -> ArrayFeed:
        return ArrayFeed(scaling.data(self.data))


def losses_and_weight(data: Data, loss: Loss, thetas: Sequence[FloatArray]) -> FloatArray:
    """The sums of the loss over these rows at each of the parameters, and the sum of the weights."""
    weight = float(len(data.X) if data.weights is None else data.weights.sum())
    return np.array([*(weight * mean_loss(loss, data, theta) for theta in thetas), weight])


class BlockFeed(Feed):
    """Row blocks, read one at a time: see `npreg.runs.blocks` for the order of rows.

    At most one block and its rows in order are held.  The mean loss comes out of the same pass for the
    squared loss of up to 256 features; otherwise, and where digits would be lost, it takes another one.
    """

    def __init__(self, blocks: RowBlocks) -> None:
        self.blocks = blocks
        self.scaling: Scaling | None = None
        sample = self.first_rows()
        self.kind = sample.kind
        self.facts = Facts(blocks.rows, sample)
        self.last: Visit | None = None  # the last epoch, whose sums tell the loss

    def first_rows(self) -> Data:
        return self.blocks[0].head(SAMPLE_ROWS)

    def read(self, i: int) -> Data:
        data = self.blocks[i]
        data.check_kind(i, self.kind)
        return data if self.scaling is None else self.scaling.data(data)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return tree_sum(function(self.read(i), *arguments) for i in range(len(self.blocks)))

    def epochs(
        self, engine: Engine, theta: FloatArray, rng: np.random.Generator, num_epochs: int, how: How
    ) -> Generator[Reached, None, None]:
        state, sums_loss = how.state, how.loss is not None and how.loss.is_squared
        sums_loss = sums_loss and self.facts.width <= MOMENT_COLUMNS
        for _ in range(num_epochs):
            if state:
                visit = Visit.of_state(state, len(self.blocks), theta.shape)
            else:
                visit = Visit.begin(rng, len(self.blocks), theta, in_order=self.blocks.in_order)
            around = visit.start if sums_loss else None
            with closing(self.visit(engine, theta, visit, how.path, around)) as found:
                for moments in found:
                    visit.count(moments)
                    if not visit.is_over:
                        yield Reached([], visit.state())
            self.last, state = visit, None
            yield Reached([theta.copy()], {})

    def visit(
        self, engine: Engine, theta: FloatArray, visit: Visit, path: Path | None, around: FloatArray | None
    ) -> Generator[LossMoments | None, None, None]:
        """Advance `theta` block by block; yields the moments of each block's loss `around` parameters."""
        for i, seed in visit.left:
            data = self.read(i)
            moments = None if around is None else LossMoments.of(data, around)
            engine.load(*data)
            engine.run(theta, [row_order(seed, len(data.X))], path)
            yield moments

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        last = self.last if loss.is_squared else None
        known = [None if last is None else last.mean_loss(theta) for theta in thetas]
        missing = [theta for theta, value in zip(thetas, known, strict=True) if value is None]
        if missing:
            *sums, weight = self.total(losses_and_weight, loss, missing)
            found = iter(float(total / weight) for total in sums)
            return [next(found) if value is None else value for value in known]
        return [value for value in known if value is not None]

    def fingerprint(self) -> str:
        """Of the first rows only: all rows would cost a pass."""
        return f"{fingerprint(*self.facts.sample)} {list(self.blocks.rows)}"

    def scaled(self, scaling: Scaling) -> BlockFeed:
        feed = copy.copy(self)
        feed.scaling, feed.facts = scaling, Facts(self.facts.rows, scaling.data(self.facts.sample))
        return feed
