"""Where an epoch's minibatches come from: arrays in memory, or blocks that are read one by one.

A feed draws the orders of rows, hands them to the engine, and knows the mean loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.learning_rate import RateMoments, squared_norms
from npreg.loop import Engine, Path
from npreg.losses import Loss
from npreg.runs.blocks import BlockShuffle, RowBlocks, TreeSum, tree_sum
from npreg.runs.checkpoint import fingerprint
from npreg.runs.mean_loss import LossMoments, mean_loss
from npreg.runs.orders import AHEAD, Orders
from npreg.runs.scaling import ColumnMoments, Scaling

__all__ = ["ArrayFeed", "BlockFeed", "ColumnMoments", "Feed", "LossMoments", "Pause"]

TOGETHER = 200_000  # rows whose orders may be drawn at once, so that short epochs share one pass
SAMPLE_ROWS = 256
MOMENT_COLUMNS = 256  # features up to which a pass over blocks also sums X̃ᵀX̃, for the loss


class Pause(Protocol):
    """Called in the middle of an epoch, about every `steps` steps of `batch_size` rows."""

    steps: int
    batch_size: int

    def at(self, position: int) -> None:
        """It is safe to write down where the run is."""


class Feed(Protocol):
    """Feeds an engine, epoch by epoch."""

    num_rows: int
    width: int
    num_outputs: int
    dtype: np.dtype[Any]
    sample: Data  # the first rows, to look at

    def steps_per_epoch(self, batch_size: int) -> int:
        """Minibatches an epoch."""

    def divisor(self, batch_size: int) -> float:
        """What the summed gradient of a minibatch is divided by."""

    def norms(self) -> tuple[float, float]:
        """The largest and the mean ‖x̃‖² of the rows, or of a sample of them."""

    def largest_norm(self) -> float:
        """An upper bound of ‖x̃‖² over all rows."""

    def rate_moments(self) -> RateMoments:
        """What the bound of the learning rate needs, of all rows."""

    def start(self, engine: Engine, rng: np.random.Generator, num_epochs: int, *, ahead: bool) -> None:
        """Get ready for `num_epochs` epochs; with `ahead`, orders may be drawn before they are needed."""

    def together(self) -> int:
        """How many epochs may share one call of `epochs`."""

    def epochs(
        self,
        engine: Engine,
        theta: FloatArray,
        count: int,
        path: Path | None,
        position: int = 0,
        pause: Pause | None = None,
    ) -> list[FloatArray]:
        """`count` epochs; returns the parameters after each.

        `position` is how far the first of them had come when it was interrupted.  `pause` is called
        with such positions whenever it is safe to write down where the run is.
        """

    def state(self) -> dict[str, FloatArray]:
        """What an interrupted epoch has gathered besides the parameters."""

    def set_state(self, state: dict[str, FloatArray]) -> None:
        """Take back what `state` returned."""

    def fingerprint(self) -> str:
        """A text by which other data are told."""

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        """The mean loss over all rows at each of these parameters."""

    def close(self) -> None:
        """Leave the generator at rest."""


class ArrayFeed:
    """Arrays in memory; every epoch is one `rng.permutation(n)`, cut into consecutive minibatches."""

    def __init__(self, data: Data) -> None:
        X, y, weights = self.data = data
        self.num_rows, self.width = len(X), X.shape[1]
        self.num_outputs, self.dtype = y.shape[1], X.dtype
        some = slice(SAMPLE_ROWS)
        self.sample = Data(X[some], y[some], None if weights is None else weights[some])
        self.orders: Orders | None = None

    def steps_per_epoch(self, batch_size: int) -> int:
        return -(-self.num_rows // batch_size)

    def divisor(self, batch_size: int) -> float:
        if self.data.weights is not None and batch_size >= self.num_rows:
            # All rows in one minibatch: then a weight of 2 is exactly the row twice.
            return max(float(batch_size), float(self.data.weights.sum()))
        return float(batch_size)

    @cached_property
    def all_norms(self) -> tuple[float, float]:
        return squared_norms(self.data.X, self.data.weights)

    def norms(self) -> tuple[float, float]:
        return self.all_norms

    def largest_norm(self) -> float:
        return self.all_norms[0]

    def rate_moments(self) -> RateMoments:
        return RateMoments.of(self.data.X, self.data.weights)

    def start(self, engine: Engine, rng: np.random.Generator, num_epochs: int, *, ahead: bool) -> None:
        self.orders = Orders(rng, self.num_rows, num_epochs, ahead=ahead and self.num_rows >= AHEAD)
        engine.load(*self.data)

    def together(self) -> int:
        return max(TOGETHER // self.num_rows, 1)

    def epochs(
        self,
        engine: Engine,
        theta: FloatArray,
        count: int,
        path: Path | None,
        position: int = 0,
        pause: Pause | None = None,
    ) -> list[FloatArray]:
        assert self.orders is not None
        if pause is None and not position:
            return engine.run(theta, [self.orders.next() for _ in range(count)], path)
        ends = []
        for _ in range(count):
            order = self.orders.next()
            while position < self.num_rows:
                stop = self.num_rows
                if pause is not None:
                    steps = -(-pause.steps // engine.align) * engine.align
                    stop = min(stop, position + steps * pause.batch_size)
                ends = engine.run(theta, [order[position:stop]], path)
                position = stop
                if pause is not None and position < self.num_rows:
                    pause.at(position)
            position = 0
        return ends

    def state(self) -> dict[str, FloatArray]:
        return {}

    def set_state(self, state: dict[str, FloatArray]) -> None:
        pass

    def fingerprint(self) -> str:
        return fingerprint(*self.data)

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        return [mean_loss(loss, self.data, theta) for theta in thetas]

    def close(self) -> None:
        if self.orders is not None:
            self.orders.close()


def _rate_moments(data: Data) -> RateMoments:
    return RateMoments.of(data.X, data.weights)


def _loss_and_weight(data: Data, loss: Loss, theta: FloatArray) -> FloatArray:
    weight = float(len(data.X) if data.weights is None else data.weights.sum())
    return np.array([weight * mean_loss(loss, data, theta), weight])


class BlockFeed:
    """Row blocks, read one at a time: see `npreg.runs.blocks` for the order of rows.

    At most one block and its rows in order are held.  The mean loss comes out of the same pass for the
    squared loss of up to 256 features; otherwise, and where digits would be lost, it takes another one.
    """

    def __init__(self, blocks: RowBlocks) -> None:
        self.blocks = blocks
        self.scaling: Scaling | None = None
        self.num_rows = blocks.num_rows
        self.sample = self.first_rows()
        self.kind = self.sample.kind
        self.width, self.num_outputs, self.dtype = self.kind
        self.start_of_epoch: FloatArray | None = None
        self.moments: LossMoments | None = None
        self.sums = TreeSum()

    def standardize(self) -> Scaling:
        """From now on columns have mean 0 and standard deviation 1, found in one pass."""
        moments: ColumnMoments = self.total(ColumnMoments.of)
        self.scaling = scaling = moments.scaling()
        self.sample = self.sample._replace(X=scaling.features(self.sample.X))
        return scaling

    def first_rows(self) -> Data:
        return self.blocks[0].head(SAMPLE_ROWS)

    def read(self, i: int) -> Data:
        data = self.blocks[i]
        data.check_kind(i, self.kind)
        return data if self.scaling is None else data._replace(X=self.scaling.features(data.X))

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The sum of function(data, *arguments) over all blocks, in a fixed tree."""
        return tree_sum(function(self.read(i), *arguments) for i in range(len(self.blocks)))

    def steps_per_epoch(self, batch_size: int) -> int:
        return sum(-(-rows // batch_size) for rows in self.blocks.rows)

    def divisor(self, batch_size: int) -> float:
        return float(batch_size)

    def norms(self) -> tuple[float, float]:
        """Of the sample: a pass over all rows would cost an epoch."""
        return squared_norms(self.sample.X, self.sample.weights)

    def largest_norm(self) -> float:
        return math.inf

    def rate_moments(self) -> RateMoments:
        moments: RateMoments = self.total(_rate_moments)
        return moments

    def start(self, engine: Engine, rng: np.random.Generator, num_epochs: int, *, ahead: bool) -> None:
        self.rng = rng

    def together(self) -> int:
        return 1

    def epochs(
        self,
        engine: Engine,
        theta: FloatArray,
        count: int,
        path: Path | None,
        position: int = 0,
        pause: Pause | None = None,
    ) -> list[FloatArray]:
        shuffle = BlockShuffle.draw(self.rng, len(self.blocks))
        if not position:
            self.start_of_epoch, self.sums = theta.copy(), TreeSum()
        assert self.start_of_epoch is not None
        for done, i in enumerate(shuffle.blocks[position:], start=position + 1):
            data = self.read(int(i))
            if self.width <= MOMENT_COLUMNS:
                self.sums.add(LossMoments.of(data, self.start_of_epoch))
            engine.load(*data)
            engine.run(theta, [shuffle.rows(int(i), len(data.X))], path)
            if pause is not None and done < len(self.blocks):
                pause.at(done)
        self.moments = self.sums.total
        return [theta.copy()]

    def state(self) -> dict[str, FloatArray]:
        if self.start_of_epoch is None:
            return {}
        state: dict[str, FloatArray] = {"start_of_epoch": self.start_of_epoch}
        for level, sums in enumerate(self.sums.levels):
            if sums is not None:
                state[f"slope_{level}"], state[f"curvature_{level}"] = sums.slope, sums.curvature
                state[f"totals_{level}"] = np.array([sums.value, sums.weight])
        return state

    def set_state(self, state: dict[str, FloatArray]) -> None:
        self.start_of_epoch, self.sums = state.get("start_of_epoch"), TreeSum()
        levels = [int(name.removeprefix("totals_")) for name in state if name.startswith("totals_")]
        self.sums.levels = [None] * (max(levels, default=-1) + 1)
        for level in levels:
            value, weight = map(float, state[f"totals_{level}"])
            slope, curvature = state[f"slope_{level}"], state[f"curvature_{level}"]
            self.sums.levels[level] = LossMoments(value, slope, curvature, weight)

    def fingerprint(self) -> str:
        """Of the first rows only: all rows would cost a pass."""
        return f"{fingerprint(*self.sample)} {self.blocks.rows}"

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        found = []
        for theta in thetas:
            value = None
            if loss.is_squared and self.moments is not None and self.start_of_epoch is not None:
                value = self.moments.mean_loss(theta.astype(np.float64) - self.start_of_epoch)
            found.append(self.direct_loss(loss, theta) if value is None else value)
        return found

    def direct_loss(self, loss: Loss, theta: FloatArray) -> float:
        total, weight = self.total(_loss_and_weight, loss, theta)
        return float(total / weight)

    def close(self) -> None:
        pass
