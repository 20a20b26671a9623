"""The error that carries the last parameters in order, and warnings at the caller's line."""

from __future__ import annotations

import sys
import warnings
from functools import partial
from typing import Any

from npreg.arrays.tables import FloatArray

BETWEEN = {"npreg", "sklearn", "joblib"}  # packages that call npreg for somebody


class DivergenceError(ArithmeticError):
    """The parameters of a run grew beyond all bounds; `w` and `b` are the last finite ones.

    Attributes
    ----------
    epoch : int
        The epoch (counted from 1) at whose end the run was found to have diverged.
    lr : float
        The learning rate of that epoch's last step.
    w, b : ndarray, shapes (d, k) and (k,)
        The parameters at the end of the last epoch that was still in order, or the initial ones.
    losses : ndarray, shape (epoch - 1,)
        The mean losses of the epochs before.
    """

    def __init__(
        self, message: str, *, epoch: int, lr: float, w: FloatArray, b: FloatArray, losses: FloatArray
    ) -> None:
        super().__init__(message)
        self.epoch, self.lr, self.w, self.b, self.losses = epoch, lr, w, b, losses

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call __init__ with the message alone, and fail in a process pool.
        return partial(type(self), **vars(self)), self.args


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line of whoever called npreg, whatever lies between."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in BETWEEN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
