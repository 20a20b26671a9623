"""A nonlinearity whose outputs depend on every input of the row."""

import numpy as np

from npreg.exercises.course.functions import softmax
from npreg.exercises.forward import Exercise, gradients, one_hot, real


def softmax_regression(X, Y, W, b):
    Z = X @ W + b
    P = softmax(Z)
    return -np.sum(Y * np.log(P)) / len(P)


exercise = Exercise(
    softmax_regression,
    {"X": real("n", "d"), "Y": one_hot("n", "k"), "W": real("d", "k"), "b": real("k")},
    gradients("W", "b"),
    id="softmax",
    title={"en": "Softmax regression", "zh": "Softmax 回归"},
    statement={
        "en": "Y holds one-hot rows, Z = XW + b, P is the softmax of every row of Z, and the loss is −Σ Y "
        "log P / n. Each entry of a row of P depends on every entry of that row of Z: the local derivative "
        "is a matrix per row. Derive the gradients in W and b. Nearly every classifier ends like this.",
        "zh": "Y 的每一行是 one-hot，Z = XW + b，P 是 Z 每一行的 softmax，损失是 −Σ Y log P / n。求梯度。P "
        "中一行的每个元素都依赖 Z 中该行的所有元素，所以每一行的局部导数是一个矩阵，而不是逐元素的数。几乎所"
        "有分类器的最后一层都是它。",
    },
    reading="softmax",
)
