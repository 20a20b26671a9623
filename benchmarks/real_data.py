"""Held-out R² on 20 data sets, raw columns: exact least squares, npreg, and scikit-learn's SGD.

    python benchmarks/real_data.py [--repeats 5]

No scaling by hand, no tuning; only "scaled SGDRegressor" has a StandardScaler before it.  Every estimator
predicts each row from a fit to the other four fifths of the data (five-fold cross-validation, shuffled; the
same folds for all); R² is that of all these predictions together, averaged over the repeats.  Needs
scikit-learn and statsmodels, which bring the data; nothing is downloaded.  Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from needed import need

need(sklearn="scikit-learn", statsmodels="statsmodels", pandas="pandas")

import numpy as np
import pandas as pd
import statsmodels.datasets
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from npreg import least_squares
from npreg.sklearn import MinibatchSGDRegressor

# statsmodels data set: the label, and the columns that are no features: names, text, other outcomes, and what
# the label or another column is computed from.
TABLES = {
    "anes96": ("PID", ["vote", "logpopul"]),
    "cancer": ("cancer", []),
    "ccard": ("AVGEXP", []),
    "committee": ("BILLS104", []),
    "copper": ("WORLDCONSUMPTION", []),
    "cpunish": ("EXECUTIONS", []),
    "engel": ("foodexp", []),
    "fair": ("affairs", []),
    "grunfeld": ("invest", ["firm"]),
    "heart": ("survival", []),
    "longley": ("TOTEMP", []),
    "macrodata": ("realcons", []),
    "modechoice": ("gc", ["individual", "choice"]),
    "randhie": ("mdvis", []),
    "scotland": ("YES", []),
    "stackloss": ("STACKLOSS", []),
    "statecrime": ("murder", []),
    "strikes": ("duration", []),
}


def data_sets() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, features (n, d) and labels (n,)."""
    yield "diabetes", *load_diabetes(return_X_y=True, scaled=False)
    exercises, measurements = load_linnerud(return_X_y=True)
    yield "linnerud", exercises, measurements[:, 0]  # the weight
    for name, (label, dropped) in TABLES.items():
        table: pd.DataFrame = getattr(statsmodels.datasets, name).load_pandas().data
        features = table.drop(columns=[label, *dropped])
        yield name, features.to_numpy(dtype=float), table[label].to_numpy(dtype=float)


class ExactLeastSquares:
    """`least_squares` with scikit-learn's fit and predict."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> ExactLeastSquares:
        """Solve."""
        self.result = least_squares(X, y)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Evaluate X w + b."""
        return (X @ self.result.w + self.result.b)[:, 0]


def held_out_r2(make: Callable[[int], Any], X: np.ndarray, y: np.ndarray, repeats: int) -> float:
    """R² of the predictions for rows left out, mean over shuffles; −inf if one is not finite."""
    scores = []
    for repeat in range(repeats):
        predicted = np.empty_like(y)
        for fold, (seen, unseen) in enumerate(KFold(5, shuffle=True, random_state=repeat).split(X)):
            fitted = make(5 * repeat + fold).fit(X[seen], y[seen])
            predicted[unseen] = fitted.predict(X[unseen])
        scores.append(r2_score(y, predicted) if np.isfinite(predicted).all() else -np.inf)
    return float(np.mean(scores))


ESTIMATORS: dict[str, Callable[[int], Any]] = {
    "exact": lambda seed: ExactLeastSquares(),
    "MinibatchSGDRegressor": lambda seed: MinibatchSGDRegressor(random_state=seed),
    "SGDRegressor": lambda seed: SGDRegressor(random_state=seed),
    "scaled SGDRegressor": lambda seed: make_pipeline(StandardScaler(), SGDRegressor(random_state=seed)),
}


def main() -> None:
    """Print the table, and how many sets each estimator has within 0.02 of exact least squares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="shuffles of the five folds (default 5)")
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore", ConvergenceWarning)  # of SGDRegressor; its R² says it all
    print("| set | rows, columns | " + " | ".join(ESTIMATORS) + " |")
    print("|---|---:|" + "---:|" * len(ESTIMATORS))
    close = dict.fromkeys(ESTIMATORS, 0)
    for name, X, y in data_sets():
        scores = {label: held_out_r2(make, X, y, repeats) for label, make in ESTIMATORS.items()}
        for label, score in scores.items():
            close[label] += abs(score - scores["exact"]) <= 0.02
        cells = " | ".join(f"{score:.3f}" if score > -10 else f"{score:.0e}" for score in scores.values())
        print(f"| {name} | {X.shape[0]}, {X.shape[1]} | {cells} |", flush=True)
    print("| within 0.02 of exact | | " + " | ".join(map(str, close.values())) + " |")


if __name__ == "__main__":
    main()
