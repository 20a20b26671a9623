"""Where one word says it, no list of mistakes is given."""

from __future__ import annotations

import pytest

from npreg.exercises import check

TYPED_IN = """
x, y, w, b = 2.0, 5.0, 1.5, 0.5
def grad_w():
    return x * (w * x + b - y)
def grad_b(x, y, w, b):
    return w * x + b - y
"""
ELEMENTWISE = """
def grad_w(x, y, w, b):
    return (x * w + b - y) * x
def grad_b(x, y, w, b):
    return x * w + b - y
"""


@pytest.mark.parametrize(
    ("source", "exercise", "name", "code"),
    [(TYPED_IN, "one-weight", "grad_w", "global-or-hardcoded"), (ELEMENTWISE, "one-example", "grad_b", "elementwise")],
)
def test_one_word(source, exercise, name, code):
    (answer,) = [a for a in check(source, exercise, seed=0, seconds=0).answers if a.name == name]
    assert [mistake.code for mistake in answer.mistakes] == [code]
