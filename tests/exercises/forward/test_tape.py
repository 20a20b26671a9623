"""The reverse sweep against derivatives of the whole program; steps that the complex step cannot take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npreg import differentiate
from npreg.exercises import Exercise, gradient, positive, real
from npreg.exercises.check import check
from npreg.exercises.course import IDS, load
from npreg.exercises.forward.probes import fresh
from npreg.exercises.forward.tape import Edits, record, value_of
from npreg.exercises.forward.verdict import is_right, reference


def whole_program(exercise, probe, wrt):
    """The loss as a function of one input, differentiated in one piece by npreg.differentiate."""

    return differentiate.gradient(exercise.function, exercise.named(probe), wrt)


@pytest.mark.parametrize("identifier", IDS)
def test_sweep_equals_the_derivative_of_the_whole_program(identifier):
    exercise = load(identifier)
    (probe,) = fresh(exercise, 5, 1)
    swept = record(exercise, probe).sweep()
    for wrt in exercise.wanted:
        np.testing.assert_allclose(swept[wrt], whole_program(exercise, probe, wrt), rtol=1e-10, atol=1e-12)


def test_hessian_is_the_derivative_of_the_gradient():
    exercise = load("hessian")
    (probe,) = fresh(exercise, 5, 1)
    found = value_of(exercise.answers["hessian_w"], record(exercise, probe))
    np.testing.assert_allclose(found, probe["X"].T @ probe["X"] / len(probe["X"]), rtol=1e-10)


LOSSES = {
    "abs": (lambda r: np.mean(np.abs(r)), "X.T @ np.sign(r) / len(X)", "np.sign(r).mean()"),
    "norm": (lambda r: np.linalg.norm(r), "X.T @ r / np.linalg.norm(r)", "r.sum() / np.linalg.norm(r)"),
    "maximum": (lambda r: np.sum(np.maximum(r, 0.0)), "X.T @ (r > 0)", "np.sum(r > 0) * 1.0"),
    "float": (lambda r: np.sum(np.array(r, dtype=float) ** 2), "2 * X.T @ r", "2 * r.sum()"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_steps_that_are_not_analytic_are_differentiated_all_the_same(name):
    """Under the complex step alone these would silently have the derivative zero, or raise."""
    loss, right_w, right_b = LOSSES[name]

    def whole(X, y, w, b):
        r = X @ w + b - y
        return loss(r)

    exercise = Exercise(
        whole,
        inputs={"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real()},
        answers={"grad_w": gradient("w"), "grad_b": gradient("b")},
    )
    source = f"import numpy as np\ndef grad_w(X, r): return {right_w}\ndef grad_b(r): return {right_b}\n"
    assert check(source, exercise, seed=0).passed
    wrong = source.replace("return", "return 2 *")
    assert [m.code for m in check(wrong, exercise, seed=0).answers[0].mistakes] == ["factor:2"]


def test_the_derivative_of_a_step_that_is_not_analytic_is_right():
    """np.abs, whose complex step is silently zero."""

    def loss(x, w):
        r = x * w - 1.0
        return np.sum(np.abs(r)) + np.linalg.norm(r)

    exercise = Exercise(loss, {"x": real("d"), "w": real("d")}, {"grad_w": gradient("w")})
    (probe,) = fresh(exercise, 0, 1)
    at = reference(exercise, probe)
    x, r = probe["x"], at.tape.values["r"]
    for norm, passes in ((np.linalg.norm(r), True), (2 * np.linalg.norm(r), False)):
        answer = x * (np.sign(r) + r / norm)
        assert bool(np.all(is_right(answer, at.right["grad_w"], at.terms["grad_w"]))) is passes


def test_edits_leave_the_tape_as_it_was():
    exercise = load("ridge")
    (probe,) = fresh(exercise, 5, 1)
    tape = record(exercise, probe)
    before = {name: value.copy() for name, value in tape.values.items()}
    edits = Edits(values=(("b", lambda value, tape: np.zeros_like(value)),))
    without_b = tape.edited(edits)
    assert not np.allclose(without_b.sweep()["w"], tape.sweep()["w"])
    for name, value in before.items():
        np.testing.assert_array_equal(tape.values[name], value)
    np.testing.assert_array_equal(tape.sweep()["w"], record(exercise, probe).sweep()["w"])


def test_a_planted_bug_in_the_sweep_is_seen():
    """A tape whose Jacobian is off by 1e-7 has a derivative that the verdict rejects."""
    exercise = load("minibatch-mean")
    (probe,) = fresh(exercise, 5, 1)
    at = reference(exercise, probe)
    jacobians = {edge: jacobian * (1 + 1e-7) for edge, jacobian in at.tape.jacobians.items()}
    planted = replace(at.tape, jacobians=jacobians).sweep()["w"]
    assert not np.any(is_right(planted, at.right["grad_w"], at.terms["grad_w"]))
    assert np.all(is_right(at.right["grad_w"], at.right["grad_w"], at.terms["grad_w"]))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"function": lambda w, q: w * q}, ValueError, "parameter 'q', which is no input"),
        ({"answers": {"grad_q": gradient("q")}}, ValueError, "no input"),
        ({"function": {"loss": lambda w, b: w * b}}, TypeError, "write its steps as the lines of a loss"),
        ({"steps": {"loss": lambda w, b: w * b}}, TypeError, "write its steps as the lines of a loss"),
    ],
)
def test_programs_that_cannot_work_are_refused(change, error, message):
    program = {
        "function": lambda w, b: w * b,
        "inputs": {"w": real(), "b": real(), "lam": positive()},
        "answers": {"grad_w": gradient("w")},
    }
    with pytest.raises(error, match=message):
        Exercise(**{**program, **change})
