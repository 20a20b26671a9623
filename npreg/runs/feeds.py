"""Where an epoch's minibatches come from: rows in memory, or blocks of rows that are read one by one.

The order of row blocks is `visit_order`, and `row_order` within each; each is cut into minibatches by itself, so that
the blocks and `rng` alone decide which rows form which minibatch.
"""

import copy
import math
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, Rows, as_data, as_nonnegative, brief
from npreg.arrays.data import cast
from npreg.arrays.sparse import is_sparse
from npreg.arrays.tables import Table
from npreg.learning_rate import squared_norms
from npreg.loop import Engine, Order, Path
from npreg.losses import Loss
from npreg.runs.blocks import RowBlocks
from npreg.runs.identity import fingerprint
from npreg.runs.plan import Plan
from npreg.runs.scaling import ColumnMoments, Scaling, announce_size, some_rows
from npreg.runs.sums import LossMoments, TreeSum, losses_and_weight, mean_loss, tree_sum

IN_ORDER = -1  # the seed of a block whose rows are taken as they come
AHEAD = 50_000  # rows from which drawing the next order on a thread pays
TOGETHER = 200_000  # rows whose orders may be drawn at once, so that short epochs share one pass
SAMPLE_ROWS = 256
MOMENT_COLUMNS = 256  # features up to which a pass over blocks also sums X̃ᵀX̃, for the loss
VALIDATION = "(features, labels), a tuple, or a fraction of the rows, or RowBlocks"

# Where a run may be left: the parameters after every epoch since, and the blocks that are done of one in the middle.
Reached: TypeAlias = tuple[list[FloatArray], int]
BlockOrder: TypeAlias = list[tuple[int, int]]  # the blocks of an epoch, each with the seed of its rows' order


class How(NamedTuple):
    loss: Loss | None = None  # what `losses` will be asked for, found in the same pass where it can be
    path: Path | None = None  # receives the parameters after every step,
    unseen: int = 0  # but not of so many epochs, the first
    ahead: bool = False  # nobody will stop before the last epoch: orders may be drawn early
    done: int = 0  # blocks of the first epoch that were done before it was left in the middle,
    start: FloatArray | None = None  # and the parameters with which it began
    shuffle: bool = True


def orders(
    rng: "np.random.Generator", num_rows: int, count: int, *, ahead: bool, shuffle: bool = True
) -> Generator[Order, None, None]:
    """`count` orders of the rows, with `ahead` the next drawn on a thread; closing this leaves `rng` at rest."""
    draw: Any = partial(rng.permutation if shuffle else np.arange, num_rows)
    if not (ahead and shuffle and num_rows >= AHEAD and count > 1):
        yield from (draw() for _ in range(count))
        return
    from concurrent.futures import ThreadPoolExecutor  # here, since `import npreg` and short runs stay light

    with ThreadPoolExecutor(1, "npreg-orders") as thread:  # whose end waits for what is being drawn
        order = draw()
        for _ in range(count - 1):
            drawn = thread.submit(draw)
            yield order
            order = drawn.result()
    yield order


def row_order(seed: int, num_rows: int) -> Order:
    return np.arange(num_rows) if seed == IN_ORDER else np.random.default_rng(seed).permutation(num_rows)


def visit_order(
    rng: "np.random.Generator", num_blocks: int, *, in_order: bool = False, shuffle: bool = True
) -> BlockOrder:
    if not shuffle:
        return [(i, IN_ORDER) for i in range(num_blocks)]
    order = np.arange(num_blocks) if in_order else rng.permutation(num_blocks)
    seeds = rng.integers(2**63, size=num_blocks)
    return [(int(i), int(seeds[i])) for i in order]


class Facts:
    """What is known without reading: the rows of each block (in memory one), and a sample, there all rows."""

    def __init__(self, rows: Sequence[int], sample: Data) -> None:
        self.rows, self.sample, self.num_rows = rows, sample, sum(rows)
        self.width, self.num_outputs, self.dtype = sample.kind[:3]
        self.is_whole = len(sample.X) == self.num_rows  # whether the sample is all rows
        self.parabolas: dict[Any, Any] = {}  # of the squared loss, once npreg.runs.convergence needs them

    def steps_per_epoch(self, batch_size: int) -> int:
        return sum(-(-rows // batch_size) for rows in self.rows)

    @cached_property
    def norms(self) -> tuple[float, float]:
        return squared_norms(self.sample.X, self.sample.weights)


class ArrayFeed(Rows):
    """Arrays in memory; every epoch is one `rng.permutation(n)`, cut into consecutive minibatches."""

    def __init__(self, data: Data) -> None:
        self.data, self.facts = data, Facts([len(data.X)], data)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.data, *arguments)

    def epochs(
        self, engine: Engine, theta: FloatArray, rng: "np.random.Generator", num_epochs: int, how: How
    ) -> Generator[Reached, None, None]:
        """Advance `theta` through `num_epochs` epochs, from one place to the next where it may be left."""
        num_rows = self.facts.num_rows
        together = max(TOGETHER // num_rows, 1) if how.ahead else 1
        unseen = num_epochs if how.path is None else how.unseen
        engine.load(*self.data)
        with closing(orders(rng, num_rows, num_epochs, ahead=how.ahead, shuffle=how.shuffle)) as drawn:
            while some := list(islice(drawn, max(min(together, unseen), 1))):
                yield engine.run(theta, some, None if unseen > 0 else how.path), 0
                unseen -= len(some)

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        return [mean_loss(loss, self.data, theta) for theta in thetas]

    def fingerprint(self) -> str:
        X: Any = self.data.X
        return fingerprint(*((X.pointers, *X.stored) if is_sparse(X) else [X]), self.data.y, self.data.weights)

    def scaled(self, scaling: Scaling) -> "ArrayFeed":
        return ArrayFeed(scaling.data(self.data))


class BlockFeed(Rows):
    """Row blocks, read one at a time; the squared loss of few features comes out of the same pass."""

    def __init__(self, blocks: RowBlocks) -> None:
        self.blocks = blocks
        self.scaling: Scaling | None = None
        sample = self.first_rows()
        self.kind = sample.kind
        self.facts = Facts(blocks.rows, sample)
        self.last: tuple[Any, LossMoments | None] = None, None  # the last epoch's start, and the loss around it

    def first_rows(self) -> Data:
        return self.blocks[0].head(SAMPLE_ROWS)

    def read(self, i: int) -> Data:
        data = self.blocks[i]
        data.check_kind(i, self.kind)
        return data if self.scaling is None else self.scaling.data(data)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return tree_sum(function(self.read(i), *arguments) for i in range(len(self.blocks)))

    def epochs(
        self, engine: Engine, theta: FloatArray, rng: "np.random.Generator", num_epochs: int, how: How
    ) -> Generator[Reached, None, None]:
        sums_loss = how.loss is not None and how.loss.is_squared and self.facts.width <= MOMENT_COLUMNS
        start, done, count = how.start, how.done, len(self.blocks)
        for epoch in range(num_epochs):
            path = None if epoch < how.unseen else how.path
            start, sums = theta.copy() if start is None or not done else start, TreeSum()
            order = visit_order(rng, count, in_order=self.blocks.in_order, shuffle=how.shuffle)
            for i, _ in order[:done] if sums_loss else ():
                sums.add(LossMoments.of(self.read(i), start))
            with closing(self.visit(engine, theta, order[done:], path, start if sums_loss else None)) as found:
                for moments in found:
                    done += 1
                    if moments is not None:
                        sums.add(moments)
                    if done < count:
                        yield [], done
            self.last, start, done = (start, sums.total), None, 0
            yield [theta.copy()], 0

    def visit(
        self, engine: Engine, theta: FloatArray, order: BlockOrder, path: Path | None, around: FloatArray | None
    ) -> Generator[LossMoments | None, None, None]:
        """Advance `theta` block by block; yields the moments of each block's loss `around` parameters."""
        for i, seed in order:
            data = self.read(i)
            moments = None if around is None else LossMoments.of(data, around)
            engine.load(*data)
            engine.run(theta, [row_order(seed, len(data.X))], path)
            yield moments

    def losses(self, loss: Loss, thetas: Sequence[FloatArray]) -> list[float]:
        start, total = self.last
        if loss.is_squared and total is not None:
            found = [total.mean_loss(theta.astype(np.float64) - start) for theta in thetas]
            if len(known := [value for value in found if value is not None]) == len(thetas):
                return known
        *sums, weight = self.total(losses_and_weight, loss, thetas)
        return [float(each / weight) for each in sums]

    def fingerprint(self) -> str:
        """Of the first rows only: all rows would cost a pass."""
        return f"{fingerprint(*self.facts.sample)} {list(self.blocks.rows)}"

    def scaled(self, scaling: Scaling) -> "BlockFeed":
        feed = copy.copy(self)
        feed.scaling, feed.facts = scaling, Facts(self.facts.rows, scaling.data(self.facts.sample))
        return feed


Feed: TypeAlias = ArrayFeed | BlockFeed


def as_rows(features: ArrayLike | Rows, labels: Any = None, sample_weight: Any = None) -> Data | Rows:
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
    if isinstance(rows, Data):
        return ArrayFeed(rows)
    assert isinstance(rows, (RowBlocks, ArrayFeed, BlockFeed))
    return BlockFeed(rows) if isinstance(rows, RowBlocks) else rows


def on_scale(feed: Feed, *, standardize: bool, center: bool = True) -> tuple[Feed, Scaling | None]:
    """A feed with weights of mean 1, and if so wished standardised columns, whose scaling is returned."""
    if not standardize and feed.facts.sample.weights is None:
        return feed, None
    scaling = feed.total(ColumnMoments.of).scaling(standardize=standardize, center=center)
    return feed.scaled(scaling), scaling if standardize else None


class RunRows(NamedTuple):
    feed: Feed
    scaling: Scaling | None
    held_out: Feed | None

    @classmethod
    def of(
        cls, features: Any, labels: Any, sample_weight: Any, validation: Any, plan: Plan, rng: "np.random.Generator"
    ) -> "RunRows":
        """Looked at, split, and scaled; `rng` is drawn from where a fraction is held out."""
        rows, held_out = as_rows(features, labels, sample_weight), validation
        if validation is not None and not isinstance(validation, (tuple, Rows)):
            rows, held_out = _split(rows, validation, rng)
        feed = as_feed(rows)
        facts = feed.facts
        if isinstance(validation, tuple):
            if len(validation) not in (2, 3):
                raise ValueError(f"validation must be {VALIDATION}, not a tuple of {len(validation)}")
            given = as_data(*validation, like=facts.sample, sparse=True)
            X = cast(Table(given.X, given.names), facts.dtype, "validation features")
            held_out = replace(given, X=X, y=cast(Table(given.y), facts.dtype, "validation labels"))
        y = facts.sample.y
        if plan.loss.is_squared and max(y.max(), -y.min()) > math.sqrt(np.finfo(facts.dtype).max / facts.num_rows):
            sizes = np.abs(y).max(axis=1)
            why = f"the sum of squares is beyond the range of {facts.dtype}"
            cure = f"give labels / {sizes.max():.3g}, and multiply predictions by that"
            raise ValueError(f"labels reach {sizes.max():.3g} in row {sizes.argmax()}, and {why}; {cure}")
        feed, scaling = on_scale(feed, standardize=plan.standardize, center=plan.fit_intercept)
        if held_out is None:
            return cls(feed, scaling, None)
        other = as_feed(held_out)
        if (other.facts.width, other.facts.num_outputs) != (facts.width, facts.num_outputs):
            found = f"validation features of {other.facts.width} columns and labels of {other.facts.num_outputs}"
            raise ValueError(f"{found} do not fit {facts.width} features and {facts.num_outputs} outputs")
        return cls(feed, scaling, other if scaling is None else other.scaled(scaling))


def _split(rows: Data | Rows, fraction: float, rng: "np.random.Generator") -> tuple[Data, Data]:
    if np.ndim(fraction):
        raise TypeError(f"validation must be {VALIDATION}, not {brief(fraction)}")
    if not isinstance(rows, Data):
        raise ValueError("with row blocks, validation must be (features, labels) or RowBlocks, not a fraction")
    X, y, weights = rows
    held = round(as_nonnegative(fraction, "validation") * len(X))
    if not 0 < fraction < 1 or not 0 < held < len(X):
        said = f"validation = {fraction!r} of {len(X)} rows would hold out {held}"
        raise ValueError(f"{said}; at least one row must be on each side")
    order = rng.permutation(len(X)).astype(np.min_scalar_type(len(X)))  # kept for the whole run
    kept, out = (
        Data(some_rows(X, some), y[some], None if weights is None else weights[some], rows.names)
        for some in (np.sort(order[held:]), np.sort(order[:held]))
    )
    return kept, out
