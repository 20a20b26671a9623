"""Pictures of data, of losses, and of the way parameters take; matplotlib is imported on first use.

Every function draws on the Axes it is given, or on those of a new figure, and returns them: `plt.show()`
and `ax.figure.savefig(...)` are the caller's.  What cannot be drawn is refused before a figure is made.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import (
    FloatArray,
    as_count,
    as_data,
    as_float_array,
    check_finite,
)
from npreg.losses import Loss, LossFunction, as_loss
from npreg.plot.surface import Param, mean_losses, name_of, path_of, side, two_params

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from npreg.runs.run import Trajectory
    from npreg.sweep import SweepResult
    from npreg.train import TrainResult

__all__ = ["loss_curve", "loss_surface", "scatter", "set_figsize", "sweep_curve", "use_svg_display"]

LEVELS = 14  # contours of a loss surface
MANY_DOTS = 500  # from which an SVG file holds them as one picture: it would grow by 100 bytes a dot


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
    """Set the size of the figures to come, (width, height) in inches, and show them as SVG.

    Raises
    ------
    ValueError
        Where figsize is not two positive numbers.

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
    features: ArrayLike, labels: ArrayLike, column: int = 1, *, output: int = 0, ax: Axes | None = None
) -> Axes:
    """One feature against the label, a dot a row.

    Parameters
    ----------
    features : (n, d)
    labels : (n,) or (n, k)
    column : int
        The feature: a column of `features`, counted from 0 (so 1 is the second, as in the notebook).
    output : int
        The label: a column of `labels`, for k > 1.
    ax : Axes, optional
        Without it, a new figure is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        As `train` for the same arguments, and for a column that is not there.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()  # leave out `ax` to draw in a new figure of pyplot
    >>> scatter([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0], ax=ax).get_xlabel()
    'feature 1'
    """
    X, y, _ = as_data(features, labels)
    column, output = (
        _index(column, X.shape, "column", "features"),
        _index(output, y.shape, "output", "labels"),
    )
    ax = _axes(ax)
    ax.scatter(X[:, column], y[:, output], s=1, rasterized=len(X) > MANY_DOTS)
    ax.set_xlabel(f"feature {column}")
    ax.set_ylabel("label" if y.shape[1] == 1 else f"label {output}")
    return ax


def loss_curve(losses: ArrayLike | TrainResult, ax: Axes | None = None, *, label: str | None = None) -> Axes:
    """The loss after each epoch; on a logarithmic axis where it falls to less than a tenth.

    Parameters
    ----------
    losses : TrainResult, or (epochs,)
        Of a result with validation rows, their loss is drawn too, with a mark at the best epoch.
    ax : Axes, optional
        Without it, a new figure is made.  Several runs can share one.
    label : str, optional
        The run's name in the legend.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        For losses that are no sequence of finite numbers, or none at all.

    >>> from matplotlib.figure import Figure
    >>> loss_curve([0.04, 0.0003, 0.00005], ax=Figure().subplots()).get_yscale()
    'log'
    """
    curve = _curve(getattr(losses, "losses", losses), "losses")
    held_out = getattr(losses, "validation_losses", None)
    from matplotlib.ticker import MaxNLocator

    ax = _axes(ax)
    _draw_curve(ax, curve, label if held_out is None else f"{label}, training" if label else "training")
    if held_out is not None:
        held_out = _curve(held_out, "validation_losses")
        line = _draw_curve(ax, held_out, f"{label}, validation" if label else "validation")
        best = int(getattr(losses, "best_epoch", None) or held_out.argmin() + 1)
        ax.plot(best, held_out[best - 1], "*", color=line.get_color(), markersize=10)
    if label is not None or held_out is not None:
        ax.legend()
    if curve.min() > 0 and curve.min() < curve.max() / 10:
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel("mean loss")
    return ax


def loss_surface(
    features: ArrayLike,
    labels: ArrayLike,
    trajectory: TrainResult | Trajectory | tuple[ArrayLike, ArrayLike],
    params: tuple[Param, Param] | None = None,
    ax: Axes | None = None,
    *,
    loss: str | LossFunction | tuple[LossFunction, LossFunction] | Loss = "squared",
    output: int = 0,
) -> Axes:
    """The path of two parameters over the mean loss of all rows (without penalties), with its contours.

    The other parameters are held at their final values.  So where there are others, the contours are
    those of the end of the path: on the way there, the surface was another.

    Parameters
    ----------
    features : (n, d)
    labels : (n,) or (n, k)
    trajectory : TrainResult, Trajectory, or pair (w, b)
        A result of `train(..., record="step")` or `record="epoch"`; or w (T + 1, d, k) and b (T + 1, k).
    params : two of 0, …, d − 1 and "b", optional
        The parameters on the axes: an index stands for that weight, "b" for the intercept.  Without it,
        the first two weights, or the only weight and the intercept.
    ax : Axes, optional
        Without it, a new figure is made.
    loss : as in `train`
        The loss that was trained with.
    output : int
        The label whose parameters are drawn, for k > 1.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError, TypeError
        As `train` for the same arguments; for a result without a trajectory, parameters that are not
        there, or a path that leads to losses beyond the range of floats.

    >>> from matplotlib.figure import Figure
    >>> from npreg import synthetic_data, train
    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> result = train(features, labels, rng=1, record="step")
    >>> loss_surface(features, labels, result, params=(0, "b"), ax=Figure().subplots()).get_ylabel()
    'b'
    """
    X, y, _ = as_data(features, labels)
    output = _index(output, y.shape, "output", "labels")
    path, end = path_of(trajectory, X.shape[1], y.shape, output)
    i, j = two_params(params, X.shape[1])
    sides = [side(path[:, p], end[p]) for p in (i, j)]
    surface = mean_losses(X, y[:, output], end, (i, j), sides, as_loss(loss))
    ax = _axes(ax)
    low, high = float(surface.min()), float(surface.max())
    if low < high:
        # A bowl's contours at the squares of equal steps are equally far apart.
        levels = low + (high - low) * np.linspace(0, 1, LEVELS) ** 2
        ax.contourf(*sides, surface, levels=levels, cmap="Blues_r", alpha=0.5)
        ax.contour(*sides, surface, levels=levels, colors="tab:blue", linewidths=0.5)
    ax.plot(path[:, i], path[:, j], "-", color="tab:orange", linewidth=1.5, label="path")
    ax.plot(path[0, i], path[0, j], "o", color="tab:orange", markersize=5, label="start")
    ax.plot(end[i], end[j], "*", color="tab:red", markersize=11, label="learned")
    ax.set_xlabel(name_of(i, X.shape[1]))
    ax.set_ylabel(name_of(j, X.shape[1]))
    return ax


def sweep_curve(result: SweepResult, *, ax: Axes | None = None) -> Axes:
    """The final loss of a sweep against the learning rate, one line an L2 penalty, both axes logarithmic.

    Crosses at the upper edge are the learning rates whose runs diverged, the dashed line of the same
    colour is `max_learning_rate` for that penalty, and the star is the best setting.  A learning rate
    of 0 has no place on a logarithmic axis and is left out.

    Parameters
    ----------
    result : SweepResult
    ax : Axes, optional
        Without it, a new figure is made.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        For what `sweep` did not return, and where every learning rate is 0.

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
    ax = _axes(ax)
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
        ax.plot(
            lrs[~held], height[~held], "x", color=colour, markersize=4, transform=ax.get_xaxis_transform()
        )
        if np.isfinite(bound):
            ax.axvline(bound, color=colour, linestyle="--", linewidth=1)
    best = result.best
    if not result.diverged[best] and result.lrs[best] > 0:
        ax.plot(result.lrs[best], result.losses[best, -1], "*", color="black", markersize=9, label="best")
    ax.plot([], [], "x", color="black", markersize=4, label="diverged")
    ax.plot([], [], "--", color="black", linewidth=1, label="max_learning_rate")
    ax.legend()
    ax.set_xscale("log")
    if (result.losses[~result.diverged, -1] > 0).any():
        ax.set_yscale("log")
    ax.set_xlabel("learning rate")
    ax.set_ylabel("mean loss after the last epoch")
    return ax


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _index(value: Any, shape: tuple[int, ...], name: str, owner: str) -> int:
    index = as_count(value, name, 0)
    if index >= shape[1]:
        raise ValueError(
            f"there is no {name} {index} in {owner} of shape {shape}; "
            + (f"columns are counted from 0 to {shape[1] - 1}" if shape[1] > 1 else f"take {name}=0")
        )
    return index


def _curve(values: Any, name: str) -> FloatArray:
    curve = as_float_array(values, name)
    if curve.ndim != 1 or curve.size == 0:
        raise ValueError(f"{name} must be one number an epoch, of shape (epochs,), not {curve.shape}")
    check_finite(curve, name)
    return curve


def _draw_curve(ax: Axes, curve: FloatArray, label: str | None) -> Any:
    marker = "o" if len(curve) <= 30 else None
    return ax.plot(np.arange(1, len(curve) + 1), curve, marker=marker, markersize=3, label=label)[0]
