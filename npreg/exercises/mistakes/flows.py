"""What arrives from above: dropped, masked, averaged, or replaced by a simplified form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from npreg.exercises.forward.program import Array
from npreg.exercises.forward.tape import Edits, Tape
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.forward import of_one_argument
from npreg.exercises.mistakes.mistake import Mistake, is_summand, known, mixed_up, on_step, told, twins
from npreg.exercises.mistakes.preference import Kind

OF_A_BATCH = (
    *((Kind.ROWS, code, changes.plain(partial(changes.part, axis=0, place=p, only=o))) for code, p, o in changes.PARTS),
    (Kind.MEAN_ABOVE, "mean-of-products", changes.MEAN),
    (Kind.SHIFTED, "off-by-one", changes.ROLL),
    (Kind.SHIFTED, "off-by-one", changes.ROLL_BACK),
)
"""Loops that keep the first or last example or leave one out, the product of means, neighbours' rows."""


def flows(tape: Tape) -> Iterator[Mistake]:
    """What arrives from above is dropped, squared, cut, averaged, or replaced by another quantity."""
    exercise, order = tape.exercise, list(tape.values)
    for step, above in _steps_below(tape):
        value = tape.values[step]
        yield on_step(Kind.UPSTREAM_DROPPED, tape, "chain-missing", above, Edits(upstreams=((step, changes.ONE),)))
        rows = [(Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", changes.SQUARE)]
        rows += OF_A_BATCH if value.shape[:1] > (1,) else ()
        if value.ndim == 2 and value.shape[0] == value.shape[1]:
            rows.append((Kind.TRANSPOSED, "transpose", changes.TRANSPOSE))
        for kind, code, edit in rows:
            yield known(kind, code, Edits(upstreams=((step, edit),)))
        for other in (*twins(tape, step), step):
            summand = other == exercise.loss or is_summand(tape, other)
            instead, times = (Edits(upstreams=((step, edit),)) for edit in (changes.take(other), changes.times(other)))
            if summand and order.index(other) > order.index(step):
                yield known(Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", instead, **told(exercise, step=other))
            else:
                of_input = Kind.INPUT_ABOVE if other in exercise.inputs else Kind.OTHER_ABOVE
                kind = Kind.OWN_ABOVE if other == step else of_input
                yield mixed_up(kind, tape, f"grad_{step}", other, instead)
            yield known(Kind.TIMES, "wrong-variable", times, **told(exercise, by=other))


def _steps_below(tape: Tape) -> Iterator[tuple[str, str]]:
    """The steps through which a derivative flows, and the step right above each."""
    for step in tape.program.steps:
        above = next((other for other in tape.program.steps if (other, step) in tape.jacobians), None)
        if above is not None:
            yield step, above


def short_forms(tape: Tape) -> Iterator[Mistake]:
    """Edits of a short form a·A + b·B of what arrives, of A and B: (p − y)/n for the logistic loss at z."""
    upstreams, exercise = tape.sweep(), tape.exercise
    for step, _ in _steps_below(tape):
        if upstreams[step].size < 3:
            continue
        shape, whole = tape.values[step].shape, [n for n in exercise.inputs if tape.values[n].dtype.kind in "iu"]
        a_row = [n for n in whole if len(shape) == 2 and tape.values[n].shape == shape[:1]]
        labels = [n for n in a_row if np.max(tape.values[n]) < shape[1]]  # which pick a column in every row
        names = [name for name in (step, *twins(tape, step), *labels) if name not in exercise.wanted]
        for pair in combinations(names, 2):
            if _two_terms([_spread(tape, name, step) for name in pair], upstreams[step]) is not None:
                for k in (0, 1):
                    yield from _changed_term(tape, step, pair, k)
                for forward in of_one_argument(tape):
                    yield replace(forward, edits=forward.edits + _form(step, pair))


def _spread(tape: Tape, name: str, step: str) -> Array:
    """A quantity in the shape of a step, labels as one-hot rows."""
    value, shape = tape.values[name], tape.values[step].shape
    return np.eye(shape[1])[value] if value.dtype.kind in "iu" and value.shape != shape else value


def _two_terms(terms: Sequence[Array], target: Array) -> Array | None:
    columns = np.stack([term.ravel() for term in terms], axis=1).astype(float)
    if np.linalg.matrix_rank(columns) < 2:
        return None
    weights = np.linalg.lstsq(columns, target.ravel(), rcond=None)[0]
    exact = np.max(np.abs(columns @ weights - target.ravel())) <= 1e-10 * np.max(np.abs(target))
    return weights if exact and np.all(np.abs(weights) > 1e-6 * np.max(np.abs(weights))) else None


def _form(step: str, pair: tuple[str, str], k: int = 0, instead: str | None = "", times: float = 1.0) -> Edits:
    """The two terms, with another quantity (None: nothing) in the place of the k-th."""

    def edit(upstream: Array, tape: Tape) -> Array:
        origin = tape.origin
        terms = [_spread(origin, name, step) for name in pair]
        weights = origin.noted((step, pair), lambda: _two_terms(terms, origin.sweep()[step]))
        if weights is None:
            raise ValueError("not of this form here")
        kept = np.asarray(weights[1 - k] * _spread(tape, pair[1 - k], step))
        return kept if instead is None else kept + times * weights[k] * _spread(tape, instead or pair[k], step)

    return Edits(upstreams=((step, edit),))


def _changed_term(tape: Tape, step: str, pair: tuple[str, str], k: int) -> Iterator[Mistake]:
    """One of the two terms missing, reversed, or another quantity."""
    exercise, name, form = tape.exercise, pair[k], partial(_form, step, pair, k)
    label = exercise.public(name)
    of_input = name in exercise.inputs
    kind, code = (Kind.INPUT_IGNORED, f"ignores:{name}") if of_input else (Kind.MISSING_SHORT, f"missing-term:{label}")
    yield known(kind, code, form(None))
    yield known(Kind.REVERSED_SHORT, f"term-sign:{label}", form(name, -1.0))
    for other in twins(tape, name):
        if other == pair[1 - k] or tape.values[name].shape != tape.values[step].shape:
            continue
        if name in exercise.steps and other in exercise.arguments[name]:
            yield known(Kind.LINK_MISSING_SHORT, f"chain-missing:{label}", form(other))
        else:
            yield mixed_up(Kind.OTHER_SHORT, tape, name, other, form(other))
