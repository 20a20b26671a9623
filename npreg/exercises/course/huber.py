"""A loss with two branches: differentiate each, keep the threshold."""

import numpy as np

from npreg.exercises.forward.program import Exercise, gradient, positive, real

exercise = Exercise(
    id="huber",
    inputs={
        "X": real("n", "d"),
        "y": real("n"),
        "w": real("d"),
        "b": real(),
        "delta": positive(),
    },
    steps={
        "_Xw": lambda X, w: X @ w,
        "y_hat": lambda _Xw, b: _Xw + b,
        "r": lambda y_hat, y: y_hat - y,
        "_abs": lambda r: np.where(r > 0, r, -r),
        "_small": lambda _abs, delta: _abs <= delta,
        "_quadratic": lambda r: r**2 / 2,
        "_linear": lambda _abs, delta: delta * (_abs - delta / 2),
        "rho": lambda _small, _quadratic, _linear: np.where(_small, _quadratic, _linear),
        "loss": lambda rho: np.mean(rho),
    },
    answers={
        "grad_w": gradient("w"),
        "grad_b": gradient("b"),
    },
    title={"en": "Huber loss", "zh": "Huber 损失"},
    statement={
        "en": (
            "Small residuals count as r²/2, residuals larger than delta in absolute value as delta·(|r| − "
            "delta/2); the loss is the mean of this rho. Derive both gradients, branch by branch: what is "
            "the derivative of |r|, and which rows belong to which branch? An outlier then pulls with a "
            "bounded force, which is why robust regression uses this loss."
        ),
        "zh": (
            "小残差按 r²/2 计，"
            "绝对值大于 delta 的残差按 delta·(|r| − delta/2) 计；"
            "损失是 rho 的平均值。分段求两个梯度：|r| 的导数是什么，哪些行属于哪一段？"
            "这样离群点的拉力有界，稳健回归因此使用这个损失。"
        ),
    },
    reading="huber",
)
