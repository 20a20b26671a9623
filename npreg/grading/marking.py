"""One submission to one result, as plain data: run in isolation, judged here, every failure given its reason.

A file that is known to be right comes first: where it gets no full marks, no student is blamed for it.
"""

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from npreg.exercises import course, judge, place, session, words
from npreg.exercises.findings import NAMED, AnswerReport
from npreg.exercises.forward.program import Exercise
from npreg.exercises.report import UnusableFile
from npreg.grading.numerical import loses_digits, stretched
from npreg.grading.students import Submission
from npreg.isolation import Isolated, Sandbox, Watch, protections
from npreg.isolation.sandbox import base_executable

LONGEST_EXCERPT = 12
PLACE_SECONDS = 0.5  # for looking for a mistake's place, an answer
TOLD_AT_ONCE = {*words.REASONS, "numerical"}  # whatever the stage of hints
_judging = threading.Lock()
KNOWN_RIGHT_SECONDS = 60.0
CURE = """nothing was graded, for students would be blamed for it. Use a Python that every user may read (not
one below /root), start npreg as another user, or allow more --memory"""
# Modules that open windows or browsers, print, or belong to Python's own tests.
UNUSED = "antigravity this idlelib tkinter _tkinter turtle turtledemo lib2to3 ensurepip test __main__"
KNOWN_RIGHT = """
import importlib
import numpy as np
import numpy.ma, numpy.testing, numpy.lib.stride_tricks
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except BaseException:
        print(name)
größe_法 = np.fft.ifft(np.fft.fft(np.arange(4.0))) + np.linalg.solve(np.eye(4) * 1j, np.ones(4)) * 1j
assert np.allclose(größe_法, np.arange(4) + 1)
assert np.allclose(np.linalg.svd(np.random.default_rng(0).normal(size=(5, 3)) @ np.eye(3))[2].shape, (3, 3))
assert np.polynomial.Polynomial([1.0, 2.0])(3.0) == 7 and np.ma.masked_array([1.0, 2.0], [0, 1]).sum() == 1

def grad_w(X, r):
    δ = np.einsum("ij,i->j", X, r)
    return δ / len(X)

grad_b = lambda r: float(np.mean(r))
"""
_passed: dict[Any, Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Mark:
    """One answer: `mark` in 0..1, codes of its mistakes (or of the reason it has no value), and the words.

    `details` are the sentences that the stage of hints allows the student; `message` is the teacher's. `line`
    is where the function begins in the student's file, and `excerpt` its text.
    """

    name: str
    mark: float
    codes: tuple[str, ...] = ()
    message: str = ""
    details: tuple[str, ...] = ()
    line: int | None = None
    excerpt: str = ""

    @property
    def told(self) -> tuple[str, ...]:
        """What the student is told: the sentences, or the reason alone where there are none."""
        return self.details or ((self.message,) if self.message else ())

    @property
    def right(self) -> bool:
        """Whether the answer has full marks."""
        return self.mark == 1.0


@dataclass(frozen=True)
class Result:
    """One entry of the folder, for one exercise: score in 0..1, and a mark per answer.

    `reason` is the code why it could not be run, or None; `isolation` what was in force while it ran; `report`
    the check's full report as built-in types; `student` and `name` number and name, where the entry tells them.
    """

    file: str
    exercise: str
    score: float
    marks: tuple[Mark, ...]
    reason: str | None = None
    message: str = ""
    isolation: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None
    student: str = ""
    name: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes: the reason's, or `answer: code` for every mistake of every answer."""
        if self.reason is not None:
            return (self.reason,)
        return tuple(f"{mark.name}: {code}" for mark in self.marks for code in mark.codes)

    def to_dict(self) -> dict[str, Any]:
        """Built-in types that strict JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Result":
        """A result from what `to_dict` returned, also after a way through JSON."""
        marks = (dict(mark, codes=tuple(mark["codes"]), details=tuple(mark["details"])) for mark in data["marks"])
        return cls(**{**data, "marks": tuple(Mark(**mark) for mark in marks)})


@dataclass(frozen=True)
class Settings:
    """What decides the marks, besides the submission and the exercise.

    `numerical` is the mark in 0..1 for an answer whose values are right but found by numerical
    differentiation; `hints` the stage of hints in the students' feedback (1 to 4).
    """

    lang: str = "en"
    numerical: float = 0.0
    hints: int = NAMED
    sandbox: Sandbox = field(default_factory=Sandbox)

    def __post_init__(self) -> None:
        if not 0 <= self.numerical <= 1:
            raise ValueError(f"the mark for numerical differentiation must be between 0 and 1, not {self.numerical}")


def mark(
    submission: Submission, exercise: Exercise, settings: Settings, seed: int, slot: int = 0, watch: Watch | None = None
) -> Result:
    """Mark one submission on the probes of a seed; whatever it does, the answer is a `Result`.

    `slot` and `watch` are those of `Isolated`. Threads judge one at a time, and wait side by side.
    """
    if submission.source is None:
        return _without_answers(submission.name, exercise, submission.reason or ("empty", ""), settings.lang)
    sandbox, limits = settings.sandbox, settings.sandbox.limits
    file = Isolated(sandbox, submission.source + "\n", submission.helpers, slot, watch)
    try:
        with _judging, np.errstate(all="ignore"):
            questions = judge.questions_of(exercise, seed=seed)
            large = stretched(exercise, questions.probes[0])
        asked = [*questions.probes, *(each.reference.given for each in large)]
        ran = file.run(questions.names, asked, questions.optional)
        with _judging, np.errstate(all="ignore"):
            count, functions = len(questions.probes), ran.outcome["functions"]
            rest = {name: functions[name]["runs"][count:] for name in questions.names}
            numerical = {name for name, runs in rest.items() if loses_digits(runs, large, name)}
            # An answer works with complex numbers if what stands for it does; which that is, a process may lie about.
            stands = {name: (functions[name]["name"].partition("[")[0], name.partition("[")[0]) for name in rest}
            numerical |= {n for n, (it, own) in stands.items() if it in ran.complex or (it != own and ran.complex)}
            functions = {name: {**record, "runs": record["runs"][:count]} for name, record in functions.items()}
            ran = replace(ran, outcome={**ran.outcome, "functions": functions})
            report = session.judged(questions, ran, limits, settings.lang)
        with file.searching(PLACE_SECONDS) as search:
            report = place.placed(report, questions, ran.outcome, search)
        with _judging, np.errstate(all="ignore"):
            known = (exercise.id, functions, numerical, settings, file.source)
            marks = tuple(_mark(answer, *known) for answer in report.answers)
            told = report.to_dict(settings.lang)
        score = sum(mark.mark for mark in marks) / max(len(marks), 1)
        reason, message = None, next((mark.message for mark in marks if mark.message), "")
        endings = session.endings_of(ran)
        if score == 0 and "" in endings:
            reason, message = endings[""][0], session.explained("", *endings[""], limits)[settings.lang]
        return Result(submission.name, exercise.id, score, marks, reason, message, _isolation(ran.isolation), told)
    except UnusableFile as error:
        reasons = "syntax", error.text(settings.lang).partition(": ")[2][:300]
    except Exception as error:  # one file never stops the rest
        reasons = "grader-error", f"{type(error).__name__}: {error}"[:300]
    return _without_answers(submission.name, exercise, reasons, settings.lang)


def _without_answers(name: str, exercise: Exercise, reason: tuple[str, str], lang: str) -> Result:
    marks = tuple(Mark(answer, 0.0) for answer in exercise.answers)
    return Result(name, exercise.id, 0.0, marks, reason[0], words.explain(reason[0], lang, detail=reason[1]))


def _mark(
    answer: AnswerReport, exercise: str, functions: dict[str, Any], numerical: set[str], settings: Settings, source: str
) -> Mark:
    """Mark one answer: what the check says, unless its way to right values says more."""
    lang, name, function = settings.lang, answer.name, functions.get(answer.name, {})
    codes = tuple(mistake.code for mistake in answer.mistakes)
    mark, message = float(answer.passed), "" if answer.passed else answer.message(lang)
    details = tuple(answer.sentences(exercise, lang, settings.hints))
    dtypes = (run["value"].dtype for run in function.get("runs", ()) if run["value"] is not None)
    # less than float64, in whose rounding a difference quotient can hide
    narrow = {str(dtype) for dtype in dtypes if dtype.kind == "f" and dtype.itemsize < 8}
    if answer.passed and name in numerical:
        codes, message = ("numerical",), words.explain("numerical", lang, name=name)
    elif answer.passed and narrow:
        mark, codes, details = 0.0, ("dtype",), ()
        message = words.say("narrow", lang, name=name, got=narrow.pop())
    if set(codes) == {"numerical"}:
        mark = settings.numerical
    if not TOLD_AT_ONCE.isdisjoint(codes):
        details = ()
    line = function.get("line")
    return Mark(name, mark, codes, message, details, line, function_text(source, line))


def function_text(source: str, line: int | None) -> str:
    """A function's lines, from where it begins to where its indentation ends, at most a dozen.

    The file is not parsed: a hostile one must not reach the parser of the process that holds the reference.
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


def _isolation(in_force: Mapping[str, Any]) -> dict[str, Any]:
    """What was in force as a few words, the same on every run of one machine."""
    if not in_force:
        return {}
    walls: dict[str, Any] = {"bwrap": bool(in_force.get("bwrap"))}
    walls |= {"unprivileged_user": in_force.get("uid") not in (0, None)}
    walls |= {"landlock": int(in_force.get("landlock") or 0), "seccomp": bool(in_force.get("seccomp"))}
    limits = sorted(map(str, in_force.get("limits", ())))
    return {**walls, "limits": limits, "processes_blocked": in_force.get("processes") is False}


def describe(in_force: Mapping[str, Any], lang: str = "en") -> list[str]:
    """Line by line, what is stopped and by what while a file runs, and openly what is not."""
    version = in_force.get("landlock", 0)
    return [words.say(f"isolation.{name}", lang, version=version) for name in protections(in_force)]


def known_right(sandbox: Sandbox) -> tuple[str, Mapping[str, Any]]:
    """Grade the known right file, once in a process: what is wrong ("" if nothing), and what was in force."""
    limits = replace(sandbox.limits, seconds=max(KNOWN_RIGHT_SECONDS, sandbox.limits.seconds))
    sandbox = replace(sandbox, limits=limits)
    asked = (sandbox, base_executable())
    if asked in _passed:
        return "", _passed[asked]
    questions, modules = judge.questions_of(course.load("minibatch-mean"), seed=0), standard_modules()
    ran = Isolated(sandbox, KNOWN_RIGHT.format(modules=modules)).run(questions.names, questions.probes)
    error, unknown = ran.outcome["error"], {*ran.outcome["stdout"].split()}.intersection(modules)
    missing = sorted(name for name in unknown if _imports_outside(name))  # else this Python lacks it
    said = "; ".join(f"{code} {detail.strip()[-300:]}".strip() for code, detail in ran.endings.values())
    said = said or (f"{error['kind']}: {error['message']}" if error else "")
    said = said or (f"ImportError: cannot import {', '.join(missing)}" if missing else "")
    said = said or ("" if judge.judge(questions, ran.outcome).passed else "its answers were judged wrong")
    if said:
        problem = f"a file that is known to be right does not get full marks in the isolation here ({said})"
        return f"{problem}; {CURE}", ran.isolation
    _passed[asked] = ran.isolation
    return "", ran.isolation


def standard_modules() -> list[str]:
    """The modules of the standard library that this Python has, but those that nobody needs here."""
    names = sorted(sys.stdlib_module_names - set(UNUSED.split()))
    return [name for name in names if importlib.util.find_spec(name) is not None]


def _imports_outside(name: str) -> bool:
    command = [base_executable(), "-I", "-S", "-W", "ignore", "-c", f"import {name}"]
    return subprocess.run(command, capture_output=True, timeout=KNOWN_RIGHT_SECONDS, check=False).returncode == 0
