"""Writes a run down, and finds what an earlier one has written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from npreg.runs.checkpoint import Checkpoint, CheckpointError, Fields, State, locked

__all__ = ["Saver", "Settings", "compare"]

Settings: TypeAlias = Mapping[str, tuple[str, str]]  # a name to be read, and an identity to be compared


class Saver:
    """Keeps a run's checkpoint: after epochs, and with row blocks also after blocks."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.path, self.resume, self.every = checkpoint.file, checkpoint.resume, checkpoint.every
        folder, name = os.path.split(self.path)
        if not os.path.isdir(folder):
            raise ValueError(f"there is no folder {folder} for the checkpoint {name}")

    @contextlib.contextmanager
    def opened(self) -> Iterator[Fields | None]:
        """Hold the file for this run; gives what an earlier one has written there, if there is any."""
        from npreg.files import remove_parts

        with locked(self.path):
            remove_parts(self.path)
            if not os.path.exists(self.path):
                yield None
            elif self.resume:
                yield Fields(self.path, State.load(self.path))
            else:
                raise FileExistsError(
                    f"the checkpoint {self.path} exists already; resume=True continues it, and another path begins anew"
                )

    def reached(self, epoch: int, within: bool, finished: bool, state: Callable[[], State]) -> None:
        """At the end of an epoch, or within one between two blocks: write, where it is time to."""
        if finished or self.every == "block" or (not within and epoch % self.every == 0):
            state().save(self.path)


def compare(fields: Fields, now: Settings) -> None:
    """CheckpointError where a setting is not what it was, in words."""
    before = fields.get("settings", dict, "the settings of a run")
    for name, (text, identity) in now.items():
        was = before.get(name)
        if not (isinstance(was, list) and len(was) == 2 and all(isinstance(part, str) for part in was)):
            raise fields.wrong(f"the setting {name}", was, "a name and an identity")
        if was[1] == identity or (name == "rng" and "None" in (was[1], identity)):
            continue  # a generator is put into the state it had
        if name in ("data", "validation"):
            change = "the data have changed" if name == "data" else "the validation rows have changed"
        elif text == was[0]:
            change = f"{name} was {text} as now, but its code or its values have changed"
        else:
            change = f"{name} was {was[0]}, now it is {text}"
        raise CheckpointError(
            f"{fields.path} is the checkpoint of another run: {change}; give the same data and settings, or "
            "another path"
        )
