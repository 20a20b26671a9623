"""How the time of an epoch grows with rows, features and batch size: a picture on logarithmic axes.

    python benchmarks/growth.py [--repeats 5] [--print]

npreg's engines, scikit-learn's `SGDRegressor` and a loop compiled by numba (`peers.py`) take turns in one
process, with one BLAS thread; float64.  Times are medians, divided by the least of all, so that the axes have
no unit.  Draws benchmarks/growth.svg, and writes how many times longer the last point of each line takes than
its first between the markers of benchmarks/README.md (--print: to the screen, and no picture).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from typing import Any

from peers import MAKERS, MOST_FEATURES, learning_rate, make_data
from tables import HERE, environment, fill, interleaved, machine, rounded

# The axis, and the shapes (rows, features, batch) along it.
AXES = {
    "rows": [(n, 4, 10) for n in (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)],
    "features": [(20_000, d, 10) for d in (1, 2, 4, 8, 16, 32, 64, 128)],
    "batch size": [(50_000, 8, b) for b in (1, 3, 10, 30, 100, 300, 1000)],
}
LINES = {
    "loop": ("npreg, plain loop", "#e69f00", ":"),
    "tight": ("npreg, tight loop", "#d55e00", "--"),
    "moments": ("npreg, moments", "#0072b2", "--"),
    "auto": ('npreg, engine="auto"', "black", "-"),
    "sklearn": ("scikit-learn, a step a row", "#009e73", "-"),
    "numba": ("compiled by numba", "#cc79a7", "-"),
}
EPOCHS = 3


def measure(shape: tuple[int, int, int], repeats: int) -> dict[str, float]:
    """Seconds an epoch, for every line that has a point at this shape."""
    n, d, batch_size = shape
    X, y = make_data(n, d, "float64")
    calls: dict[str, Callable[[], Any]] = {}
    epochs = {name: 1 if name == "loop" else EPOCHS for name in LINES}
    for name in LINES:
        if name == "moments" and d > MOST_FEATURES:
            continue
        try:
            run = MAKERS[name](X, y, batch_size, learning_rate(d) if batch_size > 1 else 0.03 / (d + 1))
        except ImportError:
            continue
        calls[name] = lambda run=run, count=epochs[name]: run(count)
    seconds = interleaved(calls, repeats, 0.03)
    return {name: statistics.median(found) / epochs[name] for name, found in seconds.items()}


def draw(results: dict[str, dict[tuple[int, int, int], dict[str, float]]]) -> None:
    """One panel an axis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {
        "svg.hashsalt": "npreg",
        "svg.fonttype": "path",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.facecolor": "white",
    }
    least = min(min(found.values()) for points in results.values() for found in points.values())
    with plt.rc_context(style):
        figure, panels = plt.subplots(1, 3, figsize=(10, 3.8), sharey=True, layout="constrained")
        for ax, (axis, points) in zip(panels, results.items(), strict=True):
            place = list(AXES).index(axis)
            for name, (label, colour, dashes) in LINES.items():
                line = [(shape[place], found[name] / least) for shape, found in points.items() if name in found]
                if line:
                    width = 1.0 if name == "auto" else 1.8
                    ax.loglog(*zip(*line, strict=True), dashes, color=colour, lw=width, label=label)
            ax.set_xlabel(axis)
            n, d, batch_size = next(iter(points))
            fixed = {"rows": f"{n:,} rows", "features": f"{d} features", "batch size": f"minibatches of {batch_size}"}
            fixed.pop(axis)
            ax.set_title(", ".join(fixed.values()), fontsize=9)
        panels[0].set_ylabel("time of an epoch")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(HERE / "growth.svg", metadata={"Date": None})
        plt.close(figure)


def table(results: dict[str, dict[tuple[int, int, int], dict[str, float]]]) -> str:
    """Last point / first point of each line that has both."""
    titles = []
    for place, axis in enumerate(AXES):
        shapes = list(results[axis])
        titles.append(f"{axis}, {shapes[0][place]:,} → {shapes[-1][place]:,}")
    lines = [f"| | {' | '.join(titles)} |", "|---|" + "---|" * len(titles)]
    for name, (label, _, _) in LINES.items():
        cells = []
        for points in results.values():
            first, last = next(iter(points.values())), list(points.values())[-1]
            both = name in first and name in last
            cells.append(f"× {rounded(last[name] / first[name])}" if both else "")
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--print", action="store_true", help="print the table; draw and write nothing")
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], environment())
    results: dict[str, dict[tuple[int, int, int], dict[str, float]]] = {}
    for axis, shapes in AXES.items():
        results[axis] = {}
        for shape in shapes:
            results[axis][shape] = measure(shape, options.repeats)
            print(shape, {k: f"{v:.2g}" for k, v in results[axis][shape].items()}, file=sys.stderr, flush=True)
    text = f"{table(results)}\n\nMeasured on: {machine('scikit-learn', 'numba')}.\n"
    if options.print:
        print(text)
    else:
        draw(results)
        fill(HERE / "README.md", "growth", text)


if __name__ == "__main__":
    main()
