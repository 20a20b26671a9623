"""The smallest example in whole numbers on which an answer is wrong, to redo on paper."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import numpy as np

from npreg.exercises.findings import Example
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.verdict import reference
from npreg.isolation import run_answers

_SIZES = (2, 3)
_DRAWS = 8
_AT_A_TIME = 16
_VISIBLE = 1e-3


@np.errstate(all="ignore")
def by_hand(
    source: str | Mapping[str, Any],
    exercise: Exercise,
    names: Sequence[str] | None = None,
    run: Callable[..., Mapping[str, Any]] = run_answers,
) -> list[Example]:
    """The smallest whole numbers on which each answer of `names` (all by default) is wrong; `run` runs functions."""
    wanted = list(exercise.answers if names is None else names)
    found: dict[str, Example] = {}
    candidates = _candidates(exercise)
    while (missing := [name for name in wanted if name not in found]) and (chunk := [*islice(candidates, _AT_A_TIME)]):
        rights = [reference(exercise, inputs) for inputs, _ in chunk]
        outcome = run(source, missing, [right.given for right in rights])["functions"]
        for name in missing:
            for (inputs, sizes), right, record in zip(chunk, rights, outcome[name]["runs"], strict=True):
                yours = record["value"]
                if yours is not None and _differ(yours, right.right[name]) and name not in right.kinks:
                    found[name] = Example(name, inputs, sizes, yours)
                    break
    return [found.get(name, Example(name, {}, {})) for name in wanted]


def _candidates(exercise: Exercise) -> Iterator[tuple[dict[str, Array], dict[str, int]]]:
    """Inputs in whole numbers, few and small ones first."""
    rng = np.random.default_rng(0)
    for choice in sorted(product(_SIZES, repeat=len(exercise.symbols)), key=lambda sizes: (sum(sizes), sizes)):
        sizes = dict(zip(exercise.symbols, choice, strict=True))
        if exercise.works_on(sizes):
            draws = [exercise.example(sizes, rng, whole=True) for _ in range(_DRAWS)]
            draws.sort(key=lambda inputs: sum(float(np.abs(value).sum()) for value in inputs.values()))
            yield from ((inputs, sizes) for inputs in draws)


def _differ(yours: Array, right: Array) -> bool:
    """Whether the numbers differ; of another shape, whether one sees so on paper."""
    if yours.shape != np.shape(right):
        yours, right = yours.ravel(), np.ravel(right)
        if yours.size == right.size > 1 or 1 not in (yours.size, right.size):
            return True
    return not bool(np.all(np.abs(yours - right) <= _VISIBLE * np.maximum(1.0, np.abs(right))))
