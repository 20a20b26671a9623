"""An exercise of one's own: Poisson regression. The forward computation is all there is to write.

npreg start my_exercise.py        writes the students' file
npreg check poisson.py            judges it
npreg prove my_exercise.py        shows that the probes tell the known mistakes apart
"""

import numpy as np

from npreg.exercises import Exercise, Input, OwnMistake, gradient, real

pearson = OwnMistake(
    answer="grad_w",
    code="pearson-residual",
    function=lambda X, y, mu: X.T @ ((mu - y) / np.sqrt(mu)) / len(y),
    message={
        "en": "You weighted the residuals by their standard deviation. That is the Pearson residual, which "
        "diagnoses a fitted model; the derivative of this loss does not hold it.",
        "zh": "你用标准差给残差加了权。那是用来诊断已拟合模型的 Pearson 残差；这个损失的导数里没有它。",
    },
)


def poisson(X, y, w, b):
    z = X @ w + b
    mu = np.exp(z)
    return np.mean(mu - y * z)


exercise = Exercise(
    poisson,
    inputs={
        "X": real("n", "d"),
        "y": Input(("n",), lambda rng, shape: 1.0 + rng.poisson(2.0, shape)),
        "w": real("d"),
        "b": real(),
    },
    answers={"grad_w": gradient("w"), "grad_b": gradient("b")},
    title={"en": "Poisson regression", "zh": "泊松回归"},
    statement={
        "en": "y are counts. The model expects mu = exp(z) of them, where z = Xw + b; the loss is the mean "
        "of mu − y·z, the negative log-likelihood without its constant. Derive both gradients.",
        "zh": "y 是计数。模型预期的计数为 mu = exp(z)，其中 z = Xw + b；损失是 mu − y·z 的平均值，"
        "即去掉常数的负对数似然。求两个梯度。",
    },
    mistakes=(pearson,),
)

if __name__ == "__main__":
    print(__doc__)
