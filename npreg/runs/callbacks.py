"""What a run tells while it goes on: one small protocol, per step and per epoch.

A callback is a function of one `Progress`, called after every epoch, or an object with some of

    on_start(epochs: int, done: int)  before the first epoch: how many there may be, how many a checkpoint has
    on_step(step: Step)               after every single step, in time order; its value is not looked at
    on_epoch(progress: Progress)      after every epoch; a true value stops the run
    on_end()                          when the run is over, however it ended
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import numpy as np

from npreg.arrays import FloatArray, as_choice


class Progress(NamedTuple):
    """What a callback is told after an epoch (counted from 1); w and b are copies."""

    epoch: int
    steps: int
    loss: float
    validation_loss: float | None
    w: FloatArray
    b: FloatArray


class Step(NamedTuple):
    """What a callback is told after a step (counted from 1) of an epoch; w and b are copies."""

    epoch: int
    step: int
    w: FloatArray
    b: FloatArray


Callback: TypeAlias = Callable[[Progress], Any] | Any


@dataclass(frozen=True)
class Record:
    """Keeps the parameters after every epoch or step, in `result.trajectory`; `train(..., callbacks=Record("step"))`.

    >>> Record("step").each
    'step'
    """

    each: Literal["epoch", "step"] = "epoch"

    def __post_init__(self) -> None:
        as_choice(self.each, "each", ("epoch", "step"))


class Printer:
    """Prints a line an epoch; of more than twenty, the first and the last, and about twenty between."""

    every, held = 1, ""

    def on_start(self, epochs: int, done: int) -> None:
        self.every = -(-epochs // 20) or 1

    def on_epoch(self, progress: Progress) -> None:
        held_out = "" if progress.validation_loss is None else f", validation loss {progress.validation_loss:f}"
        self.held = f"epoch {progress.epoch}, loss {progress.loss:f}{held_out}"
        if progress.epoch == 1 or progress.epoch % self.every == 0:
            self.on_end()

    def on_end(self) -> None:
        if self.held:
            print(self.held)
        self.held = ""


class ProgressBar:
    """A progress bar over the epochs, with the loss, by tqdm (ImportError where it is not there).

    `train(..., callbacks=ProgressBar())`; options are those of `tqdm.tqdm`, such as `leave=False` or `file=...`.
    """

    def __init__(self, **options: Any) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise ImportError("ProgressBar needs tqdm; install it with: python -m pip install tqdm") from None
        self.make, self.options, self.bar = tqdm, options, cast(Any, None)

    def on_start(self, epochs: int, done: int) -> None:
        if self.bar is None:
            self.bar = self.make(**{"total": epochs, "initial": done, "unit": "epoch", **self.options})
        self.bar.total = epochs  # a run may take more than it began with

    def on_epoch(self, progress: Progress) -> None:
        self.bar.set_postfix(loss=progress.loss, refresh=False)
        self.bar.update()

    def on_end(self) -> None:
        if self.bar is not None:
            self.bar.close()


class Recorder:
    """Takes parameters after steps, (steps, d + 1, k): keeps them, sums them for an average, tells them."""

    def __init__(self, keep: bool, tell: Callable[[FloatArray], None] | None) -> None:
        self.keep, self.tell, self.only_sums = keep, tell, not keep and tell is None
        self.kept: list[FloatArray] = []
        self.sum: FloatArray = np.zeros(())
        self.count, self.averaging = 0, False

    def add(self, total: FloatArray, count: int) -> None:
        self.sum, self.count = self.sum + total, self.count + count

    def append(self, thetas: FloatArray) -> None:
        if self.keep:
            self.kept.append(thetas)
        if self.averaging:
            self.add(thetas.sum(axis=0, dtype=np.float64), len(thetas))
        for theta in thetas if self.tell is not None else ():
            self.tell(theta)  # type: ignore[misc]


def as_callbacks(callbacks: Any) -> list[Any]:
    """One callback or several as objects; TypeError for what is no callback."""

    def is_object(one: Any) -> bool:
        return isinstance(one, Record) or bool(hooks([one], "on_epoch") or hooks([one], "on_step"))

    single = callable(callbacks) or is_object(callbacks) or not np.iterable(callbacks)
    several = [callbacks] if single else [*callbacks]
    for one in several:
        if not callable(one) and not is_object(one):
            needed = "a function of one Progress, or several, or objects with on_epoch or on_step"
            raise TypeError(f"callbacks must be {needed}, not {callbacks!r}")
    return [one if is_object(one) else SimpleNamespace(on_epoch=one) for one in several]


def hooks(callbacks: Sequence[Any], name: str) -> list[Callable[..., Any]]:
    return [found for one in callbacks if callable(found := getattr(one, name, None))]
