"""Where in the student's own code the mistake is: the smallest change there that makes a wrong answer right.
They are made where the file runs; only what they return comes here. A place says where one is enough, never which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from npreg.exercises.findings import AnswerReport, Mistake
from npreg.exercises.forward.program import Array
from npreg.exercises.forward.verdict import Reference, is_right
from npreg.exercises.found import Factor, Place, Scale
from npreg.exercises.judge import Questions
from npreg.exercises.report import Report

Change: TypeAlias = Mapping[str, Any]
Search: TypeAlias = Callable[..., Sequence[Change]]
"""As `npreg.isolation.search_changes` of a file: an answer's name and what is asked about it -> what changes return."""

AS_CHEAP = 0.05
ADDED = 2.0  # the least cost of a change that adds something
TIERS = ((0.0, ADDED), (ADDED, 9.0))
NO_PLACE = {"not-implemented", "no-return", "not-repeatable", "numerical", "dtype", "changes-input"}


def placed(report: Report, questions: Questions, outcome: Mapping[str, Any], search: Search) -> Report:
    """The report with the places of the mistakes in the student's code; `search` runs its changes."""
    answers = []
    if outcome["error"] is not None:  # what stops the file is the place
        return report
    with np.errstate(all="ignore"):
        for answer in report.answers:
            if not answer.passed and answer.mistakes and NO_PLACE.isdisjoint(answer.codes):
                values = [run["value"] for run in outcome["functions"][answer.name]["runs"]]
                answer = _with_places(answer, questions, values, partial(_ask, search, questions, answer.name))
            answers.append(answer)
    return replace(report, answers=tuple(answers))


def _ask(search: Search, questions: Questions, name: str, probes: Sequence[int], **which: Any) -> Sequence[Change]:
    """Try changes of an answer on some of the probes: those of certain `costs`, or `chosen` ones."""
    exercise, chosen = questions.bank.exercise, [questions.judged[i] for i in probes]
    return search(
        name,
        shapes=[list(at.right[name].shape) for at in chosen],
        probes=[at.given for at in chosen],
        sizes=[dict(at.sizes) for at in chosen],
        settings=list(exercise.settings),
        **which,
    )


def _with_places(
    answer: AnswerReport, questions: Questions, values: Sequence[Array | None], ask: Callable[..., Sequence[Change]]
) -> AnswerReport:
    """A wrong answer, its mistakes with their places: of the first, a change that makes it right on every probe; where
    two were made, one of them a factor, there are changes that leave nothing but the other.
    """
    references, name = questions.judged, answer.name
    rights = [reference.right[name] for reference in references]
    goals = [rights, *_halfway(answer.mistakes, references, rights, values)]
    wrong = [
        v is None or v.shape != r.shape or not np.all(at.right_entries(name, v))
        for v, r, at in zip(values, rights, references, strict=True)
    ]
    sizes = [sum(map(np.size, at.given.values())) for at in references]
    by_size = sorted(range(len(references)), key=lambda i: (not wrong[i], sizes[i]))
    first, rest = by_size[:1], by_size[1:]
    kept: list[list[Change]] = [[] for _ in goals]
    for costs in TIERS:
        tried = [c for c in ask(first, costs=costs) if len(goals) == 1 or c["kind"] != "formula"]  # which may hide two
        reached = [[int(c["id"]) for c in tried if _reaches(c, goal, references, first, name)] for goal in goals]
        chosen = sorted({number for numbers in reached for number in numbers})
        again = {int(change["id"]): change for change in (ask(rest, chosen=chosen) if chosen else ())}
        for changes, numbers, goal in zip(kept, reached, goals, strict=True):
            changes += [again[n] for n in numbers if n in again and _reaches(again[n], goal, references, rest, name)]
        if kept[0] or (len(kept) > 1 and all(kept[1:])):
            break
    places = [_shared(changes) for changes in kept]
    if places[0] is not None or len(answer.mistakes) == 1:
        first_mistake = _confirmed(answer.mistakes[0], places[0])
        return replace(answer, mistakes=(first_mistake, *answer.mistakes[1:]))
    found = zip(answer.mistakes, [*places[1:], *([None] * len(answer.mistakes))], strict=False)
    return replace(answer, mistakes=tuple(replace(mistake, place=place) for mistake, place in found))


def _halfway(
    mistakes: Sequence[Mistake], references: Sequence[Reference], rights: Sequence[Array], values: Sequence[Any]
) -> list[list[Array]]:
    """Of two mistakes, what the answer would be without the first, and without the second."""
    factors = [_factors(mistake, references) for mistake in mistakes]
    if len(factors) != 2 or factors == [None, None]:
        return []
    goals = []
    for own, other in (factors, factors[::-1]):
        if other is not None:
            goals.append([f * right for f, right in zip(other, rights, strict=True)])
        elif own is not None and all(value is not None for value in values):
            goals.append([np.asarray(value) / f for value, f in zip(values, own, strict=True)])
        else:
            return []
    return goals


def _factors(mistake: Mistake, references: Sequence[Reference]) -> list[float] | None:
    """The factor that a mistake leaves on every probe, if it leaves one."""
    if mistake.code == "sign":
        return [-1.0] * len(references)
    scale = next((record for record in mistake.found if isinstance(record, Scale)), None)
    if scale is None or not mistake.code.startswith("factor:"):
        return None
    factor = Factor(1, scale.factor.constant, scale.factor.powers)
    known = [{**{k: float(v) for k, v in at.given.items() if np.ndim(v) == 0}, **at.sizes} for at in references]
    try:
        return [factor.value(there) for there in known]
    except KeyError:
        return None


def _reaches(
    change: Change, goal: Sequence[Array], references: Sequence[Reference], probes: Sequence[int], name: str
) -> bool:
    """Whether a change returns what is wanted on every one of these probes."""
    if len(change["values"]) != len(probes):
        return False
    for value, i in zip(change["values"], probes, strict=True):
        right, terms = references[i].right[name], references[i].terms[name]
        if value.shape != goal[i].shape:
            return False
        if goal[i] is right:
            good = references[i].right_entries(name, value)
        else:
            scale = np.max(np.abs(goal[i])) / max(float(np.max(np.abs(right))), 1e-300)
            good = is_right(value, goal[i], np.max(terms) * max(scale, 1.0))
        if not np.all(good):
            return False
    return True


def _shared(changes: Sequence[Change]) -> Place | None:
    """The place that all smallest changes share: the one that holds the others, or all that stand on one line."""
    if not changes:
        return None
    least = min(change["cost"] for change in changes)
    smallest = [change for change in changes if change["cost"] <= least + AS_CHEAP]
    if least >= ADDED:  # possible wherever a result is handed on: a term belongs where it is first, a factor last
        pick = min if all(change["kind"] == "term" for change in smallest) else max
        chosen = pick((change["cell"] or 0, change["place"][2]) for change in smallest)
        smallest = [c for c in smallest if (c["cell"] or 0, c["place"][2]) == chosen]
    places = [tuple(change["place"]) for change in smallest]
    begin, end = min(place[:2] for place in places), max(place[2:] for place in places)
    several_cells = len({change["cell"] for change in smallest}) > 1
    if several_cells or ((*begin, *end) not in places and begin[0] != end[0]):
        return None
    kinds = {str(change["kind"]) for change in smallest}
    kind = kinds.pop() if len(kinds) == 1 else ""
    cell, text = smallest[0]["cell"], str(smallest[0]["text"])
    return Place(begin[0], begin[1], end[0], end[1], kind, cell, text)


def _confirmed(mistake: Mistake, place: Place | None) -> Mistake:
    """The mistake with its place; a twin is named instead where the student's own line shows which it is."""
    if place is not None and place.change in ("sign", "order") and "sign" in mistake.alternatives:
        others = [mistake.code, *(code for code in mistake.alternatives if code != "sign")]
        return replace(mistake, code="sign", alternatives=tuple(others), place=place)
    return replace(mistake, place=place)
