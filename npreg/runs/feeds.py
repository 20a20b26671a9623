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
from typing import Any, NamedTuple, TypeAlias

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
from npreg.runs.scaling import ColumnMoments, Scaling
from npreg.runs.sums import LossMoments, losses_and_weight, mean_loss, tree_sum
from npreg.runs.visit import Visit, orders, row_order

TOGETHER = 200_000  # rows whose orders may be drawn at once, so that short epochs share one pass
SAMPLE_ROWS = 256
MOMENT_COLUMNS = 256  # features up to which a pass over blocks also sums X̃ᵀX̃, for the loss

# A place where a run may be left, and taken up again: the parameters after every epoch that has ended since the last
# such place; and in the middle of an epoch, what it has gathered besides the parameters.
Reached: TypeAlias = tuple[list[FloatArray], dict[str, Any]]


class How(NamedTuple):
    """What is asked of epochs."""

    loss: Loss | None = None  # what `losses` will be asked for; found in the same pass where it can be
    path: Path | None = None  # receives the parameters after every step
    ahead: bool = False  # nobody will stop before the last epoch: orders may be drawn early
    state: dict[str, Any] | None = None  # of an epoch that was left in the middle, with which to begin


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
        return sum(-(-rows // batch_size) for rows in self.rows)

    @cached_property
    def norms(self) -> tuple[float, float]:
        """The largest and the mean ‖x̃‖² of the sample."""
        return squared_norms(self.sample.X, self.sample.weights)

    @property
    def largest_norm(self) -> float:
        """An upper bound of ‖x̃‖² over all rows."""
        return self.norms[0] if self.is_whole else math.inf


class ArrayFeed(Rows):
    """Arrays in memory; every epoch is one `rng.permutation(n)`, cut into consecutive minibatches."""

    def __init__(self, data: Data) -> None:
        self.data, self.facts = data, Facts([len(data.X)], data)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.data, *arguments)

    def epochs(
        self, engine: Engine, theta: FloatArray, rng: np.random.Generator, num_epochs: int, how: How
    ) -> Generator[Reached, None, None]:
        """Advance `theta` through `num_epochs` epochs, from one place to the next where it may be left."""
        num_rows = self.facts.num_rows
        together = max(TOGETHER // num_rows, 1) if how.ahead and how.path is None else 1
        engine.load(*self.data)
        with closing(orders(rng, num_rows, num_epochs, ahead=how.ahead)) as drawn:
            while some := list(islice(drawn, together)):
                yield engine.run(theta, some, how.path), {}

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        """The mean loss over all rows at each of these parameters."""
        return [mean_loss(loss, self.data, theta) for theta in thetas]

    def fingerprint(self) -> str:
        """A text by which other data are told."""
        X: Any = self.data.X
        return fingerprint(*(X.arrays() if is_sparse(X) else [X]), *self.data[1:])

    def scaled(self, scaling: Scaling) -> ArrayFeed:
        """The same rows with their features on another scale."""
        return ArrayFeed(scaling.data(self.data))


class BlockFeed(Rows):
    """Row blocks, read one at a time: see `npreg.runs.visit` for the order of rows.

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
            with closing(self.visit(engine, theta, visit, how.path, visit.start if sums_loss else None)) as found:
                for moments in found:
                    visit.count(moments)
                    if not visit.is_over:
                        yield [], visit.state()
            self.last, state = visit, None
            yield [theta.copy()], {}

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
        if not missing:
            return [value for value in known if value is not None]
        *sums, weight = self.total(losses_and_weight, loss, missing)
        found = iter(float(total / weight) for total in sums)
        return [next(found) if value is None else value for value in known]

    def fingerprint(self) -> str:
        """Of the first rows only: all rows would cost a pass."""
        return f"{fingerprint(*self.facts.sample)} {list(self.blocks.rows)}"

    def scaled(self, scaling: Scaling) -> BlockFeed:
        feed = copy.copy(self)
        feed.scaling, feed.facts = scaling, Facts(self.facts.rows, scaling.data(self.facts.sample))
        return feed


Feed: TypeAlias = ArrayFeed | BlockFeed


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
    if isinstance(rows, (ArrayFeed, BlockFeed)):
        return rows
    if isinstance(rows, RowBlocks):
        return BlockFeed(rows)
    assert isinstance(rows, Data)
    return ArrayFeed(rows)


def on_scale(feed: Feed, *, standardize: bool, center: bool = True) -> tuple[Feed, Scaling | None]:
    """A feed with weights of mean 1, and if so wished standardised columns, whose scaling is returned."""
    if not standardize and feed.facts.sample.weights is None:
        return feed, None
    scaling = feed.total(ColumnMoments.of).scaling(standardize=standardize, center=center)
    return feed.scaled(scaling), scaling if standardize else None
