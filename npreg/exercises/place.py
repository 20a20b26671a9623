"""Where in the student's own code the mistake is: the smallest change, made where it runs, that makes it right."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.findings import AnswerReport, Mistake
from npreg.exercises.forward.program import Array
from npreg.exercises.forward.verdict import Reference, is_right
from npreg.exercises.found import Place
from npreg.exercises.judge import Questions
from npreg.exercises.mistakes.diagnose import diagnose
from npreg.exercises.report import Report

Change = Mapping[str, Any]
Search = Callable[..., Sequence[Change]]
"""As `npreg.isolation.search_changes` of a file: a function's name and what is asked of it -> what changes return."""

AS_CHEAP, ALIKE = 0.05, 0.15
ADDED = 2.0  # the least cost of a change that adds something
NEW = 3.0  # that of one which knows nothing of what stands there
TIERS = ((0.0, ADDED), (ADDED, 9.0))
TWINS = {"sign": "sign", "order": "sign", "accumulation": "update-returned", "shape": "broadcast"}
"""The twin that a kind of change shows to be the mistake."""

NO_PLACE = {"not-implemented", "not-repeatable", "numerical"}


def placed(report: Report, questions: Questions, outcome: Mapping[str, Any], search: Search) -> Report:
    """The report with the places of the mistakes in the student's code; `search` runs its changes."""
    if outcome["error"] is not None:  # what stops the file is the place
        return report
    called = {name: function["name"] for name, function in outcome["functions"].items()}
    passed, found = {answer.name: answer.passed for answer in report.answers}, dict[str, list[list[Change]]]()
    with np.errstate(all="ignore"):
        for answer in report.answers:
            if not answer.passed and answer.mistakes and NO_PLACE.isdisjoint(answer.codes):
                values = [run["value"] for run in outcome["functions"][answer.name]["runs"]]
                others = {called[name]: right for name, right in passed.items() if name != answer.name}
                intact = answer.codes == ["changes-input"]
                own = partial(search, called[answer.name], others=others, intact=intact)
                found[answer.name] = _candidates(answer, questions, values, partial(_ask, own, questions, answer.name))
    known = Counter(key for goals in found.values() for key in {_key(c) for changes in goals for c in changes})
    answers = (_with_places(a, found[a.name], known) if a.name in found else a for a in report.answers)
    return replace(report, answers=tuple(answers))


def _ask(search: Search, questions: Questions, name: str, probes: Sequence[int], **which: Any) -> Sequence[Change]:
    """Try changes of an answer on some of the probes: those of certain `costs`, or `chosen` ones."""
    chosen, settings = [questions.judged[i] for i in probes], list(questions.bank.exercise.settings)
    shapes, sizes = [list(at.right[name].shape) for at in chosen], [dict(at.sizes) for at in chosen]
    return search(probes=[at.given for at in chosen], shapes=shapes, sizes=sizes, settings=settings, **which)


def _candidates(answer: AnswerReport, questions: Questions, values: Sequence[Any], ask: Search) -> list[list[Change]]:
    """Changes that make a wrong answer right on every probe; and of two mistakes, those that leave the other alone."""
    references, name = questions.judged, answer.name
    rights = [reference.right[name] for reference in references]
    goals = [rights, *_halfway(answer, questions, values)]
    wrong = [
        v is None or v.shape != r.shape or v.dtype.kind not in "iuf" or not np.all(at.right_entries(name, v))
        for v, r, at in zip(values, rights, references, strict=True)
    ]
    hiding = len(goals) > 1 or answer.codes == ["raises"]  # where another formula may hide two mistakes, or an error
    sizes = [sum(map(np.size, at.given.values())) for at in references]
    by_size = sorted(range(len(references)), key=lambda i: (not wrong[i], sizes[i]))
    first, rest = by_size[:1], by_size[1:]
    kept: list[list[Change]] = [[] for _ in goals]
    for costs in TIERS:
        tried = [c for c in ask(first, costs=costs) if not hiding or c["kind"] != "formula" or c["cost"] < NEW]
        reached = [[int(c["id"]) for c in tried if _reaches(c, goal, references, first, name)] for goal in goals]
        chosen = sorted({number for numbers in reached for number in numbers})
        again = {int(change["id"]): change for change in (ask(rest, chosen=chosen) if chosen else ())}
        for changes, numbers, goal in zip(kept, reached, goals, strict=True):
            changes += [again[n] for n in numbers if n in again and _reaches(again[n], goal, references, rest, name)]
        if kept[0] or (len(kept) > 1 and all(kept[1:])):
            break
    return kept


def _with_places(answer: AnswerReport, found: Sequence[Sequence[Change]], known: Mapping[Any, int]) -> AnswerReport:
    """A wrong answer, its mistakes with their places; `known` counts the answers that a change helps."""
    places = [_shared(changes, known) for changes in found]
    if places[0] is not None or len(answer.mistakes) == 1:
        return replace(answer, mistakes=_confirmed(answer.mistakes, places[0]))
    pairs = zip(answer.mistakes, [place and replace(place, enough=False) for place in places[1:]], strict=False)
    unfit = ("mean-of-products", "too-much")  # that leaves one example of all
    placed = [replace(m, place=None if place and (m.code, place.change) == unfit else place) for m, place in pairs]
    return replace(answer, mistakes=(*placed, *answer.mistakes[len(placed) :]))


def _halfway(answer: AnswerReport, questions: Questions, values: Sequence[Any]) -> list[list[Array]]:
    """Of two mistakes, what the answer would be without the first, and without the second."""
    if len(answer.mistakes) != 2 or any(value is None for value in values):
        return []
    bank, judged = questions.bank, questions.judged
    found = diagnose(bank, answer.name, values, judged[len(bank.references) :])
    if found is None or list(found.codes) != answer.codes or len(found.parts) != 2:
        return []
    return [[np.asarray(part(at.tape)) for at in judged] for part in found.parts[::-1]]


def _reaches(
    change: Change, goal: Sequence[Array], references: Sequence[Reference], probes: Sequence[int], name: str
) -> bool:
    for value, i in zip(change["values"], probes, strict=True):
        at, wanted = references[i], goal[i]
        if value.shape != wanted.shape:
            return False
        right, terms = at.right[name], at.terms[name]
        scale = max(float(np.max(np.abs(wanted))) / max(float(np.max(np.abs(right))), 1e-300), 1.0)
        good = at.right_entries(name, value) if wanted is right else is_right(value, wanted, np.max(terms) * scale)
        if not np.all(good):
            return False
    return True


def _key(change: Change) -> tuple[Any, ...]:
    return (change["cell"], *change["place"], change["kind"])


def _shared(changes: Sequence[Change], known: Mapping[Any, int]) -> Place | None:
    """The place that all smallest changes share: the one that holds the others, or all on one line; else the first."""
    if not changes:
        return None
    least = min(change["cost"] for change in changes)
    most = max(known[_key(change)] for change in changes if change["cost"] <= least + ALIKE)
    near = [change for change in changes if change["cost"] <= least + (ALIKE if most > 1 else AS_CHEAP)]
    smallest = [change for change in near if most == 1 or known[_key(change)] == most]  # in a helper of several answers
    if least >= ADDED:  # possible wherever a result is handed on: what is new belongs where it is first, a factor last
        pick = min if {change["kind"] for change in smallest} <= {"term", "formula"} else max
        chosen = pick((change["cell"] or 0, change["place"][2]) for change in smallest)
        smallest = [c for c in smallest if (c["cell"] or 0, c["place"][2]) == chosen]
    if {change["kind"] for change in smallest} == {"term"}:
        smallest = [min(smallest, key=lambda change: change["place"][3] - change["place"][1])]
    places = {tuple(change["place"]) for change in smallest}
    begin, end = min(place[:2] for place in places), max(place[2:] for place in places)
    if len({change["cell"] for change in smallest}) > 1 or ((*begin, *end) not in places and begin[0] != end[0]):
        first = min(smallest, key=lambda change: int(change["id"]))  # where what is wrong arises
        smallest = [c for c in smallest if (c["cell"], c["place"][0]) == (first["cell"], first["place"][0])]
        begin, end = tuple(first["place"][:2]), tuple(first["place"][2:])
    kinds = {str(change["kind"]) for change in smallest}
    kind = kinds.pop() if len(kinds) == 1 else ""
    cell, text, also = smallest[0]["cell"], str(smallest[0]["text"]), tuple(map(int, smallest[0]["also"]))
    return Place(begin[0], begin[1], end[0], end[1], kind, cell, text, also)


def _confirmed(mistakes: tuple[Mistake, ...], place: Place | None) -> tuple[Mistake, ...]:
    """The mistakes, the first with its place; a twin is named instead where the student's line shows which it is."""
    first, *others = mistakes
    change = "" if place is None else place.change
    twin = TWINS.get(change, "")
    if (first.code, twin) == ("factor:n", "broadcast"):  # summed over the table, that is all that is left of it
        first = replace(first, found={}, alternatives=(twin, *first.alternatives))
    if twin in first.alternatives:
        codes = ("+".join(mistake.code for mistake in mistakes), *(code for code in first.alternatives if code != twin))
        return (replace(first, code=twin, alternatives=codes, place=place),)
    factor = first.found.get("factors", {}).get(first.code)
    typed = factor.hard_coded if factor and not others and change in ("name", "constant") else None
    if typed is not None:  # a size can only have come by the change
        code, codes = "global-or-hardcoded", (first.code, *first.alternatives)
        return (replace(first, code=code, found=first.found | typed, alternatives=codes, place=place),)
    return (replace(first, place=place), *others)
