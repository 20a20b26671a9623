"""From gradient to new parameters: one step of minibatch SGD."""

from npreg.exercises.course.minibatch_sum import minibatch_sum
from npreg.exercises.forward import Exercise, count, positive, real, update

inputs = {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real()}
exercise = Exercise(
    minibatch_sum,
    {**inputs, "lr": positive(), "batch_size": count()},
    {
        "new_w": update("w", lambda w, grad_w, lr, batch_size: w - lr / batch_size * grad_w),
        "new_b": update("b", lambda b, grad_b, lr, batch_size: b - lr / batch_size * grad_b),
    },
    id="sgd-step",
    title={"en": "One step of minibatch SGD", "zh": "小批量 SGD 的一步"},
    statement={
        "en": "The gradients are those of Σ r²/2 over the rows given. One step takes lr/batch_size times "
        "its gradient from every parameter; return the new w and b, leave the old ones as they are. "
        "batch_size is nominal: the last batch of an epoch may be short, and its rows weigh the same.",
        "zh": "梯度是给定各行上 Σ r²/2 的梯度。一步更新从每个参数减去 lr/batch_size 乘以它的梯度；返回新的 "
        "w 和 b，原来的不要改动。batch_size 是名义大小：最后一批可能较短，而每行的权重仍应相同。",
    },
    reading="sgd",
)
