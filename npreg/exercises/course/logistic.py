"""Another loss and a nonlinearity: what cancels."""

import numpy as np

from npreg.exercises.course.functions import sigmoid
from npreg.exercises.forward import Exercise, gradients, labels, real


def logistic(X, y, w, b):
    z = X @ w + b
    p = sigmoid(z)
    return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))


exercise = Exercise(
    logistic,
    {"X": real("n", "d"), "y": labels("n"), "w": real("d"), "b": real()},
    gradients("w", "b"),
    title={"en": "Logistic regression", "zh": "逻辑回归"},
    statement={
        "en": "The labels y are 0 or 1, z = Xw + b, p is the logistic function of z, and the loss is the "
        "mean of −y log p − (1 − y) log(1 − p). Derive both gradients through p; most of it cancels in the "
        "end. The short result is the reason why this loss belongs to this function, and why classification "
        "trains like regression.",
        "zh": "标签 y 为 0 或 1，z = Xw + b，p 是 z 的 logistic 函数，损失是 −y log p − (1 − y) log(1 − p) "
        "的平均值。经过 p 求两个梯度；最后大部分会消去。结果之简短说明了为什么这个损失配这个函数，也说明了为"
        "什么分类的训练与回归相似。",
    },
    reading="logistic",
)
