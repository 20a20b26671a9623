"""An exercise that cannot be judged is refused, with the step and the reason."""

from __future__ import annotations

import numpy as np
import pytest

from npreg.exercises import Exercise, UnusableFile, check, gradient, real
from npreg.exercises.course import IDS, load


def exercise(loss):
    return Exercise(
        lambda X, y, w: loss(X @ w - y),
        inputs={"X": real("n", "d"), "y": real("n"), "w": real("d")},
        answers={"grad_w": gradient("w")},
        id="mine",
    )


@pytest.mark.parametrize("identifier", IDS)
def test_the_course_can_be_used(identifier):
    program = load(identifier).program
    assert program.stopped is None
    assert not program.frozen


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        (lambda r: r, "must be a scalar; it has the shape ("),
        (lambda r: None, "end it with return"),
        (lambda r: 1.0, "depends on none of the inputs"),
        (lambda r: np.log(-(r @ r)), "the loss is nan, not a finite number"),
        (lambda r: r @ np.ones(4), "`lambda X, y, w: loss(X @ w - y),` (ValueError"),
        (lambda r: undefined(r), "(NameError"),  # noqa: F821
    ],
)
def test_a_program_that_cannot_be_differentiated_is_refused(loss, why):
    with pytest.raises(UnusableFile, match="exercise 'mine' cannot be used") as caught:
        check("def grad_w(X, r): return X.T @ r", exercise(loss))
    assert why in str(caught.value)
