"""A user's own loss is looked at before the first step, on every engine alike."""

from __future__ import annotations

import numpy as np
import pytest
from naive import make_data

import npreg

X, Y, W, B = make_data(40, 2, 1)


def half_square(y_hat, y):
    return (y_hat - y) ** 2 / 2


def residual(y_hat, y):
    return y_hat - y


def spoils(y_hat, y):
    y_hat -= y
    return y_hat


WRONG = {
    "reduced derivative": ((half_square, lambda y_hat, y: (y_hat - y).mean()), "grad .* returns shape \\(\\)"),
    "reduced value": ((lambda y_hat, y: half_square(y_hat, y).mean(), residual), "value .* returns shape \\(\\)"),
    "flat": ((half_square, lambda y_hat, y: (y_hat - y)[:, 0]), "returns shape \\(8,\\)"),
    "broadcast": ((half_square, lambda y_hat, y: y_hat - y[:, 0]), "returns shape \\(8, 8\\)"),
    "no return": ((half_square, lambda y_hat, y: None), "grad function returns None; is its return"),
    "text": ((half_square, lambda y_hat, y: "r"), "returns <U1"),
    "exchanged": ((residual, half_square), "exchanged; give loss=\\(value, grad\\)"),
    "sign": ((half_square, lambda y_hat, y: y - y_hat), "not the derivative .* -1 times as much"),
    "factor": ((half_square, lambda y_hat, y: 2 * (y_hat - y)), "not the derivative .* 2 times as much"),
    "divided": ((half_square, lambda y_hat, y: (y_hat - y) / len(y)), "not the derivative .* 0.125 times"),
    "another loss": ((half_square, lambda y_hat, y: np.sign(y_hat - y)), "not the derivative"),
    "by the labels": ((half_square, lambda y_hat, y: (y_hat - y) * y), "not the derivative"),
    "own derivative of npreg's value": ((npreg.squared_loss, lambda y_hat, y: 2 * (y_hat - y)), "2 times"),
    "NaN": ((half_square, lambda y_hat, y: np.full_like(y_hat, np.nan)), "grad .* returns \\[nan\\] in row 0"),
    "changes its arguments": ((half_square, spoils), "grad function changes its arguments"),
}


@pytest.mark.parametrize("engine", ["auto", pytest.param("loop", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_loss_is_refused_with_its_cause(case, engine):
    pair, text = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=text):
        npreg.train(X, Y, loss=pair, rng=0, engine=engine, num_epochs=0)


def softplus(y_hat, y):
    return np.logaddexp(0, y_hat) - y * y_hat


RIGHT = {
    "half square": (half_square, residual),
    "huber by hand": (
        lambda y_hat, y: np.where(abs(y_hat - y) < 1, (y_hat - y) ** 2 / 2, abs(y_hat - y) - 0.5),
        lambda y_hat, y: np.clip(y_hat - y, -1, 1),
    ),
    "absolute": (lambda y_hat, y: abs(y_hat - y), lambda y_hat, y: np.sign(y_hat - y)),
    "hinge of the residual": (lambda y_hat, y: np.maximum(y_hat - y, 0), lambda y_hat, y: 1.0 * (y_hat > y)),
    "logistic": (softplus, lambda y_hat, y: 1 / (1 + np.exp(-y_hat)) - y),
    "poisson": (lambda y_hat, y: np.exp(y_hat) - y * y_hat, lambda y_hat, y: np.exp(y_hat) - y),
    "quartic": (lambda y_hat, y: (y_hat - y) ** 4, lambda y_hat, y: 4 * (y_hat - y) ** 3),
    "cubic root": (lambda y_hat, y: 0.75 * abs(y_hat - y) ** (4 / 3), lambda y_hat, y: np.cbrt(y_hat - y)),
    "lists": (
        lambda y_hat, y: [[r * r] for r in (y_hat - y)[:, 0].tolist()],
        lambda y_hat, y: [[2 * r] for r in (y_hat - y)[:, 0].tolist()],
    ),
}


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@pytest.mark.parametrize(("scale", "dtype"), [(1e-6, np.float32), (1.0, np.float64), (1e6, np.float64)])
@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_passes_in_any_units(case, scale, dtype):
    if case == "poisson" and scale > 1:
        scale = 30.0
    for labels in (Y * scale, np.zeros_like(Y), (Y > 0) * scale):
        for w in (W, 0 * W):
            npreg.train(X.astype(dtype), labels.astype(dtype), w=w, b=0 * B, loss=RIGHT[case], num_epochs=0, rng=0)


def test_it_is_looked_at_on_the_rows_that_the_run_has():
    """Also of row blocks, and several outputs."""
    labels = np.column_stack([Y, 2 * Y])
    for rows in ((npreg.RowBlocks.of(X, labels, 7),), (X, labels)):
        npreg.train(*rows, loss=(half_square, residual), rng=0)
        with pytest.raises(ValueError, match=r"shape \(\d, 1\) for predictions of shape \(\d, 2\)"):
            npreg.train(*rows, loss=(half_square, lambda y_hat, y: (y_hat - y).mean(axis=1, keepdims=True)))
