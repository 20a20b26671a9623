"""How many of scikit-learn's own estimator checks pass: npreg's regressor, and scikit-learn's SGDRegressor.

    python benchmarks/estimator_checks.py

Runs `sklearn.utils.estimator_checks` on each and prints a Markdown table.  Checks that scikit-learn skips
(array API, without its environment variable) are not counted.  `max_iter` only shortens the runs: with the
defaults, 5000 steps a fit, every check passes also with minibatches, because the data of the check on weights
have more columns than rows and are fitted exactly, whatever the weights.
"""

from __future__ import annotations

import unittest
import warnings
from typing import Any

from needed import need

need(sklearn="scikit-learn")

import sklearn
from sklearn.linear_model import SGDRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator

from npreg.sklearn import MinibatchSGDRegressor

ESTIMATORS = {
    "`MinibatchSGDRegressor(batch_size=None, max_iter=300)`, full batch": MinibatchSGDRegressor(
        batch_size=None, max_iter=300
    ),
    "`MinibatchSGDRegressor(max_iter=20)`, minibatches of 10": MinibatchSGDRegressor(max_iter=20),
    "scikit-learn's `SGDRegressor()`": SGDRegressor(),
}


def run_checks(estimator: Any) -> tuple[int, list[str]]:
    """The number of checks, and the names of those that fail."""
    count, failed = 0, []
    for instance, check in estimator_checks_generator(estimator):
        try:
            check(instance)
        except unittest.SkipTest:
            continue
        except Exception:
            failed.append(check.func.__name__)
        count += 1
    return count, failed


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")  # some checks provoke them
    print(f"| scikit-learn {sklearn.__version__}'s checks | pass | fail |")
    print("|---|---:|---|")
    for name, estimator in ESTIMATORS.items():
        count, failed = run_checks(estimator)
        print(f"| {name} | {count - len(failed)} of {count} | {', '.join(f'`{f}`' for f in failed) or 'none'} |")


if __name__ == "__main__":
    main()
