"""Data that do not fit in memory: blocks of rows, read one after the other (in which order: `feeds.py`)."""

import csv
import glob
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, Rows, as_count, as_data
from npreg.runs.sums import tree_sum

BLOCK_ROWS = 65_536

Parts: TypeAlias = tuple[Any, ...]  # (features, labels) or (features, labels, sample_weight)
Source: TypeAlias = list[tuple[int, Callable[[], Parts]]]  # blocks: the number of rows of each, and what reads them


class RowBlocks(Rows):
    """Row blocks that are read when they are needed, and only then.

    Parameters
    ----------
    read : callable of a block's number -> (features, labels) or (features, labels, sample_weight)
        Called once an epoch for each block; returns (r, d), (r,) or (r, k), and (r,).
    rows : the number of rows of each block
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
        if not 0 < sum(self.rows) <= sys.maxsize:
            raise ValueError(f"rows is empty, or comes to more than {sys.maxsize}; at least one block is needed")
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
    ) -> "RowBlocks":
        """Blocks of rows of whatever holds more of them than fit in memory.

            RowBlocks.of(features, labels)            arrays: np.memmap, zarr, h5py, all that can be sliced
            RowBlocks.of("rooms.csv", "price")        a CSV file, or several; labels are a column
            RowBlocks.of("rooms/*.parquet", "price")  Parquet (needs pyarrow); a row group is a block
            RowBlocks.of(function)                    function() yields (features, labels[, sample_weight])

        Parameters
        ----------
        features : arrays (n, d), path or paths, or function
            A function is called once an epoch, and once more to count; its blocks are visited in order.
        labels, sample_weight : (n,) or (n, k), and (n,), or the names of columns
        block_rows : int ≥ 1
        columns : names, optional
            Of files: the features; all but labels and weights without it.

        ValueError or TypeError for what cannot be read; of a file with the column and the line.

        >>> blocks = RowBlocks.of(np.ones((10, 3)), np.ones(10), block_rows=4)
        >>> blocks.rows
        [4, 4, 2]
        """
        block_rows = as_count(block_rows, "block_rows", 1)
        paths, streams = features, callable(features) and labels is None
        paths = paths if isinstance(paths, (list, tuple)) and paths else [paths]
        if all(isinstance(one, (str, os.PathLike)) for one in paths):
            source = files(paths, labels, sample_weight, block_rows, columns)
        elif streams:
            source = Stream(features).source
        else:
            source = slices(features, labels, sample_weight, block_rows)
        return cls(lambda i: source[i][1](), [rows for rows, _ in source], in_order=streams)

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
        data = as_data(*found, sparse=True)
    except (ValueError, TypeError) as error:
        raise type(error)(f"block {i}: {error}") from None
    if len(data.X) != num_rows:
        raise ValueError(f"block {i} has {len(data.X)} rows, not the {num_rows} that were announced")
    return data


def slices(features: Any, labels: Any, sample_weight: Any, block_rows: int) -> Source:
    if labels is None:
        raise TypeError("labels are missing; only files and functions bring their own")
    parts = {"features": features, "labels": labels}
    parts |= {} if sample_weight is None else {"sample_weight": sample_weight}
    for name, part in parts.items():
        cuts = hasattr(part, "__getitem__") and (hasattr(part, "shape") or hasattr(part, "__len__"))
        if not cuts or isinstance(part, (str, bytes, Mapping, type)) or _shape(part) == ():
            raise TypeError(f"{name} must be an array that can be cut into rows, not {part!r:.40}")
        shape, n = _shape(features), _shape(features)[0]
        if _shape(part)[0] != n:
            fit = f"do not fit features of shape {shape}; needed are {n} rows"
            raise ValueError(f"{name} of shape {_shape(part)} {fit}")
    if not n:
        raise ValueError(f"features is empty: shape {shape}; at least one row is needed")

    def cut(rows: slice) -> Parts:
        found = (getattr(part, "iloc", part)[rows] for part in parts.values())
        # A copy: a mapped file is read here, once and in order, not row by row later.
        return tuple(one.copy() if isinstance(one, np.ndarray) else one for one in found)

    return [(min(block_rows, n - i), partial(cut, slice(i, min(i + block_rows, n)))) for i in range(0, n, block_rows)]


def _shape(part: Any) -> tuple[int, ...]:
    return tuple(part.shape if hasattr(part, "shape") else (len(part),))


class Stream:
    """Blocks that a function yields, of a number that is found by reading them once."""

    def __init__(self, function: Callable[[], Iterable[Any]]) -> None:
        self.function, self.next, first = function, 0, function()
        if not isinstance(first, Iterable):
            raise TypeError(f"the function must yield blocks (features, labels), not return {first!r:.40}")
        self.source: Source = []
        for i, block in enumerate(first):
            if not isinstance(block, (tuple, list)) or len(block) not in (2, 3):
                raise TypeError("the function must yield blocks (features, labels) or these and sample_weight")
            self.source.append((_shape(block[0])[0], partial(self.read, i)))
        if not self.source:
            raise ValueError("the function has yielded no block; it is called anew for each epoch")

    def read(self, i: int) -> Any:
        if i < self.next or not self.next:
            self.blocks, self.next = iter(self.function()), 0
        for block in self.blocks:
            self.next += 1
            if self.next > i:
                return block
        raise ValueError(f"the function has yielded {self.next} blocks, not the {len(self.source)} of before")


def files(paths: Sequence[Any], labels: Any, sample_weight: Any, block_rows: int, columns: Any) -> Source:
    """CSV or Parquet files, all with the same columns: a path, paths, a folder, or a pattern with *."""

    def choose(names: Sequence[str], path: Path) -> list[list[str]]:
        y, weights = _listed(labels), _listed(sample_weight)
        if not y:
            raise TypeError("labels are missing; of a file they are the name of a column, or several")
        features = [name for name in names if name not in (*y, *weights)] if columns is None else columns
        chosen = [_listed(features), y, *([weights] if weights else [])]
        for name in chain(*chosen):
            if name not in names:
                raise ValueError(f"{path} has no column {name!r}; there are {', '.join(map(repr, names))}")
        return chosen

    found: list[Path] = []
    for path in paths:
        matching = [path] if os.path.exists(path) else sorted(glob.glob(os.fspath(path))) or [path]
        found += chain(*(sorted(one.iterdir()) if one.is_dir() else [one] for one in map(Path, matching)))
    kinds = {path.suffix.lower() for path in found}
    if kinds == {".parquet"}:
        return [block for path in found for block in _parquet(path, choose)]
    if kinds <= {".csv", ".tsv", ".txt"}:
        return [block for path in found for block in _csv(path, choose, block_rows)]
    readable = "only files in .csv, .tsv or .txt, or all in .parquet, can be read"
    cure = 'files of arrays are opened first, as np.load(path, mmap_mode="r"), h5py or zarr do'
    raise ValueError(f"of {', '.join(map(str, paths))} {readable}; {cure}")


def _listed(names: Any) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _parquet(path: Path, choose: Callable[..., list[list[str]]]) -> Source:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"{path} needs pyarrow ({error}): python -m pip install pyarrow") from error
    file = parquet.ParquetFile(path)
    features, *others = choose(file.schema_arrow.names, path)

    def read(group: int) -> Parts:
        table = file.read_row_group(group, columns=[*chain(features, *others)])
        rest = (table.column(names[0]) if len(names) == 1 else table.select(names) for names in others)
        return table.select(features), *rest

    sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    return [(rows, partial(read, i)) for i, rows in enumerate(sizes) if rows]


class _Columns(NamedTuple):
    column_names: list[str]
    columns: Sequence[FloatArray]


def _csv(path: Path, choose: Callable[..., list[list[str]]], block_rows: int) -> Source:
    """Lines with a header; where the lines of a block begin is known, so that any block can be read."""
    starts, count, quotes, filled = [], 0, 0, False
    with open(path, "rb") as file:
        header = file.readline().decode("utf-8-sig")
        delimiter = max(",;\t", key=header.count)
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
        chosen, start = choose(names, path), file.tell()
        for line in iter(file.readline, b""):  # empty lines are no rows, and a quoted field may hold ends of lines
            quotes, filled = quotes + line.count(b'"'), filled or not line.isspace()
            if quotes % 2 == 0:
                if filled and count % block_rows == 0:
                    starts.append(start)
                count, start, filled = count + filled, file.tell(), False
        starts.append(file.tell())

    def read(first: int, start: int, end: int) -> Parts:
        with open(path, "rb") as file:
            file.seek(start)
            text = file.read(end - start).decode("utf-8")
        wanted = [names.index(name) for name in chain(*chosen)]
        try:
            table = np.loadtxt(io.StringIO(text), float, None, delimiter, usecols=wanted, ndmin=2, quotechar='"')
        except ValueError as error:
            where = re.search(r"string (.*) to float64 at row (\d+), column (\d+)", str(error))
            if where is None:
                raise ValueError(f"{path}: {error}") from None
            name, row = names[int(where[3]) - 1], first + int(where[2])
            cure = f"put a number there, or name the columns to take as columns=[...], without {name!r}"
            held = f"{path} holds {where[1]} in column {name!r}, row {row} (counted from 0)"
            raise ValueError(f"{held}; {cure}") from None
        columns = iter(table.T)
        features, *others = ([*islice(columns, len(some))] for some in chosen)
        return _Columns(chosen[0], features), *(part[0] if len(part) == 1 else np.column_stack(part) for part in others)

    places = zip(range(0, count, block_rows), starts, starts[1:], strict=False)
    return [(min(block_rows, count - place[0]), partial(read, *place)) for place in places]
