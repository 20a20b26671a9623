"""All arguments of a run but its rows: looked at once, and which of them decide its bits."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, as_batch_size, as_choice, as_count, as_flag, as_float_array, as_nonnegative
from npreg.arrays.errors import warn
from npreg.learning_rate import AUTO_AVERAGE
from npreg.linear import linreg
from npreg.losses import LOSSES, Loss, as_loss
from npreg.runs.callbacks import Record, as_callbacks
from npreg.runs.checkpoint import Checkpoint
from npreg.runs.identity import fingerprint, identify
from npreg.schedules import as_schedule
from npreg.sgd import Rule, Schedule, as_rule

EngineName: TypeAlias = Literal["auto", "loop", "tight", "moments"]
RuleName: TypeAlias = Literal["sgd", "momentum", "nesterov", "adam", "adagrad"]
ScheduleName: TypeAlias = Literal["constant", "step", "inverse_scaling", "cosine", "exponential"]

ROWS = 8
NEEDED = "needed is one number a prediction, (B, k), without mean, sum or squeeze"

AROUND = {"num_epochs", "verbose", "callbacks", "checkpoint"}  # all others decide the bits of a run

ELSEWHERE = {  # what to write, and what others call it
    "stop=npreg.EarlyStopping(patience={value!r})": "patience",
    "stop=npreg.EarlyStopping(patience=5, tol={value!r}), with the patience you want": "tol",
    "callbacks=npreg.ProgressBar()": "progress",
    "features=npreg.RowBlocks.of(features, labels, {value!r}) without labels": "block_rows",
    "checkpoint=npreg.Checkpoint(path, every=1), in epochs": "checkpoint_every",
    "checkpoint=npreg.Checkpoint(path, resume={value!r})": "resume",
    "callbacks=npreg.Record({value!r})": "record",
    "lr=(0.03, {value!r}), with your lr": "schedule",
    'warnings.simplefilter("error", npreg.LearningRateWarning) before it, or "ignore"': "check_lr",
    "lr": "learning_rate eta0 eta step_size learning_rate_init scheduler lr_schedule lr_scheduler",
    "num_epochs": "epochs n_epochs max_iter n_iter nepochs",
    "rng": "seed random_state random_seed generator",
    "rule": "optimizer optim solver momentum nesterovs_momentum",
    "l2": "weight_decay alpha lambda_ ridge penalty",
    "l1": "lasso",
    "loss": "criterion loss_fn objective",
    "fit_intercept": "intercept bias",
    "stop": "early_stopping n_iter_no_change",
    "validation": "validation_data validation_split validation_fraction eval_set",
    "sample_weight": "weights sample_weights",
    "standardize": "normalize scale",
    "features": "X x data inputs",
    "labels": "y target targets",
}


@dataclass(frozen=True)
class EarlyStopping:
    """Stop after `patience` epochs without an improvement of more than `tol`.

    Watched is the mean loss of the validation rows; without such rows, that of the training rows.
    `patience` is an int ≥ 1, `tol` a float ≥ 0 in units of the loss.

    >>> EarlyStopping(5, tol=1e-4)
    EarlyStopping(patience=5, tol=0.0001)
    """

    patience: int
    tol: float = 0.0

    def __post_init__(self) -> None:
        as_count(self.patience, "patience", 1)
        as_nonnegative(self.tol, "tol")


@dataclass(frozen=True)
class Plan:
    """The arguments of `npreg.train`, made ready to use; ValueError or TypeError where one is out of order."""

    batch_size: int
    lr: float | Literal["auto"]
    num_epochs: int | Literal["auto"]
    w: ArrayLike | None
    b: ArrayLike | None
    rng: Any
    verbose: bool
    loss: Loss
    engine: str
    rule: Rule
    l2: float
    l1: float
    average: float
    standardize: bool
    fit_intercept: bool
    shuffle: bool
    stop: EarlyStopping | None
    callbacks: list[Any]
    checkpoint: Checkpoint | None
    schedule: Schedule | None = field(init=False)  # the second part of lr
    record: str | None = field(init=False)  # of a callback, npreg.Record

    def __post_init__(self) -> None:
        pair: Any = self.lr if isinstance(self.lr, tuple) else (self.lr, None)
        if len(pair) != 2:
            raise ValueError(f'lr must be a number or "auto", or a pair of this and a schedule, not {self.lr!r}')
        lr, schedule = pair
        auto = isinstance(lr, str)
        if auto and lr != "auto":
            raise ValueError(f'lr must be a number or "auto", not {lr!r}')
        average = (AUTO_AVERAGE if auto else 0.0) if self.average is None else self.average
        if not 0 <= as_nonnegative(average, "average") < 1:
            raise ValueError(f"average must be in [0, 1), the part of the epochs to average, not {average!r}")
        if self.stop is not None and not isinstance(self.stop, EarlyStopping):
            raise TypeError(f"stop must be an npreg.EarlyStopping, as EarlyStopping(5), not {self.stop!r}")
        epochs: Any = self.num_epochs if self.num_epochs is not None else "auto" if auto else 3
        if not (isinstance(epochs, str) and epochs == "auto"):
            epochs = as_count(epochs, "num_epochs", 0)
        elif str(schedule) in ("step", "cosine", "exponential"):
            raise ValueError(f"the schedule {schedule!r} needs num_epochs as a number: it is for so many")
        callbacks, given = as_callbacks(self.callbacks), self.checkpoint
        standardize = auto if self.standardize is None else self.standardize
        looked_at = {
            **{name: as_flag(getattr(self, name), name) for name in ("verbose", "fit_intercept", "shuffle")},
            **{name: as_nonnegative(getattr(self, name), name) for name in ("l2", "l1")},
            "batch_size": as_batch_size(self.batch_size),
            "lr": lr if auto else as_nonnegative(lr, "lr"),
            "num_epochs": epochs,
            "loss": as_loss(self.loss),
            "engine": as_choice(self.engine, "engine", get_args(EngineName)),
            "rule": as_rule(self.rule),
            "schedule": as_schedule(schedule, 1 if epochs == "auto" else epochs),
            "average": float(average),
            "standardize": as_flag(standardize, "standardize"),
            "callbacks": callbacks,
            "record": next((one.each for one in callbacks if isinstance(one, Record)), None),
            "checkpoint": given if given is None or isinstance(given, Checkpoint) else Checkpoint(given),
        }
        vars(self).update(looked_at)

    def decides(self) -> dict[str, tuple[str, str]]:
        """Name and identity (`npreg.runs.identity`) of all that decides the bits; of rng only a seed does."""
        values = {argument.name: getattr(self, argument.name) for argument in fields(self)}
        values["rng"] = self.rng if isinstance(self.rng, (int, np.integer)) else None
        for name in ("w", "b"):
            if values[name] is not None:
                values[name] = fingerprint(np.atleast_1d(as_float_array(values[name], name)))
        return {name: identify(value, name) for name, value in values.items() if name not in AROUND}


ARGUMENTS = [argument.name for argument in fields(Plan) if argument.init]

# Keywords of the first release that are still taken: the argument that has them now, and how.
EARLIER: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "resume": ("checkpoint", lambda checkpoint, value: Checkpoint(checkpoint, resume=value)),
    "schedule": ("lr", lambda lr, value: (lr, value)),
}


def refuse_unknown(unknown: dict[str, Any], arguments: dict[str, Any]) -> None:
    """TypeError for keywords that `train` does not have, and what to write; those of `EARLIER` with a FutureWarning."""
    for name, value in unknown.items():
        from difflib import get_close_matches

        own = [*(one for one in ELSEWHERE if one.isidentifier()), *ARGUMENTS]
        close = [one for one in ELSEWHERE if name in ELSEWHERE[one].split()] + get_close_matches(name, own, 1)
        meant = f"; did you mean {close[0].format(value=value)}?" if close else ""
        if name not in EARLIER or arguments[EARLIER[name][0]] is None:
            raise TypeError(f"train got an unexpected keyword argument {name!r}{meant}")
        now, convert = EARLIER[name]
        arguments[now] = convert(arguments[now], value)
        warn(f"{name}= of train is going to be refused{meant}", FutureWarning)


def look_at(loss: Loss, sample: Data, theta: FloatArray) -> None:
    """ValueError or TypeError where value or derivative is not what `train` needs, on a few rows at the start."""
    own = loss.value_function, loss.grad_function
    if any(own == (known.value_function, known.grad_function) for known in LOSSES.values()):
        return
    X, y, _ = sample.head(ROWS)
    y_hat = linreg(X, theta[:-1], theta[-1])
    for name, function in (("value", loss.value), ("grad", loss.grad)):
        _look_at_result(f"the loss's {name} function", function, y_hat, y)
    y, y_hat = y.astype(np.float64), y_hat.astype(np.float64)
    if (found := _compare(loss.value, loss.grad, y_hat, y)) is not None:
        if _compare(loss.grad, loss.value, y_hat, y) is None:
            raise ValueError("value and grad of the loss are exchanged; give loss=(value, grad)")
        row, got, expected = found
        times = f", {got / expected:.4g} times as much" if expected and np.isfinite(got / expected) else ""
        why = "the loss's grad function is not the derivative of its value by y_hat"
        where = f"in row {row}, at y_hat = {y_hat.flat[row]:.6g} and y = {y.flat[row]:.6g}"
        told = f"it is {got:.6g}, but value changes by {expected:.6g}{times}"
        raise ValueError(f"{why}: {where}, {told}; npreg.check_gradient finds out more")


def _look_at_result(name: str, function: Any, y_hat: FloatArray, y: FloatArray) -> None:
    before, other = y_hat.copy(), y.copy()
    result = function(before, other)
    if result is None:
        raise TypeError(f"{name} returns None; is its return statement missing?")
    array = np.asarray(result)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} returns {array.dtype}; {NEEDED}")
    if array.shape != y_hat.shape:
        raise ValueError(f"{name} returns shape {array.shape} for predictions of shape {y_hat.shape}; {NEEDED}")
    if not np.isfinite(array).all():
        i = int(np.isfinite(array).all(axis=1).argmin())
        where = f"row {i}, at y_hat = {y_hat[i].tolist()} and y = {y[i].tolist()}"
        raise ValueError(f"{name} returns {array[i].tolist()} in {where}; finite numbers are needed")
    if not (np.array_equal(before, y_hat) and np.array_equal(other, y)):
        raise ValueError(f"{name} changes its arguments; let it make new arrays")


def _compare(value: Any, grad: Any, y_hat: FloatArray, y: FloatArray) -> tuple[int, float, float] | None:
    """The first row, flat, whose derivative is neither of the differences to the left and right."""
    size = np.maximum(np.abs(y_hat), np.abs(y_hat - y)) + 1e-300
    single = np.asarray(value(y_hat, y)).dtype == np.float32
    h, tolerance = (1e-2, 5e-2) if single else (1e-5, 1e-3)
    with np.errstate(all="ignore"):
        left, middle, right = (np.asarray(value(y_hat + k * h * size, y), float) for k in (-1, 0, 1))
        sides = (middle - left) / (h * size), (right - middle) / (h * size)
        got = np.asarray(grad(y_hat, y), float)
    # Rounding of the value, over the step.
    noise = np.finfo(np.float32 if single else np.float64).eps * np.abs(middle) * 8 / (h * size)
    room = tolerance * (np.abs(sides[0]) + np.abs(sides[1]) + np.abs(got)) + noise
    wrong = (got < np.minimum(*sides) - room) | (got > np.maximum(*sides) + room)
    if not wrong.any():
        return None
    row = int(wrong.argmax())
    return row, float(got.flat[row]), float(sides[0].flat[row] + sides[1].flat[row]) / 2
