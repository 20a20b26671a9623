"""What is done wrongly on the way back: a local derivative left out, used twice, taken elsewhere, or another one; what
arrives from above dropped, cut, averaged, or replaced, also in a simplified form.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, product

import numpy as np

from npreg.exercises.forward.program import Array
from npreg.exercises.forward.tape import Edge, Edit, Edits, Tape
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.forward import instead, met, of_one_argument
from npreg.exercises.mistakes.mistake import Mistake, is_summand, known, mixed_up, on_step, origins, told, twins
from npreg.exercises.mistakes.preference import Kind

Row = tuple[Kind, str, Edit]
Slope = Callable[[Array, Array], Array]

ROWS: list[Row] = [(Kind.ROWS, code, changes.plain(part)) for code, part in changes.parts(axis=0)]

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


def links(tape: Tape) -> Iterator[Mistake]:
    """A local derivative replaced, or the whole step passed over."""
    for (step, name), jacobian in tape.jacobians.items():
        if not np.any(jacobian):
            continue
        for kind, code, edit in _replaced(tape, step, name, jacobian):
            edits = Edits(jacobians=(((step, name), edit),))
            if code.startswith("chain-"):
                yield on_step(kind, tape, code, step, edits)
            else:
                about = {Kind.OWN_VALUE: {"step": step}, Kind.DIAGONAL: {"diagonal": step}}.get(kind, {})
                yield known(kind, code, edits, **told(tape.exercise, **about))
        if tape.values[step].shape == tape.values[name].shape:
            yield from _passed_over(tape, step, name, jacobian)


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
        yield Kind.CHAIN_TWICE, "chain-twice", changes.SQUARED_MATRIX
        yield Kind.DIAGONAL, "elementwise", changes.DIAGONAL
        yield Kind.CHAIN_TWICE, "chain-twice", changes.AND_DIAGONAL
        yield Kind.OWN_VALUE_MATRIX, f"missing-term:{public}", of_value
        if value.ndim == 2:
            yield from _of_softmax(step, value, jacobian)
    else:
        yield from _entry_by_entry(tape, step, name, jacobian)


def _slope(edge: Edge, slope: Slope, times: float = 1.0) -> Edit:
    """A derivative entry by entry, of the argument and the value of the step."""
    return lambda jacobian, tape: np.diag(times * slope(tape.values[edge[1]], tape.values[edge[0]]).ravel())


def _of_softmax(step: str, value: Array, jacobian: Array) -> Iterator[Row]:
    """The short form P·(g − Σ P·g) with the sum over the other axis, over everything, or not a column."""

    def summed_over(jacobian: Array, tape: Tape, axes: tuple[int, ...]) -> Array:
        return jacobian + met(tape.values[step], 0, 0) - met(tape.values[step], *axes)

    rest = jacobian + met(value, 0, 0)
    if np.max(np.abs(rest - np.diag(np.diag(rest)))) <= 1e-12 * np.max(np.abs(jacobian)):
        square = value.shape[0] == value.shape[1]
        for axes in [(1, 1), (), (0, 1)] if square else [(1, 1), ()]:
            yield Kind.AXIS, "axis", partial(summed_over, axes=axes)


def _entry_by_entry(tape: Tape, step: str, name: str, jacobian: Array) -> Iterator[Row]:
    """What a power leaves behind (2·w without w), slopes of other functions (1 − H for 1 − H²), a form of the value."""
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
    weights = _own_form(value, jacobian)
    if weights is not None:
        for other in twins(tape, step):
            yield Kind.SLOPE, "chain-at", _polynomial(other, weights)
        for k, (code, times) in product(np.flatnonzero(weights), (("missing-term", 0), ("term-sign", -1))):
            changed = np.where(np.arange(3) == k, times * weights, weights)
            yield Kind.SLOPE, f"{code}:{tape.exercise.public(step)}", _polynomial(step, changed)


def _passed_over(tape: Tape, step: str, name: str, jacobian: Array) -> Iterator[Mistake]:
    """A step without effect, forward and backward; or only its value, or its slope on everything below it."""
    skipped = Edits(functions=((step, instead(name)),))
    yield on_step(Kind.LINK_SKIPPED, tape, "chain-missing", step, skipped)
    weights = _own_form(tape.values[step], jacobian)
    if weights is not None:  # 1 − H² of what H is without the step
        skipped += Edits(jacobians=(((step, name), _polynomial(name, weights)),))
        yield on_step(Kind.LINK_SKIPPED, tape, "chain-missing", step, skipped)
    yield on_step(Kind.VALUE_FOR_STEP, tape, "chain-missing", step, Edits(values=((step, changes.take(name)),)))

    def times_slope(upstream: Array, tape: Tape, power: float) -> Array:
        return np.asarray(upstream * (np.diag(tape.origin.jacobians[step, name]) ** power).reshape(upstream.shape))

    slopes = np.diag(jacobian)
    if tape.values[step].ndim and np.all(jacobian == np.diag(slopes)) and np.all(slopes):  # such as 1/std in Xhat
        for family, power in (("chain-missing", -1.0), ("chain-twice", 1.0)):
            edits = Edits(upstreams=((step, partial(times_slope, power=power)),))
            yield on_step(Kind.WHOLE_STEP, tape, family, step, edits)


def _own_form(value: Array, jacobian: Array) -> Array | None:
    """The weights of 1, v and v² in a derivative entry by entry of the value v: 1 − H² or p·(1 − p)."""
    slopes = np.diag(jacobian)
    by_entry = value.size >= 4 and np.all(jacobian == np.diag(slopes))
    return _weights(_powers(value), slopes) if by_entry else None


def _powers(value: Array) -> Array:
    return np.stack([value.ravel() ** power for power in range(3)])


def _polynomial(of: str, weights: Array) -> Edit:
    return lambda jacobian, tape: np.diag(weights @ _powers(tape.values[of]))


def _weights(terms: Sequence[Array] | Array, target: Array) -> Array | None:
    """The weights with which at least two of the terms, which must be independent, make exactly the target."""
    columns = np.stack([np.ravel(term) for term in terms], axis=1).astype(float)
    weights = np.linalg.lstsq(columns, target.ravel(), rcond=None)[0]
    weights = np.where(np.abs(weights) < 1e-9 * np.max(np.abs(weights)), 0.0, weights)
    exact = np.max(np.abs(columns @ weights - target.ravel())) <= 1e-10 * np.max(np.abs(target))
    independent = exact and np.sum(weights != 0) > 1 and np.linalg.matrix_rank(columns) == len(terms)
    return weights if independent else None


def elsewhere(tape: Tape) -> Iterator[Mistake]:
    """A local derivative taken at another quantity: at the output for the input, at X rolled, at ones."""
    exercise = tape.exercise
    edges = [edge for edge, jacobian in tape.jacobians.items() if np.any(jacobian)]
    uses = [(edge, name) for edge in edges for name in exercise.arguments[edge[0]]]
    for edge, name in uses:
        value = tape.values[name]
        if value.dtype.kind == "b":
            continue
        rows: list[Row] = _of_table(value, Kind.BELOW)
        if name in exercise.inputs:
            rows.append((Kind.BELOW, f"term-sign:{name}", changes.NEGATIVE))
        if name in exercise.settings or name == "X":
            kind = Kind.SETTING_IGNORED_BELOW if name in exercise.settings else Kind.BELOW
            rows.append((kind, f"ignores:{name}", changes.ONE))
        for kind, code, edit in rows:
            yield known(kind, code, Edits(local=((edge, name, edit),)))
        for other in twins(tape, name):
            edits = Edits(local=((edge, name, changes.take(other)),))
            if name == edge[1]:
                yield on_step(Kind.ELSEWHERE, tape, "chain-at", edge[0], edits)
            else:
                yield mixed_up(Kind.OTHER_BELOW, tape, name, other, edits)


def _of_table(value: Array, mean: Kind) -> list[Row]:
    """What becomes of the rows of a batch, neighbours' rows and their mean, and of a square matrix."""
    rows: list[Row] = []
    if value.shape[:1] > (1,):
        rows += [(Kind.SHIFTED, "off-by-one", roll) for roll in (changes.ROLL, changes.ROLL_BACK)]
        rows.append((mean, "mean-of-products", changes.MEAN))
    if value.ndim == 2 and value.shape[0] == value.shape[1]:
        rows.append((Kind.TRANSPOSED, "transpose", changes.TRANSPOSE))
    return rows


def flows(tape: Tape) -> Iterator[Mistake]:
    """What arrives from above is dropped, squared, cut, averaged, or replaced by another quantity."""
    exercise, order = tape.exercise, list(tape.values)
    for step, above in _steps_below(tape):
        value = tape.values[step]
        yield on_step(Kind.UPSTREAM_DROPPED, tape, "chain-missing", above, Edits(upstreams=((step, changes.ONE),)))
        rows = [*_of_table(value, Kind.MEAN_ABOVE), (Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", changes.SQUARE)]
        rows += ROWS if value.shape[:1] > (1,) else ()
        for kind, code, edit in rows:
            yield known(kind, code, Edits(upstreams=((step, edit),)))
        for other in (*twins(tape, step), step):
            summand = other == exercise.loss or is_summand(tape, other)
            replaced, times = (Edits(upstreams=((step, edit),)) for edit in (changes.take(other), changes.times(other)))
            if summand and order.index(other) > order.index(step):
                yield known(Kind.LOSS_FOR_DERIVATIVE, "loss-for-derivative", replaced, **told(exercise, step=other))
            else:
                of_input = Kind.INPUT_ABOVE if other in exercise.inputs else Kind.OTHER_ABOVE
                kind = Kind.OWN_ABOVE if other == step else of_input
                yield mixed_up(kind, tape, f"grad_{step}", other, replaced)
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
            if _weights([_spread(tape, name, step) for name in pair], upstreams[step]) is not None:
                for k in (0, 1):
                    yield from _changed_term(tape, step, pair, k)
                for forward in of_one_argument(tape):
                    yield replace(forward, edits=forward.edits + _form(step, pair, 0))


def _spread(tape: Tape, name: str, step: str) -> Array:
    """A quantity in the shape of a step, labels as one-hot rows."""
    value, shape = tape.values[name], tape.values[step].shape
    return np.eye(shape[1])[value] if value.dtype.kind in "iu" and value.shape != shape else value


def _form(step: str, pair: tuple[str, str], k: int, edit: Edit = lambda term, tape: term) -> Edits:
    """What arrives, made of the two terms, the k-th of them changed."""

    def made(upstream: Array, tape: Tape) -> Array:
        terms, right = ([_spread(at, name, step) for name in pair] for at in (tape, tape.origin))
        weights = tape.origin.noted((step, pair), lambda: _weights(right, tape.origin.sweep()[step]))
        if weights is None:
            raise ValueError("not of this form here")
        return np.asarray(weights[1 - k] * terms[1 - k] + weights[k] * edit(terms[k], tape))

    return Edits(upstreams=((step, made),))


def _changed_term(tape: Tape, step: str, pair: tuple[str, str], k: int) -> Iterator[Mistake]:
    """One of the two terms missing, reversed, or another quantity."""
    exercise, name, form = tape.exercise, pair[k], partial(_form, step, pair, k)
    label = exercise.public(name)
    of_input = name in exercise.inputs
    kind, code = (Kind.INPUT_IGNORED, f"ignores:{name}") if of_input else (Kind.USE_MISSING, f"missing-term:{label}")
    yield known(kind, code, form(changes.ZERO))
    yield known(Kind.REVERSED_SHORT, f"term-sign:{label}", form(changes.NEGATIVE))
    for other in twins(tape, name):
        if other == pair[1 - k] or tape.values[name].shape != tape.values[step].shape:
            continue
        if name in exercise.steps and other in exercise.arguments[name]:
            yield known(Kind.LINK_MISSING_SHORT, f"chain-missing:{label}", form(changes.take(other)))
        else:
            yield mixed_up(Kind.TIMES, tape, name, other, form(changes.take(other)))
