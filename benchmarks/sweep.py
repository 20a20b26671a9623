"""What a sweep over many learning rates costs, in single runs.

    python benchmarks/sweep.py [--repeats 11] [--print]

`npreg.sweep` over so many learning rates and `npreg.train` at one of them take turns, on the same data, both
with engine, loss and warnings as by default, three epochs, one BLAS thread.  The table goes between the
markers of benchmarks/README.md, or to the screen with --print.
"""

from __future__ import annotations

import argparse
import os
import sys

from tables import HERE, environment, fill, interleaved, machine, ratio, rounded

SHAPES = [(100_000, 8, 64), (100_000, 2, 10), (20_000, 100, 64)]
COUNTS = (1, 10, 100, 1000)


def measure(shape: tuple[int, int, int], repeats: int) -> list[str]:
    """Time of a sweep over 1, 10, … learning rates / time of a run."""
    import numpy as np

    import npreg

    n, d, batch_size = shape
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    y = X @ np.linspace(-1, 1, d) + 4.2 + 0.01 * rng.standard_normal(n)
    bound = npreg.max_learning_rate(X, batch_size)
    settings = {"batch_size": batch_size, "rng": 0}
    calls = {"run": lambda: npreg.train(X, y, lr=bound / 10, **settings)}
    for count in COUNTS:
        lrs = np.geomspace(bound / 1000, bound, count)
        calls[count] = lambda lrs=lrs: npreg.sweep(X, y, lrs=lrs, **settings)
    seconds = interleaved(calls, repeats)
    return [rounded(ratio(seconds[count], seconds["run"])) for count in COUNTS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--print", action="store_true", help="print the table, and leave README.md alone")
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], environment())
    lines = [
        f"| rows, features, batch | {' | '.join(f'{count} lr' for count in COUNTS)} |",
        "|---|" + "---|" * len(COUNTS),
    ]
    for shape in SHAPES:
        n, d, batch_size = shape
        lines.append(f"| {n:,}, {d}, {batch_size} | {' | '.join(measure(shape, options.repeats))} |")
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + f"\n\nMeasured on: {machine()}.\n"
    if options.print:
        print(text)
    else:
        fill(HERE / "README.md", "sweep", text)


if __name__ == "__main__":
    main()
