"""From gradient to new parameters: one step of minibatch SGD."""

import numpy as np

from npreg.exercises.forward import Exercise, count, positive, real, update


def loss(X, y, w, b):
    y_hat = X @ w + b
    r = y_hat - y
    return np.sum(r**2 / 2)


exercise = Exercise(
    loss,
    {
        "X": real("n", "d"),
        "y": real("n"),
        "w": real("d"),
        "b": real(),
        "lr": positive(),
        "batch_size": count(),
    },
    {
        "new_w": update("w", lambda w, grad_w, lr, batch_size: w - lr / batch_size * grad_w),
        "new_b": update("b", lambda b, grad_b, lr, batch_size: b - lr / batch_size * grad_b),
    },
    id="sgd-step",
    title={"en": "One step of minibatch SGD", "zh": "小批量 SGD 的一步"},
    statement={
        "en": "The gradients are those of the summed loss Σ r²/2 over the rows given. One step takes from "
        "every parameter lr/batch_size times its gradient. Return the new w and the new b; leave the "
        "old ones as they are. batch_size is the nominal size and need not be the number of rows: the "
        "last batch of an epoch may be short, and every row should still have the same weight.",
        "zh": "梯度是给定各行上求和损失 Σ r²/2 的梯度。一步更新从每个参数减去 lr/batch_size 乘以它的梯度。返"
        "回新的 w 和新的 b，原来的不要改动。batch_size 是名义批量大小，不一定等于行数：一个 epoch 的最"
        "后一批可能较短，而每一行的权重仍应相同。",
    },
    reading="sgd",
)
