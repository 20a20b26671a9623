"""Real data, raw columns: what goes wrong, what helps, and how far from the exact solution it ends.

    python examples/real_data.py [--seed 0] [--show] [--out DIR]

The data are 442 diabetes patients (data/README.md says where they are from), ten columns in ten units.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from picture_folder import PictureFolder

import npreg

DATA = Path(__file__).resolve().parent / "data" / "diabetes.csv"
HELD_OUT = 110  # rows, a quarter
NUM_EPOCHS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description="Minibatch SGD on real data with raw columns.")
    parser.add_argument("--seed", type=int, default=0, help="of the split and the runs (%(default)s)")
    PictureFolder.add_arguments(parser)
    options = parser.parse_args()
    if options.seed < 0:
        parser.error(f"--seed must not be negative, but is {options.seed}")
    pictures = PictureFolder(parser, options)

    print("# The data: columns in their own units\n")
    names, features, labels = read(DATA)
    for name, column in zip(names, features.T, strict=True):
        print(f"{name:>4} from {column.min():8.2f} to {column.max():8.2f}, mean {column.mean():8.2f}")

    order = np.random.default_rng(options.seed).permutation(len(labels))
    train_rows, test_rows = order[HELD_OUT:], order[:HELD_OUT]
    X, y = features[train_rows], labels[train_rows]
    X_test, y_test = features[test_rows], labels[test_rows]
    print(f"\n{len(y)} rows to train on, {len(y_test)} held out to judge by.")

    print("\n# The notebook's learning rate, 0.03\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            npreg.train(X, y, lr=0.03, rng=options.seed)
        except npreg.DivergenceError as error:
            print("before the first step, a warning:", *(warning.message for warning in caught), sep="\n  ")
            print("\nthen, the error:", error, sep="\n  ")

    print(f'\n# A safe learning rate (lr="auto"), {NUM_EPOCHS} epochs\n')
    exact = npreg.least_squares(X, y)
    settings = {"lr": "auto", "num_epochs": NUM_EPOCHS, "rng": options.seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", npreg.ConvergenceWarning)  # that they do not arrive is what is shown
        raw = npreg.train(X, y, **settings, standardize=False, average=0)
        scaled = npreg.train(X, y, **settings, standardize=True, average=0)
    averaged = npreg.train(X, y, **settings)  # standardize=True, average=0.5 are what lr="auto" brings along
    print("                                     lr  training loss  held-out error")
    runs = {"raw columns": raw, "standardize=True": scaled, "standardize=True, average=0.5": averaged}
    for name, run in runs.items():
        error = rms(npreg.linreg(X_test, run.w, run.b), y_test)
        print(f"{name:<30} {run.lr:8.2g} {run.losses[-1]:14.1f} {error:15.2f}")
    exact_loss = float(npreg.squared_loss(npreg.linreg(X, exact.w, exact.b), y).mean())
    exact_error = rms(npreg.linreg(X_test, exact.w, exact.b), y_test)
    mean_loss = float(npreg.squared_loss(np.full_like(y, y.mean()), y).mean())
    print(f"{'exact least squares':<30} {'':>8} {exact_loss:14.1f} {exact_error:15.2f}")
    mean_error = rms(np.full_like(y_test, y.mean()), y_test)
    print(f"{'always the mean':<30} {'':>8} {mean_loss:14.1f} {mean_error:15.2f}")
    print(
        "\nThe loss is half the mean square; the held-out error is the root mean square, in the label's unit."
        "\nRaw columns are slow: the learning rate that the largest columns allow is tiny for the others."
        "\nStandardized columns are fast, but the steps' noise keeps the parameters on the move;"
        "\nthe mean of the parameters over the last half of the epochs is all but free of it."
    )

    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, run in runs.items():
        npreg.plot.loss_curve(run, left, label=name)
    left.axhline(exact_loss, color="black", linestyle=":", label="exact least squares")
    left.set_ylim(top=1.15 * left.get_ylim()[1])  # room for the legend
    left.legend(fontsize="small")
    prediction = npreg.linreg(X_test, averaged.w, averaged.b)[:, 0]
    right.plot(y_test, prediction, ".", label=f"{len(y_test)} held-out patients")
    right.axline((150, 150), slope=1, color="black", linestyle=":", label="prediction = measurement")
    right.set_xlabel("progression measured")
    right.set_ylabel("progression predicted")
    right.legend(fontsize="small")
    pictures.save(left, "real_data")
    pictures.tell()


def read(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The feature columns' names, the features (442, 10), and the labels (442,)."""
    names = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return names[:-1], table[:, :-1], table[:, -1]


def rms(y_hat: np.ndarray, y: np.ndarray) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(2 * npreg.squared_loss(y_hat, y).mean()))


if __name__ == "__main__":
    main()
