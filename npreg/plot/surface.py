"""A plane through parameter space: two parameters' path, and the mean loss around it.

What `plot.loss_surface` draws, as numbers.  Parameters are counted as in theta = (w; b): 0, …, d − 1 are
weights, d is the intercept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from npreg.arrays import FloatArray, as_count, as_float_array, check_finite
from npreg.losses import Loss

__all__ = ["Param", "mean_losses", "name_of", "path_of", "side", "two_params"]

Param: TypeAlias = int | str

GRID = 50  # points along each side
BLOCK = 400  # rows whose losses on the whole grid are held at once, 8 MB


def path_of(
    trajectory: Any, num_features: int, labels_shape: tuple[int, ...], output: int
) -> tuple[FloatArray, FloatArray]:
    """Parameters (w; b) of one output in time, (T + 1, d + 1), and those learned."""
    found = getattr(trajectory, "trajectory", trajectory)
    if found is None:
        raise ValueError('the result has no trajectory; train with record="step" or record="epoch"')
    if not isinstance(found, Sequence) or len(found) != 2:
        raise TypeError(
            "trajectory must be a result of train, its trajectory, or a pair (w, b) of parameters in time, "
            f"not {type(trajectory).__name__}"
        )
    w, b = as_float_array(found[0], "trajectory w"), as_float_array(found[1], "trajectory b")
    shape = num_features, labels_shape[1]
    if w.ndim != 3 or len(w) == 0 or w.shape[1:] != shape or b.shape != (len(w), shape[1]):
        raise ValueError(
            f"trajectory of shapes {w.shape} and {b.shape} does not fit {num_features} features and labels "
            f"{labels_shape}; needed are (T + 1, {shape[0]}, {shape[1]}) and (T + 1, {shape[1]})"
        )
    check_finite(w, "trajectory w")
    check_finite(b, "trajectory b")
    path = np.concatenate([w[:, :, output], b[:, [output]]], axis=1).astype(np.float64)
    if found is trajectory:
        return path, path[-1]
    # An averaged run, or one with validation rows, need not return the end of its path.
    return path, np.append(trajectory.w[:, output], trajectory.b[output]).astype(np.float64)


def two_params(params: Any, num_features: int) -> tuple[int, int]:
    """Indices into (w; b) of the parameters on the axes."""
    if params is None:
        return 0, 1
    if isinstance(params, str) or not isinstance(params, Sequence) or len(params) != 2:
        raise ValueError(f'params must be two parameters, as (0, 1) or (0, "b"), not {params!r}')
    i, j = (num_features if p == "b" else _weight(p, num_features) for p in params)
    if i == j:
        raise ValueError(f"params must be two different parameters, not {params!r}")
    return i, j


def _weight(param: Any, num_features: int) -> int:
    if isinstance(param, str):
        raise ValueError(f'there is no parameter {param!r}; there are 0 to {num_features - 1}, and "b"')
    index = as_count(param, "params", 0)
    if index >= num_features:
        raise ValueError(f'there is no weight {index}; there are 0 to {num_features - 1}, and "b"')
    return index


def name_of(param: int, num_features: int) -> str:
    return "b" if param == num_features else f"w[{param}]"


def side(values: FloatArray, end: float) -> FloatArray:
    """The grid along one axis: around the path, with a margin, and with the end not at the very border."""
    low, high = min(values.min(), end), max(values.max(), end)
    reach = float(high - low) or abs(float(end)) or 1.0
    low, high = low - 0.1 * reach, high + 0.1 * reach
    return np.linspace(min(low, end - 0.3 * reach), max(high, end + 0.3 * reach), GRID)


def mean_losses(
    X: FloatArray,
    y: FloatArray,
    end: FloatArray,
    axes: tuple[int, int],
    sides: Sequence[FloatArray],
    loss: Loss,
) -> FloatArray:
    """The mean loss at every point of the grid, as contour wants it: (second axis, first axis)."""
    first, second = np.meshgrid(*sides)
    moves = np.stack([first.ravel() - end[axes[0]], second.ravel() - end[axes[1]]])
    total = np.zeros(moves.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(X), BLOCK):
            rows = np.column_stack([X[start : start + BLOCK], np.ones(len(X[start : start + BLOCK]))])
            y_hat = (rows @ end)[:, None] + rows[:, list(axes)] @ moves
            labels = np.broadcast_to(y[start : start + BLOCK, None], y_hat.shape)
            total += np.asarray(loss.value(y_hat, labels), np.float64).sum(axis=0)
    if not math.isfinite(total.sum()):
        raise ValueError("the path leads to losses beyond the range of floats; train with a smaller lr")
    return (total / len(X)).reshape(first.shape)
