"""Learning-rate schedules: factors of lr as functions of the epochs done, a float that is 0 at first.

A schedule is any callable; these are the common ones.  Time is counted in epochs, not steps, so that a
schedule means the same for every batch size.

    constant         1
    step             factor^⌊t / every⌋
    inverse_scaling  1 / (1 + t)^power
    cosine           final + (1 − final) (1 + cos(π t / num_epochs)) / 2,  then final
    exponential      final^(t / num_epochs),  then final
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from npreg.arrays import as_nonnegative

__all__ = ["Constant", "Cosine", "ExponentialDecay", "InverseScaling", "StepDecay", "as_schedule"]


@dataclass(frozen=True)
class Constant:
    """1 at all times.

    >>> Constant()(2.5)
    1.0
    """

    def __call__(self, epochs: float) -> float:
        return 1.0


@dataclass(frozen=True)
class StepDecay:
    """factor^⌊t / every⌋: a drop by `factor` every so many epochs.

    >>> schedule = StepDecay(every=10, factor=0.1)
    >>> schedule(9.9), schedule(10.0)
    (1.0, 0.1)
    """

    every: float
    factor: float = 0.1

    def __post_init__(self) -> None:
        if not as_nonnegative(self.every, "every") > 0:
            raise ValueError(f"every must be greater than 0 epochs, not {self.every!r}")
        as_nonnegative(self.factor, "factor")

    def __call__(self, epochs: float) -> float:
        drops = math.floor(min(epochs / float(self.every), 2.0**53))
        try:
            return float(self.factor) ** drops
        except OverflowError:  # of a factor above 1
            return math.inf


@dataclass(frozen=True)
class InverseScaling:
    """1 / (1 + t)^power; a power in (½, 1] makes SGD converge to the solution itself.

    >>> InverseScaling(power=0.5)(3.0)
    0.5

    Source: H. Robbins and S. Monro, A stochastic approximation method, Ann. Math. Stat. 22 (1951) 400.
    """

    power: float = 0.5

    def __post_init__(self) -> None:
        as_nonnegative(self.power, "power")

    def __call__(self, epochs: float) -> float:
        return float((1.0 + epochs) ** -float(self.power))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to `final` over `num_epochs`, and `final` after them.

    >>> schedule = Cosine(num_epochs=10)
    >>> schedule(0.0), round(schedule(5.0), 3), schedule(12.0)
    (1.0, 0.5, 0.0)

    Source: I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts (ICLR 2017).
    """

    num_epochs: float
    final: float = 0.0

    def __post_init__(self) -> None:
        if not as_nonnegative(self.num_epochs, "num_epochs") > 0:
            raise ValueError(f"num_epochs must be greater than 0, not {self.num_epochs!r}")
        as_nonnegative(self.final, "final")

    def __call__(self, epochs: float) -> float:
        part, final = min(epochs / float(self.num_epochs), 1.0), float(self.final)
        return final + (1 - final) * (1 + math.cos(math.pi * part)) / 2


@dataclass(frozen=True)
class ExponentialDecay:
    """From 1 down to `final` over `num_epochs` by the same factor every epoch, and `final` after them.

    >>> schedule = ExponentialDecay(num_epochs=10, final=0.01)
    >>> schedule(0.0), schedule(5.0), schedule(12.0)
    (1.0, 0.1, 0.01)
    """

    num_epochs: float
    final: float = 0.01

    def __post_init__(self) -> None:
        as_nonnegative(self.num_epochs, "num_epochs")
        as_nonnegative(self.final, "final")

    def __call__(self, epochs: float) -> float:
        part = min(epochs / float(self.num_epochs), 1.0) if self.num_epochs else 1.0
        return math.pow(self.final, part)


def as_schedule(schedule: Any, num_epochs: int) -> Callable[[float], float] | None:
    """A schedule from its name, for a run of so many epochs, or itself.

    >>> as_schedule("cosine", 10)
    Cosine(num_epochs=10, final=0.0)
    """
    length = num_epochs or 1
    names: dict[str, Callable[[float], float]] = {
        "constant": Constant(),
        "inverse_scaling": InverseScaling(),
        "step": StepDecay(length / 3),
        "cosine": Cosine(length),
        "exponential": ExponentialDecay(length, 0.01),
    }
    if isinstance(schedule, str):
        if schedule not in names:
            raise ValueError(f"there is no schedule {schedule!r}; there are {', '.join(names)}")
        return names[schedule]
    if isinstance(schedule, type):
        name = schedule.__name__
        raise TypeError(f"schedule is the class {name}; give an object of it, such as {name}(...)")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of the epochs done, not {schedule!r}; or {', '.join(names)}")
    return schedule  # type: ignore[no-any-return]
