"""Several outputs: the gradient becomes a matrix."""

import numpy as np

from npreg.exercises.forward import Exercise, gradients, real


def several_outputs(X, Y, W, b):
    Y_hat = X @ W + b
    R = Y_hat - Y
    return np.sum(R**2) / (2 * len(R))


exercise = Exercise(
    several_outputs,
    {"X": real("n", "d"), "Y": real("n", "k"), "W": real("d", "k"), "b": real("k")},
    gradients("W", "b"),
    title={"en": "Several outputs at once", "zh": "同时预测多个输出"},
    statement={
        "en": "Each example has k targets: Y_hat = XW + b with W of shape (d, k), R = Y_hat − Y, and the "
        "loss is the sum of R² over rows and outputs, divided by 2n. Derive the gradients, shapes (d, k) "
        "and (k,). Every dense layer of a network is differentiated exactly like this.",
        "zh": "每个样本有 k 个目标：Y_hat = XW + b，W 的形状是 (d, k)，R = Y_hat − Y，损失是 R² 对行和输出求"
        "和再除以 2n。求形状为 (d, k) 和 (k,) 的梯度。网络中每个全连接层都是这样求导的。",
    },
    reading="several-outputs",
)
