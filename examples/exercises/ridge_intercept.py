"""Ridge with the intercept as the first entry of theta, for a column of ones, and not penalised."""

import numpy as np

from npreg.exercises import Exercise, Input, gradient, positive, real


def ones_first(rng, shape):
    return np.c_[np.ones(shape[0]), rng.uniform(-1.5, 1.9, (shape[0], shape[1] - 1))]


def ridge_intercept(X, y, theta, alpha):
    r = X @ theta - y
    data = np.mean(r**2)
    slopes = theta[1:]
    penalty = alpha * np.sum(slopes**2)
    return data + penalty


exercise = Exercise(
    ridge_intercept,
    inputs={"X": Input(("n", "p"), ones_first), "y": real("n"), "theta": real("p"), "alpha": positive()},
    answers={"grad_theta": gradient("theta")},
)
