"""The tester tested: a mistake planted into a derivative makes several checks fail, for every loss.

The checks are those of the other files: differences against the value, stored runs of PyTorch (gradients
and whole runs), the naive loop.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable

import numpy as np
import pytest
from naive import SLOPES, draw_orders, make_data, naive_sgd
from stored_runs import load
from test_linear_losses import check_chain
from test_pytorch import check_gradients, check_run

import npreg
from npreg.sgd import Stepper

PARAMS = {"huber": {"delta": 0.7}, "quantile": {"tau": 0.9}}


def loss_of(name):
    return npreg.LOSSES[name].bind(**PARAMS.get(name, {}))


# --- the checks ---------------------------------------------------------------------------------------------


def check_differences(name):
    """grad against the value's central differences, away from kinks."""
    loss = loss_of(name)
    r = np.array([-3.1, -1.3, -0.5, -0.2, 0.15, 0.4, 1.1, 2.7])[:, None]
    y, h = np.full(8, 0.3), 1e-6
    slope = (loss.value(r + 0.3 + h, y) - loss.value(r + 0.3 - h, y)) / (2 * h)
    np.testing.assert_allclose(loss.grad(r + 0.3, y), slope, rtol=1e-7, atol=1e-8)


def check_chain_of(name):
    check_chain(loss_of(name))


def check_stored_gradients(name):
    for dtype in ("float32", "float64"):
        check_gradients(load(name)[1][f"{name}-{dtype}-d2-k3-B10"])


def check_stored_run(name):
    for engine in ("loop", "tight"):
        check_run(load(name)[1][f"{name}-float64-d5-k1-B64"], engine)


def check_naive_run(name):
    X, y, w, b = make_data(15, 2, 2)
    loss = loss_of(name)
    run = npreg.train(X, y, w=w, b=b, batch_size=4, lr=0.05, rng=0, loss=loss, engine="loop")
    path = naive_sgd(
        X, y, draw_orders(0, 15, 3), batch_size=4, lr=0.05, w=w, b=b,
        slope=lambda r: SLOPES[name](r, **loss.params),
    )  # fmt: skip
    np.testing.assert_allclose(np.vstack([run.w, run.b]), path[-1], rtol=1e-10)


def check_adjoint(name):
    """⟨g, linreg(X, w, b)⟩ = ⟨linreg_backward(X, g), (w, b)⟩."""
    rng = np.random.default_rng(0)
    X, g, w, b = (rng.standard_normal(shape) for shape in ((9, 3), (9, 2), (3, 2), (2,)))
    grad_w, grad_b = npreg.linreg_backward(X, g)
    assert float((g * npreg.linreg(X, w, b)).sum()) == pytest.approx(float((grad_w * w).sum() + (grad_b * b).sum()))


CHECKS = [check_differences, check_chain_of, check_stored_gradients, check_stored_run, check_naive_run]


def failures(name, checks=CHECKS) -> list[str]:
    """The checks that a loss fails now, whatever the error."""
    failed = []
    for check in checks:
        try:
            check(name)
        except Exception:
            failed.append(check.__name__)
    return failed


# --- the mistakes -------------------------------------------------------------------------------------------


def plant(monkeypatch, original: Callable, mistake: Callable) -> None:
    """Put `mistake(original)` wherever npreg holds the function."""
    planted = mistake(original)
    for module_name, module in list(sys.modules.items()):
        if module_name == "npreg" or module_name.startswith("npreg."):
            for name, value in list(vars(module).items()):
                if value is original:
                    monkeypatch.setattr(module, name, planted)
    for name, loss in list(npreg.LOSSES.items()):
        if loss.grad_function is original:
            monkeypatch.setitem(npreg.LOSSES, name, dataclasses.replace(loss, grad_function=planted))


GRAD_MISTAKES = {
    "factor 2": lambda grad: lambda y_hat, y, **params: 2 * grad(y_hat, y, **params),
    "factor 1/2": lambda grad: lambda y_hat, y, **params: grad(y_hat, y, **params) / 2,
    "factor 1.001": lambda grad: lambda y_hat, y, **params: 1.001 * grad(y_hat, y, **params),
    "sign": lambda grad: lambda y_hat, y, **params: -grad(y_hat, y, **params),
    "mean": lambda grad: lambda y_hat, y, **params: grad(y_hat, y, **params) / len(y_hat),
    "summed": lambda grad: lambda y_hat, y, **params: np.zeros_like(y_hat) + grad(y_hat, y, **params).sum(axis=0),
    "rows reversed": lambda grad: lambda y_hat, y, **params: grad(y_hat, y, **params)[::-1].copy(),
    "y and y_hat exchanged": lambda grad: lambda y_hat, y, **params: grad(y.reshape(y_hat.shape), y_hat, **params),
    "no residual": lambda grad: lambda y_hat, y, **params: y_hat - 0 * y.reshape(y_hat.shape),
    "default parameters": lambda grad: lambda y_hat, y, **params: grad(y_hat, y),
    "a quarter": lambda grad: (
        lambda y_hat, y, **params: np.where(
            y_hat > y.reshape(y_hat.shape), grad(y_hat, y, **params), grad(y_hat, y, **params) / 4
        )
    ),
}
BACKWARD_MISTAKES = {
    "factor 2": lambda f: lambda X, g: tuple(2 * part for part in f(X, g)),
    "factor 1.001 of grad_w": lambda f: lambda X, g: (f(X, g)[0] * 1.001, f(X, g)[1]),
    "sign of grad_w": lambda f: lambda X, g: (-f(X, g)[0], f(X, g)[1]),
    "sign of grad_b": lambda f: lambda X, g: (f(X, g)[0], -f(X, g)[1]),
    "mean instead of sum": lambda f: lambda X, g: tuple(part / len(X) for part in f(X, g)),
    "mean in grad_b": lambda f: lambda X, g: (f(X, g)[0], f(X, g)[1] / len(X)),
    "sum over the wrong axis": lambda f: lambda X, g: (f(X, g)[0], np.resize(g.sum(axis=1), g.shape[1])),
    "grad_b of the first row": lambda f: lambda X, g: (f(X, g)[0], g[0].copy()),
    "not transposed": lambda f: lambda X, g: (np.resize(X, X.shape[::-1]) @ g, f(X, g)[1]),
    "columns exchanged": lambda f: lambda X, g: (f(X[:, ::-1], g)[0], f(X, g)[1]),
    "a row left out": lambda f: lambda X, g: f(X[1:], g[1:]),
    "grad_w ignores X": lambda f: lambda X, g: (f(np.ones_like(X), g)[0], f(X, g)[1]),
}


@pytest.mark.parametrize("name", npreg.LOSSES)
def test_as_it_is_every_check_passes(name):
    assert failures(name, [*CHECKS, check_adjoint]) == []


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        (mistake, name)
        for at, mistake in enumerate(GRAD_MISTAKES)
        for then, name in enumerate(npreg.LOSSES)
        if (mistake != "default parameters" and (at + then) % 3 == 0) or name in PARAMS
    ],
)
def test_mistakes_in_a_derivative_are_caught(monkeypatch, mistake, name):
    plant(monkeypatch, npreg.LOSSES[name].grad_function, GRAD_MISTAKES[mistake])
    failed = failures(name)
    assert len(failed) >= 4, failed


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        (mistake, name)
        for at, mistake in enumerate(BACKWARD_MISTAKES)
        for then, name in enumerate(npreg.LOSSES)
        if (at + then) % 3 == 0
    ],
)
def test_mistakes_in_linreg_backward_are_caught(monkeypatch, mistake, name):
    plant(monkeypatch, npreg.linreg_backward, BACKWARD_MISTAKES[mistake])
    failed = failures(name, [*CHECKS, check_adjoint])
    assert len(failed) >= 4, failed


def test_other_losses_stay_right(monkeypatch):
    """A mistake in one derivative is found there and nowhere else."""
    plant(monkeypatch, npreg.LOSSES["huber"].grad_function, GRAD_MISTAKES["factor 2"])
    assert failures("huber")
    for name in npreg.LOSSES:
        if name != "huber":
            assert failures(name) == []


UPDATE_MISTAKES = {
    "sign": lambda f: lambda params, grads, lr, batch_size: f(params, [-g for g in grads], lr, batch_size),
    "factor 2": lambda f: lambda params, grads, lr, batch_size: f(params, grads, 2 * lr, batch_size),
    "one parameter": lambda f: lambda params, grads, lr, batch_size: f(params[:1], grads[:1], lr, batch_size),
}


@pytest.mark.parametrize("mistake", UPDATE_MISTAKES)
def test_mistakes_in_sgd_are_caught(monkeypatch, mistake):
    plant(monkeypatch, npreg.sgd, UPDATE_MISTAKES[mistake])
    assert set(failures("squared")) >= {"check_stored_run", "check_naive_run"}


def test_dividing_by_the_rows_there_are_is_caught(monkeypatch):
    """The nominal batch_size divides, also for a short last minibatch."""

    def step(self, params, grads, rows):
        npreg.sgd(params, grads, self.lr, int(rows))

    monkeypatch.setattr(Stepper, "step", step)
    assert set(failures("squared")) >= {"check_stored_run", "check_naive_run"}
