"""Which mistake a wrong gradient holds: the exercises' engine, on the exercise that the function makes.

The function is the loss; every array becomes an input whose numbers are drawn like the given ones, with a
letter for every length that can be another (equal lengths are two letters where the function allows it, then
one). What explains a gradient must do so on these, and on the given numbers, cut down where they are many.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from npreg.differentiate.steps import quiet
from npreg.exercises.check import check
from npreg.exercises.findings import AnswerReport
from npreg.exercises.forward.inputs import Input
from npreg.exercises.forward.program import Exercise, gradient
from npreg.exercises.found import Shapes
from npreg.gradcheck.forms import kind_of
from npreg.gradcheck.report import Mistake

__all__ = ["Subject", "named"]

LETTERS = "ndkhmpqrs"
MOST = 60  # entries of a given input beyond which it is cut down
FEW = (9, 7, 5, 4, 3, 3, 3, 3, 3)
FAILED = ("raises", "not-implemented", "no-return")
BEHAVIOUR = (*FAILED, "changes-input", "not-repeatable")
Shape = tuple[str | int, ...]
Axis = tuple[str, int]


@dataclass(frozen=True)
class Subject:
    """What is named: a scalar function and gradients, at numbers.

    function : called with the inputs by name
    source : the user's own function, whose local variables are the steps
    gradients : from inputs to the gradient, by the name of the input
    inputs : by name; what is no array of numbers is handed on as it is
    """

    function: Callable[..., Any]
    source: Callable[..., Any]
    gradients: Mapping[str, Callable[[Mapping[str, Any]], Any]]
    inputs: Mapping[str, Any]


def named(subject: Subject) -> dict[str, tuple[Mistake, ...]]:
    """The mistakes in each gradient; empty where none can be looked for."""
    best: dict[str, tuple[AnswerReport, dict[str, str]]] = {}
    with quiet():
        for shapes in _shapes(subject):
            try:
                found = _judged(subject, shapes)
            except Exception:  # a function that takes no other numbers, or whose value is no single one
                continue
            for name, answer in found.items():
                if name not in best or _failed(best[name][0]):
                    best[name] = answer, _legend(shapes)
            if not any(_failed(answer) for answer, _ in best.values()):
                break
        own = {
            name: Shapes(np.shape(subject.gradients[name](subject.inputs)), np.shape(subject.inputs[name]))
            for name in best
        }
    return {name: tuple(_told(answer, own[name], legend)) for name, (answer, legend) in best.items()}


def _told(answer: AnswerReport, own: Shapes, legend: Mapping[str, str]) -> Iterator[Mistake]:
    """The mistakes in words, with the shapes at hand; what a letter stands for is said at the end."""
    known = [mistake for mistake in answer.mistakes if mistake.code not in BEHAVIOUR]
    for mistake in known:
        found = tuple(own if isinstance(record, Shapes) else record for record in mistake.found)
        mistake = replace(mistake, found=found)
        message = mistake.message(alone=len(known) == 1)
        used = [f"{n} is {place}" for n, place in legend.items() if re.search(rf"\b\d*{n}\b", message)]
        message += f" ({', '.join(used)})" if used else ""
        yield Mistake(code=mistake.code, message=message, alternatives=mistake.alternatives)


def _failed(answer: AnswerReport) -> bool:
    """Whether nothing was learnt: the gradient takes no such sizes, or is not recognised on them."""
    return any(mistake.code in (*FAILED, "not-recognised") for mistake in answer.mistakes)


def _judged(subject: Subject, shapes: Mapping[str, Shape]) -> dict[str, AnswerReport]:
    own = _cut(subject, shapes)
    names = {name: re.sub(r"\W+", "_", name).strip("_") for name in subject.inputs}
    back = {short: name for name, short in names.items()}
    rest = {name: value for name, value in subject.inputs.items() if name not in shapes}

    def seen(call: Callable[..., Any], **given: Any) -> Any:
        return call({**rest, **{back[short]: value for short, value in given.items()}})

    used = [names[name] for name in shapes]
    loss = _with_parameters(partial(seen, lambda at: subject.function(**at)), used)
    loss.__wrapped__ = subject.source
    exercise = Exercise(
        loss,
        {names[name]: Input(shape, _like(subject.inputs[name])) for name, shape in shapes.items()},
        {f"grad_{names[name]}": gradient(names[name]) for name in subject.gradients},
        id="your-function",
    )
    answers = {
        f"grad_{names[name]}": _with_parameters(partial(seen, call), used) for name, call in subject.gradients.items()
    }
    report = check(answers, exercise, probes=[{names[name]: array for name, array in own.items()}], seed=0, seconds=0)
    return {back[answer.name.removeprefix("grad_")]: answer for answer in report.answers}


def _with_parameters(call: Callable[..., Any], names: Sequence[str]) -> Any:
    """A function with these parameters."""

    def function(**given: Any) -> Any:
        return call(**given)

    kind = inspect.Parameter.KEYWORD_ONLY
    function.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    return function


def _cut(subject: Subject, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """The numbers as they are; where there are many, the first few along every length that can be another.

    Raises ValueError where they stay too many to look for a mistake.
    """
    arrays = {name: np.asarray(subject.inputs[name]) for name in shapes}
    few = dict(zip(LETTERS, FEW, strict=True))
    if max((array.size for array in arrays.values()), default=0) > MOST:
        arrays = {n: array[tuple(slice(few.get(str(s))) for s in shapes[n])] for n, array in arrays.items()}
    if sum(array.size for array in arrays.values()) > 10 * MOST:
        raise ValueError("too many numbers")
    return arrays


def _shapes(subject: Subject) -> Iterator[dict[str, Shape]]:
    """Shapes in letters: lengths apart as far as the function allows, equal ones as one, all fixed."""
    arrays = {n: np.asarray(v) for n, v in subject.inputs.items() if kind_of(v) in "fiub"}
    order = sorted(arrays, key=lambda name: (-arrays[name].ndim, name in subject.gradients))
    axes = [(name, axis) for name in order for axis in range(arrays[name].ndim)]
    together: dict[int, list[Axis]] = {}
    for name, axis in axes:
        if arrays[name].shape[axis] > 1:
            together.setdefault(arrays[name].shape[axis], []).append((name, axis))
    merged = list(together.values())
    apart = list(merged)
    for block in merged:
        others = [other for other in apart if other is not block]
        splits = sorted(_partitions(block), key=len, reverse=True) if len(block) < 7 else [[block]]
        apart = next(([*others, *split] for split in splits if _works(subject, arrays, [*others, *split])), apart)
    for blocks in (apart, merged, []):
        if blocks is not merged or len(apart) > len(merged):
            yield _lettered(arrays, sorted(blocks, key=lambda block: axes.index(block[0])))


def _lettered(arrays: Mapping[str, Any], blocks: Sequence[Sequence[Axis]]) -> dict[str, Shape]:
    letters = {at: letter for letter, block in zip(LETTERS, blocks, strict=False) for at in block}
    return {
        name: tuple(letters.get((name, axis), size) for axis, size in enumerate(array.shape))
        for name, array in arrays.items()
    }


def _partitions(items: list[Axis]) -> Iterator[list[list[Axis]]]:
    """All ways to put items into groups.

    >>> len(list(_partitions([("X", 0), ("X", 1), ("w", 0)])))
    5
    """
    if not items:
        yield []
        return
    for rest in _partitions(items[1:]):
        yield [[items[0]], *rest]
        for i, block in enumerate(rest):
            yield [*rest[:i], [items[0], *block], *rest[i + 1 :]]


def _works(subject: Subject, arrays: Mapping[str, Any], blocks: Sequence[Sequence[Axis]]) -> bool:
    """Whether the function takes a length of its own for each group of axes."""
    shapes, rng = _lettered(arrays, blocks), np.random.default_rng(0)
    sizes = dict(zip(LETTERS, (7, 5, 11, 3, 13, 17, 19, 23, 29), strict=True))
    numbers = {n: Input(s, _like(subject.inputs[n])).numbers(sizes, rng) for n, s in shapes.items()}
    try:
        value = np.asarray(subject.function(**{**subject.inputs, **numbers}))
    except Exception:
        return False
    return value.size == 1 and bool(np.isfinite(value).all())


def _like(value: Any) -> Callable[[np.random.Generator, tuple[int, ...]], Any]:
    """Draws numbers like these: classes, 0 and 1, one-hot rows, shares, positive, with a column of ones."""
    given = np.asarray(value)
    low, high = (float(f(given)) if given.size else 0.0 for f in (np.min, np.max))
    binary = bool(np.isin(given, (0, 1)).all())

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        if given.dtype.kind in "iub" and not given.ndim:
            return given
        if binary and given.ndim == 2 and given.shape[1] > 1 and (given.sum(axis=1) == 1).all():
            return np.eye(shape[1])[rng.permuted(np.arange(shape[0]) % shape[1])].astype(given.dtype)
        if binary and low < high:
            return (rng.permuted(np.arange(int(np.prod(shape)))) % 2).reshape(shape).astype(given.dtype)
        if given.dtype.kind in "iub":
            values = np.unique(given)
            return rng.choice(values[values <= 2] if (values <= 2).sum() > 1 else values, shape)
        if not given.ndim and low > 0:
            return low * rng.choice([rng.uniform(0.6, 0.9), rng.uniform(1.1, 1.2 if low < 1 else 1.7)])
        if low > 0 and high < 1:
            shares = rng.uniform(0.1, 0.9, shape)
            whole = given.ndim == 2 and np.allclose(given.sum(axis=1), 1)
            return shares / shares.sum(axis=1, keepdims=True) if whole else shares
        numbers = rng.uniform(0.15, 1.6, shape)
        numbers = numbers if low > 0 else numbers * np.where(rng.random(shape) < 0.65, 1.0, -1.0)
        for column in (0, -1):
            if given.ndim == 2 and given.shape[1] > 1 and low < high and (given[:, column] == 1).all():
                numbers[:, column] = 1.0
        return numbers

    return draw


def _legend(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """What each letter stands for, such as X.shape[0]."""
    found: dict[str, str] = {}
    for name, shape in shapes.items():
        for axis, size in enumerate(shape):
            found.setdefault(str(size), f"{name}.shape[{axis}]")
    return {letter: place for letter, place in found.items() if letter in LETTERS}
