"""The runs that `fixtures/make_pytorch_fixtures.py` has stored, and how far npreg is from them.

    python tests/stored_runs.py

prints the worst differences; those seen with NumPy 2.4 and 1.26 are in `test_pytorch.py`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

import npreg

FIXTURES = Path(__file__).parent / "fixtures"
SMOOTH = ("squared", "huber", "log_cosh")


class StoredRun(NamedTuple):
    """One run of PyTorch: see the script for what the arrays hold."""

    name: str
    loss: npreg.Loss
    lr: float
    batch_size: int
    order_seed: int
    features: np.ndarray
    labels: np.ndarray
    order: np.ndarray
    steps: np.ndarray
    gradients: np.ndarray
    epochs: np.ndarray
    losses: np.ndarray

    @property
    def start(self):
        return {"w": self.epochs[0, :-1], "b": self.epochs[0, -1]}

    @property
    def num_gradients(self):
        return min(len(self.gradients), self.order.shape[0] * -(-len(self.features) // self.batch_size))

    def minibatches(self) -> Iterator[np.ndarray]:
        for rows in self.order:
            for first in range(0, len(rows), self.batch_size):
                yield rows[first : first + self.batch_size]


@lru_cache
def load(loss: str) -> tuple[dict, dict[str, StoredRun]]:
    """What is said about a file, and its runs by name."""
    with np.load(FIXTURES / f"pytorch_{loss}.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    runs = {}
    for name, case in about["cases"].items():
        dtype = case["dtype"]
        runs[name] = StoredRun(
            name,
            npreg.LOSSES[loss].bind(**about["params"]),
            case["lr"],
            case["batch_size"],
            about["order_seed"],
            arrays["features"][:, : case["num_features"]].astype(dtype),
            arrays["labels"][:, : case["num_outputs"]].astype(dtype),
            arrays["order"],
            *(arrays[f"{name}/{part}"] for part in ("steps", "gradients", "epochs", "losses")),
        )
    return about, runs


def all_runs() -> list[StoredRun]:
    return [run for loss in npreg.LOSSES for run in load(loss)[1].values()]


def gradient_difference(run: StoredRun) -> float:
    """The largest |npreg's gradient − autograd's| in units of eps · Σ |terms|, entry by entry.

    The terms of grad_w[j] are X[i, j] · grad_y_hat[i]; where the loss's derivative follows the residual,
    that of row i is itself a sum, of X[i, j] w[j], b and −y[i].
    """
    worst, eps = 0.0, np.finfo(run.features.dtype).eps
    loss = current(run.loss)
    for rows, theta, expected in zip(run.minibatches(), run.steps, run.gradients, strict=False):
        X, y, w, b = run.features[rows], run.labels[rows], theta[:-1], theta[-1]
        grad_y_hat = loss.grad(npreg.linreg(X, w, b), y)
        gradient = np.vstack(npreg.linreg_backward(X, grad_y_hat))
        assert gradient.dtype == expected.dtype
        terms = np.abs(grad_y_hat)
        if loss.name in SMOOTH:
            terms = terms + np.abs(X) @ np.abs(w) + np.abs(b) + np.abs(y)
        size = np.vstack([np.abs(X).T @ terms, terms.sum(axis=0)])
        worst = max(worst, float((np.abs(gradient - expected) / size).max() / eps))
    return worst


def run_differences(run: StoredRun, engine: str) -> tuple[float, float]:
    """How far npreg's run is from the stored one: parameters (also after the first steps), and losses.

    Parameters relative to the largest one after each epoch, losses to each loss.
    """
    kwargs = {
        "batch_size": run.batch_size,
        "lr": run.lr,
        "num_epochs": len(run.losses),
        "rng": run.order_seed,
        "loss": current(run.loss),
        "engine": engine,
        **run.start,
    }
    by_epoch = npreg.train(run.features, run.labels, callbacks=npreg.Record("epoch"), **kwargs)
    by_step = npreg.train(run.features, run.labels, callbacks=npreg.Record("step"), **kwargs)
    assert by_epoch.w.dtype == run.features.dtype
    worst = 0.0
    pairs = [(by_epoch, run.epochs), (by_step, run.steps[: run.num_gradients])]
    for result, expected in pairs:
        got = np.concatenate([result.trajectory.w, result.trajectory.b[:, None]], axis=1)[: len(expected)]
        largest = np.abs(expected).max(axis=(1, 2))
        worst = max(worst, float((np.abs(got - expected).max(axis=(1, 2)) / largest).max()))
    return worst, float(np.abs(by_epoch.losses / run.losses - 1).max())


def current(loss: npreg.Loss) -> npreg.Loss:
    """The loss as npreg has it now (a test may have planted a mistake since it was loaded)."""
    return npreg.LOSSES[loss.name].bind(**loss.params)


def main() -> None:
    worst: dict[tuple[str, str], float] = defaultdict(float)
    for run in all_runs():
        dtype = run.features.dtype.name
        worst[dtype, "gradient"] = max(worst[dtype, "gradient"], gradient_difference(run))
        for engine in ("loop", "tight", "moments", "auto"):
            if engine == "moments" and not run.loss.is_squared:
                continue
            found = run_differences(run, engine)
            for what, value in zip(("parameters", "losses"), found, strict=True):
                key = dtype, f"{what}, engine {engine}"
                worst[key] = max(worst[key], value)
    for (dtype, what), value in sorted(worst.items()):
        print(f"{dtype}  {what:28} {value:.2g}")


if __name__ == "__main__":
    main()
