"""Columns against flat vectors: the accident of (n, 1) minus (n,)."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, real


def column_vectors(X, y, w, b):
    y_hat = X @ w + b
    r = y_hat - y[:, None]
    return np.sum(r**2 / 2)


exercise = Exercise(
    column_vectors,
    {"X": real("n", "d"), "y": real("n"), "w": real("d", 1), "b": real(1)},
    gradients("w", "b"),
    title={"en": "Column vectors", "zh": "列向量"},
    statement={
        "en": "The weights are a column (d, 1) and the bias has shape (1,), as in many notebooks, so that "
        "y_hat is (n, 1) while y is (n,). The residual r is a column (n, 1): y must become a column before "
        "it is subtracted. The loss is the sum of r²/2. Derive the gradients as a column (d, 1) and as "
        "(1,). Subtracting (n,) from (n, 1) silently gives (n, n), and training then runs without an error "
        "and learns the wrong thing.",
        "zh": "权重是列向量 (d, 1)，偏置的形状是 (1,)，许多笔记本都这样写；于是 y_hat 是 (n, 1)，而 y 是 (n,"
        ")。残差 r 是列向量 (n, 1)：相减之前要先把 y 变成列。损失是 r²/2 之和。求形状为 (d, 1) 和 (1,) 的梯"
        "度。(n, 1) 减 (n,) 会悄悄得到 (n, n)，训练不会报错，学到的却是错的。",
    },
    reading="column-vectors",
)
