"""What the estimator's short calls cost: `partial_fit` with `lr="auto"` next to a number, and warm-started fits.

    python benchmarks/partial_fit.py [--repeats 15]

Chunks of 100 rows, 40 an estimator; the two take turns, in processor time.  Prints a Markdown table of the least
time with "auto" by that with a number; and scikit-learn's time for a warm-started fit (SGDRegressor, three epochs
over 1000 rows of 2 columns) by npreg's, of 1000 fits each, which take turns in tens: some seconds.
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


def warm_starts(fits: int) -> float:
    """The least time of ten warm-started fits, scikit-learn's by npreg's."""
    from sklearn.linear_model import SGDRegressor

    from npreg.sklearn import MinibatchSGDRegressor

    X = np.random.default_rng(0).standard_normal((1000, 2))
    y = X @ [2, -3.4] + 4.2
    theirs = SGDRegressor(max_iter=3, tol=None, warm_start=True, random_state=0)
    ours = MinibatchSGDRegressor(lr=0.03, max_iter=3, warm_start=True, random_state=0)
    seconds: dict[object, list[float]] = {theirs: [], ours: []}
    for _ in range(fits // 10):
        for model, found in seconds.items():
            start = time.process_time()
            for _ in range(10):
                model.fit(X, y)
            found.append(time.process_time() - start)
    return min(seconds[theirs]) / min(seconds[ours])


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
    print(f"\nWarm-started fits, `SGDRegressor` / npreg: {rounded(warm_starts(1000))}")


if __name__ == "__main__":
    main()
