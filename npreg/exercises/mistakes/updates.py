"""Updates that do not all begin from the same parameters: one after the other, row by row, twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations

import numpy as np

from npreg.exercises.forward.derivatives import apply_formula, value_of
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Tape, record
from npreg.exercises.mistakes.edits import swap
from npreg.exercises.mistakes.explanation import Base, wrong
from npreg.exercises.mistakes.preference import Kind

Run = Callable[[Tape], Mapping[str, Array]]


def updated_too_early(exercise: Exercise, name: str) -> Iterator[Base]:
    """The step that is made where parameters are updated before they are used, or more than once."""
    updates = [other for other, answer in exercise.answers.items() if answer.formula is not None]
    runs: list[tuple[str, Run]] = [
        (first[0], partial(_after, first=first))
        for many in range(1, len(updates) + 1)
        for first in combinations(updates, many)
    ]
    runs += [(name, _row_by_row), (name, partial(_entry_by_entry, name=name))]
    for used, run in runs:
        meant = exercise.answers[used].wrt
        made = partial(_step_of, name=name, run=run)
        yield wrong(Kind.UPDATED, "wrong-variable", made, swap(exercise, meant, used))


def _step_of(tape: Tape, name: str, run: Run) -> Array:
    answer = tape.exercise.answers[name]
    return np.asarray(run(tape)[name] - apply_formula(answer, tape, tape.sweep(), scale=0.0))


def _all(tape: Tape) -> dict[str, Array]:
    return {n: value_of(a, tape) for n, a in tape.exercise.answers.items() if a.formula is not None}


def _with(tape: Tape, values: Mapping[str, Array]) -> Tape:
    """The tape with parameters in their new values."""
    wrt = {tape.exercise.answers[name].wrt: value for name, value in values.items()}
    given = {name: wrt.get(name, tape.values[name]) for name in tape.exercise.inputs}
    return record(tape.exercise, given)


def _after(tape: Tape, first: tuple[str, ...]) -> Mapping[str, Array]:
    new = _all(tape)
    return _all(_with(tape, {name: new[name] for name in first}))


def _row_by_row(tape: Tape) -> Mapping[str, Array]:
    exercise = tape.exercise
    batched = [n for n, given in exercise.inputs.items() if given.shape[:1] == exercise.symbols[:1]]
    here, new = tape, {}
    for row in range(len(tape.values[batched[0]])):
        rows = {n: tape.values[n][row : row + 1] for n in batched}
        wanted = {n: here.values[n] for n in exercise.inputs if n not in batched}
        new = _all(record(exercise, {**wanted, **rows}))
        here = _with(here, new)
    return new


def _entry_by_entry(tape: Tape, name: str) -> Mapping[str, Array]:
    wrt = tape.exercise.answers[name].wrt
    here = np.array(tape.values[wrt], dtype=float)
    for place in range(here.size):
        given = {n: tape.values[n] for n in tape.exercise.inputs} | {wrt: here.copy()}
        here.flat[place] = value_of(tape.exercise.answers[name], record(tape.exercise, given)).flat[place]
    return {name: here}
