"""A whole folder: every entry marked once, in parallel, in a stable order, going on where it was stopped."""

from __future__ import annotations

import contextlib
import os
import queue
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from npreg.files import is_device
from npreg.grading.folder import Submission, read, readable_name, submissions
from npreg.grading.journal import Journal, key
from npreg.grading.marking import Settings, mark
from npreg.grading.progress import Progress
from npreg.grading.protections import describe
from npreg.grading.result import Result
from npreg.grading.results import (
    results_path,
    write_csv,
    write_feedback,
    write_jsonl,
    write_report,
    write_results,
    write_zero,
)
from npreg.grading.seeds import student_seed
from npreg.grading.selftest import known_right
from npreg.isolation import choose, workplace

if TYPE_CHECKING:
    from npreg.exercises.forward.program import Exercise


TEACHERS_MATTER = frozenset({"failed-to-start", "grader-error", "missing"})
"""Reasons that lie with the grader or the call, not with a student; a run that met one ends with status 2."""
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Outputs:
    """Where results go; what is None is not written. ``points`` is a submission's worth on Gradescope."""

    csv: PathLike | None = None
    jsonl: PathLike | None = None
    gradescope: PathLike | None = None
    feedback: PathLike | None = None
    report: PathLike | None = None
    journal: PathLike | None = None
    points: float = 1.0

    def paths(self) -> list[PathLike]:
        """All paths that are written, to leave them out where they lie in the folder itself."""
        named = (self.csv, self.jsonl, self.gradescope, self.feedback, self.report, self.journal_path())
        return [path for path in named if path is not None]

    def journal_path(self) -> PathLike | None:
        """The journal: the one named, else beside the first table."""
        if self.journal is not None:
            return self.journal
        for beside in (self.csv, self.jsonl, self.report):
            if beside is not None and not is_device(beside):
                return f"{os.fspath(beside)}.journal"
        return None


@dataclass(frozen=True)
class Graded:
    """The results of a folder in the order of its entries, and the isolation that was in force."""

    exercise: Exercise
    results: Sequence[Result]
    isolation: Mapping[str, Any] = field(default_factory=dict)
    resumed: int = 0

    @property
    def all_right(self) -> bool:
        """Whether every entry has full marks."""
        return all(result.score == 1 for result in self.results)

    def lines(self, rows: bool = True) -> list[str]:
        """Return the run in words: a line per entry if asked for, the class as a whole, the isolation."""
        shown = [f"{it.score:4.0%}  {it.file}  {'; '.join(it.codes)}".rstrip() for it in self.results]
        right = sum(result.score == 1 for result in self.results)
        count = len(self.results)
        mean = sum(result.score for result in self.results) / max(count, 1)
        whole = f"{self.exercise.id}: {count} submissions, {right} all right, mean score {mean:.0%}"
        again = [f"{self.resumed} of them marked before"] if self.resumed else []
        return [*(shown if rows else []), whole, *again, "Isolation: " + "; ".join(describe(self.isolation))]

    @property
    def troubles(self) -> list[Result]:
        """Entries that the grader itself failed on."""
        return [result for result in self.results if result.reason in TEACHERS_MATTER]


def grade(
    path: PathLike,
    exercise: Exercise,
    *,
    secret: bytes,
    settings: Settings | None = None,
    outputs: Outputs | None = None,
    jobs: int | None = None,
    student: str | None = None,
    way: str = "auto",
    source: PathLike | None = None,
    skip: Sequence[PathLike] = (),
    quiet: bool = False,
) -> Graded:
    """Mark every entry of a folder (or one file) and write all outputs.

    Parameters
    ----------
    path : the folder, or a single file
    exercise : what the files answer
    secret : the key from which every student's probes are drawn
    settings : what decides the marks; None means the defaults
    outputs : where results go
    jobs : how many processes at a time; None means as many as there are processors
    student : the name that decides the probes of a single file (default: its file name without the ending)
    way : the isolation, see ``isolation.choose``
    source : the teacher's file with the exercise, if it is none of the course; another text marks anew
    skip : entries of the folder that are no submissions
    quiet : show no progress

    Raises
    ------
    FileNotFoundError
        if there is nothing at ``path``; a Gradescope file with zero points is written even then.
    NoIsolation
        if a process cannot be shut in as asked for.
    """
    settings, outputs = settings or Settings(), outputs or Outputs()
    jobs = max(1, jobs or os.cpu_count() or 1)
    single = not Path(path).is_dir()
    if single and outputs.gradescope is not None:
        missing = "" if os.path.lexists(path) else readable_name(Path(path).name)
        write_zero(results_path(outputs.gradescope, Path(path).name, True), settings.lang, missing)
    own = [named for named in (source, *outputs.paths(), *skip) if named is not None]
    entries = submissions(path, own)
    journal_path = outputs.journal_path()
    with workplace() as place:
        sandbox, isolation = choose(replace(settings.sandbox, place=place), way, known_right)
        settings = replace(settings, sandbox=sandbox)
        run = _Run(exercise, settings, outputs, secret, student if single else None, _version(source), single)
        with Journal(journal_path) as journal:
            results, resumed = run.all(entries, journal, jobs, quiet)
            graded = Graded(exercise, results, isolation, resumed)
            write_tables(graded, outputs, settings.lang)
            if outputs.journal is None and not graded.troubles:
                journal.remove()
    return graded


def write_tables(graded: Graded, outputs: Outputs, lang: str) -> None:
    """Write what belongs to the class as a whole."""
    if outputs.csv is not None:
        write_csv(outputs.csv, graded.results, list(graded.exercise.answers))
    if outputs.jsonl is not None:
        write_jsonl(outputs.jsonl, graded.results)
    if outputs.report is not None:
        write_report(outputs.report, graded.results, graded.exercise, graded.isolation, lang)


@dataclass
class _Run:
    """One run over a folder: what is the same for all its entries."""

    exercise: Exercise
    settings: Settings
    outputs: Outputs
    secret: bytes
    student: str | None
    version: str
    single: bool

    def all(
        self, entries: Sequence[Path], journal: Journal, jobs: int, quiet: bool
    ) -> tuple[list[Result], int]:
        """Mark all entries that the journal does not know; the results in order, and how many it knew."""
        results: dict[int, Result] = {}
        todo: dict[int, tuple[Path, str, int]] = {}
        for number, entry in enumerate(entries):
            submission = read(entry)
            seed = self.seed(submission)
            entry_key = self.key(submission, seed)
            known = journal.get(entry_key)
            if known is None:
                todo[number] = (entry, entry_key, seed)
                self.begin(submission)
            else:
                results[number] = Result.from_dict(known)
                self.publish(results[number])
        resumed = len(results)
        with Progress(len(entries), resumed, shown=not quiet) as shown, _pool(jobs) as pool:
            slots: queue.SimpleQueue[int] = queue.SimpleQueue()
            for slot in range(jobs):
                slots.put(slot)
            waiting: dict[Future[Result], int] = {
                pool.submit(self.one, entry, seed, slots): number for number, (entry, _, seed) in todo.items()
            }
            while waiting:
                finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    number = waiting.pop(future)
                    result = results[number] = future.result()
                    if result.reason not in TEACHERS_MATTER:
                        journal.add(todo[number][1], result.to_dict())
                    self.publish(result)
                    shown.step(result.file)
        return [results[number] for number in range(len(entries))], resumed

    def one(self, entry: Path, seed: int, slots: queue.SimpleQueue[int]) -> Result:
        """Mark one entry; once more if its process could not be started."""
        slot = slots.get()
        try:
            submission = read(entry)
            result = mark(submission, self.exercise, self.settings, seed, slot)
            if result.reason == "failed-to-start":
                result = mark(submission, self.exercise, self.settings, seed, slot)
            return result
        finally:
            slots.put(slot)

    def seed(self, submission: Submission) -> int:
        return student_seed(self.secret, self.exercise.id, self.student or Path(submission.name).stem)

    def key(self, submission: Submission, seed: int) -> str:
        """Return the key of the stored result: everything that decides it."""
        settings = replace(self.settings, sandbox=self.settings.sandbox.anywhere())
        return key(submission.name, submission.digest, self.exercise.id, seed, settings, self.version)

    def begin(self, submission: Submission) -> None:
        if self.outputs.gradescope is not None:
            write_zero(
                results_path(self.outputs.gradescope, submission.name, self.single), self.settings.lang
            )

    def publish(self, result: Result) -> None:
        """Write what belongs to one student."""
        lang = self.settings.lang
        if self.outputs.gradescope is not None:
            place = results_path(self.outputs.gradescope, result.file, self.single)
            write_results(place, result, self.outputs.points, lang)
        if self.outputs.feedback is not None:
            write_feedback(self.outputs.feedback, result, lang)


def _version(source: PathLike | None) -> str:
    """What a stored result depends on besides the submission: this package, and the teacher's file."""
    from npreg._version import __version__

    text = b"" if source is None else Path(source).read_bytes()
    return key(__version__, np.__version__, text.hex())


@contextlib.contextmanager
def _pool(jobs: int) -> Any:
    """Threads that wait for processes; after an interruption nothing new is begun."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="npreg-grade")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
