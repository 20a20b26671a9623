"""Checkpoints: a run in an `.npz` file, arrays and a JSON text, from which it resumes with the same bits."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from npreg.arrays import FloatArray, as_count, as_flag, brief

FORMAT = 3
Settings: TypeAlias = Mapping[str, tuple[str, str]]  # a name to be read, and an identity to be compared


class CheckpointError(ValueError):
    """A file that is no checkpoint of this run: truncated, foreign, newer, changed, or of other settings."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is written down, so that it can go on after whatever ended it.

    Parameters
    ----------
    path : path of an .npz file, in a folder that is there
    resume : bool
        Continue the file if there is one, else begin it.  Without it a file that is there is an error: no
        run is ever overwritten by another.
    every : int ≥ 1, or "block"
        Epochs between two writings (the last is always written), or after every block of `RowBlocks`.

    ValueError or TypeError for a path that is no path of a file in a folder, and other arguments out of range.

    >>> Checkpoint("run.npz", resume=True).every
    1
    """

    path: str | os.PathLike[str]
    resume: bool = False
    every: int | Literal["block"] = 1

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, os.PathLike)):
            raise TypeError(f"checkpoint must be a path or an npreg.Checkpoint, not {self.path!r}")
        if not (path := os.fspath(self.path)):
            raise ValueError('checkpoint is an empty path; give the path of a file, such as "run.npz"')
        if os.path.isdir(path):
            raise ValueError(f"checkpoint {path} is a folder; give the path of a file in it")
        as_flag(self.resume, "resume")
        if self.every != "block":
            as_count(self.every, 'every, a number of epochs unless it is "block",', 1)

    @property
    def file(self) -> str:
        return os.path.realpath(self.path)

    @contextlib.contextmanager
    def opened(self) -> "Iterator[State | None]":
        """Hold the file for one run; gives what an earlier one has written there, if there is any."""
        from npreg.files import remove_parts

        folder, name = os.path.split(path := self.file)
        if not os.path.isdir(folder):
            raise ValueError(f"there is no folder {folder} for the checkpoint {name}")
        with locked(path):
            remove_parts(path)
            if os.path.exists(path) and not self.resume:
                cure = "npreg.Checkpoint(path, resume=True) continues it, and another path begins anew"
                raise FileExistsError(f"the checkpoint {path} exists already; {cure}")
            yield State.load(path) if os.path.exists(path) else None


@dataclass(frozen=True)
class State:
    """What a checkpoint holds: numbers and texts, and arrays, each looked at when it is taken."""

    meta: Mapping[str, Any]
    arrays: Mapping[str, FloatArray]
    path: str = ""

    def save(self, path: str) -> None:
        import json  # here, as npreg.files, since `import npreg` stays light

        from npreg._version import __version__
        from npreg.files import atomic

        meta = {**self.meta, "format": FORMAT, "npreg": __version__}
        text = json.dumps(meta, default=lambda array: array.tolist())  # within the state of some generators
        contents = {f"array_{name}": np.asarray(array) for name, array in self.arrays.items()}
        contents["meta"] = np.frombuffer(text.encode(), np.uint8)
        with atomic(path, binary=True) as file:
            np.savez(file, **contents)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str) -> "State":
        import json

        try:
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                contents = {name: file[name] for name in file.files}
        except FileNotFoundError:
            raise
        except Exception as error:  # whatever NumPy and zipfile say of a damaged file, or of a single array
            # NumPy's advice would be to trust the file.
            why = "it is no archive" if "allow_pickle" in str(error) else error
            raise CheckpointError(f"{path} is not a whole .npz file ({why}); it cannot be resumed") from None
        try:
            meta = json.loads(contents.pop("meta").tobytes())
            version, written_by = int(meta["format"]), meta["npreg"]
        except (KeyError, ValueError, TypeError, AttributeError):
            raise CheckpointError(f"{path} is an .npz file, but no checkpoint of npreg") from None
        if version != FORMAT:
            reads = f"this version reads {FORMAT}; resume with that version, or begin anew with another path"
            raise CheckpointError(f"{path} was written by npreg {written_by} in format {version}; {reads}")
        return cls(meta, {name.removeprefix("array_"): array for name, array in contents.items()}, path)

    def wrong(self, name: str, found: Any, needed: str) -> CheckpointError:
        return CheckpointError(f"{self.path} cannot be resumed: {name} is {found}, not {needed}")

    def get(self, name: str, kind: type, needed: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        value = self.meta.get(name)
        if type(value) is not kind or not fits(value):
            raise self.wrong(name, brief(value) if name in self.meta else "missing", needed)
        return value

    def count(self, name: str, low: int, high: float) -> int:
        return int(self.get(name, int, f"a whole number from {low} to {high}", lambda n: low <= n <= high))

    def array(self, name: str, shape: Sequence[int | None], dtype: Any, *, finite: bool = True) -> FloatArray:
        """An array of this dtype and shape, where None stands for any length."""
        needed = f"{np.dtype(dtype)} {tuple('any' if n is None else n for n in shape)}"
        if (array := self.arrays.get(name)) is None:
            raise self.wrong(name, "missing", needed)
        fits = len(shape) == array.ndim and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        if array.dtype != dtype or not fits:
            raise self.wrong(name, f"{array.dtype} {array.shape}", needed)
        if np.isnan(array).any() or (finite and not np.isfinite(array).all()):
            raise self.wrong(name, "not finite", "finite numbers")
        return array

    def put_rng(self, rng: "np.random.Generator") -> None:
        state, kind = self.get("rng", dict, "the state of a generator"), type(rng.bit_generator).__name__
        if (was := state.get("bit_generator")) != kind:
            raise CheckpointError(f"{self.path} is of a {was} generator, not {kind}; give the same kind of rng")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # older NumPy only warns of numbers beyond the state's
                rng.bit_generator.state = state
        except (KeyError, ValueError, TypeError, IndexError, OverflowError, AttributeError, Warning) as error:
            raise self.wrong("rng", repr(error), "the state of a generator") from None

    def compare(self, now: Settings) -> None:
        """CheckpointError where a setting is not what it was, in words."""
        before = self.get("settings", dict, "the settings of a run")
        for name, (text, identity) in now.items():
            was = before.get(name)
            if not (isinstance(was, list) and len(was) == 2 and all(isinstance(part, str) for part in was)):
                raise self.wrong(f"the setting {name}", brief(was), "a name and an identity")
            if was[1] == identity or (name == "rng" and "None" in (was[1], identity)):
                continue  # a generator is put into the state it had
            if name in ("data", "validation"):
                change = "the data have changed" if name == "data" else "the validation rows have changed"
            elif text == was[0]:
                change = f"{name} was {text} as now, but its code or its values have changed"
            else:
                change = f"{name} was {was[0]}, now it is {text}"
            cure = "give the same data and settings, or another path"
            raise CheckpointError(f"{self.path} is the checkpoint of another run: {change}; {cure}")


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the file for this run alone, until its process ends; CheckpointError where another run has it."""
    from npreg.files import lock

    held, is_ours = os.path.join(os.path.dirname(path), f".{os.path.basename(path)[:50]}.lock"), False
    while not is_ours:
        descriptor = os.open(held, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            lock(descriptor)
            is_ours = os.path.samestat(os.fstat(descriptor), os.stat(held))
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            cure = "wait until that has ended, or give another path"
            raise CheckpointError(f"{path} is being written by another run; {cure}") from None
        except OSError as error:
            is_ours = not isinstance(error, FileNotFoundError)  # a file system without locks
        if not is_ours:
            os.close(descriptor)  # its last owner has just removed it
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(held)  # while it is held: else it might be the next run's
        os.close(descriptor)
        if sys.platform == "win32":  # where nothing that is open can be removed
            with contextlib.suppress(OSError):
                os.unlink(held)
