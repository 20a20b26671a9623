"""The chain rule cut short, used twice, or taken at the wrong place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from npreg.exercises.forward.tape import Edit, Edits, Tape
from npreg.exercises.mistakes.edits import (
    DIAGONAL,
    IDENTITY,
    MEAN,
    NEGATIVE,
    ONE,
    PATTERN,
    ROLL,
    ROLL_BACK,
    SQUARE,
    SQUARED_MATRIX,
    TRANSPOSE,
    Mutation,
    edges,
    is_batch,
    take,
    twins,
)
from npreg.exercises.mistakes.upstream import is_loss_like


def chain_cut_short(tape: Tape) -> Iterator[Mutation]:
    """A local derivative left out: every dependence counts as 1."""
    for step, name, _ in edges(tape):
        code = f"chain-missing:{tape.exercise.public(step)}"
        yield Mutation((code,), Edits(jacobians=(((step, name), PATTERN),)), 12.0)
        power = _power_of(tape, step, name)
        if power is not None:
            yield Mutation((code,), Edits(jacobians=(((step, name), _pattern_times(power)),)), 12.1)
        if tape.values[step].shape == tape.values[name].shape:
            yield Mutation((code,), Edits(jacobians=(((step, name), IDENTITY),)), 12.0)
            skip = Edits(functions=((step, _only(name)),))
            yield Mutation((code,), skip, 12.5)
            yield Mutation((code,), Edits(values=((step, take(name)),)), 13.0)


def _power_of(tape: Tape, step: str, name: str) -> float | None:
    """The 2 of a local derivative 2·w, which stays when w is forgotten."""
    jacobian, value = tape.jacobians[step, name], tape.values[name].ravel()
    if tape.values[step].shape != tape.values[name].shape or not np.all(value):
        return None
    ratio = np.diag(jacobian) / value
    alike = np.allclose(ratio, ratio[0], rtol=1e-9, atol=0)
    return float(ratio[0]) if alike and abs(ratio[0] - 1) > 1e-9 else None


def _pattern_times(power: float) -> Edit:
    return lambda jacobian, tape: power * (jacobian != 0)


def _only(argument: str) -> Callable[..., Any]:
    return lambda **seen: seen[argument] * 1.0


def chain_twice(tape: Tape) -> Iterator[Mutation]:
    """A local derivative used twice, entry by entry or as a matrix."""
    for step, name, jacobian in edges(tape):
        code = f"chain-twice:{tape.exercise.public(step)}"
        yield Mutation((code,), Edits(jacobians=(((step, name), SQUARE),)), 13.0)
        if tape.values[step].shape == tape.values[name].shape:
            own = Edits(jacobians=(((step, name), _own_value(step)),))
            code = "loss-for-derivative" if is_loss_like(tape, step) else "wrong-variable"
            yield Mutation((code,), own, 15.5)
        if tape.values[step].shape == tape.values[name].shape and np.any(
            jacobian - np.diag(np.diag(jacobian))
        ):
            yield Mutation((code,), Edits(jacobians=(((step, name), SQUARED_MATRIX),)), 13.5)
            yield Mutation(("elementwise",), Edits(jacobians=(((step, name), DIAGONAL),)), 13.0)
            code = f"missing-term:{tape.exercise.public(step)}"
            yield Mutation((code,), Edits(jacobians=(((step, name), _own_value(step)),)), 14.0)


def _own_value(step: str) -> Edit:
    """The step's own value for its derivative, as if it were an exponential."""
    return lambda jacobian, tape: np.diag(tape.values[step].ravel())


def chain_elsewhere(tape: Tape) -> Iterator[Mutation]:
    """A local derivative taken at another quantity: at the output for the input, at X rolled, at ones."""
    exercise = tape.exercise
    for step, name, _ in edges(tape):
        for argument in exercise.arguments[step]:
            value = tape.values[argument]
            if value.dtype.kind == "b":
                continue

            def at(edit: Edit, edge: Any = (step, name), argument: str = argument) -> Edits:
                return Edits(local=((edge, argument, edit),))

            code = f"chain-at:{exercise.public(step)}" if argument == name else "wrong-variable"
            for other in twins(tape, argument):
                yield Mutation((code,), at(take(other)), 16.0 if argument == name else 17.0)
            if argument in exercise.inputs:
                if argument in exercise.settings or argument == "X":
                    yield Mutation((f"ignores:{argument}",), at(ONE), 11.0 if argument != "X" else 15.0)
                yield Mutation((f"term-sign:{argument}",), at(NEGATIVE), 14.0)
            if is_batch(tape, value):
                yield Mutation(("off-by-one",), at(ROLL), 20.0)
                yield Mutation(("off-by-one",), at(ROLL_BACK), 20.0)
                yield Mutation(("mean-of-products",), at(MEAN), 14.0)
            if value.ndim == 2 and value.shape[0] == value.shape[1]:
                yield Mutation(("transpose",), at(TRANSPOSE), 13.0)
