"""Learning-rate schedules: factors of lr as functions of the epochs done, a float that is 0 at first.

    step             factor^⌊t / every⌋: a drop every so many epochs
    inverse_scaling  1 / (1 + t)^power
    cosine           final + (1 − final) (1 + cos(π t / num_epochs)) / 2,  then final
    exponential      final^(t / num_epochs),  then final

A schedule is any callable; `train(lr=(0.1, schedule))` takes it, or a name.  Time is counted in epochs, not steps,
so that a schedule means the same for every batch size.  ValueError or TypeError for numbers out of range.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from npreg.arrays import as_nonnegative

__all__ = ["Cosine", "ExponentialDecay", "InverseScaling", "StepDecay"]


@dataclass(frozen=True)
class _Schedule:
    """A schedule whose fields are numbers, some of them times."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not as_nonnegative(value, name) and name in ("every", "num_epochs"):
                raise ValueError(f"{name} must be greater than 0 epochs, not {value!r}")


@dataclass(frozen=True)
class StepDecay(_Schedule):
    """factor^⌊t / every⌋.

    >>> schedule = StepDecay(every=10, factor=0.1)
    >>> schedule(9.9), schedule(10.0)
    (1.0, 0.1)
    """

    every: float
    factor: float = 0.1

    def __call__(self, epochs: float) -> float:
        try:
            return float(self.factor) ** math.floor(min(epochs / float(self.every), 2.0**53))
        except OverflowError:  # of a factor above 1
            return math.inf


@dataclass(frozen=True)
class InverseScaling(_Schedule):
    """1 / (1 + t)^power; a power in (½, 1] makes SGD converge to the solution itself.

    >>> InverseScaling(power=0.5)(3.0)
    0.5

    Source: H. Robbins and S. Monro, A stochastic approximation method, Ann. Math. Stat. 22 (1951) 400.
    """

    power: float = 0.5

    def __call__(self, epochs: float) -> float:
        return float((1.0 + epochs) ** -float(self.power))


@dataclass(frozen=True)
class Cosine(_Schedule):
    """Half a cosine from 1 down to `final` over `num_epochs`, and `final` after them.

    >>> schedule = Cosine(num_epochs=10)
    >>> schedule(0.0), round(schedule(5.0), 3), schedule(12.0)
    (1.0, 0.5, 0.0)

    Source: I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts (ICLR 2017).
    """

    num_epochs: float
    final: float = 0.0

    def __call__(self, epochs: float) -> float:
        part, final = min(epochs / float(self.num_epochs), 1.0), float(self.final)
        return final + (1 - final) * (1 + math.cos(math.pi * part)) / 2


@dataclass(frozen=True)
class ExponentialDecay(_Schedule):
    """From 1 down to `final` over `num_epochs` by the same factor every epoch, and `final` after them.

    >>> schedule = ExponentialDecay(num_epochs=10, final=0.01)
    >>> schedule(0.0), schedule(5.0), schedule(12.0)
    (1.0, 0.1, 0.01)
    """

    num_epochs: float
    final: float = 0.01

    def __call__(self, epochs: float) -> float:
        return math.pow(self.final, min(epochs / float(self.num_epochs), 1.0))


NAMED: dict[str, Callable[[int], Callable[[float], float]]] = {  # for a run of so many epochs
    "constant": lambda epochs: InverseScaling(0.0),
    "step": lambda epochs: StepDecay(epochs / 3),
    "inverse_scaling": lambda epochs: InverseScaling(),
    "cosine": Cosine,
    "exponential": ExponentialDecay,
}


def as_schedule(schedule: Any, num_epochs: int) -> Callable[[float], float] | None:
    """A schedule from its name, for a run of so many epochs, or itself."""
    if isinstance(schedule, str):
        if schedule not in NAMED:
            raise ValueError(f"there is no schedule {schedule!r}; there are {', '.join(NAMED)}")
        return NAMED[schedule](num_epochs or 1)
    if isinstance(schedule, type):
        name = schedule.__name__
        raise TypeError(f"schedule is the class {name}; give an object of it, such as {name}(...)")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of the epochs done, not {schedule!r}; or {', '.join(NAMED)}")
    return schedule  # type: ignore[no-any-return]
