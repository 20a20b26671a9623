"""Which mistake a wrong gradient holds: the exercises' engine, on the given numbers and on others drawn like them."""

import inspect
import itertools
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from npreg.differentiate.steps import call, quiet
from npreg.exercises.check import check
from npreg.exercises.findings import AnswerReport
from npreg.exercises.forward.inputs import Draw, Input
from npreg.exercises.forward.program import Exercise, gradient
from npreg.exercises.found import Facts
from npreg.gradcheck.forms import Form, kind_of
from npreg.gradcheck.readings import Wanted, readings
from npreg.gradcheck.report import Mistake

LETTERS = "ndkhmpqrs"
SECONDS = 30.0  # to look for mistakes at sizes of one kind
MOST = 60  # entries of a given input beyond which it is not looked at itself
FEW: dict[Any, int] = dict(zip(LETTERS, (9, 7, 5, 4, 3, 3, 3, 3, 3), strict=True))  # about as many are drawn
SIZES = dict(zip(LETTERS, (7, 5, 11, 3, 13, 17, 19, 23, 29), strict=True))
FAILED = ("raises", "not-implemented", "no-return")
BEHAVIOUR = (*FAILED, "changes-input", "not-repeatable")
FIXED = "Which mistake it is could be looked for if you gave the function that computes the gradient, not its value."
IGNORED = "The upstream derivative is not used: the result is the same whatever it is."
Axis = tuple[str, int]
Given = Mapping[str, Any]
Gradients = Mapping[str, Callable[[Given], Any]]
Shapes = Mapping[str, tuple[str | int, ...]]


def named_mistakes(
    form: Form, wanted: Wanted, given: Mapping[str, Any], upstream: Any, order: tuple[str, ...], wrong: list[str]
) -> dict[str, tuple[Mistake, ...]]:
    """The mistakes by input, found on other numbers, too, in a result that is read in this order.

    What both functions read from around them, such as the data of ``lambda w: loss(w, X, y)``, are inputs first.
    """
    opened, around = form.opened()
    found = _on_other_numbers(opened, wanted, {**given, **around}, upstream, order, wrong)
    rest = [n for n in wrong if n not in found or (around and found[n][0].code == "not-recognised")]
    return found | (_on_other_numbers(form, wanted, given, upstream, order, rest) if rest else {})


def _on_other_numbers(
    form: Form, wanted: Wanted, given: Mapping[str, Any], upstream: Any, order: tuple[str, ...], wrong: list[str]
) -> dict[str, tuple[Mistake, ...]]:
    parts = form.gradient.values() if isinstance(form.gradient, Mapping) else [form.backward()]
    if not all(map(callable, parts)):  # there is nothing to try on other numbers
        return dict.fromkeys(wrong, (Mistake("not-recognised", FIXED),))
    inputs, takes = dict(given), upstream is not None and form.upstream()[0]
    if takes:
        inputs["upstream"] = np.broadcast_to(upstream, call(form.value, given).shape).astype(float)

    def value(**at: Any) -> Any:
        weights = at.pop("upstream") if takes else 1.0 if upstream is None else upstream
        found = form.value(**at)
        return found if upstream is None else np.sum(weights * found)

    def gradient_of(name: str, at: Mapping[str, Any]) -> Any:
        leaves = {key: item for key, item in at.items() if key in form.leaves}
        loss = form.value(**leaves)
        shapes = {key: {leaf: np.shape(leaves[leaf]) for leaf in inside} for key, inside in wanted.items()}
        results = form.gradients(leaves, at.get("upstream", upstream))
        found = [r for result in results for r in readings(result, shapes, loss, all_of_them=False)]
        return next(r[name] for r in found if tuple(r) == order)

    if takes:
        other = {**inputs, "upstream": 3 * inputs["upstream"]}
        ignoring = [name for name in wrong if np.array_equal(gradient_of(name, other), gradient_of(name, inputs))]
        if ignoring:
            return dict.fromkeys(ignoring, (Mistake("ignores:upstream", IGNORED),))
    value.__wrapped__ = getattr(form.function, "forward", form.function)  # type: ignore[attr-defined]
    return _named(value, {name: partial(gradient_of, name) for name in wrong}, inputs)


def _named(function: Callable[..., Any], gradients: Gradients, inputs: Given) -> dict[str, tuple[Mistake, ...]]:
    """The mistakes in each gradient of a scalar function, or why none could be looked for."""
    best: dict[str, tuple[AnswerReport, Shapes]] = {}
    why = ""
    with quiet():
        for shapes in _shapes(function, gradients, inputs):
            try:
                found = _judged(function, gradients, inputs, shapes)
            except Exception as error:  # a function that takes no other numbers, or whose value is no single one
                why = why or str(error)
                continue
            best |= {name: (found[name], shapes) for name in found if name not in best or _failed(best[name][0])}
            if not any(_failed(answer) for answer, _ in best.values()):
                break
        shaped = {name: np.shape(gradients[name](inputs)) for name in best}
    own = {name: Facts(got=shape, expected=np.shape(inputs[name])) for name, shape in shaped.items()}
    told = {name: tuple(_told(answer, own[name], shapes)) for name, (answer, shapes) in best.items()}
    why = why or " ".join(mistake.message() for answer, _ in best.values() for mistake in answer.mistakes[:1])
    unknown = Mistake("not-recognised", f"Which mistake it is could not be looked for on other numbers: {why}")
    return {name: told.get(name) or (unknown,) for name in gradients}


def _told(answer: AnswerReport, own: Facts, shapes: Shapes) -> Iterator[Mistake]:
    """The mistakes in words, with the shapes at hand; what a letter stands for is said at the end."""
    axes = [(size, f"{name}.shape[{axis}]") for name, shape in shapes.items() for axis, size in enumerate(shape)]
    places = dict(reversed(axes))  # the first counts
    known = [mistake for mistake in answer.mistakes if mistake.code not in BEHAVIOUR]
    for mistake in known:
        found = mistake.found | own if "got" in mistake.found else mistake.found
        message = replace(mistake, found=found).message(alone=len(known) == 1)
        prose = re.sub("`[^`]*`", "", message)  # a step may have such a name, too
        used = (size for size, _ in axes if isinstance(size, str) and re.search(rf"\b\d*{size}\b", prose))
        letters = dict.fromkeys(used)
        legend = f" ({', '.join(f'{n} is {places[n]}' for n in letters)})" if letters else ""
        yield Mistake(mistake.code, message + legend, mistake.alternatives)


def _failed(answer: AnswerReport) -> bool:
    """Whether nothing was learnt: the gradient takes no such sizes, or is not recognised on them."""
    return any(mistake.code in (*FAILED, "not-recognised") for mistake in answer.mistakes)


def _judged(function: Any, gradients: Gradients, inputs: Given, shapes: Shapes) -> dict[str, AnswerReport]:
    names = {name: name if name.isidentifier() else re.sub(r"\W+", "_", name).strip("_") for name in inputs}
    back = {short: name for name, short in names.items()}
    rest = {name: value for name, value in inputs.items() if name not in shapes}
    own = {names[name]: np.asarray(inputs[name]) for name in shapes}

    def all_of(given: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs by their own names, without the steps that are given beside them."""
        return {**rest, **{back[short]: value for short, value in given.items() if short in own}}

    def loss(**given: Any) -> Any:
        return function(**all_of(given))

    lengths = [zip(shapes[back[name]], array.shape, strict=True) for name, array in own.items()]
    if sum(math.prod(min(size, FEW.get(s, size)) for s, size in pairs) for pairs in lengths) > 10 * MOST:
        raise ValueError("too many numbers to look for a mistake")
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in own]
    loss.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    loss.__wrapped__ = function  # type: ignore[attr-defined]
    drawn = {names[name]: Input(shape, _like(inputs[name])) for name, shape in shapes.items()}
    asked = {f"grad_{names[name]}": gradient(names[name]) for name in gradients}
    at = {f"grad_{names[name]}": of for name, of in gradients.items()}
    answers = {name: partial(lambda of, **given: of(all_of(given)), of) for name, of in at.items()}
    exercise = Exercise(loss, drawn, asked, id="your-function")
    exercise.notes["until"] = time.monotonic() + SECONDS
    small = max((array.size for array in own.values()), default=0) <= MOST
    report = check(answers, exercise, probes=[own] if small else [], seed=0, seconds=0)
    return {back[answer.name.removeprefix("grad_")]: answer for answer in report.answers}


def _shapes(function: Any, gradients: Gradients, inputs: Given) -> list[Shapes]:
    """Shapes in letters: lengths apart as far as the function allows, equal ones as one, all fixed."""
    arrays = {n: np.asarray(v) for n, v in inputs.items() if kind_of(v) in "fiub"}
    order = sorted(arrays, key=lambda name: (-arrays[name].ndim, name in gradients))
    axes = [(name, axis) for name in order for axis in range(arrays[name].ndim)]
    together: dict[int, list[Axis]] = {}
    for name, axis in axes:
        if arrays[name].shape[axis] > 1:
            together.setdefault(arrays[name].shape[axis], []).append((name, axis))

    def lettered(blocks: Sequence[Sequence[Axis]]) -> Shapes:
        ordered = sorted(blocks, key=lambda block: axes.index(block[0]))
        letters = {at: letter for letter, block in zip(LETTERS, ordered, strict=False) for at in block}
        return {n: tuple(letters.get((n, axis), s) for axis, s in enumerate(a.shape)) for n, a in arrays.items()}

    def works(blocks: Sequence[Sequence[Axis]]) -> bool:
        """Whether the function takes a length of its own for each of these."""
        rng = np.random.default_rng(0)
        numbers = {n: Input(s, _like(arrays[n])).numbers(SIZES, rng) for n, s in lettered(blocks).items()}
        try:
            value = np.asarray(function(**{**inputs, **numbers}))
        except Exception:
            return False
        return value.size == 1 and bool(np.isfinite(value).all())

    merged: list[Sequence[Axis]] = list(together.values())
    apart = list(merged)
    for block in apart:  # grows by what is split off
        place = apart.index(block)
        for part in (p for size in range(len(block) - 1) for p in itertools.combinations(block[1:], size)):
            split = [(block[0], *part), [axis for axis in block[1:] if axis not in part]]
            if works([*apart[:place], *apart[place + 1 :], *split]):
                apart[place] = split[0]
                apart.append(split[1])
                break
    tried = [apart, merged, []] if len(apart) > len(merged) else [apart, []]
    return [lettered(blocks) for blocks in tried]


def _like(value: Any) -> Draw:
    """Draws numbers like these: classes, 0 and 1, one-hot rows, shares, positive, a column of ones, symmetric."""
    given = np.asarray(value)
    low, high = (float(f(given)) if given.size else 0.0 for f in (np.min, np.max))
    table, whole = given.ndim == 2 and given.shape[1] > 1, given.dtype.kind in "iub"
    binary = bool(np.isin(given, (0, 1)).all())
    one_hot = binary and table and bool((given.sum(axis=1) == 1).all())
    mirrored = table and not one_hot and given.shape[0] == given.shape[1] and np.allclose(given, given.T)
    definite = mirrored and not whole and bool((np.linalg.eigvalsh(given) > 0).all())

    def drawn(rng: "np.random.Generator", shape: tuple[int, ...]) -> Any:
        numbers = draw(rng, shape)
        half = np.tril(numbers, 0 if given.diagonal().any() else -1) if mirrored else numbers
        square = mirrored and shape[0] == shape[1]
        return numbers if not square else numbers @ numbers.T if definite else half + np.tril(half, -1).T

    def draw(rng: "np.random.Generator", shape: tuple[int, ...]) -> Any:
        if whole and not given.ndim:
            return given
        if one_hot or (binary and low < high):
            return Input(shape, "one-hot" if one_hot else "labels").numbers({}, rng).astype(given.dtype)
        if whole:
            values = np.unique(given)
            return rng.choice(values[values <= 2] if (values <= 2).sum() > 1 else values, shape)
        if not given.ndim and low > 0:
            return low * rng.choice([rng.uniform(0.6, 0.9), rng.uniform(1.1, 1.2 if low < 1 else 1.7)])
        if low > 0 and high < 1:
            shares = rng.uniform(0.1, 0.9, shape)
            one = given.ndim == 2 and np.allclose(given.sum(axis=1), 1)
            return shares / shares.sum(axis=1, keepdims=True) if one else shares
        numbers = rng.uniform(0.15, 1.6, shape)
        numbers = numbers if low >= 0 < high else numbers * np.where(rng.random(shape) < 0.65, 1.0, -1.0)
        for column in (0, -1) if table and low < high else ():
            if (given[:, column] == 1).all():
                numbers[:, column] = 1.0
        return numbers

    return drawn
