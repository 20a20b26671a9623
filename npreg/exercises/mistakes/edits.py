"""A mistake as edits of the derivative: the record, the small edits, and what the rules ask of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Edit, Edits, Tape
from npreg.exercises.found import Fact, Found
from npreg.exercises.mistakes.preference import Kind


@dataclass(frozen=True)
class Mutation:
    """One known mistake: its codes, what to edit, its kinds, and what is known about it for the message."""

    codes: tuple[str, ...]
    edits: Edits
    kinds: tuple[Kind, ...]
    found: Found = ()

    def __add__(self, other: Mutation) -> Mutation:
        """Both mistakes at once."""
        codes = tuple(dict.fromkeys((*self.codes, *other.codes)))
        kinds, found = self.kinds + other.kinds, self.found + other.found
        return Mutation(codes, self.edits + other.edits, kinds, found)


def known(kind: Kind, code: str, edits: Edits, found: Found = ()) -> Mutation:
    """A single mistake."""
    return Mutation((code,), edits, (kind,), found)


def on_step(kind: Kind, tape: Tape, family: str, step: str, edits: Edits) -> Mutation:
    """A mistake in the chain at a step; of a hidden one, only the visible step around it is named."""
    public = tape.exercise.public(step)
    found = () if public == step else (Fact(inside=public),)
    return Mutation((f"{family}:{public}",), edits, (kind,), found)


def mixed_up(kind: Kind, tape: Tape, meant: str, used: str, edits: Edits) -> Mutation:
    """One quantity in the place of another; said by name where students see both."""
    return Mutation(("wrong-variable",), edits, (kind,), swap(tape.exercise, meant, used))


def swap(exercise: Exercise, meant: str, used: str) -> Found:
    """What stands where what belongs, if students see both."""
    return (Fact(used=used, meant=meant),) if seen(exercise, meant) and seen(exercise, used) else ()


def by(exercise: Exercise, factor: str) -> Found:
    """The factor too many, if students see it."""
    return (Fact(by=factor),) if seen(exercise, factor) else ()


def at_step(exercise: Exercise, step: str) -> Found:
    """The step that a mistake is about, if students see it."""
    return (Fact(step=step),) if seen(exercise, step) else ()


def seen(exercise: Exercise, name: str) -> bool:
    return name in (*exercise.inputs, *exercise.public_steps, *exercise.answers)


Rule = Callable[[Tape], Iterator[Mutation]]

ZERO: Edit = lambda value, tape: np.zeros_like(value, dtype=float)  # noqa: E731
ONE: Edit = lambda value, tape: np.ones_like(value, dtype=float)  # noqa: E731
NEGATIVE: Edit = lambda value, tape: -value  # noqa: E731
SQUARE: Edit = lambda value, tape: value**2  # noqa: E731
ABSOLUTE: Edit = lambda value, tape: np.abs(value)  # noqa: E731
DOUBLE: Edit = lambda value, tape: 2.0 * value  # noqa: E731
HALF: Edit = lambda value, tape: value / 2.0  # noqa: E731
TRANSPOSE: Edit = lambda value, tape: value.T  # noqa: E731
ROLL: Edit = lambda value, tape: np.roll(value, 1, axis=0)  # noqa: E731
ROLL_BACK: Edit = lambda value, tape: np.roll(value, -1, axis=0)  # noqa: E731
MEAN: Edit = lambda value, tape: np.broadcast_to(np.mean(value, axis=0), value.shape)  # noqa: E731
PATTERN: Edit = lambda jacobian, tape: (jacobian != 0).astype(float)  # noqa: E731
IDENTITY: Edit = lambda jacobian, tape: np.eye(*jacobian.shape)  # noqa: E731
COLUMN: Edit = lambda value, tape: value[:, None]  # noqa: E731
FLAT: Edit = lambda value, tape: value.ravel()  # noqa: E731
DIAGONAL: Edit = lambda jacobian, tape: np.diag(np.diag(jacobian))  # noqa: E731
SQUARED_MATRIX: Edit = lambda jacobian, tape: jacobian @ jacobian  # noqa: E731


def _floats(tape: Tape) -> dict[str, Array]:
    return {name: value for name, value in tape.values.items() if value.dtype.kind != "b"}


def twins(tape: Tape, name: str) -> Iterator[str]:
    """Other quantities of the same shape."""
    values = _floats(tape)
    for other, value in values.items():
        if other != name and value.shape == values[name].shape:
            yield other


def take(other: str) -> Edit:
    return lambda value, tape: tape.values[other]


def edges(tape: Tape) -> Iterator[tuple[str, str, Array]]:
    for (step, name), jacobian in tape.jacobians.items():
        if np.any(jacobian):
            yield step, name, jacobian


def steps_below(tape: Tape) -> Iterator[tuple[str, str]]:
    """Steps with more than one entry, or above a scalar chain, and the step right above each."""
    exercise = tape.exercise
    for step in exercise.steps:
        if step == exercise.loss or step not in exercise.active or tape.values[step].dtype.kind == "b":
            continue
        above = next((other for other in exercise.steps if (other, step) in tape.jacobians), None)
        if above is not None:
            yield step, above


def is_batch(tape: Tape, value: Array) -> bool:
    return value.ndim > 0 and value.shape[0] > 1
