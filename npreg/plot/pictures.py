"""The notebook's pictures (SVG, a figure's size, one feature against the label), and losses after epochs and sweeps."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import FloatArray, as_count, as_data, as_float_array, check_finite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from npreg.sweep import SweepResult
    from npreg.train import TrainResult

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
    features: ArrayLike, labels: ArrayLike, column: int = 1, *, output: int = 0, ax: Axes | None = None
) -> Axes:
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
    ax.set_xlabel(f"feature {column}")
    ax.set_ylabel("label" if y.shape[1] == 1 else f"label {output}")
    return ax


def loss_curve(losses: ArrayLike | TrainResult, ax: Axes | None = None, *, label: str | None = None) -> Axes:
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
    ax.set_xlabel("epoch")
    ax.set_ylabel("mean loss")
    return ax


def sweep_curve(result: SweepResult, *, ax: Axes | None = None) -> Axes:
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
    ax.set_xscale("log")
    if (result.losses[~result.diverged, -1] > 0).any():
        ax.set_yscale("log")
    ax.set_xlabel("learning rate")
    ax.set_ylabel("mean loss after the last epoch")
    return ax


def _curve(values: Any, name: str) -> FloatArray:
    curve = as_float_array(values, name)
    if curve.ndim != 1 or curve.size == 0:
        raise ValueError(f"{name} must be one number an epoch, of shape (epochs,), not {curve.shape}")
    check_finite(curve, name)
    return curve


def axes_or_new(ax: Axes | None) -> Axes:
    """The Axes given, or those of a new figure."""
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
