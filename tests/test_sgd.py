"""From gradient to update: sgd, momentum, Nesterov, penalties, schedules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import draw_orders, make_data

import npreg
from npreg.sgd import Rule, Stepper, as_rule

vectors = st.lists(st.floats(-100, 100), min_size=1, max_size=5).map(np.array)


@given(vectors, st.floats(0, 10), st.integers(1, 100))
def test_sgd(grad, lr, batch_size):
    """One formula, entry by entry, in place; the gradient is left as it is."""
    param = np.linspace(-1, 1, len(grad))
    before, kept = param.copy(), grad.copy()
    assert npreg.sgd([param], [grad], lr, batch_size) is None
    for i in range(len(grad)):
        assert param[i] == pytest.approx(before[i] - lr * grad[i] / batch_size, rel=1e-12, abs=1e-12)
    np.testing.assert_array_equal(grad, kept)


def test_sgd_in_place_through_views():
    theta = np.ones((3, 2))
    npreg.sgd([theta[:-1], theta[-1]], [np.ones((2, 2)), np.full(2, 2.0)], 1.0, 2)
    np.testing.assert_array_equal(theta, [[0.5, 0.5], [0.5, 0.5], [0, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sgd_keeps_the_dtype(dtype):
    param = np.ones(2, dtype)
    npreg.sgd([param], [np.ones(2, np.float64)], 0.5, 1)
    assert param.dtype == dtype
    np.testing.assert_array_equal(param, [0.5, 0.5])


def test_the_notebooks_own_line_is_told_that_gradients_come_second():
    w, b = np.ones((2, 1)), np.zeros(1)
    with pytest.raises(TypeError, match=r"come second.*sgd\(\[w, b\], \[grad_w, grad_b\], lr, batch_size\)"):
        npreg.sgd([w, b], 0.03, 10)
    with pytest.raises(TypeError, match=r"sequences of arrays, not list and ndarray"):
        npreg.sgd([w, b], np.array(0.0), 0.03, 10)
    grad_w, grad_b, lr, batch_size = np.ones((2, 1)), np.ones(1), 0.03, 10
    eval("sgd([w, b], [grad_w, grad_b], lr, batch_size)", {**locals(), "sgd": npreg.sgd})  # the cure
    assert (w < 1).all()


def test_nothing_happens_at_lr_0():
    param = np.ones(2)
    npreg.sgd([param], [np.ones(2)], 0, 1)
    np.testing.assert_array_equal(param, [1, 1])


@given(vectors, st.floats(0, 50))
def test_an_l1_step_is_the_proximal_step(w, amount):
    """argmin over v of ½(v − w)² + amount |v|, of one step without a gradient: checked through its subgradient."""
    out = np.array(w)[:, None]
    Stepper((out, np.zeros(1)), lr=1.0, divisor=1.0, steps_per_epoch=1, l1=amount).step(
        (out, np.zeros(1)), [0 * out, np.zeros(1)], 1
    )
    for before, after in zip(w, out[:, 0], strict=True):
        if after == 0:
            assert abs(before) <= amount * (1 + 1e-12) + 1e-12
        else:
            assert before - after == pytest.approx(np.sign(after) * amount, abs=1e-12)


# --- rules, against the formulas of torch.optim.SGD(momentum=β, nesterov=…) ------------------------------


def torch_formulas(gradients, beta, lr, nesterov, start):
    """torch.optim.SGD as its documentation writes it: b₁ = g₁; bₜ = β bₜ₋₁ + gₜ; g + β b with nesterov."""
    param, buffer, path = start.copy(), None, []
    for g in gradients:
        buffer = g.copy() if buffer is None else beta * buffer + g
        param = param - lr * (g + beta * buffer if nesterov else buffer)
        path.append(param)
    return np.array(path)


@settings(max_examples=30)
@given(beta=st.floats(0, 0.99), nesterov=st.booleans(), seed=st.integers(0, 1000))
def test_momentum(beta, nesterov, seed):
    gradients = np.random.default_rng(seed).standard_normal((12, 3, 2))
    rule = npreg.Nesterov(beta) if nesterov else npreg.Momentum(beta)
    param = np.ones((3, 2))
    state, path = rule.init([param]), []
    for g in gradients:
        kept = g.copy()
        npreg.sgd([param], rule.update([g], state), 0.1, 1)
        np.testing.assert_array_equal(g, kept)
        path.append(param.copy())
    expected = torch_formulas(gradients, beta, 0.1, nesterov, np.ones((3, 2)))
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_against_torch(nesterov):
    """A whole run, with weight decay as the L2 penalty, against torch.optim itself."""
    torch = pytest.importorskip("torch")
    X, y, w, b = make_data(20, 3, 1)
    parts = [torch.tensor(part, requires_grad=True) for part in (w, b)]
    groups = [{"params": parts[:1], "weight_decay": 0.2}, {"params": parts[1:]}]
    optimizer = torch.optim.SGD(groups, lr=0.02, momentum=0.8, nesterov=nesterov)
    for order in draw_orders(0, 20, 3):
        for first in range(0, 20, 5):
            rows = torch.tensor(order[first : first + 5])
            optimizer.zero_grad()
            r = torch.tensor(X)[rows] @ parts[0] + parts[1] - torch.tensor(y)[rows]
            (r**2 / 2).mean().backward()
            optimizer.step()
    rule = npreg.Nesterov(0.8) if nesterov else npreg.Momentum(0.8)
    for engine in ("loop", "tight", "moments"):
        run = npreg.train(X, y, w=w, b=b, batch_size=5, lr=0.02, rng=0, rule=rule, l2=0.2, engine=engine)
        np.testing.assert_allclose(run.w, parts[0].detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(run.b, parts[1].detach().numpy(), rtol=1e-12)


def test_momentum_0_is_sgd():
    X, y, w, b = make_data(50, 3, 2)
    plain = npreg.train(X, y, w=w, b=b, rng=0)
    for rule in (npreg.Momentum(0), npreg.Nesterov(0)):
        np.testing.assert_allclose(npreg.train(X, y, w=w, b=b, rng=0, rule=rule).w, plain.w, rtol=1e-13)


def test_rules_by_name():
    assert as_rule("sgd") == npreg.SGD()
    assert as_rule("momentum") == npreg.Momentum(0.9)
    assert as_rule("nesterov") == npreg.Nesterov(0.9)
    assert as_rule("momentum") != as_rule("nesterov")
    rule = npreg.Momentum(0.3)
    assert as_rule(rule) is rule
    assert all(isinstance(as_rule(name), Rule) for name in ("sgd", "momentum", "nesterov"))


class SignRule:
    """A rule of one's own: every entry moves by the same amount."""

    def init(self, params):
        return []

    def update(self, grads, state):
        return [np.sign(grad) for grad in grads]


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
def test_a_rule_of_ones_own():
    X, y, w, b = make_data(20, 2, 1)
    run = npreg.train(X, y, w=w, b=b, rule=SignRule(), batch_size=20, num_epochs=1, lr=0.5, rng=0)
    moved = np.vstack([run.w - w, run.b - b])
    np.testing.assert_allclose(np.abs(moved), 0.5)
    r = X @ w + b - y
    np.testing.assert_array_equal(np.sign(moved[:-1]), -np.sign(X.T @ r))
    with pytest.raises(ValueError, match="affine maps"):
        npreg.train(X, y, rule=SignRule(), engine="moments")


# --- everything between gradient and parameters -----------------------------------------------------------


def test_stepper_resumes_from_its_state():
    """State and steps_done are all there is: a second Stepper goes on where the first stopped."""
    gradients = np.random.default_rng(0).standard_normal((8, 2, 1))
    options = {
        "lr": 0.1, "divisor": 2.0, "steps_per_epoch": 4, "rule": npreg.Momentum(0.7), "l2": 0.1, "l1": 0.05,
        "schedule": lambda epochs: 1 / (1 + epochs),
    }  # fmt: skip

    def params():
        return [np.ones((2, 1)), np.ones(1)]

    whole, parts = params(), params()
    stepper = Stepper(whole, **options)
    for g in gradients:
        stepper.step(whole, [g, g[0]], 2)
    first = Stepper(parts, **options)
    for g in gradients[:3]:
        first.step(parts, [g, g[0]], 2)
    second = Stepper(parts, **options)
    second.state, second.steps_done = first.state, first.steps_done
    for g in gradients[3:]:
        second.step(parts, [g, g[0]], 2)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


DIABETES = Path(__file__).parents[1] / "examples" / "data" / "diabetes.csv"


@pytest.mark.parametrize(("l1", "zeros"), [(1.0, 3), (5.0, 5), (20.0, 7)])
@pytest.mark.parametrize("rule", ["sgd", "momentum"])
def test_l1_selects_the_columns_of_the_exact_lasso(l1, zeros, rule):
    """Diabetes, standardised, minibatches of 10, averaged: `zeros` are those of the exact Lasso."""
    X, *_, y = np.hsplit(np.loadtxt(DIABETES, delimiter=",", skiprows=1, comments="#"), [10])
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    run = npreg.train(X, y, l1=l1, lr="auto", rule=rule, num_epochs=100, rng=0)
    assert abs(np.count_nonzero(run.w == 0) - zeros) <= 1
    if l1 != 5 or rule != "sgd":
        return
    small = npreg.train(X.astype(np.float32), y, l1=l1, lr="auto", rule=rule, num_epochs=100, rng=0)
    assert np.count_nonzero(small.w == 0) == np.count_nonzero(run.w == 0)
    np.testing.assert_allclose(small.w, run.w, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("rule", ["adam", "adagrad"])
def test_l1_needs_the_gradients_own_scale(rule):
    X, y, _, _ = make_data(20, 2, 1)
    with pytest.raises(ValueError, match='take rule="sgd"'):
        npreg.train(X, y, l1=0.1, rule=rule)


def test_schedule_sees_epochs_in_parts():
    seen = []

    def schedule(epochs):
        seen.append(epochs)
        return 1.0

    X, y, _, _ = make_data(10, 2, 1)
    npreg.train(X, y, batch_size=4, num_epochs=2, lr=(0.03, schedule), engine="loop", rng=0)
    np.testing.assert_allclose(sorted(set(seen)), np.arange(6) / 3)


def test_schedule_of_zero_stands_still():
    X, y, w, b = make_data(20, 2, 1)
    for engine in ("loop", "tight", "moments"):
        run = npreg.train(
            X, y, w=w, b=b, num_epochs=4, rng=0, engine=engine, callbacks=npreg.Record("epoch"),
            lr=(0.03, lambda epochs: float(epochs < 2)), l2=0.1,
        )  # fmt: skip
        assert np.abs(run.trajectory.w[2] - run.trajectory.w[1]).max() > 0
        np.testing.assert_array_equal(run.trajectory.w[4], run.trajectory.w[2])


def test_penalties_leave_the_intercept_alone():
    X, y, w, _ = make_data(20, 2, 1)
    for engine in ("loop", "tight", "moments", "auto"):
        run = npreg.train(
            0 * X, 0 * y, w=w, b=[7.0], l2=0.5, l1=0.0 if engine == "moments" else 0.01,
            batch_size=5, num_epochs=5, lr=1e-3, rng=0, engine=engine,
        )  # fmt: skip
        assert np.abs(run.w).max() < np.abs(w).max()
        assert run.b[0] == pytest.approx(7 * (1 - 1e-3) ** 20)  # only its own gradient, r = b
