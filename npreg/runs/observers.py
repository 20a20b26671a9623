"""What looks on while a run goes through its epochs, each for one purpose.

An observer has `on_epoch(epoch)`, called after every epoch in order; a text it returns ends the run, and is
the reason in `result.stopped`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from npreg.arrays import DivergenceError, FloatArray
from npreg.learning_rate import scale_advice
from npreg.losses import Loss
from npreg.runs.callbacks import Hooks, Progress, Step
from npreg.runs.feeds import Feed
from npreg.runs.plan import EarlyStopping
from npreg.runs.sums import mean_loss

__all__ = ["Best", "Divergence", "Epoch", "Observer", "Printer", "Recorder", "Teller"]

DIVERGED = 1e6  # a loss this many times that of the start, and of predicting 0, only ever grows


class Epoch(NamedTuple):
    """An epoch that has ended, counted from 1, with the parameters (w; b) of the columns that are run on."""

    number: int
    steps: int
    theta: FloatArray
    loss: float
    validation_loss: float | None = None


class Observer(Protocol):
    def on_epoch(self, epoch: Epoch, /) -> str | None: ...


class Recorder:
    """Takes the parameters after steps: keeps them, sums them for the average of the tail, tells them."""

    def __init__(self, *, keep: bool, tell: Callable[[FloatArray], None] | None = None) -> None:
        self.keep, self.tell = keep, tell
        self.kept: list[FloatArray] = []
        self.sum: FloatArray = np.zeros(())
        self.count = 0
        self.averaging = False

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
            self.sum = self.sum + thetas.sum(axis=0, dtype=np.float64)
            self.count += len(thetas)
        if self.tell is not None:
            for theta in thetas:
                self.tell(theta)


class Printer:
    """Prints a line an epoch; of more than twenty, the first and the last, and about twenty between."""

    def __init__(self, num_epochs: int) -> None:
        self.every, self.held = -(-num_epochs // 20) or 1, ""

    def on_epoch(self, epoch: Epoch) -> None:
        held_out = "" if epoch.validation_loss is None else f", validation loss {epoch.validation_loss:f}"
        self.held = f"epoch {epoch.number}, loss {epoch.loss:f}{held_out}"
        if epoch.number == 1 or epoch.number % self.every == 0:
            self.on_end()

    def on_end(self) -> None:
        if self.held:
            print(self.held)
        self.held = ""


class Best:
    """Keeps the best epoch's parameters, and stops where there has been none for too long."""

    def __init__(self, stop: EarlyStopping | None, theta: FloatArray) -> None:
        self.patience = math.inf if stop is None else stop.patience
        self.tol = 0.0 if stop is None else stop.tol
        self.theta, self.number, self.loss = theta, 0, math.inf

    def on_epoch(self, epoch: Epoch) -> str | None:
        watched = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        if not self.number or watched < self.loss - self.tol:
            self.theta, self.number, self.loss = epoch.theta, epoch.number, watched
        return "patience" if epoch.number - self.number >= self.patience else None


class Teller:
    """Calls a user's callbacks with parameters for the features as they came in."""

    def __init__(self, hooks: Hooks, raw: Callable[[FloatArray], FloatArray]) -> None:
        self.hooks, self.raw = hooks, raw
        self.epochs = self.steps = 0  # told so far

    def on_epoch(self, epoch: Epoch) -> str | None:
        self.epochs, stopped = epoch.number, None
        for callback in self.hooks.on_epoch:
            raw = self.raw(epoch.theta)
            about = epoch.number, epoch.steps, epoch.loss, epoch.validation_loss
            if callback(Progress(*about, raw[:-1].copy(), raw[-1].copy())):
                stopped = "callback"
        return stopped

    def on_step(self, theta: FloatArray) -> None:
        self.steps += 1
        raw = self.raw(theta)
        for callback in self.hooks.on_step:
            callback(Step(self.epochs + 1, self.steps, raw[:-1].copy(), raw[-1].copy()))


class Divergence:
    """Raises DivergenceError where the loss is not finite or has left every reasonable scale."""

    def __init__(
        self,
        feed: Feed,
        loss: Loss,
        start: FloatArray,
        raw: Callable[[FloatArray], FloatArray],
        rate: Callable[[int], float],
    ) -> None:
        self.feed, self.loss, self.start, self.raw, self.rate = feed, loss, start, raw, rate
        self.losses: list[float] = []
        self.good = start  # the parameters of the last epoch that was in order
        self.reference: float | None = None

    def on_epoch(self, epoch: Epoch) -> None:
        if not self.is_in_order(epoch.loss):
            raise self.error(epoch)
        self.losses.append(epoch.loss)
        self.good = epoch.theta

    def is_in_order(self, loss: float) -> bool:
        if not math.isfinite(loss):
            return False
        if self.losses and loss <= self.losses[-1]:
            return True
        zeros = np.zeros_like(self.start)
        if self.reference is None:  # first a few rows: they nearly always show that all is well
            self.reference = mean_loss(self.loss, self.feed.facts.sample.head(256), zeros)
        if loss <= DIVERGED * self.reference:
            return True
        self.reference = max(self.feed.losses(self.loss, [zeros, self.start]))
        return loss <= DIVERGED * self.reference

    def error(self, epoch: Epoch) -> DivergenceError:
        lr, good = self.rate(max(epoch.steps - 1, 0)), self.raw(self.good)
        return DivergenceError(
            f"the run diverged in epoch {epoch.number} at lr = {lr:g} (mean loss {epoch.loss:g}); "
            f"{scale_advice(self.feed.facts.sample.X, self.feed.facts.sample.names)}. "
            "The last finite parameters are on this exception, as .w and .b",
            epoch=epoch.number,
            lr=lr,
            w=good[:-1].copy(),
            b=good[-1].copy(),
            losses=np.array(self.losses),
        )


def held_out_loss(loss: Loss, validation: Feed | None, theta: FloatArray) -> float | None:
    """The mean loss over the validation rows, infinite where it cannot be told."""
    if validation is None:
        return None
    (found,) = validation.losses(loss, [theta])
    return math.inf if math.isnan(found) else found
