"""What a run tells while it goes on: one small protocol, per step and per epoch.

A callback is a function of one `Progress`, called after every epoch, or an object with either or both of

    on_epoch(progress: Progress)      a true value stops the run
    on_step(step: Step)               after every single step, in time order; its value is not looked at
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from npreg.arrays import FloatArray

__all__ = ["Callback", "EpochCallback", "Hooks", "Progress", "Step", "StepCallback", "as_hooks"]


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
    """The functions to be called after every epoch, and after every step."""

    on_epoch: list[Callable[[Progress], Any]]
    on_step: list[Callable[[Step], Any]]


def as_hooks(callbacks: Any) -> Hooks:
    """One callback or several as the functions they stand for; TypeError for what is no callback.

    >>> as_hooks(print).on_epoch == [print], as_hooks([]).on_step
    (True, [])
    """
    hooks = Hooks([], [])
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
    return hooks
