"""From gradient to new parameters: one step of minibatch SGD."""

import numpy as np

from npreg.exercises.forward.program import Exercise, count, positive, real, update

exercise = Exercise(
    id="sgd-step",
    inputs={
        "X": real("n", "d"),
        "y": real("n"),
        "w": real("d"),
        "b": real(),
        "lr": positive(),
        "batch_size": count(),
    },
    steps={
        "_Xw": lambda X, w: X @ w,
        "y_hat": lambda _Xw, b: _Xw + b,
        "r": lambda y_hat, y: y_hat - y,
        "_half_square": lambda r: r**2 / 2,
        "loss": lambda _half_square: np.sum(_half_square),
    },
    answers={
        "new_w": update("w", lambda w, grad_w, lr, batch_size: w - lr / batch_size * grad_w),
        "new_b": update("b", lambda b, grad_b, lr, batch_size: b - lr / batch_size * grad_b),
    },
    title={"en": "One step of minibatch SGD", "zh": "小批量 SGD 的一步"},
    statement={
        "en": (
            "The gradients are those of the summed loss Σ r²/2 over the rows given. One step takes from "
            "every parameter lr/batch_size times its gradient. Return the new w and the new b; leave the "
            "old ones as they are. batch_size is the nominal size and need not be the number of rows: the "
            "last batch of an epoch may be short, and every row should still have the same weight."
        ),
        "zh": (
            "梯度是给定各行上求和损失 Σ r²/2 的梯度。"
            "一步更新从每个参数减去 lr/batch_size 乘以它的梯度。返回新的 w 和新的 b，"
            "原来的不要改动。batch_size 是名义批量大小，不一定等于行数："
            "一个 epoch 的最后一批可能较短，而每一行的权重仍应相同。"
        ),
    },
    reading="sgd",
)
