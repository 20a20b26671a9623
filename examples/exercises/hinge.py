"""The multiclass hinge loss with integer labels; the answer returns the loss and its gradient together."""

import numpy as np

from npreg.exercises import Exercise, classes, gradient, positive, real, value


def hinge(W, X, y, reg):
    S = X @ W
    correct = S[np.arange(len(y)), y]
    M = np.maximum(0, S - correct[:, None] + 1)
    M[np.arange(len(y)), y] = 0
    data = np.sum(M) / len(y)
    penalty = reg * np.sum(W**2)
    return data + penalty


exercise = Exercise(
    hinge,
    inputs={"W": real("d", "k"), "X": real("n", "d"), "y": classes("n", of="k"), "reg": positive()},
    answers={"hinge_loss": (value(), gradient("W"))},
)
