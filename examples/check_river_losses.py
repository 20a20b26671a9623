"""Two published losses whose gradients are not theirs, found by `npreg.check_gradient`.

river 0.26.1 (https://riverml.xyz) ships loss functions with hand-written gradients. `Cauchy` evaluates the
absolute error but differentiates the Cauchy loss; `Quantile` is right at alpha = 0.5 only, where its doctests
look. A check with parameters that are not the defaults finds both.

    python examples/check_river_losses.py

Without river the same is shown on a pair written here from the mathematical description.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

import npreg

INPUTS = {
    "y_pred": np.array([0.3, -1.7, 2.0, 5.0, -0.4, 1.1, 30.0]),
    "y_true": np.array([0.9, -1.2, -0.5, 4.0, 0.1, -2.0, -60.0]),
}


class OwnCauchy:
    """|r| next to the derivative of the Cauchy loss C²/2 · log(1 + (r/C)²), r = y_pred − y_true."""

    def __init__(self, C: float = 80.0) -> None:
        self.C = C

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return np.abs(y_pred - y_true)

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        r = y_pred - y_true
        return r * self.C**2 / (self.C**2 + r**2)


class OwnQuantile:
    """α·r for r > 0 and (α − 1)·r for r < 0 next to the derivatives 1 − α and −α."""

    def __init__(self, alpha: float = 0.5) -> None:
        self.alpha = alpha

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        r = y_pred - y_true
        return np.where(r < 0, self.alpha - 1, self.alpha) * r

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        return np.where(y_pred > y_true, 1 - self.alpha, -self.alpha)


class OwnSquared:
    """r² next to its derivative 2r."""

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return (y_pred - y_true) ** 2

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        return 2 * (y_pred - y_true)


def losses() -> dict[str, Any]:
    """The losses to check, by what to print: river's where it is installed."""
    if importlib.util.find_spec("river") is None:
        print("river is not installed (pip install river); these pairs, written here, have the same mistakes.\n")
        return {
            "Cauchy (own pair)": OwnCauchy(),
            "Quantile(alpha=0.9) (own pair)": OwnQuantile(0.9),
            "Quantile(alpha=0.5) (own pair)": OwnQuantile(0.5),
            "Squared (own pair)": OwnSquared(),
        }
    from river.optim import losses as river

    return {
        "river.optim.losses.Cauchy()": river.Cauchy(),
        "river.optim.losses.Quantile(alpha=0.9)": river.Quantile(alpha=0.9),
        "river.optim.losses.Quantile(alpha=0.5)": river.Quantile(alpha=0.5),
        "river.optim.losses.Squared()": river.Squared(),
    }


def check(value: Callable[..., Any], gradient: Callable[..., Any]) -> Any:
    """The report on a loss of one pair of numbers or arrays, summed over the rows."""
    return npreg.check_gradient(
        lambda y_true, y_pred: value(y_true, y_pred),
        lambda y_true, y_pred: gradient(y_true, y_pred),
        INPUTS,
        wrt="y_pred",
        upstream=1.0,
    )


def main() -> dict[str, bool]:
    """Print the verdicts; return them."""
    verdicts = {}
    for name, loss in losses().items():
        report = check(loss, loss.gradient)
        verdicts[name] = report.passed
        print(f"{name}: {report}\n")
    return verdicts


if __name__ == "__main__":
    main()
