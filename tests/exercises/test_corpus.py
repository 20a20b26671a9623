"""The student files of tests/corpus: named rightly or honestly not recognised, never named wrongly."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from npreg.exercises.check import check
from npreg.exercises.course import IDS

CORPUS = Path(__file__).parents[1] / "corpus"
SIZES = {
    "n": 7.3,
    "d": 3.1,
    "k": 5.7,
    "h": 4.9,
    "lam": 1.37,
    "delta": 0.77,
    "tau": 0.31,
    "lr": 0.19,
    "batch_size": 12.7,
    "b": 0.83,
    "x": 1.9,
    "y": -0.6,
    "w": 0.7,
}
OPERATIONS = {
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.Sub: lambda a, b: a - b,
}


@dataclass(frozen=True)
class Judged:
    """One answer of one file: what a fair judge says, and what the checker said."""

    file: str
    answer: str
    fair: tuple[frozenset[str], ...]
    said: frozenset[str]
    passed: bool

    @property
    def is_right(self) -> bool:
        return self.fair == (frozenset({"right"}),)

    @property
    def is_nameable(self) -> bool:
        return not self.is_right and frozenset({"not-recognised"}) not in self.fair

    @property
    def is_named_rightly(self) -> bool:
        return self.said in self.fair


def magnitude(node: ast.AST) -> float:
    """The value of a factor's expression; only numbers, names of sizes, products and roots are allowed."""
    if isinstance(node, ast.Expression):
        return magnitude(node.body)
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return SIZES[node.id]
    if isinstance(node, ast.Call):
        return math.sqrt(magnitude(node.args[0]))
    assert isinstance(node, ast.BinOp), ast.dump(node)
    return OPERATIONS[type(node.op)](magnitude(node.left), magnitude(node.right))


def normal(code: str) -> str:
    """A code with its factor as a number, and the gradient of an update under one name."""
    kind, _, what = code.strip().partition(":")
    if kind == "factor":
        return f"factor:{magnitude(ast.parse(what.replace('^', '**'), mode='eval')):.9g}"
    if kind.startswith("term-") and re.fullmatch(r"gradient|loss|grad_\w+", what):
        return f"{kind}:gradient"
    return code.strip()


def expected(first_line: str) -> dict[str, tuple[frozenset[str], ...]]:
    """What the first line of a file says, by answer."""
    entries = [entry.split("=", 1) for entry in first_line.split(":", 1)[1].split(";") if entry.strip()]
    return {
        name.strip(): tuple(frozenset(normal(code) for code in fair.split("+")) for fair in said.split("|"))
        for name, said in entries
    }


@cache
def judged(exercise: str) -> list[Judged]:
    found = []
    for path in sorted((CORPUS / exercise).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        fair = expected(text.splitlines()[0])
        for answer in check(text, exercise, seed=1, seconds=0).answers:
            said = frozenset(normal(mistake.code) for mistake in answer.mistakes)
            found.append(
                Judged(f"{exercise}/{path.name}", answer.name, fair[answer.name], said, answer.passed)
            )
    return found


@pytest.mark.parametrize("exercise", IDS)
def test_the_right_is_accepted_and_the_wrong_is_not(exercise: str) -> None:
    assert [j for j in judged(exercise) if j.passed != j.is_right] == []


@pytest.mark.parametrize("exercise", IDS)
def test_nothing_is_named_wrongly(exercise: str) -> None:
    wrong = [j for j in judged(exercise) if not j.is_right and not j.is_named_rightly]
    assert [j for j in wrong if j.said != {"not-recognised"}] == []


def test_nearly_all_nameable_mistakes_are_named() -> None:
    found = [j for exercise in IDS for j in judged(exercise) if j.is_nameable]
    counts = Counter(j.is_named_rightly for j in found)
    assert len(found) >= 150
    assert counts[True] >= 0.95 * len(found), [j for j in found if not j.is_named_rightly]
