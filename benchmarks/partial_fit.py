"""What `lr="auto"` costs in the estimator's `partial_fit`, next to a number, for so many columns.

    python benchmarks/partial_fit.py [--repeats 15]

Chunks of 100 rows, 40 an estimator; the two take turns, in processor time.  Prints a Markdown table of the least
time with "auto" by that with a number: some seconds.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from needed import need
from tables import rounded

COLUMNS, CHUNK, CHUNKS = (20, 500, 2000), 100, 40


def stream(lr: float | str, X: np.ndarray, y: np.ndarray) -> None:
    from npreg.sklearn import MinibatchSGDRegressor

    model = MinibatchSGDRegressor(lr=lr, random_state=0)
    for start in range(0, len(X), CHUNK):
        model.partial_fit(X[start : start + CHUNK], y[start : start + CHUNK])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    need(sklearn="scikit-learn")
    cells = []
    for d in COLUMNS:
        X = np.random.default_rng(0).standard_normal((CHUNK * CHUNKS, d))
        calls = {name: lambda lr=lr, X=X: stream(lr, X, X[:, 0]) for name, lr in (("auto", "auto"), ("fixed", 1e-4))}
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(repeats):
            for name, call in calls.items():
                start = time.process_time()
                call()
                seconds[name].append(time.process_time() - start)
        cells.append(rounded(min(seconds["auto"]) / min(seconds["fixed"])))
    print(f"| columns | {' | '.join(map(str, COLUMNS))} |\n|---|{'---|' * len(COLUMNS)}")
    print(f"| auto / fixed | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
