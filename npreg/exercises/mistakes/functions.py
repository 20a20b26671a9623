"""Another function in a step's place: its slope alone, or the function itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Array
from npreg.exercises.forward.tape import Edit, Edits, Tape, Wrap
from npreg.exercises.found import Fact
from npreg.exercises.mistakes.edits import Mutation, edges, known, on_step, seen
from npreg.exercises.mistakes.preference import Kind

Slope = Callable[[Array, Array], Array]

SLOPES: tuple[Slope, ...] = (
    lambda a, v: 1 - v,
    lambda a, v: v * (1 - v),
    lambda a, v: 1 - v**2,
    lambda a, v: v**2,
    lambda a, v: 1.0 * (a > 0),
    lambda a, v: 1 - a,
    lambda a, v: 1 / np.cosh(a),
    lambda a, v: 1 / np.cosh(a) ** 2,
    lambda a, v: np.exp(-a) / (1 + np.exp(-a)) ** 2,
    lambda a, v: 1 / (1 + np.exp(-a)),
    lambda a, v: np.exp(a),
)
"""Derivatives of well-known functions, of the argument and the value of the step."""

SQUARES: tuple[Slope, ...] = (lambda a, v: np.sign(a), lambda a, v: np.abs(a), lambda a, v: a / np.linalg.norm(a))
"""What is written for the derivative of a square: that of the absolute value, of the norm."""


def _softmax(a: Array) -> Array:
    e = np.exp(a - np.max(a))
    return np.asarray(e / e.sum())


def _hard(a: Array) -> Array:
    """The decision: 1 for the largest of a row, or above 0."""
    return 1.0 * (a == a.max(axis=1, keepdims=True)) if a.ndim == 2 else 1.0 * (a > 0)


FUNCTIONS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "hard": ("wrong-variable", _hard),
    "sigmoid": ("wrong-variable", lambda a: 1 / (1 + np.exp(-a))),
    "tanh": ("wrong-variable", np.tanh),
    "exp": ("wrong-variable", np.exp),
    "softmax-all": ("axis", _softmax),
    "unkept": ("axis", lambda a: np.exp(a) / np.exp(a).sum(axis=-1)),
}
"""Functions taken for one another, and the code; `unkept`: a softmax whose sums are not kept as a column."""


def other_slopes(tape: Tape) -> Iterator[Mutation]:
    """The derivative of another well-known function: 1 − H for 1 − H², sign(w) for 2·w."""
    for step, name in _nonlinear(tape):
        squares = tape.values[name] ** 2
        square = np.allclose(tape.values[step] * squares.flat[0], squares * tape.values[step].flat[0])
        for slope, times in product(SQUARES if square else SLOPES, (1, 2) if square else (1,)):
            edits = Edits(jacobians=(((step, name), _sloped(step, name, slope, times)),))
            yield on_step(Kind.OTHER_SLOPE, tape, "chain-at", step, edits)


def _nonlinear(tape: Tape) -> Iterator[tuple[str, str]]:
    """Steps that act entry by entry, with a slope that is not the same everywhere."""
    for step, name, jacobian in edges(tape):
        if tape.values[step].shape != tape.values[name].shape or np.any(jacobian - np.diag(np.diag(jacobian))):
            continue
        twice = tape.edited(Edits(values=((name, lambda value, tape: 1.5 * value),)))
        if not np.allclose(twice.jacobians[step, name], jacobian):
            yield step, name


def _sloped(step: str, name: str, slope: Slope, times: int) -> Edit:
    return lambda jacobian, tape: np.diag(times * slope(tape.values[name], tape.values[step]).ravel())


def other_functions(tape: Tape) -> Iterator[Mutation]:
    """Another function of the same argument, forward and backward: a decision for a probability."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        a, value = tape.values[names[0]], tape.values[step]
        if len(names) != 1 or a.shape != value.shape or not np.all((value >= 0) & (value <= 1)):
            continue
        for function_name, (code, function) in FUNCTIONS.items():
            replaced = (Fact(function=function_name, meant=step),) if seen(exercise, step) else ()
            edits = Edits(functions=((step, _instead(names[0], function)),))
            yield known(Kind.OTHER_FUNCTION, code, edits, replaced)
            if value.ndim == 2 and np.allclose(value.sum(axis=1), 1):
                short = Edits(jacobians=(((step, names[0]), partial(_row_softmax, name=names[0], function=function)),))
                yield known(Kind.OTHER_FUNCTION, code, edits + short, replaced)


def _row_softmax(jacobian: Array, tape: Tape, name: str, function: Callable[[Array], Array]) -> Array:
    """The derivative of a softmax, from the value that is taken for it: P·(g − Σ P·g)."""
    value = function(tape.values[name])
    rows = np.indices(value.shape)[0].ravel()
    outer = np.outer(value, value)
    return np.asarray(np.diag(value.ravel()) - outer * (rows[:, None] == rows))


def _instead(name: str, function: Callable[[Array], Array]) -> Wrap:
    return lambda _: lambda **seen: function(seen[name])


def spread(tape: Tape) -> Iterator[Mutation]:
    """A sum over the entries of a parameter where each entry has its own: lam·sum(w) for lam·w."""
    for step, name, jacobian in edges(tape):
        if name in tape.exercise.wanted and jacobian.shape[0] == jacobian.shape[1] > 1:
            yield known(Kind.AXIS, "axis", Edits(jacobians=(((step, name), _everywhere),)))


def _everywhere(jacobian: Array, tape: Any) -> Array:
    return np.tile(np.diag(jacobian)[:, None], (1, jacobian.shape[1]))
