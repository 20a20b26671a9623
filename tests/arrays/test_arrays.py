"""The door: what comes in as what, and the error that carries parameters."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npreg
from npreg.arrays import as_count, as_data, as_float_array, as_nonnegative, as_number, as_rng, check_finite


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_arrays_are_not_copied(dtype):
    given_array = np.arange(6, dtype=dtype).reshape(3, 2)
    assert as_float_array(given_array, "x") is given_array
    X, y, _ = as_data(given_array, given_array[:, 0])
    assert np.shares_memory(X, given_array)
    assert np.shares_memory(y, given_array)
    assert y.shape == (3, 1)


def test_byte_order_and_subclasses():
    swapped = np.arange(3.0).astype(">f8")
    out = as_float_array(swapped, "x")
    assert out.dtype.isnative
    np.testing.assert_array_equal(out, [0, 1, 2])
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0]])
    assert type(as_float_array(matrix, "x")) is np.ndarray  # whose * is no matrix product


def test_labels_in_columns():
    X = np.ones((3, 2))
    assert as_data(X, [1, 2, 3]).y.shape == (3, 1)
    assert as_data(X, [[1], [2], [3]]).y.shape == (3, 1)
    assert as_data(X, np.ones((3, 4))).y.shape == (3, 4)


@given(st.integers(0, 30), st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans())
def test_first_bad_value_is_found(place, value, another):
    array = np.arange(31.0)
    array[place] = value
    array[30] = np.nan if another else array[30]
    count = len({place, 30}) if another else 1
    with pytest.raises(ValueError, match=rf"x has -?(nan|inf) at row {place}, counted from 0 \({count} such"):
        check_finite(array, "x")
    square = array[:30].reshape(6, 5)
    if place < 30:
        with pytest.raises(ValueError, match=rf"at row {place // 5}, column {place % 5}, "):
            check_finite(square, "x")


def test_finite_numbers_whose_sum_is_not():
    check_finite(np.full(10, np.finfo(float).max), "x")
    check_finite(np.full((3, 3), np.finfo(np.float32).max, np.float32), "x")
    check_finite(np.array([np.finfo(float).max, -np.finfo(float).max]), "x")


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_whole_numbers(value):
    assert as_count(value, "n", 0) == 3
    assert type(as_count(value, "n", 0)) is int


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), "1/2"])
def test_real_numbers(value):
    if isinstance(value, str):
        with pytest.raises(TypeError, match="x must be a number, not '1/2'"):
            as_number(value, "x")
        return
    assert as_nonnegative(value, "x") == 0.5
    assert type(as_nonnegative(value, "x")) is float


def test_rng_as_numpy_takes_it():
    generator = np.random.default_rng(0)
    assert as_rng(generator) is generator
    for seed in (0, [1, 2], np.random.SeedSequence(3), np.random.PCG64(4), None):
        assert isinstance(as_rng(seed), np.random.Generator)
    assert as_rng(7).random() == np.random.default_rng(7).random()


def diverged():
    X, y = np.random.default_rng(0).standard_normal((60, 2)), np.arange(60.0)
    with pytest.raises(npreg.DivergenceError) as caught, pytest.warns(npreg.LearningRateWarning):
        npreg.train(X * [1, 100], y, lr=0.3, num_epochs=50, rng=0)
    return caught.value


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_divergence_error_survives_copies(again):
    error = diverged()
    other = again(error)
    assert type(other) is npreg.DivergenceError
    assert isinstance(other, ArithmeticError)
    assert (str(other), other.epoch, other.lr) == (str(error), error.epoch, error.lr)
    for name in ("w", "b", "losses"):
        np.testing.assert_array_equal(getattr(other, name), getattr(error, name))
