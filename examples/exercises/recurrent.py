"""A recurrent step, unrolled three times: the same weights on three paths."""

import numpy as np

from npreg.exercises import Exercise, gradients, real


def recurrent(X, h0, W, U, v, y):
    h = h0
    for t in range(3):
        h = np.tanh(X[t] @ W + h @ U)
    r = h @ v - y
    return r**2 / 2


exercise = Exercise(
    recurrent,
    inputs={"X": real(3, "d"), "h0": real("h"), "W": real("d", "h"), "U": real("h", "h"), "v": real("h"), "y": real()},
    answers=gradients("W", "U", "v"),
)
