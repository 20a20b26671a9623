"""A local derivative left out, used twice, taken at the wrong place, or that of another function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from npreg.exercises.forward.program import Array
from npreg.exercises.forward.tape import Edge, Edit, Edits, Tape
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.forward import instead, met
from npreg.exercises.mistakes.mistake import Mistake, is_summand, known, mixed_up, on_step, origins, told, twins
from npreg.exercises.mistakes.preference import Kind

Row = tuple[Kind, str, Edit]
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


def _edges(tape: Tape) -> Iterator[tuple[str, str, Array]]:
    """Every step, an argument that it depends on, and the local derivative."""
    return ((step, name, jacobian) for (step, name), jacobian in tape.jacobians.items() if np.any(jacobian))


def links(tape: Tape) -> Iterator[Mistake]:
    """A local derivative replaced, or the whole step passed over."""
    for step, name, jacobian in _edges(tape):
        for kind, code, edit in _replaced(tape, step, name, jacobian):
            edits = Edits(jacobians=(((step, name), edit),))
            if code.startswith("chain-"):
                yield on_step(kind, tape, code, step, edits)
            else:
                about = {Kind.OWN_VALUE: {"step": step}, Kind.DIAGONAL: {"diagonal": step}}.get(kind, {})
                yield known(kind, code, edits, **told(tape.exercise, **about))
        if tape.values[step].shape == tape.values[name].shape:
            skipped = Edits(functions=((step, instead(name)),))
            yield on_step(Kind.LINK_SKIPPED, tape, "chain-missing", step, skipped)
            weights = _own_form(tape.values[step].ravel(), jacobian)
            if weights is not None:  # 1 − H² of what H is without the step
                skipped += Edits(jacobians=(((step, name), _polynomial(name, weights)),))
                yield on_step(Kind.LINK_SKIPPED, tape, "chain-missing", step, skipped)
            yield on_step(Kind.VALUE_FOR_STEP, tape, "chain-missing", step, Edits(values=((step, changes.take(name)),)))
            diagonal = tape.values[step].ndim and np.all(jacobian == np.diag(np.diag(jacobian)))
            whole = diagonal and np.all(np.diag(jacobian))  # the factor on everything below it: 1/std in Xhat
            for family, power in (("chain-missing", -1.0), ("chain-twice", 1.0)) if whole else ():
                edits = Edits(upstreams=((step, _times_slope((step, name), power)),))
                yield on_step(Kind.WHOLE_STEP, tape, family, step, edits)


def _replaced(tape: Tape, step: str, name: str, jacobian: Array) -> Iterator[Row]:
    """The kind, the code (of the chain: without the step), and the change of one local derivative."""
    value, public = tape.values[step], tape.exercise.public(step)
    yield Kind.LINK_MISSING, "chain-missing", changes.PATTERN
    yield Kind.CHAIN_TWICE, "chain-twice", changes.SQUARE
    meeting = [other for other in tape.exercise.arguments[step] if (step, other) in tape.jacobians]
    if len(meeting) > 1:
        others = {a for other in meeting if other != name for a in origins(tape.exercise, other)}
        own = [a for a in origins(tape.exercise, name) if a not in others and a in tape.exercise.public_steps]
        term = own[-1] if own else public  # what only this term comes through
        yield Kind.TERM_LOST, f"missing-term:{term}", changes.ZERO
        yield Kind.TERM_LOST, f"term-sign:{term}", changes.NEGATIVE
    if name in tape.exercise.wanted and jacobian.shape[0] == jacobian.shape[1] > 1:
        yield Kind.AXIS, "axis", changes.EVERYWHERE  # lam·sum(w) for lam·w
    if value.shape != tape.values[name].shape:
        return
    yield Kind.LINK_MISSING, "chain-missing", changes.IDENTITY
    loss_like = any(is_summand(tape, n) for n in (step, *(s for s, argument in tape.jacobians if argument == step)))
    of_value = _slope((step, name), lambda a, v: v)
    yield Kind.OWN_VALUE, "loss-for-derivative" if loss_like else "wrong-variable", of_value
    if np.any(jacobian != np.diag(np.diag(jacobian))):
        yield Kind.CHAIN_TWICE_MATRIX, "chain-twice", changes.SQUARED_MATRIX
        yield Kind.DIAGONAL, "elementwise", changes.DIAGONAL
        yield Kind.CHAIN_TWICE_MATRIX, "chain-twice", changes.AND_DIAGONAL
        yield Kind.OWN_VALUE_MATRIX, f"missing-term:{public}", of_value
        if value.ndim == 2:
            yield from _of_softmax(step, value, jacobian)
    else:
        yield from _entry_by_entry(tape, step, name, jacobian)
        yield from _of_output(tape, step, jacobian)


def _slope(edge: Edge, slope: Slope, times: float = 1.0) -> Edit:
    """A derivative entry by entry, of the argument and the value of the step."""
    return lambda jacobian, tape: np.diag(times * slope(tape.values[edge[1]], tape.values[edge[0]]).ravel())


def _of_softmax(step: str, value: Array, jacobian: Array) -> Iterator[Row]:
    """The short form P·(g − Σ P·g) with the sum over the other axis, over everything, or not a column."""
    rest = jacobian + met(value, 0, 0)
    if np.max(np.abs(rest - np.diag(np.diag(rest)))) <= 1e-12 * np.max(np.abs(jacobian)):
        square = value.shape[0] == value.shape[1]
        for axes in [(1, 1), (), (0, 1)] if square else [(1, 1), ()]:
            yield Kind.AXIS, "axis", _summed_over(step, axes)


def _summed_over(step: str, axes: tuple[int, ...]) -> Edit:
    return lambda jacobian, tape: jacobian + met(tape.values[step], 0, 0) - met(tape.values[step], *axes)


def _entry_by_entry(tape: Tape, step: str, name: str, jacobian: Array) -> Iterator[Row]:
    """What a power leaves behind (2·w without w), and slopes of other functions: 1 − H for 1 − H²."""
    value, a, slopes = tape.values[step], tape.values[name], np.diag(jacobian)
    with np.errstate(all="ignore"):
        ratio = slopes / a.ravel()
    if np.all(a) and np.allclose(ratio, ratio[0], rtol=1e-9, atol=0) and abs(ratio[0] - 1) > 1e-9:
        yield Kind.LINK_MISSING_POWER, "chain-missing", changes.plain(lambda j: float(ratio[0]) * (j != 0))
    moved = tape.edited(Edits(values=((name, changes.plain(lambda value: 1.5 * value)),)))
    if not np.allclose(moved.jacobians[step, name], jacobian):
        squares = a**2
        square = np.allclose(value * squares.flat[0], squares * value.flat[0])
        for slope, times in product(SQUARES, (1, 2)) if square else product(SLOPES, (1,)):
            yield Kind.OTHER_SLOPE, "chain-at", _slope((step, name), slope, times)


def _of_output(tape: Tape, step: str, jacobian: Array) -> Iterator[Row]:
    """A local derivative that is written with the step's own value, and changed."""
    weights = _own_form(tape.values[step].ravel(), jacobian)
    if weights is not None:
        for other in twins(tape, step):
            yield Kind.SLOPE, "chain-at", _polynomial(other, weights)
        for k, (code, times) in product(np.flatnonzero(weights), (("missing-term", 0), ("term-sign", -1))):
            changed = np.where(np.arange(3) == k, times * weights, weights)
            yield Kind.SLOPE, f"{code}:{tape.exercise.public(step)}", _polynomial(step, changed)


def _own_form(value: Array, jacobian: Array) -> Array | None:
    """The weights of 1, v and v² in a derivative entry by entry of the value v: 1 − H² or p·(1 − p)."""
    slopes = np.diag(jacobian)
    if value.size < 4 or np.any(jacobian != np.diag(slopes)):
        return None
    weights = np.linalg.lstsq(_powers(value), slopes, rcond=None)[0]
    weights = np.where(np.abs(weights) < 1e-9, 0.0, weights)
    exact = np.max(np.abs(_powers(value) @ weights - slopes)) < 1e-10 * np.max(np.abs(slopes))
    return weights if exact and np.sum(weights != 0) > 1 else None


def _powers(value: Array) -> Array:
    return np.stack([value**0, value, value**2], axis=-1)


def _polynomial(of: str, weights: Array) -> Edit:
    return lambda jacobian, tape: np.diag(_powers(tape.values[of].ravel()) @ weights)


def _times_slope(edge: Edge, power: float) -> Edit:
    return lambda upstream, tape: upstream * (np.diag(tape.origin.jacobians[edge]) ** power).reshape(upstream.shape)


def elsewhere(tape: Tape) -> Iterator[Mistake]:
    """A local derivative taken at another quantity: at the output for the input, at X rolled, at ones."""
    exercise = tape.exercise
    uses = [(step, wrt, name) for step, wrt, _ in _edges(tape) for name in exercise.arguments[step]]
    for step, wrt, name in uses:
        value = tape.values[name]
        if value.dtype.kind == "b":
            continue
        rows: list[Row] = []
        if name in exercise.inputs:
            rows.append((Kind.REVERSED_BELOW, f"term-sign:{name}", changes.NEGATIVE))
        if name in exercise.settings or name == "X":
            kind = Kind.SETTING_IGNORED_BELOW if name in exercise.settings else Kind.INPUT_ONE_BELOW
            rows.append((kind, f"ignores:{name}", changes.ONE))
        if value.shape[:1] > (1,):
            rows += [(Kind.SHIFTED, "off-by-one", roll) for roll in (changes.ROLL, changes.ROLL_BACK)]
            rows.append((Kind.MEAN_BELOW, "mean-of-products", changes.MEAN))
        if value.ndim == 2 and value.shape[0] == value.shape[1]:
            rows.append((Kind.TRANSPOSED, "transpose", changes.TRANSPOSE))
        for kind, code, edit in rows:
            yield known(kind, code, Edits(local=(((step, wrt), name, edit),)))
        for other in twins(tape, name):
            edits = Edits(local=(((step, wrt), name, changes.take(other)),))
            if name == wrt:
                yield on_step(Kind.ELSEWHERE, tape, "chain-at", step, edits)
            else:
                yield mixed_up(Kind.OTHER_BELOW, tape, name, other, edits)
