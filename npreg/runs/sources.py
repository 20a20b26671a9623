"""What row blocks are read from: arrays that can be sliced, files, functions that yield blocks."""

from __future__ import annotations

import csv
import glob
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from npreg.arrays import FloatArray

__all__ = ["BLOCK_ROWS", "Slices", "Source", "Stream", "files", "is_path"]

BLOCK_ROWS = 65_536


class Source(Protocol):
    rows: list[int]

    def read(self, i: int) -> tuple[Any, ...]: ...


class Slices:
    """Arrays, and whatever else can be sliced."""

    def __init__(self, features: Any, labels: Any, sample_weight: Any, block_rows: int) -> None:
        if labels is None:
            raise TypeError("labels are missing; only files and functions bring their own")
        parts = {"features": features, "labels": labels, "sample_weight": sample_weight}
        self.parts = {name: part for name, part in parts.items() if part is not None or name == "features"}
        for name, part in self.parts.items():
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
        self.starts, self.block_rows = range(0, n, block_rows), block_rows
        self.rows = [min(block_rows, n - start) for start in self.starts]

    def read(self, i: int) -> tuple[Any, ...]:
        rows = slice(self.starts[i], self.starts[i] + self.rows[i])
        return tuple(_read_rows(part, rows) for part in self.parts.values())


def _read_rows(part: Any, rows: slice) -> Any:
    if isinstance(part, (list, tuple)):
        return part[rows]
    found = getattr(part, "iloc", part)[rows]
    # A copy: a mapped file is read here, once and in order, not row by row later.
    return found.copy() if isinstance(found, np.ndarray) else found


def _shape(part: Any) -> tuple[int, ...]:
    return tuple(part.shape if hasattr(part, "shape") else (len(part),))


class Stream:
    """Blocks that a function yields, of a number that is found by reading them once."""

    def __init__(self, function: Callable[[], Iterable[Any]]) -> None:
        self.function, self.next = function, 0
        self.blocks: Iterator[Any] = iter(())
        blocks = function()
        if not isinstance(blocks, Iterable):
            raise TypeError(f"the function must yield blocks (features, labels), not return {blocks!r:.40}")
        self.rows = [_num_rows(block) for block in blocks]
        if not self.rows:
            raise ValueError("the function has yielded no block; it is called anew for each epoch")

    def read(self, i: int) -> Any:
        if i < self.next or not self.next:
            self.blocks, self.next = iter(self.function()), 0
        for block in self.blocks:
            self.next += 1
            if self.next > i:
                return block
        raise ValueError(f"the function has yielded {self.next} blocks, not the {len(self.rows)} of before")


def _num_rows(block: Any) -> int:
    if not isinstance(block, (tuple, list)) or len(block) not in (2, 3):
        raise TypeError("the function must yield blocks (features, labels) or these and sample_weight")
    return _shape(block[0])[0]


def is_path(value: Any) -> bool:
    several = isinstance(value, (list, tuple)) and bool(value)
    return all(isinstance(one, (str, os.PathLike)) for one in (value if several else [value]))


Choose = Callable[[Sequence[str], Path], list[list[str]]]


def files(paths: Any, labels: Any, sample_weight: Any, block_rows: int, columns: Any) -> Source:
    """CSV or Parquet files, all with the same columns: a path, paths, a folder, or a pattern with *."""

    def choose(names: Sequence[str], path: Path) -> list[list[str]]:
        """Which columns are features, labels and weights."""
        y, weights = _listed(labels), _listed(sample_weight)
        if not y:
            raise TypeError("labels are missing; of a file they are the name of a column, or several")
        features = [name for name in names if name not in (*y, *weights)] if columns is None else columns
        chosen = [_listed(features), y, *([weights] if weights else [])]
        for name in chain(*chosen):
            if name not in names:
                raise ValueError(f"{path} has no column {name!r}; there are {', '.join(map(repr, names))}")
        return chosen

    several = paths if isinstance(paths, (list, tuple)) else sorted(glob.glob(os.fspath(paths))) or [paths]
    found: list[Path] = []
    for path in map(Path, several):
        found += sorted(path.iterdir()) if path.is_dir() else [path]
    kinds = {path.suffix.lower() for path in found}
    if kinds == {".parquet"}:
        return _Files([_ParquetFile(path, choose) for path in found])
    if kinds <= {".csv", ".tsv", ".txt"}:
        return _Files([_CsvFile(path, choose, block_rows) for path in found])
    raise ValueError(
        f"of {paths} only files in .csv, .tsv or .txt, or all in .parquet, can be read; files of arrays are "
        'opened first, as np.load(path, mmap_mode="r"), h5py or zarr do'
    )


def _listed(names: Any) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


class _Files:
    """The blocks of several files, one file after the other."""

    def __init__(self, several: Sequence[Source]) -> None:
        self.places = [(file, i) for file in several for i in range(len(file.rows))]
        self.rows = [rows for file in several for rows in file.rows]

    def read(self, i: int) -> tuple[Any, ...]:
        file, own = self.places[i]
        return file.read(own)


class _ParquetFile:
    """A row group is a block."""

    def __init__(self, path: Path, choose: Choose) -> None:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise ImportError(f"{path} needs pyarrow ({error}): python -m pip install pyarrow") from error
        self.file = parquet.ParquetFile(path)
        self.chosen = choose(self.file.schema_arrow.names, path)
        sizes = [self.file.metadata.row_group(i).num_rows for i in range(self.file.num_row_groups)]
        self.groups, self.rows = np.flatnonzero(sizes).tolist(), [rows for rows in sizes if rows]

    def read(self, i: int) -> tuple[Any, ...]:
        table = self.file.read_row_group(self.groups[i], columns=[*chain(*self.chosen)])
        features, *others = self.chosen
        return table.select(features), *(
            table.column(names[0]) if len(names) == 1 else table.select(names) for names in others
        )


class _Columns(NamedTuple):
    """A table, as the door of arrays knows it."""

    column_names: list[str]
    columns: Sequence[FloatArray]


class _CsvFile:
    """Lines with a header; where the lines of a block begin is known, so that any block can be read."""

    def __init__(self, path: Path, choose: Choose, block_rows: int) -> None:
        self.path, self.block_rows = path, block_rows
        with open(path, "rb") as file:
            header = file.readline().decode("utf-8-sig")
            self.delimiter = max(",;\t", key=header.count)
            self.names = [name.strip() for name in next(csv.reader([header], delimiter=self.delimiter), [])]
            self.chosen = choose(self.names, path)
            self.starts, self.rows = [], []
            for i, start in enumerate(_line_starts(file)):
                if i % block_rows == 0:
                    self.starts.append(start)
                    self.rows.append(0)
                self.rows[-1] += 1
            self.starts.append(file.tell())

    def read(self, i: int) -> tuple[Any, ...]:
        with open(self.path, "rb") as file:
            file.seek(self.starts[i])
            text = file.read(self.starts[i + 1] - self.starts[i]).decode("utf-8")
        wanted = [self.names.index(name) for name in chain(*self.chosen)]
        read = partial(np.loadtxt, delimiter=self.delimiter, quotechar='"', comments=None, ndmin=2)
        try:
            columns = iter(read(io.StringIO(text), usecols=wanted).T)
        except ValueError as error:
            raise ValueError(self.explain(str(error), i)) from None
        features, *others = ([*islice(columns, len(names))] for names in self.chosen)
        return _Columns(self.chosen[0], features), *(
            part[0] if len(part) == 1 else np.column_stack(part) for part in others
        )

    def explain(self, message: str, i: int) -> str:
        """Where NumPy has met something else than a number, and what to do."""
        where = re.search(r"string (.*) to float64 at row (\d+), column (\d+)", message)
        if where is None:
            return f"{self.path}: {message}"
        text, row, name = where[1], i * self.block_rows + int(where[2]), self.names[int(where[3]) - 1]
        return (
            f"{self.path} holds {text} in column {name!r}, row {row} (counted from 0); put a number there, "
            f"or name the columns to take as columns=[...], without {name!r}"
        )


def _line_starts(file: io.BufferedReader) -> Iterator[int]:
    """Where the lines begin, but for empty ones; a quoted field may hold ends of lines."""
    start, quotes, filled = file.tell(), 0, False
    for line in iter(file.readline, b""):
        quotes, filled = quotes + line.count(b'"'), filled or not line.isspace()
        if quotes % 2 == 0:
            if filled:
                yield start
            start, filled = file.tell(), False
