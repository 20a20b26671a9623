"""Who handed in what, in a stable order: files, folders, archives, and the names of platforms (docs/grading.md)."""

import bz2
import contextlib
import difflib
import gzip
import itertools
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from npreg.exercises.course import IDS
from npreg.exercises.files import decode, exercises_in, notebook_source, plain_id, section
from npreg.exercises.forward.program import Exercise
from npreg.exercises.report import UnusableFile
from npreg.exercises.session import helpers
from npreg.exercises.words import size
from npreg.files import safe_file_name

LARGEST = {".py": 2**20, ".ipynb": 20 * 2**20}
OPENERS: Any = {".tar": open, ".tar.gz": gzip.open, ".tgz": gzip.open, ".tar.bz2": bz2.open, ".tbz2": bz2.open}
SUFFIXES = (".zip", *OPENERS)
DEEPEST, MOST_FILES = 8, 500
STUDENTS = (1000, 64 * 2**20)  # files an archive may hold, and bytes that they, and the archive, may have
CLASSES = (50_000, 2**30)
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, NotImplementedError)
Members = Iterator[tuple[str, Callable[[], IO[bytes]]]]
_NAMES = (
    r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<original>.*)",
    r"(?P<name>[^_\d][^_]*)(?i:_late)?_(?P<id>\d{2,})(?:_question_\d+)?_\d{3,}_(?P<original>.+)",
    r".+_(?P<id>[^_]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_(?P<original>.+)|\.txt)",
    r"(?P<id>\d+)-\d+ - (?P<name>.+?) - (?P<attempt>\w{3} \d+, \d{4} \d{3,4} [AP]M)(?: - (?P<original>.+))?",
)  # as platforms make them
_LIST = re.compile(r"index\.html|submission_metadata\.yml|status\.xlsx?|.+\.csv")  # what platforms add
_TEST = re.compile(r"(?:.*/)?(?:tests?/.*|test_[^/]*|[^/]*_test\.py)")
_AGAIN = re.compile(r"-\d+(?=\.\w+$)")  # Canvas's number of a file that was handed in again


class Person(NamedTuple):
    """A student as an entry's name tells: `id`, `name`, the file's `original` name, the attempt."""

    id: str
    name: str = ""
    original: str = ""
    attempt: str = ""


def whose(name: str) -> Person | None:
    """The student that a platform's name tells of, None for any other name."""
    for names in _NAMES:
        if found := re.fullmatch(names, name):
            parts = {key: value or "" for key, value in found.groupdict().items()}
            parts["original"] = _AGAIN.sub("", parts["original"])
            with contextlib.suppress(KeyError, ValueError):  # a date such as ``May 6, 2024 708 AM``, so that it sorts
                date = re.sub(r" (?=\d{3} )", " 0", parts["attempt"])
                parts["attempt"] = datetime.strptime(date, "%b %d, %Y %I%M %p").isoformat()
            return Person(**parts)
    return None


class Entry(NamedTuple):
    """What one student handed in: `files` by their names there; `reason` where there is none to read."""

    label: str
    student: str
    name: str = ""
    files: tuple[tuple[str, Path], ...] = ()
    reason: tuple[str, str] | None = None

    def submission(self, exercise: Exercise, names: Iterable[str] = ()) -> "Submission":
        """Read the last file that is for an exercise, or one of its other names, and the modules that it imports."""
        files = [(original, read(path)) for original, path in self.files]
        own = [file for file in files if not _TEST.fullmatch(file[0])] or files
        named = {original: exercises_in(file.source) for original, file in own if file.source is not None}
        known = [plain_id(name) for name in (exercise.id, *names)]
        wanted = []
        for original, file in own:
            for name in named.get(original, ()):
                plain = plain_id(name)  # of which small slips are forgiven
                if plain in known or (plain not in IDS and difflib.get_close_matches(plain, known, 1, 0.8)):
                    wanted.append((original, replace(file, source=section(file.source or "", name))))
        unnamed = [file for file in own if named.get(file[0]) == []]
        if not wanted:
            called = [file for file in unnamed if plain_id(Path(file[0]).stem) == exercise.id.replace("_", "-")]
            defined = "|".join(map(re.escape, exercise.answers))
            answer = re.compile(rf"^\s*(?:def\s+(?:{defined})\b|(?:{defined})\s*=)", re.MULTILINE)
            defining = [file for file in unnamed if answer.search(file[1].source or "")]
            wanted = unnamed if len(own) == 1 else called or defining
        if not wanted:
            other = dict.fromkeys(readable_name(name)[:50] for found in named.values() for name in found)
            found = [self.reason, *(file.reason for _, file in files)]
            found = [("other-exercise", ", ".join(other))] if other else found
            return Submission(self.label, reason=next(filter(None, found), ("no-file", "")))
        original, chosen = wanted[-1]
        sources = {name: file.source for name, file in files if name != original}

        def beside(name: str) -> str | None:
            return sources.get((Path(original).parent / name).as_posix()) or sources.get(name)

        return replace(chosen, name=self.label, helpers=helpers(chosen.source or "", beside))


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def entries(path: str | os.PathLike[str], skip: Iterable[str | os.PathLike[str]], place: str) -> list[Entry]:
    """What the students of a folder (an archive, one file) handed in, in order; archives are unpacked below `place`.
    FileNotFoundError if nothing is at `path`, ValueError if an archive of the class cannot be unpacked.
    """
    skip, path, targets = list(skip), Path(path), (Path(place, "unpacked", str(number)) for number in itertools.count())
    if is_archive(path):
        try:
            unpack(path, whole := next(targets), CLASSES)
        except NotUnpacked as error:
            raise ValueError(f"{path} cannot be unpacked: {error}") from None
        path = _class_in(_class_in(whole, 0), 3)
    elif path.is_dir():
        path = _class_in(path, 3, skip)
    groups: dict[str, list[tuple[Person | None, Path]]] = {}
    for item in submissions(path, skip):
        person = whose(item.name)
        label = item.name if person is None else "_".join(filter(None, (person.name, person.id)))
        groups.setdefault(readable_name(label), []).append((person, item))
    return [_entry(label, items, targets) for label, items in groups.items()]


def _class_in(path: Path, least: int, skip: Iterable[str | os.PathLike[str]] = ()) -> Path:
    """The only folder in a folder, if that holds at least so many folders or archives, and nothing else."""
    inside = submissions(path, skip)
    if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink() or whose(inside[0].name) is not None:
        return path
    below = submissions(inside[0])
    many = len(below) >= least and (not least or all(entry.is_dir() or is_archive(entry) for entry in below))
    return inside[0] if many else path


def _entry(label: str, items: list[tuple[Person | None, Path]], targets: Iterator[Path]) -> Entry:
    latest = max(person.attempt if person else "" for person, _ in items)
    entry, files = Entry(label, ""), list[tuple[str, Path]]()
    for person, path in (item for item in items if item[0] is None or item[0].attempt == latest):
        whole = path.is_dir() and not path.is_symlink()
        student = person or Person(path.name if whole else path.stem, original=path.name)
        entry = entry._replace(student=student.id, name=student.name)
        try:
            if whole or (is_archive(path) and not path.is_symlink()):
                files += _below(path, targets)
            elif person is None or path.suffix.lower() in LARGEST:
                files.append((student.original or path.name, path))
        except NotUnpacked as error:
            entry = entry._replace(reason=("archive", str(error)))
    return entry._replace(files=tuple(files))


def _below(top: Path, targets: Iterator[Path], depth: int = 0) -> list[tuple[str, Path]]:
    """Programs and notebooks in a folder or archive, by their paths from there; also of archives in it."""
    place = top
    if not top.is_dir():
        unpack(top, place := next(targets))
    found: list[tuple[str, Path]] = []
    for path in _walk(place, DEEPEST):
        if len(found) >= MOST_FILES:
            break
        if path.suffix.lower() in LARGEST:
            found.append((path.relative_to(place).as_posix(), path))
        elif is_archive(path) and depth < 2:
            found += _below(path, targets, depth + 1)
    return found


def _walk(folder: Path, deepest: int) -> Iterator[Path]:
    """Ordinary files below a folder in order; hidden ones and links are left out."""
    for entry in sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name)):
        if entry.name.startswith((".", "__")) and not entry.name.endswith(".py"):
            continue
        if entry.is_dir(follow_symlinks=False) and deepest:
            yield from _walk(Path(entry.path), deepest - 1)
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


@dataclass(frozen=True)
class Submission:
    """A name, the source or the reason (code, detail) why there is none, and modules of the student's own by name."""

    name: str
    source: str | None = None
    reason: tuple[str, str] | None = None
    helpers: Mapping[str, str] = field(default_factory=dict)


def submissions(path: str | os.PathLike[str], skip: Iterable[str | os.PathLike[str]] = ()) -> list[Path]:
    """The entries of a folder (or one file) by name, without `skip`, hidden ones and lists; or FileNotFoundError."""
    path = Path(path)
    if not os.path.lexists(path):
        raise FileNotFoundError(f"there is no file or folder {str(path)!r}")
    if not path.is_dir():
        return [path]
    unwanted = {os.path.abspath(entry) for entry in skip}
    shown = (name for name in os.listdir(path) if not name.startswith(".") and name != "__pycache__")
    names = (name for name in shown if whose(name) or not _LIST.fullmatch(name))
    kept = (path / name for name in names if os.path.abspath(path / name) not in unwanted)
    return sorted(kept, key=lambda entry: os.fsencode(entry.name))


def read(path: Path) -> Submission:
    """Read one entry; whatever it is, the answer is a `Submission`."""
    try:
        return Submission(readable_name(path.name), *_source(path))
    except OSError as error:
        reason = ("unreadable", error.strerror or type(error).__name__)
    except UnusableFile as error:
        why = {name: value for name, value in error.details.items() if name != "path"}
        told = str(why["why"])[:200] if error.key == "notebook" else ", ".join(f"{n} {v}" for n, v in why.items())[:100]
        reason = (error.key if error.key in ("empty", "notebook") else "encoding", told or error.key)
    return Submission(readable_name(path.name), reason=reason)


def readable_name(name: str) -> str:
    r"""A file's name as text that can be written anywhere; undecodable bytes and controls as `\x..`."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def _source(path: Path) -> tuple[str | None, tuple[str, str] | None]:
    """The text, by a byte-order mark, a declared encoding or UTF-8, of a notebook the code; or why there is none."""
    kind, suffix = stat.S_IFMT(os.lstat(path).st_mode), path.suffix.lower()
    if kind != stat.S_IFREG:
        return None, ({stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}.get(kind, "not-a-file"), "")
    if suffix not in LARGEST:
        return None, ("file-type", readable_name(path.suffix) or "no extension")
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, os.O_RDONLY | flags), "rb") as file:
        content = file.read(LARGEST[suffix] + 1)
    if len(content) > LARGEST[suffix]:
        return None, ("file-size", size(LARGEST[suffix]))
    source = decode(content, "file")
    source = notebook_source(source, "file") if suffix == ".ipynb" else source
    if not source.strip():
        return None, ("empty", "")
    if len(source) > LARGEST[".py"]:
        return None, ("file-size", size(LARGEST[".py"]))
    return source, None


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
            if (place := _place(name)) is None:
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

    def read(self, count: int) -> bytes:
        piece = self.stream.read(min(count, self.left + 1))
        self.left -= len(piece)
        if self.left < 0:
            raise NotUnpacked("it unpacks to far more than its size")
        return piece
