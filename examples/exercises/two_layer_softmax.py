"""Two layers and a softmax: four size letters, and integer labels that pick columns."""

import numpy as np

from npreg.exercises import Exercise, classes, gradients, real


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def two_layer_softmax(X, y, W1, b1, W2, b2):
    A = X @ W1 + b1
    H = np.maximum(0, A)
    Z = H @ W2 + b2
    P = softmax(Z)
    return -np.mean(np.log(P[np.arange(len(y)), y]))


exercise = Exercise(
    two_layer_softmax,
    inputs={
        "X": real("n", "d"),
        "y": classes("n", of="k"),
        "W1": real("d", "h"),
        "b1": real("h"),
        "W2": real("h", "k"),
        "b2": real("k"),
    },
    answers=gradients("W1", "b1", "W2", "b2"),
)
