"""Who handed in what: loose files, folders, archives, the names that platforms give them (docs/grading.md)."""

from __future__ import annotations

import contextlib
import difflib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from npreg.exercises.course import IDS
from npreg.exercises.files import exercises_in, plain_id, section
from npreg.exercises.forward.program import Exercise
from npreg.exercises.session import helpers
from npreg.grading import folder
from npreg.grading.folder import LARGEST, NotUnpacked, Submission, read, readable_name, unpack

MOST_FILES = 500
_PLATFORMS = (
    re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<original>.*)"),
    re.compile(r"(?P<name>[^_\d][^_]*)(?i:_late)?_(?P<id>\d{2,})(?:_question_\d+)?_\d{3,}_(?P<original>.+)"),
    re.compile(r".+_(?P<id>[^_]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_(?P<original>.+)|\.txt)"),
    re.compile(
        r"(?P<id>\d+)-\d+ - (?P<name>.+?) - (?P<attempt>\w{3} \d+, \d{4} \d{3,4} [AP]M)(?: - (?P<original>.+))?"
    ),
)
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
    for platform in _PLATFORMS:
        if found := platform.fullmatch(name):
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

    def submission(self, exercise: Exercise, names: Iterable[str] = ()) -> Submission:
        """Read the last file that is for an exercise, or one of its other names, and the modules that it imports."""
        known = [exercise.id, *names]
        files = [(original, read(path)) for original, path in self.files]
        own = [file for file in files if not _TEST.fullmatch(file[0])] or files
        named = {original: exercises_in(file.source) for original, file in own if file.source is not None}
        parts = ((*file, name) for file in own for name in named.get(file[0], ()) if _same(name, known))
        wanted = [(it, replace(file, source=section(file.source or "", name))) for it, file, name in parts]
        unnamed = [file for file in own if named.get(file[0]) == []]
        if not wanted:
            wanted = unnamed if len(own) == 1 else _fitting(unnamed, exercise)
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


def _same(named: str, known: Sequence[str]) -> bool:
    """Whether the exercise that a file names is one of the known names, small slips forgiven."""
    name, *others = map(plain_id, (named, *known))
    return name in others or (name not in IDS and bool(difflib.get_close_matches(name, others, 1, 0.8)))


def _fitting(files: list[tuple[str, Submission]], exercise: Exercise) -> list[tuple[str, Submission]]:
    """Of files that name no exercise those that are called like it, else those that define an answer."""
    stem = exercise.id.replace("-", "_")
    called = [file for file in files if Path(file[0]).stem.lower().replace("-", "_") == stem]
    defined = "|".join(map(re.escape, exercise.answers))
    pattern = re.compile(rf"^\s*(?:def\s+(?:{defined})\b|(?:{defined})\s*=)", re.MULTILINE)
    return called or [file for file in files if pattern.search(file[1].source or "")]


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(folder.SUFFIXES) and path.is_file()


def entries(path: str | os.PathLike[str], skip: Iterable[str | os.PathLike[str]], place: str) -> list[Entry]:
    """What the students of a folder (an archive, one file) handed in, in order; archives are unpacked below `place`.
    FileNotFoundError if nothing is at `path`, ValueError if an archive of the class cannot be unpacked.
    """
    skip, path, targets = list(skip), Path(path), (Path(place, "unpacked", str(number)) for number in itertools.count())
    if is_archive(path):
        try:
            unpack(path, whole := next(targets), folder.CLASSES)
        except NotUnpacked as error:
            raise ValueError(f"{path} cannot be unpacked: {error}") from None
        path = _class_in(_class_in(whole, 0), 3)
    elif path.is_dir():
        path = _class_in(path, 3, skip)
    groups: dict[str, list[tuple[Person | None, Path]]] = {}
    for item in folder.submissions(path, skip):
        person = whose(item.name)
        if person is None and path.is_dir() and _LIST.fullmatch(item.name):
            continue
        label = item.name if person is None else "_".join(filter(None, (person.name, person.id)))
        groups.setdefault(readable_name(label), []).append((person, item))
    return [_entry(label, items, targets) for label, items in groups.items()]


def _class_in(path: Path, least: int, skip: Iterable[str | os.PathLike[str]] = ()) -> Path:
    """The only folder in a folder, if that holds at least so many folders or archives, and nothing else."""
    inside = [entry for entry in folder.submissions(path, skip) if not _LIST.fullmatch(entry.name)]
    if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink() or whose(inside[0].name) is not None:
        return path
    below = [entry for entry in folder.submissions(inside[0]) if not _LIST.fullmatch(entry.name)]
    many = len(below) >= least and (not least or all(entry.is_dir() or is_archive(entry) for entry in below))
    return inside[0] if many else path


def _entry(label: str, items: list[tuple[Person | None, Path]], targets: Iterator[Path]) -> Entry:
    latest = max(person.attempt if person else "" for person, _ in items)
    files: list[tuple[str, Path]] = []
    reason: tuple[str, str] | None = None
    student, name = "", ""
    for person, path in items:
        if person is not None and person.attempt != latest:
            continue
        whole = path.is_dir() and not path.is_symlink()
        student, name = (person.id, person.name) if person else (path.name if whole else path.stem, "")
        try:
            if whole or (is_archive(path) and not path.is_symlink()):
                files += _below(path, targets)
            elif person is None or path.suffix.lower() in LARGEST:
                files.append((person.original if person and person.original else path.name, path))
        except NotUnpacked as error:
            reason = ("archive", str(error))
    return Entry(label, student, name, tuple(files), reason)


def _below(top: Path, targets: Iterator[Path], depth: int = 0) -> list[tuple[str, Path]]:
    """Programs and notebooks in a folder or archive, by their paths from there; also of archives in it."""
    place = top
    if not top.is_dir():
        unpack(top, place := next(targets))
    found: list[tuple[str, Path]] = []
    for path in _walk(place, folder.DEEPEST):
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
