"""A sum of two terms: the derivative of a penalty."""

import numpy as np

from npreg.exercises.forward.program import Exercise, gradient, positive, real

exercise = Exercise(
    id="ridge",
    inputs={
        "X": real("n", "d"),
        "y": real("n"),
        "w": real("d"),
        "b": real(),
        "lam": positive(),
    },
    steps={
        "_Xw": lambda X, w: X @ w,
        "y_hat": lambda _Xw, b: _Xw + b,
        "r": lambda y_hat, y: y_hat - y,
        "_half_square": lambda r: r**2 / 2,
        "data": lambda _half_square: np.mean(_half_square),
        "_w_square": lambda w: w**2,
        "penalty": lambda _w_square, lam: lam / 2 * np.sum(_w_square),
        "loss": lambda data, penalty: data + penalty,
    },
    answers={
        "grad_w": gradient("w"),
        "grad_b": gradient("b"),
    },
    title={"en": "Ridge: a penalty on the weights", "zh": "岭回归：对权重的惩罚"},
    statement={
        "en": (
            "The loss has two terms: data = mean(r²)/2 and penalty = lam/2 times the sum of w². The "
            "weights reach the loss on two paths, and the derivative is the sum over both. Derive both "
            "gradients; think about whether the bias is penalised. Weight decay in every optimiser is this "
            "second term."
        ),
        "zh": (
            "损失由两项组成：data = mean(r²)/2，"
            "penalty = lam/2 乘以 w² 之和。权重通过两条路径进入损失，导数是两条路径之和。"
            "求两个梯度；想一想偏置是否受惩罚。各种优化器里的权重衰减就是这第二项。"
        ),
    },
    reading="ridge",
)
