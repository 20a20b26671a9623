"""Synthetic data, initial parameters, and minibatches: everything random in npreg starts here."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from npreg import arrays
from npreg.arrays import FloatArray

__all__ = ["data_iter", "init_params", "synthetic_data"]


def synthetic_data(
    w: ArrayLike,
    b: ArrayLike,
    num_examples: int,
    *,
    noise: float = 0.01,
    dtype: DTypeLike = np.float32,
    rng: Any = None,
) -> tuple[FloatArray, FloatArray]:
    """Make data that a linear model fits up to noise: features (n, d) and labels (n,), or (n, k) where w is (d, k).

        features ~ N(0, 1)        labels = features @ w + b + noise · N(0, 1)

    ValueError or TypeError for shapes that do not fit, a count below 1, negative noise, another dtype, NaN or inf.

    w is (d,) or (d, k), b a scalar or (k,), noise a standard deviation in the labels' unit, dtype float32 or float64.

    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> features.shape, labels.shape, features.dtype.name
    ((1000, 2), (1000,), 'float32')
    """
    n = arrays.as_count(num_examples, "num_examples", 1)
    noise = arrays.as_nonnegative(noise, "noise")
    dtype = _float_dtype(dtype)
    weights = arrays.as_float_array(w, "w")
    if weights.ndim not in (1, 2) or weights.size == 0:
        raise ValueError(f"w must be of shape (d,) or (d, k), not {weights.shape}")
    intercept = arrays.as_float_array(b, "b")
    outputs = weights.shape[1:]
    if intercept.shape not in ((), (1,), outputs):
        raise ValueError(f"b of shape {intercept.shape} does not fit w of shape {weights.shape}")
    for name, given in (("w", weights), ("b", intercept)):
        arrays.check_finite(given, name, "finite parameters are needed")
    rng = arrays.as_rng(rng)
    features = rng.standard_normal((n, weights.shape[0]))
    with np.errstate(over="ignore", invalid="ignore"):
        labels = (features @ weights + intercept + noise * rng.standard_normal((n, *outputs))).astype(dtype, copy=False)
    arrays.check_finite(labels, "labels", f"w, b or noise are too large for {dtype}")
    return features.astype(dtype, copy=False), labels


def init_params(
    num_inputs: int, *, num_outputs: int = 1, scale: float = 0.01, dtype: DTypeLike = np.float32, rng: Any = None
) -> tuple[FloatArray, FloatArray]:
    """Small random weights and a zero intercept:  w ~ N(0, scale²) (num_inputs, num_outputs),  b = 0 (num_outputs,).

    ValueError or TypeError for counts below 1, a negative scale or one beyond the dtype, and another dtype.

    >>> w, b = init_params(2, rng=0)
    >>> w.shape, b
    ((2, 1), array([0.], dtype=float32))
    """
    shape = arrays.as_count(num_inputs, "num_inputs", 1), arrays.as_count(num_outputs, "num_outputs", 1)
    scale = arrays.as_nonnegative(scale, "scale")
    dtype = _float_dtype(dtype)
    with np.errstate(over="ignore"):
        w = (scale * arrays.as_rng(rng).standard_normal(shape)).astype(dtype, copy=False)
    arrays.check_finite(w, "w", f"scale = {scale:g} is too large for {dtype}")
    return w, np.zeros(shape[1], dtype)


def start_parameters(
    w: Any, b: Any, num_inputs: int, num_outputs: int, dtype: np.dtype[Any], rng: "np.random.Generator"
) -> FloatArray:
    """Where a run starts, as theta = (w; b) of shape (d + 1, k): as given, else `init_params`, which draws from rng."""
    theta = np.zeros((num_inputs + 1, num_outputs), dtype)
    if w is None:
        theta[:-1] = 0.01 * rng.standard_normal((num_inputs, num_outputs))  # as `init_params`
    for name, given, part in (("w", w, theta[:-1]), ("b", b, theta[-1])):
        if given is None:
            continue
        array = arrays.as_float_array(given, name)
        arrays.check_finite(array, name, "start from finite parameters")
        flat = num_outputs == 1 and array.size == part.size and array.ndim <= 1
        if array.shape != part.shape and not flat:
            fit = f"does not fit {num_inputs} features and {num_outputs} outputs; needed is {part.shape}"
            raise ValueError(f"{name} of shape {array.shape} {fit}")
        with np.errstate(over="ignore"):
            part[...] = array.reshape(part.shape)
        arrays.check_finite(part, name, f"start from parameters within the range of {dtype}")
    return theta


def minibatches(order: FloatArray | np.ndarray[Any, Any], batch_size: int) -> Iterator[np.ndarray[Any, Any]]:
    """Cut an order of rows into consecutive minibatches; the last one may be short."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def data_iter(
    batch_size: int, features: ArrayLike, labels: ArrayLike, *, rng: Any = None
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Go once through the rows in random order, a minibatch at a time: yields X (B, d) and y (B,) or (B, k).

    Draws exactly one `rng.permutation(n)` and cuts it into consecutive minibatches, so that the same order can be
    replayed elsewhere.  The last one is short where batch_size does not divide n; batch_size may exceed n.
    ValueError or TypeError at the call, not at the first minibatch, where shapes do not fit, data are not finite or
    batch_size is no count.

    >>> X, y = next(data_iter(2, [[1.0], [2.0], [3.0]], [10.0, 20.0, 30.0], rng=0))
    >>> X.shape, y / X[:, 0]
    ((2, 1), array([10., 10.]))
    """
    batch_size = arrays.as_batch_size(batch_size)
    X, y = (table.array for table in arrays.as_pair(features, labels))
    order = arrays.as_rng(rng).permutation(len(X))
    return ((X[rows], y[rows]) for rows in minibatches(order, batch_size))


def _float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        found = np.dtype(dtype).name
    except (TypeError, ValueError):
        found = f"{dtype!r:.40}"
    if found not in ("float32", "float64"):
        raise TypeError(f"dtype must be float32 or float64, not {found}")
    return np.dtype(found)
