"""Draws the pictures of the pages in docs/.

    python docs/figures.py

writes them to docs/figures/ (another folder may be given).
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import npreg

HERE = Path(__file__).resolve().parent
STYLE = {
    "font.size": 10,
    "svg.hashsalt": "npreg",  # the same file from the same drawing
    "svg.fonttype": "path",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.bbox": "tight",
}
COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
)  # Okabe and Ito's, told apart by all eyes


def tree() -> plt.Figure:
    """Eight steps become one matrix in three levels."""
    figure, ax = plt.subplots(figsize=(7.5, 3.4))
    ax.axis("off")
    ax.set(xlim=(-1.9, 8), ylim=(-1.35, 3.5))
    for level, label in enumerate(("steps", "pairs", "pairs of pairs", "the epoch")):
        ax.text(-1.9, level, label, va="center", color="0.35")
        width = 2**level
        for node in range(8 // width):
            x = node * width + (width - 1) / 2
            first, last = node * width + 1, node * width + width
            text = (
                rf"$T_{first}$"
                if level == 0
                else rf"$T_{last}\cdots T_{first}$"
                if level > 1
                else rf"$T_{last}T_{first}$"
            )
            box = {"boxstyle": "round,pad=0.35", "fc": "white", "ec": COLOURS[0], "lw": 1.3}
            ax.text(x, level, text, ha="center", va="center", bbox=box, zorder=3)
            for child in (x - width / 4, x + width / 4) if level else ():
                ax.plot([child, x], [level - 1, level], color="0.6", lw=1, zorder=1)
    ax.text(-1.9, -1, "minibatches", va="center", color="0.35")
    for step in range(8):
        ax.text(step, -1, rf"$M_{step + 1}$", ha="center", va="center", color=COLOURS[3])
        ax.plot([step, step], [-0.75, -0.3], color="0.6", lw=1, zorder=1)
    return figure


def maps() -> plt.Figure:
    """Where the product of 1, 3 and 10 steps takes a cloud of starting points."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 2)) @ np.array([[1.0, 0.0], [0.55, 0.6]])
    truth = np.array([1.0, -0.5])
    y = X @ truth + 0.1 * rng.normal(size=60)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    cloud = (
        np.array([-1.2, 1.4])[:, None] + np.array([np.cos(angles), np.sin(angles)]) * 0.8
    )
    figure, ax = plt.subplots(figsize=(5.4, 4.4))
    w1, w2 = np.meshgrid(np.linspace(-2.4, 2, 80), np.linspace(-1.3, 2.6, 80))
    residuals = X @ np.stack([w1.ravel(), w2.ravel()]) - y[:, None]
    levels = np.geomspace(0.02, 6, 10)
    ax.contour(
        w1,
        w2,
        (residuals**2).mean(axis=0).reshape(w1.shape) / 2,
        levels,
        colors="0.8",
        linewidths=0.8,
    )
    points, done = cloud, 0
    colours = iter(COLOURS)
    for steps in (0, 1, 3, 10):
        for step in range(done, steps):
            rows = slice(6 * step, 6 * step + 6)
            gradient = X[rows].T @ (X[rows] @ points - y[rows, None])
            points = points - 0.4 / 6 * gradient
        done = steps
        colour = next(colours)
        label = (
            "start"
            if steps == 0
            else "after 1 step"
            if steps == 1
            else f"after {steps} steps"
        )
        ax.fill(*points, color=colour, alpha=0.25)
        ax.scatter(*points, s=9, color=colour, label=label)
    solution = np.linalg.lstsq(X, y, rcond=None)[0]
    ax.plot(*solution, "k+", ms=10, mew=1.6, label="least squares")
    ax.set(xlabel="$w_1$", ylabel="$w_2$", xlim=(-2.4, 2), ylim=(-1.3, 2.6))
    ax.legend(frameon=False, loc="upper right", handletextpad=0.2)
    return figure


def learning_rates() -> plt.Figure:
    """The loss after ten epochs for many learning rates, and the bound known beforehand."""
    features, labels = npreg.synthetic_data(
        [2, -3.4], 4.2, 300, noise=0.3, dtype=np.float64, rng=1
    )
    start = {"w": np.zeros((2, 1)), "b": np.zeros(1)}
    figure, ax = plt.subplots(figsize=(7.0, 3.9))
    for batch_size, colour in zip((1, 10, 100), COLOURS, strict=False):
        bound = npreg.max_learning_rate(features, batch_size)
        result = npreg.sweep(
            features,
            labels,
            lrs=np.geomspace(bound / 1000, bound * 3, 150),
            batch_size=batch_size,
            num_epochs=10,
            rng=0,
            **start,
        )
        losses = np.minimum(result.losses[:, -1], 1e9)
        ax.loglog(
            result.lrs, losses, color=colour, lw=1.6, label=f"batch size {batch_size}"
        )
        ax.axvline(bound, color=colour, ls="--", lw=1.2)
    ax.set(xlabel="learning rate", ylabel="mean loss after 10 epochs", ylim=(0.03, 1e3))
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.95))
    return figure


def first_look() -> plt.Figure:
    """For the README: the notebook's run on its loss surface, and the same run at 120 learning rates.

    One above the other, so that they can be read on a phone; legends stand outside the axes.
    """
    features, labels = npreg.synthetic_data([2, -3.4], 4.2, 1000, noise=0.01, rng=0)
    figure, (above, below) = plt.subplots(2, 1, figsize=(5.4, 7.6), layout="constrained")
    notebook = npreg.train(features, labels, rng=1, callbacks=npreg.Record("step"))
    npreg.plot.loss_surface(features, labels, notebook, ax=above)
    above.set_title("the notebook's run: 300 steps to the true weights", fontsize=11)
    above.set(xlabel="weight 0", ylabel="weight 1")
    bound = npreg.max_learning_rate(features, 10)
    many = npreg.sweep(features, labels, lrs=np.geomspace(0.001, 2 * bound, 120), rng=1)
    npreg.plot.sweep_curve(many, ax=below)
    below.axvline(notebook.lr, color=COLOURS[1], ls=":", label="the notebook's 0.03")
    below.set_title("the same run at 120 learning rates, in one pass", fontsize=11)
    below.set_ylabel("mean loss after 3 epochs")
    for ax, columns in ((above, 3), (below, 2)):
        ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns, frameon=False
        )
    return figure


FIGURES = (first_look, tree, maps, learning_rates)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        for draw in FIGURES:
            figure = draw()
            figure.savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})
            plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "figures")
