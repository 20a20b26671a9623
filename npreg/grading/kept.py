"""What is kept from run to run: the teacher's key, from which every student's probes come, and what is marked already.

A resubmission under the same name sees the same data; a neighbour's numbers are of no use; and nobody without
the key can compute the probes beforehand.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import unicodedata
from pathlib import Path
from typing import Any, BinaryIO

from npreg.files import named


def student_seed(key: bytes, exercise: str, student: str) -> int:
    """The seed of one student's probes: 63 bits of HMAC-SHA256 (RFC 2104) over exercise and name.

    >>> student_seed(b"key", "ridge", "ada") == student_seed(b"key", "ridge", "ada")
    True
    >>> student_seed(b"key", "ridge", "ada") == student_seed(b"key", "ridge", "bob")
    False
    """
    name = unicodedata.normalize("NFC", student)
    digest = hmac.new(key, f"{exercise}\0{name}".encode("utf-8", "backslashreplace"), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def default_key_file() -> Path:
    """Where the key is kept if no file is named: below the user's configuration folder."""
    variable, folder = ("APPDATA", "") if os.name == "nt" else ("XDG_CONFIG_HOME", ".config")
    return Path(os.environ.get(variable) or Path.home() / folder) / "npreg" / "grading.key"


def read_key(path: str | os.PathLike[str] | None = None) -> bytes:
    """The key in a file, which is made with fresh random bytes, for its owner alone, if it is not there.

    Raises ValueError if the file is empty.
    """
    path = default_key_file() if path is None else Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    key = path.read_bytes().strip()
    if not key:
        raise ValueError(f"the key file {str(path)!r} is empty; write some random text into it, or delete it")
    return key


def key(*parts: object) -> str:
    """The key of a result: a digest of everything that it depends on.

    >>> key("a", 1) == key("a", 1), key("a", "1") == key("a1", "")
    (True, False)
    """
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


class Journal:
    """Results by key, on disk at `path`; with None it remembers nothing. Use it as a context manager.

    The file is only appended to, a JSON object with the key and the result a line, each on the disk before the
    next step. A last line that a crash cut short is ignored.
    """

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
