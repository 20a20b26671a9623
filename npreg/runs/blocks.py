"""Data that do not fit in memory: blocks of rows, read one after the other.

In every epoch the blocks are visited in a random order, and the rows of each in a random order of
their own:

    block order    rng.permutation(number of blocks)
    row orders     for block i: np.random.default_rng(seeds[i]).permutation(rows in block i)
    seeds          rng.integers(2**63, size=number of blocks)

drawn in this order, and each block is cut into minibatches by itself: a block whose rows are no
multiple of batch_size ends with a short minibatch, and no minibatch spans two blocks.  So which rows
form which minibatch is decided by the blocks and `rng` alone, one sequential pass an epoch is enough,
and any machine can work out the minibatches of its own blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npreg.arrays import Data, FloatArray, Rows, as_count, as_data
from npreg.loop import Order
from npreg.runs.checkpoint import CheckpointError
from npreg.runs.orders import IN_ORDER
from npreg.runs.sums import LossMoments, TreeSum, tree_sum

__all__ = ["RowBlocks", "Visit", "as_block", "row_order"]


def row_order(seed: int, num_rows: int) -> Order:
    """The order of a block's rows that its seed stands for."""
    if seed == IN_ORDER:
        return np.arange(num_rows)
    return np.random.default_rng(seed).permutation(num_rows)


@dataclass
class Visit:
    """One epoch's way through the blocks: their order, how far it has come, and the loss summed on it.

    Attributes
    ----------
    blocks, seeds : int arrays of shape (number of blocks,)
        The order of the blocks; and for block i, wherever it comes in it, the seed of its rows' order.
    start : (d + 1, k)
        The parameters at the start of the epoch, around which the loss is summed.
    done : int
        Blocks that are behind.
    """

    blocks: NDArray[Any]
    seeds: NDArray[Any]
    start: FloatArray
    done: int = 0
    sums: TreeSum = field(default_factory=TreeSum)

    @classmethod
    def begin(cls, rng: np.random.Generator, num_blocks: int, theta: FloatArray) -> Visit:
        """An epoch that begins with these parameters."""
        order = rng.permutation(num_blocks)
        return cls(order, rng.integers(2**63, size=num_blocks), theta.copy())

    @property
    def left(self) -> list[tuple[int, int]]:
        """The blocks that are left, in order, each with its seed."""
        return [(int(i), int(self.seeds[i])) for i in self.blocks[self.done :]]

    @property
    def is_over(self) -> bool:
        return self.done == len(self.blocks)

    def count(self, moments: LossMoments | None) -> None:
        """Count one more block as done, and add up its loss."""
        self.done += 1
        if moments is not None:
            self.sums.add(moments)

    def mean_loss(self, theta: FloatArray) -> float | None:
        """The mean squared loss at `theta`; None where it was not summed, or digits would be lost."""
        total: LossMoments | None = self.sums.total
        return None if total is None else total.mean_loss(theta.astype(np.float64) - self.start)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as arrays for a checkpoint."""
        state = {name: np.asarray(getattr(self, name)) for name in ("blocks", "seeds", "start", "done")}
        for level, sums in enumerate(self.sums.levels):
            if sums is not None:
                state[f"slope_{level}"], state[f"curvature_{level}"] = sums.slope, sums.curvature
                state[f"totals_{level}"] = np.array([sums.value, sums.weight])
        return state

    @classmethod
    def of_state(cls, state: Mapping[str, NDArray[Any]], num_blocks: int, shape: tuple[int, ...]) -> Visit:
        """Of what `state` returned; CheckpointError names what cannot be, for parameters of this shape."""

        def get(name: str, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
            found = state.get(name)
            if found is None or found.dtype.kind != kind or found.shape != shape:
                what = "missing" if found is None else f"{found.dtype} of shape {found.shape}"
                raise CheckpointError(f"{name} of the epoch's state is {what}; needed is shape {shape}")
            return found

        blocks, seeds = (get(name, "i", (num_blocks,)) for name in ("blocks", "seeds"))
        done, start = int(get("done", "i", ())), get("start", "f", shape)
        if not np.array_equal(np.sort(blocks), np.arange(num_blocks)) or (seeds < IN_ORDER).any():
            raise CheckpointError(f"blocks or seeds of the epoch's state are no order of {num_blocks} blocks")
        if not 0 <= done < num_blocks:
            raise CheckpointError(f"done of the epoch's state is {done}, of {num_blocks} blocks")
        levels: list[LossMoments | None] = [None] * done.bit_length()
        summed = any(name.startswith("totals_") for name in state)
        for level in range(len(levels)):
            if summed and done >> level & 1:
                value, weight = map(float, get(f"totals_{level}", "f", (2,)))
                slope = get(f"slope_{level}", "f", shape)
                curvature = get(f"curvature_{level}", "f", (shape[0], shape[0]))
                levels[level] = LossMoments(value, slope, curvature, weight)
        return cls(blocks, seeds, start, done, TreeSum(levels))


class RowBlocks(Rows):
    """Row blocks that are read when they are needed, and only then.

    Parameters
    ----------
    read : callable of a block's number -> (features, labels) or (features, labels, sample_weight)
        Called once an epoch for each block; returns (r, d), (r,) or (r, k), and (r,).
    rows : sequence of int
        The number of rows of each block.

    >>> blocks = RowBlocks(lambda i: ([[1.0 * i], [2.0]], [3.0, 4.0]), rows=[2, 2, 2])
    >>> len(blocks), blocks.num_rows, blocks[1].y.shape
    (3, 6, (2, 1))
    """

    def __init__(self, read: Callable[[int], tuple[ArrayLike, ...]], rows: Sequence[int]) -> None:
        if not callable(read):
            raise TypeError(f"read must be a function of a block's number, not {read!r}")
        if not np.iterable(rows):
            raise TypeError(f"rows must be a sequence, the number of rows of each block, not {rows!r}")
        self.read, self.rows = read, [as_count(count, "rows", 1) for count in rows]
        if not self.rows:
            raise ValueError("rows is empty; at least one block is needed")
        self.num_rows = sum(self.rows)

    @classmethod
    def of(
        cls, features: Any, labels: Any, block_rows: int, sample_weight: ArrayLike | None = None
    ) -> RowBlocks:
        """Blocks of `block_rows` consecutive rows of arrays, `np.memmap`s or whatever can be sliced.

        >>> blocks = RowBlocks.of(np.ones((10, 3)), np.ones(10), block_rows=4)
        >>> blocks.rows
        [4, 4, 2]
        """
        block_rows = as_count(block_rows, "block_rows", 1)
        parts = {"features": features, "labels": labels}
        if sample_weight is not None:
            parts["sample_weight"] = sample_weight
        for name, part in parts.items():
            cuts = hasattr(part, "__getitem__") and (hasattr(part, "shape") or hasattr(part, "__len__"))
            if not cuts or isinstance(part, (str, bytes, Mapping, type)) or _shape(part) == ():
                raise TypeError(f"{name} must be an array that can be cut into rows, not {part!r:.40}")
            if _shape(part)[0] != _shape(features)[0]:
                raise ValueError(
                    f"{name} of shape {_shape(part)} do not fit features of shape {_shape(features)}; "
                    f"needed are {_shape(features)[0]} rows"
                )
        if not (n := _shape(features)[0]):
            raise ValueError(f"features is empty: shape {_shape(features)}; at least one row is needed")

        def read(i: int) -> tuple[ArrayLike, ...]:
            rows = slice(i * block_rows, min((i + 1) * block_rows, n))
            return tuple(_read_rows(part, rows) for part in parts.values())

        return cls(read, [min(block_rows, n - start) for start in range(0, n, block_rows)])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Data:
        """Read block i and look at it: ValueError or TypeError, naming the block, for what is no data."""
        return as_block(self.read(i), i, self.rows[i])

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return tree_sum(function(self[i], *arguments) for i in range(len(self)))


def as_block(found: Any, i: int | str, num_rows: int) -> Data:
    """What was read as block i, looked at; the errors name the block."""
    if not isinstance(found, (tuple, list)) or len(found) not in (2, 3):
        raise TypeError(f"block {i}: read must return (features, labels) or these and sample_weight")
    try:
        data = as_data(*found)
    except (ValueError, TypeError) as error:
        raise type(error)(f"block {i}: {error}") from None
    if len(data.X) != num_rows:
        raise ValueError(f"block {i} has {len(data.X)} rows, not the {num_rows} that were announced")
    return data


def _read_rows(part: Any, rows: slice) -> Any:
    if isinstance(part, (list, tuple)):
        return part[rows]
    found = getattr(part, "iloc", part)[rows]
    # A copy: a mapped file is read here, once and in order, not row by row later.
    return found.copy() if isinstance(found, np.ndarray) else found


def _shape(part: Any) -> tuple[int, ...]:
    return tuple(part.shape if hasattr(part, "shape") else (len(part),))
