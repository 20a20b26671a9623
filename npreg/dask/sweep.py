"""Many learning rates and penalties from the same parallel passes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, as_batch_size, as_count, as_rng
from npreg.dask.chunks import as_chunks
from npreg.dask.cluster import Cluster
from npreg.dask.feed import ClusterFeed
from npreg.data import start_parameters
from npreg.learning_rate import RateMoments
from npreg.losses import LOSSES
from npreg.runs.blocks import BlockShuffle, TreeSum
from npreg.runs.mean_loss import LossMoments
from npreg.runs.run import DIVERGED
from npreg.sweep import SideBySide, SweepResult, as_settings

__all__ = ["sweep"]


def sweep(
    features: Any,
    labels: Any = None,
    *,
    lrs: ArrayLike,
    l2: ArrayLike = 0.0,
    batch_size: int = 10,
    num_epochs: int = 3,
    w: ArrayLike | None = None,
    b: ArrayLike | None = None,
    rng: Any = None,
    standardize: bool = False,
    client: Any = None,
    sample_weight: Any = None,
    rows: Sequence[int] | None = None,
) -> SweepResult:
    """`npreg.sweep` on a cluster: one pass before the first epoch, and one for each epoch of all settings.

    Each setting is the run that `npreg.dask.train(lr=lr, l2=l2, rng=rng)` makes with the same `rng`.
    The workers reduce minibatches to moments once; the steps of all settings are replayed here.

    Parameters
    ----------
    lrs, l2 : float ≥ 0 or sequences of them
        All pairs are run.
    features, labels, client, sample_weight, rows
        As in `npreg.dask.train`.
    batch_size, num_epochs, w, b, rng, standardize
        As in `npreg.train`; num_epochs ≥ 1.

    Returns
    -------
    SweepResult
    """
    batch_size, num_epochs = as_batch_size(batch_size), as_count(num_epochs, "num_epochs", 1)
    rates, penalties = as_settings(lrs, "lrs"), as_settings(l2, "l2")
    generator = as_rng(rng)
    feed = ClusterFeed(Cluster(client), as_chunks(features, labels, sample_weight, rows))
    scaling = feed.standardize() if standardize else None
    theta = start_parameters(w, b, feed.width, feed.num_outputs, feed.dtype, generator)
    if scaling is not None:
        theta = scaling.enter(theta)
    pairs_lr, pairs_l2 = np.tile(rates, len(penalties)), np.repeat(penalties, len(rates))
    start: _Start = feed.total(_Start.of, theta)
    bound = np.array([start.rate.bound(batch_size, each) for each in penalties]).repeat(len(rates))
    limit = DIVERGED * start.largest_loss
    optimum = -np.linalg.lstsq(start.zero.curvature, start.zero.slope, rcond=None)[0]

    settings = SideBySide(theta, pairs_lr, pairs_l2)
    losses = np.full((len(pairs_lr), num_epochs), np.inf)
    good = np.repeat(theta.astype(np.float64)[None], len(pairs_lr), axis=0)
    around = None
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(num_epochs):
            shuffle = BlockShuffle.draw(generator, len(feed.blocks))
            found = _epoch(feed, settings, shuffle, batch_size, None if epoch else optimum)
            around = found or around
            assert around is not None
            for i in range(len(pairs_lr)):
                if epoch and not np.isfinite(losses[i, epoch - 1]):
                    continue
                end = settings.parameters(i).astype(feed.dtype)
                loss = around.mean_loss(end.astype(np.float64) - optimum)
                if loss is None and np.isfinite(end).all():
                    loss = feed.direct_loss(LOSSES["squared"], end)
                if loss is not None and loss <= limit:
                    losses[i, epoch], good[i] = loss, end
    final = good.astype(feed.dtype)
    if scaling is not None:
        final = scaling.leave(final)
    return SweepResult(
        pairs_lr, pairs_l2, final[:, :-1], final[:, -1], losses, ~np.isfinite(losses[:, -1]), bound
    )


@dataclass(frozen=True)
class _Start:
    """What has to be known before the first step."""

    rate: RateMoments
    zero: LossMoments
    theta: LossMoments

    @classmethod
    def of(cls, data: Data, theta: FloatArray) -> _Start:
        rate = RateMoments.of(data.X, data.weights)
        return cls(rate, LossMoments.of(data, 0 * theta), LossMoments.of(data, theta))

    def __add__(self, other: _Start) -> _Start:
        return _Start(self.rate + other.rate, self.zero + other.zero, self.theta + other.theta)

    @property
    def largest_loss(self) -> float:
        values = (part.value / (part.weight * part.slope.shape[1]) for part in (self.zero, self.theta))
        return float(max(values))


def _epoch(
    feed: ClusterFeed,
    settings: SideBySide,
    shuffle: BlockShuffle,
    batch_size: int,
    around: FloatArray | None,
) -> LossMoments | None:
    """One epoch of all settings; returns the moments of the loss `around` parameters."""
    order, divisor, losses = [int(i) for i in shuffle.blocks], feed.divisor(batch_size), TreeSum()
    reduced = feed.reduced(shuffle, order, batch_size, 1 / divisor, around, totals=settings.decays)
    with closing(reduced):
        for found in reduced:
            totals = found.steps.totals
            shares = None if totals is None else totals / divisor
            settings.steps([moments.dot for moments in found.steps.scaled], shares)
            if found.loss is not None:
                losses.add(found.loss)
    total: LossMoments | None = losses.total
    return total
