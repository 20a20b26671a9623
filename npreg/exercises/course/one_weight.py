"""The chain rule with one weight: three factors, multiplied."""

from npreg.exercises.forward import Exercise, gradients, real


def one_weight(x, y, w, b):
    y_hat = w * x + b
    r = y_hat - y
    return r**2 / 2


exercise = Exercise(
    one_weight,
    {"x": real(), "y": real(), "w": real(), "b": real()},
    gradients("w", "b"),
    title={"en": "One weight, one example", "zh": "一个权重，一个样本"},
    statement={
        "en": "The prediction is y_hat = w·x + b, the residual r = y_hat − y, the loss r²/2. Derive the "
        "derivative of the loss with respect to w and to b: from the loss to r, from r to y_hat, from y_hat "
        "to the parameter, and multiply. Every later exercise is this chain with larger shapes; whoever can "
        "do it with numbers can do it with matrices.",
        "zh": "预测为 y_hat = w·x + b，残差 r = y_hat − y，损失为 r²/2。求损失对 w 和对 b 的导数：先对 r 求"
        "导，再从 r 到 y_hat，最后从 y_hat 到参数，然后相乘。后面的每个练习都是同一条链，只是形状更大；用数"
        "会做，用矩阵也就会做。",
    },
    reading="one-weight",
)
