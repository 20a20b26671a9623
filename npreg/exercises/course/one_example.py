"""A vector of weights: the derivative has the shape of what it is taken in."""

from npreg.exercises.forward import Exercise, gradients, real


def one_example(x, y, w, b):
    y_hat = x @ w + b
    r = y_hat - y
    return r**2 / 2


exercise = Exercise(
    one_example,
    {"x": real("d"), "y": real(), "w": real("d"), "b": real()},
    gradients("w", "b"),
    title={"en": "One example with d features", "zh": "一个样本，d 个特征"},
    statement={
        "en": "Now x and w are vectors with d entries and y_hat = x·w + b is still one number. Derive the "
        "gradient of r²/2 with respect to w, a vector with one entry per weight, and with respect to b. A "
        "gradient always has the shape of its parameter: that is the first thing to check, on paper and in "
        "code.",
        "zh": "现在 x 和 w 是有 d 个分量的向量，y_hat = x·w + b 仍是一个数。求 r²/2 对 w 的梯度（每个权重一"
        "个分量）以及对 b 的导数。梯度的形状总与参数相同：无论在纸上还是在代码里，先检查这一点。",
    },
    reading="one-example",
)
