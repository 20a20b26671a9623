"""A run in progress: epochs, what looks on, what is written down, and how it is taken up again."""

import contextlib
import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from npreg.arrays import DivergenceError, FloatArray
from npreg.arrays.sparse import is_sparse
from npreg.data import start_parameters
from npreg.engines import choose_engine, make_engine
from npreg.learning_rate import scale_advice
from npreg.runs.arrival import judge, learning_rate, least_epochs, most_epochs, warn_of
from npreg.runs.callbacks import Printer, Progress, Recorder, Step, hooks
from npreg.runs.checkpoint import CheckpointError, State
from npreg.runs.convergence import Excess
from npreg.runs.feeds import How, RunRows
from npreg.runs.plan import Plan, look_at
from npreg.runs.sums import mean_loss
from npreg.schedules import ExponentialDecay
from npreg.sgd import FixedIntercept, Momentum, Schedule, Stepper

REASONS = ("num_epochs", "patience", "callback")
DIVERGED = 1e6  # a loss this many times that of the start, and of predicting 0, only ever grows
# In a checkpoint, as numbers and texts, and as arrays:
KEPT = ("rate", "decay", "beta", "num_epochs", "best_epoch", "stopped", "blocks_done")
ARRAYS = ("theta", "good", "best", "epoch_start", "losses", "validation_losses", "epoch_ends")


class Trajectory(NamedTuple):
    """Parameters in time, the initial ones first: w (T + 1, d, k) and b (T + 1, k)."""

    w: FloatArray
    b: FloatArray


class Run:
    """A feed and an engine advance `theta`; `restore` undoes `state`, that of `found`, a checkpoint."""

    def __init__(self, plan: Plan, rows: RunRows, rng: "np.random.Generator", found: State | None = None) -> None:
        self.plan, self.rng, self.rows = plan, rng, rows
        feed, facts = rows.feed, rows.feed.facts
        self.feed = feed
        theta = start_parameters(plan.w, plan.b, facts.width, facts.num_outputs, facts.dtype, rng)
        if not plan.fit_intercept and plan.b is None:
            theta[-1] = 0
        self.theta = theta = theta if rows.scaling is None else rows.scaling.enter(theta)
        look_at(plan.loss, facts.sample, theta)
        # What "auto" stands for is read, not found again: another machine might round it differently.
        if found is not None and plan.lr == "auto":
            needed = float, "a number of at least 0", lambda x: 0 <= x < math.inf
            self.rate, self.decay = found.get("rate", *needed), found.get("decay", *needed)
        else:
            self.rate, self.decay = learning_rate(plan, feed, theta)
        rule = plan.rule
        if isinstance(plan.num_epochs, int):
            self.num_epochs = plan.num_epochs
        elif found is None:
            self.num_epochs, self.rate, rule = least_epochs(plan, feed, theta, self.rate)
        else:
            self.num_epochs = found.count("num_epochs", 1, most_epochs(plan, feed))
            if isinstance(rule, Momentum):
                rule = replace(rule, beta=found.get("beta", float, "a number in [0, 1)", lambda x: 0 <= x < 1))
        if rule is not plan.rule:  # what momentum has stood for
            settled: dict[str, Any] = {"rule": rule, "lr": (plan.lr, plan.schedule)}
            self.plan = plan = replace(plan, **settled)
        self.beta = getattr(rule, "beta", None)
        self.stepper = Stepper(
            (theta[:-1], theta[-1]),
            lr=self.rate,
            divisor=float(plan.batch_size),
            steps_per_epoch=facts.steps_per_epoch(plan.batch_size),
            schedule=self.schedule(),
            rule=rule if plan.fit_intercept else FixedIntercept(rule),
            l2=plan.l2,
            l1=plan.l1,
        )
        self.callbacks = [Printer()] * plan.verbose + plan.callbacks
        self.tell_step = hooks(plan.callbacks, "on_step")
        shape, self.name = (facts.num_rows, facts.width, facts.num_outputs), plan.engine
        if self.name == "auto":  # replay would know the steps of a chunk only after all of them
            self.name = "tight" if self.tell_step else choose_engine(*shape, plan.batch_size, plan.loss, self.stepper)
        largest = facts.norms[0] if self.name == "moments" and facts.is_whole else np.inf
        about = facts.width, plan.batch_size, facts.dtype, plan.loss, self.stepper, largest
        self.engine = make_engine(self.name, *about, sparse=is_sparse(facts.sample.X))
        self.file: str | None = None
        if plan.checkpoint is not None:
            if plan.checkpoint.every == "block" and facts.is_whole:
                raise ValueError('every="block" needs row blocks, RowBlocks.of(...), in the place of arrays')
            self.file, held_out = plan.checkpoint.file, rows.held_out.fingerprint() if rows.held_out else "none"
            others = {"validation": held_out, "data": feed.fingerprint(), "engine": self.name}
            del (settings := plan.decides())["engine"]  # which "auto" has chosen by the rows: it comes after them
            # All on which the bits of this run depend.
            self.settings = settings | {name: (text, text) for name, text in others.items()}
        self.recorder = Recorder(plan.record == "step", self.told_step if self.tell_step else None)
        self.path = self.recorder if plan.record == "step" or plan.average or self.tell_step else None
        self.begin = self.good = self.best = theta.copy()  # of the last epoch that was in order, and of the best
        self.best_epoch, self.steps_told, self.stopped, self.reference = 0, 0, "num_epochs", math.nan
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.judged: tuple[int, Excess | None] = 0, None
        # Of an epoch that is not over: the blocks that are done, the parameters and the generator at its start.
        self.epoch_ends, self.epoch_start, self.blocks_done = [self.begin], self.begin, 0
        self.rng_state: Any = None if self.file is None else rng.bit_generator.state
        if found is not None:
            self.restore(found)

    def schedule(self) -> Schedule | None:
        return ExponentialDecay(self.num_epochs or 1, self.decay) if self.decay < 1 else self.plan.schedule

    @property
    def epoch(self) -> int:
        return len(self.losses)

    def tail_start(self, num_epochs: int) -> int:  # the epochs before those that are averaged
        return num_epochs - math.ceil(self.plan.average * num_epochs)

    def is_finished(self) -> bool:
        return self.stopped != "num_epochs" or self.epoch >= self.num_epochs

    def raw(self, theta: FloatArray) -> FloatArray:
        return theta if self.rows.scaling is None else self.rows.scaling.leave(theta)

    def raw_copies(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        raw = self.raw(theta)
        return raw[:-1].copy(), raw[-1].copy()

    def run(self) -> None:
        """All epochs, up to the last or a reason to stop; with "auto", as many as are needed."""
        self.run_epochs()
        most = most_epochs(self.plan, self.feed) if self.plan.num_epochs == "auto" else 0
        while self.stopped == "num_epochs" and self.num_epochs < most:
            found = self.excess()
            if found is None or found.converged is not False:
                return
            # Twice as many epochs: the average of their second half begins here.
            self.num_epochs = min(2 * self.num_epochs, most)
            self.recorder.sum, self.recorder.count = np.zeros(()), 0
            self.stepper.schedule = self.schedule()
            self.run_epochs()

    def excess(self) -> Excess | None:
        if self.judged[0] != self.epoch:
            self.judged = self.epoch, judge(self.plan, self.feed, self.best_or_last(), self.losses)
        return self.judged[1]

    def conclude(self) -> None:
        """Say where the run has come to: a warning where it was to be there and is not."""
        found, plan = self.excess(), self.plan
        if found is not None and plan.verbose and "auto" in (plan.lr, plan.num_epochs):
            print(f"{'' if found.converged else 'not '}converged: {found.value:.3g} above the least loss")
        if found is not None and self.stopped == "num_epochs" and self.rows.held_out is None:
            warn_of(plan, self.feed, found, self.rate, self.epoch)

    def run_epochs(self) -> None:
        if self.is_finished():
            return
        plan, left = self.plan, self.num_epochs - self.epoch
        # Only a run that is sure to use every order may draw them ahead: the caller may own the generator.
        ahead = plan.stop is None and not hooks(plan.callbacks, "on_epoch") and self.file is None
        self.steps_told = self.stepper.steps_done
        unseen = self.tail_start(self.num_epochs) - self.epoch if self.recorder.only_sums else 0
        how = How(plan.loss, self.path, unseen, ahead, self.blocks_done, self.epoch_start, plan.shuffle)
        epochs = self.feed.epochs(self.engine, self.theta, self.rng, left, how)
        with contextlib.ExitStack() as stack, np.errstate(over="ignore", invalid="ignore"):
            stack.enter_context(contextlib.closing(epochs))
            for on_end in hooks(self.callbacks, "on_end"):
                stack.callback(on_end)
            for on_start in hooks(self.callbacks, "on_start"):
                on_start(self.num_epochs, self.epoch)
            self.recorder.averaging = self.epoch >= self.tail_start(self.num_epochs)
            for ends, self.blocks_done in epochs:
                if ends:
                    if self.file is not None:
                        self.epoch_start, self.rng_state = self.theta.copy(), self.rng.bit_generator.state
                    self.finish_epochs(ends)
                every = 0 if plan.checkpoint is None else plan.checkpoint.every
                due = every == "block" or (every and not self.blocks_done and self.epoch % every == 0)
                if self.file is not None and (due or self.is_finished()):
                    self.state().save(self.file)
                if self.is_finished():
                    return
                self.recorder.averaging = self.epoch >= self.tail_start(self.num_epochs)

    def finish_epochs(self, ends: list[FloatArray]) -> None:
        """Book epochs that ended with these parameters, or with the average of the tail so far."""
        if self.recorder.count:
            ends = [np.asarray(self.recorder.sum / self.recorder.count, self.theta.dtype)]
        for end, loss in zip(ends, self.feed.losses(self.plan.loss, ends), strict=True):
            self.refuse_divergence(loss)
            self.losses.append(loss)
            self.good, held_out = end, None
            if self.rows.held_out is not None:
                (found,) = self.rows.held_out.losses(self.plan.loss, [end])
                held_out = math.inf if math.isnan(found) else found
                self.validation_losses.append(held_out)
            if self.plan.record == "epoch":
                self.epoch_ends.append(end)
            watched, stop = self.losses if held_out is None else self.validation_losses, self.plan.stop
            if not self.best_epoch or watched[-1] < watched[self.best_epoch - 1] - (0.0 if stop is None else stop.tol):
                self.best, self.best_epoch = self.good, self.epoch
            if stop is not None and self.epoch - self.best_epoch >= stop.patience:
                self.stopped = "patience"
            for on_epoch in hooks(self.callbacks, "on_epoch"):
                progress = Progress(self.epoch, self.stepper.steps_done, loss, held_out, *self.raw_copies(self.good))
                if on_epoch(progress):
                    self.stopped = "callback"

    def told_step(self, theta: FloatArray) -> None:
        self.steps_told += 1
        for on_step in self.tell_step:
            on_step(Step(self.epoch + 1, self.steps_told, *self.raw_copies(theta)))

    def refuse_divergence(self, loss: float) -> None:
        """DivergenceError for a loss that is not finite, or does not fall and has left every reasonable scale."""
        if self.losses and loss <= self.losses[-1]:
            return
        sample, zeros = self.feed.facts.sample, np.zeros_like(self.theta)
        if math.isfinite(loss):
            if math.isnan(self.reference):  # first a few rows: they nearly always show that all is well
                self.reference = mean_loss(self.plan.loss, sample.rows(slice(256)), zeros)
            if loss > DIVERGED * self.reference:
                self.reference = max(self.feed.losses(self.plan.loss, [zeros, self.begin]))
            if loss <= DIVERGED * self.reference:
                return
        lr, (w, b) = self.stepper.rate(max(self.stepper.steps_done - 1, 0)), self.raw_copies(self.good)
        where = f"in epoch {self.epoch + 1} at lr = {lr:g} (mean loss {loss:g})"
        kept = "The last finite parameters are on this exception, as .w and .b"
        message = f"the run diverged {where}; {scale_advice(sample)}. {kept}"
        raise DivergenceError(message, epoch=self.epoch + 1, lr=lr, w=w, b=b, losses=np.array(self.losses))

    def state(self) -> State:
        meta = {
            **{name: getattr(self, name) for name in KEPT},
            "settings": {name: list(setting) for name, setting in self.settings.items()},
            "rng": self.rng_state,
            "steps_done": self.stepper.steps_done,
        }
        arrays = {name: np.asarray(getattr(self, name)) for name in ARRAYS}
        arrays |= {f"rule_{i}": part for i, part in enumerate(self.stepper.state)}
        if self.path is not None:
            arrays["tail_sum"] = np.broadcast_to(self.recorder.sum, self.theta.shape)
            arrays["tail_count"] = np.array(self.recorder.count, np.int64)
            arrays["path"] = np.concatenate([self.theta[None][:0], *self.recorder.kept])
        return State(meta, arrays)

    def restore(self, found: State) -> None:
        """Go to where a run of the same settings was; CheckpointError names a field that cannot be."""
        found.compare(self.settings)
        record, per_epoch = self.plan.record, self.stepper.steps_per_epoch
        done = len(found.array("losses", (None,), np.float64))
        planned = found.count("num_epochs", done, math.inf)
        self.blocks_done = found.count("blocks_done", 0, len(self.feed.facts.rows) - 1)
        steps = found.count("steps_done", done * per_epoch, (done + bool(self.blocks_done)) * per_epoch)
        self.best_epoch = found.count("best_epoch", min(done, 1), done)
        self.stopped = found.get("stopped", str, f"one of {', '.join(REASONS)}", REASONS.__contains__)
        lengths = {"losses": done, "validation_losses": 0 if self.rows.held_out is None else done}
        lengths |= {"path": steps * (record == "step"), "epoch_ends": 1 + done * (record == "epoch")}
        arrays = {}
        for name, now in self.state().arrays.items():
            shape = (lengths[name], *now.shape[1:]) if name in lengths else now.shape
            arrays[name] = found.array(name, shape, now.dtype, finite=name != "validation_losses")
        self.check_length(found.path, done, planned)
        found.put_rng(self.rng)
        self.rng_state = self.rng.bit_generator.state
        self.theta[...], self.stepper.steps_done = arrays["theta"], steps
        for i, part in enumerate(self.stepper.state):
            part[...] = arrays[f"rule_{i}"]
        self.losses, self.validation_losses = arrays["losses"].tolist(), arrays["validation_losses"].tolist()
        self.good, self.best, self.epoch_start = arrays["good"], arrays["best"], arrays["epoch_start"]
        self.epoch_ends = [*arrays["epoch_ends"]]
        if self.path is not None:
            self.recorder.sum, self.recorder.count = arrays["tail_sum"], int(arrays["tail_count"])
            self.recorder.kept = [arrays["path"]]

    def check_length(self, path: str, done: int, planned: int) -> None:
        now, tail, before = self.num_epochs, self.tail_start(self.num_epochs), self.tail_start(planned)
        cure = f"give num_epochs={planned}, or begin anew with another path, from w=result.w, b=result.b if you like"
        if done > now:
            cure = f"give {done} or more, or another path"
            raise CheckpointError(f"{path} has done {done} epochs, more than num_epochs={now}; {cure}")
        if self.decay < 1 and planned != now and done:
            why = 'over which lr="auto" lowers the rate of this loss'
            raise CheckpointError(f"{path} is of a run of {planned} epochs, {why}; {cure}")
        if before != tail and done > min(before, tail):
            why = f"averages from epoch {before + 1} of {planned} on, and has done {done}"
            other = f"a run of {now} epochs averages from epoch {tail + 1} on, and is another one"
            raise CheckpointError(f"{path} {why}; {other}; {cure}")

    def best_or_last(self) -> FloatArray:
        """The parameters to return, on the run's own scale: with validation rows the best epoch's."""
        return self.best if self.rows.held_out is not None and self.best_epoch else self.good

    def trajectory(self) -> Trajectory | None:
        if self.plan.record is None:
            return None
        path = self.raw(np.concatenate([self.epoch_ends, *self.recorder.kept]))
        return Trajectory(path[:, :-1], path[:, -1])
