"""One submission to one result: run in isolation, judged here, every failure given its reason."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from npreg.exercises import render
from npreg.exercises.words.reasons import explain, size
from npreg.grading.folder import Submission
from npreg.grading.numerical import loses_digits, stretched
from npreg.grading.result import Mark, Result
from npreg.isolation.executor import Executor
from npreg.isolation.inside.main import LARGE
from npreg.isolation.sandbox import Limits, Sandbox

if TYPE_CHECKING:
    from npreg.exercises.forward.program import Exercise
    from npreg.exercises.forward.verdict import Reference
    from npreg.exercises.report import AnswerReport, Report

LONGEST_EXCERPT = 12
_judging = threading.RLock()


@dataclass(frozen=True)
class Settings:
    """What decides the marks, besides the submission and the exercise.

    ``numerical`` is the mark in 0..1 for an answer whose values are right but found by numerical
    differentiation; ``hints`` the stage of hints in the students' feedback (1 to 4).
    """

    lang: str = "en"
    numerical: float = 0.0
    hints: int = render.NAMED
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


class _JudgingExecutor(Executor):
    """Lets other threads judge while it waits for its process, and runs the stretched probes as well."""

    def __init__(self, sandbox: Sandbox, slot: int, stretched: Sequence[Reference]) -> None:
        super().__init__(sandbox, slot)
        self.stretched = stretched
        self.more: dict[str, Any] = {}

    def __call__(
        self, source: str, names: Sequence[str], probes: Sequence[Any], **kwargs: Any
    ) -> dict[str, Any]:
        asked = [*probes, *(at.given for at in self.stretched)]
        _judging.release()
        try:
            outcome = super().__call__(source, names, asked, **kwargs)
        finally:
            _judging.acquire()
        for name, function in outcome["functions"].items():
            self.more[name] = function["runs"][len(probes) :]
            del function["runs"][len(probes) :]
        self._find_reasons(outcome)
        return outcome

    def is_numerical(self, name: str) -> bool:
        """Whether an answer with right values was found numerically."""
        return name in self.complex or loses_digits(self.more.get(name, ()), self.stretched, name)

    def _find_reasons(self, outcome: Mapping[str, Any]) -> None:
        reason = reason_of(outcome["error"])
        if reason is not None:
            self.endings.setdefault("", reason)
        for name, function in outcome["functions"].items():
            for run in function["runs"]:
                reason = reason_of(run["error"]) or _too_large(run["value"])
                if reason is not None:
                    self.endings.setdefault(name, reason)


def reason_of(error: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Return the reason (code, detail) behind an exception that the isolation caused, None for any other.

    >>> reason_of({"kind": "MemoryError", "message": "Unable to allocate 37.3 GiB"})
    ('memory-limit', '')
    """
    if error is None:
        return None
    kind, message = error["kind"], error["message"]
    if kind == "ImportError" and "is not allowed here" in message:
        return "forbidden-import", message.split("'")[1] if "'" in message else ""
    if kind == "ModuleNotFoundError":
        return "missing-package", message.rpartition("named ")[2].strip("'")[:100]
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

    Parameters: ``seed`` decides the probes; ``slot`` keeps the users of parallel processes apart.
    """
    if submission.reason is not None or submission.source is None:
        return without_answers(submission.name, exercise, submission.reason or ("empty", ""), settings.lang)
    from npreg.exercises.check import check
    from npreg.exercises.forward.probes import fresh
    from npreg.exercises.report import UnusableFile

    try:
        with _judging, np.errstate(all="ignore"):
            probes = fresh(exercise, seed)
            executor = _JudgingExecutor(settings.sandbox, slot, stretched(exercise, probes[0]))
            source = submission.source + "\n"
            report = check(source, exercise, probes=probes, lang=settings.lang, execute=executor)
            return _result(submission, exercise, report, executor, settings)
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


def _result(
    submission: Submission, exercise: Exercise, report: Report, executor: _JudgingExecutor, settings: Settings
) -> Result:
    marks = tuple(
        _mark(answer, report, submission.source or "", executor, settings) for answer in report.answers
    )
    score = sum(mark.mark for mark in marks) / max(len(marks), 1)
    reason, message = None, next((mark.message for mark in marks if mark.message), "")
    if score == 0 and "" in executor.endings:
        code, detail = executor.endings[""]
        reason, message = code, _explained(code, detail, "", settings)
    return Result(
        submission.name,
        exercise.id,
        score,
        marks,
        reason,
        message,
        isolation(executor.isolation),
        report.to_dict(settings.lang),
    )


def _mark(
    answer: AnswerReport, report: Report, source: str, executor: _JudgingExecutor, settings: Settings
) -> Mark:
    codes = tuple(mistake.code for mistake in answer.mistakes)
    function = executor.functions.get(answer.name, {})
    line = function.get("line")
    excerpt = function_text(source, line)
    if "numerical" in codes:
        message = render.message(answer, settings.lang)
        only = set(codes) == {"numerical"}
        return Mark(answer.name, settings.numerical if only else 0.0, codes, message, (), line, excerpt)
    if answer.passed and executor.is_numerical(answer.name):
        message = explain("numerical", settings.lang, name=answer.name)
        return Mark(answer.name, settings.numerical, ("numerical",), message, (), line, excerpt)
    if answer.passed:
        notes = tuple(render.sentences(report.exercise, answer, settings.lang, settings.hints))
        return Mark(answer.name, 1.0, codes, "", notes, line, excerpt)
    ending = executor.endings.get(answer.name) or executor.endings.get("")
    if ending is not None:
        where = answer.name if answer.name in executor.endings else ""
        return Mark(answer.name, 0.0, (ending[0],), _explained(*ending, where, settings), (), line, excerpt)
    said = tuple(render.sentences(report.exercise, answer, settings.lang, settings.hints))
    return Mark(answer.name, 0.0, codes, render.message(answer, settings.lang), said, line, excerpt)


def _explained(code: str, detail: str, name: str, settings: Settings) -> str:
    limits = settings.limits
    values = {"seconds": limits.seconds, "output": size(limits.output), "memory": size(limits.memory)}
    return explain(code, settings.lang, name=name, detail=detail, **values)


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
