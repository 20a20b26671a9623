"""What is kept from run to run: the teacher's key, from which all probes come, and what is marked already."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from npreg.files import named

Known = dict[str, dict[str, Any]]


def student_seed(key: bytes, exercise: str, student: str) -> int:
    """The seed of one student's probes: 63 bits of HMAC-SHA256 (RFC 2104) over exercise and name."""
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
    """The key of a result: a digest of everything that it depends on."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


@contextlib.contextmanager
def journal(path: str | os.PathLike[str] | None) -> Iterator[tuple[Known, Callable[[str, dict[str, Any]], None]]]:
    """What has been marked already, by key, and a function that appends a result; without a path nothing is kept."""
    known: Known = {}
    if path is None:
        yield known, lambda *_: None
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        file.seek(0)
        line = b"\n"
        for line in file:
            with contextlib.suppress(ValueError, TypeError, KeyError):  # a last line may be cut short by a crash
                entry = json.loads(line)
                known |= {entry["key"]: dict(entry["result"])}
        file.write(b"" if line.endswith(b"\n") else b"\n")

        def add(entry: str, result: dict[str, Any]) -> None:
            try:
                file.write(json.dumps({"key": entry, "result": result}, allow_nan=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise named(error, path) from None

        yield known, add
