"""Synthetic data, initial parameters, minibatches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npreg
from npreg.data import minibatches, start_parameters


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_synthetic_data(dtype):
    features, labels = npreg.synthetic_data([2, -3.4], 4.2, 5000, noise=0.5, dtype=dtype, rng=0)
    assert features.shape == (5000, 2)
    assert labels.shape == (5000,)
    assert features.dtype == labels.dtype == dtype
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=5 / np.sqrt(5000))
    np.testing.assert_allclose(features.std(axis=0), 1, atol=0.05)
    noise = labels - features @ np.array([2, -3.4], dtype) - 4.2
    assert noise.std() == pytest.approx(0.5, abs=0.025)
    assert abs(noise.mean()) < 5 * 0.5 / np.sqrt(5000)
    assert np.abs(np.corrcoef(features.T, noise)[-1, :-1]).max() < 0.07


def test_synthetic_data_without_noise():
    w = np.array([[2.0, 1.0], [-3.4, 0.0]])
    features, labels = npreg.synthetic_data(w, [4.2, -1.0], 50, noise=0, dtype=float, rng=0)
    assert labels.shape == (50, 2)
    np.testing.assert_allclose(labels, features @ w + [4.2, -1.0], rtol=1e-12)
    _, same = npreg.synthetic_data(w, 4.2, 50, noise=0, dtype=float, rng=0)
    np.testing.assert_allclose(same, features @ w + 4.2, rtol=1e-12)
    for b in (4.2, [4.2], np.array(4.2)):
        assert npreg.synthetic_data([1, 2], b, 3)[1].shape == (3,)
    assert npreg.synthetic_data([1], 0, 1)[0].shape == (1, 1)


def test_seeds():
    def draws(rng):
        return npreg.synthetic_data([1.0, 2.0], 3.0, 4, rng=rng)[0], npreg.init_params(5, rng=rng)[0]

    for first, second in zip(draws(3), draws(3), strict=True):
        np.testing.assert_array_equal(first, second)
    assert np.abs(draws(3)[0] - draws(4)[0]).max() > 0
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(draws(generator)[0], draws(3)[0])
    assert np.abs(draws(generator)[1] - draws(3)[1]).max() > 0  # a Generator goes on


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_init_params(dtype):
    w, b = npreg.init_params(400, num_outputs=5, scale=0.2, dtype=dtype, rng=0)
    assert w.shape == (400, 5)
    assert w.dtype == b.dtype == dtype
    np.testing.assert_array_equal(b, np.zeros(5))
    assert w.std() == pytest.approx(0.2, rel=0.1)
    assert not npreg.init_params(3, scale=0)[0].any()
    assert npreg.init_params(3)[0].dtype == np.float32


def test_start_parameters():
    rng = np.random.default_rng(0)
    dtype = np.dtype(np.float32)
    theta = start_parameters([1, 2], 3.0, 2, 1, dtype, rng)
    np.testing.assert_array_equal(theta, [[1], [2], [3]])
    assert theta.dtype == dtype
    assert rng.random() == np.random.default_rng(0).random()  # nothing was drawn
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(
        start_parameters(None, None, 2, 3, dtype, rng)[:-1],
        npreg.init_params(2, num_outputs=3, rng=np.random.default_rng(0))[0],
    )


@settings(max_examples=50)
@given(n=st.integers(1, 60), batch_size=st.integers(1, 70), seed=st.integers(0, 2**32), k=st.integers(0, 2))
def test_minibatches(n, batch_size, seed, k):
    """Every row once; consecutive parts of one permutation; the last one short."""
    features = np.arange(2.0 * n).reshape(n, 2)
    labels = np.arange(float(n)) if k == 0 else np.arange(float(n * k)).reshape(n, k)
    batches = list(npreg.data_iter(batch_size, features, labels, rng=seed))
    assert [len(X) for X, _ in batches[:-1]] == [batch_size] * (n // batch_size - (n % batch_size == 0))
    assert sum(len(X) for X, _ in batches) == n
    assert len(batches) == -(-n // batch_size)
    order = np.random.default_rng(seed).permutation(n)
    np.testing.assert_array_equal(np.concatenate([X for X, _ in batches]), features[order])
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), labels[order])
    assert all(y.shape[1:] == labels.shape[1:] and len(X) == len(y) for X, y in batches)
    cut = list(minibatches(order, batch_size))
    np.testing.assert_array_equal(np.concatenate(cut), order)
    assert list(map(len, cut)) == [len(X) for X, _ in batches]


def test_shuffles_evenly():
    """Every row is first about equally often."""
    generator = np.random.default_rng(0)
    firsts = Counter(
        int(next(npreg.data_iter(1, np.arange(4.0)[:, None], np.arange(4.0), rng=generator))[1][0]) for _ in range(2000)
    )
    assert set(firsts) == {0, 1, 2, 3}
    assert all(abs(count - 500) < 100 for count in firsts.values())


def test_errors_come_at_the_call():
    """Not at the first minibatch, which may be far away from the mistake."""
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        npreg.data_iter(0, np.ones((2, 1)), np.ones(2))


def test_order_is_drawn_at_the_call():
    """So two iterators that are made one after the other have orders of their own, however they are read."""
    rng = np.random.default_rng(0)
    features, labels = np.arange(9.0)[:, None], np.arange(9.0)
    one, two = npreg.data_iter(4, features, labels, rng=rng), npreg.data_iter(4, features, labels, rng=rng)
    again = np.random.default_rng(0)
    second = [y for _, y in two]
    np.testing.assert_array_equal(np.concatenate([y for _, y in one]), again.permutation(9))
    np.testing.assert_array_equal(np.concatenate(second), again.permutation(9))


def test_arguments_in_the_wrong_order_are_told_by_their_shape():
    with pytest.raises(TypeError, match=r"batch_size must be a whole number, not an array of shape \(4, 2\)$"):
        next(npreg.data_iter(np.ones((4, 2)), np.ones(4), 2))
