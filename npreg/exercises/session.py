"""A student's file in a process of its own: run there, within limits of time and memory, and judged here."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from npreg.exercises.course import IDS, load
from npreg.exercises.files import read_source, require_python, student_files
from npreg.exercises.findings import Finding, Mistake
from npreg.exercises.forward.program import Exercise
from npreg.exercises.found import Facts
from npreg.exercises.judge import Questions, judge, questions_of
from npreg.exercises.place import placed
from npreg.exercises.report import Report, UnusableFile
from npreg.exercises.words import LANGUAGES, explain, size
from npreg.isolation import LARGE, Isolated, Limits, Ran, Sandbox, Watch

MOST_HELPERS = 50
PLACE_SECONDS = 1.0  # for looking for a mistake's place, an answer
SHOWN_LINES = 12
OWN_FILE_SIZE = 2**40
_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import\b|import[ \t]+([\w., \t]+))", re.MULTILINE)


class Session(NamedTuple):
    """A report, what the file printed by function ("" while it was loaded), and what stopped it."""

    report: Report
    printed: Mapping[str, str]
    stopped: str = ""


@dataclass(frozen=True)
class OwnFile:
    """A file of the user's own: its text, its folder, and what it may use."""

    source: str
    folder: str
    limits: Limits
    watch: Watch | None = None

    @cached_property
    def isolated(self) -> Isolated:
        """It, to be run in its own folder, with the modules there that it imports, and within its limits."""

        def text(name: str) -> str | None:
            try:
                return read_source(Path(self.folder) / name)
            except UnusableFile:
                return None

        sandbox = Sandbox(replace(self.limits, file_size=OWN_FILE_SIZE), home=self.folder)
        return Isolated(sandbox, self.source, helpers(self.source, text), watch=self.watch)

    def check(self, exercise: Exercise, seed: Any = None, lang: str = "en") -> Session:
        """Judge it, and collect what it printed on the first probe."""
        questions = questions_of(exercise, seed=seed)
        ran = self.isolated.run(questions.names, questions.probes, questions.optional)
        said = {"": ran.outcome["stdout"]}
        said |= {name: f["runs"][0]["stdout"] for name, f in ran.outcome["functions"].items() if f["runs"]}
        printed = {name: _shortened(text) for name, text in said.items() if text.strip()}
        stopped = [explained(where, *ending, self.limits)[lang] for where, ending in ran.endings.items()]
        with self.isolated.searching(PLACE_SECONDS) as search:
            report = placed(judged(questions, ran, self.limits, lang, own=True), questions, ran.outcome, search)
        return Session(report, printed, " ".join(stopped))


class Progress(NamedTuple):
    """One exercise, the student's file for it if there is one, and how many of its answers are right."""

    exercise: Exercise
    path: Path | None
    right: int
    asked: int
    problem: str = ""


def progress(folder: str | Path, limits: Limits, skipped: list[UnusableFile], lang: str = "en") -> Iterator[Progress]:
    """How far one is in the course, by the best file for each exercise; why files were skipped goes into `skipped`."""
    files = list(student_files(folder, skipped))
    for exercise in map(load, IDS):
        best = Progress(exercise, None, 0, len(exercise.answers))
        for path, source in ((path, source) for path, named, source in files if named == exercise.id):
            try:
                require_python(source, path.name)
                session = OwnFile(source, str(path.parent.resolve()), limits).check(exercise, lang=lang)
                right = sum(answer.passed for answer in session.report.answers)
                state = best._replace(path=path, right=right, problem=session.stopped)
            except UnusableFile as error:
                state = best._replace(path=path, right=0, problem=error.text(lang).splitlines()[0])
            best = state if best.path is None else max(best, state, key=lambda state: state.right)
        yield best


def judged(questions: Questions, ran: Ran, limits: Limits, lang: str = "en", own: bool = False) -> Report:
    """Judge what ran; a stopped answer has the reason as its mistake, but an exception in a file of one's `own`."""
    report, endings = judge(questions, ran.outcome, lang), endings_of(ran, own)
    answers = list(report.answers)
    for i, answer in enumerate(answers):
        where = answer.name if answer.name in endings else ""
        if where in endings and not answer.passed and "numerical" not in answer.codes:
            code, detail = endings[where]
            mistake = Mistake(code, answer.name, Facts(message=explained(where, code, detail, limits)))
            answers[i] = replace(answer, findings=(Finding("runs", False),), mistakes=(mistake,))
    return replace(report, answers=tuple(answers), error=None if "" in ran.endings else report.error)


def endings_of(ran: Ran, own: bool = False) -> dict[str, tuple[str, str]]:
    """Why functions ("": the file) were stopped: by their process's end, or an exception it caused."""
    found = {"": _reason(ran.outcome["error"])}
    for name, function in ran.outcome["functions"].items():
        found[name] = next(filter(None, (_reason(run["error"], run["value"]) for run in function["runs"])), None)
    told = ("missing-package", "no-processes", "ended-itself") if own else ()
    kept = {name: reason for name, reason in found.items() if reason is not None and reason[0] not in told}
    return {**kept, **ran.endings}


def _reason(error: Mapping[str, Any] | None, value: Any = None) -> tuple[str, str] | None:
    """Why a call was stopped (code, detail): by an exception of the isolation, or as its value was too large."""
    if error is None:
        return ("too-large", str(value.shape)) if value is not None and value.nbytes > LARGE else None
    kind, message = error["kind"], error["message"]
    if kind in ("Forbidden", "ModuleNotFoundError"):
        return "forbidden-import" if kind == "Forbidden" else "missing-package", str(error["package"])[:100]
    if kind in ("MemoryError", "_ArrayMemoryError"):
        return "memory-limit", ""
    if kind == "SystemExit":
        return "ended-itself", f"exit {message}".strip()[:100]
    if kind in ("PermissionError", "BlockingIOError") or "can't start new thread" in message:
        return "no-processes", f"{kind}: {message}"[:200]
    return ("no-processes", message[:200]) if kind == "OSError" and "File too large" in message else None


def explained(where: str, code: str, detail: str, limits: Limits) -> dict[str, str]:
    """In words, by language, why a function (or the file, "") was stopped."""
    values = {"seconds": limits.seconds, "output": size(limits.output), "memory": size(limits.memory)}
    return {lang: explain(code, lang, name=where, detail=detail, **values) for lang in LANGUAGES}


def helpers(source: str, text: Callable[[str], str | None]) -> dict[str, str]:
    """The modules of its own folder that a file imports, and those that they import: name to source, by `text`."""
    found: dict[str, str] = {}
    waiting = list(_imported(source))
    while waiting and len(found) < MOST_HELPERS:
        name = waiting.pop()
        if name in found or name.partition(".")[0] in sys.stdlib_module_names:
            continue
        path = name.replace(".", "/")
        known = next(filter(None, (text(f"{path}.py"), text(f"{path}/__init__.py"))), None)
        if known is not None:
            found[name] = known
            waiting += _imported(known)
    for name in list(found):  # folders without an `__init__.py`
        while "." in name:
            name = name.rpartition(".")[0]
            found.setdefault(name, "")
    return found


def _imported(source: str) -> Iterable[str]:
    """The modules in import statements, and the packages above them."""
    for match in _IMPORT.finditer(source):
        for part in (match[1] or match[2]).split(","):
            pieces = part.split()[0].split(".") if part.split() else []
            if all(pieces):
                yield from (".".join(pieces[: count + 1]) for count in range(len(pieces)))


def _shortened(text: str) -> str:
    lines = [line[:100] for line in text.rstrip().splitlines()]
    if len(lines) > SHOWN_LINES:
        lines[SHOWN_LINES - 1 :] = [f"… (+{len(lines) - SHOWN_LINES + 1})"]
    return "\n".join(lines)
