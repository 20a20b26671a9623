"""Losses after epochs, and after sweeps over the learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import FloatArray, as_float_array, check_finite
from npreg.plot.notebook import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from npreg.sweep import SweepResult
    from npreg.train import TrainResult


def loss_curve(losses: ArrayLike | TrainResult, ax: Axes | None = None, *, label: str | None = None) -> Axes:
    """The loss after each epoch; on a logarithmic axis where it falls to less than a tenth.

    `losses` is a TrainResult, or (epochs,) numbers; of a result with validation rows, their loss is drawn too, with a
    mark at the best epoch.  `label` is the run's name in the legend, where several share the Axes.

    >>> from matplotlib.figure import Figure
    >>> loss_curve([0.04, 0.0003, 0.00005], ax=Figure().subplots()).get_yscale()
    'log'
    """
    curve = _curve(getattr(losses, "losses", losses), "losses")
    held_out = getattr(losses, "validation_losses", None)
    from matplotlib.ticker import MaxNLocator

    ax = axes_or_new(ax)
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


def _draw_curve(ax: Axes, curve: FloatArray, label: str | None) -> Any:
    marker = "o" if len(curve) <= 30 else None
    return ax.plot(np.arange(1, len(curve) + 1), curve, marker=marker, markersize=3, label=label)[0]
