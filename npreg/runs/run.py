"""A run in progress: epochs, what looks on, what is written down, and how it is taken up again."""

from __future__ import annotations

import contextlib
import math
from typing import Any, NamedTuple

import numpy as np

from npreg.arrays import FloatArray
from npreg.arrays.sparse import is_sparse
from npreg.data import start_parameters
from npreg.engines import choose_engine, make_engine
from npreg.learning_rate import max_learning_rate
from npreg.losses import Loss
from npreg.runs.arrival import judge, least_epochs, most_epochs, warn_of
from npreg.runs.checkpoint import CheckpointError, Fields, State, set_rng_state
from npreg.runs.convergence import Excess
from npreg.runs.feeds import Facts, How
from npreg.runs.observers import DIVERGED, Best, Divergence, Epoch, Observer, Printer, Recorder, Teller, held_out_loss
from npreg.runs.orders import in_order
from npreg.runs.own_loss import look_at
from npreg.runs.plan import Plan
from npreg.runs.rate import learning_rate
from npreg.runs.rows import RunRows
from npreg.runs.saver import Saver, Settings, compare
from npreg.schedules import ExponentialDecay
from npreg.sgd import FixedIntercept, Schedule, Stepper

__all__ = ["DIVERGED", "Run", "Trajectory"]

REASONS = ("num_epochs", "patience", "callback")


class Trajectory(NamedTuple):
    """Parameters in time, the initial ones first: w (T + 1, d, k) and b (T + 1, k)."""

    w: FloatArray
    b: FloatArray


class Run:
    """A feed and an engine advance `theta`; observers look on; `restore` undoes `state`.

    `found` is what a checkpoint holds, of the same run or another.
    """

    def __init__(self, plan: Plan, rows: RunRows, rng: np.random.Generator, found: Fields | None = None) -> None:
        self.plan, self.rng, self.rows = plan, rng, rows
        feed, facts = rows.feed, rows.feed.facts
        self.feed = feed
        theta = start_parameters(plan.w, plan.b, facts.width, facts.num_outputs, facts.dtype, rng)
        _check_labels(plan.loss, facts)
        if not plan.fit_intercept and plan.b is None:
            theta[-1] = 0
        self.theta = theta = theta if rows.scaling is None else rows.scaling.enter(theta)
        # What "auto" stands for is read, not found again: another machine might round it differently.
        look_at(plan.loss, facts.sample, theta)
        self.num_epochs = 0 if plan.num_epochs == "auto" else plan.num_epochs
        if found is not None and plan.lr == "auto":
            self.rate, self.decay = _number(found, "rate"), _number(found, "decay")
        else:
            self.rate, self.decay = learning_rate(plan, feed, theta)
        if plan.num_epochs == "auto":
            given = None if found is None else found.count("num_epochs", 1, most_epochs(plan, feed))
            self.num_epochs = given or least_epochs(plan, feed, theta, self.rate)
        self.stepper = Stepper(
            (theta[:-1], theta[-1]),
            lr=self.rate,
            divisor=facts.divisor(plan.batch_size),
            steps_per_epoch=facts.steps_per_epoch(plan.batch_size),
            schedule=self.schedule(),
            rule=plan.rule if plan.fit_intercept else FixedIntercept(plan.rule),
            l2=plan.l2,
            l1=plan.l1,
        )
        self.name = self.engine_name()
        largest = facts.largest_norm if self.name == "moments" else np.inf
        self.engine = make_engine(
            self.name,
            facts.width,
            plan.batch_size,
            facts.dtype,
            plan.loss,
            self.stepper,
            largest,
            sparse=is_sparse(facts.sample.X),
        )
        if plan.checkpoint is not None and plan.checkpoint.every == "block" and feed.facts.is_whole:
            raise ValueError('every="block" needs row blocks, RowBlocks.of(...), in the place of arrays')
        self.settings: Settings = self.all_settings() if plan.checkpoint is not None else {}

        tail = math.ceil(plan.average * self.num_epochs)
        self.first_averaged = self.num_epochs - tail
        self.teller = Teller(plan.callbacks, self.raw)
        tell = self.teller.on_step if plan.callbacks.on_step else None
        keep = plan.record == "step"
        self.recorder = Recorder(keep=keep, tell=tell) if keep or tail or tell else None
        self.divergence = Divergence(feed, plan.loss, theta.copy(), self.raw, self.stepper.rate)
        self.best = Best(plan.stop, theta.copy())
        self.printer = Printer(self.num_epochs) if plan.verbose else None
        self.observers: list[Observer] = [*filter(None, [self.printer]), self.best, self.teller]
        self.epoch_ends = [theta[None].copy()]
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.stopped = "num_epochs"
        self.judged: tuple[int, Excess | None] = 0, None
        self.within: dict[str, Any] = {}  # what an epoch that is not over has gathered, beside theta
        if found is not None:
            self.restore(found)

    def schedule(self) -> Schedule | None:
        """The one that is given, or that of lr="auto"."""
        return ExponentialDecay(self.num_epochs or 1, self.decay) if self.decay < 1 else self.plan.schedule

    def engine_name(self) -> str:
        plan, facts = self.plan, self.feed.facts
        if plan.engine != "auto":
            return plan.engine
        if plan.callbacks.on_step:
            return "tight"  # replay would know the steps of a chunk only after all of them
        shape = facts.num_rows, facts.width, facts.num_outputs
        return choose_engine(*shape, plan.batch_size, plan.loss, self.stepper)

    def all_settings(self) -> Settings:
        """All on which the bits of this run depend."""
        held_out = self.rows.held_out
        data = self.feed.fingerprint(), "none" if held_out is None else held_out.fingerprint()
        settings = self.plan.decides()
        del settings["engine"]  # which "auto" has chosen by the rows: it comes after them
        rows = {"validation": (data[1], data[1]), "data": (data[0], data[0])}
        return {**settings, **rows, "engine": (self.name, self.name)}

    @property
    def epoch(self) -> int:
        return len(self.losses)

    def is_finished(self) -> bool:
        return self.stopped != "num_epochs" or self.epoch >= self.num_epochs

    @property
    def steps_done(self) -> int:
        """Of the epochs that are over."""
        return self.epoch * self.stepper.steps_per_epoch

    def raw(self, theta: FloatArray) -> FloatArray:
        """Parameters for the features as they came in."""
        return theta if self.rows.scaling is None else self.rows.scaling.leave(theta)

    def run(self, saver: Saver | None = None) -> None:
        """All epochs, up to the last or a reason to stop; with "auto", as many as are needed."""
        self.run_epochs(saver)
        most = most_epochs(self.plan, self.feed) if self.plan.num_epochs == "auto" else 0
        while self.stopped == "num_epochs" and self.num_epochs < most and not self.has_arrived():
            # Twice as many epochs: the average of their second half begins here.
            self.num_epochs = min(2 * self.num_epochs, most)
            self.first_averaged = self.num_epochs - math.ceil(self.plan.average * self.num_epochs)
            if self.recorder is not None:
                self.recorder.sum, self.recorder.count = np.zeros(()), 0
            self.stepper.schedule = self.schedule()
            self.run_epochs(saver)

    def has_arrived(self) -> bool:
        found = self.excess()
        return found is None or found.converged is not False

    def excess(self) -> Excess | None:
        """How far the parameters to return are from the least loss."""
        if self.judged[0] != self.epoch:
            self.judged = self.epoch, judge(self.plan, self.feed, self.best_or_last(), self.losses)
        return self.judged[1]

    def conclude(self) -> None:
        """Say where the run has come to: a warning where it was to be there and is not."""
        found = self.excess()
        if found is None:
            return
        if self.plan.verbose and "auto" in (self.plan.lr, self.plan.num_epochs):
            print(f"{'' if found.converged else 'not '}converged: {found.value:.3g} above the least loss")
        if self.stopped == "num_epochs" and found.converged is False and self.rows.held_out is None:
            facts, plan = self.feed.facts, self.plan  # of blocks the bound would cost a pass
            bound = max_learning_rate(self.feed, plan.batch_size, l2=plan.l2) if facts.is_whole else math.inf
            warn_of(self.plan, self.feed, found, self.rate, self.epoch, bound)

    def run_epochs(self, saver: Saver | None) -> None:
        if self.is_finished():
            return
        plan, hooks, left = self.plan, self.plan.callbacks, self.num_epochs - self.epoch
        # Only a run that is sure to use every order may draw them ahead: the caller may own the generator.
        ahead = plan.stop is None and not hooks.on_epoch and saver is None
        self.teller.epochs, self.teller.steps = self.epoch, self.stepper.steps_done
        how = How(plan.loss, self.recorder, ahead, self.within)
        rng = self.rng if plan.shuffle else in_order(self.rng)
        epochs = self.feed.epochs(self.engine, self.theta, rng, left, how)
        with contextlib.ExitStack() as stack, np.errstate(over="ignore", invalid="ignore"):
            stack.enter_context(contextlib.closing(epochs))
            if self.printer is not None:
                stack.callback(self.printer.on_end)
            for on_end in hooks.on_end:
                stack.callback(on_end)
            for on_start in hooks.on_start:
                on_start(self.num_epochs, self.epoch)
            self.begin_epoch()
            for ends, self.within in epochs:
                self.finish_epochs(ends)
                if saver is not None:
                    saver.reached(self.epoch, bool(self.within), self.is_finished(), self.state)
                if self.is_finished():
                    return
                self.begin_epoch()

    def begin_epoch(self) -> None:
        if self.recorder is not None:
            self.recorder.averaging = self.epoch >= self.first_averaged

    def finish_epochs(self, ends: list[FloatArray]) -> None:
        """Book epochs that ended with these parameters, or with the average of the tail so far."""
        if ends and self.recorder is not None and self.recorder.count:
            ends = [np.asarray(self.recorder.sum / self.recorder.count, self.theta.dtype)]
        for end, loss in zip(ends, self.feed.losses(self.plan.loss, ends), strict=True):
            self.finish_epoch(end, loss)

    def finish_epoch(self, end: FloatArray, loss: float) -> None:
        """Book an epoch that ended with these parameters and this loss, and let the observers look."""
        epoch = Epoch(self.epoch + 1, self.stepper.steps_done, end, loss)
        self.divergence.on_epoch(epoch)
        held_out = held_out_loss(self.plan.loss, self.rows.held_out, end)
        epoch = epoch._replace(validation_loss=held_out)
        self.losses.append(loss)
        if held_out is not None:
            self.validation_losses.append(held_out)
        if self.plan.record == "epoch":
            self.epoch_ends.append(end[None])
        for observer in self.observers:
            self.stopped = observer.on_epoch(epoch) or self.stopped

    def state(self) -> State:
        """Everything that the rest of the run depends on."""
        meta = {
            "settings": {name: list(setting) for name, setting in self.settings.items()},
            "rng": self.rng.bit_generator.state,
            "rate": self.rate,
            "decay": self.decay,
            "num_epochs": self.num_epochs,
            "first_averaged": self.first_averaged,
            "steps_done": self.stepper.steps_done,
            "best_epoch": self.best.number,
            "stopped": self.stopped,
        }
        arrays = {
            "theta": self.theta,
            "good": self.divergence.good,
            "best": self.best.theta,
            "losses": np.array(self.losses, np.float64),
            "validation_losses": np.array(self.validation_losses, np.float64),
            "epoch_ends": np.concatenate(self.epoch_ends),
            **{f"rule_{i}": part for i, part in enumerate(self.stepper.state)},
            **{f"feed_{name}": part for name, part in self.within.items()},
        }
        if self.recorder is not None:
            arrays["tail_sum"] = np.broadcast_to(self.recorder.sum, self.theta.shape)
            arrays["tail_count"] = np.array(self.recorder.count, np.int64)
            arrays["path"] = np.concatenate([self.epoch_ends[0][:0], *self.recorder.kept])
        return State(meta, arrays)

    def restore(self, found: Fields) -> None:
        """Go to where a run of the same settings was; CheckpointError names a field that cannot be."""
        compare(found, self.settings)
        plan, shape, dtype = self.plan, self.theta.shape, self.theta.dtype
        losses = found.array("losses", (None,), np.float64)
        done, per_epoch = len(losses), self.stepper.steps_per_epoch
        planned = found.count("num_epochs", done, math.inf)
        first = found.count("first_averaged", 0, planned)
        within = {name.removeprefix("feed_"): part for name, part in found.arrays.items() if name[:5] == "feed_"}
        most = per_epoch if within else 0
        steps = found.count("steps_done", done * per_epoch, done * per_epoch + most)
        best = found.count("best_epoch", min(done, 1), done)
        stopped = found.get("stopped", str, f"one of {', '.join(REASONS)}", REASONS.__contains__)
        validated = done if self.rows.held_out is not None else 0
        held_out = found.array("validation_losses", (validated,), np.float64, finite=False)
        ends = found.array("epoch_ends", (1 + done * (plan.record == "epoch"), *shape), dtype)
        parameters = {name: found.array(name, shape, dtype) for name in ("theta", "good", "best")}
        rule = [found.array(f"rule_{i}", part.shape, part.dtype) for i, part in enumerate(self.stepper.state)]
        if self.recorder is not None:
            kept = steps if plan.record == "step" else 0
            tail = found.array("tail_sum", shape, np.float64), found.array("tail_count", (), np.int64)
            path = found.array("path", (kept, *shape), dtype)
            self.recorder.sum, self.recorder.count, self.recorder.kept = tail[0], int(tail[1]), [path]
        self.check_length(found.path, done, planned, first)
        set_rng_state(self.rng, found)
        self.within, self.stopped = within, stopped
        self.theta[...] = parameters["theta"]
        for part, before in zip(self.stepper.state, rule, strict=True):
            part[...] = before
        self.stepper.steps_done = steps
        self.losses, self.validation_losses = losses.tolist(), held_out.tolist()
        self.epoch_ends = [ends]
        self.divergence.losses, self.divergence.good = self.losses.copy(), parameters["good"]
        watched = self.losses if self.rows.held_out is None else self.validation_losses
        self.best.theta, self.best.number = parameters["best"], best
        self.best.loss = watched[best - 1] if best else math.inf

    def check_length(self, path: str, done: int, planned: int, first: int) -> None:
        """Whether a run of this many epochs has the same beginning."""
        now = self.num_epochs
        if done > now:
            raise CheckpointError(
                f"{path} has done {done} epochs, more than num_epochs={now}; give {done} or more, or another path"
            )
        if self.decay < 1 and planned != now and done:
            raise CheckpointError(
                f'{path} is of a run of {planned} epochs, over which lr="auto" lowers the rate of this loss; '
                f"give num_epochs={planned}, or begin anew with another path, from w=result.w, b=result.b if "
                "you like"
            )
        if first != self.first_averaged and done > min(first, self.first_averaged):
            raise CheckpointError(
                f"{path} averages from epoch {first + 1} of {planned} on, and has done {done}; with "
                f"average={self.plan.average:g} a run of {now} epochs averages from epoch "
                f"{self.first_averaged + 1} on, and is another one; give num_epochs={planned}, or begin anew "
                "with another path, from w=result.w, b=result.b if you like"
            )

    def best_or_last(self) -> FloatArray:
        """The parameters to return, on the run's own scale: with validation rows the best epoch's."""
        chosen = self.rows.held_out is not None and self.best.number
        return self.best.theta if chosen else self.divergence.good

    def trajectory(self) -> Trajectory | None:
        if self.plan.record is None:
            return None
        steps = self.recorder.kept if self.plan.record == "step" and self.recorder is not None else []
        path = self.raw(np.concatenate([*self.epoch_ends, *steps]))
        return Trajectory(path[:, :-1], path[:, -1])


def _check_labels(loss: Loss, facts: Facts) -> None:
    """ValueError where the squares of labels overflow: no loss could be told."""
    y = np.abs(facts.sample.y)
    largest, row = float(y.max()), int(y.max(axis=1).argmax())
    if loss.is_squared and largest > math.sqrt(float(np.finfo(facts.dtype).max) / facts.num_rows):
        raise ValueError(
            f"labels reach {largest:.3g} in row {row}, and the sum of squares is beyond the range of "
            f"{facts.dtype}; give labels / {largest:.3g}, and multiply predictions by that"
        )


def _number(found: Fields, name: str) -> float:
    number: float = found.get(name, float, "a number of at least 0", lambda x: math.isfinite(x) and x >= 0)
    return number
