"""Two layers: passing the derivative on to the layer below."""

import numpy as np

from npreg.exercises.forward.program import Exercise, gradient, real

exercise = Exercise(
    id="hidden-layer",
    inputs={
        "X": real("n", "d"),
        "y": real("n"),
        "W1": real("d", "h"),
        "b1": real("h"),
        "w2": real("h"),
        "b2": real(),
    },
    steps={
        "_XW1": lambda X, W1: X @ W1,
        "A": lambda _XW1, b1: _XW1 + b1,
        "H": lambda A: np.tanh(A),
        "_Hw2": lambda H, w2: H @ w2,
        "y_hat": lambda _Hw2, b2: _Hw2 + b2,
        "r": lambda y_hat, y: y_hat - y,
        "_half_square": lambda r: r**2 / 2,
        "loss": lambda _half_square: np.mean(_half_square),
    },
    answers={
        "grad_W1": gradient("W1"),
        "grad_b1": gradient("b1"),
        "grad_w2": gradient("w2"),
        "grad_b2": gradient("b2"),
    },
    title={"en": "One hidden layer", "zh": "一个隐藏层"},
    statement={
        "en": (
            "A = XW1 + b1, H = tanh(A), y_hat = Hw2 + b2, and the loss is mean(r²)/2. Derive all four "
            "gradients, from the loss downwards: what reaches y_hat, what reaches H, what reaches A. "
            "Reusing the derivative of the layer above for the layer below is all that backpropagation is."
        ),
        "zh": (
            "A = XW1 + b1，H = tanh(A)，y_hat = Hw2 + b2，"
            "损失是 mean(r²)/2。从损失往下推导四个梯度：到达 y_hat 的是什么，"
            "到达 H 的是什么，到达 A 的是什么。把上一层的导数用于下一层，这就是反向传播的全部内容。"
        ),
    },
    reading="hidden-layer",
)
