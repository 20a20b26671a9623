"""Which engine runs: the rule, next to the measurements it comes from."""

from __future__ import annotations

import numpy as np

from npreg.loops import Engine, FoldedLoop, PlainLoop, WideLoop
from npreg.losses import Loss
from npreg.moments import MomentsEngine, is_affine
from npreg.rules import SGD, Stepper

__all__ = ["ENGINES", "choose_engine", "make_engine"]

ENGINES = ("auto", "loop", "tight", "moments")


def choose_engine(
    num_rows: int, num_features: int, batch_size: int, num_epochs: int, loss: Loss, stepper: Stepper
) -> str:
    """`"moments"` where replay is faster than the tight loop, `"tight"` elsewhere."""
    if not loss.is_squared or not is_affine(stepper) or batch_size < num_features + 2:
        return "tight"
    if num_epochs * -(-num_rows // batch_size) < 48:
        return "tight"
    most = 12 if batch_size <= 48 else 8 if batch_size <= 80 else 5
    if type(stepper.rule) is not SGD:
        most //= 2  # the state, and so the maps, are twice as large
    return "moments" if num_features <= most else "tight"


def make_engine(
    name: str,
    num_features: int,
    batch_size: int,
    dtype: np.dtype[np.floating],
    loss: Loss,
    stepper: Stepper,
    largest_norm: float = np.inf,
) -> Engine:
    """An engine that has been asked for by name; ValueError where it cannot do the run.

    `largest_norm` is an upper bound of the rows' (weighted) ‖x̃‖², where one is known.
    """
    if name == "loop":
        return PlainLoop(loss, stepper, batch_size)
    if name == "tight":
        folds = loss.is_squared and type(stepper.rule) is SGD and not stepper.l1
        if folds and batch_size * num_features < 8000:
            return FoldedLoop(stepper, batch_size, dtype)
        return WideLoop(loss, stepper, batch_size)
    if not loss.is_squared:
        raise ValueError(f'engine="moments" is for the squared loss, not {loss.name}; use engine="auto"')
    if not is_affine(stepper):
        raise ValueError(
            'engine="moments" needs steps that are affine maps: rule SGD, Momentum or Nesterov, and no L1 '
            f'penalty, not {stepper.rule} with l1={stepper.l1:g}; use engine="auto"'
        )
    loop = make_engine("tight", num_features, batch_size, dtype, loss, stepper)
    return MomentsEngine(stepper, batch_size, loop, largest_norm)
