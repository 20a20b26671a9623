"""Features that are too large to be copied: the same bits as those that are, whatever holds them."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

import npreg
import npreg.engines.loops
import npreg.runs.scaling
from npreg.arrays import Data
from npreg.runs.scaling import ColumnMoments, LazyRows, converted, memory_at_hand, some_rows

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1003, 4)) * [1, 10, 1, 0.1] + [0, 5, 0, 0]
Y = X @ [1.0, 0.2, -3.0, 4.0] + 1 + 0.1 * RNG.standard_normal(1003)

OPTIONS = {
    "plain": {"lr": 0.003},
    "loop": {"lr": 0.003, "engine": "loop"},
    "moments": {"lr": 0.003, "engine": "moments"},
    "auto": {"lr": "auto"},
    "weights": {"lr": 0.003, "sample_weight": RNG.uniform(0.5, 2, 1003)},
    "validation": {"validation": 0.2, "standardize": True},
    "huber": {"loss": "huber", "standardize": True},
    "momentum": {"rule": "momentum", "standardize": True, "lr": 0.01},
}


@pytest.fixture
def nothing_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npreg.runs.scaling, "COPY_BYTES", 0)
    monkeypatch.setattr(npreg.engines.loops, "TABLE_BYTES", 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", OPTIONS)
def test_same_bits_without_copies(case, dtype, request):
    features, labels = X.astype(dtype), Y.astype(dtype)
    expected = npreg.train(features, labels, rng=1, **OPTIONS[case])
    request.getfixturevalue("nothing_is_copied")
    found = npreg.train(features, labels, rng=1, **OPTIONS[case])
    for name in ("w", "b", "losses"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_a_sweep_without_copies(request):
    settings = {"lrs": [0.001, 0.01], "l2": [0, 0.1], "rng": 1, "standardize": True}
    expected = npreg.sweep(X, Y, **settings)
    request.getfixturevalue("nothing_is_copied")
    np.testing.assert_array_equal(npreg.sweep(X, Y, **settings).w, expected.w)


def test_a_mapped_file_is_an_array(tmp_path):
    """What np.load(mmap_mode="r") gives, and joblib of any larger array: the same run."""
    for name, array in (("X", X), ("Y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "XY"]
    for case, options in OPTIONS.items():
        found = npreg.train(*mapped, rng=1, **options)
        np.testing.assert_array_equal(found.w, npreg.train(X, Y, rng=1, **options).w, err_msg=case)


def test_rows_that_are_taken():
    index = RNG.permutation(1003)[:200]
    lazy = LazyRows(X, lambda rows: rows * 2, index)
    whole = X[index] * 2
    assert (len(lazy), lazy.shape, lazy.dtype, lazy.nbytes) == (200, (200, 4), X.dtype, whole.nbytes)
    some = np.array([3, 5, 199, 200])
    np.testing.assert_array_equal(np.take(lazy, some, axis=0, mode="clip"), whole.take(some, 0, mode="clip"))
    np.testing.assert_array_equal(np.asarray(lazy[10:150][5:]), whole[15:150])
    np.testing.assert_array_equal(lazy[::7].dot(np.ones(4)), whole[::7].dot(np.ones(4)))
    np.testing.assert_array_equal(lazy[some[:2]], whole[some[:2]])
    out = np.empty((2, 4))
    np.take(lazy, some[:2], axis=0, out=out)
    np.testing.assert_array_equal(out, whole[some[:2]])


def test_scales_in_parts(nothing_is_copied, monkeypatch):
    weights = RNG.uniform(0.5, 2, 1003)
    monkeypatch.setattr("npreg.runs.scaling.COPY_BYTES", 5000)
    monkeypatch.setattr("npreg.runs.scaling.PART_BYTES", 4000)
    for given in (None, weights):
        found = ColumnMoments.of(Data(X, Y[:, None], given)).scaling()
        np.testing.assert_allclose(found.mean, np.average(X, axis=0, weights=given), rtol=1e-13)
        sd = np.sqrt(np.average((X - found.mean) ** 2, axis=0, weights=given))
        np.testing.assert_allclose(found.sd, sd, rtol=1e-12)
    twice = converted(converted(some_rows(X, np.arange(5)), np.negative), np.abs)
    np.testing.assert_array_equal(np.asarray(twice), np.abs(X[:5]))


def test_features_beyond_the_memory_at_hand_are_announced(nothing_is_copied, monkeypatch):
    assert memory_at_hand() is None or memory_at_hand() > 1e6
    monkeypatch.setattr(npreg.runs.scaling, "memory_at_hand", lambda: 1000)
    with pytest.warns(UserWarning, match="beyond the memory at hand") as caught:
        npreg.train(X, Y, rng=1, lr=0.001)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", npreg.ConvergenceWarning)
        npreg.train(npreg.RowBlocks.of(X, Y, block_rows=100), rng=1, lr=0.001)  # the cure


MEMORY = """
import sys, threading, time, numpy as np, npreg
X, y = (np.load(f"{sys.argv[2]}/{name}.npy", mmap_mode="r") for name in "Xy")
def private():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("RssAnon"))
def watch():
    global peak
    while True:
        peak = max(peak, private())
        time.sleep(0.005)
before = peak = private()
threading.Thread(target=watch, daemon=True).start()
if sys.argv[1] == "train":
    npreg.train(X, y, rng=0, lr="auto", num_epochs=1)
elif sys.argv[1] == "held out":
    npreg.train(X, y, rng=0, lr="auto", num_epochs=1, validation=0.1)
elif sys.argv[1] == "sweep":
    npreg.sweep(X, y, lrs=[0.01], rng=0, num_epochs=1, standardize=True)
else:
    from npreg.sklearn import MinibatchSGDRegressor
    MinibatchSGDRegressor(random_state=0, max_iter=1).fit(X, y)
print(peak - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_of_a_mapped_file(tmp_path):
    """610 MB of features: at most 150 MB of one's own memory."""
    rows = 4_000_000
    features = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float64, (rows, 20))
    for start in range(0, rows, 100_000):
        features[start : start + 100_000] = np.random.default_rng(start).standard_normal((100_000, 20))
    np.save(tmp_path / "y.npy", features[:, 0] * 2 + 1)
    del features
    for what in ("train", "held out", "sweep", "estimator"):
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, what, tmp_path], capture_output=True, text=True, check=True
        )
        assert int(done.stdout) <= 150, what
