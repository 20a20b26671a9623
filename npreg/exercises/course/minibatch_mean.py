"""The mean instead of the sum: where the 1/n goes."""

import numpy as np

from npreg.exercises.forward.program import Exercise, gradient, real

exercise = Exercise(
    id="minibatch-mean",
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
        "grad_w": gradient("w"),
        "grad_b": gradient("b"),
    },
    title={"en": "A minibatch, losses averaged", "zh": "小批量，损失取平均"},
    statement={
        "en": (
            "The same prediction and residual, but the loss is the mean of r² divided by 2. Derive both "
            "gradients. Whether a batch is summed or averaged decides how the learning rate must change "
            "with the batch size, and a forgotten or doubled division is the most common mistake of all."
        ),
        "zh": (
            "预测和残差不变，但损失是 r² 的平均值再除以 2。求两个梯度。对批量求和还是取平均，"
            "决定了学习率要不要随批量大小改变；漏掉或多做一次除法是最常见的错误。"
        ),
    },
    reading="minibatch",
)
