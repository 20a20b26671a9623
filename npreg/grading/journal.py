"""What has been marked already, kept line by line on disk, so that a run that was stopped goes on where it
was.

The file is only ever appended to. Every line is one JSON object with the key of a submission (its content,
the exercise, the seed and all settings that decide marks) and the result; it is on the disk before the next
step. A last line that was cut short by a crash is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from npreg.files import named


def key(*parts: object) -> str:
    """Return the key of a result: a digest of everything that it depends on.

    >>> key("a", 1) == key("a", 1), key("a", "1") == key("a1", "")
    (True, False)
    """
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


class Journal:
    """Results by key, on disk at ``path``; with ``path=None`` it remembers nothing.

    Use it as a context manager; ``get`` and ``add`` may be called from several threads.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else Path(path)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, int]] = {}
        self._file: BinaryIO | None = None

    def __enter__(self) -> Journal:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "a+b")
            self._index(self._file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _index(self, file: BinaryIO) -> None:
        """Remember where every whole line is, not what it holds: a class's reports need not fit in memory."""
        file.seek(0)
        end = 0
        for line in file:
            start, end = end, end + len(line)
            if line.endswith(b"\n") and (entry := _parsed(line)) is not None:
                self._known[entry["key"]] = (start, len(line))
        if end and not line.endswith(b"\n"):
            file.write(b"\n")

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, entry_key: str) -> bool:
        return entry_key in self._known

    def get(self, entry_key: str) -> dict[str, Any] | None:
        """Return the stored result, or None."""
        with self._lock:
            if self._file is None or entry_key not in self._known:
                return None
            start, length = self._known[entry_key]
            self._file.seek(start)
            entry = _parsed(self._file.read(length))
        return None if entry is None else entry["result"]

    def add(self, entry_key: str, result: dict[str, Any]) -> None:
        """Append a result and wait until it is on the disk."""
        if self._file is None:
            return
        line = json.dumps({"key": entry_key, "result": result}, allow_nan=False).encode() + b"\n"
        with self._lock:
            try:
                start = self._file.seek(0, os.SEEK_END)
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise named(error, self._file.name) from None
            self._known[entry_key] = (start, len(line))

    def remove(self) -> None:
        """Delete the file: the run is complete."""
        self.__exit__(None, None, None)
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if isinstance(entry, dict) and isinstance(entry.get("key"), str) and isinstance(entry.get("result"), dict):
        return entry
    return None
