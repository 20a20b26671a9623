"""Checkpoints: a run on disk, from which it resumes with the same bits as if it had never stopped.

One `.npz` file of plain arrays, without pickle: the run's arrays under their names, and two JSON texts
as bytes, `meta` (settings, rng state, position, library version) and `checksum` (SHA-256 of all the
rest).  A file is written next to its target and renamed over it, so that there is always either the old
file or the new one, whole.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from npreg.arrays import FloatArray

__all__ = [
    "FORMAT",
    "CheckpointError",
    "describe",
    "fingerprint",
    "load",
    "rng_state",
    "save",
    "set_rng_state",
]

FORMAT = 1
Arrays = Mapping[str, FloatArray]


class CheckpointError(ValueError):
    """A file that is no checkpoint of this run: truncated, foreign, newer, changed, or of other settings."""


# hashlib, json, tempfile and zipfile are imported where they are used: `import npreg` stays light.


def _checksum(meta: bytes, arrays: Arrays) -> str:
    import hashlib

    digest = hashlib.sha256(meta)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save(path: str | os.PathLike[str], meta: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a checkpoint; the file appears whole or not at all."""
    import json
    import tempfile

    from npreg._version import __version__

    folder, name = os.path.split(os.path.abspath(path))
    text = json.dumps({**meta, "format": FORMAT, "npreg": __version__}, sort_keys=True).encode()
    contents = {f"array_{name}": np.asarray(array) for name, array in arrays.items()}
    contents["meta"] = np.frombuffer(text, np.uint8)
    contents["checksum"] = np.frombuffer(_checksum(text, arrays).encode(), np.uint8)
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **contents)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, os.path.join(folder, name))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def load(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Read a checkpoint and verify it; CheckpointError says what is wrong with the file."""
    import json
    import zipfile

    unreadable = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)
    no_archive = (NotImplementedError, TypeError, AttributeError)  # a single array, for example
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            contents = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except (*unreadable, *no_archive) as error:
        why = "it is no archive" if "allow_pickle" in str(error) else error  # NumPy's advice is to trust it
        raise CheckpointError(f"{path} is not a whole .npz file ({why}); it cannot be resumed") from None
    try:
        text, found = contents.pop("meta").tobytes(), contents.pop("checksum").tobytes().decode()
        meta = json.loads(text)
        version, written_by = int(meta["format"]), meta["npreg"]
    except (KeyError, ValueError, TypeError, AttributeError):
        raise CheckpointError(f"{path} is an .npz file, but no checkpoint of npreg") from None
    if version > FORMAT:
        raise CheckpointError(
            f"{path} was written by npreg {written_by} in format {version}; this version reads up to {FORMAT}"
        )
    arrays = {name.removeprefix("array_"): array for name, array in contents.items()}
    if found != _checksum(text, arrays):
        raise CheckpointError(f"{path} was changed after it was written: its checksum does not match")
    return meta, arrays


def rng_state(rng: np.random.Generator) -> dict[str, Any]:
    """The state of a generator as JSON can hold it."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray):
            return {"array": value.tolist(), "dtype": value.dtype.str}
        return value.item() if isinstance(value, np.generic) else value

    state: dict[str, Any] = plain(rng.bit_generator.state)
    return state


def set_rng_state(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Put a generator into a state that `rng_state` returned."""

    def unplain(value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"array", "dtype"}:
            return np.array(value["array"], value["dtype"])
        if isinstance(value, dict):
            return {key: unplain(item) for key, item in value.items()}
        return value

    kind = type(rng.bit_generator).__name__
    if state.get("bit_generator") != kind:
        raise CheckpointError(
            f"the checkpoint was written with a {state.get('bit_generator')} generator, not {kind}; "
            "give the same kind of rng"
        )
    rng.bit_generator.state = unplain(state)


def describe(value: Any) -> str:
    """A function, loss, rule or schedule as a text that is the same in another process."""
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name is not None else repr(value)


def fingerprint(*arrays: FloatArray | None) -> str:
    """A checksum of data, by which a run on other data is told."""
    total = 0
    for array in arrays:
        if array is not None:
            total = zlib.crc32(f"{array.dtype.str} {array.shape}".encode(), total)
            for start in range(0, len(array), 65536):
                total = zlib.crc32(np.ascontiguousarray(array[start : start + 65536]).tobytes(), total)
    return f"{total:08x}"
