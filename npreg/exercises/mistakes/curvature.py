"""Wrong second derivatives: edits of the form Jᵀ·D·J, in which students write a Hessian."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from npreg.exercises.forward.program import Answer, Array, Exercise
from npreg.exercises.forward.tape import Edits, Tape, value_of
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.mistake import Make, Mistake, known
from npreg.exercises.mistakes.preference import Kind

Form = Callable[[Array, Array], Array]


def _rows(rows: slice) -> Form:
    return lambda J, D: J[rows].T @ D[rows, rows] @ J[rows]


def _without(place: int) -> Form:
    def form(J: Array, D: Array) -> Array:
        kept = np.arange(J.shape[1]) != place % J.shape[1]
        return np.where(np.outer(kept, kept), J.T @ D @ J, 0.0)

    return form


FORMS: tuple[tuple[str, Kind, Form], ...] = (
    ("transpose", Kind.TRANSPOSED, lambda J, D: J @ J.T @ D),
    ("elementwise", Kind.PRODUCT, lambda J, D: np.diag(np.diag(J.T @ D @ J))),
    ("elementwise", Kind.PRODUCT, lambda J, D: np.diag(J.T @ D @ J)),
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
    ("first-only", Kind.ROWS, _rows(slice(0, 1))),
    ("last-only", Kind.ROWS, _rows(slice(-1, None))),
    ("off-by-one", Kind.ROWS, _rows(slice(0, -1))),
    ("off-by-one", Kind.ROWS, _rows(slice(1, None))),
    ("off-by-one", Kind.FEATURES, _without(0)),
    ("off-by-one", Kind.FEATURES, _without(-1)),
)
"""What students write for Jᵀ·D·J: not summed, transposed, of one row, of the mean row, cut short."""


def hessians(exercise: Exercise, answer: Answer, tape: Tape) -> Iterator[Mistake]:
    """Wrong forms, rows weighted by a quantity that has no business there, and products of gradients."""
    wrt = answer.wrt
    step = next(step for step, name in tape.jacobians if name == wrt)
    yield Mistake((), (Kind.RIGHT,), make=_formed(step, wrt, lambda J, D: J.T @ D @ J))
    for code, kind, form in FORMS:
        at = f":{exercise.public(step)}" if code.startswith("chain") else ""
        yield known(kind, code + at, _formed(step, wrt, form))
    for other, value in tape.values.items():
        if value.shape == tape.values[step].shape and value.dtype.kind != "b":
            for power in (1, 2):
                weighted = partial(_weighted, edge=(step, wrt), other=other, power=power)
                yield known(Kind.WEIGHTED, "wrong-variable", weighted)
    products: tuple[Make, ...] = (
        lambda tape: tape.sweep()[wrt],
        lambda tape: np.outer(tape.sweep()[wrt], tape.sweep()[wrt]),
        lambda tape: np.outer(tape.values[wrt], tape.values[wrt]),
        lambda tape: value_of(answer, tape) @ tape.values[wrt],
    )
    for product in products:
        yield known(Kind.GRADIENT_PRODUCT, "wrong-variable", product)


def _formed(step: str, wrt: str, form: Form) -> Make:
    """A form of J, the derivative of the first step that uses ``wrt``, and D, the second derivative in that step."""
    return lambda tape: form(tape.jacobians[step, wrt], tape.noted(("curvature", step), lambda: _curvature(tape, step)))


def _curvature(tape: Tape, step: str) -> Array:
    """The second derivative in a step, by differences with a step of 1, exact where the loss is a quadratic."""
    units = np.eye(tape.values[step].size).reshape(-1, *tape.values[step].shape)
    moves = [[Edits(values=((step, changes.plain(partial(np.add, by * unit))),)) for by in (1, -1)] for unit in units]
    ends = [[tape.edited(edits).sweep()[step].ravel() for edits in pair] for pair in moves]
    return np.stack([(above - below) / 2 for above, below in ends], axis=1)


def _weighted(tape: Tape, edge: tuple[str, str], other: str, power: int) -> Array:
    J = tape.jacobians[edge]
    return np.asarray((J * tape.values[other].ravel()[:, None] ** power).T @ J)
