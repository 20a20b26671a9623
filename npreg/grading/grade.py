"""A whole folder: every entry marked once, in parallel, in a stable order, going on where it was stopped."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from npreg._version import __version__
from npreg.exercises.forward.program import Exercise
from npreg.files import is_device
from npreg.grading import tables
from npreg.grading.class_report import write_report
from npreg.grading.feedback import write_feedback
from npreg.grading.folder import readable_name
from npreg.grading.journal import Journal, key
from npreg.grading.marking import Settings, mark
from npreg.grading.result import Result, describe
from npreg.grading.seeds import student_seed
from npreg.grading.selftest import known_right
from npreg.grading.students import Entry, entries, is_archive
from npreg.isolation import choose, workplace

TEACHERS_MATTER = frozenset({"failed-to-start", "grader-error", "missing"})
"""Reasons that lie with the grader or the call, not with a student; a run that met one ends with status 2."""
SECONDS_BETWEEN_LINES = 5.0
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Outputs:
    """Where results go; what is None is not written.

    `points` is what a submission is worth on Gradescope and in the `gradebook`, a table with a row per
    student and a column per exercise; `bom` marks tables as UTF-8 for spreadsheets that guess.
    """

    csv: PathLike | None = None
    gradebook: PathLike | None = None
    jsonl: PathLike | None = None
    gradescope: PathLike | None = None
    feedback: PathLike | None = None
    report: PathLike | None = None
    journal: PathLike | None = None
    points: float = 1.0
    bom: bool = False

    def paths(self) -> list[PathLike]:
        """All paths that are written, to leave them out where they lie in the folder itself."""
        named = (self.csv, self.gradebook, self.jsonl, self.gradescope, self.feedback, self.report, self.journal_path())
        return [path for path in named if path is not None]

    def journal_path(self) -> PathLike | None:
        """The journal: the one named, else beside the first table."""
        found = (self.csv, self.gradebook, self.jsonl, self.report)
        beside = [f"{os.fspath(path)}.journal" for path in found if path is not None and not is_device(path)]
        return next(iter(beside), None) if self.journal is None else self.journal


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

    def of(self, exercise: Exercise) -> list[Result]:
        """The results for one exercise."""
        return [result for result in self.results if result.exercise == exercise.id]

    def lines(self, rows: bool = True) -> list[str]:
        """The run in words: a line per entry if asked for, the class as a whole, the isolation."""
        said: list[str] = []
        for exercise in self.exercises:
            results = self.of(exercise)
            shown = [f"{it.score:4.0%}  {it.file}  {'; '.join(it.codes)}".rstrip() for it in results]
            right = sum(result.score == 1 for result in results)
            mean = sum(result.score for result in results) / max(len(results), 1)
            whole = f"{len(results)} submissions, {right} all right, mean score {mean:.0%}"
            said += [*(shown if rows else []), f"{exercise.id}: {whole}"]
        again = [f"{self.resumed} of them marked before"] if self.resumed else []
        return [*said, *again, "Isolation: " + "; ".join(describe(self.isolation))]

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
    single = not Path(path).is_dir() and not is_archive(Path(path))
    if single and outputs.gradescope is not None:
        missing = "" if os.path.lexists(path) else readable_name(Path(path).name)
        tables.write_zero(tables.gradescope_path(outputs.gradescope, "", True), settings.lang, missing)
    with workplace() as place:
        students = entries(path, [*sources, *outputs.paths(), *skip], place)
        sandbox, isolation = choose(replace(settings.sandbox, place=place), way, known_right)
        settings = replace(settings, sandbox=sandbox)
        run = _Run(exercises, settings, outputs, secret, student if single else None, sources, single)
        with Journal(outputs.journal_path()) as journal:
            results, resumed = run.all(students, journal, jobs, quiet)
            graded = Graded(exercises, results, isolation, resumed)
            write_tables(graded, outputs, settings.lang)
            if outputs.journal is None and not graded.troubles:
                journal.remove()
    return graded


def write_tables(graded: Graded, outputs: Outputs, lang: str) -> None:
    """Write what belongs to the class as a whole."""
    if outputs.csv is not None:
        tables.write_csv(outputs.csv, graded.results, graded.exercises, outputs.bom)
    if outputs.gradebook is not None:
        tables.write_gradebook(outputs.gradebook, graded.results, graded.exercises, outputs.points, outputs.bom)
    if outputs.jsonl is not None:
        tables.write_jsonl(outputs.jsonl, graded.results)
    for exercise in graded.exercises if outputs.report is not None else ():
        path = Path(outputs.report or "")
        if len(graded.exercises) > 1:
            path = path.with_name(f"{path.stem}-{exercise.id}{path.suffix}")
        write_report(path, graded.of(exercise), exercise, graded.isolation, lang)


class _Interrupted(BaseException):
    """The run was interrupted: a process that is waited for is ended at once."""


class _Task(NamedTuple):
    entry: Entry
    exercise: Exercise


@dataclass
class _Run:
    """One run over a folder: what is the same for all its entries."""

    exercises: Sequence[Exercise]
    settings: Settings
    outputs: Outputs
    secret: bytes
    student: str | None
    sources: Sequence[PathLike]
    single: bool
    interrupted: threading.Event = field(default_factory=threading.Event)
    thread: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        self.names = [os.path.basename(source) for source in self.sources]
        texts = (Path(source).read_bytes().hex() for source in self.sources)
        self.version = key(__version__, np.__version__, *texts)

    def all(
        self, students: Sequence[Entry], journal: Journal, jobs: int | None, quiet: bool
    ) -> tuple[list[Result], int]:
        """Mark all entries that the journal does not know; the results in order, and how many it knew."""
        tasks = [_Task(entry, exercise) for entry in students for exercise in self.exercises]
        results: dict[int, Result] = {}
        for number, task in enumerate(tasks):
            known = journal.get(self.key(task, task.entry.submission(task.exercise, self.names).digest))
            if known is not None:
                results[number] = Result.from_dict(known)
                self.publish(results[number])
            elif self.outputs.gradescope is not None:
                tables.write_zero(self.gradescope(task.entry.label, task.exercise.id), self.settings.lang)
        resumed, todo = len(results), [number for number in range(len(tasks)) if number not in results]
        processors, slots = os.cpu_count() or 1, itertools.count()
        jobs = max(1, min(jobs or processors, processors, len(todo)))
        pool = ThreadPoolExecutor(jobs, initializer=lambda: setattr(self.thread, "slot", next(slots)))
        begun = said = time.monotonic()
        try:
            waiting = {pool.submit(self.one, tasks[number]): number for number in todo}
            for done, future in enumerate(as_completed(waiting), 1):
                marked, result = future.result()
                results[waiting[future]] = result
                if result.reason not in TEACHERS_MATTER:
                    journal.add(marked, result.to_dict())
                self.publish(result)
                now = time.monotonic()
                if not quiet and (now - said >= SECONDS_BETWEEN_LINES or done == len(todo)):
                    said, left = now, (now - begun) / done * (len(todo) - done)
                    rest = f", about {left:.0f} s left" if left >= 1 else ""
                    print(f"graded {resumed + done} of {len(tasks)}: {result.file}{rest}", file=sys.stderr, flush=True)
        except BaseException:
            self.interrupted.set()  # ends what runs, and nothing new is begun
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return [results[number] for number in range(len(tasks))], resumed

    def one(self, task: _Task) -> tuple[str, Result]:
        """Mark one entry, once more if its process could not be started: the key of what was marked, too."""
        submission = task.entry.submission(task.exercise, self.names)
        for _ in range(2):
            result = mark(submission, task.exercise, self.settings, self.seed(task), self.thread.slot, self.watch)
            if result.reason != "failed-to-start":
                break
        result = replace(result, student=task.entry.student, name=task.entry.name)
        return self.key(task, submission.digest), result

    def watch(self, seconds: float, name: str) -> None:
        if self.interrupted.is_set():
            raise _Interrupted

    def seed(self, task: _Task) -> int:
        return student_seed(self.secret, task.exercise.id, self.student or task.entry.student)

    def key(self, task: _Task, digest: str) -> str:
        """The key of the stored result: everything that decides it."""
        settings = replace(self.settings, sandbox=self.settings.sandbox.anywhere())
        student = (task.entry.label, task.entry.student, task.entry.name, self.seed(task))
        return key(*student, digest, task.exercise.id, settings, self.version)

    def place(self, file: str, exercise: str) -> str:
        """The name under which an entry's results are written: with the exercise if there are several."""
        return file if len(self.exercises) == 1 else f"{file}-{exercise}"

    def gradescope(self, file: str, exercise: str) -> Path:
        alone = self.single and len(self.exercises) == 1
        return tables.gradescope_path(self.outputs.gradescope or "", self.place(file, exercise), alone)

    def publish(self, result: Result) -> None:
        """Write what belongs to one student."""
        lang = self.settings.lang
        if self.outputs.gradescope is not None:
            path = self.gradescope(result.file, result.exercise)
            tables.write_gradescope(path, result, self.outputs.points, lang)
        if self.outputs.feedback is not None:
            write_feedback(self.outputs.feedback, result, lang, self.place(result.file, result.exercise))
