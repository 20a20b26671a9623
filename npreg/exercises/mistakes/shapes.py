"""Values of another shape than asked for: not summed, summed over the wrong axis, another quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np

from npreg.exercises.forward.derivatives import value_of
from npreg.exercises.forward.program import Answer, Array, Exercise, Step, parameters
from npreg.exercises.forward.tape import Edits, Tape
from npreg.exercises.mistakes.curvature import curvature_bases
from npreg.exercises.mistakes.edits import at_step, by, swap
from npreg.exercises.mistakes.explanation import Base, Make, asked, axes_subsets, wrong
from npreg.exercises.mistakes.mutations import Mutation
from npreg.exercises.mistakes.preference import Kind
from npreg.exercises.mistakes.structure import broadcast_accidents
from npreg.exercises.mistakes.updates import updated_too_early


def foreign_bases(exercise: Exercise, name: str, tape: Tape) -> Iterator[Base]:
    """Values that are no mutation of the answer: rows not summed, other answers, other quantities."""
    yield from _own(exercise, name)
    answer = asked(exercise, name)
    if not answer.order:
        return
    if answer.order == 1 and answer.formula is None:
        yield from _unsummed(tape, answer.wrt)
    if answer.formula is None:
        for axes in axes_subsets(tape.values[answer.wrt].ndim * answer.order):
            yield wrong(Kind.REDUCED, "axis", _sum(partial(value_of, answer), axes))
    yield from _others(exercise, name, tape)
    yield from _broadcast(tape, answer.wrt)
    if answer.order == 1 and answer.formula is None:
        yield from _feature_loops(answer, tape)
        for other, value in tape.values.items():
            if value.shape == tape.values[answer.wrt].shape and value.dtype.kind != "b":
                yield wrong(
                    Kind.TIMES, "wrong-variable", partial(_product, answer=answer, other=other), by(exercise, other)
                )
        yield from _clipped(exercise, answer, tape)
    if answer.formula is not None:
        yield from updated_too_early(exercise, name)
    if answer.order == 2:
        yield from curvature_bases(exercise, answer, tape)


def _broadcast(tape: Tape, wrt: str) -> Iterator[Base]:
    """What arrives where a column met a vector: as it is, summed over an axis, passed on by columns."""
    for mutation in broadcast_accidents(tape):
        step = mutation.edits.uses[0][0][0]
        try:
            if tape.edited(mutation.edits).values[step].size <= tape.values[step].size:
                continue
        except ValueError:
            continue
        whole = partial(_upstream_under, mutation=mutation, step=step)
        yield wrong(Kind.TABLE, "broadcast", whole)
        for axis in (0, 1):
            yield wrong(Kind.TABLE_SUMMED, "broadcast", partial(_passed_on, whole, step, wrt, axis))
            yield wrong(Kind.TABLE_SUMMED, "broadcast", _sum(whole, (axis,)))


def _upstream_under(tape: Tape, mutation: Mutation, step: str) -> Array:
    return tape.edited(mutation.edits).sweep()[step]


def _passed_on(whole: Make, step: str, wrt: str, axis: int, tape: Tape) -> Array:
    """The derivative in ``wrt`` for every column (or row) of a table that arrives at a step."""
    columns = np.moveaxis(whole(tape), axis, 0)
    edits = [Edits(upstreams=((step, partial(_instead, column)),)) for column in columns]
    return np.stack([tape.edited(edit).sweep()[wrt] for edit in edits], axis=-1)


def _instead(column: Array, upstream: Array, tape: Tape) -> Array:
    return column.reshape(upstream.shape)


def _times(exercise: Exercise, answer: Answer, other: str) -> Base:
    product = partial(_product, answer=answer, other=other)
    return wrong(Kind.TIMES, "wrong-variable", product, by(exercise, other))


def _product(tape: Tape, answer: Answer, other: str) -> Array:
    return np.asarray(value_of(answer, tape) * tape.values[other])


def _feature_loops(answer: Answer, tape: Tape) -> Iterator[Base]:
    """A loop over features or outputs that leaves out the first or the last, or keeps nothing else."""
    for axis in range(tape.values[answer.wrt].ndim):
        if tape.values[answer.wrt].shape[axis] > 1:
            for place, code in ((0, "first-only"), (-1, "last-only")):
                yield wrong(Kind.FEATURES, code, partial(_alone, answer=answer, axis=axis, place=place))
                rest = partial(_without, answer=answer, axis=axis, place=place)
                yield wrong(Kind.FEATURES, "off-by-one", rest)


def _without(tape: Tape, answer: Answer, axis: int, place: int) -> Array:
    value = np.array(value_of(answer, tape))
    np.moveaxis(value, axis, 0)[place] = 0.0
    return value


def _alone(tape: Tape, answer: Answer, axis: int, place: int) -> Array:
    value = value_of(answer, tape)
    return np.asarray(value - _without(tape, answer, axis, place))


def _clipped(exercise: Exercise, answer: Answer, tape: Tape) -> Iterator[Base]:
    """The result, or each contribution, cut off at a setting, where the residuals should be."""
    conditions = [step for step in exercise.steps if tape.values[step].dtype.kind == "b"]
    rows = next((s for s, n in tape.jacobians if n == answer.wrt and tape.values[s].ndim), None)
    if rows is None or not conditions:
        return
    for setting, side in product(exercise.settings, (np.ones_like, np.zeros_like)):
        one_branch = Edits(values=tuple((step, partial(_all_of, side=side)) for step in conditions))
        for cut in ("sum", "mean", "rows"):
            clipped = partial(_cut, answer=answer, edits=one_branch, step=rows, setting=setting, cut=cut)
            yield wrong(Kind.CUT, "kink-threshold", clipped)


def _all_of(value: Array, tape: Tape, side: Callable[[Array], Array]) -> Array:
    return side(value)


def _cut(tape: Tape, answer: Answer, edits: Edits, step: str, setting: str, cut: str) -> Array:
    """Cut off at plus and minus the setting."""
    edited, limit, count = tape.edited(edits), tape.values[setting], len(tape.values[step])
    if cut == "rows":
        return np.asarray(np.clip(count * contributions(edited, step, answer.wrt), -limit, limit).sum(0) / count)
    times = count if cut == "sum" else 1
    return np.asarray(np.clip(times * value_of(answer, edited), -limit, limit) / times)


def _own(exercise: Exercise, name: str) -> Iterator[Base]:
    """The mistakes that the teacher registered for this answer, before all others."""
    known = (*exercise.inputs, *exercise.steps)
    for mistake in exercise.mistakes:
        unknown = [a for a in parameters(mistake.function) if a not in known]
        if unknown:
            raise ValueError(
                f"exercise {exercise.id!r}: the mistake {mistake.code!r} has the parameter {unknown[0]!r}, "
                f"which is neither an input nor a step; known are {', '.join(known)}"
            )
        if mistake.answer == name:
            yield wrong(Kind.OWN, mistake.code, _own_value(mistake.function))


def _own_value(function: Step) -> Make:
    return lambda tape: np.asarray(function(**{a: tape.values[a] for a in parameters(function)}))


def contributions(tape: Tape, step: str, wrt: str) -> Array:
    """What every row of a step contributes to the derivative in ``wrt``: shape (rows, *shape of wrt)."""
    jacobian = tape.jacobians[step, wrt]
    flow = tape.sweep()[step].ravel()
    rows = tape.values[step].shape[0]
    per_row = (flow[:, None] * jacobian).reshape(rows, -1, jacobian.shape[1]).sum(axis=1)
    return np.asarray(per_row.reshape(rows, *tape.values[wrt].shape))


def _sum(make: Make, axes: tuple[int, ...]) -> Make:
    return lambda tape: np.asarray(make(tape).sum(axis=axes))


def _unsummed(tape: Tape, wrt: str) -> Iterator[Base]:
    shape = tape.values[wrt].shape
    for step, name in tape.jacobians:
        if name != wrt or tape.values[step].ndim == 0 or tape.values[step].shape[0] < 2:
            continue
        rows = partial(contributions, step=step, wrt=wrt)
        yield wrong(Kind.NOT_SUMMED, "not-summed", rows)
        if shape:
            yield wrong(Kind.NOT_MULTIPLIED, "elementwise", rows)
        for axes in axes_subsets(1 + len(shape)):
            if axes != (0,):
                yield wrong(Kind.REDUCED, "axis", _sum(rows, axes))


def _others(exercise: Exercise, name: str, tape: Tape) -> Iterator[Base]:
    for other, answer in exercise.answers.items():
        if other != name and answer.order:
            yield wrong(Kind.SWAPPED, f"swapped-answer:{other}", partial(value_of, answer))
            for axes in axes_subsets(tape.values[answer.wrt].ndim):
                reduced = _sum(partial(value_of, answer), axes)
                yield wrong(Kind.REDUCED, f"swapped-answer:{other}", reduced)
            for name_, value in tape.values.items():
                if value.shape == tape.values[answer.wrt].shape and value.dtype.kind != "b":
                    yield wrong(
                        Kind.TIMES, "wrong-variable", partial(_product, answer=answer, other=name_), by(exercise, name_)
                    )
    for step in exercise.steps:
        if tape.values[step].dtype.kind == "b":
            continue
        if step == exercise.loss:
            loss = partial(_value, name=step)
            yield wrong(Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", loss, at_step(exercise, step))
        else:
            yield _value_of(exercise, name, step)
        if step in exercise.active and step != exercise.loss:
            code = f"chain-missing:{exercise.public(step)}"
            yield wrong(Kind.CHAIN_ENDS, code, partial(_upstream, step=step))
    for other in exercise.inputs:
        yield _value_of(exercise, name, other)


def _value_of(exercise: Exercise, name: str, other: str) -> Base:
    return wrong(Kind.WRONG_VALUE, "wrong-variable", partial(_value, name=other), swap(exercise, name, other))


def _value(tape: Tape, name: str) -> Array:
    return np.asarray(tape.values[name] * 1.0)


def _upstream(tape: Tape, step: str) -> Array:
    return tape.sweep()[step]
