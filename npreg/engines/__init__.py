"""Which engine runs: the rule, next to the measurements it comes from."""

import numpy as np

from npreg.engines.loops import FoldedLoop, WideLoop
from npreg.engines.moments import MomentsEngine, is_affine
from npreg.engines.sparse import SparseLoop
from npreg.loop import Engine, PlainLoop
from npreg.losses import Loss
from npreg.sgd import SGD, Stepper

__all__ = ["choose_engine", "make_engine"]


def choose_engine(
    num_rows: int, num_features: int, num_outputs: int, batch_size: int, loss: Loss, stepper: Stepper
) -> str:
    """`"moments"` where replay is faster than the tight loop, `"tight"` elsewhere.

    A step of the loop costs a few NumPy calls, however small; replay costs B d² for the moments of a
    minibatch and d³ for composing two maps.  Measured by `benchmarks/engines.py`: replay wins up to 20
    features and B d² ≤ 5000 (in float32 not beyond B = 128); with momentum, where the loop makes many more
    calls, up to 40 features and B d² ≤ 60000.  Short epochs do not repay the bookkeeping.
    """
    steps = -(-num_rows // batch_size)
    if not loss.is_squared or not is_affine(stepper.rule, stepper.l1) or steps < 16:
        return "tight"
    d = num_features + num_outputs - 1
    plain = type(stepper.rule) is SGD
    if d > (20 if plain else 40) or batch_size * d * d > (5000 if plain else 60_000) or (plain and batch_size > 128):
        return "tight"
    return "moments"


def make_engine(
    name: str,
    num_features: int,
    batch_size: int,
    dtype: np.dtype[np.floating],
    loss: Loss,
    stepper: Stepper,
    largest_norm: float = np.inf,
    *,
    sparse: bool = False,
) -> Engine:
    """An engine by name; `largest_norm` is an upper bound of the rows' (weighted) ‖x̃‖², where one is known."""
    if name == "loop":
        return PlainLoop(loss, stepper, batch_size)
    if name == "tight" and sparse and SparseLoop.can(stepper):
        return SparseLoop(loss, stepper, batch_size)
    if name == "tight":
        folds = loss.is_squared and type(stepper.rule) is SGD and not stepper.l1
        if folds and batch_size * num_features < 8000:
            return FoldedLoop(stepper, batch_size, dtype)
        return WideLoop(loss, stepper, batch_size)
    if not loss.is_squared:
        raise ValueError(f'engine="moments" is for the squared loss, not {loss.name}; use engine="auto"')
    if not is_affine(stepper.rule, stepper.l1):
        affine = "steps that are affine maps: rule SGD, Momentum or Nesterov, and no L1 penalty"
        given = f"{stepper.rule} with l1={stepper.l1:g}"
        raise ValueError(f'engine="moments" needs {affine}, not {given}; use engine="auto"')
    loop = make_engine("tight", num_features, batch_size, dtype, loss, stepper)
    return MomentsEngine(stepper, batch_size, loop, largest_norm)
