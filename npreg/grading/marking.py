"""One submission to one result: run in isolation, judged here, every failure given its reason."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npreg.exercises.check import Questions, judge, questions_of
from npreg.exercises.forward.probes import fresh
from npreg.exercises.forward.program import Exercise
from npreg.exercises.forward.verdict import Reference
from npreg.exercises.report import NAMED, AnswerReport, Report, UnusableFile
from npreg.exercises.words.reasons import explain, size
from npreg.grading.folder import Submission
from npreg.grading.numerical import loses_digits, stretched
from npreg.grading.result import Mark, Result
from npreg.isolation import LARGE, Limits, Ran, Sandbox, run_isolated

LONGEST_EXCERPT = 12
_judging = threading.Lock()


@dataclass(frozen=True)
class Settings:
    """What decides the marks, besides the submission and the exercise.

    ``numerical`` is the mark in 0..1 for an answer whose values are right but found by numerical
    differentiation; ``hints`` the stage of hints in the students' feedback (1 to 4).
    """

    lang: str = "en"
    numerical: float = 0.0
    hints: int = NAMED
    sandbox: Sandbox = field(default_factory=Sandbox)

    def __post_init__(self) -> None:
        if not 0 <= self.numerical <= 1:
            raise ValueError(
                f"the mark for numerical differentiation must be between 0 and 1, not {self.numerical}"
            )

    @property
    def limits(self) -> Limits:
        """The limits of every process."""
        return self.sandbox.limits


def reason_of(error: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Return the reason (code, detail) behind an exception that the isolation caused, None for any other.

    >>> reason_of({"kind": "MemoryError", "message": "Unable to allocate 37.3 GiB"})
    ('memory-limit', '')
    """
    if error is None:
        return None
    kind, message = error["kind"], error["message"]
    if kind == "Forbidden":
        return "forbidden-import", str(error["package"])[:100]
    if kind == "ModuleNotFoundError":
        return "missing-package", str(error["package"])[:100]
    if kind in ("MemoryError", "_ArrayMemoryError"):
        return "memory-limit", ""
    if kind == "SystemExit":
        return "ended-itself", f"exit {message}".strip()[:100]
    if kind in ("PermissionError", "BlockingIOError") or "can't start new thread" in message:
        return "no-processes", f"{kind}: {message}"[:200]
    if kind == "OSError" and "File too large" in message:
        return "no-processes", message[:200]
    return None


def _too_large(value: Any) -> tuple[str, str] | None:
    """An array of which only the shape was sent (``outcome`` lets it stand for the values)."""
    if value is None or value.nbytes <= LARGE:
        return None
    return "too-large", str(value.shape)


def mark(submission: Submission, exercise: Exercise, settings: Settings, seed: int, slot: int = 0) -> Result:
    """Mark one submission; whatever it does, the answer is a ``Result``.

    Parameters: ``seed`` decides the probes; ``slot`` keeps the users of parallel processes apart. Threads
    judge one at a time, and wait for their processes side by side.
    """
    if submission.reason is not None or submission.source is None:
        return without_answers(submission.name, exercise, submission.reason or ("empty", ""), settings.lang)
    try:
        with _judging, np.errstate(all="ignore"):
            probes = fresh(exercise, seed)
            questions = questions_of(exercise, probes)
            large = stretched(exercise, probes[0])
        asked = [*questions.probes, *(at.given for at in large)]
        ran = run_isolated(
            settings.sandbox,
            submission.source + "\n",
            questions.names,
            asked,
            optional=questions.optional,
            slot=slot,
        )
        with _judging, np.errstate(all="ignore"):
            marking = _Marking.of(ran, questions, large, settings)
            return marking.result(submission)
    except UnusableFile as error:
        said = str(error).removeprefix("the file is no Python: ")[:300]
        return without_answers(submission.name, exercise, ("syntax", said), settings.lang)
    except Exception as error:  # one file never stops the rest
        detail = f"{type(error).__name__}: {error}"[:300]
        return without_answers(submission.name, exercise, ("grader-error", detail), settings.lang)


def without_answers(name: str, exercise: Exercise, reason: tuple[str, str], lang: str) -> Result:
    """Return the result of an entry that could not be run at all: zero, with the reason."""
    message = explain(reason[0], lang, detail=reason[1])
    marks = tuple(Mark(answer, 0.0) for answer in exercise.answers)
    return Result(name, exercise.id, 0.0, marks, reason[0], message)


@dataclass(frozen=True)
class _Marking:
    """One file that has run: the check's report, and what the isolation and the large inputs add to it."""

    report: Report
    ran: Ran
    endings: Mapping[str, tuple[str, str]]
    numerical: frozenset[str]
    settings: Settings

    @classmethod
    def of(cls, ran: Ran, questions: Questions, large: Sequence[Reference], settings: Settings) -> _Marking:
        """Judge the runs on the probes as the check does, those on the ``large`` ones apart."""
        count, functions = len(questions.probes), ran.outcome["functions"]
        endings = {**_refusals(ran.outcome), **ran.endings}
        known = {name: {**record, "runs": record["runs"][:count]} for name, record in functions.items()}
        report = judge(questions, {**ran.outcome, "functions": known}, settings.lang)
        lossy = [n for n in questions.names if loses_digits(functions[n]["runs"][count:], large, n)]
        return cls(report, ran, endings, frozenset([*ran.complex, *lossy]), settings)

    def result(self, submission: Submission) -> Result:
        marks = tuple(self.mark(answer, submission.source or "") for answer in self.report.answers)
        score = sum(mark.mark for mark in marks) / max(len(marks), 1)
        reason, message = None, next((mark.message for mark in marks if mark.message), "")
        if score == 0 and "" in self.endings:
            reason, message = self.endings[""][0], self.explained("")
        return Result(
            submission.name,
            self.report.exercise,
            score,
            marks,
            reason,
            message,
            isolation(self.ran.isolation),
            self.report.to_dict(self.settings.lang),
        )

    def mark(self, answer: AnswerReport, source: str) -> Mark:
        """Mark one answer: what the check says, unless its way or its ending says more."""
        lang, name = self.settings.lang, answer.name
        codes = tuple(mistake.code for mistake in answer.mistakes)
        mark, details = float(answer.passed), tuple[str, ...]()
        message = "" if answer.passed else answer.message(lang)
        if set(codes) == {"numerical"}:
            mark = self.settings.numerical
        elif answer.passed and name in self.numerical:
            mark, codes = self.settings.numerical, ("numerical",)
            message = explain("numerical", lang, name=name)
        elif not answer.passed and "numerical" not in codes and {name, ""} & self.endings.keys():
            where = name if name in self.endings else ""
            codes, message = (self.endings[where][0],), self.explained(where)
        elif "numerical" not in codes:
            details = tuple(answer.sentences(self.report.exercise, lang, self.settings.hints))
        line = self.ran.outcome["functions"].get(name, {}).get("line")
        return Mark(name, mark, codes, message, details, line, function_text(source, line))

    def explained(self, where: str) -> str:
        """Return in words why a function, or the file, ended."""
        (code, detail), limits = self.endings[where], self.settings.limits
        values = {"seconds": limits.seconds, "output": size(limits.output), "memory": size(limits.memory)}
        return explain(code, self.settings.lang, name=where, detail=detail, **values)


def _refusals(outcome: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The first reason of every function (``""``: of the file) that lies in the isolation."""
    found = {"": reason_of(outcome["error"])}
    for name, function in outcome["functions"].items():
        reasons = (reason_of(run["error"]) or _too_large(run["value"]) for run in function["runs"])
        found[name] = next(filter(None, reasons), None)
    return {name: reason for name, reason in found.items() if reason is not None}


def function_text(source: str, line: int | None) -> str:
    """Return a function's lines, from where it begins to where its indentation ends, at most a dozen.

    The file is not parsed: a hostile one must not reach the parser of the process that holds the reference.

    >>> print(function_text("x = 1\\ndef f(w):\\n    return w\\n\\ny = 2", 2))
    def f(w):
        return w
    """
    lines = source.split("\n")
    if line is None or not 0 < line <= len(lines):
        return ""
    first = lines[line - 1]
    depth = len(first) - len(first.lstrip())
    block = [first]
    for text in lines[line : line + LONGEST_EXCERPT - 1]:
        if text.strip() and len(text) - len(text.lstrip()) <= depth and not text.lstrip().startswith(")"):
            break
        block.append(text)
    return "\n".join(text[depth:][:200] for text in block).rstrip()


def isolation(in_force: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was in force as a few words, the same on every run of one machine."""
    if not in_force:
        return {}
    return {
        "bwrap": bool(in_force.get("bwrap")),
        "unprivileged_user": in_force.get("uid") not in (0, None),
        "landlock": int(in_force.get("landlock") or 0),
        "seccomp": bool(in_force.get("seccomp")),
        "limits": sorted(str(name) for name in in_force.get("limits", ())),
        "processes_blocked": in_force.get("processes") is False,
    }
