"""Where the moments engine is faster than the tight loop: the grid from which npreg/engines.py's rule comes.

    python benchmarks/engines.py [--repeats 7] [--print]

A cell is time of `train(..., engine="tight")` / time of `train(..., engine="moments")`, the median over turns
that alternate; the whole call, with validation, shuffling and losses, three epochs, one BLAS thread.  Cells
in which engine="auto" takes the moments are bold.  The tables go between the markers of
benchmarks/README.md, or to the screen with --print.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from tables import HERE, environment, fill, interleaved, machine, ratio, rounded

NUM_ROWS = 40_000
FEATURES = (1, 2, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24)
BATCHES = (4, 8, 16, 32, 64, 128, 256)
STEPS = (4, 8, 12, 16, 24, 32, 64)


def cell(n: int, d: int, batch_size: int, repeats: int, k: int = 1, **settings: Any) -> tuple[float, bool]:
    """The ratio, and whether "auto" takes the moments."""
    import numpy as np

    import npreg

    rng = np.random.default_rng(0)
    dtype = settings.pop("dtype", np.float64)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = (X @ rng.standard_normal((d, k)) + 0.01 * rng.standard_normal((n, k))).astype(dtype)
    settings = {"batch_size": batch_size, "lr": 0.1 / (d + 1), "rng": 0, **settings}

    def run(engine: str) -> Callable[[], Any]:
        return lambda: npreg.train(X, y, engine=engine, **settings)

    seconds = interleaved({engine: run(engine) for engine in ("tight", "moments")}, repeats, 0.01)
    return ratio(seconds["tight"], seconds["moments"]), run("auto")().engine == "moments"


class Grid:
    """Measured cells as a table, and how often the rule was right."""

    def __init__(self) -> None:
        self.cells: list[tuple[float, bool]] = []

    def table(
        self, corner: str, rows: Iterable[int], columns: Iterable[int], measure: Callable[[int, int], Any]
    ) -> str:
        """Markdown, one line a row; `measure(row, column)` gives a cell."""
        columns = list(columns)
        lines = [f"| {corner} | {' | '.join(map(str, columns))} |", "|---|" + "---|" * len(columns)]
        for row in rows:
            found = [measure(row, column) for column in columns]
            self.cells += found
            texts = [f"**{rounded(value)}**" if moments else rounded(value) for value, moments in found]
            lines.append(f"| {row} | {' | '.join(texts)} |")
            print(lines[-1], file=sys.stderr, flush=True)
        return "\n".join(lines)

    def verdict(self) -> str:
        """How much time the rule loses, in all cells."""
        losses = [value - 1 if not moments else 1 / value - 1 for value, moments in self.cells]
        right = sum(loss <= 0 for loss in losses)
        noticed = sum(loss > 0.1 for loss in losses)
        return (
            f"The rule takes the faster engine in {right} of {len(losses)} cells; it loses more than 10 % in "
            f"{noticed} of them, and {100 * max(losses):.0f} % at most."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--print", action="store_true", help="print the tables, and leave README.md alone")
    options = parser.parse_args()
    quiet = environment()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], quiet)
    repeats, grid = options.repeats, Grid()
    corner = "features \\ batch"
    sgd = grid.table(corner, FEATURES, BATCHES, lambda d, B: cell(NUM_ROWS, d, B, repeats))
    single = grid.table(
        corner, (2, 8, 12, 16, 20), (8, 16, 32, 64), lambda d, B: cell(NUM_ROWS, d, B, repeats, dtype="float32")
    )
    momentum = grid.table(
        corner, (2, 4, 8, 12, 16, 20, 30, 40), BATCHES, lambda d, B: cell(NUM_ROWS // 2, d, B, repeats, rule="momentum")
    )
    outputs = grid.table(
        "outputs \\ features", (2, 4, 8), (2, 5, 8, 12, 16), lambda k, d: cell(NUM_ROWS, d, 10, repeats, k)
    )
    short = grid.table("features \\ steps", (2, 8, 16), STEPS, lambda d, steps: cell(steps * 10, d, 10, repeats))
    text = (
        f"{NUM_ROWS:,} rows, float64, SGD:\n\n{sgd}\n\n"
        f"The same in float32 (moments are always summed in float64):\n\n{single}\n\n"
        f'{NUM_ROWS // 2:,} rows, `rule="momentum"`:\n\n{momentum}\n\n'
        f"Several outputs, minibatches of 10:\n\n{outputs}\n\n"
        f"Short epochs (so many minibatches of 10):\n\n{short}\n\n"
        f"{grid.verdict()}\n\nMeasured on: {machine()}.\n"
    )
    if options.print:
        print(text)
    else:
        fill(HERE / "README.md", "engines", text)


if __name__ == "__main__":
    main()
