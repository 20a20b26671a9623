"""What surrounds the epochs of a run: orders of rows, losses, divergence, averaging, stopping.

An engine advances parameters through epochs; a `Run` does everything else, the same for every engine.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from npreg.arrays import DivergenceError, FloatArray
from npreg.learning_rate import scale_advice
from npreg.linear import linreg
from npreg.loops import Engine, Order
from npreg.losses import Loss
from npreg.rules import Stepper

__all__ = ["Data", "Orders", "Progress", "Recorder", "Run", "Scaling", "Trajectory", "mean_loss"]

DIVERGED = 1e6  # a loss this many times that of the start, and of predicting 0, only ever grows
TOGETHER = 200_000  # rows whose orders may be drawn at once, so that short epochs share one pass
AHEAD = 50_000  # rows from which drawing the next order on a thread pays
BLOCK_ROWS = 32_768  # rows whose residuals are held at once


class Trajectory(NamedTuple):
    """Parameters in time, the initial ones first: w (T + 1, d, k) and b (T + 1, k)."""

    w: FloatArray
    b: FloatArray


class Progress(NamedTuple):
    """What a callback is told after an epoch; w and b are copies."""

    epoch: int
    steps: int
    loss: float
    validation_loss: float | None
    w: FloatArray
    b: FloatArray


class Data(NamedTuple):
    """Features (n, d), labels (n, k), and weights (n,) or None."""

    X: FloatArray
    y: FloatArray
    weights: FloatArray | None = None


@dataclass(frozen=True)
class Scaling:
    """Columns on the scale (x − mean) / sd, and parameters there and back.

    x·w + b = Σ (x − mean) / sd · (sd · w)  +  (b + mean·w)
    """

    mean: FloatArray
    sd: FloatArray

    @classmethod
    def of(cls, X: FloatArray, weights: FloatArray | None) -> Scaling:
        """The scaling to mean 0 and standard deviation 1; constant columns only lose their mean."""
        mean = np.average(X, axis=0, weights=weights).astype(np.float64)
        sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
        tiny = np.abs(mean) * len(X) * np.finfo(X.dtype).eps
        return cls(mean, np.where(sd > tiny, sd, 1.0))

    def features(self, X: FloatArray) -> FloatArray:
        return np.asarray((X - self.mean) / self.sd, X.dtype)

    def enter(self, theta: FloatArray) -> FloatArray:
        scaled = theta * np.append(self.sd, 1.0)[:, None]
        scaled[-1] += self.mean @ theta[:-1]
        return np.asarray(scaled, theta.dtype)

    def leave(self, theta: FloatArray) -> FloatArray:
        raw = theta / np.append(self.sd, 1.0)[:, None]
        raw[..., -1, :] -= np.einsum("j,...jk->...k", self.mean, raw[..., :-1, :])
        return np.asarray(raw, theta.dtype)


def mean_loss(loss: Loss, data: Data, theta: FloatArray) -> float:
    """The mean loss over all rows and outputs, a block of rows at a time."""
    X, y, weights = data
    w, b = theta[:-1], theta[-1]
    total = 0.0
    for start in range(0, len(X), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        y_hat = linreg(X[rows], w, b)
        if loss.is_squared and weights is None and y_hat.dtype == np.float64:
            y_hat -= y[rows]
            total += float(np.vdot(y_hat, y_hat)) / 2
            continue
        values = loss.value(y_hat, y[rows])
        if weights is not None:
            values = values * weights[rows, None]
        total += float(np.add.reduce(values, axis=None, dtype=np.float64))
    count = float(len(X) if weights is None else weights.sum())
    return float(total / (count * y.shape[1]))


def mean_losses(loss: Loss, data: Data, thetas: Sequence[FloatArray]) -> list[float]:
    """`mean_loss` of several parameters, in one pass where the rows are few."""
    X, y, weights = data
    if (
        len(thetas) == 1
        or len(X) > BLOCK_ROWS
        or y.shape[1] > 1
        or weights is not None
        or not loss.is_squared
    ):
        return [mean_loss(loss, data, theta) for theta in thetas]
    together = np.concatenate(thetas, axis=1)
    r = X.dot(together[:-1])
    r += together[-1]
    r -= y
    return [float(total) / (2 * len(X)) for total in np.einsum("ij,ij->j", r, r, dtype=np.float64)]


class Orders:
    """`count` orders of the rows, one `rng.permutation` each; with `ahead`, the next is drawn on a thread.

    A shuffle of many rows costs as much as an epoch of few features, and NumPy draws it without the
    interpreter's lock.
    """

    def __init__(self, rng: np.random.Generator, num_rows: int, count: int, *, ahead: bool) -> None:
        self.rng, self.num_rows, self.left, self.ahead = rng, num_rows, count, ahead
        self.thread: threading.Thread | None = None
        self.drawn: Order | None = None
        self.start()

    def start(self) -> None:
        if self.ahead and self.left:
            self.thread = threading.Thread(target=self.draw, daemon=True)
            self.thread.start()

    def draw(self) -> None:
        self.drawn = self.rng.permutation(self.num_rows)

    def next(self) -> Order:
        """The next order."""
        self.left -= 1
        if self.thread is None:
            return self.rng.permutation(self.num_rows)
        self.close()
        order, self.drawn = self.drawn, None
        assert order is not None
        self.start()
        return order

    def close(self) -> None:
        """Wait until the generator is at rest."""
        if self.thread is not None:
            self.thread.join()


class Recorder:
    """Takes the parameters after steps: keeps them, and sums them for the average of the tail."""

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
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


class Run:
    """A run in progress: everything a loop over epochs needs besides the engine."""

    def __init__(
        self,
        *,
        data: Data,
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
        callbacks: Sequence[Callable[[Progress], Any]] = (),
        verbose: bool = False,
        progress: bool = False,
    ) -> None:
        self.data, self.engine, self.stepper, self.loss = data, engine, stepper, loss
        self.theta, self.rng, self.num_epochs = theta, rng, num_epochs
        self.scaling, self.validation = scaling, validation
        self.patience, self.tol, self.callbacks = patience, tol, callbacks
        self.verbose, self.progress, self.record = verbose, progress, record
        self.first_averaged = num_epochs - math.ceil(average * num_epochs) if average else num_epochs
        self.recorder = Recorder(keep=record == "step") if record == "step" or average else None
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

    def raw(self, theta: FloatArray) -> FloatArray:
        """Parameters for the features as they came in."""
        return theta if self.scaling is None else self.scaling.leave(theta)

    def run(self) -> None:
        """All epochs, up to the last or a reason to stop."""
        n, left = len(self.data.X), self.num_epochs - self.epoch
        stepwise = self.patience is not None or self.callbacks or self.progress or self.recorder is not None
        together = 1 if stepwise else max(1, min(left, TOGETHER // n))
        # Only a run that is sure to use every order may draw them ahead: the caller may own the generator.
        ahead = n >= AHEAD and self.patience is None and not self.callbacks
        bar = _progress_bar(left) if self.progress else None
        source = Orders(self.rng, n, left, ahead=ahead)
        try:
            self.engine.load(*self.data)
            with np.errstate(over="ignore", invalid="ignore"):
                while left > 0:
                    count = min(together, left)
                    left -= count
                    if self.recorder is not None:
                        self.recorder.averaging = self.epoch >= self.first_averaged
                    drawn = [source.next() for _ in range(count)]
                    ends = self.engine.run(self.theta, drawn, self.recorder)
                    if self.recorder is not None and self.recorder.count:
                        ends = [np.asarray(self.recorder.sum / self.recorder.count, self.theta.dtype)]
                    for end, loss in zip(ends, mean_losses(self.loss, self.data, ends), strict=True):
                        if self.finish_epoch(end, loss):
                            return
                    if bar is not None:
                        bar.set_postfix(loss=self.losses[-1], refresh=False)
                        bar.update(count)
        finally:
            source.close()
            if bar is not None:
                bar.close()

    def finish_epoch(self, end: FloatArray, loss: float) -> bool:
        """Book an epoch that ended with these parameters and this loss; returns whether to stop."""
        self.check_divergence(loss)
        self.losses.append(loss)
        self.good = end
        if self.record == "epoch":
            self.epoch_ends.append(end[None])
        if self.validation is not None:
            self.validation_losses.append(mean_loss(self.loss, self.validation, end))
        if self.verbose:
            held_out = f", validation loss {self.validation_losses[-1]:f}" if self.validation_losses else ""
            print(f"epoch {self.epoch}, loss {loss:f}{held_out}")
        watched = self.losses if self.validation is None else self.validation_losses
        if not self.best_epoch or watched[-1] < watched[self.best_epoch - 1] - self.tol:
            self.best, self.best_epoch = end, self.epoch
        for callback in self.callbacks:
            raw = self.raw(end)
            validation_loss = self.validation_losses[-1] if self.validation is not None else None
            w, b = raw[:-1].copy(), raw[-1].copy()
            if callback(Progress(self.epoch, self.stepper.steps_done, loss, validation_loss, w, b)):
                self.stopped = "callback"
        if self.patience is not None and self.epoch - self.best_epoch >= self.patience:
            self.stopped = "patience"
        return self.stopped != "num_epochs"

    def check_divergence(self, loss: float) -> None:
        """Raise DivergenceError where the loss is not finite or has left every reasonable scale."""
        if math.isfinite(loss):
            if self.losses and loss <= self.losses[-1]:
                return
            zeros = np.zeros_like(self.theta)
            if self.reference is None:  # first a few rows: they nearly always show that all is well
                X, y, weights = self.data
                some = Data(X[:256], y[:256], None if weights is None else weights[:256])
                self.reference = mean_loss(self.loss, some, zeros)
            if loss <= DIVERGED * self.reference:
                return
            self.reference = mean_loss(self.loss, self.data, zeros)
            if loss <= DIVERGED * self.reference:
                return
            # Far above predicting 0, but perhaps the run was started there.
            if loss <= DIVERGED * mean_loss(self.loss, self.data, self.epoch_ends[0][0]):
                return
        epoch, lr = self.epoch + 1, self.stepper.rate(max(self.stepper.steps_done - 1, 0))
        good = self.raw(self.good)
        raise DivergenceError(
            f"the run diverged in epoch {epoch} at lr = {lr:g} (mean loss {loss:g}); "
            f"{scale_advice(self.data.X)}.  The last parameters in order are on this exception, as .w and .b",
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
            'progress=True needs tqdm; install it with: pip install "npreg[progress]"'
        ) from None
    return tqdm(total=total, unit="epoch")
