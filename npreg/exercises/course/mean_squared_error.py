"""Without the ½: the factor that the square leaves behind."""

import numpy as np

from npreg.exercises.forward.program import Exercise, gradient, real

exercise = Exercise(
    id="mean-squared-error",
    inputs={
        "X": real("n", "d"),
        "y": real("n"),
        "w": real("d"),
        "b": real(),
    },
    steps={
        "_Xw": lambda X, w: X @ w,
        "y_hat": lambda _Xw, b: _Xw + b,
        "r": lambda y_hat, y: y_hat - y,
        "_square": lambda r: r**2,
        "loss": lambda _square: np.mean(_square),
    },
    answers={
        "grad_w": gradient("w"),
        "grad_b": gradient("b"),
    },
    title={"en": "Mean squared error", "zh": "均方误差"},
    statement={
        "en": (
            "The loss is the plain mean of r², without the ½. Derive both gradients and keep track of the "
            "factor that the square leaves behind. Libraries differ in this convention; a learning rate "
            "that works with one of them is twice too large with the other."
        ),
        "zh": (
            "损失是 r² 的平均值，没有 ½。求两个梯度，注意平方求导留下的系数。不同的库约定不同："
            "在一种约定下合适的学习率，在另一种约定下会大一倍。"
        ),
    },
    reading="squared-loss",
)
