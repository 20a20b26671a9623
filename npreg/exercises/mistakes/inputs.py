"""Inputs that are forgotten, reversed, or taken for one another."""

from __future__ import annotations

from collections.abc import Iterator

from npreg.exercises.forward.tape import Edits, Tape
from npreg.exercises.mistakes.edits import NEGATIVE, ONE, ZERO, Mutation, take, twins


def ignored_inputs(tape: Tape) -> Iterator[Mutation]:
    """An input as if it were absent: zero, or one where it is a setting or a weight."""
    exercise = tape.exercise
    for name in exercise.inputs:
        code = (f"ignores:{name}",)
        uses = [step for step, names in exercise.arguments.items() if name in names]
        if name in exercise.settings:
            yield Mutation(code, Edits(values=((name, ONE),)), 1.5)
            yield Mutation(code, Edits(values=((name, ZERO),)), 12.0)
            for step in uses if len(uses) > 1 else ():
                if tape.values[step].dtype.kind != "b":
                    yield Mutation(code, Edits(uses=(((step, name), ONE),)), 13.0)
            continue
        if exercise.inputs[name].draw == "positive":  # weights: absent where they are all alike
            yield Mutation(code, Edits(values=((name, ONE),)), 9.9)
        yield Mutation(code, Edits(values=((name, ZERO),)), 10.0)
        updated = any(answer.formula for answer in exercise.answers.values()) and name in exercise.wanted
        for step in uses if len(uses) > 1 or updated else ():
            yield Mutation(code, Edits(uses=(((step, name), ZERO),)), 10.5)
    weights = [name for name in exercise.wanted if tape.values[name].ndim]
    given = [
        n for n in exercise.inputs if n not in (*exercise.settings, *weights) and tape.values[n].ndim < 2
    ]
    for i, name in enumerate(given):
        for other in given[i + 1 :]:
            both = Edits(values=((name, ZERO), (other, ZERO)))
            yield Mutation((f"ignores:{name}", f"ignores:{other}"), both, 15.0)


def reversed_inputs(tape: Tape) -> Iterator[Mutation]:
    """An input with the wrong sign: the parenthesis lost."""
    exercise = tape.exercise
    for name in exercise.inputs:
        yield Mutation((f"term-sign:{name}",), Edits(values=((name, NEGATIVE),)), 12.0)
    for step, names in exercise.arguments.items():
        for name in names:
            if tape.values[name].dtype.kind != "b" and tape.values[step].dtype.kind != "b":
                code = f"term-sign:{exercise.public(name)}"
                yield Mutation((code,), Edits(uses=(((step, name), NEGATIVE),)), 12.5)
                if name in exercise.steps:
                    code = f"missing-term:{exercise.public(name)}"
                    yield Mutation((code,), Edits(uses=(((step, name), ZERO),)), 14.5)


def reversed_arguments(tape: Tape) -> Iterator[Mutation]:
    """A nonlinearity of minus its argument."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if len(names) == 1 and tape.values[step].shape == tape.values[names[0]].shape:
            edits = Edits(uses=(((step, names[0]), NEGATIVE),))
            yield Mutation((f"term-sign:{exercise.public(names[0])}",), edits, 12.4)


def mistaken_inputs(tape: Tape) -> Iterator[Mutation]:
    """Another quantity of the same shape in the right one's place, in one step, forward and backward."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        for name in names:
            for other in twins(tape, name) if tape.values[name].dtype.kind != "b" else ():
                if list(tape.values).index(other) < list(tape.values).index(step):
                    yield Mutation(("wrong-variable",), Edits(uses=(((step, name), take(other)),)), 18.0)
