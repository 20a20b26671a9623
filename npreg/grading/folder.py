"""The entries of a folder as submissions: in a stable order, read with care."""

from __future__ import annotations

import hashlib
import os
import stat
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from npreg.exercises.notebook import NotANotebook, notebook_source
from npreg.exercises.words import size

LARGEST = {".py": 2**20, ".ipynb": 20 * 2**20}
LARGEST_SOURCE = 2**20


@dataclass(frozen=True)
class Submission:
    """One entry of the folder: its name, and its source or the reason (code, detail) why there is none.

    `digest` is the SHA-256 of the bytes, or of the reason; with it a result is found again after a stop.
    `helpers` are modules of the student's own that it imports, as name and source.
    """

    name: str
    source: str | None
    digest: str
    reason: tuple[str, str] | None = None
    helpers: Mapping[str, str] = field(default_factory=dict)


def submissions(path: str | os.PathLike[str], skip: Iterable[str | os.PathLike[str]] = ()) -> list[Path]:
    """The entries of a folder (or one file), sorted by name; hidden ones and `skip` are left out.

    Raises FileNotFoundError if there is neither.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise FileNotFoundError(f"there is no file or folder {str(path)!r}")
    if not path.is_dir():
        return [path]
    unwanted = {os.path.abspath(entry) for entry in skip}
    entries = [path / name for name in os.listdir(path) if not name.startswith(".") and name != "__pycache__"]
    kept = [entry for entry in entries if os.path.abspath(entry) not in unwanted]
    return sorted(kept, key=lambda entry: os.fsencode(entry.name))


def read(path: Path) -> Submission:
    """Read one entry; whatever it is, the answer is a `Submission`.

    >>> read(Path("/")).reason
    ('directory', '')
    """
    name = readable_name(path.name)
    try:
        content = _content(path)
        source = _source(path, content)
    except _Refused as refused:
        return unread(name, *refused.args)
    return Submission(name, source, hashlib.sha256(path.suffix.encode() + b"\0" + content).hexdigest())


def unread(name: str, *reason: str) -> Submission:
    """An entry without a source, for that reason (code, detail)."""
    return Submission(name, None, hashlib.sha256(repr(reason).encode()).hexdigest(), (reason[0], reason[1]))


def readable_name(name: str) -> str:
    r"""A file's name as text that can be written anywhere; undecodable bytes and controls as `\x..`.

    >>> readable_name("Zoë 王.py"), readable_name("a\tb.py")
    ('Zoë 王.py', 'a\\x09b.py')
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


class _Refused(Exception):
    """The entry cannot be read as a submission: code and detail of the reason."""


def _content(path: Path) -> bytes:
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            known = {stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}
            raise _Refused(known.get(stat.S_IFMT(mode), "not-a-file"), "")
        largest = LARGEST.get(path.suffix.lower())
        if largest is None:
            raise _Refused("file-type", readable_name(path.suffix) or "no extension")
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, os.O_RDONLY | flags), "rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise _Refused("unreadable", error.strerror or type(error).__name__) from None
    if len(content) > largest:
        raise _Refused("file-size", size(largest))
    return content


def _source(path: Path, content: bytes) -> str:
    """The text, in the encoding that a byte-order mark or a comment declares, or UTF-8; of a notebook the code."""
    notebook = path.suffix.lower() == ".ipynb"
    encoding = "utf-8-sig" if notebook else "utf-16"
    try:
        if not notebook and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            encoding = tokenize.detect_encoding(BytesIO(content).readline)[0]
        source = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise _Refused("encoding", str(error)[:100]) from None
    try:
        source = notebook_source(source) if notebook and content.strip() else source
    except NotANotebook as error:
        raise _Refused("notebook", str(error)[:200]) from None
    if not source.strip():
        raise _Refused("empty", "")
    if len(source) > LARGEST_SOURCE:
        raise _Refused("file-size", size(LARGEST_SOURCE))
    return source
