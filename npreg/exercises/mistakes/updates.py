"""Updates that do not all begin from the same parameters: one after the other, row by row, twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations

import numpy as np

from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Tape, record, value_of
from npreg.exercises.mistakes.mistake import Mistake, known, offset, told
from npreg.exercises.mistakes.preference import Kind

New = Mapping[str, Array]


def too_early(exercise: Exercise, name: str) -> Iterator[Mistake]:
    """The step that is made where parameters are updated before they are used, or more than once."""
    updates = [other for other, answer in exercise.answers.items() if answer.formula is not None]
    runs: list[tuple[str, Callable[[Tape], New]]] = [
        (first[0], partial(_after, first=first))
        for many in range(1, len(updates) + 1)
        for first in combinations(updates, many)
    ]
    runs += [(name, _row_by_row), (name, partial(_entry_by_entry, name=name))]
    for used, run in runs:
        found = told(exercise, used=used, meant=exercise.answers[used].wrt)
        yield known(Kind.UPDATED, "wrong-variable", partial(_step_of, name=name, run=run), found)


def _step_of(tape: Tape, name: str, run: Callable[[Tape], New]) -> Array:
    return np.asarray(run(tape)[name] - offset(name, tape))


def _all(tape: Tape) -> New:
    return {n: value_of(a, tape) for n, a in tape.exercise.answers.items() if a.formula is not None}


def _with(tape: Tape, new: New) -> Tape:
    """The tape with parameters in their new values."""
    wrt = {tape.exercise.answers[name].wrt: value for name, value in new.items()}
    return record(tape.exercise, {name: wrt.get(name, tape.values[name]) for name in tape.exercise.inputs})


def _after(tape: Tape, first: tuple[str, ...]) -> New:
    new = _all(tape)
    return _all(_with(tape, {name: new[name] for name in first}))


def _row_by_row(tape: Tape) -> New:
    exercise = tape.exercise
    batched = [n for n, given in exercise.inputs.items() if given.shape[:1] == exercise.symbols[:1]]
    here, new = tape, _all(tape)
    for row in range(len(tape.values[batched[0]])):
        rows = {n: tape.values[n][row : row + 1] for n in batched}
        new = _all(record(exercise, {n: rows.get(n, here.values[n]) for n in exercise.inputs}))
        here = _with(here, new)
    return new


def _entry_by_entry(tape: Tape, name: str) -> New:
    answer, here = tape.exercise.answers[name], tape
    value = np.array(tape.values[answer.wrt], dtype=float)
    for place in range(value.size):
        value.flat[place] = value_of(answer, here).flat[place]
        here = _with(here, {name: value.copy()})
    return {name: value}
