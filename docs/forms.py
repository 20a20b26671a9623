"""Which forms of data npreg takes, found by trying: the table in docs/your_data.md.

    python docs/forms.py

tries every form of data with every public function and writes the table anew; the tests fail where the
page is not what this script would write.
"""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import npreg

N = 48
RNG = np.random.default_rng(0)
COLUMNS = {
    "age": RNG.normal(40, 9, N).round(1),
    "size": RNG.integers(0, 9, N),
    "new": RNG.random(N) < 0.4,
}
X = np.column_stack([*COLUMNS.values()]).astype(float)
Y = X @ [0.5, -2.0, 3.0] + 1 + RNG.normal(0, 0.1, N)
BEGIN, END = "<!-- written by docs/forms.py -->\n", "<!-- end -->\n"

COUNT = itertools.count()

Pair = tuple[Any, Any]


def frame() -> Any:
    return import_module("pandas").DataFrame(COLUMNS)


def series() -> Any:
    return import_module("pandas").Series(Y)


def structured() -> Any:
    table = np.zeros(N, [(name, column.dtype) for name, column in COLUMNS.items()])
    for name, column in COLUMNS.items():
        table[name] = column
    return table


def matrix() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(X)


def hdf5() -> Pair:
    file = import_module("h5py").File(
        f"forms{next(COUNT)}.h5", "w", driver="core", backing_store=False
    )
    return file.create_dataset("X", data=X), file.create_dataset("y", data=Y)


def dask_arrays() -> Pair:
    array = import_module("dask.array")
    return array.from_array(X, chunks=(20, -1)), array.from_array(Y, chunks=20)


def memory_map() -> Pair:
    np.save("forms.npy", X)
    return np.load("forms.npy", mmap_mode="r"), Y


def made(library: str, **contents: Any) -> Any:
    """What the library's functions make of the contents."""
    return tuple(
        getattr(import_module(library), name)(content) for name, content in contents.items()
    )


NULLABLE = {"age": "Float64", "size": "Int64", "new": "boolean"}
ARROW = {"age": "double[pyarrow]", "size": "int64[pyarrow]", "new": "bool[pyarrow]"}

FORMS: dict[str, Callable[[], Pair]] = {
    "NumPy arrays": lambda: (X, Y),
    "lists": lambda: (X.tolist(), Y.tolist()),
    "structured array": lambda: (structured(), Y),
    "masked array, nothing masked": lambda: (np.ma.masked_array(X), np.ma.masked_array(Y)),
    "`np.matrix`": lambda: (matrix(), Y),
    "memory-mapped file": memory_map,
    "pandas, mixed columns": lambda: (frame(), series()),
    "pandas, nullable": lambda: (frame().astype(NULLABLE), series().astype("Float64")),
    "pandas, Arrow columns": lambda: (
        frame().astype(ARROW),
        series().astype("double[pyarrow]"),
    ),
    "polars": lambda: made("polars", DataFrame=COLUMNS, Series=Y),
    "Arrow table": lambda: made("pyarrow", table=COLUMNS, array=Y),
    "zarr": lambda: (*made("zarr", array=X), *made("zarr", array=Y)),
    "HDF5 data set": hdf5,
    "Dask arrays": dask_arrays,
}


def blocks(features: Any, labels: Any) -> Any:
    return npreg.RowBlocks.of(features, labels, block_rows=20)


def estimator(features: Any, labels: Any) -> Any:
    model = import_module("npreg.sklearn").MinibatchSGDRegressor(random_state=0, max_iter=2)
    return model.fit(features, labels).predict(features)


def held_out(features: Any, labels: Any) -> Any:
    return npreg.train(
        X, Y, validation=(features, labels), lr="auto", num_epochs=2, rng=0
    ).validation_losses


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "`train`": lambda features, labels: (
        npreg.train(features, labels, lr="auto", num_epochs=2, rng=0).w
    ),
    "its `validation`": held_out,
    "`predict`": lambda features, _: npreg.least_squares(X, Y).predict(features),
    "`sweep`": lambda features, labels: npreg.sweep(features, labels, lrs=[1e-4], rng=0).w[
        0
    ],
    "`least_squares`": lambda features, labels: npreg.least_squares(features, labels).w,
    "`max_learning_rate`": lambda features, _: npreg.max_learning_rate(features, 5),
    "`data_iter`": lambda features, labels: next(
        npreg.data_iter(N, features, labels, rng=0)
    )[0],
    "`RowBlocks.of`": lambda features, labels: (
        npreg.train(blocks(features, labels), lr="auto", num_epochs=2, rng=0).w
    ),
    "`MinibatchSGDRegressor`": estimator,
}


def outcome(form: str, function: str) -> str:
    """`yes` where the same comes out as of NumPy arrays, `no` where the form is refused in words."""
    features, labels = FORMS[form]()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of runs that are short
            found = FUNCTIONS[function](features, labels)
    except (TypeError, ValueError) as error:
        return "no" if str(error) else "an error without words"
    return "yes" if np.allclose(found, of_arrays(function), rtol=1e-6) else "another result"


@cache
def of_arrays(function: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FUNCTIONS[function](X, Y)


def row(form: str) -> str:
    """The form's row of the table."""
    return (
        f"| {form} | "
        + " | ".join(outcome(form, function) for function in FUNCTIONS)
        + " |\n"
    )


def table() -> str:
    """The Markdown table."""
    head = "| | " + " | ".join(FUNCTIONS) + " |\n|---" + "|:---:" * len(FUNCTIONS) + "|\n"
    return head + "".join(map(row, FORMS))


def main(page: Path) -> None:
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    new = before + BEGIN + table() + END + rest.split(END)[1]
    page.write_text(new, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or [Path(__file__).parent / "your_data.md"]))
