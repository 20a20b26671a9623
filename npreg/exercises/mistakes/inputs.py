"""Inputs that are forgotten, reversed, or taken for one another."""

from __future__ import annotations

from collections.abc import Iterator

from npreg.exercises.forward.derivatives import value_of
from npreg.exercises.forward.program import Answer
from npreg.exercises.forward.tape import Edit, Edits, Tape
from npreg.exercises.mistakes.edits import NEGATIVE, ONE, ZERO, Mutation, known, mixed_up, take, twins
from npreg.exercises.mistakes.preference import Kind


def ignored_inputs(tape: Tape) -> Iterator[Mutation]:
    """An input as if it were absent: zero, or one where it is a setting or a weight."""
    exercise = tape.exercise
    for name in exercise.inputs:
        code = f"ignores:{name}"
        uses = [step for step, names in exercise.arguments.items() if name in names]
        if name in exercise.settings:
            yield known(Kind.SETTING_IGNORED, code, Edits(values=((name, ONE),)))
            yield known(Kind.SETTING_ZERO, code, Edits(values=((name, ZERO),)))
            for step in uses if len(uses) > 1 else ():
                if tape.values[step].dtype.kind != "b":
                    yield known(Kind.SETTING_ONCE, code, Edits(uses=(((step, name), ONE),)))
            continue
        if exercise.inputs[name].draw == "positive":  # weights: absent where they are all alike
            yield known(Kind.WEIGHTS_IGNORED, code, Edits(values=((name, ONE),)))
        yield known(Kind.INPUT_IGNORED, code, Edits(values=((name, ZERO),)))
        updated = any(answer.formula for answer in exercise.answers.values()) and name in exercise.wanted
        for step in uses if len(uses) > 1 or updated else ():
            yield known(Kind.INPUT_IGNORED_ONCE, code, Edits(uses=(((step, name), ZERO),)))
    weights = [name for name in exercise.wanted if tape.values[name].ndim]
    given = [n for n in exercise.inputs if n not in (*exercise.settings, *weights) and tape.values[n].ndim < 2]
    for i, name in enumerate(given):
        for other in given[i + 1 :]:
            both = Edits(values=((name, ZERO), (other, ZERO)))
            yield Mutation((f"ignores:{name}", f"ignores:{other}"), both, (Kind.TWO_IGNORED,))


def reversed_inputs(tape: Tape) -> Iterator[Mutation]:
    """An input with the wrong sign: the parenthesis lost."""
    exercise = tape.exercise
    for name in exercise.inputs:
        yield known(Kind.INPUT_REVERSED, f"term-sign:{name}", Edits(values=((name, NEGATIVE),)))
    for step, names in exercise.arguments.items():
        for name in names:
            if tape.values[name].dtype.kind != "b" and tape.values[step].dtype.kind != "b":
                code = f"term-sign:{exercise.public(name)}"
                yield known(Kind.USE_REVERSED, code, Edits(uses=(((step, name), NEGATIVE),)))
                if name in exercise.steps:
                    code = f"missing-term:{exercise.public(name)}"
                    yield known(Kind.USE_MISSING, code, Edits(uses=(((step, name), ZERO),)))


def reversed_arguments(tape: Tape) -> Iterator[Mutation]:
    """A nonlinearity of minus its argument."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if len(names) == 1 and tape.values[step].shape == tape.values[names[0]].shape:
            edits = Edits(uses=(((step, names[0]), NEGATIVE),))
            yield known(Kind.ARGUMENT_REVERSED, f"term-sign:{exercise.public(names[0])}", edits)


def updated_inputs(tape: Tape) -> Iterator[Mutation]:
    """A parameter that another answer has updated, in derivatives that still need the old one."""
    for name, answer in tape.exercise.answers.items():
        edges = [edge for edge in tape.jacobians if answer.wrt in tape.exercise.arguments[edge[0]]]
        if answer.formula is not None and edges:
            edits = Edits(local=tuple((edge, answer.wrt, _updated(answer)) for edge in edges))
            yield mixed_up(Kind.OTHER_BELOW, tape, answer.wrt, name, edits)


def _updated(answer: Answer) -> Edit:
    return lambda value, tape: value_of(answer, tape.origin)


def mistaken_inputs(tape: Tape) -> Iterator[Mutation]:
    """Another quantity of the same shape in the right one's place, in one step, forward and backward."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        for name in names:
            for other in twins(tape, name) if tape.values[name].dtype.kind != "b" else ():
                if list(tape.values).index(other) < list(tape.values).index(step):
                    yield mixed_up(Kind.WRONG_QUANTITY, tape, name, other, Edits(uses=(((step, name), take(other)),)))
