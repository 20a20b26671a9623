"""A whole folder: every entry marked once, in parallel, in a stable order, going on where it was stopped."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Exercise
from npreg.files import is_device
from npreg.grading.archives import is_archive
from npreg.grading.folder import Submission, readable_name
from npreg.grading.journal import Journal, key
from npreg.grading.marking import Settings, mark
from npreg.grading.progress import Progress
from npreg.grading.result import Result, describe
from npreg.grading.results import (
    results_path,
    write_csv,
    write_feedback,
    write_gradebook,
    write_jsonl,
    write_report,
    write_results,
    write_zero,
)
from npreg.grading.seeds import student_seed
from npreg.grading.selftest import known_right
from npreg.grading.students import Entry, entries
from npreg.isolation import choose, workplace

TEACHERS_MATTER = frozenset({"failed-to-start", "grader-error", "missing"})
"""Reasons that lie with the grader or the call, not with a student; a run that met one ends with status 2."""
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Outputs:
    """Where results go; what is None is not written.

    ``points`` is what a submission is worth on Gradescope and in the ``gradebook``, a table with a row per
    student and a column per exercise; ``bom`` marks tables as UTF-8 for spreadsheets that guess.
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
        if self.journal is not None:
            return self.journal
        for beside in (self.csv, self.gradebook, self.jsonl, self.report):
            if beside is not None and not is_device(beside):
                return f"{os.fspath(beside)}.journal"
        return None


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
        """Return the run in words: a line per entry if asked for, the class as a whole, the isolation."""
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
    way : the isolation, see ``isolation.choose``
    sources : the teacher's files with exercises that are none of the course; another text marks anew
    skip : entries of the folder that are no submissions
    quiet : show no progress

    Raises
    ------
    FileNotFoundError
        if there is nothing at ``path``; a Gradescope file with zero points is written even then.
    NoIsolation
        if a process cannot be shut in as asked for, or a file that is known to be right gets no full marks.
    """
    settings, outputs = settings or Settings(), outputs or Outputs()
    exercises = list(exercise) if isinstance(exercise, Sequence) else [exercise]
    single = not Path(path).is_dir() and not is_archive(Path(path).name)
    if single and outputs.gradescope is not None:
        missing = "" if os.path.lexists(path) else readable_name(Path(path).name)
        write_zero(results_path(outputs.gradescope, Path(path).name, True), settings.lang, missing)
    own = [named for named in (*sources, *outputs.paths(), *skip) if named is not None]
    with workplace() as place:
        students = entries(path, own, place)
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
        write_csv(outputs.csv, graded.results, graded.exercises, outputs.bom)
    if outputs.gradebook is not None:
        write_gradebook(outputs.gradebook, graded.results, graded.exercises, outputs.points, outputs.bom)
    if outputs.jsonl is not None:
        write_jsonl(outputs.jsonl, graded.results)
    if outputs.report is not None:
        for exercise in graded.exercises:
            path = Path(outputs.report)
            if len(graded.exercises) > 1:
                path = path.with_name(f"{path.stem}-{exercise.id}{path.suffix}")
            write_report(path, graded.of(exercise), exercise, graded.isolation, lang)


class _Interrupted(BaseException):
    """The run was interrupted: a process that is waited for is ended at once."""


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

    def __post_init__(self) -> None:
        self.version = _version(self.sources)
        self.names = [os.path.basename(source) for source in self.sources]

    def all(
        self, students: Sequence[Entry], journal: Journal, jobs: int | None, quiet: bool
    ) -> tuple[list[Result], int]:
        """Mark all entries that the journal does not know; the results in order, and how many it knew."""
        tasks = [(entry, exercise) for entry in students for exercise in self.exercises]
        results: dict[int, Result] = {}
        for number, (entry, exercise) in enumerate(tasks):
            known = journal.get(self.key(entry, entry.submission(exercise, self.names), exercise))
            if known is not None:
                results[number] = Result.from_dict(known)
                self.publish(results[number])
            elif self.outputs.gradescope is not None:
                write_zero(self.gradescope(entry.label, exercise.id), self.settings.lang)
        resumed, todo = len(results), [number for number in range(len(tasks)) if number not in results]
        processors = os.cpu_count() or 1
        jobs = max(1, min(jobs or processors, processors, len(todo)))
        slots: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(jobs):
            slots.put(slot)
        with Progress(len(tasks), resumed, shown=not quiet) as shown, self.pool(jobs) as pool:
            waiting = {pool.submit(self.one, *tasks[number], slots): number for number in todo}
            while waiting:
                finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    key_of_it, result = future.result()
                    results[waiting.pop(future)] = result
                    if result.reason not in TEACHERS_MATTER:
                        journal.add(key_of_it, result.to_dict())
                    self.publish(result)
                    shown.step(result.file)
        return [results[number] for number in range(len(tasks))], resumed

    def one(self, entry: Entry, exercise: Exercise, slots: queue.SimpleQueue[int]) -> tuple[str, Result]:
        """Mark one entry, once more if its process could not be started: the key of what was marked, too."""
        slot = slots.get()
        try:
            submission = entry.submission(exercise, self.names)
            seed = self.seed(entry, exercise)
            for _ in range(2):
                result = mark(submission, exercise, self.settings, seed, slot, self.watch)
                if result.reason != "failed-to-start":
                    break
            result = replace(result, student=entry.student, name=entry.name)
            return self.key(entry, submission, exercise), result
        finally:
            slots.put(slot)

    def watch(self, seconds: float, name: str) -> None:
        if self.interrupted.is_set():
            raise _Interrupted

    def seed(self, entry: Entry, exercise: Exercise) -> int:
        return student_seed(self.secret, exercise.id, self.student or entry.student)

    def key(self, entry: Entry, submission: Submission, exercise: Exercise) -> str:
        """Return the key of the stored result: everything that decides it."""
        settings = replace(self.settings, sandbox=self.settings.sandbox.anywhere())
        student = (entry.label, entry.student, entry.name, self.seed(entry, exercise))
        return key(*student, submission.digest, exercise.id, settings, self.version)

    def place(self, file: str, exercise: str) -> str:
        """The name under which an entry's results are written: with the exercise if there are several."""
        return file if len(self.exercises) == 1 else f"{file}-{exercise}"

    def gradescope(self, file: str, exercise: str) -> Path:
        folder = self.outputs.gradescope
        return results_path(folder or "", self.place(file, exercise), self.single and len(self.exercises) == 1)

    def publish(self, result: Result) -> None:
        """Write what belongs to one student."""
        lang = self.settings.lang
        if self.outputs.gradescope is not None:
            path = self.gradescope(result.file, result.exercise)
            write_results(path, result, self.outputs.points, lang)
        if self.outputs.feedback is not None:
            name = self.place(result.file, result.exercise)
            write_feedback(self.outputs.feedback, result, lang, name)

    @contextlib.contextmanager
    def pool(self, jobs: int) -> Iterator[ThreadPoolExecutor]:
        """Threads that wait for processes; an interruption ends what runs, and nothing new is begun."""
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="npreg-grade")
        try:
            yield pool
        except BaseException:
            self.interrupted.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _version(sources: Sequence[PathLike]) -> str:
    """What a stored result depends on besides the submission: this package, and the teacher's files."""
    from npreg._version import __version__

    return key(__version__, np.__version__, *(Path(source).read_bytes().hex() for source in sources))
