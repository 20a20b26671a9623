"""One call from a student's file to a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from npreg.exercises import files
from npreg.exercises.findings import AnswerReport, Finding, Mistake
from npreg.exercises.forward.probes import Probe, fresh
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.verdict import Reference, reference, value_findings
from npreg.exercises.found import Deviation, Fact, Found, NonFinite, Path, Scale, Shapes, Stopped, Told
from npreg.exercises.mistakes.bank import Bank, bank_of
from npreg.exercises.mistakes.conventions import other_conventions
from npreg.exercises.mistakes.diagnose import diagnose
from npreg.exercises.mistakes.structure import origins
from npreg.exercises.place import Search, with_places
from npreg.exercises.report import Report, UnusableFile
from npreg.isolation import FILENAME, run_answers, search_changes

Source = str | os.PathLike[str] | Mapping[str, Any] | ModuleType | Callable[..., Any] | Sequence[Any]


def check(
    source: Source,
    exercise: str | Exercise | None = None,
    *,
    seed: Any = None,
    lang: str = "en",
    probes: Sequence[Probe] | None = None,
    seconds: float = 1.0,
) -> Report:
    """Judge a student's answers and name the mistakes; the file runs in this process.

    Parameters
    ----------
    source : a path, the text of a file, a function, several functions, a module, or a mapping from names to
        functions (a notebook's ``globals()``)
    exercise : an id of the course, an ``Exercise``, or None for the one that the file names
    seed : of the fresh probes; the same seed gives the same probes, None new ones in every run
    lang : the language in which the report speaks where none is asked for, ``"en"`` or ``"zh"``
    probes : inputs to judge on in place of the fresh ones
    seconds : how long to look for the place of a mistake in the student's code, for each wrong answer; 0 does
        without

    Returns
    -------
    Report

    Raises
    ------
    UnusableFile
        if there is no such file or exercise, or the file is no Python.

    >>> report = check("def grad_w(x, r): return x * r\\ndef grad_b(r): return 2 * r", "one-weight")
    >>> [(a.name, a.passed, [m.code for m in a.mistakes]) for a in report.answers]
    [('grad_w', True, []), ('grad_b', False, ['factor:2'])]
    """
    code = _read(source)
    found = find_exercise(code, exercise)
    questions = questions_of(found, probes, seed)
    outcome = run_answers(code, questions.names, questions.probes, optional=questions.optional)
    report = judge(questions, outcome, lang)
    return report if seconds <= 0 else placed(report, questions, outcome, _searching(code, questions, seconds))


def placed(report: Report, questions: Questions, outcome: Mapping[str, Any], search: Search) -> Report:
    """The report with the places of the mistakes in the student's code; ``search`` runs its changes."""
    functions = outcome["functions"]
    with np.errstate(all="ignore"):
        answers = [
            with_places(a, search, questions.judged, [run["value"] for run in functions[a.name]["runs"]])
            for a in report.answers
        ]
    return replace(report, answers=tuple(answers))


def _searching(code: str | Mapping[str, Any], questions: Questions, seconds: float) -> Search:
    """Changes of the file, run in this process."""

    def search(name: str, probes: Sequence[int], which: Mapping[str, Any]) -> list[dict[str, Any]]:
        return search_changes(code, name, **questions.about(name, probes), **which, seconds=seconds / 2)

    return search


@dataclass(frozen=True)
class Questions:
    """What a file is asked: to run the functions ``names``, and ``optional`` ones that it defines, on
    ``probes``. What the answers are compared with never leaves the process that judges.
    """

    bank: Bank
    judged: Sequence[Reference]
    optional: Sequence[str]

    @property
    def names(self) -> list[str]:
        """The names of the answers."""
        return list(self.bank.exercise.answers)

    @property
    def probes(self) -> list[dict[str, Array]]:
        """Inputs and forward steps, a mapping per probe."""
        return [reference.given for reference in self.judged]

    def about(self, name: str, probes: Sequence[int]) -> dict[str, Any]:
        """What a search for changes of an answer is told of some of the probes."""
        exercise, chosen = self.bank.exercise, [self.judged[i] for i in probes]
        return {
            "shapes": [list(at.right[name].shape) for at in chosen],
            "probes": [at.given for at in chosen],
            "sizes": [dict(at.sizes) for at in chosen],
            "settings": list(exercise.settings),
            "inputs": [*exercise.inputs, *exercise.public_steps],
        }


def questions_of(exercise: Exercise, probes: Sequence[Probe] | None = None, seed: Any = None) -> Questions:
    """Return what a file is asked: on the fixed probes that tell mistakes apart, and on these or fresh."""
    bank = bank_of(exercise)
    probes = fresh(exercise, seed) if probes is None else probes
    judged = [*bank.references, *bank.checks, *(reference(exercise, probe) for probe in probes)]
    return Questions(bank, judged, [f"grad_{s}" for s in exercise.public_steps if s in exercise.active])


def judge(questions: Questions, outcome: Mapping[str, Any], lang: str = "en") -> Report:
    """Judge what a file returned, wherever it ran; ``outcome`` is as of ``npreg.isolation.run_answers``.

    Raises
    ------
    UnusableFile
        if the file is no Python.
    """
    _must_be_python(outcome)
    exercise, judged = questions.bank.exercise, questions.judged
    with np.errstate(all="ignore"):
        steps = _judge_steps(questions, outcome)
        answers = [_judge(questions.bank, name, outcome, judged, steps) for name in questions.names]
    told = tuple(_beside_broadcast(answer, answers) for answer in answers)
    return Report(exercise.id, told, steps=tuple(steps), lang=lang, error=outcome["error"])


def _beside_broadcast(answer: AnswerReport, answers: Sequence[AnswerReport]) -> AnswerReport:
    """A factor that a neighbour's broadcast explains is no other convention."""
    beside = [a.name for a in answers if a is not answer and any(m.code == "broadcast" for m in a.mistakes)]
    if not beside or [mistake.code for mistake in answer.mistakes] != ["factor:n"]:
        return answer
    mistakes = []
    for mistake in answer.mistakes:
        kept = tuple(r for r in mistake.found if not (isinstance(r, Fact) and r.slot == "conventions"))
        mistakes.append(replace(mistake, found=(*kept, Fact("neighbour", beside[0]))))
    return replace(answer, mistakes=tuple(mistakes))


def find_exercise(code: str | Mapping[str, Any], exercise: str | Exercise | None) -> Exercise:
    """The exercise asked for, or the one that the file names in a line such as ``exercise: ridge``.

    Raises
    ------
    UnusableFile
        if there is none, or no such one.
    """
    if isinstance(exercise, Exercise):
        return exercise
    if exercise is None and isinstance(code, str):
        exercise = files.named_exercise(code)
    if exercise is None:
        raise UnusableFile("the file names no exercise; give one, for example exercise='one-weight'")
    return files.find_exercise(exercise)


def _read(source: Source) -> str | Mapping[str, Any]:
    """The text of the file, or a mapping from names to functions."""
    if isinstance(source, ModuleType):
        return vars(source)
    if isinstance(source, Mapping):
        return source
    if isinstance(source, str) and ("\n" in source or not source.strip().endswith(".py")):
        return source
    if isinstance(source, (str, os.PathLike)):
        return files.read_source(os.fspath(source))
    functions = [source] if callable(source) else list(source)
    return {function.__name__: function for function in functions}


def _must_be_python(outcome: Mapping[str, Any]) -> None:
    error = outcome["error"]
    if error is not None and error["kind"] in ("SyntaxError", "IndentationError", "TabError"):
        message = error["message"].partition(f" ({FILENAME}, line")[0]
        raise UnusableFile(f"the file is no Python: {message} (line {error['line']})")


def _judge(
    bank: Bank, name: str, outcome: Mapping[str, Any], references: Sequence[Reference], steps: Sequence[AnswerReport]
) -> AnswerReport:
    """The verdict on one answer: behaviour first, then the values, then the name of the mistake."""
    function = outcome["functions"][name]
    runs = function["runs"]
    failed = _cannot_run(name, function, outcome, references)
    if failed is not None:
        return failed
    values: list[Array] = [record["value"] for record in runs]
    findings = [Finding("runs", True)]
    behaviour = _behaviour(name, runs)
    findings += [
        Finding("repeatable", all(m.code != "not-repeatable" for m in behaviour)),
        Finding("inputs-unchanged", all(m.code != "changes-input" for m in behaviour)),
    ]
    mistakes: list[Mistake] = list(behaviour)
    rights = [r.right[name] for r in references]
    numbers = all(value.dtype.kind in "iuf" and value.dtype != np.float16 for value in values)
    whole = all(value.dtype.kind in "iu" for value in values) and any(value.ndim for value in values)
    findings.append(Finding("dtype", numbers, {"got": str(values[0].dtype)}))
    shaped = all(v.shape == right.shape for v, right in zip(values, rights, strict=True))
    wrong_shape = next((i for i, v in enumerate(values) if v.shape != rights[i].shape), 0)
    shapes = Shapes(values[wrong_shape].shape, rights[wrong_shape].shape)
    findings.append(Finding("shape", shaped, vars(shapes)))
    passed = False
    if shaped:
        passed, about = value_findings(values, list(references), name)
        findings += about
    passed = passed and numbers
    if whole and not passed:
        numbers = False
        findings = [Finding("dtype", False, f.details) if f.kind == "dtype" else f for f in findings]
    if not passed:
        known: Found = () if shaped else (shapes,)
        known += _first_wrong(bank.exercise, name, steps)
        found = _value_mistakes(bank, name, function, values, references, findings, numbers, behaviour)
        mistakes += [replace(mistake, found=(*mistake.found, *known)) for mistake in found]
    return AnswerReport(name, passed and not behaviour, tuple(findings), tuple(mistakes))


def _cannot_run(
    name: str, function: Mapping[str, Any], outcome: Mapping[str, Any], references: Sequence[Reference]
) -> AnswerReport | None:
    for record, at in zip(function["runs"], references, strict=True):
        if record["problem"] is None:
            continue
        error, code = record["error"], record["problem"]
        if code == "not-implemented" and not function["defined"] and outcome["error"] is not None:
            error, code = outcome["error"], "raises"
        found: Found = (Shapes(record["type"]),)
        if error is not None:
            found = (Stopped(f"{error['kind']}: {error['message']}".strip(": "), error["line"]),)
        alternatives: tuple[str, ...] = ()
        outside = _known_globals(function, at)
        if code == "raises" and outside:
            code, alternatives, found = ("global-or-hardcoded", ("raises",), (Fact("variable", outside[0]), *found))
        if code == "not-implemented" and name in at.tape.exercise.answers:
            found = (_path(at.tape.exercise, name), *found)
        mistake = Mistake(code, name, found, alternatives)
        finding = Finding("dtype" if code == "dtype" else "runs", False, {**mistake.details, "sizes": at.sizes})
        return AnswerReport(name, False, (finding,), (mistake,))
    return None


def _path(exercise: Exercise, name: str) -> Path:
    """What an answer goes through, for a first hint."""
    answer, shape = exercise.answers[name], exercise.inputs[exercise.answers[name].wrt].shape
    on_it = [s for s in exercise.public_steps[:-1] if answer.wrt in origins(exercise, s)]
    steps = ", ".join(f"`{step}`" for step in (*on_it, exercise.loss))
    sizes = ", ".join(map(str, shape * answer.order))
    shown = f"({sizes},)" if len(shape * answer.order) == 1 else f"({sizes})"
    return Path(answer.wrt, shown, steps, on_it[-1] if on_it else answer.wrt, exercise.loss)


def _known_globals(function: Mapping[str, Any], at: Reference) -> list[str]:
    return [g for g in function["globals"] if g in at.given and g not in function["parameters"]]


def _behaviour(name: str, runs: Sequence[Mapping[str, Any]]) -> list[Mistake]:
    found = []
    changed = sorted({argument for record in runs for argument in record["changed"]})
    if changed:
        found.append(Mistake("changes-input", name, (Fact("input", changed[0]),)))
    if not all(_equal(record["value"], record["again"]) for record in runs):
        found.append(Mistake("not-repeatable", name))
    return found


def _equal(a: Array | None, b: Array | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def _value_mistakes(
    bank: Bank,
    name: str,
    function: Mapping[str, Any],
    values: Sequence[Array],
    references: Sequence[Reference],
    findings: Sequence[Finding],
    numbers: bool,
    behaviour: Sequence[Mistake],
) -> list[Mistake]:
    by_kind = {finding.kind: finding for finding in findings}
    if not numbers:
        return [Mistake("dtype", name, (Shapes(str(values[0].dtype)),))]
    infinite = next((value for value in values if not np.all(np.isfinite(value))), None)
    if infinite is not None:
        return [Mistake("non-finite", name, (_non_finite(infinite),))]
    if any(mistake.code == "not-repeatable" for mistake in behaviour):
        return []
    if _nearly(values, references, name, 1e-7):
        return [Mistake("numerical", name, _deviation(by_kind))]
    known = len(bank.references)
    found = diagnose(bank, name, values[:known], references[known:], values[known:])
    # Many mistakes at once can reach any number; where the answer is one number, that is the simpler word.
    if found is not None and not (len(found.codes) > 2 and _constant(values)):
        codes = [code for code in found.codes if code != "not-summed" or "elementwise" not in found.codes]
        own = {mistake.code: (Told(mistake.message),) for mistake in bank.exercise.mistakes}
        return [
            Mistake(
                code,
                name,
                (*found.found, *own.get(code, ()), *(_conventions(bank, found.found) if len(codes) == 1 else ())),
                found.alternatives if i == 0 else (),
            )
            for i, code in enumerate(codes)
        ]
    outside = _known_globals(function, references[0])
    if outside:
        return [Mistake("global-or-hardcoded", name, (Fact("variable", outside[0]),))]
    if _constant(values):
        same = (Fact("constant", float(values[0].flat[0])),) if np.ptp(values[0]) == 0 else ()
        return [Mistake("global-or-hardcoded", name, same)]
    if _nearly(values, references, name, 1e-4):
        return [Mistake("numerical", name, _deviation(by_kind))]
    inner = [s for s in bank.exercise.public_steps[:-1] if s in bank.exercise.active and f"grad_{s}" != name]
    return [Mistake("not-recognised", name, (*_deviation(by_kind), *(Fact("suggest", s) for s in inner[-1:])))]


def _first_wrong(exercise: Exercise, name: str, steps: Sequence[AnswerReport]) -> Found:
    """The step nearest to the loss whose derivative is given wrongly, if the answer goes through it."""
    wrt = exercise.answers[name].wrt if name in exercise.answers else name.removeprefix("grad_")
    for report in reversed(steps):
        step = report.name.removeprefix("grad_")
        if not report.passed and wrt in origins(exercise, step):
            return (Fact("first", step),)
    return ()


def _non_finite(value: Array) -> NonFinite:
    entry = tuple(map(int, np.argwhere(~np.isfinite(value))[0]))
    return NonFinite(str(value[entry]), entry or None)


def _deviation(findings: Mapping[str, Finding]) -> Found:
    """Where and how far the values are off, if they have the right shape."""
    details = findings["value"].details if "value" in findings else {}
    if not details.get("entries"):
        return ()
    entry = tuple(details["entries"][0]) or None
    return (Deviation(details["wrong"], details["size"], entry, details["deviation"], dict(details["sizes"])),)


def _conventions(bank: Bank, found: Found) -> Found:
    names = [other_conventions(bank.exercise, r.factor) for r in found if isinstance(r, Scale)]
    return (Fact("conventions", names[0]),) if names and names[0] else ()


def _constant(values: Sequence[Array]) -> bool:
    first = values[0]
    return (all(v.shape == first.shape for v in values) and all(np.array_equal(v, first) for v in values)) or all(
        v.size and np.all(v == first.flat[0]) for v in values
    )


def _nearly(values: Sequence[Array], references: Sequence[Reference], name: str, close: float) -> bool:
    """Whether the values are right but for a small error that no mistake of derivation leaves."""
    for value, at in zip(values, references, strict=True):
        right = at.right[name]
        if value.shape != right.shape or np.max(np.abs(value - right)) > close * np.max(np.abs(at.terms[name])):
            return False
    return True


def _judge_steps(questions: Questions, outcome: Mapping[str, Any]) -> list[AnswerReport]:
    """The verdict on every optional derivative of a step; they explain, they do not count.

    Of those that are wrong, the one nearest to the loss is diagnosed: the others may only pass it on.
    """
    exercise, given = questions.bank.exercise, outcome["functions"]
    reports: list[AnswerReport] = []
    for name in reversed(questions.optional):
        if name in given and name not in exercise.answers:
            report = _judge(questions.bank, name, outcome, questions.judged, ())
            first = all(other.passed for other in reports)
            reports.append(report if first else replace(report, mistakes=()))
    return reports[::-1]
