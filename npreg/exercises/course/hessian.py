"""The second derivative: how steep the bowl is."""

import numpy as np

from npreg.exercises.forward.program import Exercise, hessian, real

exercise = Exercise(
    id="hessian",
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
        "_half_square": lambda r: r**2 / 2,
        "loss": lambda _half_square: np.mean(_half_square),
    },
    answers={
        "hessian_w": hessian("w"),
    },
    title={"en": "The Hessian of the averaged loss", "zh": "平均损失的 Hessian 矩阵"},
    statement={
        "en": (
            "Take the gradient in w of mean(r²)/2 and differentiate it in w once more: the result is a "
            "matrix (d, d). Which of the inputs does it still depend on? Its largest eigenvalue decides "
            "the largest learning rate with which gradient descent converges."
        ),
        "zh": (
            "把 mean(r²)/2 对 w 的梯度再对 w 求一次导：结果是 (d, d) 的矩阵。"
            "它还依赖哪些输入？它的最大特征值决定了梯度下降能收敛的最大学习率。"
        ),
    },
    reading="hessian",
)
