"""Many learning rates and penalties from one pass over the data."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, Names, Rows, as_batch_size, as_count, as_flag, as_float_array, as_rng, warn
from npreg.arrays.sparse import is_sparse
from npreg.data import start_parameters
from npreg.engines.loops import FoldedRows
from npreg.engines.moments import BatchMoments
from npreg.engines.sparse import SparseLoop
from npreg.learning_rate import LearningRateWarning, rate_moments
from npreg.loop import Engine, Order, Path, Reduction
from npreg.losses import LOSSES
from npreg.runs.feeds import MOMENT_COLUMNS, How, as_feed, as_rows, on_scale
from npreg.runs.run import DIVERGED
from npreg.runs.sums import LossMoments, Sums, losses_and_weight
from npreg.sgd import Stepper

__all__ = ["SweepResult", "sweep"]

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
        The mean loss after each epoch, as `train` reports it; inf from the epoch in which a setting diverged.
    diverged, bound : ndarrays of bool and float, shape (S,)
        Which did, and `max_learning_rate` with the setting's penalty.
    feature_names : tuple of str, or None
        The features' columns, where they had names.
    """

    lrs: FloatArray
    l2: FloatArray
    w: FloatArray = field(repr=False)
    b: FloatArray = field(repr=False)
    losses: FloatArray = field(repr=False)
    diverged: np.ndarray[Any, Any]
    bound: FloatArray = field(repr=False)
    feature_names: Names = None

    @property
    def best(self) -> int:
        """The setting with the least final mean loss (data term only; penalties are not in it)."""
        return int(self.losses[:, -1].argmin())


def sweep(
    features: ArrayLike | Rows,
    labels: ArrayLike | None = None,
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

    A setting that diverges is no error: it is marked, with a warning where all do.  Errors as of `train`.

    Parameters
    ----------
    lrs, l2 : float ≥ 0 or sequences of them
        All pairs are run.
    features, labels, batch_size, num_epochs, w, b, rng, sample_weight, standardize
        As in `train`; num_epochs ≥ 1.

    Examples
    --------
    >>> from npreg import synthetic_data
    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> result = sweep(features, labels, lrs=[0.001, 0.03, 10], rng=1)
    >>> result.diverged, result.best
    (array([False, False,  True]), 1)
    """
    batch_size, num_epochs = as_batch_size(batch_size), as_count(num_epochs, "num_epochs", 1)
    rates, penalties = _settings(lrs, "lrs"), _settings(l2, "l2")
    generator = as_rng(rng)
    feed = as_feed(as_rows(features, labels, sample_weight))
    feed, scaling = on_scale(feed, standardize=as_flag(standardize, "standardize"))
    facts, k = feed.facts, feed.facts.num_outputs
    theta = start_parameters(w, b, facts.width, k, facts.dtype, generator)
    theta = theta if scaling is None else scaling.enter(theta)
    lrs, l2 = np.tile(rates, len(penalties)), np.repeat(penalties, len(rates))
    states = np.tile(theta.astype(np.float64), len(lrs))
    if is_sparse(facts.sample.X):
        stepper = Stepper((states[:-1], states[-1]), lr=1.0, divisor=float(batch_size), steps_per_epoch=1)
        engine: Engine = SparseLoop(LOSSES["squared"], stepper, batch_size, lrs.repeat(k), l2.repeat(k))
    else:
        engine = SideBySide(theta.shape, lrs, l2, batch_size)
    with np.errstate(over="ignore", invalid="ignore"):
        rate, sums, zero = feed.total(_before, theta)
        limit = DIVERGED * float(sums[:2].max() / sums[2])
        if not np.isfinite(limit):
            size = f"{np.abs(facts.sample.y).max():.3g}"
            what = f"labels reach {size}, and the loss at the start is beyond all bounds"
            raise ValueError(f"{what}; rescale labels, or features")
        # Around the optimum all terms of the loss are positive; of many columns it is found from the rows.
        optimum = -np.linalg.lstsq(zero.curvature, zero.slope, rcond=None)[0] if len(theta) <= MOMENT_COLUMNS else None
        around: Any = None if optimum is None else feed.total(LossMoments.of, optimum)
    bound = np.array([rate.bound(batch_size, each) for each in penalties]).repeat(len(rates))
    losses = np.full((len(lrs), num_epochs), np.inf)
    good = np.repeat(theta.astype(np.float64)[None], len(lrs), axis=0)
    epochs = feed.epochs(engine, states, generator, num_epochs, How(ahead=True))
    with np.errstate(over="ignore", invalid="ignore"), closing(epochs):
        for epoch, end in enumerate(end for ends, _ in epochs for end in ends):
            for i in np.flatnonzero(np.isfinite(losses[:, epoch - 1])) if epoch else range(len(lrs)):
                found = end[:, i * k : (i + 1) * k].astype(facts.dtype)
                loss = None if optimum is None else around.mean_loss(found.astype(np.float64) - optimum)
                if loss is None and np.isfinite(found).all():
                    (loss,) = feed.losses(LOSSES["squared"], [found])
                if loss is not None and loss <= limit:
                    losses[i, epoch], good[i] = loss, found
    final = good.astype(facts.dtype)
    final = final if scaling is None else scaling.leave(final)
    diverged = ~np.isfinite(losses[:, -1])
    if diverged.all():
        told = f"every run of the sweep diverged; up to lrs = {bound.max():.3g} is stable, try these"
        warn(told, LearningRateWarning)
    return SweepResult(lrs, l2, final[:, :-1], final[:, -1], losses, diverged, bound, facts.sample.names)


def _settings(values: ArrayLike, name: str) -> FloatArray:
    array = np.atleast_1d(as_float_array(values, name)).astype(np.float64)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must be a number or a sequence of them, not of shape {np.shape(values)}")
    bad = array[~(np.isfinite(array) & (array >= 0))]
    if bad.size:
        raise ValueError(f"{name} must be finite and not negative, but has {bad[0]:g}")
    return array


def _before(data: Data, theta: FloatArray) -> Sums:
    """What has to be known before the first step: for rates, losses at 0 and at the start, and around 0."""
    zero: Any = LossMoments.of(data, 0 * theta) if len(theta) <= MOMENT_COLUMNS else 0
    return Sums((rate_moments(data), losses_and_weight(data, LOSSES["squared"], [0 * theta, theta]), zero))


class SideBySide(Engine):
    """An engine for all settings at once; its parameters have one column a setting and output."""

    name = "sweep"

    def __init__(self, shape: tuple[int, ...], lrs: FloatArray, l2: FloatArray, batch_size: int) -> None:
        (self.p, self.k), self.count, self.divisor = shape, len(lrs), float(batch_size)
        self.rows = FoldedRows(np.float64, batch_size)
        with np.errstate(over="ignore"):
            self.lrs, self.shrink = np.repeat(lrs, self.k), np.repeat(lrs * l2, self.k)
        self.decays = bool(self.shrink.any())

    def load(self, X: FloatArray, y: FloatArray, weights: FloatArray | None) -> None:
        self.rows.load(X, y, weights, 1 / self.divisor)
        self.buffer = np.empty((self.rows.chunk * self.rows.batch_size, self.rows.width))

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        rows, ends = self.rows, []
        for order in orders:
            padded = rows.padded(order)
            for start in range(0, len(padded), rows.chunk):
                index = padded[start : start + rows.chunk]
                Z = rows.gather(index, self.buffer)
                calls: list[Gradient]
                if rows.batch_size > rows.width:  # then a minibatch's moments are smaller than its rows
                    calls = [G.dot for G in np.matmul(Z[..., : self.p].swapaxes(-1, -2), Z)]
                else:
                    calls = [_of_rows(Z_t, Z_t[:, : self.p].T) for Z_t in Z]
                self.apply(theta, calls, rows.totals(index) if self.decays else None)
            ends.append(theta.copy())
        return ends

    def reduction(self) -> Reduction:
        return partial(BatchMoments.of_block, self.rows.nominal, 1 / self.divisor, totals=self.decays)

    def advance(self, theta: FloatArray, moments: BatchMoments, rows: Callable[[], Any], path: Path | None) -> None:
        self.apply(theta, [G.dot for G in moments.scaled], moments.totals)

    def apply(self, theta: FloatArray, calls: Iterable[Gradient], totals: FloatArray | None) -> None:
        """A step for each of the gradient functions; `totals` are the rows of its minibatch, where L2 needs them."""
        states = np.vstack([theta, np.tile(np.eye(self.k), self.count)])  # (θ; identity)
        inner, gradient = states[: self.p], np.empty_like(theta)
        weights = inner[:-1]
        for t, gradient_of in enumerate(calls):
            gradient_of(states, gradient)
            np.multiply(gradient, self.lrs, gradient)
            if totals is not None:
                weights -= (totals[t] / self.divisor * self.shrink) * weights
            np.subtract(inner, gradient, inner)
        theta[...] = inner


def _of_rows(Z: FloatArray, transposed: FloatArray) -> Gradient:
    return lambda states, out: np.dot(transposed, Z.dot(states), out)
