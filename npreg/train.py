"""The training run: the notebook's training cell as one call."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import (
    FloatArray,
    Rows,
    as_batch_size,
    as_choice,
    as_count,
    as_flag,
    as_float_array,
    as_nonnegative,
    as_rng,
)
from npreg.data import start_parameters
from npreg.engines import ENGINES, choose_engine, make_engine
from npreg.learning_rate import AUTO_AVERAGE
from npreg.linear import linreg
from npreg.losses import Loss, LossFunction, as_loss
from npreg.runs.callbacks import Callback, as_hooks
from npreg.runs.checkpoint import describe, fingerprint
from npreg.runs.prepare import learning_rate, prepare
from npreg.runs.run import Run, Trajectory
from npreg.runs.saver import Saver
from npreg.sgd import Rule, Schedule, Stepper, as_rule

__all__ = ["TrainResult", "Trajectory", "train"]


@dataclass(frozen=True)
class TrainResult:
    """The outcome of a run.

    Attributes
    ----------
    w, b : ndarrays of shape (d, k) and (k,)
        The learned parameters, in the data's dtype.
    losses : ndarray of shape (epochs,), float64
        The mean loss over all training rows after each epoch.
    engine : str
        "loop", "tight" or "moments".
    lr : float
        The learning rate (useful with lr="auto").
    num_steps : int
        Updates made.
    stopped : str
        "num_epochs", "patience" or "callback".
    trajectory : Trajectory or None
        With record="step" or "epoch".
    validation_losses : ndarray of shape (epochs,) or None
    best_epoch : int or None
        With validation rows: the epoch (from 1) whose parameters these are.
    """

    w: FloatArray
    b: FloatArray
    losses: FloatArray
    engine: str
    lr: float
    num_steps: int
    stopped: str = "num_epochs"
    trajectory: Trajectory | None = field(default=None, repr=False)
    validation_losses: FloatArray | None = None
    best_epoch: int | None = None

    def predict(self, features: ArrayLike) -> FloatArray:
        """features @ w + b, shape (n, k)."""
        return linreg(as_float_array(features, "features"), self.w, self.b)


def train(
    features: ArrayLike | Rows,
    labels: ArrayLike | None = None,
    *,
    batch_size: int = 10,
    lr: float | str = 0.03,
    num_epochs: int = 3,
    w: ArrayLike | None = None,
    b: ArrayLike | None = None,
    rng: Any = None,
    verbose: bool = False,
    loss: str | LossFunction | tuple[LossFunction, LossFunction] | Loss = "squared",
    engine: str = "auto",
    record: str | None = None,
    rule: str | Rule = "sgd",
    schedule: Schedule | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    average: float | None = None,
    sample_weight: ArrayLike | None = None,
    standardize: bool | None = None,
    validation: float | tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
    tol: float = 0.0,
    callbacks: Callback | Iterable[Callback] = (),
    progress: bool = False,
    check_lr: str = "warn",
    block_rows: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
) -> TrainResult:
    """Fit a linear model by minibatch stochastic gradient descent.

    Every epoch draws one `rng.permutation(n)`, cuts it into consecutive minibatches, and for each does

        y_hat = linreg(X, w, b)
        grad_w, grad_b = linreg_backward(X, loss_grad(y_hat, y))
        sgd([w, b], [grad_w, grad_b], lr, batch_size)

    where gradients are sums over the minibatch and `sgd` divides by the nominal batch_size, also for a
    short last one.  Whatever the engine, it is this run, to rounding.

    Parameters
    ----------
    features : (n, d), or RowBlocks
        float32 and float64 are kept; integers and booleans become float64.  Never changed.
    labels : (n,), or (n, k) for k outputs
        Left out with RowBlocks, which bring their own.
    batch_size : int ≥ 1
        May exceed n.
    lr : float ≥ 0, or "auto"
        "auto" is for data in any units: half of `max_learning_rate` (times 1 − β with momentum), and
        unless they are given, `standardize=True` and `average=0.5`.
    num_epochs : int ≥ 0
    w, b : (d, k) and (k,), optional
        Where to start; without them, `init_params(d, rng=rng)` for w, and zeros for b.
    rng : anything `np.random.default_rng` takes
    verbose : bool
        Print `epoch 1, loss 0.037625` after each epoch.
    loss : str, Loss, loss function, or pair (value, grad)
        "squared", "absolute", "huber", "log_cosh", "quantile"; `LOSSES["huber"].bind(delta=2)`; or your
        own pair of functions of (y_hat, y), each returning (B, k) without reduction.
    engine : "auto", "loop", "tight" or "moments"
        "loop" is the plain loop; the others are faster, and equal to it to rounding.
    record : None, "epoch" or "step"
        Keep the parameters after every epoch or step, in `result.trajectory`.
    rule : "sgd", "momentum", "nesterov", or a Rule
    schedule : callable, optional
        Factor of lr as a function of the epochs done (a float, 0 at the first step).
    l2, l1 : float ≥ 0
        Penalties l2/2 Σ w² + l1 Σ |w|, added to the mean loss; not of the intercept.  L1 gives exact
        zeros (proximal steps).
    average : float in [0, 1), optional
        Return the mean of the parameters over this last part of the epochs; by default 0, none.
    sample_weight : (n,), optional
        Weight 2 counts as the row twice: exactly where one minibatch holds all rows, in expectation
        otherwise.
    standardize : bool, optional
        Run on columns of mean 0 and standard deviation 1, and fold the scaling back into w and b; lr and
        penalties then are those of the standardised columns.  By default False.
    validation : (features, labels), or a fraction of the rows to hold out
        Its mean loss is kept in `validation_losses`, and the best epoch's parameters are returned.
    patience, tol : int and float, optional
        Stop after `patience` epochs without an improvement of more than `tol` in the validation loss
        (without validation rows: in the training loss).  `tol` alone stops nothing.
    callbacks : callables of one `Progress`, or objects with `on_epoch` or `on_step`
        Called after each epoch, or each step (`npreg.runs.callbacks`); a true value from an epoch's
        stops the run.
    progress : bool
        Show a progress bar (needs tqdm: `python -m pip install ".[progress]"`).
    check_lr : "warn", "error" or "off"
        What to do, before the first step, where lr is beyond `max_learning_rate` (of row blocks: of the
        first 256 rows).
    block_rows : int, optional
        Read features and labels that many rows at a time, and hold no more: one sequential pass an
        epoch, shuffled as `npreg.RowBlocks` says.  An `np.memmap` is read so in any case, 65 536 rows at
        a time by default; `np.array(features)` brings it into memory.
    checkpoint : path, optional
        Write the run to this .npz file after every epoch, or about every `checkpoint_every` steps.
    resume : bool
        Continue the checkpoint if there is one (else begin): the result has the same bits as if the run
        had never stopped.  A `Generator` given as rng is put into the state it had then.

    Returns
    -------
    TrainResult

    Raises
    ------
    ValueError, TypeError
        For data that are empty, not finite, of shapes that do not fit, complex or of dtype object; and
        for arguments out of range.
    DivergenceError
        Where parameters or loss are no longer finite after an epoch, or the loss has grown beyond all
        bounds; it carries the last parameters that were in order.
    CheckpointError, FileExistsError
        For a checkpoint that is damaged or of another run, and one that is there without `resume`.

    >>> from npreg import synthetic_data
    >>> features, labels = synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    >>> result = train(features, labels, rng=1)
    >>> result.w.ravel(), result.b
    (array([ 2.00, -3.40], dtype=float32), array([4.20], dtype=float32))
    """
    batch_size = as_batch_size(batch_size)
    num_epochs = as_count(num_epochs, "num_epochs", 0)
    if standardize is None:
        standardize = isinstance(lr, str)
    if average is None:
        average = AUTO_AVERAGE if isinstance(lr, str) else 0.0
    chosen_loss, chosen_rule = as_loss(loss), as_rule(rule)
    l2, l1, tol = as_nonnegative(l2, "l2"), as_nonnegative(l1, "l1"), as_nonnegative(tol, "tol")
    if not 0 <= as_nonnegative(average, "average") < 1:
        raise ValueError(f"average must be in [0, 1), the part of the epochs to average, not {average!r}")
    as_choice(engine, "engine", ENGINES)
    as_choice(record, "record", (None, "epoch", "step"))
    as_choice(check_lr, "check_lr", ("warn", "error", "off"))
    flags = {"verbose": verbose, "standardize": standardize, "progress": progress, "resume": resume}
    for flag, value in flags.items():
        as_flag(value, flag)
    if patience is not None:
        patience = as_count(patience, "patience", 1)
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of the epochs done, not {schedule!r}")
    hooks = as_hooks(callbacks)
    generator = as_rng(rng)
    feed, scaling, held_out = prepare(
        features, labels, sample_weight, block_rows, validation, standardize, generator
    )
    facts = feed.facts
    theta = start_parameters(w, b, facts.width, facts.num_outputs, facts.dtype, generator)
    if scaling is not None:
        theta = scaling.enter(theta)
    rate = learning_rate(lr, feed, batch_size, l2, chosen_loss, chosen_rule, check_lr)

    stepper = Stepper(
        (theta[:-1], theta[-1]),
        lr=rate,
        divisor=facts.divisor(batch_size),
        steps_per_epoch=facts.steps_per_epoch(batch_size),
        schedule=schedule,
        rule=chosen_rule,
        l2=l2,
        l1=l1,
    )
    name = engine
    if engine == "auto" and hooks.on_step:
        name = "tight"  # replay would know the steps of a chunk only after all of them
    elif engine == "auto":
        name = choose_engine(facts.num_rows, facts.width, facts.num_outputs, batch_size, chosen_loss, stepper)
    largest = facts.largest_norm if name == "moments" else np.inf
    saver = None
    if checkpoint is not None:
        settings = {
            "data": feed.fingerprint(),
            "validation": None if held_out is None else fingerprint(*held_out),
            "batch_size": batch_size,
            "lr": rate,
            "loss": f"{describe(chosen_loss.value_function)} {chosen_loss.params}",
            "rule": repr(chosen_rule),
            "schedule": describe(schedule),
            "l2": l2,
            "l1": l1,
            "average": average and [average, num_epochs],
            "engine": name,
            "record": record,
            "standardize": standardize,
            "patience": patience,
            "tol": tol,
        }
        saver = Saver(
            checkpoint,
            steps=None if checkpoint_every is None else as_count(checkpoint_every, "checkpoint_every", 1),
            batch_size=batch_size,
            resume=resume,
            settings=settings,
        )
    elif checkpoint_every is not None or resume:
        raise ValueError("checkpoint_every and resume need checkpoint, the path of a file")
    run = Run(
        feed=feed,
        engine=make_engine(name, facts.width, batch_size, facts.dtype, chosen_loss, stepper, largest),
        stepper=stepper,
        loss=chosen_loss,
        theta=theta,
        rng=generator,
        num_epochs=num_epochs,
        record=record,
        average=average,
        scaling=scaling,
        validation=held_out,
        patience=patience,
        tol=tol,
        hooks=hooks,
        verbose=verbose,
        progress=progress,
        saver=saver,
    )
    run.run()
    final = run.parameters()
    return TrainResult(
        w=final[:-1].copy(),
        b=final[-1].copy(),
        losses=np.array(run.losses),
        engine=name,
        lr=rate,
        num_steps=stepper.steps_done,
        stopped=run.stopped,
        trajectory=run.trajectory(),
        validation_losses=None if held_out is None else np.array(run.validation_losses),
        best_epoch=run.best_epoch if held_out is not None else None,
    )
