"""npreg: minibatch-SGD regression in pure NumPy, with gradients derived by hand.

The names of the notebook "linear regression from scratch" come first; `l.backward()` is two calls,
whose bodies are the derivation:

    for X, y in data_iter(batch_size, features, labels):
        y_hat = linreg(X, w, b)
        grad_w, grad_b = linreg_backward(X, squared_loss_grad(y_hat, y))
        sgd([w, b], [grad_w, grad_b], lr, batch_size)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npreg._version import __version__
from npreg.arrays import DivergenceError
from npreg.data import data_iter, init_params, synthetic_data
from npreg.exact import LeastSquaresResult, RankWarning, least_squares
from npreg.learning_rate import LearningRateWarning, max_learning_rate
from npreg.linear import linreg, linreg_backward
from npreg.losses import (
    LOSSES,
    Loss,
    absolute_loss,
    absolute_loss_grad,
    huber_loss,
    huber_loss_grad,
    log_cosh_loss,
    log_cosh_loss_grad,
    quantile_loss,
    quantile_loss_grad,
    squared_loss,
    squared_loss_grad,
)
from npreg.runs.arrival import ConvergenceWarning
from npreg.runs.blocks import RowBlocks
from npreg.runs.callbacks import Progress, ProgressBar, Record, Step
from npreg.runs.checkpoint import Checkpoint, CheckpointError
from npreg.runs.plan import EarlyStopping
from npreg.schedules import Cosine, ExponentialDecay, InverseScaling, StepDecay
from npreg.sgd import SGD, AdaGrad, Adam, Momentum, Nesterov, sgd
from npreg.sweep import SweepResult, sweep
from npreg.train import TrainingInterrupted, TrainResult, Trajectory, train

if TYPE_CHECKING:
    from npreg import dask, differentiate, exercises, gradcheck, plot, sklearn  # noqa: F401
    from npreg.gradcheck import assert_gradient, check_gradient
    from npreg.plot import set_figsize, use_svg_display

# Opened on first use, with what stands in __all__ and is theirs: `import npreg` stays about as light as
# `import numpy`, and needs neither scikit-learn nor Dask.
_ROOMS = ("dask", "differentiate", "exercises", "gradcheck", "plot", "sklearn")

__all__ = [
    "LOSSES",
    "SGD",
    "AdaGrad",
    "Adam",
    "Checkpoint",
    "CheckpointError",
    "ConvergenceWarning",
    "Cosine",
    "DivergenceError",
    "EarlyStopping",
    "ExponentialDecay",
    "InverseScaling",
    "LearningRateWarning",
    "LeastSquaresResult",
    "Loss",
    "Momentum",
    "Nesterov",
    "Progress",
    "ProgressBar",
    "RankWarning",
    "Record",
    "RowBlocks",
    "Step",
    "StepDecay",
    "SweepResult",
    "TrainResult",
    "TrainingInterrupted",
    "Trajectory",
    "__version__",
    "absolute_loss",
    "absolute_loss_grad",
    "assert_gradient",
    "check_gradient",
    "data_iter",
    "differentiate",
    "exercises",
    "gradcheck",
    "huber_loss",
    "huber_loss_grad",
    "init_params",
    "least_squares",
    "linreg",
    "linreg_backward",
    "log_cosh_loss",
    "log_cosh_loss_grad",
    "max_learning_rate",
    "plot",
    "quantile_loss",
    "quantile_loss_grad",
    "set_figsize",
    "sgd",
    "squared_loss",
    "squared_loss_grad",
    "sweep",
    "synthetic_data",
    "train",
    "use_svg_display",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"npreg.{name}")
    for room in ("gradcheck", "plot") if name in __all__ else ():
        module = import_module(f"npreg.{room}")
        if name in module.__all__:
            value = globals()[name] = getattr(module, name)
            return value
    raise AttributeError(f"module 'npreg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS})
