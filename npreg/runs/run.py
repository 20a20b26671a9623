"""What surrounds the epochs of a run: losses, divergence, averaging, stopping.

A feed and an engine advance parameters through epochs; a `Run` does everything else, the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from npreg.arrays import Data, DivergenceError, FloatArray
from npreg.learning_rate import scale_advice
from npreg.loop import Engine
from npreg.losses import Loss
from npreg.runs.callbacks import Hooks, Progress, Step
from npreg.runs.feeds import Feed
from npreg.runs.saver import Saver
from npreg.runs.scaling import Scaling
from npreg.runs.sums import mean_loss
from npreg.sgd import Stepper

__all__ = ["Recorder", "Run", "Trajectory"]

DIVERGED = 1e6  # a loss this many times that of the start, and of predicting 0, only ever grows


class Trajectory(NamedTuple):
    """Parameters in time, the initial ones first: w (T + 1, d, k) and b (T + 1, k)."""

    w: FloatArray
    b: FloatArray


class Recorder:
    """Takes the parameters after steps: keeps them, sums them for the average of the tail, tells them."""

    def __init__(self, *, keep: bool, tell: Callable[[FloatArray], None] | None = None) -> None:
        self.keep, self.tell = keep, tell
        self.kept: list[FloatArray] = []
        self.sum: FloatArray = np.zeros(())
        self.count = 0
        self.averaging = False

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


class Run:
    """A run in progress: everything a loop over epochs needs besides the engine."""

    def __init__(
        self,
        *,
        feed: Feed,
        engine: Engine,
        stepper: Stepper,
        loss: Loss,
        theta: FloatArray,
        rng: np.random.Generator,
        num_epochs: int,
        record: str | None = None,
        average: float = 0.0,
        scaling: Scaling | None = None,
        validation: Data | None = None,
        patience: int | None = None,
        tol: float = 0.0,
        hooks: Hooks | None = None,
        verbose: bool = False,
        progress: bool = False,
        saver: Saver | None = None,
    ) -> None:
        self.saver = saver
        self.feed, self.engine, self.stepper, self.loss = feed, engine, stepper, loss
        self.theta, self.rng, self.num_epochs = theta, rng, num_epochs
        self.scaling, self.validation = scaling, validation
        self.patience, self.tol = patience, tol
        self.hooks = Hooks([], []) if hooks is None else hooks
        self.verbose, self.progress, self.record = verbose, progress, record
        self.first_averaged = num_epochs - math.ceil(average * num_epochs) if average else num_epochs
        self.recorder: Recorder | None = None
        if record == "step" or average or self.hooks.on_step:
            self.recorder = Recorder(
                keep=record == "step", tell=self.tell_step if self.hooks.on_step else None
            )
        self.steps_told = 0
        self.epoch_ends = [theta[None].copy()]
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.good = theta.copy()  # the parameters of the last epoch that was in order
        self.best = theta.copy()
        self.best_epoch = 0
        self.stopped = "num_epochs"
        self.reference: float | None = None

    @property
    def epoch(self) -> int:
        return len(self.losses)

    @property
    def is_finished(self) -> bool:
        return self.stopped != "num_epochs" or self.epoch >= self.num_epochs

    def raw(self, theta: FloatArray) -> FloatArray:
        """Parameters for the features as they came in."""
        return theta if self.scaling is None else self.scaling.leave(theta)

    def run(self) -> None:
        """All epochs, up to the last or a reason to stop."""
        saver = self.saver
        state = None if saver is None else saver.restore(self)
        left = self.num_epochs - self.epoch
        if left <= 0 or self.is_finished:
            return
        # Only a run that is sure to use every order may draw them ahead: the caller may own the generator.
        ahead = self.patience is None and not self.hooks.on_epoch and saver is None and not self.progress
        self.steps_told = self.stepper.steps_done
        bar = _progress_bar(left) if self.progress else None
        epochs = self.feed.epochs(
            self.engine, self.theta, self.rng, left,
            loss=self.loss, path=self.recorder, ahead=ahead, state=state,
        )  # fmt: skip
        try:
            with np.errstate(over="ignore", invalid="ignore"), closing(epochs):
                self.begin_epoch()
                for ends, state in epochs:
                    if ends and self.recorder is not None and self.recorder.count:
                        ends = [np.asarray(self.recorder.sum / self.recorder.count, self.theta.dtype)]
                    for end, loss in zip(ends, self.feed.losses(self.loss, ends), strict=True):
                        self.finish_epoch(end, loss)
                    if saver is not None:
                        saver.reached(self, state)
                    if self.stopped != "num_epochs":
                        return
                    if bar is not None and ends:
                        bar.set_postfix(loss=self.losses[-1], refresh=False)
                        bar.update(len(ends))
                    self.begin_epoch()
        finally:
            if bar is not None:
                bar.close()

    def begin_epoch(self) -> None:
        if self.recorder is not None:
            self.recorder.averaging = self.epoch >= self.first_averaged

    def finish_epoch(self, end: FloatArray, loss: float) -> None:
        """Book an epoch that ended with these parameters and this loss, and see whether to stop."""
        self.check_divergence(loss)
        self.losses.append(loss)
        self.good = end
        if self.record == "epoch":
            self.epoch_ends.append(end[None])
        if self.validation is not None:
            held_out_loss = mean_loss(self.loss, self.validation, end)
            self.validation_losses.append(math.inf if math.isnan(held_out_loss) else held_out_loss)
        if self.verbose:
            held_out = f", validation loss {self.validation_losses[-1]:f}" if self.validation_losses else ""
            print(f"epoch {self.epoch}, loss {loss:f}{held_out}")
        watched = self.losses if self.validation is None else self.validation_losses
        if not self.best_epoch or watched[-1] < watched[self.best_epoch - 1] - self.tol:
            self.best, self.best_epoch = end, self.epoch
        for callback in self.hooks.on_epoch:
            raw = self.raw(end)
            validation_loss = self.validation_losses[-1] if self.validation is not None else None
            w, b = raw[:-1].copy(), raw[-1].copy()
            if callback(Progress(self.epoch, self.stepper.steps_done, loss, validation_loss, w, b)):
                self.stopped = "callback"
        if self.patience is not None and self.epoch - self.best_epoch >= self.patience:
            self.stopped = "patience"

    def tell_step(self, theta: FloatArray) -> None:
        """Call the callbacks of a step that ended with these parameters."""
        self.steps_told += 1
        raw = self.raw(theta)
        for callback in self.hooks.on_step:
            callback(Step(self.epoch + 1, self.steps_told, raw[:-1].copy(), raw[-1].copy()))

    def check_divergence(self, loss: float) -> None:
        """Raise DivergenceError where the loss is not finite or has left every reasonable scale."""
        if math.isfinite(loss):
            if self.losses and loss <= self.losses[-1]:
                return
            zeros = np.zeros_like(self.theta)
            if self.reference is None:  # first a few rows: they nearly always show that all is well
                self.reference = mean_loss(self.loss, self.feed.facts.sample.head(256), zeros)
            if loss <= DIVERGED * self.reference:
                return
            self.reference = max(self.feed.losses(self.loss, [zeros, self.epoch_ends[0][0]]))
            if loss <= DIVERGED * self.reference:
                return
        epoch, lr = self.epoch + 1, self.stepper.rate(max(self.stepper.steps_done - 1, 0))
        good = self.raw(self.good)
        raise DivergenceError(
            f"the run diverged in epoch {epoch} at lr = {lr:g} (mean loss {loss:g}); "
            f"{scale_advice(self.feed.facts.sample.X)}. "
            "The last finite parameters are on this exception, as .w and .b",
            epoch=epoch,
            lr=lr,
            w=good[:-1].copy(),
            b=good[-1].copy(),
            losses=np.array(self.losses),
        )

    def parameters(self) -> FloatArray:
        """The parameters to return: the best epoch's with validation rows, else the last."""
        if self.validation is not None and self.best_epoch:
            return self.raw(self.best)
        return self.raw(self.good)

    def trajectory(self) -> Trajectory | None:
        if self.record is None:
            return None
        steps = self.recorder.kept if self.record == "step" and self.recorder is not None else []
        path = self.raw(np.concatenate([*self.epoch_ends, *steps]))
        return Trajectory(path[:, :-1], path[:, -1])


def _progress_bar(total: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError(
            'progress=True needs tqdm; in a clone of npreg: python -m pip install ".[progress]"'
        ) from None
    return tqdm(total=total, unit="epoch")
