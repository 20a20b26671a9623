"""A loss with a corner: different slopes above and below."""

import numpy as np

from npreg.exercises.forward import Exercise, fraction, gradients, real


def quantile(X, y, w, b, tau):
    y_hat = X @ w + b
    e = y - y_hat
    rho = np.where(e > 0, tau * e, (tau - 1) * e)
    return np.mean(rho)


exercise = Exercise(
    quantile,
    {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real(), "tau": fraction()},
    gradients("w", "b"),
    title={"en": "Quantile (pinball) loss", "zh": "分位数（pinball）损失"},
    statement={
        "en": "Here e = y − y_hat, with the opposite sign of the residual so far, and rho is the larger of "
        "tau·e and (tau − 1)·e; the loss is its mean. Derive both gradients; mind the sign that e brings "
        "along. Minimising this loss estimates the tau-quantile of y instead of its mean. Where e is "
        "exactly zero any slope between the two is right.",
        "zh": "这里 e = y − y_hat，与前面的残差符号相反；rho 取 tau·e 与 (tau − 1)·e 中较大者，损失是它的平"
        "均值。求两个梯度，注意 e 带来的符号。最小化这个损失估计的是 y 的 tau 分位数，而不是均值。在 e 恰好"
        "为零处，两个斜率之间的任何值都是对的。",
    },
    reading="quantile",
)
