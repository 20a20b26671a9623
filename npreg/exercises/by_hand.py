"""The smallest example in whole numbers on which an answer is wrong, to redo on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.verdict import reference
from npreg.exercises.words import say
from npreg.isolation import run_answers

_SIZES = (2, 3)
_DRAWS = 8
_AT_A_TIME = 16
_NEIGHBOURS = 6
_VISIBLE = 1e-3


@dataclass(frozen=True)
class Example:
    """The inputs of an example, the name of the wrong answer, and what the student's function returns there.

    The right value is left out on purpose. ``inputs`` is empty where no small example shows the mistake.
    """

    answer: str
    inputs: Mapping[str, Array]
    sizes: Mapping[str, int]
    yours: Array | None = None

    def text(self, lang: str = "en") -> str:
        """Return the example in words."""
        if self.yours is None:
            return say("by-hand-none", lang, answer=self.answer)
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        lines = [say("by-hand" if sizes else "by-hand-scalar", lang, answer=self.answer, sizes=sizes)]
        lines += [f"    {name} = {_show(value)}" for name, value in self.inputs.items()]
        lines.append(say("by-hand-yours", lang, answer=self.answer, value=_show(self.yours)))
        return "\n".join(lines)


@np.errstate(all="ignore")
def by_hand(
    source: str | Mapping[str, Any],
    exercise: Exercise,
    names: Sequence[str] | None = None,
    run: Callable[..., Mapping[str, Any]] = run_answers,
) -> list[Example]:
    """Find, for each wrong answer, the smallest whole numbers on which it differs from the right one.

    Parameters
    ----------
    source : the student's file as text, or a mapping from names to functions
    exercise : what was asked for
    names : the answers to look at; all by default, those that are right are left out
    run : what runs the functions, as `npreg.isolation.run_answers` does in this process

    Returns
    -------
    list of Example
        in the order of ``names``; without ``yours`` where no example of two or three rows and columns
        shows it.
    """
    wanted = list(exercise.answers if names is None else names)
    found: dict[str, Example] = {}
    candidates = _candidates(exercise)
    while chunk := list(islice(candidates, _AT_A_TIME)):
        missing = [name for name in wanted if name not in found]
        if not missing:
            break
        rights = [reference(exercise, inputs) for inputs, _ in chunk]
        outcome = run(source, missing, [right.given for right in rights])["functions"]
        for name in missing:
            for (inputs, sizes), right, record in zip(chunk, rights, outcome[name]["runs"], strict=True):
                yours = record["value"]
                if yours is not None and _differ(yours, right.right[name]) and _smooth(exercise, inputs, name):
                    found[name] = Example(name, inputs, sizes, yours)
                    break
    return [found.get(name, Example(name, {}, {})) for name in wanted]


def _candidates(exercise: Exercise) -> Iterator[tuple[dict[str, Array], dict[str, int]]]:
    """Yield inputs in whole numbers, few and small ones first."""
    rng = np.random.default_rng(0)
    choices = sorted(product(_SIZES, repeat=len(exercise.symbols)), key=lambda sizes: (sum(sizes), sizes))
    for choice in choices:
        sizes = dict(zip(exercise.symbols, choice, strict=True))
        if not exercise.works_on(sizes):
            continue
        draws = [exercise.example(sizes, rng, whole=True) for _ in range(_DRAWS)]
        for inputs in sorted(draws, key=_magnitude):
            yield inputs, sizes


def _magnitude(inputs: Mapping[str, Array]) -> float:
    return sum(float(np.abs(value).sum()) for value in inputs.values())


def _smooth(exercise: Exercise, inputs: Mapping[str, Array], name: str) -> bool:
    """Whether the right answer barely moves with the inputs: whole numbers like to sit on a kink."""
    rng = np.random.default_rng(0)
    center = reference(exercise, inputs).right[name]
    for _ in range(_NEIGHBOURS):
        moved = {
            key: value + 1e-6 * rng.standard_normal(value.shape) if value.dtype.kind == "f" else value
            for key, value in inputs.items()
        }
        if _differ(reference(exercise, moved).right[name], center):
            return False
    return True


def _differ(yours: Array, right: Array) -> bool:
    """Whether the numbers differ; of another shape, whether one sees so on paper."""
    if yours.shape != np.shape(right):
        yours, right = yours.ravel(), np.ravel(right)
        if yours.size == right.size and yours.size > 1:
            return True
        if 1 not in (yours.size, right.size):
            return True
    with np.errstate(all="ignore"):
        return not bool(np.all(np.abs(yours - right) <= _VISIBLE * np.maximum(1.0, np.abs(right))))


def _show(value: Array) -> str:
    """Write an array on one line, whole numbers without a point."""
    rounded = np.round(np.asarray(value, dtype=float), 4)
    return _nested(rounded.tolist())


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_nested(item) for item in value) + "]"
    return f"{value:g}"
