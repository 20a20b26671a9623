"""Linear regression from scratch: the notebook as a script, in NumPy, with the gradient derived by hand.

python examples/linear_regression.py [--seed 0] [--show] [--out DIR]
"""

from __future__ import annotations

import argparse

import numpy as np
from picture_folder import PictureFolder

import npreg
from npreg import (
    data_iter,
    init_params,
    linreg,
    linreg_backward,
    sgd,
    squared_loss,
    squared_loss_grad,
    synthetic_data,
    train,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Linear regression from scratch, with npreg.")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (%(default)s)")
    PictureFolder.add_arguments(parser)
    options = parser.parse_args()
    if options.seed < 0:
        parser.error(f"--seed must not be negative, but is {options.seed}")
    pictures = PictureFolder(parser, options)
    rng = np.random.default_rng(options.seed)

    print("# The data: labels = features @ w + b + noise\n")
    true_w, true_b = [2, -3.4], 4.2
    features, labels = synthetic_data(true_w, true_b, 1000, noise=0.01, rng=rng)
    print("first row of features:", features[0], " its label:", labels[0])
    print("sizes:", features.shape, labels.shape)
    npreg.set_figsize()
    pictures.save(npreg.plot.scatter(features, labels, column=1), "feature_1_and_label")
    pictures.save(npreg.plot.scatter(features, labels, column=0), "feature_0_and_label")

    print("\n# The first minibatch\n")
    batch_size = 10
    tt = rng.permutation(len(features))[:batch_size]  # row numbers, as an index
    print("features[tt], labels[tt]:", features[tt].shape, labels[tt].shape)
    # The order comes from rng, a generator or a seed; random.seed has no effect here.
    for X, y in data_iter(batch_size, features, labels, rng=rng):
        print(X)
        print(y)
        break

    print("\n# Training: model, loss, gradient, step\n")
    w, b = init_params(2, rng=rng)
    start_w, start_b = w.copy(), b.copy()
    lr, num_epochs = 0.03, 3
    order = np.random.default_rng(options.seed + 1)  # one for all epochs: each draws an order of its own
    for epoch in range(num_epochs):
        for X, y in data_iter(batch_size, features, labels, rng=order):
            y_hat = linreg(X, w, b)
            # The notebook has l.backward() here. These two lines are what it computes.
            grad_y_hat = squared_loss_grad(y_hat, y)
            grad_w, grad_b = linreg_backward(X, grad_y_hat)
            sgd([w, b], [grad_w, grad_b], lr, batch_size)
        loss = squared_loss(linreg(features, w, b), labels)
        print(f"epoch {epoch + 1}, loss {loss.mean():f}")

    print("\n# Learned and true parameters\n")
    print("w learned", w.ravel(), " true", np.array(true_w))
    print("b learned", b, " true", true_b)

    print("\n# The same run in one call: npreg.train\n")
    result = train(
        features,
        labels,
        batch_size=batch_size,
        lr=lr,
        num_epochs=num_epochs,
        w=start_w,
        b=start_b,
        rng=options.seed + 1,
        verbose=True,
        callbacks=npreg.Record("step"),
    )
    difference = max(np.abs(result.w - w).max(), np.abs(result.b - b).max())
    print(f"largest difference to the parameters above: {difference:.1e}")
    pictures.save(npreg.plot.loss_curve(result), "loss")
    pictures.save(npreg.plot.loss_surface(features, labels, result), "path_of_w")
    pictures.save(npreg.plot.loss_surface(features, labels, result, (1, "b")), "path_of_w1_and_b")
    pictures.tell()

    error = max(np.abs(w.ravel() - true_w).max(), abs(b[0] - true_b))
    print(f"\nw = {w.ravel()}, b = {b}: within {error:.4f} of the true parameters {true_w} and {true_b}.")


if __name__ == "__main__":
    main()
