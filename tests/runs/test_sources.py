"""What row blocks are read from: whatever holds the rows, the same run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import npreg
from npreg import RowBlocks

RNG = np.random.default_rng(0)
X = RNG.standard_normal((230, 3))
Y = X @ [1.0, -2.0, 0.5] + 3 + 0.1 * RNG.standard_normal(230)
WEIGHTS = RNG.uniform(0.5, 2, 230)
IN_MEMORY = RowBlocks.of(X, Y, 50, WEIGHTS)
NAMES = ("a", "b c", "d")


def write_csv(folder: Path, delimiter: str = ",", name: str = "rows.csv", rows: slice = slice(None)) -> Path:
    lines = [delimiter.join(['"b c"', "y", "a", "note", "d", "s"])]
    for (a, b, d), y, s in zip(X[rows].tolist(), Y[rows].tolist(), WEIGHTS[rows].tolist(), strict=True):
        lines.append(delimiter.join([repr(b), repr(y), f'"{a!r}"', '"two\nlines, one ""note"""', repr(d), repr(s)]))
    (folder / name).write_text("\ufeff" + "\n".join(lines) + "\n\n", encoding="utf-8")
    return folder / name


def write_parquet(folder: Path) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {name: X[:, i] for i, name in enumerate(NAMES)}
    table = pyarrow.table({**columns, "y": Y, "s": WEIGHTS, "note": ["text"] * 230})
    for i, start in enumerate(range(0, 230, 100)):
        parquet.write_table(table.slice(start, 100), folder / f"{i}.parquet", row_group_size=50)
    return folder


def same_rows(found: RowBlocks, names: tuple[str, ...] | None = None) -> None:
    assert found.rows == IN_MEMORY.rows
    for i in (3, 0, 4, 1, 2):
        for one, other in zip(found[i], IN_MEMORY[i], strict=True):
            np.testing.assert_array_equal(one, other)
        assert found[i].names == names


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(tmp_path, delimiter):
    """Quoted fields, ends of lines in them, a mark of UTF-8, empty lines; columns by name, in any order."""
    path = write_csv(tmp_path, delimiter)
    same_rows(RowBlocks.of(path, "y", 50, "s", columns=NAMES), NAMES)
    both = RowBlocks.of(str(path), ["y", "s"], 1000, columns=["a"])
    np.testing.assert_array_equal(both[0].y, np.column_stack([Y, WEIGHTS]))


def test_several_csv_files(tmp_path):
    for name, rows in (("1.csv", slice(0, 100)), ("2.csv", slice(100, 230))):
        write_csv(tmp_path, name=name, rows=rows)
    for paths in ([tmp_path / "1.csv", tmp_path / "2.csv"], str(tmp_path / "*.csv"), tmp_path):
        same_rows(RowBlocks.of(paths, "y", 50, "s", columns=NAMES), NAMES)


def test_parquet(tmp_path):
    write_parquet(tmp_path)
    for paths in (tmp_path, str(tmp_path / "*.parquet")):
        same_rows(RowBlocks.of(paths, "y", sample_weight="s", columns=NAMES), NAMES)


def test_zarr_and_hdf5(tmp_path):
    zarr, h5py = pytest.importorskip("zarr"), pytest.importorskip("h5py")
    arrays = {"X": X, "y": Y, "s": WEIGHTS}
    group = zarr.open_group(str(tmp_path / "rows.zarr"), mode="w")
    for name, array in arrays.items():
        group.create_array(name, data=array)
    same_rows(RowBlocks.of(group["X"], group["y"], 50, group["s"]))
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
        same_rows(RowBlocks.of(file["X"], file["y"], 50, file["s"]))


def blocks_of(sizes):
    starts = np.cumsum([0, *sizes])

    def function():
        for start, size in zip(starts, sizes, strict=False):
            rows = slice(start, start + size)
            yield X[rows], Y[rows], WEIGHTS[rows]

    return function


def test_a_function_that_yields_blocks():
    """Called once to count, and once an epoch; visited in order, rows shuffled."""
    calls = []

    def function():
        calls.append(1)
        yield from blocks_of([50, 50, 50, 50, 30])()

    blocks = RowBlocks.of(function)
    run = npreg.train(blocks, rng=1, num_epochs=4, batch_size=7)
    assert len(calls) == 1 + 1 + 1 + 4  # to count, for the first rows, for the mean weight, and the epochs
    in_order = RowBlocks(lambda i: IN_MEMORY.read(i), IN_MEMORY.rows, in_order=True)
    np.testing.assert_array_equal(run.w, npreg.train(in_order, rng=1, num_epochs=4, batch_size=7).w)
    same_rows(blocks)  # in any order, although that begins anew each time


@pytest.mark.parametrize("source", ["csv", "parquet", "function", "mapped"])
def test_everything_takes_them(source, tmp_path):
    """train with validation, sweep, the bound of the learning rate: as of arrays cut alike."""
    if source == "mapped":
        np.save(tmp_path / "X.npy", X)
        blocks = RowBlocks.of(np.load(tmp_path / "X.npy", mmap_mode="r"), Y, 50, WEIGHTS)
    elif source == "function":
        blocks = RowBlocks.of(blocks_of([50] * 4 + [30]))
    else:
        path = write_csv(tmp_path) if source == "csv" else write_parquet(tmp_path)
        blocks = RowBlocks.of(path, "y", 50, "s", columns=NAMES)
    like = RowBlocks(IN_MEMORY.read, IN_MEMORY.rows, in_order=blocks.in_order)
    settings = {"rng": 1, "lr": "auto", "num_epochs": 3}
    found, expected = (npreg.train(each, validation=each, **settings) for each in (blocks, like))
    np.testing.assert_array_equal(found.w, expected.w)
    np.testing.assert_array_equal(found.validation_losses, expected.validation_losses)
    sweeps = [npreg.sweep(each, lrs=[0.01, 0.1], l2=0.1, rng=1) for each in (blocks, like)]
    np.testing.assert_array_equal(sweeps[0].w, sweeps[1].w)
    run = npreg.train(like, lr=0.1, l2=0.1, rng=1)
    np.testing.assert_allclose(sweeps[0].w[1], run.w, rtol=1e-10)
    np.testing.assert_allclose(sweeps[0].losses[1], run.losses, rtol=1e-9)
    rates = [npreg.max_learning_rate(each, 10) for each in (blocks, like)]
    assert rates[0] == rates[1] == pytest.approx(npreg.max_learning_rate(X, 10, sample_weight=WEIGHTS))


def test_what_cannot_be_read(tmp_path):
    path = write_csv(tmp_path)
    with pytest.raises(ValueError, match=r"holds '.*' in column 'note', row 0 \(counted from 0\); put a number"):
        RowBlocks.of(path, "y")[0]
    with pytest.raises(ValueError, match=r"no column 'z'; there are 'b c', 'y', 'a', 'note', 'd', 's'"):
        RowBlocks.of(path, "z")
    with pytest.raises(TypeError, match="labels are missing; of a file they are the name of a column"):
        RowBlocks.of(path)
    lines = path.read_text(encoding="utf-8").replace(repr(float(X[120, 2])), "")
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(ValueError, match="holds '' in column 'd', row 120"):
        RowBlocks.of(path, "y", 50, columns=["d"])[2]
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="can be read; files of arrays are opened first"):
        RowBlocks.of(tmp_path, "y")
    with pytest.raises(FileNotFoundError):
        RowBlocks.of(tmp_path / "none.csv", "y")
    with pytest.raises(TypeError, match="labels are missing"):
        RowBlocks.of(X)
    with pytest.raises(TypeError, match="must yield blocks"):
        RowBlocks.of(lambda: None)
    with pytest.raises(ValueError, match="has yielded no block"):
        RowBlocks.of(lambda: iter(()))
    once = iter(blocks_of([50, 50])())
    with pytest.raises(ValueError, match="has yielded 0 blocks, not the 2 of before"):
        npreg.train(RowBlocks.of(lambda: once))


def test_a_run_over_a_function_resumes_after_a_block(tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def interrupted():
        for number, block in enumerate(blocks_of([50] * 4 + [30])()):
            seen.append(number)
            if len(seen) == 5 + 1 + 5 + 3:
                raise Stop
            yield block

    seen: list[int] = []
    settings = {"rng": 1, "num_epochs": 3, "average": 0.5}
    expected = npreg.train(RowBlocks.of(blocks_of([50] * 4 + [30])), **settings)
    checkpoint = npreg.Checkpoint(tmp_path / "run.npz", every="block")
    with pytest.raises(Stop):
        npreg.train(RowBlocks.of(interrupted), checkpoint=checkpoint, **settings)
    blocks = RowBlocks.of(blocks_of([50] * 4 + [30]))
    found = npreg.train(blocks, checkpoint=npreg.Checkpoint(tmp_path / "run.npz", resume=True), **settings)
    np.testing.assert_array_equal(found.w, expected.w)
    np.testing.assert_array_equal(found.losses, expected.losses)
