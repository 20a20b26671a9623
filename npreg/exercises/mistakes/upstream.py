"""What arrives from above: dropped, masked, averaged, or replaced by a simplified form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Edit, Edits, Tape
from npreg.exercises.found import Fact, Found
from npreg.exercises.mistakes.edits import (
    MEAN,
    ONE,
    ROLL,
    ROLL_BACK,
    SQUARE,
    TRANSPOSE,
    Mutation,
    at_step,
    by,
    is_batch,
    known,
    mixed_up,
    on_step,
    seen,
    steps_below,
    take,
    twins,
)
from npreg.exercises.mistakes.functions import other_functions
from npreg.exercises.mistakes.inputs import reversed_arguments
from npreg.exercises.mistakes.preference import Kind
from npreg.exercises.mistakes.structure import applied_again, wrong_axis


def upstream_dropped(tape: Tape) -> Iterator[Mutation]:
    """What arrives from above is dropped, squared, or replaced by another quantity."""
    exercise = tape.exercise
    names = list(tape.values)
    for step, above in steps_below(tape):

        def arrives(edit: Edit, step: str = step) -> Edits:
            return Edits(upstreams=((step, edit),))

        yield on_step(Kind.UPSTREAM_DROPPED, tape, "chain-missing", above, arrives(ONE))
        yield known(Kind.UPSTREAM_SQUARED, "loss-for-derivative", arrives(SQUARE))
        for other in twins(tape, step):
            summand = other == exercise.loss or _is_summand(tape, other)
            later = summand and names.index(other) > names.index(step)
            if later:
                found = at_step(exercise, other)
                yield known(Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", arrives(take(other)), found)
            else:
                kind = Kind.INPUT_ABOVE if other in exercise.inputs else Kind.OTHER_ABOVE
                found = _for_gradient(exercise, step, other)
                yield known(kind, "wrong-variable", arrives(take(other)), found)
            yield known(Kind.TIMES, "wrong-variable", arrives(_times(other)), by(exercise, other))
        own = _for_gradient(exercise, step, step)
        yield known(Kind.OWN_ABOVE, "wrong-variable", arrives(take(step)), own)
        yield known(Kind.TIMES, "wrong-variable", arrives(_times(step)), by(exercise, step))


def _for_gradient(exercise: Exercise, step: str, used: str) -> Found:
    """A quantity in the place of the derivative in a step, if students see both."""
    return (Fact(used=used, meant=f"grad_{step}"),) if seen(exercise, step) and seen(exercise, used) else ()


def _is_summand(tape: Tape, name: str) -> bool:
    """Whether a scalar step is made of it directly: the losses of the single examples."""
    return any(tape.values[step].ndim == 0 for step, argument in tape.jacobians if argument == name)


def is_loss_like(tape: Tape, name: str) -> bool:
    """Whether it is a summand of the loss, or a branch of one."""
    above = [step for step, argument in tape.jacobians if argument == name]
    return _is_summand(tape, name) or any(_is_summand(tape, step) for step in above)


def _times(other: str) -> Edit:
    return lambda value, tape: value * tape.values[other]


def some_rows(tape: Tape) -> Iterator[Mutation]:
    """Loops that keep the first or last example, or leave one out."""
    for step, _ in steps_below(tape):
        if not is_batch(tape, tape.values[step]):
            continue

        def rows(keep: slice, step: str = step) -> Edits:
            def edit(upstream: Array, tape: Tape) -> Array:
                kept = np.zeros_like(upstream)
                kept[keep] = upstream[keep]
                return kept

            return Edits(upstreams=((step, edit),))

        yield known(Kind.ROWS, "first-only", rows(slice(0, 1)))
        yield known(Kind.ROWS, "last-only", rows(slice(-1, None)))
        yield known(Kind.ROWS, "off-by-one", rows(slice(0, -1)))
        yield known(Kind.ROWS, "off-by-one", rows(slice(1, None)))


def averaged_upstream(tape: Tape) -> Iterator[Mutation]:
    """The product of means for the mean of products, and rows that do not belong together."""
    for step, _ in steps_below(tape):
        value = tape.values[step]
        if is_batch(tape, value):
            yield known(Kind.MEAN_ABOVE, "mean-of-products", Edits(upstreams=((step, MEAN),)))
            yield known(Kind.SHIFTED, "off-by-one", Edits(upstreams=((step, ROLL),)))
            yield known(Kind.SHIFTED, "off-by-one", Edits(upstreams=((step, ROLL_BACK),)))
        if value.ndim == 2 and value.shape[0] == value.shape[1]:
            yield known(Kind.TRANSPOSED, "transpose", Edits(upstreams=((step, TRANSPOSE),)))


def simplified_upstream(tape: Tape) -> Iterator[Mutation]:
    """Edits of the short form that students type: where what arrives is a·A + b·B, of A and B.

    The derivative of the logistic loss that arrives at z is (p − y)/n: no single step of the chain shows
    that.
    """
    upstreams = tape.sweep()
    exercise = tape.exercise
    for step, _ in steps_below(tape):
        target = upstreams[step]
        if target.size < 3:
            continue
        names = [n for n in (step, *twins(tape, step), *_labels(tape, step)) if n not in exercise.wanted]
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                if _two_terms(_spread(tape, first, step), _spread(tape, second, step), target) is not None:
                    yield from _short_form(tape, step, first, second)
                    plain = _form(step, (first, second))
                    for forward in (
                        *wrong_axis(tape),
                        *applied_again(tape),
                        *reversed_arguments(tape),
                        *other_functions(tape),
                    ):
                        yield replace(forward, edits=forward.edits + plain)


def _labels(tape: Tape, step: str) -> Iterator[str]:
    """Whole numbers that pick a column in every row of a step."""
    shape = tape.values[step].shape
    for name in tape.exercise.inputs:
        value = tape.values[name]
        whole = value.dtype.kind in "iu" and len(shape) == 2
        if whole and value.shape == shape[:1] and np.max(value) < shape[1]:
            yield name


def _spread(tape: Tape, name: str, step: str) -> Array:
    """A quantity in the shape of a step, labels as one-hot rows."""
    value, shape = tape.values[name], tape.values[step].shape
    return np.eye(shape[1])[value] if value.dtype.kind in "iu" and value.shape != shape else value


def _two_terms(first: Array, second: Array, target: Array) -> Array | None:
    columns = np.stack([first.ravel(), second.ravel()], axis=1).astype(float)
    if np.linalg.matrix_rank(columns) < 2:
        return None
    weights = np.linalg.lstsq(columns, target.ravel(), rcond=None)[0]
    error = np.max(np.abs(columns @ weights - target.ravel()))
    small = 1e-10 * np.max(np.abs(target))
    return weights if error <= small and np.all(np.abs(weights) > 1e-6 * np.max(np.abs(weights))) else None


def _form(step: str, pair: tuple[str, str], k: int = 0, instead: str | None = "", times: float = 1.0) -> Edits:
    """The two terms, with another quantity (None: nothing) in the place of the k-th."""

    def edit(upstream: Array, tape: Tape) -> Array:
        def quantity(name: str, at: Tape = tape) -> Array:
            return _spread(at, name, step)

        origin = tape.origin
        first, second = (quantity(name, origin) for name in pair)
        weights = origin.noted((step, pair), lambda: _two_terms(first, second, origin.sweep()[step]))
        if weights is None:
            raise ValueError("not of this form here")
        kept = np.asarray(weights[1 - k] * quantity(pair[1 - k]))
        return kept if instead is None else kept + times * weights[k] * quantity(instead or pair[k])

    return Edits(upstreams=((step, edit),))


def _short_form(tape: Tape, step: str, first: str, second: str) -> Iterator[Mutation]:
    exercise = tape.exercise

    form = partial(_form, step, (first, second))

    for k, name in enumerate((first, second)):
        other = (second, first)[k]
        label = exercise.public(name)
        given = name in exercise.inputs
        if given:
            yield known(Kind.INPUT_IGNORED, f"ignores:{name}", form(k, None))
        else:
            yield known(Kind.MISSING_SHORT, f"missing-term:{label}", form(k, None))
        yield known(Kind.REVERSED_SHORT, f"term-sign:{label}", form(k, name, -1.0))
        for substitute in twins(tape, name):
            if substitute == other or tape.values[name].shape != tape.values[step].shape:
                continue
            if name in exercise.steps and substitute in exercise.arguments[name]:
                yield known(Kind.LINK_MISSING_SHORT, f"chain-missing:{label}", form(k, substitute))
            else:
                yield mixed_up(Kind.OTHER_SHORT, tape, name, substitute, form(k, substitute))
