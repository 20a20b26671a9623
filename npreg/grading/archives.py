"""Archives, unpacked with care: only programs and notebooks, only so many and so large, below one folder."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from npreg.files import safe_file_name
from npreg.grading.folder import LARGEST, readable_name

OPENERS: dict[str, Callable[..., Any]] = {
    ".tar": open,
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tbz2": bz2.open,
}
SUFFIXES = (".zip", *OPENERS)
DEEPEST = 8
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, NotImplementedError)
_USUAL = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
Members = Iterator[tuple[str, Callable[[], IO[bytes]]]]


class NotUnpacked(ValueError):
    """The archive is damaged, encrypted, too large, or leads out of its folder; the message says which."""


class Bounds(NamedTuple):
    """How many files an archive may hold, how many bytes they may have, and how many the archive itself."""

    files: int
    size: int


STUDENTS = Bounds(1000, 64 * 2**20)
CLASSES = Bounds(50_000, 2**30)


def unpack(path: Path, target: Path, bounds: Bounds = STUDENTS) -> None:
    """Write the programs, notebooks and archives in an archive below `target`; links are left out.

    Raises `NotUnpacked` if anything is wrong with it; what was written by then is to be thrown away.
    """
    target.mkdir(parents=True)
    try:
        if os.lstat(path).st_size > bounds.size:
            raise NotUnpacked(f"it is larger than {bounds.size / 2**20:g} MB")
        members = _zipped(path) if path.name.lower().endswith(".zip") else _tarred(path, bounds)
        total = 0
        for count, (name, opened) in enumerate(members, 1):
            if count > bounds.files:
                raise NotUnpacked(f"it holds more than {bounds.files} files")
            place = _place(name)
            if place is None:
                continue
            with opened() as file:
                content = file.read(max(LARGEST.values()) + 1)
            total += len(content)
            if total > bounds.size:
                raise NotUnpacked(f"it unpacks to more than {bounds.size / 2**20:g} MB")
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
    needed = parts[-1].lower().endswith((*LARGEST, *SUFFIXES))
    return Path(*map(safe_file_name, parts[:-1]), safe_file_name(stem)[:100] + suffix) if needed else None


def _zipped(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                continue
            if info.flag_bits & 1:
                raise NotUnpacked("it is encrypted")
            if info.compress_type not in _USUAL:
                raise NotUnpacked("it is packed in an unusual way")
            yield _zip_name(info), lambda info=info: archive.open(info)  # type: ignore[misc]


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: old programs write it in the system's encoding, and do not say so."""
    raw = info.filename.encode("cp437", "replace")
    for encoding in () if info.flag_bits & 0x800 else ("utf-8", "gbk"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return info.filename


def _tarred(path: Path, bounds: Bounds) -> Members:
    opener = next(OPENERS[suffix] for suffix in OPENERS if path.name.lower().endswith(suffix))
    with opener(path, "rb") as stream:
        bounded = cast(IO[bytes], _Bounded(stream, 4 * bounds.size))
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
