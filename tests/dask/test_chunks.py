"""From collections to chunks of rows, without a cluster: Dask computes them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

dask = pytest.importorskip("dask")
pytest.importorskip("dask.array")
frames = pytest.importorskip("dask.dataframe")
pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

from npreg.dask.feed import Column, as_chunks, as_columns, number_of_rows, together  # noqa: E402

SIZES = [30, 31, 32, 33, 34, 35, 36, 37]
COLUMNS = list("abc")


@pytest.fixture(autouse=True)
def here() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight Parquet files with more columns than are used, so that Dask would read several at a time."""
    folder = tmp_path_factory.mktemp("parquet")
    rng = np.random.default_rng(0)
    for i, size in enumerate(SIZES):
        frame = pandas.DataFrame(rng.standard_normal((size, 9)), columns=list("abcdefghy"))
        frame.assign(s=1.0 + np.arange(size)).to_parquet(folder / f"{i}.parquet")
    return folder


def count(parts: list[Any]) -> list[int]:
    return [number_of_rows(part) for part in dask.compute(*parts)]


def computed(features: Any, labels: Any, weights: Any = None, **options: Any) -> list[np.ndarray]:
    """All rows of every column, after a look at whether they are cut alike."""
    columns = as_columns(features, labels, weights)
    parts, sizes = as_chunks(columns, options.get("rows"), count, options.get("size", 1))
    found = dask.compute(*parts)
    assert [[len(part) for part in chunk] for chunk in found] == [[rows] * len(found[0]) for rows in sizes]
    return [np.concatenate([np.asarray(part) for part in column]) for column in zip(*found, strict=True)]


def halves(frame: Any) -> Any:
    return frame.repartition(npartitions=3)


FORMS: dict[str, Any] = {
    "columns": lambda d: (d[COLUMNS], d["y"]),
    "weights": lambda d: (d[COLUMNS], d["y"], d["s"]),
    "all but": lambda d: (d.drop(columns=["y"]), d["y"]),
    "one column": lambda d: (d[["a"]], d[["y"]]),
    "filtered": lambda d: ((e := d[d.a > 0])[COLUMNS], e["y"], e["s"]),
    "assigned": lambda d: ((e := d.assign(z=d.a * d.b))[["a", "z"]], e["y"]),
    "float32": lambda d: (d[COLUMNS].astype("float32"), d["y"].astype("float32")),
    "repartitioned": lambda d: ((e := halves(d))[COLUMNS], e["y"]),
    "differently": lambda d: (d[COLUMNS], halves(d["y"])),
    "values": lambda d: (d[COLUMNS].values, d["y"].values),
    "frame and values": lambda d: (d[COLUMNS], d["y"].values),
    "values and series": lambda d: (d[COLUMNS].values, d["y"]),
    "known lengths": lambda d: ((e := d.to_dask_array(lengths=True))[:, :3], e[:, 8]),
    "known lengths and series": lambda d: (d.to_dask_array(lengths=True)[:, :3], d["y"]),
    "in memory": lambda d: (d[COLUMNS], d["y"].compute(), d["s"].compute().to_numpy()),
    "optimized": lambda d: ((e := d.optimize())[COLUMNS], e["y"]),
    "persisted": lambda d: ((e := d.persist())[COLUMNS], e["y"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_frames_of_several_files(form: str, folder: Path) -> None:
    """Row by row what pandas has, however Dask would have fused the partitions."""
    collections = FORMS[form](frames.read_parquet(str(folder / "*.parquet")))
    for found, collection in zip(computed(*collections), collections, strict=True):
        expected = collection.compute() if hasattr(collection, "compute") else collection
        np.testing.assert_array_equal(found, np.asarray(expected))


def test_chunks_are_cut_and_grouped_as_asked() -> None:
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    features = dask.array.from_array(X, chunks=(6, 1))
    for labels in (y, dask.array.from_array(y, chunks=7), dask.array.from_array(y, chunks=20)):
        for size in (1, 3):
            found = computed(features, labels, size=size)
            np.testing.assert_array_equal(found[0], X)
            np.testing.assert_array_equal(found[1], y)
    assert as_chunks(as_columns(features, y), None, count, 3)[1] == [18, 2]
    parts = [dask.delayed((X[:5], y[:5])), dask.delayed((X[5:], y[5:]))]
    ((both,), _) = as_chunks(as_columns(parts), [5, 15], count, 2)
    np.testing.assert_array_equal(both[0].compute()[1], y)


def test_what_does_not_fit_is_refused() -> None:
    features = dask.array.ones((20, 2), chunks=(6, 2))
    with pytest.raises(ValueError, match="labels of 19 rows do not fit features of 20 rows"):
        computed(features, np.ones(19))
    with pytest.raises(ValueError, match="rows has 1 numbers for 4 chunks"):
        computed(features, np.ones(20), rows=[20])
    with pytest.raises(ValueError, match="no chunk has a row"):
        as_chunks([Column("features", [np.ones((0, 2))], [0])], None, count)
    with pytest.raises(TypeError, match="labels are missing"):
        as_columns(features)
    with pytest.raises(TypeError, match="bring their own sample_weight"):
        as_columns([dask.delayed((1, 2))], None, np.ones(2))
    with pytest.raises(ValueError, match=r"features.reshape\(-1, 1\) makes one column"):
        as_columns(features[:, 0], np.ones(20))
    with pytest.raises(TypeError, match=r"dask.array.from_array\(features"):
        as_columns(np.ones((3, 2)), np.ones(3))


@pytest.mark.parametrize("chunks", [[1], [3, 2], [1, 1, 1]])
def test_together(chunks: list[int]) -> None:
    parts = [(np.full((n, 2), float(i)), np.full(n, float(i))) for i, n in enumerate(chunks)]
    X, y = together(*parts)
    np.testing.assert_array_equal(y, np.repeat(np.arange(len(chunks)), chunks))
    np.testing.assert_array_equal(X[:, 1], y)
