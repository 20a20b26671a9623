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
    num_rows: int,
    num_features: int,
    num_outputs: int,
    batch_size: int,
    loss: Loss,
    stepper: Stepper,
) -> str:
    """`"moments"` where replay is faster than the tight loop, `"tight"` elsewhere.

    A step of the loop costs a few NumPy calls, however small; replay costs B d² for the moments of a
    minibatch and d³ for composing two maps.  Measured by `benchmarks/engines.py` (see
    `benchmarks/README.md`): replay wins up to 20 features at B ≤ 8, 16 at 16, 12 at 32, 8 at 64 and 5
    at 128, which is B d² ≤ 4000; with momentum, where the loop makes many more calls and maps are twice
    as large, up to 12 features.  Short epochs do not repay the bookkeeping.
    """
    steps = -(-num_rows // batch_size)
    if not loss.is_squared or not is_affine(stepper.rule, stepper.l1) or steps < 16:
        return "tight"
    d = num_features + num_outputs - 1
    if type(stepper.rule) is not SGD:
        return "moments" if d <= 12 else "tight"
    return "moments" if d <= 20 and batch_size * d * d <= 4000 and batch_size <= 128 else "tight"


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
    if not is_affine(stepper.rule, stepper.l1):
        raise ValueError(
            'engine="moments" needs steps that are affine maps: rule SGD, Momentum or Nesterov, and no L1 '
            f'penalty, not {stepper.rule} with l1={stepper.l1:g}; use engine="auto"'
        )
    loop = make_engine("tight", num_features, batch_size, dtype, loss, stepper)
    return MomentsEngine(stepper, batch_size, loop, largest_norm)
