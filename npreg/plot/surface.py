"""The loss over a plane through parameter space, and the path that a run takes on it.

Parameters are counted as in theta = (w; b): 0, …, d − 1 are weights, d is the intercept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, as_count, as_data, as_float_array, check_finite
from npreg.linear import linreg
from npreg.losses import LOSSES, Loss, LossFunction, LossName, as_loss
from npreg.plot.pictures import axes_or_new, column_of
from npreg.runs.sums import mean_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from npreg.runs.run import Trajectory
    from npreg.train import TrainResult

LEVELS = 14  # contours
GRID = 50  # points along each side


def loss_surface(
    features: ArrayLike,
    labels: ArrayLike,
    trajectory: TrainResult | Trajectory | tuple[ArrayLike, ArrayLike],
    params: tuple[int | str, int | str] | None = None,
    ax: Axes | None = None,
    *,
    loss: LossName | LossFunction | tuple[LossFunction, LossFunction] | Loss | None = None,
    sample_weight: ArrayLike | None = None,
    output: int = 0,
) -> Axes:
    """The path of two parameters over the mean loss of all rows (without penalties), with its contours.

    The other parameters are held at their final values.  So where there are others, the contours are
    those of the end of the path: on the way there, the surface was another.  ValueError for a result whose loss is
    not that of these rows, and for a path that leads to losses beyond the range of floats.

    Parameters
    ----------
    features, labels, sample_weight : (n, d), (n,) or (n, k), and (n,)
        The rows that were trained on.
    trajectory : TrainResult, Trajectory, or pair (w, b)
        A result of `train(..., callbacks=Record("step"))`, or of every epoch; or w (T + 1, d, k) and b (T + 1, k).
    params : two of 0, …, d − 1 and "b", optional
        The parameters on the axes, weights and the intercept; by default the first two.
    loss, output : as in `train`, optional, and int
        The loss that was trained with (a result knows it, unless it is a user's own), and the label, for k > 1.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from npreg import Record, synthetic_data, train
    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> result = train(features, labels, rng=1, callbacks=Record("step"))
    >>> loss_surface(features, labels, result, params=(0, "b"), ax=Figure().subplots()).get_ylabel()
    'b'
    """
    data, chosen = as_data(features, labels, sample_weight), _own_loss(trajectory, loss)
    d, output = data.X.shape[1], column_of(output, data.y.shape, "output", "labels")
    path, end = _path_of(trajectory, d, data.y.shape, output)
    i, j = _two_params(params, d)
    sides = [_side(path[:, p], end[p]) for p in (i, j)]
    _check_rows(trajectory, data, chosen)
    surface = mean_losses(data, output, end, (i, j), sides, chosen)
    ax = axes_or_new(ax)
    low, high = float(surface.min()), float(surface.max())
    if low < high:
        # A bowl's contours at the squares of equal steps are equally far apart.
        levels = low + (high - low) * np.linspace(0, 1, LEVELS) ** 2
        ax.contourf(*sides, surface, levels=levels, cmap="Blues_r", alpha=0.5)
        ax.contour(*sides, surface, levels=levels, colors="tab:blue", linewidths=0.5)
    ax.plot(path[:, i], path[:, j], "-", color="tab:orange", linewidth=1.5, label="path")
    ax.plot(path[0, i], path[0, j], "o", color="tab:orange", markersize=5, label="start")
    ax.plot(end[i], end[j], "*", color="tab:red", markersize=11, label="learned")
    ax.legend()
    names = [*(f"w[{p}]" for p in range(d)), "b"]
    ax.set_xlabel(names[i])
    ax.set_ylabel(names[j])
    return ax


def _own_loss(trajectory: Any, loss: Any) -> Loss:
    """The loss that is given, or the run's; ValueError where a result's is another."""
    name, params = getattr(trajectory, "loss", "squared"), getattr(trajectory, "loss_params", {})
    if loss is None and name not in LOSSES:
        raise ValueError(f"the run's loss is a user's own, {name}; give it too, as loss=(value, grad)")
    chosen = LOSSES[name].bind(**params) if loss is None else as_loss(loss)
    if hasattr(trajectory, "loss") and (chosen.name, chosen.params) != (name, params):
        raise ValueError(f"the run's loss was {name} {params or ''}; leave out loss, or give the same loss")
    return chosen


def _check_rows(result: Any, data: Data, loss: Loss) -> None:
    """ValueError where a result's loss is another than that of its parameters on these rows."""
    if not len(getattr(result, "losses", ())):
        return  # a path alone does not say where it comes from
    theta = np.concatenate([result.w, result.b[None]])
    found, told = mean_loss(loss, data, theta), result.losses[(result.best_epoch or 0) - 1]
    slope = float(np.abs(loss.grad(linreg(data.X, result.w, result.b), data.y)).mean(dtype=np.float64))
    rounding = 30 * float(np.finfo(data.X.dtype).eps) * float(np.abs(data.y).max())  # of a prediction
    if not math.isclose(found, told, rel_tol=1e-4, abs_tol=rounding * (slope + rounding)):
        what = f"the run ended at a mean loss of {told:g}, but on these rows its parameters have one of {found:g}"
        cure = "give the features, labels and sample_weight that were trained on"
        raise ValueError(f"{what}; {cure}, without held-out rows, and the same loss")


def _path_of(
    trajectory: Any, num_features: int, labels_shape: tuple[int, ...], output: int
) -> tuple[FloatArray, FloatArray]:
    """Parameters (w; b) of one output in time, (T + 1, d + 1), and those learned."""
    found = getattr(trajectory, "trajectory", trajectory)
    if found is None:
        raise ValueError('the result has no trajectory; train with callbacks=npreg.Record("step")')
    if not isinstance(found, Sequence) or len(found) != 2:
        kinds = "a result of train, its trajectory, or a pair (w, b) of parameters in time"
        raise TypeError(f"trajectory must be {kinds}, not {type(trajectory).__name__}")
    w, b = as_float_array(found[0], "trajectory w"), as_float_array(found[1], "trajectory b")
    d, k = num_features, labels_shape[1]
    if w.ndim != 3 or len(w) == 0 or w.shape[1:] != (d, k) or b.shape != (len(w), k):
        fit = f"does not fit {d} features and labels {labels_shape}; needed are (T + 1, {d}, {k}) and (T + 1, {k})"
        raise ValueError(f"trajectory of shapes {w.shape} and {b.shape} {fit}")
    check_finite(w, "trajectory w")
    check_finite(b, "trajectory b")
    path = np.concatenate([w[:, :, output], b[:, [output]]], axis=1).astype(np.float64)
    if found is trajectory:
        return path, path[-1]
    # An averaged run, or one with validation rows, need not return the end of its path.
    return path, np.append(trajectory.w[:, output], trajectory.b[output]).astype(np.float64)


def _two_params(params: Any, num_features: int) -> list[int]:
    """Indices into (w; b) of the parameters on the axes."""
    if params is None:
        return [0, 1]
    if isinstance(params, str) or not isinstance(params, Sequence) or len(params) != 2:
        raise ValueError(f'params must be two parameters, as (0, 1) or (0, "b"), not {params!r}')
    chosen = []
    for param in params:
        named = isinstance(param, str)
        index = num_features if named else as_count(param, "params", 0)
        if param != "b" if named else index >= num_features:
            raise ValueError(f'there is no parameter {param!r}; there are 0 to {num_features - 1}, and "b"')
        chosen.append(index)
    if chosen[0] == chosen[1]:
        raise ValueError(f"params must be two different parameters, not {params!r}")
    return chosen


def _side(values: FloatArray, end: float) -> FloatArray:
    """The grid along one axis: around the path, with a margin, and with the end not at the very border."""
    low, high = min(values.min(), end), max(values.max(), end)
    reach = float(high - low) or abs(float(end)) or 1.0
    return np.linspace(min(low - 0.1 * reach, end - 0.3 * reach), max(high + 0.1 * reach, end + 0.3 * reach), GRID)


def mean_losses(
    data: Data, output: int, end: FloatArray, axes: tuple[int, int], sides: Sequence[FloatArray], loss: Loss
) -> FloatArray:
    """The mean loss at every point of the grid, as contour wants it: (second axis, first axis)."""
    one, theta = Data(data.X, data.y[:, [output]], data.weights), end[:, None].copy()
    surface = np.empty((len(sides[1]), len(sides[0])))
    with np.errstate(over="ignore", invalid="ignore"):
        for place in np.ndindex(surface.shape):
            theta[axes[0]], theta[axes[1]] = sides[0][place[1]], sides[1][place[0]]
            surface[place] = mean_loss(loss, one, theta)
    if not math.isfinite(surface.sum()):
        raise ValueError("the path leads to losses beyond the range of floats; train with a smaller lr")
    return surface
