"""Quantities that are forgotten, reversed, or taken for one another, everywhere or in one step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from npreg.exercises.forward.program import Answer
from npreg.exercises.forward.tape import Edit, Edits, Tape, value_of
from npreg.exercises.found import Fact
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.mistake import Mistake, known, mixed_up, twins
from npreg.exercises.mistakes.preference import Kind


def inputs(tape: Tape) -> Iterator[Mistake]:
    """An input reversed (the parenthesis lost), or as if it were absent: zero, or one for a setting or a weight."""
    exercise = tape.exercise
    for name, given in exercise.inputs.items():
        code = f"ignores:{name}"
        zero, one, reversed_ = (Edits(values=((name, edit),)) for edit in (changes.ZERO, changes.ONE, changes.NEGATIVE))
        yield known(Kind.INPUT_REVERSED, f"term-sign:{name}", reversed_)
        if name in exercise.settings:
            yield known(Kind.SETTING_IGNORED, code, one)
            yield known(Kind.SETTING_ZERO, code, zero)
            continue
        if given.draw == "positive":  # weights: absent where they are all alike
            yield known(Kind.WEIGHTS_IGNORED, code, one)
        yield known(Kind.INPUT_IGNORED, code, zero)
    weights = [name for name in exercise.wanted if tape.values[name].ndim]
    others = [n for n in exercise.inputs if n not in (*exercise.settings, *weights) and tape.values[n].ndim < 2]
    for pair in combinations(others, 2):
        both = Edits(values=tuple((name, changes.ZERO) for name in pair))
        yield Mistake(tuple(f"ignores:{name}" for name in pair), (Kind.TWO_IGNORED,), both)


def uses(tape: Tape) -> Iterator[Mistake]:
    """What one step sees of a quantity: nothing, its opposite, or another quantity, forward and backward."""
    exercise, values = tape.exercise, tape.values
    order = list(values)
    updating = any(answer.formula for answer in exercise.answers.values())
    everything = [(step, name) for step, names in exercise.arguments.items() for name in names]
    for step, name in everything:
        ignored, public = f"ignores:{name}", exercise.public(name)
        zero, one, reversed_ = (
            Edits(uses=(((step, name), edit),)) for edit in (changes.ZERO, changes.ONE, changes.NEGATIVE)
        )
        several = sum(name == other for _, other in everything) > 1
        if name in exercise.settings:
            if several and values[step].dtype.kind != "b":
                yield known(Kind.SETTING_ONCE, ignored, one)
        elif name in exercise.inputs and (several or (updating and name in exercise.wanted)):
            yield known(Kind.INPUT_IGNORED_ONCE, ignored, zero)
        if values[name].dtype.kind == "b":
            continue
        if values[step].dtype.kind != "b":
            yield known(Kind.USE_REVERSED, f"term-sign:{public}", reversed_)
            if name in exercise.steps:
                yield known(Kind.USE_MISSING, f"missing-term:{public}", zero)
        for other in twins(tape, name):
            if order.index(other) < order.index(step):
                yield mixed_up(
                    Kind.WRONG_QUANTITY, tape, name, other, Edits(uses=(((step, name), changes.take(other)),))
                )


def broadcasts(tape: Tape) -> Iterator[Mistake]:
    """A column against a flat vector: (n, 1) and (n,) make (n, n)."""
    for step, names in tape.exercise.arguments.items():
        shapes = [tape.values[name].shape for name in names]
        if len(names) == 2 and shapes[0] == shapes[1] and shapes[0] and max(shapes[0]) == np.prod(shapes[0]):
            for name in names:
                yield known(Kind.BROADCAST, "broadcast", Edits(uses=(((step, name), changes.COLUMN_OR_FLAT),)))


def updated_inputs(tape: Tape) -> Iterator[Mistake]:
    """A parameter that another answer has updated, in derivatives that still need the old one."""
    for name, answer in tape.exercise.answers.items():
        edges = [edge for edge in tape.jacobians if answer.wrt in tape.exercise.arguments[edge[0]]]
        if answer.formula is not None and edges:
            edits = Edits(local=tuple((edge, answer.wrt, _updated(answer)) for edge in edges))
            yield mixed_up(Kind.OTHER_BELOW, tape, answer.wrt, name, edits)


def _updated(answer: Answer) -> Edit:
    return lambda value, tape: value_of(answer, tape.origin)


def branches(tape: Tape) -> Iterator[Mistake]:
    """Any change to a step of truth values: the wrong branch or threshold of a piecewise loss."""
    exercise = tape.exercise
    for step in (step for step in exercise.steps if tape.values[step].dtype.kind == "b"):
        back = [edge for edge in tape.jacobians if step in exercise.arguments[edge[0]]]
        found = []
        for edit in (changes.OPPOSITE, changes.ALWAYS, changes.NEVER):
            found += [Edits(values=((step, edit),)), Edits(local=tuple((edge, step, edit) for edge in back))]
        shifted = [_shifted(setting, by) for setting in (*exercise.settings, None) for by in (1.0, -1.0)]
        for name in exercise.arguments[step]:
            others = map(changes.take, twins(tape, name))
            found += [Edits(uses=(((step, name), edit),)) for edit in (*THRESHOLDS, *shifted, *others)]
        for edits in found:
            yield known(Kind.BRANCH, "kink-threshold", edits, (Fact(step=exercise.public(step)),))


THRESHOLDS = (
    changes.NEGATIVE,
    changes.ABSOLUTE,
    changes.SQUARE,
    changes.DOUBLE,
    changes.HALF,
    changes.ONE,
    changes.ZERO,
)


def _shifted(setting: str | None, by: float) -> Edit:
    """The threshold elsewhere: at a setting, or at 1."""
    return lambda value, tape: value + by * (1.0 if setting is None else tape.values[setting])
