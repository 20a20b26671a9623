"""Right values by the wrong way are told from right derivations, for every exercise."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from npreg.exercises import course
from npreg.exercises.forward.probes import fresh
from npreg.exercises.forward.program import Exercise
from npreg.exercises.judge import judge as judge_answers
from npreg.exercises.judge import questions_of
from npreg.grading import grade
from npreg.grading.numerical import loses_digits, stretchable, stretched
from npreg.isolation import run_answers
from npreg.isolation.inside import answers
from npreg.isolation.inside.constants import complex_functions

CORPUS = Path(__file__).parents[1] / "corpus"
RIGHT = sorted(CORPUS.glob("*/ok_*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 5))
def test_no_right_derivation_is_suspected_on_any_data(seed):
    def suspected(path):
        return any(judge(course.load(path.parent.name), path.read_text(encoding="utf-8"), seed).values())

    assert [path for path in RIGHT if suspected(path)] == []


def judge(exercise: Exercise, source: str, seed: int = 1) -> dict[str, bool]:
    with np.errstate(all="ignore"):
        references = stretched(exercise, fresh(exercise, seed)[0])
        outcome = answers.run(source, list(exercise.answers), [at.reference.given for at in references])
        functions = outcome["functions"]
        return {name: loses_digits(functions[name]["runs"], references, name) for name in exercise.answers}


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] * (at % 12 != 5)) for at, path in enumerate(RIGHT)],
    ids=[f"{path.parent.name}/{path.stem}" for path in RIGHT],
)
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


@pytest.mark.parametrize(
    "line",
    [
        "grad_w = lambda w: L(w + 1e-20j)",
        "H = 1e-20j\ndef grad_w(w): return L(w + H)",
        "H = complex(0, 1e-20)\ngrad_w = lambda w: L(w + H)",
        "take = np.imag\ndef grad_w(w): return take(L(w))",
        "from numpy import imag as take\ndef grad_w(w): return take(L(w))",
        "D = [np.float64, np.cdouble]\ndef grad_w(w): return L(w.astype(D[1]))",
        "if True:\n    H = 1j\ndef grad_w(w): return L(w + H)",
        "U = np.emath.sqrt(-1.0)\ndef grad_w(w): return np.angle(L(w + U))",
        "U = np.fft.fft([0, 1, 0, 0])[1]\ngrad_w = lambda w: L(w + U)",
        "U = np.roots([1, 0, 1])\ngrad_w = lambda w: L(w + U[0])",
        "grad_w = lambda w: L(w.astype('c16'))",
        "grad_w = lambda w: L(np.asarray(w, dtype='D'))",
        "C = 'complex128'\ngrad_w = lambda w: getattr(L(w.astype(C)), 'imag')",
        "I = (-1) ** 0.5\ndef grad_w(w): return L(w + I)",
        "class T:\n    h = 1j\ngrad_w = lambda w: L(w + T.h)",
        "import helper\ndef grad_w(w): return helper.step(w)",
        "from helper import step as s\ndef grad_w(w): return s(w)",
    ],
)
def test_complex_steps_are_found_behind_names(line):
    source = f"import numpy as np\ndef L(w): return w * w\n{line}\ndef plain(w): return np.sum(w)\n"
    found = complex_functions(source, ["def step(w): return (w + 1j).imag"])
    assert "grad_w" in found
    assert not {"plain", "L", "np"} & set(found)


def test_tests_with_complex_numbers_are_no_complex_steps():
    source = "import numpy as np\ndef grad_w(x, r): return x * r\n"
    source += "D = {'D': 2}\ndef plain(w): return D\n"
    source += "if __name__ == '__main__':\n    import numpy as np\n    check = np.imag(grad_w(1, 2 + 1j))\n"
    assert complex_functions(source) == ["check"]


STENCILS = {2: {1: 1 / 2}, 4: {1: 2 / 3, 2: -1 / 12}, 8: {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}}
STEPS = {
    "small": lambda w, loss: 1e-6,
    "usual": lambda w, loss: 1e-4,
    "large": lambda w, loss: 2.0**-7,
    "one": lambda w, loss: 1.0,
    "huge": lambda w, loss: 2.0**14,
    "relative": lambda w, loss: 1e-3 * max(1.0, abs(float(w))),
    "as the loss": lambda w, loss: max(1.0, loss**0.5),
}


def quotient(exercise, name, order, step, dtype):
    """A function that differentiates the exercise's own loss by central differences."""
    wrt = exercise.answers[name].wrt

    def loss(values, place, shift):
        moved = {**values, wrt: values[wrt].copy()}
        moved[wrt][place] += shift
        return dtype(exercise.forward(moved)[exercise.loss])

    def grad(**given):
        values = {n: np.asarray(given[n]) for n in exercise.inputs}
        values = {n: v.astype(dtype) if v.dtype.kind == "f" else v for n, v in values.items()}
        found = np.zeros(values[wrt].shape, dtype)
        size = abs(float(exercise.forward(values)[exercise.loss]))
        for place in np.ndindex(found.shape):
            h = dtype(2.0 ** np.round(np.log2(STEPS[step](values[wrt][place], size))))
            parts = [
                dtype(weight) * (loss(values, place, k * h) - loss(values, place, -k * h))
                for k, weight in STENCILS[order].items()
            ]
            found[place] = sum(parts) / h
        return found.astype(float)

    grad.__name__ = name
    names = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in exercise.inputs]
    grad.__signature__ = inspect.Signature(names)
    return grad


def falls(exercise, order, step, dtype, look=True, seed=1):
    """Whether an exercise gives full marks to such difference quotients, if large probes are looked at."""
    probes = fresh(exercise, seed)
    questions = questions_of(exercise, probes)
    functions = {name: quotient(exercise, name, order, step, dtype) for name in questions.names}
    with np.errstate(all="ignore"):
        if not judge_answers(questions, run_answers(functions, questions.names, questions.probes)).passed:
            return False
        large = stretched(exercise, probes[0]) if look else []
        runs = run_answers(functions, questions.names, [at.reference.given for at in large])["functions"]
        return not any(loses_digits(runs[name]["runs"], large, name) for name in questions.names)


GRADIENTS = [name for name in course.IDS if name not in ("sgd-step", "hessian")]
QUICK = [("one-weight", 2, "one"), ("minibatch-sum", 2, "as the loss"), ("logistic", 8, "large")]


@pytest.mark.parametrize(("name", "order", "step"), QUICK)
def test_exercises_do_not_fall_to_difference_quotients(name, order, step):
    assert not falls(course.load(name), order, step, np.longdouble)
    assert falls(course.load(name), order, step, np.longdouble, look=False)  # the attack itself is good


@pytest.mark.slow
def test_at_most_one_exercise_falls_to_difference_quotients_of_any_step_order_or_dtype():
    fallen = {
        name
        for name in GRADIENTS
        for order, dtype in ((2, np.float64), (8, np.longdouble))
        for step in list(STEPS)[1:]
        if falls(course.load(name), order, step, dtype)
    }
    assert len(fallen) <= 1, fallen


def test_answers_in_less_than_float64_have_no_marks(tmp_path):
    right = "def grad_w(x, r): return x * r\ndef grad_b(r): return r\n"
    (tmp_path / "ada.py").write_text(right)
    (tmp_path / "bob.py").write_text(right.replace("return r\n", "return __import__('numpy').float32(r)\n"))
    first, second = grade(tmp_path, course.load("one-weight"), secret=b"key", quiet=True).results
    assert (first.score, second.score, second.codes) == (1, 0.5, ("grad_b: dtype",))
    assert "returns float32 where the inputs are float64" in second.message
