"""Wrong values that are no edit of the derivative: not summed, of another axis, another quantity, a cut-off sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations, product
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Answer, Array, Exercise, parameters
from npreg.exercises.forward.tape import Edits, Tape, value_of
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.curvature import hessians
from npreg.exercises.mistakes.inputs import broadcasts
from npreg.exercises.mistakes.mistake import Make, Mistake, asked, known, told
from npreg.exercises.mistakes.preference import Kind
from npreg.exercises.mistakes.updates import too_early


def foreign_values(exercise: Exercise, name: str, tape: Tape) -> Iterator[Mistake]:
    """Values that are no mutation of the answer ``name``."""
    yield from _own(exercise, name)
    answer = asked(exercise, name)
    if not answer.order:
        return
    yield from _of_answers(exercise, name, tape)
    yield from _of_quantities(exercise, name, tape)
    yield from _of_a_table(tape, answer.wrt)
    if answer.formula is not None:
        yield from too_early(exercise, name)
    elif answer.order == 2:
        yield from hessians(exercise, answer, tape)
    else:
        yield from _not_summed(tape, answer.wrt)
        yield from _feature_loops(answer, tape)
        yield from _clipped(exercise, answer, tape)


def _own(exercise: Exercise, name: str) -> Iterator[Mistake]:
    """The mistakes that the teacher registered for this answer, before all others."""
    given = (*exercise.inputs, *exercise.steps)
    for mistake in exercise.mistakes:
        names = parameters(mistake.function)
        unknown = [a for a in names if a not in given]
        if unknown:
            raise ValueError(
                f"exercise {exercise.id!r}: the mistake {mistake.code!r} has the parameter {unknown[0]!r}, "
                f"which is neither an input nor a step; known are {', '.join(given)}"
            )
        if mistake.answer == name:
            yield known(Kind.OWN, mistake.code, partial(_call, mistake.function, names))


def _call(function: Any, names: Sequence[str], tape: Tape) -> Array:
    return np.asarray(function(**{name: tape.values[name] for name in names}))


def axes_subsets(ndim: int) -> list[tuple[int, ...]]:
    """All non-empty sets of axes.

    >>> axes_subsets(2)
    [(0,), (1,), (0, 1)]
    """
    return [axes for many in range(1, ndim + 1) for axes in combinations(range(ndim), many)]


def _of_answers(exercise: Exercise, name: str, tape: Tape) -> Iterator[Mistake]:
    """Another answer's value, and every answer's summed over axes, or times a quantity."""
    for other, answer in {name: asked(exercise, name), **exercise.answers}.items():
        if not answer.order:
            continue
        value, shape = partial(value_of, answer), tape.values[answer.wrt].shape
        own = other == name
        code = "axis" if own else f"swapped-answer:{other}"
        if not own:
            yield known(Kind.SWAPPED, code, value)
        if own and answer.formula is not None:
            continue
        for axes in axes_subsets(len(shape) * answer.order):
            yield known(Kind.REDUCED, code, _sum(value, axes))
        for factor, quantity in tape.values.items():
            if quantity.shape == shape and quantity.dtype.kind != "b" and not (own and answer.order == 2):
                times = partial(_product, answer=answer, other=factor)
                yield known(Kind.TIMES, "wrong-variable", times, told(exercise, by=factor))


def _product(tape: Tape, answer: Answer, other: str) -> Array:
    return np.asarray(value_of(answer, tape) * tape.values[other])


def _sum(make: Make, axes: tuple[int, ...]) -> Make:
    return lambda tape: np.asarray(make(tape).sum(axis=axes))


def _of_quantities(exercise: Exercise, name: str, tape: Tape) -> Iterator[Mistake]:
    """A quantity returned as it is, or the derivative in a step, as if the chain ended there."""
    for other in (*exercise.steps, *exercise.inputs):
        value = partial(_value, name=other)
        if other == exercise.loss:
            yield known(Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", value, told(exercise, step=other))
        elif other in exercise.inputs or tape.values[other].dtype.kind != "b":
            yield known(Kind.WRONG_VALUE, "wrong-variable", value, told(exercise, used=other, meant=name))
            if other in exercise.steps and other in exercise.active:
                ended = partial(_arriving, step=other)
                yield known(Kind.CHAIN_ENDS, f"chain-missing:{exercise.public(other)}", ended)


def _value(tape: Tape, name: str) -> Array:
    return np.asarray(tape.values[name] * 1.0)


def _arriving(tape: Tape, step: str, edits: Edits | None = None) -> Array:
    return (tape if edits is None else tape.edited(edits)).sweep()[step]


def _of_a_table(tape: Tape, wrt: str) -> Iterator[Mistake]:
    """What arrives where a column met a vector: as it is, summed over an axis, passed on by columns."""
    for accident in broadcasts(tape):
        step = accident.edits.uses[0][0][0]
        try:
            if tape.edited(accident.edits).values[step].size <= tape.values[step].size:
                continue
        except ValueError:
            continue
        whole = partial(_arriving, step=step, edits=accident.edits)
        yield known(Kind.TABLE, "broadcast", whole)
        for axis in (0, 1):
            yield known(Kind.TABLE_SUMMED, "broadcast", partial(_passed_on, whole, step, wrt, axis))
            yield known(Kind.TABLE_SUMMED, "broadcast", _sum(whole, (axis,)))


def _passed_on(whole: Make, step: str, wrt: str, axis: int, tape: Tape) -> Array:
    """The derivative in ``wrt`` for every column (or row) of a table that arrives at a step."""
    columns = np.moveaxis(whole(tape), axis, 0)
    edits = [Edits(upstreams=((step, changes.constant(column)),)) for column in columns]
    return np.stack([_arriving(tape, wrt, edit) for edit in edits], axis=-1)


def _not_summed(tape: Tape, wrt: str) -> Iterator[Mistake]:
    """The contributions of the rows of a step, as they are or summed over other axes."""
    ndim = tape.values[wrt].ndim
    for step, name in tape.jacobians:
        if name != wrt or tape.values[step].ndim == 0 or tape.values[step].shape[0] < 2:
            continue
        rows = partial(_contributions, step=step, wrt=wrt)
        yield known(Kind.NOT_SUMMED, "not-summed", rows)
        if ndim:
            yield known(Kind.NOT_MULTIPLIED, "elementwise", rows)
        for axes in axes_subsets(1 + ndim):
            if axes != (0,):
                yield known(Kind.REDUCED, "axis", _sum(rows, axes))


def _contributions(tape: Tape, step: str, wrt: str) -> Array:
    """What every row of a step contributes to the derivative in ``wrt``: shape (rows, *shape of wrt)."""
    rows = tape.values[step].shape[0]
    flow, jacobian = tape.sweep()[step].reshape(rows, -1, 1), tape.jacobians[step, wrt]
    per_row = (flow * jacobian.reshape(rows, -1, jacobian.shape[1])).sum(axis=1)
    return np.asarray(per_row.reshape(rows, *tape.values[wrt].shape))


def _feature_loops(answer: Answer, tape: Tape) -> Iterator[Mistake]:
    """A loop over features or outputs that leaves out the first or the last, or keeps nothing else."""
    for axis, size in enumerate(tape.values[answer.wrt].shape):
        for place, code in ((0, "first-only"), (-1, "last-only")) if size > 1 else ():
            for kept, named in ((True, code), (False, "off-by-one")):
                loop = partial(_looped, answer=answer, axis=axis, place=place, kept=kept)
                yield known(Kind.FEATURES, named, loop)


def _looped(tape: Tape, answer: Answer, axis: int, place: int, kept: bool) -> Array:
    value = np.array(value_of(answer, tape))
    chosen = np.zeros(value.shape, dtype=bool)
    np.moveaxis(chosen, axis, 0)[place] = True
    return np.where(chosen == kept, value, 0.0)


def _clipped(exercise: Exercise, answer: Answer, tape: Tape) -> Iterator[Mistake]:
    """The result, or each contribution, cut off at a setting, where the residuals should be."""
    conditions = [step for step in exercise.steps if tape.values[step].dtype.kind == "b"]
    rows = next((s for s, n in tape.jacobians if n == answer.wrt and tape.values[s].ndim), None)
    if rows is None or not conditions:
        return
    for setting, side in product(exercise.settings, (changes.ALWAYS, changes.NEVER)):
        one_branch = Edits(values=tuple((step, side) for step in conditions))
        for cut in ("sum", "mean", "rows"):
            clipped = partial(_cut, answer=answer, edits=one_branch, step=rows, setting=setting, cut=cut)
            yield known(Kind.CUT, "kink-threshold", clipped)


def _cut(tape: Tape, answer: Answer, edits: Edits, step: str, setting: str, cut: str) -> Array:
    """Cut off at plus and minus the setting."""
    edited, limit, count = tape.edited(edits), tape.values[setting], len(tape.values[step])
    if cut == "rows":
        return np.asarray(np.clip(count * _contributions(edited, step, answer.wrt), -limit, limit).sum(0) / count)
    times = count if cut == "sum" else 1
    return np.asarray(np.clip(times * value_of(answer, edited), -limit, limit) / times)
