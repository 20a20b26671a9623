"""Statistics of the row itself: one input, three paths."""

import numpy as np

from npreg.exercises.forward import Exercise, gradient, real


def loss(X, gamma, beta, G):
    mu = np.mean(X, axis=1, keepdims=True)
    var = np.mean((X - mu) ** 2, axis=1, keepdims=True)
    Xhat = (X - mu) / np.sqrt(var + 1e-5)
    out = gamma * Xhat + beta
    return np.sum(G * out)


exercise = Exercise(
    loss,
    {"X": real("n", "d"), "gamma": real("d"), "beta": real("d"), "G": real("n", "d")},
    {"grad_X": gradient("X"), "grad_gamma": gradient("gamma"), "grad_beta": gradient("beta")},
    id="layer-norm",
    title={"en": "Layer normalisation", "zh": "层归一化"},
    statement={
        "en": "Every row of X is centred by its mean mu and divided by sqrt(var + 1e-5), with var the row's "
        "variance (divided by d): that is Xhat. Then out = gamma·Xhat + beta. G is the derivative "
        "that arrives from above, so the loss is Σ G·out. Derive the gradients in X, gamma and beta. "
        "X reaches the result directly, through mu and through var; all three paths count.",
        "zh": "X 的每一行减去均值 mu，再除以 sqrt(var + 1e-5)，其中 var 是该行的方差（除以 d），得到 Xhat；"
        "然后 out = gamma·Xhat + beta。G 是上层传来的导数，所以损失是 Σ G·out。求对 X、gamma 和 beta "
        "的梯度。X 直接、通过 mu、通过 var 三条路径影响结果，三条都要算。",
    },
    reading="layer-norm",
)
