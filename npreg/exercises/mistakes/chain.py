"""The chain rule cut short, used twice, or taken at the wrong place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.forward.tape import Edit, Edits, Tape, Wrap
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
    at_step,
    edges,
    is_batch,
    known,
    mixed_up,
    on_step,
    take,
    twins,
)
from npreg.exercises.mistakes.preference import Kind
from npreg.exercises.mistakes.upstream import is_loss_like


def chain_cut_short(tape: Tape) -> Iterator[Mutation]:
    """A local derivative left out: every dependence counts as 1."""
    for step, name, _ in edges(tape):
        missing = partial(on_step, tape=tape, family="chain-missing", step=step)
        yield missing(Kind.LINK_MISSING, edits=Edits(jacobians=(((step, name), PATTERN),)))
        power = _power_of(tape, step, name)
        if power is not None:
            edits = Edits(jacobians=(((step, name), _pattern_times(power)),))
            yield missing(Kind.LINK_MISSING_POWER, edits=edits)
        if tape.values[step].shape == tape.values[name].shape:
            yield missing(Kind.LINK_MISSING, edits=Edits(jacobians=(((step, name), IDENTITY),)))
            yield missing(Kind.LINK_SKIPPED, edits=Edits(functions=((step, _only(name)),)))
            yield missing(Kind.VALUE_FOR_STEP, edits=Edits(values=((step, take(name)),)))


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


def _only(argument: str) -> Wrap:
    return lambda function: lambda **seen: seen[argument] * 1.0


def chain_twice(tape: Tape) -> Iterator[Mutation]:
    """A local derivative used twice, entry by entry or as a matrix."""
    for step, name, jacobian in edges(tape):
        twice = partial(on_step, tape=tape, family="chain-twice", step=step)
        yield twice(Kind.CHAIN_TWICE, edits=Edits(jacobians=(((step, name), SQUARE),)))
        if tape.values[step].shape == tape.values[name].shape:
            own = Edits(jacobians=(((step, name), _own_value(step)),))
            value = "loss-for-derivative" if is_loss_like(tape, step) else "wrong-variable"
            yield known(Kind.OWN_VALUE, value, own, at_step(tape.exercise, step))
        if tape.values[step].shape == tape.values[name].shape and np.any(jacobian - np.diag(np.diag(jacobian))):
            squared = Edits(jacobians=(((step, name), SQUARED_MATRIX),))
            yield twice(Kind.CHAIN_TWICE_MATRIX, edits=squared)
            yield known(Kind.DIAGONAL, "elementwise", Edits(jacobians=(((step, name), DIAGONAL),)))
            code = f"missing-term:{tape.exercise.public(step)}"
            yield known(Kind.OWN_VALUE_MATRIX, code, own)


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

            for other in twins(tape, argument):
                if argument == name:
                    yield on_step(Kind.ELSEWHERE, tape, "chain-at", step, at(take(other)))
                else:
                    yield mixed_up(Kind.OTHER_BELOW, tape, argument, other, at(take(other)))
            if argument in exercise.inputs:
                if argument in exercise.settings:
                    yield known(Kind.SETTING_IGNORED_BELOW, f"ignores:{argument}", at(ONE))
                elif argument == "X":
                    yield known(Kind.INPUT_ONE_BELOW, f"ignores:{argument}", at(ONE))
                yield known(Kind.REVERSED_BELOW, f"term-sign:{argument}", at(NEGATIVE))
            if is_batch(tape, value):
                yield known(Kind.SHIFTED, "off-by-one", at(ROLL))
                yield known(Kind.SHIFTED, "off-by-one", at(ROLL_BACK))
                yield known(Kind.MEAN_BELOW, "mean-of-products", at(MEAN))
            if value.ndim == 2 and value.shape[0] == value.shape[1]:
                yield known(Kind.TRANSPOSED, "transpose", at(TRANSPOSE))
