"""Data that do not fit in memory: blocks of rows, read one after the other (in which order: `visit.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, Rows, as_count, as_data
from npreg.runs.sources import BLOCK_ROWS, Source, Stream, files, is_path, slices
from npreg.runs.sums import tree_sum


class RowBlocks(Rows):
    """Row blocks that are read when they are needed, and only then.

    Parameters
    ----------
    read : callable of a block's number -> (features, labels) or (features, labels, sample_weight)
        Called once an epoch for each block; returns (r, d), (r,) or (r, k), and (r,).
    rows : sequence of int
        The number of rows of each block.
    in_order : bool
        Visit the blocks in their order rather than a random one, where only that is cheap to read.

    >>> blocks = RowBlocks(lambda i: ([[1.0 * i], [2.0]], [3.0, 4.0]), rows=[2, 2, 2])
    >>> len(blocks), blocks.num_rows, blocks[1].y.shape
    (3, 6, (2, 1))
    """

    def __init__(
        self, read: Callable[[int], tuple[ArrayLike, ...]], rows: Sequence[int], *, in_order: bool = False
    ) -> None:
        if not callable(read):
            raise TypeError(f"read must be a function of a block's number, not {read!r}")
        if not np.iterable(rows):
            raise TypeError(f"rows must be a sequence, the number of rows of each block, not {rows!r}")
        self.read, self.rows = read, [as_count(count, "rows", 1) for count in rows]
        if not self.rows:
            raise ValueError("rows is empty; at least one block is needed")
        self.num_rows, self.in_order = sum(self.rows), in_order

    @classmethod
    def of(
        cls,
        features: Any,
        labels: Any = None,
        block_rows: int = BLOCK_ROWS,
        sample_weight: Any = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> RowBlocks:
        """Blocks of rows of whatever holds more of them than fit in memory.

            RowBlocks.of(features, labels)            arrays: np.memmap, zarr, h5py, all that can be sliced
            RowBlocks.of("rooms.csv", "price")        a CSV file, or several; labels are a column
            RowBlocks.of("rooms/*.parquet", "price")  Parquet (needs pyarrow); a row group is a block
            RowBlocks.of(function)                    function() yields (features, labels[, sample_weight])

        Parameters
        ----------
        features : arrays (n, d), path or paths, or function
            A function is called once an epoch, and once more to count; its blocks are visited in order.
        labels : (n,) or (n, k), or the names of columns
        block_rows : int ≥ 1
        sample_weight : (n,), or the name of a column, optional
        columns : names, optional
            Of files: the features; all but labels and weights without it.

        Raises
        ------
        ValueError, TypeError
            For what cannot be read; of a file with the column and the line.

        >>> blocks = RowBlocks.of(np.ones((10, 3)), np.ones(10), block_rows=4)
        >>> blocks.rows
        [4, 4, 2]
        """
        block_rows = as_count(block_rows, "block_rows", 1)
        streams = callable(features) and labels is None
        if is_path(features):
            source = files(features, labels, sample_weight, block_rows, columns)
        elif streams:
            source = Stream(features).source
        else:
            source = slices(features, labels, sample_weight, block_rows)
        return cls(partial(_read, source), [rows for rows, _ in source], in_order=streams)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Data:
        """Read block i and look at it: ValueError or TypeError, naming the block, for what is no data."""
        return as_block(self.read(i), i, self.rows[i])

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return tree_sum(function(self[i], *arguments) for i in range(len(self)))


def _read(source: Source, i: int) -> Any:
    return source[i][1]()


def as_block(found: Any, i: int | str, num_rows: int) -> Data:
    """What was read as block i, looked at; the errors name the block."""
    if not isinstance(found, (tuple, list)) or len(found) not in (2, 3):
        raise TypeError(f"block {i}: read must return (features, labels) or these and sample_weight")
    try:
        data = as_data(*found, sparse=True)
    except (ValueError, TypeError) as error:
        raise type(error)(f"block {i}: {error}") from None
    if len(data.X) != num_rows:
        raise ValueError(f"block {i} has {len(data.X)} rows, not the {num_rows} that were announced")
    return data
