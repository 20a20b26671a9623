"""A step computed in another way, forward and backward: another function, another axis, another divisor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Array, Step
from npreg.exercises.forward.tape import Edits, Tape, Wrap
from npreg.exercises.found import Fact
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.mistake import Mistake, known, on_step, told
from npreg.exercises.mistakes.preference import Kind

Function = Callable[[Array], Array]


def _softmax(a: Array) -> Array:
    e = np.exp(a - np.max(a))
    return np.asarray(e / e.sum())


def _hard(a: Array) -> Array:
    """The decision: 1 for the largest of a row, or above 0."""
    return 1.0 * (a == a.max(axis=1, keepdims=True)) if a.ndim == 2 else 1.0 * (a > 0)


FUNCTIONS: dict[str, tuple[str, Function]] = {
    "hard": ("wrong-variable", _hard),
    "sigmoid": ("wrong-variable", lambda a: 1 / (1 + np.exp(-a))),
    "tanh": ("wrong-variable", np.tanh),
    "exp": ("wrong-variable", np.exp),
    "softmax-all": ("axis", _softmax),
    "unkept": ("axis", lambda a: np.exp(a) / np.exp(a).sum(axis=-1)),
}
"""Functions taken for one another, and the code; `unkept`: a softmax whose sums are not kept as a column."""


def of_one_argument(tape: Tape) -> Iterator[Mistake]:
    """A function of one argument: along the other axis, of minus it, applied again, or another function."""
    turned = []
    for step, names in tape.exercise.arguments.items():
        if len(names) != 1:
            continue
        name, a, value = names[0], tape.values[names[0]], tape.values[step]
        if value.ndim == a.ndim == 2:
            turned.append((step, _across(name)))
            yield known(Kind.AXIS, "axis", Edits(functions=(turned[-1],)))
        if value.shape == a.shape:
            public = tape.exercise.public(name)
            yield known(Kind.ARGUMENT_REVERSED, f"term-sign:{public}", Edits(uses=(((step, name), changes.NEGATIVE),)))
            yield on_step(Kind.AGAIN, tape, "chain-at", step, Edits(functions=((step, _again(name)),)))
            yield from _other_functions(tape, step, name)
    if len(turned) > 1:
        yield known(Kind.AXIS, "axis", Edits(functions=tuple(turned)))


def _across(name: str) -> Wrap:
    return lambda function: lambda **given: np.transpose(function(**{name: np.transpose(given[name])}))


def _again(name: str) -> Wrap:
    return lambda function: lambda **given: function(**{name: function(**given)})


def _other_functions(tape: Tape, step: str, name: str) -> Iterator[Mistake]:
    """Another function with values between 0 and 1: a decision for a probability."""
    value = tape.values[step]
    for key, (code, function) in FUNCTIONS.items() if np.all((value >= 0) & (value <= 1)) else ():
        replaced = (Fact(function=key, meant=step),) if told(tape.exercise, meant=step) else ()
        edits = Edits(functions=((step, instead(name, function)),))
        yield known(Kind.OTHER_FUNCTION, code, edits, replaced)
        if value.ndim == 2 and np.allclose(value.sum(axis=1), 1):
            short = Edits(jacobians=(((step, name), partial(_row_softmax, name=name, function=function)),))
            yield known(Kind.OTHER_FUNCTION, code, edits + short, replaced)


def _row_softmax(jacobian: Array, tape: Tape, name: str, function: Function) -> Array:
    """The derivative of a softmax, from the value that is taken for it: P·(g − Σ P·g)."""
    value = function(tape.values[name])
    rows = np.indices(value.shape)[0].ravel()
    return np.asarray(np.diag(value.ravel()) - np.outer(value, value) * (rows[:, None] == rows))


def instead(name: str, function: Function = lambda a: a * 1.0) -> Wrap:
    """Another function of one argument; by default the argument itself."""
    return lambda _: lambda **given: function(given[name])


def products_and_statistics(tape: Tape) -> Iterator[Mistake]:
    """A product of entries for the dot product; the variance divided by d − 1, a sum for a mean."""
    exercise, values = tape.exercise, tape.values
    for step, names in exercise.arguments.items():
        value, given = values[step], [values[name] for name in names]
        pair = len(names) == 2 and not value.ndim and given[0].ndim == 1 and given[0].shape == given[1].shape
        if pair and np.isclose(value, given[0] @ given[1]):
            yield known(Kind.PRODUCT, "elementwise", Edits(functions=((step, _entry_by_entry),)))
        if step != exercise.loss and value.dtype.kind != "b" and value.size not in (1, max(a.size for a in given)):
            for divisor in DIVISORS:
                edits = Edits(functions=((step, partial(_rescaled, divisor)),))
                yield known(Kind.STATISTIC, f"term-factor:{exercise.public(step)}", edits)


def _entry_by_entry(function: Step) -> Step:
    return lambda **given: np.prod(np.stack(list(given.values())), axis=0)


DIVISORS: tuple[Callable[[float], float], ...] = (lambda m: m / (m - 1), lambda m: m, lambda m: 1 / m)


def _rescaled(change: Callable[[float], float], function: Step) -> Step:
    """The statistic times a function of how many numbers make one."""

    def rescaled(**given: Any) -> Any:
        result = function(**given)
        return result * change(max(np.size(value) for value in given.values()) / np.size(result))

    return rescaled


def whole_for_part(tape: Tape) -> Iterator[Mistake]:
    """All of an input where a part of it belongs: the intercept penalised with the slopes."""
    exercise = tape.exercise
    for (step, name), jacobian in tape.jacobians.items():
        picks = np.all((jacobian == 0) | (jacobian == 1)) and np.all(jacobian.sum(axis=1) == 1)
        if name in exercise.inputs and picks and jacobian.shape[0] < jacobian.shape[1]:
            code = f"extra-term:{_scalar_above(tape, step)}"
            yield known(Kind.EXTRA_OWN, code, Edits(functions=((step, instead(name)),)))


def _scalar_above(tape: Tape, step: str) -> str:
    """The public step at which a step becomes one number, or where it ends."""
    reached = [step]
    for above, names in tape.exercise.arguments.items():
        if not {*names}.isdisjoint(reached):
            reached.append(above)
    public = [name for name in reached if name in tape.exercise.public_steps]
    return next((name for name in public if not tape.values[name].ndim), public[0])
