"""Two layers: passing the derivative on to the layer below."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, real


def hidden_layer(X, y, W1, b1, w2, b2):
    A = X @ W1 + b1
    H = np.tanh(A)
    y_hat = H @ w2 + b2
    r = y_hat - y
    return np.mean(r**2 / 2)


data = {"X": real("n", "d"), "y": real("n")}
exercise = Exercise(
    hidden_layer,
    {**data, "W1": real("d", "h"), "b1": real("h"), "w2": real("h"), "b2": real()},
    gradients("W1", "b1", "w2", "b2"),
    title={"en": "One hidden layer", "zh": "一个隐藏层"},
    statement={
        "en": "A = XW1 + b1, H = tanh(A), y_hat = Hw2 + b2, and the loss is mean(r²)/2. Derive all four "
        "gradients, from the loss downwards: what reaches y_hat, what reaches H, what reaches A. Reusing "
        "the derivative of the layer above for the layer below is all that backpropagation is.",
        "zh": "A = XW1 + b1，H = tanh(A)，y_hat = Hw2 + b2，损失是 mean(r²)/2。从损失往下推导四个梯度：到达 "
        "y_hat、H、A 的各是什么。把上一层的导数用于下一层，这就是反向传播的全部内容。",
    },
    reading="hidden-layer",
)
