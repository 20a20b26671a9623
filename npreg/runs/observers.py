"""What looks on while a run goes through its steps and epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from npreg.arrays import FloatArray
from npreg.losses import Loss
from npreg.runs.feeds import Feed
from npreg.runs.sums import mean_loss

DIVERGED = 1e6  # a loss this many times that of the start, and of predicting 0, only ever grows


class Recorder:
    """Takes the parameters after steps: keeps them, sums them for the average of the tail, tells them."""

    def __init__(self, keep: bool, tell: Callable[[FloatArray], None] | None) -> None:
        self.keep, self.tell = keep, tell
        self.kept: list[FloatArray] = []
        self.averaging = False
        self.forget_sum()

    def forget_sum(self) -> None:
        self.sum: FloatArray = np.zeros(())
        self.count = 0

    @property
    def wants(self) -> str:
        """What has to be told: every step's parameters, or their sum alone."""
        return "steps" if self.keep or self.tell is not None else "sum" if self.averaging else "nothing"

    def add(self, total: FloatArray, count: int) -> None:
        """Take the sum of the parameters over some steps."""
        self.sum, self.count = self.sum + total, self.count + count

    def append(self, thetas: FloatArray) -> None:
        """Take parameters (steps, d + 1, k)."""
        if self.keep:
            self.kept.append(thetas)
        if self.averaging:
            self.add(thetas.sum(axis=0, dtype=np.float64), len(thetas))
        if self.tell is not None:
            for theta in thetas:
                self.tell(theta)


class Limit:
    """Up to which loss a run is in order: it is finite, and falls, or has not left every reasonable scale."""

    def __init__(self, feed: Feed, loss: Loss, start: FloatArray) -> None:
        self.feed, self.loss, self.start = feed, loss, start
        self.reference: float | None = None

    def allows(self, loss: float, before: Sequence[float]) -> bool:
        if not math.isfinite(loss):
            return False
        if before and loss <= before[-1]:
            return True
        zeros = np.zeros_like(self.start)
        if self.reference is None:  # first a few rows: they nearly always show that all is well
            self.reference = mean_loss(self.loss, self.feed.facts.sample.head(256), zeros)
        if loss > DIVERGED * self.reference:
            self.reference = max(self.feed.losses(self.loss, [zeros, self.start]))
        return loss <= DIVERGED * self.reference
