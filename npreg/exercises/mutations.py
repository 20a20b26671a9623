"""What students do wrong, as data: every known mistake as an edit of the forward program's derivative.

No rule knows an exercise. Each looks at the graph (names, shapes, local Jacobians) and yields
``Mutation``s: the codes, the edits to make before one reverse sweep, and a cost. Where several mutations
have the same values on every probe the cheapest one is named and the others are its alternatives; so the
costs below are the order of preference, from the everyday mistakes to the far-fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.program import Array, Exercise
from npreg.exercises.tape import Edit, Edits, Tape


@dataclass(frozen=True)
class Mutation:
    """One known mistake.

    ``free_scale``: the size of its factor means nothing, so that at most a sign is reported.
    """

    codes: tuple[str, ...]
    edits: Edits
    cost: float
    free_scale: bool = False

    def __add__(self, other: Mutation) -> Mutation:
        """Both mistakes at once."""
        codes = tuple(dict.fromkeys((*self.codes, *other.codes)))
        free = self.free_scale or other.free_scale
        return Mutation(codes, self.edits + other.edits, self.cost + other.cost, free)


Rule = Callable[[Tape], Iterator[Mutation]]

ZERO: Edit = lambda value, tape: np.zeros_like(value, dtype=float)  # noqa: E731
ONE: Edit = lambda value, tape: np.ones_like(value, dtype=float)  # noqa: E731
NEGATIVE: Edit = lambda value, tape: -value  # noqa: E731
SQUARE: Edit = lambda value, tape: value**2  # noqa: E731
ABSOLUTE: Edit = lambda value, tape: np.abs(value)  # noqa: E731
DOUBLE: Edit = lambda value, tape: 2.0 * value  # noqa: E731
HALF: Edit = lambda value, tape: value / 2.0  # noqa: E731
TRANSPOSE: Edit = lambda value, tape: value.T  # noqa: E731
ROLL: Edit = lambda value, tape: np.roll(value, 1, axis=0)  # noqa: E731
ROLL_BACK: Edit = lambda value, tape: np.roll(value, -1, axis=0)  # noqa: E731
MEAN: Edit = lambda value, tape: np.broadcast_to(np.mean(value, axis=0), value.shape)  # noqa: E731
PATTERN: Edit = lambda jacobian, tape: (jacobian != 0).astype(float)  # noqa: E731
IDENTITY: Edit = lambda jacobian, tape: np.eye(*jacobian.shape)  # noqa: E731
COLUMN: Edit = lambda value, tape: value[:, None]  # noqa: E731
FLAT: Edit = lambda value, tape: value.ravel()  # noqa: E731
DIAGONAL: Edit = lambda jacobian, tape: np.diag(np.diag(jacobian))  # noqa: E731
SQUARED_MATRIX: Edit = lambda jacobian, tape: jacobian @ jacobian  # noqa: E731


def every_mutation(tape: Tape) -> list[Mutation]:
    """All single mistakes for the exercise of this tape (its values only show shapes and zeros)."""
    return [mutation for rule in RULES for mutation in rule(tape)]


def frequent_mutations(tape: Tape) -> list[Mutation]:
    """The mistakes that are also looked for in pairs."""
    rules: tuple[Rule, ...] = (ignored_inputs, reversed_inputs, chain_cut_short, joined_terms, some_rows)
    found = [m for rule in (*rules, averaged_upstream, branches) for m in rule(tape) if m.cost <= 13.0]
    return sorted(found, key=lambda mutation: mutation.cost)


def _floats(tape: Tape) -> dict[str, Array]:
    return {name: value for name, value in tape.values.items() if value.dtype.kind != "b"}


def _twins(tape: Tape, name: str) -> Iterator[str]:
    """Other quantities of the same shape."""
    values = _floats(tape)
    for other, value in values.items():
        if other != name and value.shape == values[name].shape:
            yield other


def _take(other: str) -> Edit:
    return lambda value, tape: tape.values[other]


def _edges(tape: Tape) -> Iterator[tuple[str, str, Array]]:
    for (step, name), jacobian in tape.jacobians.items():
        if np.any(jacobian):
            yield step, name, jacobian


def _upstreams(tape: Tape) -> Iterator[tuple[str, str]]:
    """Steps with more than one entry, or above a scalar chain, and the public step right above each."""
    exercise = tape.exercise
    for step in exercise.steps:
        if step == exercise.loss or step not in exercise.active or tape.values[step].dtype.kind == "b":
            continue
        above = next(other for other in exercise.steps if (other, step) in tape.jacobians)
        yield step, exercise.public(above)


def _is_batch(tape: Tape, value: Array) -> bool:
    return value.ndim > 0 and value.shape[0] > 1


# Inputs that are forgotten, reversed, or taken for one another


def ignored_inputs(tape: Tape) -> Iterator[Mutation]:
    """An input as if it were absent: zero, or one where it is a setting or a weight."""
    exercise = tape.exercise
    for name in exercise.inputs:
        code = (f"ignores:{name}",)
        uses = [step for step, names in exercise.arguments.items() if name in names]
        if name in exercise.settings:
            yield Mutation(code, Edits(values=((name, ONE),)), 1.5)
            yield Mutation(code, Edits(values=((name, ZERO),)), 12.0)
            for step in uses if len(uses) > 1 else ():
                if tape.values[step].dtype.kind != "b":
                    yield Mutation(code, Edits(uses=(((step, name), ONE),)), 13.0)
            continue
        if exercise.inputs[name].draw == "positive":  # weights: absent where they are all alike
            yield Mutation(code, Edits(values=((name, ONE),)), 9.9)
        yield Mutation(code, Edits(values=((name, ZERO),)), 10.0)
        updated = any(answer.formula for answer in exercise.answers.values()) and name in exercise.wanted
        for step in uses if len(uses) > 1 or updated else ():
            yield Mutation(code, Edits(uses=(((step, name), ZERO),)), 10.5)
    weights = [name for name in exercise.wanted if tape.values[name].ndim]
    given = [
        n for n in exercise.inputs if n not in (*exercise.settings, *weights) and tape.values[n].ndim < 2
    ]
    for i, name in enumerate(given):
        for other in given[i + 1 :]:
            both = Edits(values=((name, ZERO), (other, ZERO)))
            yield Mutation((f"ignores:{name}", f"ignores:{other}"), both, 15.0)


def reversed_inputs(tape: Tape) -> Iterator[Mutation]:
    """An input with the wrong sign: the parenthesis lost."""
    exercise = tape.exercise
    for name in exercise.inputs:
        yield Mutation((f"term-sign:{name}",), Edits(values=((name, NEGATIVE),)), 12.0)
    for step, names in exercise.arguments.items():
        for name in names:
            if tape.values[name].dtype.kind != "b" and tape.values[step].dtype.kind != "b":
                code = f"term-sign:{exercise.public(name)}"
                yield Mutation((code,), Edits(uses=(((step, name), NEGATIVE),)), 12.5)
                if name in exercise.steps:
                    code = f"missing-term:{exercise.public(name)}"
                    yield Mutation((code,), Edits(uses=(((step, name), ZERO),)), 14.5)


def reversed_arguments(tape: Tape) -> Iterator[Mutation]:
    """A nonlinearity of minus its argument."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if len(names) == 1 and tape.values[step].shape == tape.values[names[0]].shape:
            edits = Edits(uses=(((step, names[0]), NEGATIVE),))
            yield Mutation((f"term-sign:{exercise.public(names[0])}",), edits, 12.4)


def mistaken_inputs(tape: Tape) -> Iterator[Mutation]:
    """Another quantity of the same shape in the right one's place, in one step, forward and backward."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        for name in names:
            for other in _twins(tape, name) if tape.values[name].dtype.kind != "b" else ():
                if list(tape.values).index(other) < list(tape.values).index(step):
                    yield Mutation(("wrong-variable",), Edits(uses=(((step, name), _take(other)),)), 18.0)


# The chain rule cut short, used twice, or taken at the wrong place


def chain_cut_short(tape: Tape) -> Iterator[Mutation]:
    """A local derivative left out: every dependence counts as 1."""
    for step, name, _ in _edges(tape):
        code = f"chain-missing:{tape.exercise.public(step)}"
        yield Mutation((code,), Edits(jacobians=(((step, name), PATTERN),)), 12.0)
        power = _power_of(tape, step, name)
        if power is not None:
            yield Mutation((code,), Edits(jacobians=(((step, name), _pattern_times(power)),)), 12.1)
        if tape.values[step].shape == tape.values[name].shape:
            yield Mutation((code,), Edits(jacobians=(((step, name), IDENTITY),)), 12.0)
            skip = Edits(functions=((step, _only(name)),))
            yield Mutation((code,), skip, 12.5)
            yield Mutation((code,), Edits(values=((step, _take(name)),)), 13.0)


def _power_of(tape: Tape, step: str, name: str) -> float | None:
    """The 2 of a local derivative 2·w, which stays when w is forgotten."""
    jacobian, value = tape.jacobians[step, name], tape.values[name].ravel()
    if tape.values[step].shape != tape.values[name].shape or not np.all(value):
        return None
    ratio = np.diag(jacobian) / value
    alike = np.allclose(ratio, ratio[0], rtol=1e-9, atol=0)
    return float(ratio[0]) if alike and abs(ratio[0] - 1) > 1e-9 else None


def _pattern_times(power: float) -> Edit:
    return lambda jacobian, tape: power * (jacobian != 0)


def _only(argument: str) -> Callable[..., Any]:
    return lambda **seen: seen[argument] * 1.0


def chain_twice(tape: Tape) -> Iterator[Mutation]:
    """A local derivative used twice, entry by entry or as a matrix."""
    for step, name, jacobian in _edges(tape):
        code = f"chain-twice:{tape.exercise.public(step)}"
        yield Mutation((code,), Edits(jacobians=(((step, name), SQUARE),)), 13.0)
        if tape.values[step].shape == tape.values[name].shape:
            own = Edits(jacobians=(((step, name), _own_value(step)),))
            code = "loss-for-derivative" if _is_loss_like(tape, step) else "wrong-variable"
            yield Mutation((code,), own, 15.5)
        if tape.values[step].shape == tape.values[name].shape and np.any(
            jacobian - np.diag(np.diag(jacobian))
        ):
            yield Mutation((code,), Edits(jacobians=(((step, name), SQUARED_MATRIX),)), 13.5)
            yield Mutation(("elementwise",), Edits(jacobians=(((step, name), DIAGONAL),)), 13.0)
            code = f"missing-term:{tape.exercise.public(step)}"
            yield Mutation((code,), Edits(jacobians=(((step, name), _own_value(step)),)), 14.0)


def _own_value(step: str) -> Edit:
    """The step's own value for its derivative, as if it were an exponential."""
    return lambda jacobian, tape: np.diag(tape.values[step].ravel())


def chain_elsewhere(tape: Tape) -> Iterator[Mutation]:
    """A local derivative taken at another quantity: at the output for the input, at X rolled, at ones."""
    exercise = tape.exercise
    for step, name, _ in _edges(tape):
        for argument in exercise.arguments[step]:
            value = tape.values[argument]
            if value.dtype.kind == "b":
                continue

            def at(edit: Edit, edge: Any = (step, name), argument: str = argument) -> Edits:
                return Edits(local=((edge, argument, edit),))

            code = f"chain-at:{exercise.public(step)}" if argument == name else "wrong-variable"
            for other in _twins(tape, argument):
                yield Mutation((code,), at(_take(other)), 16.0 if argument == name else 17.0)
            if argument in exercise.inputs:
                if argument in exercise.settings or argument == "X":
                    yield Mutation((f"ignores:{argument}",), at(ONE), 11.0 if argument != "X" else 15.0)
                yield Mutation((f"term-sign:{argument}",), at(NEGATIVE), 14.0)
            if _is_batch(tape, value):
                yield Mutation(("off-by-one",), at(ROLL), 20.0)
                yield Mutation(("off-by-one",), at(ROLL_BACK), 20.0)
                yield Mutation(("mean-of-products",), at(MEAN), 14.0)
            if value.ndim == 2 and value.shape[0] == value.shape[1]:
                yield Mutation(("transpose",), at(TRANSPOSE), 13.0)


# What arrives from above


def upstream_dropped(tape: Tape) -> Iterator[Mutation]:
    """What arrives from above is dropped, squared, or replaced by another quantity."""
    exercise = tape.exercise
    names = list(tape.values)
    for step, above in _upstreams(tape):

        def arrives(edit: Edit, step: str = step) -> Edits:
            return Edits(upstreams=((step, edit),))

        yield Mutation((f"chain-missing:{above}",), arrives(ONE), 12.2, free_scale=True)
        yield Mutation(("loss-for-derivative",), arrives(SQUARE), 12.6, free_scale=True)
        for other in _twins(tape, step):
            summand = other == exercise.loss or _is_summand(tape, other)
            later = summand and names.index(other) > names.index(step)
            code = "loss-for-derivative" if later else "wrong-variable"
            cost = 12.5 if later else (14.0 if other in exercise.inputs else 18.0)
            yield Mutation((code,), arrives(_take(other)), cost, free_scale=True)
            yield Mutation(("wrong-variable",), arrives(_times(other)), 19.0)
        yield Mutation(("wrong-variable",), arrives(_take(step)), 17.5, free_scale=True)
        yield Mutation(("wrong-variable",), arrives(_times(step)), 19.0)


def _is_summand(tape: Tape, name: str) -> bool:
    """Whether a scalar step is made of it directly: the losses of the single examples."""
    return any(tape.values[step].ndim == 0 for step, argument in tape.jacobians if argument == name)


def _is_loss_like(tape: Tape, name: str) -> bool:
    """Whether it is a summand of the loss, or a branch of one."""
    above = [step for step, argument in tape.jacobians if argument == name]
    return _is_summand(tape, name) or any(_is_summand(tape, step) for step in above)


def _times(other: str) -> Edit:
    return lambda value, tape: value * tape.values[other]


def some_rows(tape: Tape) -> Iterator[Mutation]:
    """Loops that keep the first or last example, or leave one out."""
    for step, _ in _upstreams(tape):
        if not _is_batch(tape, tape.values[step]):
            continue

        def rows(keep: slice, step: str = step) -> Edits:
            def edit(upstream: Array, tape: Tape) -> Array:
                kept = np.zeros_like(upstream)
                kept[keep] = upstream[keep]
                return kept

            return Edits(upstreams=((step, edit),))

        yield Mutation(("first-only",), rows(slice(0, 1)), 12.0)
        yield Mutation(("last-only",), rows(slice(-1, None)), 12.0)
        yield Mutation(("off-by-one",), rows(slice(0, -1)), 12.0)
        yield Mutation(("off-by-one",), rows(slice(1, None)), 12.0)


def averaged_upstream(tape: Tape) -> Iterator[Mutation]:
    """The product of means for the mean of products, and rows that do not belong together."""
    for step, _ in _upstreams(tape):
        value = tape.values[step]
        if _is_batch(tape, value):
            yield Mutation(("mean-of-products",), Edits(upstreams=((step, MEAN),)), 13.0, free_scale=True)
            yield Mutation(("off-by-one",), Edits(upstreams=((step, ROLL),)), 20.0)
            yield Mutation(("off-by-one",), Edits(upstreams=((step, ROLL_BACK),)), 20.0)
        if value.ndim == 2 and value.shape[0] == value.shape[1]:
            yield Mutation(("transpose",), Edits(upstreams=((step, TRANSPOSE),)), 13.0)


def simplified_upstream(tape: Tape) -> Iterator[Mutation]:
    """Edits of the short form that students type: where what arrives is a·A + b·B, of A and B.

    The derivative of the logistic loss that arrives at z is (p − y)/n: no single step of the chain shows
    that.
    """
    upstreams = tape.sweep()
    exercise = tape.exercise
    for step, _ in _upstreams(tape):
        target = upstreams[step]
        if target.size < 3:
            continue
        names = [n for n in (step, *_twins(tape, step)) if n not in exercise.wanted]
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                if _two_terms(tape.values[first], tape.values[second], target) is not None:
                    yield from _short_form(tape, step, first, second)
                    plain = _form(step, (first, second))
                    for forward in (*wrong_axis(tape), *applied_again(tape), *reversed_arguments(tape)):
                        yield Mutation(forward.codes, forward.edits + plain, forward.cost)


def _two_terms(first: Array, second: Array, target: Array) -> Array | None:
    columns = np.stack([first.ravel(), second.ravel()], axis=1).astype(float)
    if np.linalg.matrix_rank(columns) < 2:
        return None
    weights = np.linalg.lstsq(columns, target.ravel(), rcond=None)[0]
    error = np.max(np.abs(columns @ weights - target.ravel()))
    small = 1e-10 * np.max(np.abs(target))
    return weights if error <= small and np.all(np.abs(weights) > 1e-6 * np.max(np.abs(weights))) else None


def _form(
    step: str, pair: tuple[str, str], k: int = 0, instead: str | None = "", times: float = 1.0
) -> Edits:
    """The two terms, with another quantity (None: nothing) in the place of the k-th."""

    def edit(upstream: Array, tape: Tape) -> Array:
        origin = tape.origin
        weights = origin.noted(
            (step, pair),
            lambda: _two_terms(origin.values[pair[0]], origin.values[pair[1]], origin.sweep()[step]),
        )
        if weights is None:
            raise ValueError("not of this form here")
        kept = np.asarray(weights[1 - k] * tape.values[pair[1 - k]])
        return kept if instead is None else kept + times * weights[k] * tape.values[instead or pair[k]]

    return Edits(upstreams=((step, edit),))


def _short_form(tape: Tape, step: str, first: str, second: str) -> Iterator[Mutation]:
    exercise = tape.exercise

    form = partial(_form, step, (first, second))

    for k, name in enumerate((first, second)):
        other = (second, first)[k]
        label = exercise.public(name)
        given = name in exercise.inputs
        absent = f"ignores:{name}" if given else f"missing-term:{label}"
        yield Mutation((absent,), form(k, None), 10.0 if given else 13.5)
        yield Mutation((f"term-sign:{label}",), form(k, name, -1.0), 12.0)
        for substitute in _twins(tape, name):
            if substitute == other:
                continue
            skipped = name in exercise.steps and substitute in exercise.arguments[name]
            code = f"chain-missing:{label}" if skipped else "wrong-variable"
            yield Mutation((code,), form(k, substitute), 12.0 if skipped else 18.5)


# Branches, shapes and axes


def branches(tape: Tape) -> Iterator[Mutation]:
    """Any change to a step of truth values: the wrong branch or threshold of a piecewise loss."""
    exercise = tape.exercise
    code = ("kink-threshold",)
    for step, names in exercise.arguments.items():
        if tape.values[step].dtype.kind != "b":
            continue
        turned: tuple[Edit, ...] = (
            lambda value, tape: ~value,
            lambda value, tape: np.ones_like(value),
            lambda value, tape: np.zeros_like(value),
        )
        for edit in turned:
            yield Mutation(code, Edits(values=((step, edit),)), 11.0)
        for name in names:
            moved = [_moved(setting, by) for setting in (*exercise.settings, None) for by in (1.0, -1.0)]
            for edit in (NEGATIVE, ABSOLUTE, SQUARE, DOUBLE, HALF, ONE, ZERO, *moved):
                yield Mutation(code, Edits(uses=(((step, name), edit),)), 11.0)
            for other in _twins(tape, name):
                yield Mutation(code, Edits(uses=(((step, name), _take(other)),)), 11.0)


def _moved(setting: str | None, by: float) -> Edit:
    """The threshold elsewhere: at a setting, or at 1."""
    return lambda value, tape: value + by * (1.0 if setting is None else tape.values[setting])


def broadcast_accidents(tape: Tape) -> Iterator[Mutation]:
    """A column against a flat vector: (n, 1) and (n,) make (n, n)."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        shapes = [tape.values[name].shape for name in names]
        if len(names) != 2 or shapes[0] != shapes[1] or not shapes[0] or max(shapes[0]) != np.prod(shapes[0]):
            continue
        for name in names:
            edit = COLUMN if len(shapes[0]) == 1 else FLAT
            yield Mutation(("broadcast",), Edits(uses=(((step, name), edit),)), 12.0, free_scale=True)


def wrong_axis(tape: Tape) -> Iterator[Mutation]:
    """A step along the other axis: the softmax of columns, the mean over the rows."""
    exercise = tape.exercise
    turned = []
    for step, names in exercise.arguments.items():
        value = tape.values[step]
        if value.ndim == 2 and len(names) == 1 and tape.values[names[0]].ndim == 2:
            turned.append((step, _across(exercise, step, names[0])))
            yield Mutation(("axis",), Edits(functions=(turned[-1],)), 12.0)
    if len(turned) > 1:
        yield Mutation(("axis",), Edits(functions=tuple(turned)), 12.0)


def _across(exercise: Exercise, step: str, name: str) -> Callable[..., Any]:
    function = exercise.steps[step]
    return lambda **seen: np.transpose(function(**{name: np.transpose(seen[name])}))


def axis_of_softmax(tape: Tape) -> Iterator[Mutation]:
    """The short form P·(g − Σ P·g) with the sum over the other axis, over everything, or left out."""
    for step, name, jacobian in _edges(tape):
        value = tape.values[step]
        if value.ndim != 2 or value.shape != tape.values[name].shape:
            continue
        outer = np.outer(value, value)
        rows = np.indices(value.shape)[0].ravel()
        same_row = rows[:, None] == rows
        rest = jacobian + outer * same_row
        if np.max(np.abs(rest - np.diag(np.diag(rest)))) > 1e-12 * np.max(np.abs(jacobian)):
            continue
        for where in ("columns", "everywhere"):
            yield Mutation(("axis",), Edits(jacobians=(((step, name), _summed_over(step, where)),)), 12.0)


def _summed_over(step: str, where: str) -> Edit:
    def edit(jacobian: Array, tape: Tape) -> Array:
        value = tape.values[step]
        rows, columns = np.indices(value.shape).reshape(2, -1)
        outer = np.outer(value, value)
        right = outer * (rows[:, None] == rows)
        wrong = outer * (columns[:, None] == columns) if where == "columns" else outer
        return np.asarray(jacobian + right - wrong)

    return edit


def applied_again(tape: Tape) -> Iterator[Mutation]:
    """A nonlinearity applied to its own result."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if len(names) == 1 and tape.values[step].shape == tape.values[names[0]].shape:
            again = _again(exercise.steps[step], names[0])
            code = f"chain-at:{exercise.public(step)}"
            yield Mutation((code,), Edits(functions=((step, again),)), 16.5)


def _again(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    return lambda **seen: function(**{name: function(**seen)})


def elementwise_products(tape: Tape) -> Iterator[Mutation]:
    """A product of entries where the dot product belongs."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        if len(names) != 2 or tape.values[step].ndim:
            continue
        first, second = (tape.values[name] for name in names)
        if first.ndim == 1 and first.shape == second.shape and np.isclose(tape.values[step], first @ second):
            edits = Edits(functions=((step, lambda **seen: np.prod(np.stack(list(seen.values())), axis=0)),))
            yield Mutation(("elementwise",), edits, 12.0)


def _term(exercise: Exercise, step: str, name: str, meeting: list[str]) -> str:
    """What a term that meets others in a step is called: the public step only this term comes through."""
    others = {a for other in meeting if other != name for a in _origins(exercise, other)}
    own = [a for a in _origins(exercise, name) if a not in others and a in exercise.public_steps]
    return own[-1] if own else exercise.public(step)


def _origins(exercise: Exercise, name: str) -> list[str]:
    """The name itself and all steps and inputs that it depends on, in forward order."""
    found = {name}
    for step in reversed(list(exercise.steps)):
        if step in found:
            found.update(exercise.arguments[step])
    return [other for other in (*exercise.inputs, *exercise.steps) if other in found]


def joined_terms(tape: Tape) -> Iterator[Mutation]:
    """One of the terms that meet in a step is absent or reversed on the way back."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        meeting = [name for name in names if (step, name) in tape.jacobians]
        for name in meeting if len(meeting) > 1 else ():
            term = _term(exercise, step, name, meeting)
            absent = Edits(jacobians=(((step, name), ZERO),))
            yield Mutation((f"missing-term:{term}",), absent, 10.9)
            yield Mutation((f"term-sign:{term}",), Edits(jacobians=(((step, name), NEGATIVE),)), 11.0)


def whole_step(tape: Tape) -> Iterator[Mutation]:
    """The factor that a step puts on everything below it, left out or used twice: 1/std in Xhat."""
    for step, name, jacobian in _edges(tape):
        if tape.values[step].shape != tape.values[name].shape or not tape.values[step].ndim:
            continue
        if np.any(jacobian != np.diag(np.diag(jacobian))) or not np.all(np.diag(jacobian)):
            continue
        public = tape.exercise.public(step)
        for code, power in ((f"chain-missing:{public}", -1.0), (f"chain-twice:{public}", 1.0)):
            yield Mutation((code,), Edits(upstreams=((step, _times_slope((step, name), power)),)), 14.0)


def _times_slope(edge: tuple[str, str], power: float) -> Edit:
    return lambda upstream, tape: (
        upstream * (np.diag(tape.origin.jacobians[edge]) ** power).reshape(upstream.shape)
    )


def slope_from_output(tape: Tape) -> Iterator[Mutation]:
    """Edits of a local derivative that is written with the step's own value: 1 − H², p·(1 − p)."""
    for step, name, jacobian in _edges(tape):
        value = tape.values[step]
        if value.shape != tape.values[name].shape or value.size < 4 or tape.values[step].ndim == 0:
            continue
        slope = np.diag(jacobian)
        if np.any(jacobian != np.diag(slope)):
            continue
        weights = _quadratic(value.ravel(), slope)
        if weights is None or np.sum(np.abs(weights) > 1e-9) < 2:
            continue
        public = tape.exercise.public(step)
        for other in _twins(tape, step):
            yield Mutation((f"chain-at:{public}",), _slope_edit((step, name), weights, other), 15.0)
        for k in np.flatnonzero(np.abs(weights) > 1e-9):
            fewer, reversed_ = weights.copy(), weights.copy()
            fewer[k] = 0.0
            reversed_[k] *= -1
            yield Mutation((f"missing-term:{public}",), _slope_edit((step, name), fewer, step), 15.0)
            yield Mutation((f"term-sign:{public}",), _slope_edit((step, name), reversed_, step), 15.0)


def _quadratic(value: Array, slope: Array) -> Array | None:
    powers = np.stack([np.ones_like(value), value, value**2], axis=1)
    weights = np.asarray(np.linalg.lstsq(powers, slope, rcond=None)[0])
    fits = np.max(np.abs(powers @ weights - slope)) < 1e-10 * np.max(np.abs(slope))
    return np.where(np.abs(weights) < 1e-9, 0.0, weights) if fits else None


def _slope_edit(edge: tuple[str, str], weights: Array, other: str) -> Edits:
    def edit(jacobian: Array, tape: Tape) -> Array:
        value = tape.values[other].ravel()
        return np.diag(weights[0] + weights[1] * value + weights[2] * value**2)

    return Edits(jacobians=((edge, edit),))


def wrong_reductions(tape: Tape) -> Iterator[Mutation]:
    """A statistic with the wrong divisor: the variance divided by d − 1, a sum for a mean."""
    exercise = tape.exercise
    for step, names in exercise.arguments.items():
        value = tape.values[step]
        largest = max(tape.values[name].size for name in names)
        if step == exercise.loss or value.dtype.kind == "b" or value.size in (1, largest):
            continue
        changes: tuple[Callable[[float], float], ...] = (lambda m: m / (m - 1), lambda m: m, lambda m: 1 / m)
        for change in changes:
            edits = Edits(functions=((step, _rescaled(exercise, step, change)),))
            yield Mutation((f"term-factor:{exercise.public(step)}",), edits, 16.0)


def _rescaled(exercise: Exercise, step: str, change: Callable[[float], float]) -> Callable[..., Any]:
    function = exercise.steps[step]

    def rescaled(**seen: Any) -> Any:
        result = function(**seen)
        largest = max(np.size(value) for value in seen.values())
        return result * change(largest / np.size(result))

    return rescaled


RULES: tuple[Rule, ...] = (
    ignored_inputs,
    reversed_inputs,
    mistaken_inputs,
    chain_cut_short,
    chain_twice,
    chain_elsewhere,
    upstream_dropped,
    some_rows,
    averaged_upstream,
    simplified_upstream,
    branches,
    broadcast_accidents,
    wrong_axis,
    axis_of_softmax,
    applied_again,
    elementwise_products,
    joined_terms,
    whole_step,
    slope_from_output,
    wrong_reductions,
)
