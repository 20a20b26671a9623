"""What the functions of a file returned, against the reference: the verdict on each, and the names of its mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from npreg.exercises.findings import AnswerReport, Finding, Mistake
from npreg.exercises.forward.probes import Probe, fresh
from npreg.exercises.forward.program import Answer, Array, Exercise
from npreg.exercises.forward.verdict import Reference, reference, value_findings
from npreg.exercises.found import Facts
from npreg.exercises.mistakes.bank import Bank, bank_of
from npreg.exercises.mistakes.diagnose import diagnose
from npreg.exercises.mistakes.factors import other_conventions
from npreg.exercises.mistakes.mistake import asked, origins
from npreg.exercises.report import Report, UnusableFile
from npreg.isolation import FILENAME, unguarded

GUARDED = 1e-2  # how far a constant as in log(p + 1e-7) may lead away, relative to the largest term


class Questions(NamedTuple):
    """What a file is asked: to run the functions `names`, and `optional` ones that it defines, on `probes`."""

    bank: Bank
    judged: Sequence[Reference]  # what answers are compared with; it never leaves the process that judges
    names: list[str]
    optional: list[str]
    probes: list[dict[str, Array]]


def questions_of(exercise: Exercise, probes: Sequence[Probe] | None = None, seed: Any = None) -> Questions:
    """What a file is asked: on the fixed probes that tell mistakes apart, and on these or fresh."""
    bank = bank_of(exercise)
    probes = fresh(exercise, seed) if probes is None else probes
    judged = [*bank.references, *bank.checks, *(reference(exercise, probe) for probe in probes)]
    optional = [f"grad_{step}" for step in exercise.public_steps if step in exercise.active]
    return Questions(bank, judged, list(exercise.answers), optional, [at.given for at in judged])


def judge(questions: Questions, outcome: Mapping[str, Any], lang: str = "en") -> Report:
    """Judge what a file returned, the `outcome` of `npreg.isolation.run_answers`; `UnusableFile` if it is no Python."""
    error = outcome["error"]
    if error is not None and error["kind"] in ("SyntaxError", "IndentationError", "TabError"):
        message = error["message"].partition(f" ({FILENAME}, line")[0]
        raise UnusableFile("no-python", why=message, line=error["line"])
    with np.errstate(all="ignore"):
        steps: list[AnswerReport] = []
        for name in reversed(questions.optional):
            if name in outcome["functions"] and name not in questions.names:
                step = judge_one(questions, name, outcome["functions"][name], steps, error)
                # of wrong ones that nearest to the loss is named: others may pass it on
                steps.append(step if all(other.passed for other in steps) else replace(step, mistakes=()))
        steps.reverse()
        answers = [judge_one(questions, name, outcome["functions"][name], steps, error) for name in questions.names]
    for i, answer in enumerate(answers):
        function = outcome["functions"][answer.name]["name"]
        if function != answer.name:  # no function of the file is named after it: tell what stood for it
            about = Finding("name", True, {"function": function.replace("[", "(…)["), "answer": answer.name})
            answers[i] = replace(answer, findings=(*answer.findings, about))
    steps_taken = {*questions.bank.exercise.public_steps}
    recomputed = [a.name for a in answers if steps_taken.isdisjoint(outcome["functions"][a.name]["parameters"])]
    told = [_beside_broadcast(a, answers) if a.name in recomputed else a for a in answers]
    told = [_as_beside(a, told) for a in told]
    return Report(questions.bank.exercise.id, tuple(told), steps=tuple(steps), lang=lang, error=error)


def _beside_broadcast(answer: AnswerReport, answers: Sequence[AnswerReport]) -> AnswerReport:
    """A factor n is a broadcast where a neighbour shows one: summed over the table, that is all that is left of it."""
    beside = [a.name for a in answers if a is not answer and "broadcast" in a.codes]
    if not beside or answer.codes != ["factor:n"]:
        return answer
    (mistake,) = answer.mistakes
    found, others = mistake.found | Facts(conventions=(), neighbour=beside[0]), ("factor:n", *mistake.alternatives)
    return replace(answer, mistakes=(replace(mistake, code="broadcast", found=found, alternatives=others),))


def _as_beside(answer: AnswerReport, answers: Sequence[AnswerReport]) -> AnswerReport:
    """Where one mistake that another answer shows gives the same numbers as two at once, it is the cause of both."""
    first, shown = answer.mistakes[: len(answer.codes) > 1], [other.codes for other in answers if other is not answer]
    causes = [code for mistake in first for code in mistake.alternatives if [code] in shown][:1]
    named = (Mistake(code, answer.name, alternatives=("+".join(answer.codes),)) for code in causes)
    return replace(answer, mistakes=tuple(named)) if causes else answer


def judge_one(
    questions: Questions,
    name: str,
    function: Mapping[str, Any],
    steps: Sequence[AnswerReport] = (),
    loading: Any = None,
) -> AnswerReport:
    """The verdict on one answer, by the record of a function in an outcome: behaviour first, then the values.

    `steps` are the verdicts on derivatives that the file gives besides, `loading` is the error that stopped the file.
    """
    references, runs = questions.judged, function["runs"]
    outside = [g for g in function["globals"] if g in references[0].given and g not in function["parameters"]]
    for record, at in zip(runs, references, strict=True):
        if record["problem"] is not None:
            return _cannot_run(name, record, at, outside, None if function["defined"] else loading)
    values, free = [run["value"] for run in runs], [run["free"] for run in runs]
    changed, repeatable = {a for run in runs for a in run["changed"]}, all(_same(r["value"], r["again"]) for r in runs)
    behaviour = [Mistake("changes-input", name, Facts(input=argument)) for argument in sorted(changed)[:1]]
    behaviour += [] if repeatable else [Mistake("not-repeatable", name)]
    shapes = [Facts(got=v.shape, expected=at.right[name].shape) for v, at in zip(values, references, strict=True)]
    off = [fact for fact in shapes if fact["got"] != fact["expected"]]
    passed, about = (False, []) if off else value_findings(values, list(references), name)
    if not (passed or off):
        about = _right_without_guards(references, name, values, free, function["guards"]) or about
        passed = about[-1].kind == "guard"
    whole = all(value.dtype.kind in "iu" for value in values) and any(value.ndim for value in values)
    numbers = all(value.dtype.kind in "iuf" and value.dtype != np.float16 for value in values) and (passed or not whole)
    findings = (
        Finding("runs", True),
        Finding("repeatable", repeatable),
        Finding("inputs-unchanged", not changed),
        Finding("dtype", numbers, {"got": str(values[0].dtype)}),
        Finding("shape", not off, [*off, *shapes][0]),
        *about,
    )
    if passed and numbers:
        return AnswerReport(name, not behaviour, findings, tuple(behaviour))
    if not numbers:
        found = [Mistake("dtype", name, Facts(got=str(values[0].dtype)))]
    elif not repeatable and all(np.all(np.isfinite(value)) for value in values):
        found = []
    else:
        differing = (finding.details for finding in about if finding.kind == "value" and finding.details.get("entries"))
        off_by = next((Facts(at, entry=tuple(at["entries"][0]) or None) for at in differing), Facts())
        found = _named(questions, name, values, off_by, outside)
        if found[0].code == "not-recognised" and function["guards"]:
            found = _named(questions, name, _without(values, free), off_by, outside)
    facts = (off[0] if off else Facts()) | _about_steps(questions.bank, asked(questions.bank.exercise, name), steps)
    told = (replace(mistake, found=mistake.found | facts) for mistake in found)
    return AnswerReport(name, False, findings, (*behaviour, *told))


def _about_steps(bank: Bank, answer: Answer, steps: Sequence[AnswerReport]) -> Facts:
    """The step nearest to the loss whose derivative is given wrongly, if the answer goes through it; or else that
    which is worth writing down next on the way from the loss, after those that the file gives.
    """
    exercise, values = bank.exercise, bank.tapes[0].values
    wrong = [step.name.removeprefix("grad_") for step in reversed(steps) if not step.passed]
    for step in wrong:
        if answer.wrt in origins(exercise, step):
            return Facts(first=step)
    if answer.order != 1 or answer.formula is not None:
        return Facts()
    below = [s for s in exercise.public_steps[:-1] if s in exercise.active and answer.wrt in origins(exercise, s)]
    way = [s for s in below if s != answer.wrt]
    way = [s for s in reversed(way) if values[s].ndim >= min(1, values[way[0]].ndim)]
    given = {report.name for report in steps}
    known = max((place for place, step in enumerate(way, 1) if f"grad_{step}" in given), default=0)
    after = Facts(after=way[known - 1]) if known else Facts()
    return after | Facts(suggest=way[known]) if known < len(way) else after


def _cannot_run(
    name: str, record: Mapping[str, Any], at: Reference, outside: Sequence[str], loading: Mapping[str, Any] | None
) -> AnswerReport:
    """The verdict where a call gave no numbers; `loading` is the error that kept the function from being defined."""
    error, code = record["error"], record["problem"]
    alternatives: tuple[str, ...] = ()
    if code == "not-implemented" and loading is not None:
        error, code = loading, "raises"
    found = Facts(got=record["type"])
    if error is not None:
        found = Facts(error=f"{error['kind']}: {error['message']}".strip(": "), line=error["line"])
    if outside and code == "raises":
        code, alternatives, found = "global-or-hardcoded", ("raises",), found | Facts(variable=outside[0])
    exercise, answer = at.tape.exercise, at.tape.exercise.answers.get(name)
    if code == "not-implemented" and answer is not None and answer.order:  # what it goes through, for a first hint
        on_it = [s for s in exercise.public_steps[:-1] if answer.wrt in origins(exercise, s)]
        path = ", ".join(f"`{step}`" for step in (*on_it, exercise.loss))
        shape = str(exercise.inputs[answer.wrt].shape * answer.order).replace("'", "")
        way = Facts(wrt=answer.wrt, shape=shape, path=path, last=[answer.wrt, *on_it][-1], loss=exercise.loss)
        found = way | found
    mistake = Mistake(code, name, found, alternatives)
    finding = Finding("dtype" if code == "dtype" else "runs", False, {**mistake.details, "sizes": at.sizes})
    return AnswerReport(name, False, (finding,), (mistake,))


def _same(a: Array, b: Array | None) -> bool:
    return b is not None and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def _named(
    questions: Questions, name: str, values: Sequence[Array], deviation: Facts, outside: Sequence[str]
) -> list[Mistake]:
    bank, references = questions.bank, questions.judged
    for value in values:
        for entry in np.argwhere(~np.isfinite(value))[:1]:
            at = tuple(map(int, entry))
            return [Mistake("non-finite", name, Facts(value=str(value[at]), entry=at or None))]
    if _nearly(values, references, name, 1e-7):
        return [Mistake("numerical", name, deviation)]
    found = diagnose(bank, name, values, references[len(bank.references) :])
    # Many mistakes at once can reach any number; where the answer is one number, that is the simpler word.
    if found is not None and not (len(found.codes) > 2 and _constant(values)):
        codes = [code for code in found.codes if code != "not-summed" or "elementwise" not in found.codes]
        factors = found.found.get("factors", {}).items() if len(codes) == 1 else ()
        whole = [f for code, f in factors if code.startswith("factor:") or ":grad_" in code]  # of one term it is none
        others = other_conventions(bank.exercise, whole[0]) if whole else ()
        own = {mistake.code: Facts(message=mistake.message) for mistake in bank.exercise.mistakes}
        facts = found.found | Facts(conventions=others)
        named = [Mistake(code, name, facts | own.get(code, Facts())) for code in codes]
        return [replace(named[0], alternatives=found.alternatives), *named[1:]]
    if outside:
        return [Mistake("global-or-hardcoded", name, Facts(variable=outside[0]))]
    if _constant(values):
        same = Facts(constant=float(values[0].flat[0])) if np.ptp(values[0]) == 0 else Facts()
        return [Mistake("global-or-hardcoded", name, same if np.any(values[0]) else Facts(zero=0.0))]
    if _nearly(values, references, name, 2e-3):
        pairs = [(v, at.right[name]) for v, at in zip(values, references, strict=True)]  # terms may not be known
        if all(np.max(np.abs(v - r)) <= 0.05 * np.max(np.abs(r)) for v, r in pairs):
            return [Mistake("numerical", name, deviation)]
    return [Mistake("not-recognised", name, deviation)]


def _right_without_guards(
    references: Sequence[Reference], name: str, values: list[Array], free: Sequence[Array | None], own: Sequence[float]
) -> list[Finding]:
    """What is found of an answer that is right but for constants as in log(p + 1e-7), its own or the loss's."""
    if not _nearly(values, references, name, GUARDED):
        return []
    exercise, constants = without_guards(references[0].tape.exercise)
    there = [reference(exercise, at.tape.values) for at in references] if constants else references
    changed = _without(values, free)
    for given, exact in ((changed, references), (values, there), (changed, there)):
        used = sorted({*(own if given is changed else ()), *(constants if exact is there else ())})
        passed, about = value_findings(given, list(exact), name) if used else (False, [])
        if passed:
            return [*about, Finding("guard", True, {"constants": ", ".join(f"{constant:g}" for constant in used)})]
    return []


def _without(values: list[Array], free: Sequence[Array | None]) -> list[Array]:
    """The values without the function's own small constants, where these only keep away from zero."""
    known = [f for f, v in zip(free, values, strict=False) if f is not None and f.shape == v.shape]
    pairs = zip(known, values, strict=False)
    near = all(np.max(np.abs(f - v), initial=0) <= GUARDED * np.max(np.abs(v), initial=0) for f, v in pairs)
    return known if near and len(known) == len(values) else values


@lru_cache(maxsize=64)
def without_guards(exercise: Exercise) -> tuple[Exercise, list[float]]:
    """The exercise with a loss without its small constants, and these."""
    loss, constants = unguarded(exercise.function)
    return (replace(exercise, function=loss), constants) if constants else (exercise, [])


def _constant(values: Sequence[Array]) -> bool:
    first = values[0]
    same_array = all(value.shape == first.shape and np.array_equal(value, first) for value in values)
    return same_array or all(value.size and np.all(value == first.flat[0]) for value in values)


def _nearly(values: Sequence[Array], references: Sequence[Reference], name: str, close: float) -> bool:
    """Whether the values are right but for a small error that no mistake of derivation leaves."""
    at = [(value, there.right[name], there.terms[name]) for value, there in zip(values, references, strict=True)]
    return all(v.shape == r.shape and np.max(np.abs(v - r)) <= close * np.max(np.abs(t)) for v, r, t in at)
