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

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, as_count, as_data

__all__ = ["BlockShuffle", "RowBlocks", "TreeSum", "as_block", "tree_sum"]

T = TypeVar("T", bound=Any)


class BlockShuffle(NamedTuple):
    """One epoch's order: the blocks', and a seed for the rows of each."""

    blocks: np.ndarray[Any, Any]
    seeds: np.ndarray[Any, Any]

    @classmethod
    def draw(cls, rng: np.random.Generator, num_blocks: int) -> BlockShuffle:
        order = rng.permutation(num_blocks)
        return cls(order, rng.integers(2**63, size=num_blocks))

    def rows(self, block: int, num_rows: int) -> np.ndarray[Any, Any]:
        """The order of the rows of a block."""
        return self.order(int(self.seeds[block]), num_rows)

    @staticmethod
    def order(seed: int, num_rows: int) -> np.ndarray[Any, Any]:
        """The order of a block's rows that its seed stands for."""
        return np.random.default_rng(seed).permutation(num_rows)


class RowBlocks:
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
            cuts = hasattr(part, "__len__") and hasattr(part, "__getitem__")
            if not cuts or isinstance(part, (str, bytes, Mapping, type)) or _shape(part) == ():
                raise TypeError(f"{name} must be an array that can be cut into rows, not {part!r:.40}")
            if len(part) != len(features):
                raise ValueError(
                    f"{name} of shape {_shape(part)} do not fit features of shape {_shape(features)}; "
                    f"needed are {len(features)} rows"
                )
        n = len(features)
        if not n:
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


def as_block(found: Any, i: int | str, num_rows: int) -> Data:
    """What was read as block i, looked at; the errors name the block."""
    from npreg.learning_rate import as_weights

    if not isinstance(found, (tuple, list)) or len(found) not in (2, 3):
        raise TypeError(f"block {i}: read must return (features, labels) or these and sample_weight")
    try:
        X, y = as_data(found[0], found[1])
        weights = as_weights(found[2], len(X)) if len(found) == 3 else None
    except (ValueError, TypeError) as error:
        raise type(error)(f"block {i}: {error}") from None
    if len(X) != num_rows:
        raise ValueError(f"block {i} has {len(X)} rows, not the {num_rows} that were announced")
    return Data(X, y, weights)


class TreeSum:
    """Adds neighbours, then neighbours of these, and so on.

        ((a + b) + (c + d)) + (e + f)

    So rounding depends on the number and order of the parts alone, not on where or when they are added;
    and parts can be handed in one by one, a handful being kept.
    """

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
        """The sum of all parts; None of none."""
        total = None
        for part in self.levels:
            if part is not None:
                total = part if total is None else part + total
        return total


def tree_sum(parts: Iterable[T]) -> T:
    """The sum of one or more parts by `TreeSum`.

    >>> tree_sum("abcdef")
    'abcdef'
    """
    result = TreeSum()
    for part in parts:
        result.add(part)
    return result.total  # type: ignore[no-any-return]


def _read_rows(part: Any, rows: slice) -> Any:
    if isinstance(part, (list, tuple)):
        return part[rows]
    found = getattr(part, "iloc", part)[rows]
    # A copy: a mapped file is read here, once and in order, not row by row later.
    return found.copy() if isinstance(found, np.ndarray) else np.asarray(found)


def _shape(part: Any) -> tuple[int, ...]:
    return tuple(part.shape if hasattr(part, "shape") else (len(part),))
