"""A batch of examples: the transpose that adds up their gradients."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, real


def minibatch_sum(X, y, w, b):
    y_hat = X @ w + b
    r = y_hat - y
    return np.sum(r**2 / 2)


exercise = Exercise(
    minibatch_sum,
    {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real()},
    gradients("w", "b"),
    title={"en": "A minibatch, losses summed", "zh": "小批量，损失求和"},
    statement={
        "en": "X has one example per row, y_hat = Xw + b, r = y_hat − y, and the loss is the sum of r²/2 "
        "over the rows. Derive the gradients in w and b as sums over the examples, then write the sum for w "
        "as one matrix product. This is the gradient that minibatch SGD adds up before it divides by the "
        "batch size.",
        "zh": "X 的每一行是一个样本，y_hat = Xw + b，r = y_hat − y，损失是各行 r²/2 之和。把对 w 和 b 的梯度"
        "写成对样本的求和，再把 w 的求和写成一个矩阵乘积。这正是小批量 SGD 在除以批量大小之前累加的梯度。",
    },
    reading="minibatch",
)
