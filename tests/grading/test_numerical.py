"""Right values by the wrong way are told from right derivations, for every exercise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npreg.exercises import course
from npreg.exercises.forward.probes import fresh
from npreg.exercises.forward.program import Exercise
from npreg.grading.numerical import loses_digits, stretchable, stretched
from npreg.isolation.inside import answers
from npreg.isolation.inside.complex_use import complex_functions

CORPUS = Path(__file__).parents[1] / "corpus"
RIGHT = sorted(CORPUS.glob("*/ok_*.py"))


def judge(exercise: Exercise, source: str, seed: int = 1) -> dict[str, bool]:
    with np.errstate(all="ignore"):
        references = stretched(exercise, fresh(exercise, seed)[0])
        outcome = answers.run(source, list(exercise.answers), [at.given for at in references])
        functions = outcome["functions"]
        return {name: loses_digits(functions[name]["runs"], references, name) for name in exercise.answers}


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_right_derivations_are_not_suspected(path):
    source = path.read_text(encoding="utf-8")
    assert not any(judge(course.load(path.parent.name), source).values())
    assert complex_functions(source) == []


LOSSES = {
    "one-weight": "(w * x + b - y) ** 2 / 2",
    "one-example": "(x @ w + b - y) ** 2 / 2",
    "minibatch-sum": "np.sum((X @ w + b - y) ** 2) / 2",
    "minibatch-mean": "np.mean((X @ w + b - y) ** 2) / 2",
    "mean-squared-error": "np.mean((X @ w + b - y) ** 2)",
    "ridge": "np.mean((X @ w + b - y) ** 2) / 2 + lam / 2 * np.sum(w * w)",
    "several-outputs": "np.sum((X @ W + b - Y) ** 2) / (2 * len(X))",
}


def large_step(exercise: Exercise) -> str:
    """A file that differentiates by central differences with the step 1, exact for a quadratic loss."""
    arguments = ", ".join(exercise.inputs)
    lines = ["import numpy as np", f"def loss({arguments}):", f"    return {LOSSES[exercise.id]}"]
    for name in exercise.answers:
        wrt = name.removeprefix("grad_")
        up, down = (", ".join(f"{a} {sign} e" if a == wrt else a for a in exercise.inputs) for sign in "+-")
        lines += [
            f"def {name}({arguments}):",
            f"    shape, g = np.shape({wrt}), []",
            f"    for e in np.eye(np.size({wrt})):",
            "        e = e.reshape(shape)",
            f"        g.append((loss({up}) - loss({down})) / 2)",
            "    return np.array(g).reshape(shape)",
        ]
    return "\n".join(lines)


@pytest.mark.parametrize("name", LOSSES)
def test_an_exact_central_difference_is_found(name):
    exercise = course.load(name)
    assert stretchable(exercise)
    assert all(judge(exercise, large_step(exercise)).values())


def test_complex_numbers_are_found_where_they_are_used():
    source = """
def plain(w): return w * 2
def constant(w): return L(w + 1j * 1e-20)
def by_name(w): return loss(w.astype(complex))
def through(w): return [constant(v) for v in w]
def nested(w):
    def inner(t): return t.imag
    return inner(w)
"""
    assert complex_functions(source) == ["by_name", "constant", "nested", "through"]
    assert complex_functions("def f(:") == []
