"""Small whole-number examples: they show the mistake, are the smallest, and do not tell the right value."""

from __future__ import annotations

import numpy as np
import pytest

from npreg.exercises.by_hand import by_hand
from npreg.exercises.course import IDS, load
from npreg.exercises.forward.verdict import reference

QUICK = ("one-weight", "ridge", "several-outputs", "sgd-step", "hessian")
WRONG = """
def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y)

def grad_b(r):
    return r.mean()
"""


def test_the_example_is_the_smallest_that_shows_a_missing_mean():
    example, fine = by_hand(WRONG, load("minibatch-mean"))
    assert example.answer == "grad_w"
    assert example.sizes == {"n": 2, "d": 2}
    assert fine.yours is None
    assert all(np.all(value == np.rint(value)) for value in example.inputs.values())


def test_the_text_shows_the_inputs_and_the_students_value_only():
    exercise = load("minibatch-mean")
    (example,) = by_hand(WRONG, exercise, ["grad_w"])
    right = reference(exercise, example.inputs).right["grad_w"]
    said = example.text()
    assert "(n = 2, d = 2)" in said
    shown, told = (", ".join(f"{entry:g}" for entry in value) for value in (example.yours, right))
    assert f"Your `grad_w` gives [{shown}] there." in said
    assert told not in said.splitlines()[-1]
    for name in exercise.inputs:
        assert f"    {name} = " in said
    assert "手算" in example.text("zh")


@pytest.mark.parametrize(
    "identifier", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in IDS]
)
def test_every_exercise_has_a_small_example_for_twice_the_right_value(identifier):
    exercise = load(identifier)

    def doubled(name):
        def answer(**inputs):
            return 2 * reference(exercise, {key: inputs[key] for key in exercise.inputs}).right[name]

        return answer

    examples = by_hand({name: doubled(name) for name in exercise.answers}, exercise)
    for example in examples:
        right = reference(exercise, example.inputs).right[example.answer]
        np.testing.assert_allclose(example.yours, 2 * right)
        assert max(example.sizes.values(), default=1) <= 3


def test_a_kink_is_not_held_against_a_subgradient():
    source = "import numpy as np\ndef grad_b(X, e, tau): return -np.where(e >= 0, tau, tau - 1).mean()"
    (example,) = by_hand(source, load("quantile"), ["grad_b"])
    assert example.yours is None


def test_nothing_to_show_where_the_function_returns_nothing():
    (example,) = by_hand("def grad_w(x): pass", load("one-weight"), ["grad_w"])
    assert example.yours is None
    assert "no example" in example.text()


def test_an_answer_of_the_wrong_shape_is_shown_where_its_numbers_differ():
    source = "def grad_w(X, r): return r.mean()\ndef grad_b(r): return r.mean()"
    exercise = load("minibatch-mean")
    (example,) = by_hand(source, exercise, ["grad_w"])
    right = reference(exercise, example.inputs).right["grad_w"]
    assert not np.allclose(example.yours, right)
