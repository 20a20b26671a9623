"""A whole folder: every entry marked once, in parallel, in a stable order, going on where it was stopped."""

import contextlib
import hashlib
import hmac
import itertools
import json
import os
import secrets
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from npreg._version import __version__
from npreg.exercises.forward.program import Exercise
from npreg.exercises.words import say
from npreg.files import named
from npreg.grading.marking import Result, Settings, describe, known_right, mark
from npreg.grading.outputs import Outputs, PathLike
from npreg.grading.students import Entry, Submission, entries, is_archive, readable_name
from npreg.isolation import choose, workplace

TEACHERS_MATTER = frozenset({"failed-to-start", "grader-error", "missing"})
"""Reasons that lie with the grader or the call, not with a student; a run that met one ends with status 2."""
SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class Graded:
    """The results of a folder, for every entry in order one per exercise, and the isolation in force."""

    exercises: Sequence[Exercise]
    results: Sequence[Result]
    isolation: Mapping[str, Any] = field(default_factory=dict)
    resumed: int = 0

    @property
    def all_right(self) -> bool:
        """Whether every entry has full marks."""
        return all(result.score == 1 for result in self.results)

    def lines(self, rows: bool = True, lang: str = "en") -> list[str]:
        """The run in words: a line per entry if asked for, the class as a whole, the isolation."""
        said: list[str] = []
        for exercise in self.exercises:
            results = [result for result in self.results if result.exercise == exercise.id]
            shown = [f"{it.score:4.0%}  {it.file}  {'; '.join(it.codes)}".rstrip() for it in results]
            right = sum(result.score == 1 for result in results)
            mean = sum(result.score for result in results) / max(len(results), 1)
            whole = say("graded", lang, exercise=exercise.id, count=len(results), right=right, mean=f"{mean:.0%}")
            said += [*(shown if rows else []), whole]
        again = [say("graded-before", lang, count=self.resumed)] if self.resumed else []
        return [*said, *again, say("graded-isolation", lang, how="; ".join(describe(self.isolation, lang)))]

    @property
    def troubles(self) -> list[Result]:
        """Entries that the grader itself failed on."""
        return [result for result in self.results if result.reason in TEACHERS_MATTER]


def grade(
    path: PathLike,
    exercise: Exercise | Sequence[Exercise],
    *,
    secret: bytes,
    settings: Settings | None = None,
    outputs: Outputs | None = None,
    jobs: int | None = None,
    student: str | None = None,
    way: str = "auto",
    sources: Sequence[PathLike] = (),
    skip: Sequence[PathLike] = (),
    quiet: bool = False,
) -> Graded:
    """Mark what every student of a folder (an archive, or one file) handed in, and write all outputs.

    Parameters
    ----------
    path : the folder with files, folders, or archives, also under the names of learning platforms; an
        archive of such a folder; or a single file
    exercise : what the files answer, one exercise or several
    secret : the key from which every student's probes are drawn
    settings : what decides the marks; None means the defaults
    outputs : where results go
    jobs : how many processes at a time, at most one per processor (the default)
    student : the name that decides the probes of a single file (default: its file name without the ending)
    way : the isolation, see `npreg.isolation.choose`
    sources : the teacher's files with exercises that are none of the course; another text marks anew
    skip : entries of the folder that are no submissions
    quiet : show no progress

    Raises
    ------
    FileNotFoundError
        if there is nothing at `path`; a Gradescope file with zero points is written even then.
    NoIsolation
        if a process cannot be shut in as asked for, or a file that is known to be right gets no full marks.
    """
    settings, outputs = settings or Settings(), outputs or Outputs()
    exercises = list(exercise) if isinstance(exercise, Sequence) else [exercise]
    alone = not Path(path).is_dir() and not is_archive(Path(path))
    if alone:
        missing = "" if os.path.lexists(path) else readable_name(Path(path).name)
        outputs.write_zero("", settings.lang, missing)
    with workplace() as place:
        students = entries(path, [*sources, *outputs.paths(), *skip], place)
        sandbox, isolation = choose(replace(settings.sandbox, place=place), way, known_right)
        settings = replace(settings, sandbox=sandbox)
        decisive = (settings, __version__, np.__version__, *(Path(source).read_bytes() for source in sources))
        tasks = []
        for entry, asked in itertools.product(students, exercises):
            seed = student_seed(secret, asked.id, (student if alone else None) or entry.student)
            submission = entry.submission(asked, [os.path.basename(source) for source in sources])
            parts = (entry.student, entry.name, submission, asked.id, seed, *decisive)
            key = hashlib.sha256(repr(parts).encode()).hexdigest()
            name = entry.label if len(exercises) == 1 else f"{entry.label}-{asked.id}"
            name = "" if alone and len(exercises) == 1 else name
            tasks.append(_Task(entry, asked, submission, seed, key, name))
        kept, results = outputs.journal_path(), dict[int, Result]()
        with journal(kept) as (known, add):
            for number, task in enumerate(tasks):
                if task.key in known:
                    results[number] = Result.from_dict(known[task.key])
                    outputs.write_student(results[number], task.name, settings.lang)
                else:
                    outputs.write_zero(task.name, settings.lang)
            resumed, todo = len(results), {n: task for n, task in enumerate(tasks) if n not in results}
            with contextlib.closing(_marked(todo, settings, jobs)) as marked:
                for number, result in marked if quiet else _shown(marked, resumed, len(tasks)):
                    results[number] = result
                    if result.reason not in TEACHERS_MATTER:
                        add(tasks[number].key, result.to_dict())
                    outputs.write_student(result, tasks[number].name, settings.lang)
        graded = Graded(exercises, [results[number] for number in range(len(tasks))], isolation, resumed)
        outputs.write_class(graded.results, exercises, isolation, settings.lang)
        if kept is not None and outputs.journal is None and not graded.troubles:
            os.unlink(kept)
    return graded


def _shown(marked: Iterable[tuple[int, Result]], done: int, total: int) -> Iterator[tuple[int, Result]]:
    """The same, with a line of progress now and then."""
    begun, resumed, said = time.monotonic(), done, time.monotonic()
    for number, result in marked:
        yield number, result
        done, now = done + 1, time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES or done == total:
            said, left = now, (now - begun) / (done - resumed) * (total - done)
            rest = f", about {left:.0f} s left" if left >= 1 else ""
            print(f"graded {done} of {total}: {result.file}{rest}", file=sys.stderr, flush=True)


class _Task(NamedTuple):
    """What one student handed in for one exercise, the key of all that decides its result, where that is written."""

    entry: Entry
    exercise: Exercise
    submission: Submission
    seed: int
    key: str
    name: str


def _marked(
    tasks: Mapping[int, _Task], settings: Settings, jobs: int | None
) -> Generator[tuple[int, Result], None, None]:
    """Mark in parallel; results as they come. An interruption ends what runs, and nothing new is begun."""
    interrupted, local, slots = threading.Event(), threading.local(), itertools.count()

    def watch(seconds: float, name: str) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt  # a process that is waited for is ended at once

    def one(task: _Task) -> Result:
        for _ in range(2):  # once more if its process could not be started
            result = mark(task.submission, task.exercise, settings, task.seed, local.slot, watch)
            if result.reason != "failed-to-start":
                break
        return replace(result, student=task.entry.student, name=task.entry.name)

    processors = os.cpu_count() or 1
    jobs = max(1, min(jobs or processors, processors, len(tasks)))
    pool = ThreadPoolExecutor(jobs, initializer=lambda: setattr(local, "slot", next(slots)))
    try:
        waiting = {pool.submit(one, task): number for number, task in tasks.items()}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        interrupted.set()  # what still runs then, is not waited for
        pool.shutdown(wait=True, cancel_futures=True)


def student_seed(key: bytes, exercise: str, student: str) -> int:
    """The seed of one student's probes: 63 bits of HMAC-SHA256 (RFC 2104) over exercise and name."""
    name = unicodedata.normalize("NFC", student)
    digest = hmac.new(key, f"{exercise}\0{name}".encode("utf-8", "backslashreplace"), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def read_key(path: str | os.PathLike[str] | None = None) -> bytes:
    """The key in a file, which is made with fresh random bytes, for its owner alone, if it is not there.

    Without a path it is below the user's configuration folder. Raises ValueError if the file is empty.
    """
    variable, folder = ("APPDATA", "") if os.name == "nt" else ("XDG_CONFIG_HOME", ".config")
    path = Path(path or Path(os.environ.get(variable) or Path.home() / folder, "npreg", "grading.key"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError), open(path, "x", opener=partial(os.open, mode=0o600)) as file:
        file.write(secrets.token_hex(32) + "\n")
    key = path.read_bytes().strip()
    if not key:
        raise ValueError(f"the key file {str(path)!r} is empty; write some random text into it, or delete it")
    return key


@contextlib.contextmanager
def journal(path: PathLike | None) -> Iterator[tuple[dict[str, Any], Callable[[str, dict[str, Any]], None]]]:
    """What has been marked already, by key, and a function that appends a result; without a path nothing is kept."""
    known: dict[str, Any] = {}
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
