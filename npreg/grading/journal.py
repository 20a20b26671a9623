"""What has been marked already, line by line on disk, so that a run that was stopped goes on where it was.

The file is only appended to. A line is a JSON object: the key of a submission (a digest of all that decides its
marks) and the result; it is on the disk before the next step. A last line that a crash cut short is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

from npreg.files import named


def key(*parts: object) -> str:
    """The key of a result: a digest of everything that it depends on.

    >>> key("a", 1) == key("a", 1), key("a", "1") == key("a1", "")
    (True, False)
    """
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


class Journal:
    """Results by key, on disk at `path`; with None it remembers nothing. Use it as a context manager."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else Path(path)
        self._known: dict[str, dict[str, Any]] = {}
        self._file: BinaryIO | None = None

    def __enter__(self) -> Journal:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "a+b")
            self._file.seek(0)
            line = b"\n"
            for line in self._file:
                self._known |= _parsed(line)
            if not line.endswith(b"\n"):
                self._file.write(b"\n")
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def get(self, entry: str) -> dict[str, Any] | None:
        """The stored result, or None."""
        return self._known.get(entry)

    def add(self, entry: str, result: dict[str, Any]) -> None:
        """Append a result and wait until it is on the disk."""
        if self._file is None:
            return
        line = json.dumps({"key": entry, "result": result}, allow_nan=False).encode() + b"\n"
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise named(error, self._file.name) from None
        self._known[entry] = result

    def remove(self) -> None:
        """Delete the file: the run is complete."""
        self.__exit__()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _parsed(line: bytes) -> dict[str, dict[str, Any]]:
    """The result in a line by its key; empty if it is none, or was cut short."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else {}
        known, result = entry["key"], entry["result"]
    except (ValueError, TypeError, KeyError):
        return {}
    return {known: result} if isinstance(known, str) and isinstance(result, dict) else {}
