"""Between a run and its checkpoint: what is written down, when, and how a run takes it up again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from npreg.runs.checkpoint import CheckpointError, load, rng_state, save, set_rng_state

if TYPE_CHECKING:
    from npreg.runs.run import Run

__all__ = ["Saver"]


class Saver:
    """Writes a run's checkpoint after every epoch, or about every `steps` steps.

    Parameters
    ----------
    path : path of the .npz file
    steps : int or None
        None for the ends of epochs only.  In an epoch over row blocks, after a block.
    resume : bool
        Continue the file if there is one.
    settings : mapping of name to value
        Everything the result depends on; a file with other settings is refused.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        steps: int | None,
        batch_size: int,
        resume: bool,
        settings: Mapping[str, Any],
    ) -> None:
        self.path, self.resume, self.settings = os.path.abspath(path), resume, dict(settings)
        self.in_epoch, self.steps, self.batch_size = steps is not None, steps or 1, batch_size
        self.last_steps = 0
        folder, name = os.path.split(self.path)
        if not os.path.isdir(folder):
            raise ValueError(f"there is no folder {folder} for the checkpoint {name}")
        if os.path.exists(self.path) and not resume:
            raise FileExistsError(
                f"the checkpoint {self.path} exists already; resume=True continues it, "
                "and to start anew, remove it first"
            )

    def reached(self, run: Run, state: Mapping[str, Any]) -> None:
        """The run is at the end of an epoch, or in the middle of one, which has this state."""
        due = run.stepper.steps_done - self.last_steps >= self.steps
        if due if self.in_epoch and not run.is_finished else not state:
            self.write(run, state)

    def write(self, run: Run, state: Mapping[str, Any]) -> None:
        meta = {
            "settings": self.settings,
            "rng": rng_state(run.rng),
            "steps_done": run.stepper.steps_done,
            "best_epoch": run.best_epoch,
            "stopped": run.stopped,
        }
        arrays = {
            "theta": run.theta,
            "good": run.good,
            "best": run.best,
            "losses": np.array(run.losses, np.float64),
            "validation_losses": np.array(run.validation_losses, np.float64),
            "epoch_ends": np.concatenate(run.epoch_ends),
            **{f"rule_{i}": part for i, part in enumerate(run.stepper.state)},
            **{f"feed_{name}": part for name, part in state.items()},
        }
        if run.recorder is not None:
            arrays["tail_sum"], arrays["tail_count"] = run.recorder.sum, np.array(run.recorder.count)
            if run.recorder.kept:
                arrays["path"] = np.concatenate(run.recorder.kept)
        save(self.path, meta, arrays)
        self.last_steps = run.stepper.steps_done

    def restore(self, run: Run) -> dict[str, Any]:
        """Put the run where the file says; returns the state of an epoch that was left in the middle."""
        if not (self.resume and os.path.exists(self.path)):
            return {}
        meta, arrays = load(self.path)
        try:
            self.compare(meta["settings"])
            run.theta[...] = arrays["theta"]
            run.good, run.best = arrays["good"], arrays["best"]
            run.losses = [float(loss) for loss in arrays["losses"]]
            run.validation_losses = [float(loss) for loss in arrays["validation_losses"]]
            run.epoch_ends = [arrays["epoch_ends"]]
            for i, part in enumerate(run.stepper.state):
                part[...] = arrays[f"rule_{i}"]
            if run.recorder is not None:
                run.recorder.sum, run.recorder.count = arrays["tail_sum"], int(arrays["tail_count"])
                run.recorder.kept = [arrays["path"]] if "path" in arrays else []
            run.stepper.steps_done = self.last_steps = int(meta["steps_done"])
            run.best_epoch, run.stopped = int(meta["best_epoch"]), str(meta["stopped"])
            set_rng_state(run.rng, meta["rng"])
            return {k.removeprefix("feed_"): v for k, v in arrays.items() if k.startswith("feed_")}
        except (KeyError, TypeError, IndexError) as error:
            raise CheckpointError(f"{self.path} is no checkpoint of a training run: {error!r}") from None

    def compare(self, found: Mapping[str, Any]) -> None:
        for name, value in self.settings.items():
            if found.get(name) != value:
                raise CheckpointError(
                    f"{self.path} is the checkpoint of another run: {name} was {found.get(name)!r}, "
                    f"now it is {value!r}; give the same data and settings, or another path"
                )
