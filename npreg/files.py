"""Files that are there as a whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """Open a text file that takes the place of ``path`` only when everything has been written.

    Until then, and if anything goes wrong, the old file stays as it was. Missing folders are made. A device
    or a pipe (``/dev/stdout``) is no file that could be replaced: it is written to.
    """
    path = Path(path)
    if is_device(path):
        with open(path, "w", encoding="utf-8", newline="\n", errors="backslashreplace") as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".npreg-", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n", errors="backslashreplace") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


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
