"""tests/q1.py: a point for each derivative of the exercise `ridge`; the student's cell defines grad_w and grad_b."""

OK_FORMAT = False
name = "q1"
points = 2

from otter.test_files import test_case

from npreg.exercises import check


@test_case(points=1)
def test_grad_w(env, grad_w):
    check({"grad_w": grad_w, "grad_b": env.get("grad_b")}, "ridge").answers[
        0
    ].raise_if_wrong()


@test_case(points=1)
def test_grad_b(env, grad_b):
    check({"grad_w": env.get("grad_w"), "grad_b": grad_b}, "ridge").answers[
        1
    ].raise_if_wrong()
