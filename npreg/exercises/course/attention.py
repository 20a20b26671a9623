"""Products of products: queries, keys and values."""

import numpy as np

from npreg.exercises.course.functions import softmax
from npreg.exercises.forward import Exercise, gradients, real


def attention(Q, K, V, G):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    P = softmax(S)
    O = P @ V
    return np.sum(G * O)


exercise = Exercise(
    attention,
    {"Q": real("n", "d"), "K": real("n", "d"), "V": real("n", "d"), "G": real("n", "d")},
    gradients("Q", "K", "V"),
    title={"en": "Attention", "zh": "注意力"},
    statement={
        "en": "S = QKᵀ/√d, P is the softmax of every row of S, O = PV. G is the derivative that arrives "
        "from above, so the loss is Σ G·O. Derive the gradients in Q, K and V: first V, then what reaches "
        "P, S, and at last Q and K. Mind which matrix is transposed, and √d in the chain.",
        "zh": "S = QKᵀ/√d，P 是 S 每一行的 softmax，O = PV。G 是上层传来的导数，所以损失是 Σ G·O。求对 Q、K、"
        "V 的梯度：先求 V，再求到达 P 和 S 的导数，最后是 Q 和 K。注意哪个矩阵要转置，别丢了 √d。",
    },
    reading="attention",
)
