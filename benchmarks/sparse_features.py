"""Sparse features: npreg.train next to scikit-learn's SGDRegressor, on one-hot columns.

    python benchmarks/sparse_features.py [--repeats 5] [--print]

100,000 rows, 10,000 columns, ten entries of 1 a row (a CSR matrix of SciPy).  Three epochs with the loss
after each, one BLAS thread; the two take turns.  The table goes between the markers of benchmarks/README.md,
or to the screen with --print.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings

from needed import need
from tables import HERE, environment, fill, interleaved, machine, ratio, rounded

ROWS, COLUMNS, ENTRIES, BATCHES = 100_000, 10_000, 10, (1, 10, 32, 64, 256)


def measure(repeats: int) -> dict[int, str]:
    """scikit-learn's time / npreg's, for each batch size."""
    need(scipy="scipy", sklearn="scikit-learn")
    import numpy as np
    import scipy.sparse
    from sklearn.linear_model import SGDRegressor

    import npreg

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    each = COLUMNS // ENTRIES
    columns = rng.integers(0, each, (ROWS, ENTRIES)) + each * np.arange(ENTRIES)
    pointers = np.arange(0, ROWS * ENTRIES + 1, ENTRIES)
    X = scipy.sparse.csr_matrix((np.ones(ROWS * ENTRIES), columns.ravel(), pointers), (ROWS, COLUMNS))
    y = X @ rng.standard_normal(COLUMNS) + 1
    peer = SGDRegressor(max_iter=3, tol=None, alpha=0, eta0=0.01, learning_rate="constant")
    calls = {0: lambda: peer.fit(X, y)}
    for size in BATCHES:
        calls[size] = lambda size=size: npreg.train(X, y, batch_size=size, lr=0.01, rng=0)
    seconds = interleaved(calls, repeats)
    return {size: rounded(ratio(seconds[0], seconds[size])) for size in BATCHES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--print", action="store_true", help="print the table, and leave README.md alone")
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], environment())
    found = measure(options.repeats)
    lines = [f"| batch size | {' | '.join(map(str, found))} |", "|---|" + "---|" * len(found)]
    lines.append(f"| `SGDRegressor` / npreg | {' | '.join(found.values())} |")
    text = "\n".join(lines) + f"\n\nMeasured on: {machine('scikit-learn', 'scipy')}.\n"
    print(text) if options.print else fill(HERE / "README.md", "sparse", text)


if __name__ == "__main__":
    main()
