"""The mean instead of the sum: where the 1/n goes."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, real


def minibatch_mean(X, y, w, b):
    y_hat = X @ w + b
    r = y_hat - y
    return np.mean(r**2 / 2)


exercise = Exercise(
    minibatch_mean,
    {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real()},
    gradients("w", "b"),
    title={"en": "A minibatch, losses averaged", "zh": "小批量，损失取平均"},
    statement={
        "en": "The same prediction and residual, but the loss is the mean of r² divided by 2. Derive both "
        "gradients. Whether a batch is summed or averaged decides how the learning rate must change with "
        "the batch size, and a forgotten or doubled division is the most common mistake of all.",
        "zh": "预测和残差不变，但损失是 r² 的平均值再除以 2。求两个梯度。对批量求和还是取平均，决定了学习率"
        "要不要随批量大小改变；漏掉或多做一次除法是最常见的错误。",
    },
    reading="minibatch",
)
