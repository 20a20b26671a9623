"""Branches, shapes, axes, products and reductions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Array, Exercise, Step
from npreg.exercises.forward.tape import Edit, Edits, Tape, Wrap
from npreg.exercises.found import Fact
from npreg.exercises.mistakes.edits import (
    ABSOLUTE,
    COLUMN,
    DOUBLE,
    FLAT,
    HALF,
    NEGATIVE,
    ONE,
    SQUARE,
    ZERO,
    Mutation,
    edges,
    known,
    on_step,
    take,
    twins,
)
from npreg.exercises.mistakes.preference import Kind


def branches(tape: Tape) -> Iterator[Mutation]:
    """Any change to a step of truth values: the wrong branch or threshold of a piecewise loss."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if tape.values[step].dtype.kind != "b":
            continue
        wrong = partial(known, Kind.BRANCH, "kink-threshold", found=(Fact(step=exercise.public(step)),))
        turned: tuple[Edit, ...] = (
            lambda value, tape: ~value,
            lambda value, tape: np.ones_like(value),
            lambda value, tape: np.zeros_like(value),
        )
        back = [edge for edge in tape.jacobians if step in exercise.arguments[edge[0]]]
        for edit in turned:
            yield wrong(Edits(values=((step, edit),)))
            yield wrong(Edits(local=tuple((edge, step, edit) for edge in back)))
        for name in names:
            moved = [_moved(setting, by) for setting in (*exercise.settings, None) for by in (1.0, -1.0)]
            for edit in (NEGATIVE, ABSOLUTE, SQUARE, DOUBLE, HALF, ONE, ZERO, *moved):
                yield wrong(Edits(uses=(((step, name), edit),)))
            for other in twins(tape, name):
                yield wrong(Edits(uses=(((step, name), take(other)),)))


def _moved(setting: str | None, by: float) -> Edit:
    """The threshold elsewhere: at a setting, or at 1."""
    return lambda value, tape: value + by * (1.0 if setting is None else tape.values[setting])


def whole_for_part(tape: Tape) -> Iterator[Mutation]:
    """All of an input where a part of it belongs: the intercept penalised with the slopes."""
    exercise = tape.exercise
    for (step, name), jacobian in tape.jacobians.items():
        picks = np.all((jacobian == 0) | (jacobian == 1)) and np.all(jacobian.sum(axis=1) == 1)
        if name in exercise.inputs and picks and jacobian.shape[0] < jacobian.shape[1]:
            whole = Edits(functions=((step, _all_of(name)),))
            yield known(Kind.EXTRA_OWN, f"extra-term:{_scalar_above(tape, step)}", whole)


def _all_of(name: str) -> Wrap:
    return lambda function: lambda **seen: seen[name] * 1.0


def _scalar_above(tape: Tape, step: str) -> str:
    """The public step at which a step becomes one number, or where it ends."""
    reached = [step]
    for above, names in tape.exercise.arguments.items():
        if set(names).intersection(reached):
            reached.append(above)
    public = [name for name in reached if name in tape.exercise.public_steps]
    return next((name for name in public if not tape.values[name].ndim), public[0])


def broadcast_accidents(tape: Tape) -> Iterator[Mutation]:
    """A column against a flat vector: (n, 1) and (n,) make (n, n)."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        shapes = [tape.values[name].shape for name in names]
        if len(names) != 2 or shapes[0] != shapes[1] or not shapes[0] or max(shapes[0]) != np.prod(shapes[0]):
            continue
        for name in names:
            edit = COLUMN if len(shapes[0]) == 1 else FLAT
            yield known(Kind.BROADCAST, "broadcast", Edits(uses=(((step, name), edit),)))


def wrong_axis(tape: Tape) -> Iterator[Mutation]:
    """A step along the other axis: the softmax of columns, the mean over the rows."""
    exercise = tape.exercise
    turned = []
    for step, names in exercise.arguments.items():
        value = tape.values[step]
        if value.ndim == 2 and len(names) == 1 and tape.values[names[0]].ndim == 2:
            turned.append((step, _across(names[0])))
            yield known(Kind.AXIS, "axis", Edits(functions=(turned[-1],)))
    if len(turned) > 1:
        yield known(Kind.AXIS, "axis", Edits(functions=tuple(turned)))


def _across(name: str) -> Wrap:
    return lambda function: lambda **seen: np.transpose(function(**{name: np.transpose(seen[name])}))


def axis_of_softmax(tape: Tape) -> Iterator[Mutation]:
    """The short form P·(g − Σ P·g) with the sum over the other axis, over everything, or not a column."""
    for step, name, jacobian in edges(tape):
        value = tape.values[step]
        if value.ndim != 2 or value.shape != tape.values[name].shape:
            continue
        outer = np.outer(value, value)
        rows = np.indices(value.shape)[0].ravel()
        same_row = rows[:, None] == rows
        rest = jacobian + outer * same_row
        if np.max(np.abs(rest - np.diag(np.diag(rest)))) > 1e-12 * np.max(np.abs(jacobian)):
            continue
        square = value.shape[0] == value.shape[1]
        for where in ("columns", "everywhere", *(("unkept",) if square else ())):
            edits = Edits(jacobians=(((step, name), _summed_over(step, where)),))
            yield known(Kind.AXIS, "axis", edits)


def _summed_over(step: str, where: str) -> Edit:
    def edit(jacobian: Array, tape: Tape) -> Array:
        value = tape.values[step]
        rows, columns = np.indices(value.shape).reshape(2, -1)
        outer = np.outer(value, value)
        right = outer * (rows[:, None] == rows)
        met = {"columns": columns[:, None] == columns, "unkept": rows[:, None] == columns, "everywhere": 1}
        return np.asarray(jacobian + right - outer * met[where])

    return edit


def applied_again(tape: Tape) -> Iterator[Mutation]:
    """A nonlinearity applied to its own result."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if len(names) == 1 and tape.values[step].shape == tape.values[names[0]].shape:
            again = _again(names[0])
            yield on_step(Kind.AGAIN, tape, "chain-at", step, Edits(functions=((step, again),)))


def _again(name: str) -> Wrap:
    return lambda function: lambda **seen: function(**{name: function(**seen)})


def elementwise_products(tape: Tape) -> Iterator[Mutation]:
    """A product of entries where the dot product belongs."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if len(names) != 2 or tape.values[step].ndim:
            continue
        first, second = (tape.values[name] for name in names)
        if first.ndim == 1 and first.shape == second.shape and np.isclose(tape.values[step], first @ second):
            edits = Edits(functions=((step, _entry_by_entry),))
            yield known(Kind.PRODUCT, "elementwise", edits)


def _entry_by_entry(function: Step) -> Step:
    return lambda **seen: np.prod(np.stack(list(seen.values())), axis=0)


def _term(exercise: Exercise, step: str, name: str, meeting: list[str]) -> str:
    """What a term that meets others in a step is called: the public step only this term comes through."""
    others = {a for other in meeting if other != name for a in origins(exercise, other)}
    own = [a for a in origins(exercise, name) if a not in others and a in exercise.public_steps]
    return own[-1] if own else exercise.public(step)


def origins(exercise: Exercise, name: str) -> list[str]:
    """The name itself and all steps and inputs that it depends on, in forward order."""
    found = {name}
    for step in reversed(list(exercise.steps)):
        if step in found:
            found.update(exercise.arguments[step])
    return [other for other in (*exercise.inputs, *exercise.steps) if other in found]


def joined_terms(tape: Tape) -> Iterator[Mutation]:
    """One of the terms that meet in a step is absent or reversed on the way back."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        meeting = [name for name in names if (step, name) in tape.jacobians]
        for name in meeting if len(meeting) > 1 else ():
            term = _term(exercise, step, name, meeting)
            absent = Edits(jacobians=(((step, name), ZERO),))
            yield known(Kind.TERM_LOST, f"missing-term:{term}", absent)
            reversed_ = Edits(jacobians=(((step, name), NEGATIVE),))
            yield known(Kind.TERM_REVERSED, f"term-sign:{term}", reversed_)


def whole_step(tape: Tape) -> Iterator[Mutation]:
    """The factor that a step puts on everything below it, left out or used twice: 1/std in Xhat."""
    for step, name, jacobian in edges(tape):
        if tape.values[step].shape != tape.values[name].shape or not tape.values[step].ndim:
            continue
        if np.any(jacobian != np.diag(np.diag(jacobian))) or not np.all(np.diag(jacobian)):
            continue
        for family, power in (("chain-missing", -1.0), ("chain-twice", 1.0)):
            edits = Edits(upstreams=((step, _times_slope((step, name), power)),))
            yield on_step(Kind.WHOLE_STEP, tape, family, step, edits)


def _times_slope(edge: tuple[str, str], power: float) -> Edit:
    return lambda upstream, tape: upstream * (np.diag(tape.origin.jacobians[edge]) ** power).reshape(upstream.shape)


def slope_from_output(tape: Tape) -> Iterator[Mutation]:
    """Edits of a local derivative that is written with the step's own value: 1 − H², p·(1 − p)."""
    for step, name, jacobian in edges(tape):
        value = tape.values[step]
        if value.shape != tape.values[name].shape or value.size < 4 or tape.values[step].ndim == 0:
            continue
        slope = np.diag(jacobian)
        if np.any(jacobian != np.diag(slope)):
            continue
        weights = _quadratic(value.ravel(), slope)
        if weights is None or np.sum(np.abs(weights) > 1e-9) < 2:
            continue
        public = tape.exercise.public(step)
        for other in twins(tape, step):
            yield on_step(Kind.SLOPE, tape, "chain-at", step, _slope_edit((step, name), weights, other))
        for k in np.flatnonzero(np.abs(weights) > 1e-9):
            fewer, reversed_ = weights.copy(), weights.copy()
            fewer[k] = 0.0
            reversed_[k] *= -1
            yield known(Kind.SLOPE, f"missing-term:{public}", _slope_edit((step, name), fewer, step))
            yield known(Kind.SLOPE, f"term-sign:{public}", _slope_edit((step, name), reversed_, step))


def _quadratic(value: Array, slope: Array) -> Array | None:
    powers = np.stack([np.ones_like(value), value, value**2], axis=1)
    weights = np.asarray(np.linalg.lstsq(powers, slope, rcond=None)[0])
    fits = np.max(np.abs(powers @ weights - slope)) < 1e-10 * np.max(np.abs(slope))
    return np.where(np.abs(weights) < 1e-9, 0.0, weights) if fits else None


def _slope_edit(edge: tuple[str, str], weights: Array, other: str) -> Edits:
    def edit(jacobian: Array, tape: Tape) -> Array:
        value = tape.values[other].ravel()
        return np.diag(weights[0] + weights[1] * value + weights[2] * value**2)

    return Edits(jacobians=((edge, edit),))


def wrong_reductions(tape: Tape) -> Iterator[Mutation]:
    """A statistic with the wrong divisor: the variance divided by d − 1, a sum for a mean."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        value = tape.values[step]
        largest = max(tape.values[name].size for name in names)
        if step == exercise.loss or value.dtype.kind == "b" or value.size in (1, largest):
            continue
        changes: tuple[Callable[[float], float], ...] = (lambda m: m / (m - 1), lambda m: m, lambda m: 1 / m)
        for change in changes:
            edits = Edits(functions=((step, _rescaled(change)),))
            yield known(Kind.STATISTIC, f"term-factor:{exercise.public(step)}", edits)


def _rescaled(change: Callable[[float], float]) -> Wrap:
    def wrap(function: Step) -> Step:
        def rescaled(**seen: Any) -> Any:
            result = function(**seen)
            largest = max(np.size(value) for value in seen.values())
            return result * change(largest / np.size(result))

        return rescaled

    return wrap
