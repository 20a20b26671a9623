"""The course: seventeen loss functions, each adding one idea, and the derivatives asked for.
Their titles and statements are among the words, as `course.ridge.title` and `course.ridge.statement`.
"""

from functools import cache
from typing import Any

import numpy as np

from npreg.exercises import forward
from npreg.exercises.forward import Exercise, gradients, positive, real, update
from npreg.exercises.words import LANGUAGES, say


def one_weight(x, y, w, b):
    """The chain rule with one weight: three factors, multiplied."""
    y_hat = w * x + b
    r = y_hat - y
    return r**2 / 2


def one_example(x, y, w, b):
    """A vector of weights: the derivative has the shape of what it is taken in."""
    y_hat = x @ w + b
    r = y_hat - y
    return r**2 / 2


def minibatch_sum(X, y, w, b):
    """A batch of examples: the transpose that adds up their gradients."""
    y_hat = X @ w + b
    r = y_hat - y
    return np.sum(r**2 / 2)


def minibatch_mean(X, y, w, b):
    """The mean instead of the sum: where the 1/n goes. Differentiated twice: how steep the bowl is."""
    y_hat = X @ w + b
    r = y_hat - y
    return np.mean(r**2 / 2)


def mean_squared_error(X, y, w, b):
    """Without the ½: the factor that the square leaves behind."""
    y_hat = X @ w + b
    r = y_hat - y
    return np.mean(r**2)


def column_vectors(X, y, w, b):
    """Columns against flat vectors: the accident of (n, 1) minus (n,)."""
    y_hat = X @ w + b
    r = y_hat - y[:, None]
    return np.sum(r**2 / 2)


def ridge(X, y, w, b, lam):
    """A sum of two terms: the derivative of a penalty."""
    y_hat = X @ w + b
    r = y_hat - y
    data = np.mean(r**2 / 2)
    penalty = lam / 2 * np.sum(w**2)
    return data + penalty


def huber(X, y, w, b, delta):
    """A loss with two branches: differentiate each, keep the threshold."""
    y_hat = X @ w + b
    r = y_hat - y
    rho = np.where(np.abs(r) <= delta, r**2 / 2, delta * (np.abs(r) - delta / 2))
    return np.mean(rho)


def quantile(X, y, w, b, tau):
    """A loss with a corner: different slopes above and below."""
    y_hat = X @ w + b
    e = y - y_hat
    rho = np.where(e > 0, tau * e, (tau - 1) * e)
    return np.mean(rho)


def several_outputs(X, Y, W, b):
    """Several outputs: the gradient becomes a matrix."""
    Y_hat = X @ W + b
    R = Y_hat - Y
    return np.sum(R**2) / (2 * len(R))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(Z):
    return np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)


def logistic(X, y, w, b):
    """Another loss and a nonlinearity: what cancels."""
    z = X @ w + b
    p = sigmoid(z)
    return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))


def softmax_regression(X, Y, W, b):
    """A nonlinearity whose outputs depend on every input of the row."""
    Z = X @ W + b
    P = softmax(Z)
    return -np.sum(Y * np.log(P)) / len(P)


def hidden_layer(X, y, W1, b1, w2, b2):
    """Two layers: passing the derivative on to the layer below."""
    A = X @ W1 + b1
    H = np.tanh(A)
    y_hat = H @ w2 + b2
    r = y_hat - y
    return np.mean(r**2 / 2)


def layer_norm(X, gamma, beta, G):
    """Statistics of the row itself: one input, three paths."""
    mu = np.mean(X, axis=1, keepdims=True)
    var = np.mean((X - mu) ** 2, axis=1, keepdims=True)
    Xhat = (X - mu) / np.sqrt(var + 1e-5)
    out = gamma * Xhat + beta
    return np.sum(G * out)


def attention(Q, K, V, G):
    """Products of products: queries, keys and values."""
    S = Q @ K.T / np.sqrt(Q.shape[1])
    P = softmax(S)
    O = P @ V
    return np.sum(G * O)


NUMBERS = {"x": real(), "y": real(), "w": real(), "b": real()}
BATCH = {"X": real("n", "d"), "y": real("n"), "w": real("d"), "b": real()}
OUTPUTS = {"X": real("n", "d"), "Y": real("n", "k"), "W": real("d", "k"), "b": real("k")}
LAYERS = {"W1": real("d", "h"), "b1": real("h"), "w2": real("h"), "b2": real()}
ROWS = real("n", "d")
NORM = {"X": ROWS, "gamma": real("d"), "beta": real("d")}
BOTH = gradients("w", "b")
STEP = {  # one step of minibatch SGD: from the gradient to new parameters
    "new_w": update("w", lambda w, grad_w, lr, batch_size: w - lr / batch_size * grad_w),
    "new_b": update("b", lambda b, grad_b, lr, batch_size: b - lr / batch_size * grad_b),
}
COURSE: dict[str, Any] = {
    "one-weight": (one_weight, NUMBERS, BOTH),
    "one-example": (one_example, {**NUMBERS, "x": real("d"), "w": real("d")}, BOTH),
    "minibatch-sum": (minibatch_sum, BATCH, BOTH),
    "minibatch-mean": (minibatch_mean, BATCH, BOTH),
    "mean-squared-error": (mean_squared_error, BATCH, BOTH),
    "column-vectors": (column_vectors, {**BATCH, "w": real("d", 1), "b": real(1)}, BOTH),
    "ridge": (ridge, {**BATCH, "lam": positive()}, BOTH),
    "huber": (huber, {**BATCH, "delta": positive()}, BOTH),
    "quantile": (quantile, {**BATCH, "tau": forward.fraction()}, BOTH),
    "several-outputs": (several_outputs, OUTPUTS, gradients("W", "b")),
    "logistic": (logistic, {**BATCH, "y": forward.labels("n")}, BOTH),
    "softmax": (softmax_regression, {**OUTPUTS, "Y": forward.one_hot("n", "k")}, gradients("W", "b")),
    "hidden-layer": (hidden_layer, {"X": ROWS, "y": real("n"), **LAYERS}, gradients(*LAYERS)),
    "sgd-step": (minibatch_sum, {**BATCH, "lr": positive(), "batch_size": forward.count()}, STEP),
    "hessian": (minibatch_mean, BATCH, {"hessian_w": forward.hessian("w")}),
    "layer-norm": (layer_norm, {**NORM, "G": ROWS}, gradients(*NORM)),
    "attention": (attention, {"Q": ROWS, "K": ROWS, "V": ROWS, "G": ROWS}, gradients("Q", "K", "V")),
}
IDS = tuple(COURSE)


@cache
def load(identifier: str) -> Exercise:
    """The exercise of the course with this id; a ValueError lists the ids where there is none."""
    if identifier not in COURSE:
        raise ValueError(f"there is no exercise {identifier!r}; the course has {', '.join(IDS)}")
    function, inputs, answers = COURSE[identifier]
    title = {lang: say(f"course.{identifier}.title", lang) for lang in LANGUAGES}
    statement = {lang: say(f"course.{identifier}.statement", lang) for lang in LANGUAGES}
    return Exercise(function, inputs, answers, id=identifier, title=title, statement=statement)
