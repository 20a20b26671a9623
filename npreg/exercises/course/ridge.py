"""A sum of two terms: the derivative of a penalty."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, positive, real


def ridge(X, y, w, b, lam):
    y_hat = X @ w + b
    r = y_hat - y
    data = np.mean(r**2 / 2)
    penalty = lam / 2 * np.sum(w**2)
    return data + penalty


exercise = Exercise(
    ridge,
    {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real(), "lam": positive()},
    gradients("w", "b"),
    title={"en": "Ridge: a penalty on the weights", "zh": "岭回归：对权重的惩罚"},
    statement={
        "en": "The loss has two terms: data = mean(r²)/2 and penalty = lam/2 times the sum of w². The "
        "weights reach the loss on two paths, and the derivative is the sum over both. Derive both "
        "gradients; think about whether the bias is penalised. Weight decay in every optimiser is this "
        "second term.",
        "zh": "损失由两项组成：data = mean(r²)/2，penalty = lam/2 乘以 w² 之和。权重通过两条路径进入损失，导"
        "数是两条路径之和。求两个梯度；想一想偏置是否受惩罚。各种优化器里的权重衰减就是这第二项。",
    },
    reading="ridge",
)
