"""What a run tells while it goes on: one small protocol, per step and per epoch.

A callback is a function of one `Progress`, called after every epoch, or an object with some of

    on_start(epochs: int, done: int)  before the first epoch: how many there may be, how many a checkpoint has
    on_step(step: Step)               after every single step, in time order; its value is not looked at
    on_epoch(progress: Progress)      after every epoch; a true value stops the run
    on_end()                          when the run is over, however it ended
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from npreg.arrays import FloatArray

__all__ = ["Callback", "EpochCallback", "Hooks", "Progress", "ProgressBar", "Step", "StepCallback", "as_hooks"]


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


class EpochCallback(Protocol):
    def on_epoch(self, progress: Progress, /) -> Any: ...


class StepCallback(Protocol):
    def on_step(self, step: Step, /) -> Any: ...


Callback: TypeAlias = Callable[[Progress], Any] | EpochCallback | StepCallback


class Hooks(NamedTuple):
    """The functions to be called after every epoch, after every step, at the start and at the end."""

    on_epoch: list[Callable[[Progress], Any]]
    on_step: list[Callable[[Step], Any]]
    on_start: list[Callable[[int, int], Any]]
    on_end: list[Callable[[], Any]]


class ProgressBar:
    """A progress bar over the epochs, with the loss, by tqdm; `train(..., callbacks=ProgressBar())`.

    Parameters
    ----------
    **options
        As of `tqdm.tqdm`, such as `leave=False` or `file=...`.

    Raises
    ------
    ImportError
        Where tqdm is not there.
    """

    def __init__(self, **options: Any) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise ImportError("ProgressBar needs tqdm; install it with: python -m pip install tqdm") from None
        self.make, self.options = tqdm, options
        self.bar: Any = None

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


def as_hooks(callbacks: Any) -> Hooks:
    """One callback or several as the functions they stand for; TypeError for what is no callback.

    >>> as_hooks(print).on_epoch == [print], as_hooks([]).on_step
    (True, [])
    """
    hooks = Hooks([], [], [], [])
    if callable(callbacks) or hasattr(callbacks, "on_epoch") or hasattr(callbacks, "on_step"):
        several: tuple[Any, ...] = (callbacks,)
    elif np.iterable(callbacks):
        several = tuple(callbacks)
    else:
        several = (None,)
    for one in several:
        on_epoch, on_step = getattr(one, "on_epoch", None), getattr(one, "on_step", None)
        if on_epoch is None and on_step is None and callable(one):
            on_epoch = one
        if not callable(on_epoch) and not callable(on_step):
            raise TypeError(
                "callbacks must be a function of one Progress, or several, or objects with on_epoch or "
                f"on_step, not {callbacks!r}"
            )
        if callable(on_epoch):
            hooks.on_epoch.append(on_epoch)
        if callable(on_step):
            hooks.on_step.append(on_step)
        for name in ("on_start", "on_end"):
            if callable(found := getattr(one, name, None)):
                getattr(hooks, name).append(found)
    return hooks
