"""A loss with two branches: differentiate each, keep the threshold."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, positive, real


def huber(X, y, w, b, delta):
    y_hat = X @ w + b
    r = y_hat - y
    rho = np.where(np.abs(r) <= delta, r**2 / 2, delta * (np.abs(r) - delta / 2))
    return np.mean(rho)


exercise = Exercise(
    huber,
    {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real(), "delta": positive()},
    gradients("w", "b"),
    title={"en": "Huber loss", "zh": "Huber 损失"},
    statement={
        "en": "Small residuals count as r²/2, residuals larger than delta in absolute value as delta·(|r| − "
        "delta/2); the loss is the mean of this rho. Derive both gradients, branch by branch: what is the "
        "derivative of |r|, and which rows belong to which branch? An outlier then pulls with a bounded "
        "force, which is why robust regression uses this loss.",
        "zh": "小残差按 r²/2 计，绝对值大于 delta 的残差按 delta·(|r| − delta/2) 计；损失是 rho 的平均值。分"
        "段求两个梯度：|r| 的导数是什么，哪些行属于哪一段？离群点的拉力有界，稳健回归因此用它。",
    },
    reading="huber",
)
