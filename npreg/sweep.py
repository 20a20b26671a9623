"""Many learning rates and penalties from one pass over the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, as_batch_size, as_count, as_data, as_flag, as_float_array, as_rng
from npreg.data import start_parameters
from npreg.engines.loops import FoldedRows, row_totals
from npreg.learning_rate import as_weights
from npreg.loop import Order
from npreg.losses import LOSSES
from npreg.runs.blocks import RowBlocks
from npreg.runs.feeds import ArrayFeed
from npreg.runs.mean_loss import LossMoments, mean_loss
from npreg.runs.orders import AHEAD, Orders
from npreg.runs.run import DIVERGED
from npreg.runs.scaling import Scaling

__all__ = ["SideBySide", "SweepResult", "as_settings", "sweep"]

Gradient = Callable[[FloatArray, FloatArray], Any]  # of the states, into the second argument


@dataclass(frozen=True)
class SweepResult:
    """One result per setting; S settings, E epochs.

    Attributes
    ----------
    lrs, l2 : ndarrays of shape (S,)
        The settings: every learning rate with every penalty, learning rates fastest.
    w, b : ndarrays of shape (S, d, k) and (S, k)
        The learned parameters; of a diverged setting, those of its last epoch that was in order.
    losses : ndarray of shape (S, E)
        The mean loss after each epoch, as `train` reports it; inf from the epoch in which a setting
        diverged.
    diverged : ndarray of bool, shape (S,)
    bound : ndarray of shape (S,)
        `max_learning_rate` with the setting's penalty.
    """

    lrs: FloatArray
    l2: FloatArray
    w: FloatArray = field(repr=False)
    b: FloatArray = field(repr=False)
    losses: FloatArray = field(repr=False)
    diverged: np.ndarray[Any, Any]
    bound: FloatArray = field(repr=False)

    @property
    def best(self) -> int:
        """The setting with the least final mean loss (data term only; penalties are not in it)."""
        return int(self.losses[:, -1].argmin())


def sweep(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    lrs: ArrayLike,
    l2: ArrayLike = 0.0,
    batch_size: int = 10,
    num_epochs: int = 3,
    w: ArrayLike | None = None,
    b: ArrayLike | None = None,
    rng: Any = None,
    sample_weight: ArrayLike | None = None,
    standardize: bool = False,
) -> SweepResult:
    """Train on the squared loss with every learning rate and penalty, on the same minibatches.

    Each setting is the run that `train(lr=lr, l2=l2, rng=rng)` makes with the same `rng`; but the rows
    of a minibatch are gathered, and their moments formed, once for all settings:

        Θ ← Θ − (G_t Θ − h_t) · lr / B − lr · l2 · Θ          one column of Θ a setting

    Parameters
    ----------
    lrs, l2 : float ≥ 0 or sequences of them
        All pairs are run.
    features, labels, batch_size, num_epochs, w, b, rng, sample_weight, standardize
        As in `train`; num_epochs ≥ 1.

    Returns
    -------
    SweepResult

    Raises
    ------
    ValueError, TypeError
        As `train`.  A setting that diverges is no error: it is marked.

    >>> from npreg import synthetic_data
    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> result = sweep(features, labels, lrs=[0.001, 0.03, 10], rng=1)
    >>> result.diverged, result.best
    (array([False, False,  True]), 1)
    """
    if isinstance(features, RowBlocks):
        raise TypeError("sweep needs arrays in memory, not RowBlocks; train takes RowBlocks")
    X, y = as_data(features, labels)
    batch_size, num_epochs = as_batch_size(batch_size), as_count(num_epochs, "num_epochs", 1)
    rates, penalties = as_settings(lrs, "lrs"), as_settings(l2, "l2")
    generator = as_rng(rng)
    data = Data(X, y, as_weights(sample_weight, len(X)))
    scaling = Scaling.of(data) if as_flag(standardize, "standardize") else None
    if scaling is not None:
        data = data._replace(X=scaling.features(X))
    feed = ArrayFeed(data)
    theta = start_parameters(w, b, feed.width, feed.num_outputs, feed.dtype, generator)
    if scaling is not None:
        theta = scaling.enter(theta)

    divisor = feed.divisor(batch_size)
    moments = feed.rate_moments()
    pairs_lr, pairs_l2 = np.tile(rates, len(penalties)), np.repeat(penalties, len(rates))
    bound = np.array([moments.bound(batch_size, penalty) for penalty in penalties]).repeat(len(rates))
    settings = SideBySide(theta, pairs_lr, pairs_l2)
    replay = _Replay(data, batch_size, divisor, settings)
    orders = Orders(generator, len(X), num_epochs, ahead=len(X) >= AHEAD)
    losses = np.full((len(pairs_lr), num_epochs), np.inf)
    good = np.repeat(theta.astype(np.float64)[None], len(pairs_lr), axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        limit = DIVERGED * max(mean_loss(LOSSES["squared"], data, start) for start in (theta, 0 * theta))
    if not np.isfinite(limit):
        raise ValueError(
            f"labels reach {np.abs(y).max():.3g}, and the loss at the start is beyond all bounds; rescale "
            "labels, or features"
        )
    around, optimum = _loss_around_optimum(data, moments.second)
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(num_epochs):
            replay.epoch(orders.next())
            for i in range(len(pairs_lr)):
                if epoch and not np.isfinite(losses[i, epoch - 1]):
                    continue
                end = settings.parameters(i).astype(X.dtype)
                loss = around.mean_loss(end.astype(np.float64) - optimum)
                if loss is None:
                    loss = mean_loss(LOSSES["squared"], data, end)
                if loss <= limit:
                    losses[i, epoch], good[i] = loss, end
    final = good.astype(X.dtype)
    if scaling is not None:
        final = scaling.leave(final)
    return SweepResult(
        pairs_lr, pairs_l2, final[:, :-1], final[:, -1], losses, ~np.isfinite(losses[:, -1]), bound
    )


def as_settings(values: ArrayLike, name: str) -> FloatArray:
    array = np.atleast_1d(as_float_array(values, name)).astype(np.float64)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must be a number or a sequence of them, not of shape {np.shape(values)}")
    bad = array[~(np.isfinite(array) & (array >= 0))]
    if bad.size:
        raise ValueError(f"{name} must be finite and not negative, but has {bad[0]:g}")
    return array


class SideBySide:
    """All settings at once: one column of `states` a setting and output, (θ; identity)."""

    def __init__(self, theta: FloatArray, lrs: FloatArray, l2: FloatArray) -> None:
        (self.p, self.k), count = theta.shape, len(lrs)
        self.states = np.vstack([np.tile(theta.astype(np.float64), count), np.tile(np.eye(self.k), count)])
        with np.errstate(over="ignore"):
            self.lrs, self.shrink = np.repeat(lrs, self.k), np.repeat(lrs * l2, self.k)
        self.decays = bool(self.shrink.any())

    def steps(self, calls: Iterable[Gradient], shares: FloatArray | None) -> None:
        """A step for each of the gradient functions; `shares` are rows / batch_size, where L2 needs them."""
        inner, gradient = self.states[: self.p], np.empty_like(self.states[: self.p])
        weights = inner[:-1]
        for t, gradient_of in enumerate(calls):
            gradient_of(self.states, gradient)
            np.multiply(gradient, self.lrs, gradient)
            if shares is not None:
                weights -= (shares[t] * self.shrink) * weights
            np.subtract(inner, gradient, inner)

    def parameters(self, setting: int) -> FloatArray:
        """θ (d + 1, k) of a setting."""
        return self.states[: self.p, setting * self.k : (setting + 1) * self.k]


class _Replay:
    """Gathers minibatches of rows for all settings."""

    def __init__(self, data: Data, batch_size: int, divisor: float, settings: SideBySide) -> None:
        self.settings = settings
        self.rows, self.divisor, self.weights = FoldedRows(np.float64, batch_size), divisor, data.weights
        self.rows.load(*data, 1 / divisor)
        self.buffer = np.empty((self.rows.chunk * self.rows.batch_size, self.rows.width))

    def epoch(self, order: Order) -> None:
        """One epoch of every setting."""
        rows, p, shares = self.rows, self.settings.p, None
        index = rows.padded(order)
        for start in range(0, len(index), rows.chunk):
            part = index[start : start + rows.chunk]
            Z = rows.gather(part, self.buffer)
            calls: list[Gradient]
            if rows.batch_size > rows.width:  # then a minibatch's moments are smaller than its rows
                calls = [G.dot for G in np.matmul(Z[..., :p].swapaxes(-1, -2), Z)]
            else:
                calls = [_of_rows(Z_t, Z_t[:, :p].T) for Z_t in Z]
            if self.settings.decays:
                shares = row_totals(part, rows.num_rows, self.weights) / self.divisor
            self.settings.steps(calls, shares)


def _of_rows(Z: FloatArray, transposed: FloatArray) -> Gradient:
    return lambda states, out: np.dot(transposed, Z.dot(states), out)


def _loss_around_optimum(data: Data, second: FloatArray) -> tuple[LossMoments, FloatArray]:
    """The loss expanded around (about) its least value, where all its terms are positive.

    `second` is Σ x̃x̃ᵀ, with weights.
    """
    X, y, weights = data
    labels = y.astype(np.float64) if weights is None else y * weights[:, None]
    h = np.vstack([X.T @ labels, labels.sum(axis=0)])
    optimum = np.linalg.lstsq(second, h, rcond=None)[0]
    return LossMoments.of(data, optimum), optimum
