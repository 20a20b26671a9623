"""Wrong second derivatives: edits of the form Jᵀ·D·J, in which students write a Hessian."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from npreg.exercises.forward.derivatives import value_of
from npreg.exercises.forward.program import Answer, Array, Exercise
from npreg.exercises.forward.tape import Edits, Tape
from npreg.exercises.mistakes.explanation import Base, Make, wrong
from npreg.exercises.mistakes.preference import Kind

Parts = tuple[Array, Array]
Form = Callable[[Array, Array], Array]


def parts(tape: Tape, wrt: str) -> Parts:
    """J, the derivative of the first step that uses ``wrt``, and D, the second derivative in that step."""
    found: Parts = tape.noted(("curvature", wrt), lambda: _parts(tape, wrt))
    return found


def _parts(tape: Tape, wrt: str) -> Parts:
    step = next(step for step, name in tape.jacobians if name == wrt)
    value = tape.values[step]
    columns = []
    for j in range(value.size):
        nudges = [Edits(values=((step, partial(_nudge, j=j, by=by)),)) for by in (1, -1)]
        ends = [tape.edited(nudge).sweep()[step] for nudge in nudges]
        columns.append((ends[0] - ends[1]).ravel() / 2)
    return tape.jacobians[step, wrt], np.stack(columns, axis=1)


def _nudge(value: Array, tape: Tape, j: int, by: int) -> Array:
    moved = np.array(value, dtype=float)
    moved.flat[j] += by
    return moved


def curvature_bases(exercise: Exercise, answer: Answer, tape: Tape) -> Iterator[Base]:
    """What students write for Jᵀ·D·J: not summed, transposed, of one row, of the mean row, cut short."""
    wrt = answer.wrt
    above = exercise.public(next(step for step, name in tape.jacobians if name == wrt))
    yield Base((), (Kind.RIGHT,), partial(_form, wrt=wrt, form=lambda J, D: J.T @ D @ J))
    forms: list[tuple[str, Kind, Form]] = [
        ("transpose", Kind.TRANSPOSED, lambda J, D: J @ J.T @ D),
        ("elementwise", Kind.PRODUCT, lambda J, D: np.diag(np.diag(J.T @ D @ J))),
        ("elementwise", Kind.PRODUCT, lambda J, D: np.diag(J.T @ D @ J)),
        ("elementwise", Kind.PRODUCT, lambda J, D: D @ (J * J)),
        ("mean-of-products", Kind.MEANS, lambda J, D: np.outer(J.mean(0), J.mean(0)) * D.sum()),
        ("not-summed", Kind.NOT_SUMMED, lambda J, D: np.diag(D)[:, None, None] * J[:, :, None] * J[:, None, :]),
        (f"chain-missing:{above}", Kind.LINK_MISSING, lambda J, D: J.T @ D @ np.ones_like(J)),
        (f"chain-missing:{above}", Kind.LINK_MISSING, lambda J, D: np.ones_like(J).T @ D @ J),
        (f"chain-missing:{above}", Kind.LINK_MISSING, lambda J, D: np.ones_like(J).T @ D @ np.ones_like(J)),
        (f"chain-missing:{above}", Kind.LINK_MISSING, lambda J, D: J.T @ D),
        (f"chain-missing:{above}", Kind.LINK_MISSING, lambda J, D: (J.T @ D).sum(axis=1)),
        (f"chain-missing:{above}", Kind.FREE_OF_ROWS, lambda J, D: np.eye(J.shape[1])),
        (f"chain-twice:{above}", Kind.CHAIN_TWICE, lambda J, D: (J * J).T @ D @ (J * J)),
        ("axis", Kind.AXIS, lambda J, D: D @ (J * J).sum(axis=1)),
        ("axis", Kind.AXIS, lambda J, D: np.asarray(np.trace(J.T @ D @ J))),
        ("off-by-one", Kind.SHIFTED, lambda J, D: J.T @ D @ np.roll(J, 1, axis=0)),
        ("off-by-one", Kind.SHIFTED, lambda J, D: J.T @ D @ np.roll(J, 1, axis=1)),
    ]
    for code, rows in (("first-only", slice(0, 1)), ("last-only", slice(-1, None))):
        forms.append((code, Kind.ROWS, partial(_rows, rows=rows)))
    for rows in (slice(0, -1), slice(1, None)):
        forms.append(("off-by-one", Kind.ROWS, partial(_rows, rows=rows)))
    for code, kind, form in forms:
        yield wrong(kind, code, partial(_form, wrt=wrt, form=form))
    for place in (0, -1):
        yield wrong(Kind.FEATURES, "off-by-one", partial(_corner, wrt=wrt, place=place))
    yield from _weighted(answer, tape)


def _form(tape: Tape, wrt: str, form: Form) -> Array:
    return np.asarray(form(*parts(tape, wrt)))


def _rows(J: Array, D: Array, rows: slice) -> Array:
    return np.asarray(J[rows].T @ D[rows, rows] @ J[rows])


def _corner(tape: Tape, wrt: str, place: int) -> Array:
    J, D = parts(tape, wrt)
    result = J.T @ D @ J
    result[place] = 0.0
    result[:, place] = 0.0
    return np.asarray(result)


def _weighted(answer: Answer, tape: Tape) -> Iterator[Base]:
    """Rows weighted by a quantity that has no business there, and products of gradients."""
    step = next(step for step, name in tape.jacobians if name == answer.wrt)
    for other, value in tape.values.items():
        if value.shape == tape.values[step].shape and value.dtype.kind != "b":
            for power in (1, 2):
                by = partial(_by, wrt=answer.wrt, other=other, power=power)
                yield wrong(Kind.WEIGHTED, "wrong-variable", by)
    products: tuple[Make, ...] = (
        lambda tape: tape.sweep()[answer.wrt],
        lambda tape: _outer(tape.sweep()[answer.wrt]),
        lambda tape: _outer(tape.values[answer.wrt]),
        lambda tape: value_of(answer, tape) @ tape.values[answer.wrt],
    )
    for product in products:
        yield wrong(Kind.GRADIENT_PRODUCT, "wrong-variable", product)


def _by(tape: Tape, wrt: str, other: str, power: int = 1) -> Array:
    J, _ = parts(tape, wrt)
    return np.asarray((J * tape.values[other].ravel()[:, None] ** power).T @ J)


def _outer(vector: Array) -> Array:
    return np.outer(vector, vector)
