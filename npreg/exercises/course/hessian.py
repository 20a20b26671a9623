"""The second derivative: how steep the bowl is."""

import numpy as np

from npreg.exercises.forward import Exercise, hessian, real


def averaged_loss(X, y, w, b):
    y_hat = X @ w + b
    r = y_hat - y
    return np.mean(r**2 / 2)


exercise = Exercise(
    averaged_loss,
    {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real()},
    {"hessian_w": hessian("w")},
    id="hessian",
    title={"en": "The Hessian of the averaged loss", "zh": "平均损失的 Hessian 矩阵"},
    statement={
        "en": "Take the gradient in w of mean(r²)/2 and differentiate it in w once more: the result is a "
        "matrix (d, d). Which of the inputs does it still depend on? Its largest eigenvalue decides the "
        "largest learning rate with which gradient descent converges.",
        "zh": "把 mean(r²)/2 对 w 的梯度再对 w 求一次导：结果是 (d, d) 的矩阵。它还依赖哪些输入？它的最大特"
        "征值决定了梯度下降能收敛的最大学习率。",
    },
    reading="hessian",
)
