"""Statistics of the row itself: one input, three paths."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, real


def layer_norm(X, gamma, beta, G):
    mu = np.mean(X, axis=1, keepdims=True)
    var = np.mean((X - mu) ** 2, axis=1, keepdims=True)
    Xhat = (X - mu) / np.sqrt(var + 1e-5)
    out = gamma * Xhat + beta
    return np.sum(G * out)


exercise = Exercise(
    layer_norm,
    {"X": real("n", "d"), "gamma": real("d"), "beta": real("d"), "G": real("n", "d")},
    gradients("X", "gamma", "beta"),
    title={"en": "Layer normalisation", "zh": "层归一化"},
    statement={
        "en": "Every row of X is centred by its mean mu and divided by sqrt(var + 1e-5), var being the "
        "row's variance (divided by d): that is Xhat. Then out = gamma·Xhat + beta. G arrives from above, "
        "so the loss is Σ G·out. Derive the gradients. X acts directly, through mu and through var.",
        "zh": "X 的每一行减去均值 mu，再除以 sqrt(var + 1e-5)，其中 var 是该行的方差（除以 d），得到 Xhat；"
        "然后 out = gamma·Xhat + beta。G 是上层传来的导数，所以损失是 Σ G·out。求对 X、gamma 和 beta 的梯度。"
        "X 直接、通过 mu、通过 var 三条路径影响结果，三条都要算。",
    },
    reading="layer-norm",
)
