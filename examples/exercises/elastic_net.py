"""Elastic net: two penalties with settings of different sizes, one of them with a kink at zero."""

import numpy as np

from npreg.exercises import Exercise, fraction, gradients, positive, real


def elastic_net(X, y, w, b, alpha, ratio):
    r = X @ w + b - y
    data = np.mean(r**2) / 2
    lasso = alpha * ratio * np.sum(np.abs(w))
    ridge = alpha * (1 - ratio) / 2 * np.sum(w**2)
    return data + lasso + ridge


exercise = Exercise(
    elastic_net,
    inputs={
        "X": real("n", "d"),
        "y": real("n"),
        "w": real("d"),
        "b": real(),
        "alpha": positive(low=0.01, high=0.2),
        "ratio": fraction(),
    },
    answers=gradients("w", "b"),
)
