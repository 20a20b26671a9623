"""Wrong values that are no edit of the derivative: not summed, of another axis, another quantity, updated too early."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import combinations, product

import numpy as np

from npreg.exercises.forward.program import Answer, Array, Exercise, parameters
from npreg.exercises.forward.tape import Edge, Edit, Edits, Tape, record, value_of
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.forward import broadcasts
from npreg.exercises.mistakes.mistake import Make, Mistake, asked, derivative, known, offset, quantity, told
from npreg.exercises.mistakes.preference import Kind

Form = Callable[[Array, Array], Array]


def foreign_values(exercise: Exercise, name: str, tape: Tape) -> Iterator[Mistake]:
    """Values that are no mutation of the answer `name`; the teacher's own mistakes before all others."""
    for mistake in exercise.mistakes:
        unknown = [a for a in parameters(mistake.function) if a not in tape.values]
        if unknown:
            raise ValueError(
                f"exercise {exercise.id!r}: the mistake {mistake.code!r} has the parameter {unknown[0]!r}, "
                f"which is neither an input nor a step; known are {', '.join(tape.values)}"
            )
        if mistake.answer == name:
            yield known(Kind.OWN, mistake.code, _call(mistake.function))
    answer = asked(exercise, name)
    if answer.order:
        yield from _of_answers(exercise, name, tape)
        yield from _of_quantities(exercise, name, tape)
        yield from _of_a_table(tape, answer.wrt)
    if answer.order == 2:
        yield from _hessians(exercise, name, tape)
    elif answer.formula is not None:
        yield from _too_early(exercise, name)
    elif answer.order:
        yield from _not_summed(tape, answer.wrt)
        axes = [axis for axis, size in enumerate(tape.values[answer.wrt].shape) if size > 1]
        for code, part in (kept for axis in axes for kept in changes.parts(axis)):  # loops over features or outputs
            yield known(Kind.FEATURES, code, _changed(partial(value_of, answer), changes.plain(part)))
        yield from _clipped(exercise, answer, tape)


def _call(function: Callable[..., Array]) -> Make:
    return lambda tape: function(**{name: tape.values[name] for name in parameters(function)})


def axes_subsets(ndim: int) -> list[tuple[int, ...]]:
    """All non-empty sets of axes: (0,), (1,), (0, 1)."""
    return [axes for many in range(1, ndim + 1) for axes in combinations(range(ndim), many)]


def _of_answers(exercise: Exercise, name: str, tape: Tape) -> Iterator[Mistake]:
    """Another answer's value, and every answer's summed over axes, or times a quantity."""
    for other, answer in {name: asked(exercise, name), **exercise.answers}.items():
        own, shape = other == name, tape.values[answer.wrt].shape if answer.order else ()
        if not answer.order or (own and answer.formula is not None):
            continue
        value, code = partial(value_of, answer), "axis" if own else f"swapped-answer:{other}"
        if not own:
            yield known(Kind.SWAPPED, code, value)
        for axes in axes_subsets(len(shape) * answer.order):
            yield known(Kind.REDUCED, code, _changed(value, changes.summed(axes)))
        for factor, numbers in tape.values.items():
            if numbers.shape == shape and numbers.dtype.kind != "b" and not (own and answer.order == 2):
                make = _changed(value, changes.times(factor))
                yield known(Kind.TIMES, "wrong-variable", make, **told(exercise, by=factor))


def _changed(make: Make, edit: Edit) -> Make:
    return lambda tape: np.asarray(edit(make(tape), tape))


def _of_quantities(exercise: Exercise, name: str, tape: Tape) -> Iterator[Mistake]:
    """A quantity returned as it is, or the derivative in a step, as if the chain ended there."""
    for other in (*exercise.steps, *exercise.inputs):
        if other == exercise.loss:
            yield known(Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", quantity(other), **told(exercise, step=other))
        elif other in exercise.inputs or tape.values[other].dtype.kind != "b":
            yield known(Kind.WRONG_VALUE, "wrong-variable", quantity(other), **told(exercise, used=other, meant=name))
            if other in exercise.steps and other in exercise.active:
                yield known(Kind.CHAIN_ENDS, f"chain-missing:{exercise.public(other)}", derivative(other))


def _of_a_table(tape: Tape, wrt: str) -> Iterator[Mistake]:
    """What arrives where a column met a vector: as it is, summed over an axis, passed on by columns."""
    for accident in broadcasts(tape):
        step = accident.edits.uses[0][0][0]
        with suppress(ValueError):
            if tape.edited(accident.edits).values[step].size > tape.values[step].size:
                whole = derivative(step, accident.edits)
                yield known(Kind.TABLE, "broadcast", whole)
                for axis in (0, 1):
                    yield known(Kind.TABLE, "broadcast", partial(_passed_on, whole, step, wrt, axis))
                    yield known(Kind.TABLE, "broadcast", _changed(whole, changes.summed((axis,))))


def _passed_on(whole: Make, step: str, wrt: str, axis: int, tape: Tape) -> Array:
    """The derivative in `wrt` for every column (or row) of a table that arrives at a step."""
    columns = np.moveaxis(whole(tape), axis, 0)
    edits = [Edits(upstreams=((step, changes.constant(column)),)) for column in columns]
    return np.stack([derivative(wrt, edit)(tape) for edit in edits], axis=-1)


def _not_summed(tape: Tape, wrt: str) -> Iterator[Mistake]:
    """The contributions of the rows of a step, as they are or summed over other axes."""
    ndim = tape.values[wrt].ndim
    for step in (step for step, name in tape.jacobians if name == wrt and tape.values[step].shape[:1] > (1,)):
        rows = partial(_contributions, step, wrt)
        yield known(Kind.NOT_SUMMED, "not-summed", rows)
        if ndim:
            yield known(Kind.NOT_SUMMED, "elementwise", rows)
        for axes in axes_subsets(1 + ndim):
            if axes != (0,):
                yield known(Kind.REDUCED, "axis", _changed(rows, changes.summed(axes)))


def _contributions(step: str, wrt: str, tape: Tape) -> Array:
    """What every row of a step contributes to the derivative in `wrt`: shape (rows, *shape of wrt)."""
    rows, jacobian = len(tape.values[step]), tape.jacobians[step, wrt]
    flow = tape.sweep()[step].reshape(rows, -1, 1) * jacobian.reshape(rows, -1, jacobian.shape[1])
    return np.asarray(flow.sum(axis=1).reshape(rows, *tape.values[wrt].shape))


def _clipped(exercise: Exercise, answer: Answer, tape: Tape) -> Iterator[Mistake]:
    """The result, or each contribution, cut off at a setting, where the residuals should be."""
    conditions = [step for step in exercise.steps if tape.values[step].dtype.kind == "b"]
    step = next((s for s, n in tape.jacobians if n == answer.wrt and tape.values[s].ndim), None)
    sides = (changes.ALWAYS, changes.NEVER) if step is not None and conditions else ()
    for setting, side in product(exercise.settings, sides):
        one_branch = Edits(values=tuple((condition, side) for condition in conditions))
        for cut in ("sum", "mean", "rows"):
            make = partial(_cut, answer.wrt, one_branch, str(step), setting, cut)
            yield known(Kind.CUT, "kink-threshold", make, cut=setting)


def _cut(wrt: str, edits: Edits, step: str, setting: str, cut: str, tape: Tape) -> Array:
    """The derivative under the edits, cut off at plus and minus the setting."""
    edited, limit, count = tape.edited(edits), tape.values[setting], len(tape.values[step])
    times = 1 if cut == "mean" else count
    value = _contributions(step, wrt, edited) if cut == "rows" else edited.sweep()[wrt]
    clipped = np.clip(times * value, -limit, limit) / times
    return np.asarray(clipped.sum(0) if cut == "rows" else clipped)


def _too_early(exercise: Exercise, name: str) -> Iterator[Mistake]:
    """The step that is made where parameters are updated before they are used, row by row, or entry by entry."""
    updates = tuple(other for other, answer in exercise.answers.items() if answer.formula is not None)
    firsts = [first for many in range(len(updates)) for first in combinations(updates, many + 1)]
    runs = [(first[0], [first, updates], "") for first in firsts]
    runs += [(name, [updates], "rows"), (name, [(name,)], "entries")]
    for used, turns, each in runs:
        found = told(exercise, used=used, meant=exercise.answers[used].wrt)
        yield known(Kind.UPDATED, "wrong-variable", partial(_steps, name, turns, each), **found)


def _steps(name: str, turns: Sequence[Sequence[str]], each: str, tape: Tape) -> Array:
    """What changes where the answers of every turn are updated in each row or entry by itself, one after the other."""
    exercise, wrt, every = tape.exercise, tape.exercise.answers[name].wrt, slice(None)
    given = {other: tape.values[other] for other in exercise.inputs}
    batched = [n for n, i in exercise.inputs.items() if i.shape and i.shape[:1] == exercise.symbols[:1]]
    count = {"rows": len(given[batched[0]]), "entries": given[wrt].size}.get(each, 1)
    for names, i in product(turns, range(count)):
        rows, entries = (slice(i, i + 1) if each == kind else every for kind in ("rows", "entries"))
        here = record(exercise, {n: v[rows] if n in batched else v for n, v in given.items()})
        for answer in (exercise.answers[other] for other in names):
            value = np.array(given[answer.wrt], dtype=float)
            value.flat[entries] = value_of(answer, here).flat[entries]
            given[answer.wrt] = value
    return np.asarray(given[wrt] - offset(name, tape))


def _of_part(part: Callable[[Array], Array]) -> Form:
    return lambda J, D: part(J).T @ D @ part(J)


FORMS: tuple[tuple[str, Kind, Form], ...] = (
    ("transpose", Kind.TRANSPOSED, lambda J, D: J @ J.T @ D),
    ("elementwise", Kind.DIAGONAL, lambda J, D: np.diag(np.diag(J.T @ D @ J))),
    ("elementwise", Kind.DIAGONAL, lambda J, D: np.diag(J.T @ D @ J)),
    ("elementwise", Kind.PRODUCT, lambda J, D: D @ (J * J)),
    ("mean-of-products", Kind.MEANS, lambda J, D: np.outer(J.mean(0), J.mean(0)) * D.sum()),
    ("not-summed", Kind.NOT_SUMMED, lambda J, D: np.diag(D)[:, None, None] * J[:, :, None] * J[:, None, :]),
    ("chain-missing", Kind.LINK_MISSING, lambda J, D: J.T @ D @ np.ones_like(J)),
    ("chain-missing", Kind.LINK_MISSING, lambda J, D: np.ones_like(J).T @ D @ J),
    ("chain-missing", Kind.LINK_MISSING, lambda J, D: np.ones_like(J).T @ D @ np.ones_like(J)),
    ("chain-missing", Kind.LINK_MISSING, lambda J, D: J.T @ D),
    ("chain-missing", Kind.LINK_MISSING, lambda J, D: (J.T @ D).sum(axis=1)),
    ("chain-missing", Kind.FREE_OF_ROWS, lambda J, D: np.eye(J.shape[1])),
    ("chain-twice", Kind.CHAIN_TWICE, lambda J, D: (J * J).T @ D @ (J * J)),
    ("axis", Kind.AXIS, lambda J, D: D @ (J * J).sum(axis=1)),
    ("axis", Kind.AXIS, lambda J, D: np.trace(J.T @ D @ J)),
    ("off-by-one", Kind.SHIFTED, lambda J, D: J.T @ D @ np.roll(J, 1, axis=0)),
    ("off-by-one", Kind.SHIFTED, lambda J, D: J.T @ D @ np.roll(J, 1, axis=1)),
    *((code, Kind.ROWS, _of_part(part)) for code, part in changes.parts(axis=0)),
    *((code, Kind.FEATURES, _of_part(part)) for code, part in changes.parts(axis=1) if code == "off-by-one"),
)
"""What students write for Jᵀ·D·J: not summed, transposed, of one row, of the mean row, cut short."""


def _hessians(exercise: Exercise, name: str, tape: Tape) -> Iterator[Mistake]:
    """Wrong forms, rows weighted by a quantity that has no business there, and products of gradients."""
    wrt = (answer := exercise.answers[name]).wrt
    step, _ = edge = next(edge for edge in tape.jacobians if edge[1] == wrt)
    yield Mistake((), (Kind.RIGHT,), make=_formed(edge, lambda J, D: J.T @ D @ J))
    for code, kind, form in FORMS:
        at = f":{exercise.public(step)}" if code.startswith("chain") else ""
        found = {"diagonal": f"grad_{wrt}"} if kind is Kind.DIAGONAL else {}
        yield known(kind, code + at, _formed(edge, form), **found)
    for other, value in tape.values.items():
        if value.shape == tape.values[step].shape and value.dtype.kind != "b":
            for power in (1, 2):
                weighted = partial(_weighted, edge, other, power)
                yield known(Kind.WEIGHTED, "wrong-variable", weighted, **told(exercise, by=other))
    gradient, w = derivative(wrt), quantity(wrt)
    products: list[tuple[str, Make]] = [(wrt, lambda tape: value_of(answer, tape) @ w(tape))]
    products += [(f"grad_{wrt}", gradient), (f"grad_{wrt}", lambda tape: np.outer(gradient(tape), gradient(tape)))]
    for used, make in (*products, (wrt, lambda tape: np.outer(w(tape), w(tape)))):
        yield known(Kind.GRADIENT_PRODUCT, "wrong-variable", make, **told(exercise, used=used, meant=name))


def _weighted(edge: Edge, other: str, power: int, tape: Tape) -> Array:
    return np.asarray((tape.jacobians[edge].T * tape.values[other].ravel() ** power) @ tape.jacobians[edge])


def _formed(edge: Edge, form: Form) -> Make:
    """A form of J, the derivative of the first step that uses a parameter, and D, the second derivative in that step.

    D comes by differences with a step of 1, exact where the loss is a quadratic.
    """

    def curvature(tape: Tape) -> Array:
        step = edge[0]
        units = np.eye(tape.values[step].size).reshape(-1, *tape.values[step].shape)
        moves = [[Edits(values=((step, changes.plain(partial(np.add, by * u))),)) for by in (0.5, -0.5)] for u in units]
        ends = [[tape.edited(edits).sweep()[step].ravel() for edits in pair] for pair in moves]
        return np.stack([above - below for above, below in ends], axis=1)

    return lambda tape: form(tape.jacobians[edge], tape.noted(("curvature", edge[0]), lambda: curvature(tape)))
