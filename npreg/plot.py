"""Pictures of data, of losses, and of the way parameters take; matplotlib is imported on first use.

Every function draws on the Axes `ax` that it is given, or on those of a new figure, and returns them: `plt.show()`
and `ax.figure.savefig(...)` are the caller's.  What cannot be drawn is refused, with a ValueError or TypeError as of
`train` for the same arguments, before a figure is made.
"""

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, as_count, as_data, as_float_array, check_finite
from npreg.linear import linreg
from npreg.losses import LOSSES, Loss, LossFunction, LossName, as_loss
from npreg.runs.sums import mean_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from npreg.runs.run import Trajectory
    from npreg.sweep import SweepResult
    from npreg.train import TrainResult

__all__ = ["loss_curve", "loss_surface", "scatter", "set_figsize", "sweep_curve", "use_svg_display"]

MANY_DOTS = 500  # from which an SVG file holds them as one picture: it would grow by 100 bytes a dot
LEVELS = 14  # contours of a surface
GRID = 50  # its points along each side


def use_svg_display() -> None:
    """Show pictures as SVG in a notebook; outside of IPython nothing happens.

    >>> use_svg_display()
    """
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("svg")  # type: ignore[no-untyped-call]


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the size of the figures to come, two positive numbers of inches, and show them as SVG.

    >>> import matplotlib
    >>> with matplotlib.rc_context():  # only to leave the settings as they are
    ...     set_figsize((4, 3))
    ...     matplotlib.rcParams["figure.figsize"]
    [4.0, 3.0]
    """
    size = as_float_array(figsize, "figsize")
    if size.shape != (2,) or not (np.isfinite(size).all() and (size > 0).all()):
        raise ValueError(f"figsize must be (width, height) in inches, both positive, not {figsize!r}")
    use_svg_display()
    import matplotlib

    matplotlib.rcParams["figure.figsize"] = size.tolist()


def scatter(
    features: ArrayLike, labels: ArrayLike, column: int = 1, *, output: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """One feature against the label, a dot a row.

    `column` is that of `features` (n, d), counted from 0 (so 1 is the second, as in the notebook), `output` that of
    `labels` (n, k).

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()  # leave out `ax` to draw in a new figure of pyplot
    >>> scatter([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0], ax=ax).get_xlabel()
    'feature 1'
    """
    X, y, _ = as_data(features, labels)
    column, output = column_of(column, X.shape, "column", "features"), column_of(output, y.shape, "output", "labels")
    ax = axes_or_new(ax)
    ax.scatter(X[:, column], y[:, output], s=1, rasterized=len(X) > MANY_DOTS)
    ax.set(xlabel=f"feature {column}", ylabel="label" if y.shape[1] == 1 else f"label {output}")
    return ax


def loss_curve(losses: "ArrayLike | TrainResult", ax: "Axes | None" = None, *, label: str | None = None) -> "Axes":
    """The loss after each epoch; on a logarithmic axis where it falls to less than a tenth.

    `losses` is a TrainResult, or (epochs,) numbers; of a result with validation rows, their loss is drawn too, with a
    mark at the best epoch.  `label` is the run's name in the legend, where several share the Axes.

    >>> from matplotlib.figure import Figure
    >>> loss_curve([0.04, 0.0003, 0.00005], ax=Figure().subplots()).get_yscale()
    'log'
    """
    curve, held_out = _curve(getattr(losses, "losses", losses), "losses"), getattr(losses, "validation_losses", None)
    label = "" if label is None else f"{label}"
    drawn = {label: curve}
    if held_out is not None:
        before = f"{label}, " if label else ""
        drawn = {f"{before}training": curve, f"{before}validation": _curve(held_out, "validation_losses")}
    from matplotlib.ticker import MaxNLocator

    ax = axes_or_new(ax)
    for name, values in drawn.items():
        marker = "o" if len(values) <= 30 else None
        (line,) = ax.plot(np.arange(1, len(values) + 1), values, marker=marker, markersize=3, label=name or None)
    if held_out is not None:
        best = int(getattr(losses, "best_epoch", None) or values.argmin() + 1)
        ax.plot(best, values[best - 1], "*", color=line.get_color(), markersize=10)
    if any(drawn):
        ax.legend()
    if curve.min() > 0 and curve.min() < curve.max() / 10:
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epoch", ylabel="mean loss")
    return ax


def sweep_curve(result: "SweepResult", *, ax: "Axes | None" = None) -> "Axes":
    """The final loss of a sweep against the learning rate, one line an L2 penalty, both axes logarithmic.

    Crosses at the upper edge are the learning rates whose runs diverged, the dashed line of the same
    colour is `max_learning_rate` for that penalty, and the star is the best setting.  A learning rate
    of 0 has no place on a logarithmic axis and is left out.

    >>> from matplotlib.figure import Figure
    >>> from npreg import sweep, synthetic_data
    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> result = sweep(features, labels, lrs=np.geomspace(0.001, 10, 20), rng=1)
    >>> sweep_curve(result, ax=Figure().subplots()).get_xscale()
    'log'
    """
    if not all(hasattr(result, name) for name in ("lrs", "l2", "losses", "diverged", "bound")):
        raise TypeError(f"result must be what npreg.sweep returns, not {type(result).__name__}")
    if not (result.lrs > 0).any():
        raise ValueError("every learning rate of the sweep is 0; a logarithmic axis needs a positive one")
    ax = axes_or_new(ax)
    penalties = np.unique(result.l2)
    for row, penalty in enumerate(penalties):
        some = np.flatnonzero((result.l2 == penalty) & (result.lrs > 0))
        some = some[result.lrs[some].argsort(kind="stable")]
        lrs, held, bound = result.lrs[some], ~result.diverged[some], result.bound[some[0]]
        label = f"l2 = {penalty:g}" if len(penalties) > 1 else "final loss"
        marker = "o" if len(some) <= 30 else None
        (line,) = ax.plot(lrs[held], result.losses[some[held], -1], marker=marker, markersize=3, label=label)
        colour = line.get_color()
        height = np.full(len(lrs), 0.97 - 0.03 * row)  # in parts of the axes' height
        ax.plot(lrs[~held], height[~held], "x", color=colour, markersize=4, transform=ax.get_xaxis_transform())
        if np.isfinite(bound):
            ax.axvline(bound, color=colour, linestyle="--", linewidth=1)
    best = result.best
    if not result.diverged[best] and result.lrs[best] > 0:
        ax.plot(result.lrs[best], result.losses[best, -1], "*", color="black", markersize=9, label="best")
    ax.plot([], [], "x", color="black", markersize=4, label="diverged")
    ax.plot([], [], "--", color="black", linewidth=1, label="max_learning_rate")
    ax.legend()
    if (result.losses[~result.diverged, -1] > 0).any():
        ax.set_yscale("log")
    ax.set(xscale="log", xlabel="learning rate", ylabel="mean loss after the last epoch")
    return ax


def loss_surface(
    features: ArrayLike,
    labels: ArrayLike,
    trajectory: "TrainResult | Trajectory | tuple[ArrayLike, ArrayLike]",
    params: tuple[int | str, int | str] | None = None,
    ax: "Axes | None" = None,
    *,
    loss: LossName | LossFunction | tuple[LossFunction, LossFunction] | Loss | None = None,
    sample_weight: ArrayLike | None = None,
    output: int = 0,
) -> "Axes":
    """The path of two parameters over the mean loss of all rows (without penalties), with its contours.

    The other parameters are held at their final values.  So where there are others, the contours are
    those of the end of the path: on the way there, the surface was another.  ValueError for a result whose loss is
    not that of these rows, and for a path that leads to losses beyond the range of floats.

    Parameters
    ----------
    features, labels, sample_weight : the rows that were trained on, (n, d), (n,) or (n, k), and (n,)
    trajectory : a result of `train(..., callbacks=Record("step"))`, or of every epoch, or its Trajectory; or a pair
        (w, b) of shapes (T + 1, d, k) and (T + 1, k)
    params : two of 0, …, d − 1 (weights) and "b" (the intercept), for the axes; by default the first two
    loss, output : the loss as in `train` (a result knows it, unless it is a user's own), and the label, for k > 1

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
    path, end = _path_of(trajectory, data, output)
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
    ax.set(xlabel=names[i], ylabel=names[j])
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


def _path_of(trajectory: Any, data: Data, output: int) -> tuple[FloatArray, FloatArray]:
    """Parameters (w; b) of one output in time, (T + 1, d + 1), and those learned."""
    found = getattr(trajectory, "trajectory", trajectory)
    if found is None:
        raise ValueError('the result has no trajectory; train with callbacks=npreg.Record("step")')
    if not isinstance(found, Sequence) or len(found) != 2:
        kinds = "a result of train, its trajectory, or a pair (w, b) of parameters in time"
        raise TypeError(f"trajectory must be {kinds}, not {type(trajectory).__name__}")
    w, b = as_float_array(found[0], "trajectory w"), as_float_array(found[1], "trajectory b")
    d, k = data.X.shape[1], data.y.shape[1]
    if w.ndim != 3 or len(w) == 0 or w.shape[1:] != (d, k) or b.shape != (len(w), k):
        fit = f"does not fit {d} features and labels {data.y.shape}; needed are (T + 1, {d}, {k}) and (T + 1, {k})"
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
    known = [*range(num_features), "b"]
    chosen = [param if isinstance(param, str) else as_count(param, "params", 0) for param in params]
    for param in chosen:
        if param not in known:
            raise ValueError(f'there is no parameter {param!r}; there are 0 to {num_features - 1}, and "b"')
    if chosen[0] == chosen[1]:
        raise ValueError(f"params must be two different parameters, not {params!r}")
    return [known.index(param) for param in chosen]


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


def _curve(values: Any, name: str) -> FloatArray:
    curve = as_float_array(values, name)
    if curve.ndim != 1 or curve.size == 0:
        raise ValueError(f"{name} must be one number an epoch, of shape (epochs,), not {curve.shape}")
    check_finite(curve, name)
    return curve


def axes_or_new(ax: "Axes | None") -> "Axes":
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def column_of(value: Any, shape: tuple[int, ...], name: str, owner: str) -> int:
    """The number of a column that is there."""
    index = as_count(value, name, 0)
    if index >= shape[1]:
        cure = f"columns are counted from 0 to {shape[1] - 1}" if shape[1] > 1 else f"take {name}=0"
        raise ValueError(f"there is no {name} {index} in {owner} of shape {shape}; {cure}")
    return index
