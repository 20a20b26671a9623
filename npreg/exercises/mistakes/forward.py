"""What is computed wrongly, forward and backward: a quantity forgotten or taken for another, a step done otherwise."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import combinations

import numpy as np

from npreg.exercises.forward.program import Answer, Array
from npreg.exercises.forward.tape import Edit, Edits, Tape, Wrap, value_of
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.factors import quantities
from npreg.exercises.mistakes.mistake import REFUSED, Mistake, known, mixed_up, on_step, told, twins
from npreg.exercises.mistakes.preference import Kind

Function = Callable[[Array], Array]


def inputs(tape: Tape) -> Iterator[Mistake]:
    """An input reversed (the parenthesis lost), or as if it were absent: zero, or one for a setting or a weight."""
    exercise = tape.exercise
    for name, given in exercise.inputs.items():
        code = f"ignores:{name}"
        zero, one, reversed_ = (Edits(values=((name, edit),)) for edit in changes.ABSENT)
        yield known(Kind.INPUT_REVERSED, f"term-sign:{name}", reversed_)
        setting = name in exercise.settings
        if setting or given.draw == "positive":  # weights: absent where they are all alike
            yield known(Kind.SETTING_IGNORED if setting else Kind.INPUT_IGNORED, code, one)
        yield known(Kind.SETTING_ZERO if setting else Kind.INPUT_IGNORED, code, zero)
    weights = [name for name in exercise.wanted if tape.values[name].ndim]
    others = [n for n in exercise.inputs if n not in (*exercise.settings, *weights) and tape.values[n].ndim < 2]
    for pair in combinations(others, 2):
        both = Edits(values=tuple((name, changes.ZERO) for name in pair))
        yield Mistake(tuple(f"ignores:{name}" for name in pair), (Kind.TWO_IGNORED,), both)


def uses(tape: Tape) -> Iterator[Mistake]:
    """What one step sees of a quantity: nothing, its opposite, or another quantity, forward and backward."""
    exercise, values, order = tape.exercise, tape.values, list(tape.values)
    updating = any(answer.formula for answer in exercise.answers.values())
    everything = [(step, name) for step, names in exercise.arguments.items() for name in names]
    for step, name in everything:
        ignored, public = f"ignores:{name}", exercise.public(name)
        zero, one, reversed_ = (Edits(uses=(((step, name), edit),)) for edit in changes.ABSENT)
        several = sum(name == other for _, other in everything) > 1
        if name in exercise.settings:
            if several and values[step].dtype.kind != "b":
                yield known(Kind.SETTING_ONCE, ignored, one)
        elif name in exercise.inputs and (several or (updating and name in exercise.wanted)):
            yield known(Kind.INPUT_IGNORED, ignored, zero)
        if values[name].dtype.kind == "b":
            continue
        if values[step].dtype.kind != "b":
            yield known(Kind.USE_REVERSED, f"term-sign:{public}", reversed_)
            if name in exercise.steps:
                yield known(Kind.USE_MISSING, f"missing-term:{public}", zero)
        for other in twins(tape, name):
            if order.index(other) < order.index(step):
                edits = Edits(uses=(((step, name), changes.take(other)),))
                yield mixed_up(Kind.WRONG_QUANTITY, tape, name, other, edits)


def broadcasts(tape: Tape) -> Iterator[Mistake]:
    """A column against a flat vector: (n, 1) and (n,) make (n, n)."""
    for step, names in tape.exercise.arguments.items():
        shapes = [tape.values[name].shape for name in names]
        if len(names) == 2 and shapes[0] == shapes[1] and shapes[0] and max(shapes[0]) == np.prod(shapes[0]):
            for name in names:
                yield known(Kind.BROADCAST, "broadcast", Edits(uses=(((step, name), changes.COLUMN_OR_FLAT),)))


def updated_inputs(tape: Tape) -> Iterator[Mistake]:
    """A parameter that another answer has updated, in derivatives that still need the old one."""
    for name, answer in tape.exercise.answers.items():
        edges = [edge for edge in tape.jacobians if answer.wrt in tape.exercise.arguments[edge[0]]]
        if answer.formula is not None and edges:
            edits = Edits(local=tuple((edge, answer.wrt, _updated(answer)) for edge in edges))
            yield mixed_up(Kind.OTHER_BELOW, tape, answer.wrt, name, edits)


def _updated(answer: Answer) -> Edit:
    return lambda value, tape: value_of(answer, tape.origin)


def branches(tape: Tape) -> Iterator[Mistake]:
    """Any change to a step of truth values: the wrong branch or threshold of a piecewise loss."""
    exercise = tape.exercise
    for step in (step for step in exercise.steps if tape.values[step].dtype.kind == "b"):
        back = [edge for edge in tape.jacobians if step in exercise.arguments[edge[0]]]
        found = []
        for edit in (changes.OPPOSITE, changes.ALWAYS, changes.NEVER):
            found += [Edits(values=((step, edit),)), Edits(local=tuple((edge, step, edit) for edge in back))]
        shifted = [_shifted(setting, by) for setting in (*exercise.settings, None) for by in (1.0, -1.0)]
        for name in exercise.arguments[step]:
            others = map(changes.take, twins(tape, name))
            found += [Edits(uses=(((step, name), edit),)) for edit in (*changes.THRESHOLDS, *shifted, *others)]
        for edits in found:
            yield known(Kind.BRANCH, "kink-threshold", edits, step=exercise.public(step))


def _shifted(setting: str | None, by: float) -> Edit:
    """The threshold elsewhere: at a setting, or at 1."""
    return lambda value, tape: value + by * (1.0 if setting is None else tape.values[setting])


FUNCTIONS: dict[str, tuple[str, Function]] = {
    "hard": ("wrong-variable", lambda a: 1.0 * (a == a.max(axis=1, keepdims=True) if a.ndim == 2 else a > 0)),
    "sigmoid": ("wrong-variable", lambda a: 1 / (1 + np.exp(-a))),
    "tanh": ("wrong-variable", np.tanh),
    "exp": ("wrong-variable", np.exp),
    "softmax-all": ("axis", lambda a: np.exp(a - np.max(a)) / np.exp(a - np.max(a)).sum()),
    "unkept": ("axis", lambda a: np.exp(a) / np.exp(a).sum(axis=-1)),
}
"""Functions taken for one another, and the code; `hard`: a decision; `unkept`: a softmax whose sums are no column."""


def of_one_argument(tape: Tape) -> Iterator[Mistake]:
    """A function of one argument: along the other axis, of minus it, applied again, or another function."""
    turned = []
    single = [(step, names[0]) for step, names in tape.exercise.arguments.items() if len(names) == 1]
    for step, name in single:
        a, value = tape.values[name], tape.values[step]
        if value.ndim == a.ndim == 2:
            turned.append((step, _around(name, lambda f, a: np.transpose(f(np.transpose(a))))))
            yield known(Kind.AXIS, "axis", Edits(functions=(turned[-1],)))
        if value.shape == a.shape:
            public = tape.exercise.public(name)
            edits = Edits(uses=(((step, name), changes.NEGATIVE),))
            visible = {"enters": step} if public == name and tape.exercise.public(step) == step else {}
            yield known(Kind.ARGUMENT_REVERSED, f"term-sign:{public}", edits, **visible)
            twice = Edits(functions=((step, _around(name, lambda f, a: f(f(a)))),))
            yield on_step(Kind.AGAIN, tape, "chain-at", step, twice)
            yield from _other_functions(tape, step, name)
    if len(turned) > 1:
        yield known(Kind.AXIS, "axis", Edits(functions=tuple(turned)))


def _around(name: str, change: Callable[[Function, Array], Array]) -> Wrap:
    return lambda function: lambda **given: change(lambda a: function(**{name: a}), given[name])


def _other_functions(tape: Tape, step: str, name: str) -> Iterator[Mistake]:
    """Another function with values between 0 and 1: a decision for a probability."""
    value = tape.values[step]
    for key, (code, function) in FUNCTIONS.items() if np.all((value >= 0) & (value <= 1)) else ():
        replaced = {"function": key, "meant": step} if told(tape.exercise, meant=step) else {}
        edits = Edits(functions=((step, instead(name, function)),))
        yield known(Kind.OTHER_FUNCTION, code, edits, **replaced)
        if value.ndim == 2 and np.allclose(value.sum(axis=1), 1):
            short = Edits(jacobians=(((step, name), partial(_row_softmax, name=name, function=function)),))
            yield known(Kind.OTHER_FUNCTION, code, edits + short, **replaced)


def _row_softmax(jacobian: Array, tape: Tape, name: str, function: Function) -> Array:
    """The derivative of a softmax, from the value that is taken for it: P·(g − Σ P·g)."""
    value = function(tape.values[name])
    return np.diag(value.ravel()) - met(value, 0, 0)


def met(value: Array, *axes: int) -> Array:
    """The products of the entries of a table that meet in a sum: all pairs, or those with equal places on two axes."""
    places = np.indices(value.shape).reshape(2, -1)
    return np.asarray(np.outer(value, value) * (np.equal.outer(*places[list(axes)]) if axes else 1.0))


def instead(name: str, function: Function = lambda a: a * 1.0) -> Wrap:
    """Another function of one argument; by default the argument itself."""
    return lambda _: lambda **given: function(given[name])


def products_and_scales(tape: Tape) -> Iterator[Mistake]:
    """A product of entries for the dot product; the variance divided by d − 1, a sum for a mean, no 1/√d."""
    exercise, values = tape.exercise, tape.values
    for step, names in exercise.arguments.items():
        value, given = values[step], [values[name] for name in names]
        pair = len(names) == 2 and not value.ndim and given[0].ndim == 1 and given[0].shape == given[1].shape
        if pair and np.isclose(value, given[0] @ given[1]):
            edits = Edits(functions=((step, lambda _: lambda **two: np.prod(np.stack([*two.values()]), axis=0)),))
            yield known(Kind.PRODUCT, "elementwise", edits)
        for scale in _scales(tape, step, names) if step != exercise.loss and value.dtype.kind != "b" else ():
            forward, public = Edits(values=((step, scale),)), exercise.public(step)
            back = Edits(jacobians=tuple(((step, name), scale) for name in names if (step, name) in tape.jacobians))
            for edits in (forward + back, forward):
                yield known(Kind.STATISTIC, f"term-factor:{public}", edits, **told(exercise, averaged=public))


DIVISORS: tuple[Callable[[float], float], ...] = (lambda m: m / (m - 1), lambda m: m, lambda m: 1 / m)
ROOTS: tuple[Callable[[float], float], ...] = (lambda m: m**0.5, lambda m: m, lambda m: m**-0.5)


def _scales(tape: Tape, step: str, names: Sequence[str]) -> Iterator[Edit]:
    """A statistic is multiplied by mistake, by how many numbers make one; or what holds the root of a size."""

    def scaled(change: Callable[[float], float], size: str = "") -> Edit:
        def edit(value: Array, at: Tape) -> Array:
            count = quantities(at)[size] if size else max(at.values[n].size for n in names) / at.values[step].size
            return np.asarray(value * change(count))

        return edit

    ones = {name: np.ones_like(tape.values[name]) for name in names}
    if tape.values[step].size not in (1, max(map(np.size, ones.values()))):
        yield from map(scaled, DIVISORS)
    with suppress(*REFUSED):
        one = float(np.ravel(tape.program.steps[step](**ones))[0])
        for size in tape.exercise.symbols if one % 1 else ():
            if abs(one * np.sqrt(quantities(tape)[size]) % 1 - 0.5) > 0.5 - 1e-9:  # ones give a whole number without it
                yield from (scaled(change, size) for change in ROOTS)


def whole_for_part(tape: Tape) -> Iterator[Mistake]:
    """All of an input where a part of it belongs: the intercept penalised with the slopes."""
    exercise = tape.exercise
    for (step, name), jacobian in tape.jacobians.items():
        picks = np.all((jacobian == 0) | (jacobian == 1)) and np.all(jacobian.sum(axis=1) == 1)
        if name in exercise.inputs and picks and jacobian.shape[0] < jacobian.shape[1]:
            above = [other for other in exercise.public_steps if other in tape.program.active((step,))]
            term = next((other for other in above if not tape.values[other].ndim), above[0])
            yield known(Kind.EXTRA_OWN, f"extra-term:{term}", Edits(functions=((step, instead(name)),)))
