"""The entries of a folder, read with care: as submissions, in a stable order; archives unpacked below one folder."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from npreg.exercises.files import decode, notebook_source
from npreg.exercises.report import UnusableFile
from npreg.exercises.words import size
from npreg.files import safe_file_name

LARGEST = {".py": 2**20, ".ipynb": 20 * 2**20}
LARGEST_SOURCE = 2**20
OPENERS: Any = {".tar": open, ".tar.gz": gzip.open, ".tgz": gzip.open, ".tar.bz2": bz2.open, ".tbz2": bz2.open}
SUFFIXES = (".zip", *OPENERS)
DEEPEST = 8
STUDENTS = (1000, 64 * 2**20)  # files an archive may hold, and bytes that they, and the archive, may have
CLASSES = (50_000, 2**30)
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, NotImplementedError)
Members = Iterator[tuple[str, Callable[[], IO[bytes]]]]


@dataclass(frozen=True)
class Submission:
    """A name, the source or the reason (code, detail) why there is none, and modules of the student's own by name."""

    name: str
    source: str | None = None
    reason: tuple[str, str] | None = None
    helpers: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A SHA-256 of all that is read, with which a result is found again after a stop."""
        return hashlib.sha256(repr((self.source, self.reason, sorted(self.helpers.items()))).encode()).hexdigest()


def submissions(path: str | os.PathLike[str], skip: Iterable[str | os.PathLike[str]] = ()) -> list[Path]:
    """The entries of a folder (or one file), sorted by name, without hidden ones and `skip`; or FileNotFoundError."""
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
    """Read one entry; whatever it is, the answer is a `Submission`."""
    try:
        return Submission(readable_name(path.name), _source(path, _content(path)))
    except _Refused as refused:
        return Submission(readable_name(path.name), reason=(refused.args[0], refused.args[1]))


def readable_name(name: str) -> str:
    r"""A file's name as text that can be written anywhere; undecodable bytes and controls as `\x..`."""
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
    try:
        source = decode(content, "file")
        source = notebook_source(source, "file") if path.suffix.lower() == ".ipynb" else source
    except UnusableFile as error:
        if error.key == "notebook":
            raise _Refused("notebook", str(error.details["why"])[:200]) from None
        why = {name: value for name, value in error.details.items() if name != "path"}
        shown = ", ".join(f"{name} {value}" for name, value in why.items()) or error.key
        raise _Refused("empty" if error.key == "empty" else "encoding", shown[:100]) from None
    if not source.strip():
        raise _Refused("empty", "")
    if len(source) > LARGEST_SOURCE:
        raise _Refused("file-size", size(LARGEST_SOURCE))
    return source


class NotUnpacked(ValueError):
    """The archive is damaged, encrypted, too large, or leads out of its folder; the message says which."""


def unpack(path: Path, target: Path, bounds: tuple[int, int] = STUDENTS) -> None:
    """Write the programs, notebooks and archives in an archive below `target`, no links; raises `NotUnpacked`."""
    target.mkdir(parents=True)
    most_files, most_bytes = bounds
    try:
        if os.lstat(path).st_size > most_bytes:
            raise NotUnpacked(f"it is larger than {size(most_bytes)}")
        members = _zipped(path) if path.name.lower().endswith(".zip") else _tarred(path, 4 * most_bytes)
        total = 0
        for count, (name, opened) in enumerate(members, 1):
            if count > most_files:
                raise NotUnpacked(f"it holds more than {most_files} files")
            place = _place(name)
            if place is None:
                continue
            content = b""  # nobody needs what is in it, but it tells that something was handed in
            if name.lower().endswith((*LARGEST, *SUFFIXES)):
                with opened() as file:
                    content = file.read(max(LARGEST.values()) + 1)
            total += len(content)
            if total > most_bytes:
                raise NotUnpacked(f"it unpacks to more than {size(most_bytes)}")
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            (target / place).write_bytes(content)
    except _DAMAGED as error:
        raise NotUnpacked(f"it is damaged: {error}"[:200]) from None
    except (OSError, RuntimeError, UnicodeError) as error:
        raise NotUnpacked(str(error)[:200]) from None


def _place(name: str) -> Path | None:
    """Where a member belongs below the folder; None for what nobody needs."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or len(parts) > DEEPEST:
        raise NotUnpacked(f"it holds a file with the name {readable_name(name[:100])!r}")
    if not parts or any(part.startswith((".", "__MACOSX", "__pycache__")) for part in parts):
        return None
    stem, suffix = os.path.splitext(parts[-1])
    return Path(*map(safe_file_name, parts[:-1]), safe_file_name(stem)[:100] + suffix)


def _zipped(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                continue
            if info.flag_bits & 1:
                raise NotUnpacked("it is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
                raise NotUnpacked("it is packed in an unusual way")
            name = info.filename
            for encoding in () if info.flag_bits & 0x800 else ("gbk", "utf-8"):
                with contextlib.suppress(UnicodeDecodeError):  # old programs write the system's, and do not say so
                    name = info.filename.encode("cp437", "replace").decode(encoding)
            yield name, lambda info=info: archive.open(info)  # type: ignore[misc]


def _tarred(path: Path, most_bytes: int) -> Members:
    opener = next(OPENERS[suffix] for suffix in OPENERS if path.name.lower().endswith(suffix))
    with opener(path, "rb") as stream:
        bounded = cast(IO[bytes], _Bounded(stream, most_bytes))
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for member in archive:
                if member.isreg():
                    yield member.name, lambda member=member: archive.extractfile(member)  # type: ignore[misc]


class _Bounded:
    """A stream of which only so much is read, so that nothing small becomes something endless."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self.stream, self.left = stream, left

    def read(self, count: int = -1) -> bytes:
        piece = self.stream.read(min(count, self.left + 1) if count >= 0 else self.left + 1)
        self.left -= len(piece)
        if self.left < 0:
            raise NotUnpacked("it unpacks to far more than its size")
        return piece
