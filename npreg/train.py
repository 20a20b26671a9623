"""The training run: the notebook's training cell as one call."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import FloatArray, Names, Rows, as_rng, as_rows_of
from npreg.arrays.sparse import is_sparse
from npreg.linear import linreg
from npreg.losses import Loss, LossFunction, LossName
from npreg.runs.callbacks import Callback
from npreg.runs.checkpoint import Checkpoint, CheckpointError, State
from npreg.runs.feeds import RunRows
from npreg.runs.plan import ARGUMENTS, EarlyStopping, EngineName, Plan, RuleName, ScheduleName, refuse_unknown
from npreg.runs.run import Run, Trajectory
from npreg.sgd import Rule, Schedule

__all__ = ["TrainResult", "TrainingInterrupted", "Trajectory", "train"]

Rate: TypeAlias = float | Literal["auto"]


@dataclass(frozen=True)
class TrainResult:
    """The outcome of a run.

    Attributes
    ----------
    w, b : ndarrays of shape (d, k) and (k,)
        The learned parameters, in the data's dtype.
    losses : ndarray of shape (epochs,), float64
        The mean loss over all training rows after each epoch.
    engine, lr, beta, loss, loss_params : str, float, float or None, str and dict
        What "auto" stood for, β that of momentum; the loss's name and parameters.
    num_steps, stopped : int and str
        Updates made, and why there were no more: "num_epochs", "patience", "callback", or "interrupted".
    trajectory : Trajectory or None
        With a `Record` among the callbacks.
    validation_losses, best_epoch : ndarray of shape (epochs,) and int, or None
        With validation rows: their loss, and the epoch (from 1) whose parameters these are.
    excess_loss, converged : float and bool, or None
        The mean loss with penalties, above the least possible, and whether that is at most a hundredth of the loss
        of the best constant; None where it was not looked at.
    feature_names : tuple of str, or None
        The features' columns, where they had names.
    """

    w: FloatArray
    b: FloatArray
    losses: FloatArray
    engine: str
    lr: float
    num_steps: int
    stopped: str = "num_epochs"
    loss: str = "squared"
    loss_params: dict[str, float] = field(default_factory=dict, repr=False)
    trajectory: Trajectory | None = field(default=None, repr=False)
    validation_losses: FloatArray | None = None
    best_epoch: int | None = None
    excess_loss: float | None = None
    converged: bool | None = None
    feature_names: Names = None
    beta: float | None = None

    def __repr__(self) -> str:
        with np.printoptions(threshold=10, edgeitems=2):
            shown = (f"{part.name}={getattr(self, part.name)!r}" for part in fields(self) if part.repr)
            return f"TrainResult({', '.join(shown)})"

    @classmethod
    def of(cls, run: Run) -> "TrainResult":
        final, has_held_out = run.raw(run.best_or_last()), run.rows.held_out is not None
        found = run.excess()
        return cls(
            w=final[:-1].copy(),
            b=final[-1].copy(),
            losses=np.array(run.losses),
            engine=run.name,
            lr=run.rate,
            num_steps=run.epoch * run.stepper.steps_per_epoch,
            stopped=run.stopped,
            loss=run.plan.loss.name,
            loss_params=dict(run.plan.loss.params),
            trajectory=run.trajectory(),
            validation_losses=np.array(run.validation_losses) if has_held_out else None,
            best_epoch=run.best_epoch if has_held_out else None,
            excess_loss=None if found is None else found.value,
            converged=None if found is None else found.converged,
            feature_names=run.rows.feed.facts.sample.names,
            beta=run.beta,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to an .npz file, without pickle; the file appears whole or not at all."""
        values = {argument.name: getattr(self, argument.name) for argument in fields(self)}
        if (path_taken := values.pop("trajectory")) is not None:
            values |= {"trajectory_w": path_taken.w, "trajectory_b": path_taken.b}
        arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        meta = {name: value for name, value in values.items() if name not in arrays}
        State({"kind": "result", **meta}, arrays).save(os.fspath(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "TrainResult":
        """A result that was saved; CheckpointError for a file that is damaged or something else.

        >>> import tempfile
        >>> result = train([[1.0], [2.0]], [1.0, 2.0], rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result.save(f"{folder}/result.npz")
        ...     np.array_equal(TrainResult.load(f"{folder}/result.npz").w, result.w)
        True
        """
        state = State.load(os.fspath(path))
        found = {**state.meta, **state.arrays}
        if found.get("kind") != "result" or not {"w", "b", "losses"} <= {*state.arrays}:
            raise CheckpointError(f"{path} is no saved result; a checkpoint is resumed by train(checkpoint=...)")
        if "trajectory_w" in found and "trajectory_b" in found:
            found["trajectory"] = Trajectory(found["trajectory_w"], found["trajectory_b"])
        if found.get("feature_names") is not None:
            found["feature_names"] = tuple(found["feature_names"])
        return cls(**{argument.name: found[argument.name] for argument in fields(cls) if argument.name in found})

    def predict(self, features: ArrayLike) -> FloatArray:
        """features @ w + b, shape (n, k); of a frame, the columns by their names, in whatever order."""
        X = as_rows_of(self.feature_names, len(self.w), features)
        return X.dot(self.w) + self.b if is_sparse(X) else linreg(X, self.w, self.b)


class TrainingInterrupted(KeyboardInterrupt):
    """A run was interrupted from the keyboard; `result` is what it had come to after its last whole epoch."""

    def __init__(self, result: TrainResult) -> None:
        epoch = len(result.losses) + 1
        super().__init__(f"interrupted in epoch {epoch}; the result so far is on this exception, .result")
        self.result = result


def train(
    features: ArrayLike | Rows,
    labels: ArrayLike | None = None,
    *,
    batch_size: int = 10,
    lr: Rate | tuple[Rate, ScheduleName | Schedule] = 0.03,
    num_epochs: int | Literal["auto"] | None = None,
    w: ArrayLike | None = None,
    b: ArrayLike | None = None,
    rng: Any = None,
    verbose: bool = False,
    loss: LossName | LossFunction | tuple[LossFunction, LossFunction] | Loss = "squared",
    engine: EngineName = "auto",
    rule: RuleName | Rule = "sgd",
    l2: float = 0.0,
    l1: float = 0.0,
    average: float | None = None,
    sample_weight: ArrayLike | None = None,
    standardize: bool | None = None,
    fit_intercept: bool = True,
    shuffle: bool = True,
    validation: float | tuple[ArrayLike, ArrayLike] | None = None,
    stop: EarlyStopping | None = None,
    callbacks: Callback | Iterable[Callback] = (),
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    **unknown: NoReturn,
) -> TrainResult:
    """Fit a linear model by minibatch stochastic gradient descent.

    Every epoch draws one `rng.permutation(n)`, cuts it into consecutive minibatches, and for each does

        y_hat = linreg(X, w, b)
        grad_w, grad_b = linreg_backward(X, loss_grad(y_hat, y))
        sgd([w, b], [grad_w, grad_b], lr, batch_size)

    where gradients are sums over the minibatch and `sgd` divides by the nominal batch_size, also for a
    short last one.  Whatever the engine, it is this run, to rounding.

    Parameters: the notebook's
    --------------------------
    features : (n, d)
        float32 and float64 are kept; integers and booleans become float64.  Never changed.
    labels : (n,), or (n, k) for k outputs
    batch_size : int ≥ 1
        May exceed n.
    lr : float ≥ 0, or "auto", or a pair of this and a schedule
        "auto" is for data in any units: half of `max_learning_rate`, or its like for the rule, and unless they are
        given, `standardize=True` and `average=0.5`.  A number beyond `max_learning_rate` (of row blocks: of the first
        256 rows) is warned of before the first step.  A schedule is a function of the epochs done (a float, 0 at the
        first step) that returns a factor of lr; or the name of one for this many epochs: `lr=(0.1, "cosine")`,
        "step", "inverse_scaling", "exponential", "constant".
    num_epochs : int ≥ 0, or "auto"
        By default 3, and with lr="auto" "auto": as many as bring the loss within a hundredth (of that of the best
        constant) of the least one, but no more than 100 000 steps or 10 000 epochs, or 20 epochs if these have more.
    w, b : (d, k) and (k,), optional
        Where to start; without them, `init_params(d, rng=rng)` for w, and zeros for b.
    rng : anything `np.random.default_rng` takes
    verbose : bool
        Print `epoch 1, loss 0.037625` after each epoch, of many epochs after about twenty.

    Parameters: beyond the notebook
    -------------------------------
    loss : str, Loss, loss function, or pair (value, grad)
        "squared", "absolute", "huber", "log_cosh", "quantile"; `LOSSES["huber"].bind(delta=2)`; or your own pair of
        functions of (y_hat, y), each returning (B, k) without reduction.
    engine : "auto", "loop", "tight" or "moments"
        "loop" is the plain loop, `npreg/loop.py`; the others are faster, and equal to it to rounding.
    rule : "sgd", "momentum", "nesterov", "adam", "adagrad", or a Rule
        β is 0.9, as in `Momentum(0.9)`; of momentum by its name with lr="auto" larger, where that saves many steps.
    l2, l1 : float ≥ 0
        Penalties l2/2 Σ w² + l1 Σ |w|, added to the mean loss; not of the intercept.  L1 gives exact zeros.
    average : float in [0, 1), optional
        Return the mean of the parameters over this last part of the epochs; by default 0, none.
    sample_weight : (n,), optional
        Only ratios matter.  Weight 2 counts as the row twice: exactly with batch_size=n, in expectation otherwise.
    standardize : bool, optional
        Run on columns of mean 0 and standard deviation 1, and fold the scaling back into w and b; lr and penalties
        then are those of the standardised columns.  By default False.
    fit_intercept : bool
        False leaves b where it is, at 0 unless it is given; `standardize` then scales columns to a root mean square
        of 1, around 0.
    shuffle : bool
        False takes rows (and blocks) in the order in which they are, in every epoch.
    validation : (features, labels), these and sample_weight, RowBlocks, or a fraction of the rows to hold out
        Its mean loss is kept in `validation_losses`, and the best epoch's parameters are returned.
    stop : EarlyStopping, optional
        `EarlyStopping(patience=5)`: stop after 5 epochs without an improvement of the validation loss (without
        validation rows: of the training loss).
    callbacks : callables of one `Progress`, or objects with `on_epoch` or `on_step`
        Called after each epoch, or each step (`npreg.runs.callbacks`); a true value from an epoch's stops the run.
        `ProgressBar()` is one; `Record("epoch")` or `Record("step")` keeps the parameters in `result.trajectory`.

    Parameters: large data and interruptions
    ----------------------------------------
    features : RowBlocks, in the place of arrays, without labels and sample_weight
        `RowBlocks.of(features, labels, 10_000)` reads so many rows at a time, and holds no more: one sequential pass
        an epoch, shuffled as `npreg.RowBlocks` says.  An `np.memmap` is read so in any case, 65 536 rows at a time;
        `np.array(features)` brings it into memory.
    checkpoint : path, or Checkpoint
        Write the run to this .npz file after every epoch, or as the Checkpoint says.  `Checkpoint(path, resume=True)`
        continues the file if there is one: the result has the same bits as if the run had never stopped, also where
        num_epochs is now larger.  A `Generator` given as rng is put into the state it had then.

    Raises
    ------
    ValueError, TypeError
        For data that are empty, not finite, of shapes that do not fit, complex or of dtype object; and for arguments
        out of range, or unknown.
    DivergenceError, TrainingInterrupted
        Where parameters or loss are no longer finite after an epoch, or the loss has grown beyond all bounds; where
        the run is interrupted from the keyboard.  They carry the parameters so far.
    CheckpointError, FileExistsError
        For a checkpoint that is damaged, in use, or of another run, and one that is there without `resume`.

    >>> from npreg import synthetic_data
    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> result = train(features, labels, rng=1)
    >>> result.w.ravel(), result.b
    (array([ 2.00, -3.40], dtype=float32), array([4.20], dtype=float32))
    """
    arguments = locals()  # all of them, so that none can be forgotten on its way into the plan
    refuse_unknown(unknown, arguments)
    plan = Plan(**{name: arguments[name] for name in ARGUMENTS})
    generator = as_rng(plan.rng)
    with contextlib.nullcontext() if plan.checkpoint is None else plan.checkpoint.opened() as found:
        rows = RunRows.of(features, labels, sample_weight, validation, plan, generator)
        run = Run(plan, rows, generator, found)
        try:
            run.run()
        except KeyboardInterrupt:
            run.stopped = "interrupted"
            raise TrainingInterrupted(TrainResult.of(run)) from None
        run.conclude()
    return TrainResult.of(run)
