"""200 learning rates in one pass over the data: where it breaks, and why there.

    python examples/learning_rates.py [--seed 0] [--show] [--out DIR]

The data are 442 diabetes patients (data/README.md says where they are from), ten columns in ten units.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from picture_folder import PictureFolder

import npreg

DATA = Path(__file__).resolve().parent / "data" / "diabetes.csv"
BATCH_SIZE, NUM_EPOCHS, NUM_RATES = 10, 20, 200


def main() -> None:
    parser = argparse.ArgumentParser(description="A sweep over 200 learning rates, and what limits them.")
    parser.add_argument("--seed", type=int, default=0, help="of the start and the minibatches (%(default)s)")
    PictureFolder.add_arguments(parser)
    options = parser.parse_args()
    if options.seed < 0:
        parser.error(f"--seed must not be negative, but is {options.seed}")
    pictures = PictureFolder(parser, options)
    names, X, y = read(DATA)

    print(f"# Raw columns: {NUM_RATES} learning rates, {NUM_EPOCHS} epochs, minibatches of {BATCH_SIZE}\n")
    raw = around_the_bound(X, y, options.seed)
    tell(raw)

    print("\n# Why there: the largest columns\n")
    alone = [npreg.max_learning_rate(column[:, None], BATCH_SIZE) for column in X.T]
    rms = np.sqrt(np.mean(X**2, axis=0))
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    partly = X.copy()
    print("column   root mean square   bound, if it were   bound, once this and those")
    print("                            the only column     above are standardized")
    print(f"{'':>47}{raw.bound[0]:15.2g} (none yet)")
    for j in np.argsort(alone):
        partly[:, j] = standard[:, j]
        bound = npreg.max_learning_rate(partly, BATCH_SIZE)
        print(f"{names[j]:>6} {rms[j]:18.2f} {alone[j]:19.2g} {bound:16.2g}")
    print(
        "\nThe bound goes with one over the square of a column, and the largest column sets it for all:"
        "\na step that is right for it is far too small for the others."
    )

    print("\n# The same with every column on the same scale (standardize=True)\n")
    scaled = around_the_bound(standard, y, options.seed)
    tell(scaled)
    exact = npreg.least_squares(X, y)
    exact_loss = float(npreg.squared_loss(npreg.linreg(X, exact.w, exact.b), y).mean())
    print(
        f"\nThe best learning rate ends at {least(raw):.0f} on raw columns and at {least(scaled):.0f} on"
        f"\nstandardized ones; exact least squares has {exact_loss:.0f}."
    )

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for ax, result, title in zip(axes, (raw, scaled), ("raw columns", "standardized columns"), strict=True):
        npreg.plot.sweep_curve(result, ax=ax)
        ax.axhline(exact_loss, color="black", linestyle=":", label="exact least squares")
        ax.set_title(title)
    axes[0].set_ylim(exact_loss / 2, 1e3 * float(np.mean(y**2)))
    axes[1].legend(fontsize="small")
    axes[0].get_legend().remove()
    axes[1].set_ylabel("")
    pictures.save(axes[0], "learning_rates")
    plt.close(figure)
    pictures.tell()


def around_the_bound(X: np.ndarray, y: np.ndarray, seed: int) -> npreg.SweepResult:
    """A sweep from a thousandth of the bound to five times the bound."""
    bound = npreg.max_learning_rate(X, BATCH_SIZE)
    lrs = np.geomspace(bound / 1000, 5 * bound, NUM_RATES)
    return npreg.sweep(X, y, lrs=lrs, batch_size=BATCH_SIZE, num_epochs=NUM_EPOCHS, rng=seed)


def tell(result: npreg.SweepResult) -> None:
    """A dozen of the settings as a table, and where the runs break."""
    bound = float(result.bound[0])
    print("learning rate   of the bound     final loss")
    for i in [*range(0, NUM_RATES, 20), NUM_RATES - 1]:
        loss = "   diverged" if result.diverged[i] else f"{result.losses[i, -1]:11.4g}"
        print(f"{result.lrs[i]:13.3g} {result.lrs[i] / bound:14.3f}    {loss}")
    broken = result.lrs[result.diverged]
    print(f"\nThe bound, known before the first step (max_learning_rate): {bound:.3g}.")
    print(f"{len(broken)} runs diverged, the first of them at {broken.min() / bound:.2f} times the bound.")
    print(f"The best learning rate is {result.lrs[result.best]:.3g}, with a loss of {least(result):.1f}.")


def least(result: npreg.SweepResult) -> float:
    return float(result.losses[result.best, -1])


def read(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The feature columns' names, the features (442, 10), and the labels (442,)."""
    names = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return names[:-1], table[:, :-1], table[:, -1]


if __name__ == "__main__":
    main()
