"""Row blocks: the shuffle of `npreg.runs.blocks` written once more, memory-mapped files, readers."""

from __future__ import annotations

import numpy as np
import pytest
from naive import make_data, naive_sgd

import npreg
from npreg.runs.feeds import visit_order
from npreg.runs.sums import TreeSum, tree_sum

ENGINES = ("loop", "tight", "moments")
each_engine = pytest.mark.parametrize("engine", ENGINES)


def block_orders(seed, sizes, num_epochs):
    """As the module's docstring says: per epoch the blocks' order and a seed a block, then rows by seed.

    Yields, for every epoch, lists of rows (counted over all blocks), one list a block.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rng = np.random.default_rng(seed)
    for _ in range(num_epochs):
        order = rng.permutation(len(sizes))
        seeds = rng.integers(2**63, size=len(sizes))
        yield [
            starts[i] + np.random.default_rng(seeds[i]).permutation(sizes[i]) for i in order
        ]  # fmt: skip


def naive_blocks(X, y, seed, sizes, num_epochs, batch_size, w, b, **options):
    """naive_sgd, block by block: no minibatch spans two blocks."""
    theta, ends = np.vstack([w, b]), []
    for epoch in block_orders(seed, sizes, num_epochs):
        for rows in epoch:
            part = [np.arange(len(rows))]
            path = naive_sgd(
                X[rows], y[rows], part, batch_size=batch_size, w=theta[:-1], b=theta[-1], **options
            )  # fmt: skip
            theta = path[-1]
        ends.append(theta)
    return np.array(ends)


@each_engine
@pytest.mark.parametrize(("n", "block_rows", "batch_size"), [(47, 10, 4), (40, 20, 10), (30, 7, 9), (12, 50, 5)])
@pytest.mark.parametrize("options", [{}, {"l2": 0.2}], ids=str)
def test_blocks_by_hand(engine, n, block_rows, batch_size, options):
    X, y, w, b = make_data(n, 2, 2)
    run = npreg.train(
        npreg.RowBlocks.of(X, y, block_rows), batch_size=batch_size, w=w, b=b, rng=6, lr=0.02, engine=engine,
        callbacks=npreg.Record("epoch"), **options,
    )  # fmt: skip
    sizes = [min(block_rows, n - start) for start in range(0, n, block_rows)]
    expected = naive_blocks(X, y, 6, sizes, 3, batch_size, w, b, lr=0.02, **options)
    np.testing.assert_allclose(run.trajectory.w[1:], expected[:, :-1], rtol=1e-11)
    np.testing.assert_allclose(run.trajectory.b[1:], expected[:, -1], rtol=1e-11)
    for loss, w_t, b_t in zip(run.losses, run.trajectory.w[1:], run.trajectory.b[1:], strict=True):
        assert loss == pytest.approx(((X @ w_t + b_t - y) ** 2).mean() / 2, rel=1e-9)
    assert run.num_steps == 3 * sum(-(-size // batch_size) for size in sizes)


@pytest.mark.parametrize("loss", ["absolute", "huber", "log_cosh", "quantile"])
def test_other_losses(loss):
    X, y, w, b = make_data(47, 2, 1)
    runs = [npreg.train(npreg.RowBlocks.of(X, y, 10), loss=loss, w=w, b=b, rng=0, engine=e) for e in ("loop", "tight")]
    np.testing.assert_allclose(runs[1].w, runs[0].w, rtol=1e-12)
    value = npreg.LOSSES[loss].value(X @ runs[0].w + runs[0].b, y).mean()
    assert runs[0].losses[-1] == pytest.approx(value, rel=1e-12)


OPTIONS = {
    "plain": {},
    "standardize": {"standardize": True},
    "momentum, l2": {"rule": "momentum", "l2": 0.1, "lr": 0.003},
    "schedule": {"lr": (0.03, lambda epochs: 1 / (1 + epochs))},
    "average": {"average": 0.5},
    "weights": {"sample_weight": np.random.default_rng(0).uniform(0.5, 2, 103)},
    "auto": {"lr": "auto", "num_epochs": 4},
    "patience": {"stop": npreg.EarlyStopping(2), "num_epochs": 10},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", OPTIONS)
def test_engines_agree(case, dtype):
    X, y, _, _ = make_data(103, 3, 1, dtype=dtype)
    options = {"rng": 1, **OPTIONS[case]}
    blocks = npreg.RowBlocks.of(X, y, 25, options.pop("sample_weight", None))
    runs = [npreg.train(blocks, engine=engine, **options) for engine in ENGINES]
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    for run in runs[1:]:
        scale = max(np.abs(runs[0].w).max(), np.abs(runs[0].b).max())
        np.testing.assert_allclose(run.w, runs[0].w, atol=tolerance * scale)
        np.testing.assert_allclose(run.losses, runs[0].losses, rtol=1e-6 if dtype == np.float64 else 1e-4)
        assert run.w.dtype == dtype
    again = npreg.train(blocks, engine="moments", **options)
    np.testing.assert_array_equal(again.w, runs[2].w)
    np.testing.assert_array_equal(again.losses, runs[2].losses)


def test_one_block_is_not_the_shuffle_in_memory():
    """But fits as well: blocks change the order of rows, not the problem."""
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    for block_rows in (100, 333, 1000, 5000):
        run = npreg.train(npreg.RowBlocks.of(X, y, block_rows), rng=0)
        np.testing.assert_allclose([*run.w[:, 0], run.b[0]], [2, -3.4, 4.2], atol=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_mapped_files(tmp_path, dtype):
    """Read-only files on disk, in sequence within each block; the same bits as arrays in memory."""
    X, y, _, _ = make_data(1000, 4, 1, dtype=dtype)
    for name, array in (("X", X), ("y", y)):
        np.save(tmp_path / f"{name}.npy", array)
    mapped_X, mapped_y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "Xy")
    assert isinstance(mapped_X, np.memmap)
    for options in ({}, {"engine": "loop"}, {"standardize": True}, {"loss": "huber"}, {"lr": "auto"}):
        from_file = npreg.train(npreg.RowBlocks.of(mapped_X, mapped_y, 128), rng=0, **options)
        in_memory = npreg.train(npreg.RowBlocks.of(X, y, 128), rng=0, **options)
        np.testing.assert_array_equal(from_file.w, in_memory.w)
        np.testing.assert_array_equal(from_file.losses, in_memory.losses)


def test_a_reader_is_asked_for_each_block_once_an_epoch():
    """After a first look at block 0; and what it was given is let go before the next block is read."""
    X, y, _, _ = make_data(60, 2, 1)
    asked = []

    def read(i):
        asked.append(i)
        return X[15 * i : 15 * i + 15], y[15 * i : 15 * i + 15]

    run = npreg.train(npreg.RowBlocks(read, rows=[15] * 4), rng=3, num_epochs=5)
    assert asked[0] == 0
    epochs = [asked[1 + 4 * e : 5 + 4 * e] for e in range(5)]
    assert [sorted(epoch) for epoch in epochs] == [[0, 1, 2, 3]] * 5
    assert len(asked) == 21
    same = npreg.train(npreg.RowBlocks.of(X, y, 15), rng=3, num_epochs=5)
    np.testing.assert_array_equal(run.w, same.w)
    rng = np.random.default_rng(3)
    npreg.init_params(2, rng=rng)
    assert epochs == [[i for i, _ in visit_order(rng, 4)] for _ in range(5)]


def test_blocks_of_different_sizes_with_weights():
    X, y, w, b = make_data(30, 2, 1)
    weights = np.random.default_rng(1).uniform(0.5, 2, 30)
    cuts = [0, 4, 5, 17, 30]
    blocks = npreg.RowBlocks(lambda i: tuple(a[cuts[i] : cuts[i + 1]] for a in (X, y, weights)), rows=np.diff(cuts))
    assert (len(blocks), blocks.num_rows) == (4, 30)
    run = npreg.train(blocks, w=w, b=b, rng=2, batch_size=6, num_epochs=2, engine="loop")
    theta = np.vstack([w, b])
    for epoch in block_orders(2, list(np.diff(cuts)), 2):
        for rows in epoch:
            theta = naive_sgd(
                X[rows], y[rows], [np.arange(len(rows))], batch_size=6, lr=0.03, w=theta[:-1], b=theta[-1],
                weights=weights[rows] / weights.mean(), even=False,
            )[-1]  # fmt: skip
    np.testing.assert_allclose(np.vstack([run.w, run.b]), theta, rtol=1e-12)
    value = np.average(((X @ run.w + run.b - y)[:, 0] ** 2) / 2, weights=weights)
    assert run.losses[-1] == pytest.approx(value, rel=1e-10)


def test_a_reader_that_fails_midway():
    """The error is the reader's own."""

    def read(i):
        if i == 2:
            raise OSError("disk gone")
        return np.ones((3, 1)), np.ones(3)

    with pytest.raises(OSError, match="disk gone"):
        npreg.train(npreg.RowBlocks(read, rows=[3, 3, 3]), rng=0)


def test_near_a_perfect_fit_the_loss_keeps_its_digits():
    """Where the moments' loss would cancel, the blocks are read once more."""
    X, y, _, _ = make_data(200, 3, 1, noise=0.0)
    run = npreg.train(
        npreg.RowBlocks.of(X, y, 64), lr=0.1, num_epochs=40, rng=0, callbacks=npreg.Record("epoch"), engine="loop"
    )
    for loss, w_t, b_t in zip(run.losses, run.trajectory.w[1:], run.trajectory.b[1:], strict=True):
        expected = ((X @ w_t + b_t - y) ** 2).mean() / 2
        assert loss == pytest.approx(expected, rel=1e-6, abs=1e-27)  # residuals of 1e-11 are rounded by 1e-16


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_losses_of_columns_far_from_0(offset):
    X, y, _, _ = make_data(200, 4, 1)
    X += offset
    lr = npreg.max_learning_rate(X, 10) / 2
    run = npreg.train(npreg.RowBlocks.of(X, y, 64), lr=lr, num_epochs=10, rng=0, callbacks=npreg.Record("epoch"))
    for loss, w_t, b_t in zip(run.losses, run.trajectory.w[1:], run.trajectory.b[1:], strict=True):
        assert loss == pytest.approx(((X @ w_t + b_t - y) ** 2).mean() / 2, rel=1e-6)


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
def test_validation_and_divergence():
    X, y, _, _ = make_data(100, 2, 1)
    run = npreg.train(npreg.RowBlocks.of(X[:80], y[:80], 20), validation=(X[80:], y[80:]), rng=0, num_epochs=5)
    assert run.best_epoch == 1 + int(run.validation_losses.argmin())
    with pytest.raises(npreg.DivergenceError, match="scale column 0"):
        npreg.train(npreg.RowBlocks.of(X * [1e3, 1], y, 20), rng=0)
    with pytest.warns(npreg.LearningRateWarning, match="scale column 0"):
        npreg.train(npreg.RowBlocks.of(X * [1e3, 1], y, 20), rng=0, num_epochs=0)


@pytest.mark.parametrize("count", range(1, 20))
def test_tree_sum(count):
    """Adds in the order of a tree over all parts, however many there are."""
    numbers = list(np.random.default_rng(count).standard_normal(count) * 10.0 ** np.arange(count))
    assert tree_sum(numbers) == pytest.approx(sum(numbers), rel=1e-12)
    assert "".join(tree_sum([chr(97 + i) for i in range(count)])) == "".join(chr(97 + i) for i in range(count))
    assert TreeSum().total is None
