"""Batch normalisation after a bias: three paths, and a gradient that is zero whatever the data."""

import numpy as np

from npreg.exercises import Exercise, gradients, real


def batch_norm(X, b, gamma, beta, G):
    H = X + b
    mu = H.mean(axis=0)
    centred = H - mu
    var = np.mean(centred**2, axis=0)
    Hhat = centred / np.sqrt(var + 1e-5)
    out = gamma * Hhat + beta
    return np.sum(G * out)


exercise = Exercise(
    batch_norm,
    inputs={"X": real("n", "d"), "b": real("d"), "gamma": real("d"), "beta": real("d"), "G": real("n", "d")},
    answers=gradients("X", "b", "gamma", "beta"),
)
