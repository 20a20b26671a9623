"""Without the ½: the factor that the square leaves behind."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, real


def mean_squared_error(X, y, w, b):
    y_hat = X @ w + b
    r = y_hat - y
    return np.mean(r**2)


exercise = Exercise(
    mean_squared_error,
    {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real()},
    gradients("w", "b"),
    title={"en": "Mean squared error", "zh": "均方误差"},
    statement={
        "en": "The loss is the plain mean of r², without the ½. Derive both gradients and keep track of the "
        "factor that the square leaves behind. Libraries differ in this convention; a learning rate that "
        "works with one of them is twice too large with the other.",
        "zh": "损失是 r² 的平均值，没有 ½。求两个梯度，注意平方求导留下的系数。不同的库约定不同：在一种约定"
        "下合适的学习率，在另一种约定下会大一倍。",
    },
    reading="squared-loss",
)
