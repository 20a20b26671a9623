"""Minibatch SGD once more, in plain Python with a loop over every index, to compare the engines with."""

from __future__ import annotations

import math

import numpy as np

SLOPES = {
    "squared": lambda r: r,
    "absolute": lambda r: (r > 0) - (r < 0),
    "huber": lambda r, delta=1.0: r if abs(r) <= delta else math.copysign(delta, r),
    "log_cosh": math.tanh,
    "quantile": lambda r, tau=0.5: -tau if r < 0 else (1 - tau if r > 0 else 0.0),
}


def naive_sgd(
    features,
    labels,
    orders,
    *,
    batch_size,
    lr,
    w,
    b,
    slope=SLOPES["squared"],
    l2=0.0,
    l1=0.0,
    rule="sgd",
    beta=0.9,
    schedule=lambda epochs: 1.0,
    weights=None,
    even=True,
):
    """(w; b) after every single step, shape (steps, d + 1, k); in float64 whatever comes in.

    Minimises mean slope-loss + l2/2 Σ w² + l1 Σ |w|; the last minibatch of an epoch counts by its rows.
    """
    X, Y = np.asarray(features, float).tolist(), np.asarray(labels, float).reshape(len(labels), -1).tolist()
    n, d, k = len(X), len(X[0]), len(Y[0])
    s = [1.0] * n if weights is None else [float(weight) for weight in weights]
    if even:  # only ratios of weights matter
        s = [weight * n / sum(s) for weight in s]
    theta = [[float(w[j][o]) for o in range(k)] for j in range(d)] + [[float(b[o]) for o in range(k)]]
    v = [[0.0] * k for _ in range(d + 1)]
    z, reached, v_reached = [row[:] for row in theta], 0.0, 0.0  # dual averaging, for l1
    steps_per_epoch = math.ceil(n / batch_size)
    path = []
    for order in orders:
        for first in range(0, n, batch_size):
            rows = [int(i) for i in order[first : first + batch_size]]
            rate = lr * schedule(len(path) / steps_per_epoch)
            share = sum(s[i] for i in rows) / batch_size
            v_reached = beta * v_reached + l1 * share
            reached += (
                rate * {"sgd": l1 * share, "momentum": v_reached, "nesterov": l1 * share + beta * v_reached}[rule]
            )
            gradient = [[0.0] * k for _ in range(d + 1)]
            for o in range(k):
                for i in rows:
                    y_hat = theta[d][o]
                    for j in range(d):
                        y_hat += X[i][j] * theta[j][o]
                    pull = s[i] * slope(y_hat - Y[i][o])
                    for j in range(d):
                        gradient[j][o] += X[i][j] * pull
                    gradient[d][o] += pull
            for j in range(d + 1):
                penalised = j < d
                for o in range(k):
                    g = gradient[j][o] / batch_size
                    if penalised:
                        g += l2 * share * theta[j][o]
                    v[j][o] = beta * v[j][o] + g
                    step = {"sgd": g, "momentum": v[j][o], "nesterov": g + beta * v[j][o]}[rule]
                    theta[j][o] -= rate * step
                    if penalised and l1:
                        z[j][o] -= rate * step
                        theta[j][o] = math.copysign(max(abs(z[j][o]) - reached, 0.0), z[j][o])
            path.append([row[:] for row in theta])
    return np.array(path)


def draw_orders(seed, num_rows, num_epochs):
    """The orders npreg promises to draw, where w and b are given."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(num_rows) for _ in range(num_epochs)]


def make_data(n=23, d=3, k=1, *, seed=0, noise=0.5, dtype=np.float64):
    """Small regression data: features, labels (n, k), start w and b."""
    rng = np.random.default_rng([seed, n, d, k])
    X = rng.standard_normal((n, d)) + 0.3
    y = X @ rng.standard_normal((d, k)) + rng.standard_normal(k) + noise * rng.standard_normal((n, k))
    w, b = rng.standard_normal((d, k)), rng.standard_normal(k)
    return tuple(array.astype(dtype) for array in (X, y, w, b))
