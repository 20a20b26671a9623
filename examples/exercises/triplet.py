"""The triplet loss: an anchor shall be nearer to the positive than to the negative, by a margin."""

import numpy as np

from npreg.exercises import Exercise, gradients, positive, real


def triplet(A, P, N, margin):
    near = np.sum((A - P) ** 2, axis=1)
    far = np.sum((A - N) ** 2, axis=1)
    rows = np.maximum(0, near - far + margin)
    return np.mean(rows)


exercise = Exercise(
    triplet,
    inputs={"A": real("n", "d"), "P": real("n", "d"), "N": real("n", "d"), "margin": positive()},
    answers=gradients("A", "P", "N"),
)
