"""A one-dimensional convolution of a batch of signals with three-tap filters: rank 3."""

import numpy as np

from npreg.exercises import Exercise, gradients, real


def convolution(X, K, b):
    windows = np.stack([X[:, i : X.shape[1] - 2 + i] for i in range(3)], axis=2)
    out = np.einsum("nti,ki->ntk", windows, K) + b
    H = np.tanh(out)
    return np.sum(H**2) / 2


exercise = Exercise(
    convolution, inputs={"X": real("n", "t"), "K": real("k", 3), "b": real("k")}, answers=gradients("X", "K", "b")
)
