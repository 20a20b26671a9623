"""Files that are there as a whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str], *, binary: bool = False) -> Iterator[IO[Any]]:
    """Open a file, of text or bytes, that takes the place of `path` only when everything has been written.

    Until then, and if anything goes wrong, the old file stays as it was; `remove_parts` takes away what a
    process that was killed has left.  Missing folders are made, and the file's mode is as the umask says.
    A device or a pipe (`/dev/stdout`) is no file that could be replaced: it is written to.
    """
    text: dict[str, Any] = {"encoding": "utf-8", "newline": "\n", "errors": "backslashreplace"}
    mode, options = ("wb", {}) if binary else ("w", text)
    path = Path(path)
    if is_device(path):
        with open(path, mode, **options) as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:50]}.{os.urandom(6).hex()}.part")
    try:
        # Not `tempfile`: its files can be read by nobody else, also after they are renamed.
        with open(part, mode.replace("w", "x"), **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def remove_parts(path: str | os.PathLike[str]) -> None:
    """Remove what killed writers of `path` have left; for a caller who knows that nobody is writing it."""
    path = Path(os.path.realpath(path))
    for part in path.parent.glob(f".{glob.escape(path.name[:50])}.{'[0-9a-f]' * 12}.part"):
        with contextlib.suppress(OSError):
            part.unlink()


def is_device(path: str | os.PathLike[str]) -> bool:
    """Whether there is something at ``path`` that is neither a file nor a folder.

    >>> is_device(os.devnull), is_device("no such file")
    (True, False)
    """
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a whole text file atomically, in UTF-8."""
    with atomic(path) as file:
        file.write(text)


def strict_json(value: Mapping[str, Any], indent: int | None = None) -> str:
    """Return JSON that every parser reads; raises ``ValueError`` for NaN and infinities.

    >>> strict_json({"score": 0.5, "name": "王"})
    '{"score": 0.5, "name": "王"}'
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, indent=indent)


def safe_file_name(name: str) -> str:
    """Return a name that can be a file's on every system; anything doubtful becomes an underscore.

    >>> safe_file_name("../Zoë 王.py"), safe_file_name("..")
    ('.._Zoë 王.py', '__')
    """
    safe = "".join("_" if letter in '/\\:*?"<>|' or not letter.isprintable() else letter for letter in name)
    return safe[:150] if safe.strip(". ") else "_" * max(len(safe), 1)
