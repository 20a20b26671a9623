"""The engines are one run: the plain loop against naive Python, the others against the plain loop.

The promise: parameters within 1e-10 of the loop's, relative to the largest, and losses to 6 digits, unless
they are at rounding level.  Where lr is beyond the bound, parameters may grow and come back: then relative to
the largest of the run.  The worst seen in 3000 drawn runs is 8e-14.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from naive import SLOPES, draw_orders, make_data, naive_sgd

import npreg
from npreg.engines import make_engine
from npreg.engines.loops import FoldedLoop, FoldedRows, WideLoop
from npreg.engines.moments import MomentsEngine
from npreg.loop import PlainLoop
from npreg.sgd import Stepper

pytestmark = pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")

ENGINES = ("loop", "tight", "moments", "auto")


def decay(epochs):
    return 1 / (1 + epochs)


def stacked(result):
    """(w; b) in time."""
    return np.concatenate([result.trajectory.w, result.trajectory.b[:, None]], axis=1)


# --- the plain loop, and every other, against a loop over every index -----------------------------------

RUNS = {
    "plain": {},
    "l2": {"l2": 0.3},
    "l1": {"l1": 0.2},
    "l1 and l2": {"l1": 0.1, "l2": 0.2},
    "momentum": {"rule": "momentum"},
    "momentum 0.5, l2": {"rule": npreg.Momentum(0.5), "l2": 0.3},
    "nesterov": {"rule": "nesterov"},
    "nesterov 0.5, l2, l1": {"rule": npreg.Nesterov(0.5), "l2": 0.3, "l1": 0.1},
    "schedule": {"lr": (0.02, decay)},
    "schedule, l2, momentum": {"lr": (0.02, decay), "l2": 0.3, "rule": "momentum"},
    "schedule, nesterov": {"lr": (0.02, decay), "rule": "nesterov"},
    "weights": {"sample_weight": True},
    "weights, l2, l1": {"sample_weight": True, "l2": 0.3, "l1": 0.1},
    "weights, schedule, momentum, l2": {"sample_weight": True, "lr": (0.02, decay), "rule": "momentum", "l2": 0.2},
    "absolute": {"loss": "absolute"},
    "huber 0.5, weights, l2": {"loss": npreg.LOSSES["huber"].bind(delta=0.5), "sample_weight": True, "l2": 0.1},
    "log_cosh, nesterov, schedule": {"loss": "log_cosh", "rule": "nesterov", "lr": (0.02, decay)},
    "quantile 0.9, l1": {"loss": npreg.LOSSES["quantile"].bind(tau=0.9), "l1": 0.1},
}
SHAPES = [(23, 3, 1, 5), (24, 2, 2, 8), (11, 1, 1, 1), (9, 4, 3, 9), (9, 4, 1, 14), (40, 2, 1, 7)]


# With all rows in one minibatch weights count as repeated rows: `test_train.py` has those.
STEPS = [(case, shape) for case in RUNS for shape in SHAPES if "sample_weight" not in RUNS[case] or shape[3] < shape[0]]


@pytest.mark.parametrize(("case", "shape"), STEPS, ids=str)
def test_every_step_is_the_naive_loops(case, shape):
    n, d, k, batch_size = shape
    X, y, w, b = make_data(n, d, k)
    options = dict(RUNS[case])
    weights = None
    if options.pop("sample_weight", False):
        weights = options["sample_weight"] = np.random.default_rng(1).random(n) * 2
    loss = npreg.losses.as_loss(options.get("loss", "squared"))
    rule = options.get("rule", "sgd")
    expected = naive_sgd(
        X,
        y,
        draw_orders(3, n, 2),
        batch_size=batch_size,
        lr=0.02,
        w=w,
        b=b,
        slope=lambda r: SLOPES[loss.name](r, **loss.params),
        l2=options.get("l2", 0),
        l1=options.get("l1", 0),
        rule=rule if isinstance(rule, str) else type(rule).__name__.lower(),
        beta=getattr(rule, "beta", 0.9),
        schedule=options["lr"][1] if "lr" in options else lambda epochs: 1.0,
        weights=weights,
    )
    for engine in ENGINES:
        if engine == "moments" and (not loss.is_squared or "l1" in options):
            continue
        run = npreg.train(
            X, y, batch_size=batch_size, num_epochs=2, w=w, b=b, rng=3, callbacks=npreg.Record("step"), engine=engine,
            **{"lr": 0.02, **options},
        )  # fmt: skip
        path = stacked(run)
        assert path.shape == (1 + len(expected), d + 1, k)
        assert run.num_steps == len(expected)
        np.testing.assert_array_equal(path[0], np.vstack([w, b]))
        np.testing.assert_allclose(path[1:], expected, rtol=1e-12, atol=1e-13, err_msg=engine)
        np.testing.assert_array_equal(run.w, path[-1, :-1])
        np.testing.assert_array_equal(run.b, path[-1, -1])
        value = loss.value(X @ run.w + run.b, y)
        assert run.losses[-1] == pytest.approx(np.average(value.mean(axis=1), weights=weights), rel=1e-12)


# --- the promise, over scales, conditioning, offsets, … ---------------------------------------------------


@st.composite
def problems(draw):
    """Data as bad as they come, and a run on them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32), label="seed"))
    n, d, k = draw(st.integers(1, 300)), draw(st.integers(1, 13)), draw(st.sampled_from([1, 1, 1, 2, 3]))
    batch_size = draw(st.sampled_from([1, 2, 3, 10, 17, 64, n, n + 5]))
    X = rng.standard_normal((n, d))
    conditioning = draw(st.sampled_from(["even", "one scale", "every column its own"]))
    if conditioning == "one scale":
        X *= 10.0 ** draw(st.integers(-4, 4))
    elif conditioning == "every column its own":
        X *= 10.0 ** rng.uniform(-3, 3, d)
    X += draw(st.sampled_from([0, 0, 1.0, 1e3, 1e6])) * rng.standard_normal()
    if d > 1 and draw(st.booleans(), label="duplicate column"):
        X[:, 1] = X[:, 0]
    constant = draw(st.sampled_from([None, None, 0.0, 1.0, 1e6]))
    if constant is not None:
        X[:, 0] = constant
    y = X @ rng.standard_normal((d, k)) * 10.0 ** draw(st.integers(-3, 3))
    y += draw(st.sampled_from([0.0, 1e-8, 1.0])) * rng.standard_normal((n, k))
    y += draw(st.sampled_from([0.0, 1.0, 1e6]))
    if draw(st.integers(0, 9)) == 0:
        y[:] = 0
    lr = npreg.max_learning_rate(X, batch_size) * draw(st.sampled_from([0.01, 0.3, 0.9, 1.5, 5]))
    options = {"batch_size": batch_size, "num_epochs": draw(st.integers(1, 5)), "rng": 0}
    rule = draw(st.sampled_from(["sgd", "sgd", "sgd", "momentum", "nesterov"]))
    if rule != "sgd":
        options["rule"], lr = rule, lr / 10
    if draw(st.integers(0, 3)) == 0:
        options["l2"] = draw(st.sampled_from([1e-6, 1e-3, 0.5])) / max(1.0, lr)
    if draw(st.integers(0, 3)) == 0:
        options["lr"] = lr, decay
    if draw(st.integers(0, 3)) == 0:
        options["sample_weight"] = rng.integers(0, 3, n) + (np.arange(n) == 0)
        lr /= 3
    if draw(st.integers(0, 3)) == 0:
        options["callbacks"] = npreg.Record(draw(st.sampled_from(["step", "epoch"])))
    return X, y, {**options, "lr": (lr, decay) if "lr" in options else lr}


def outcome(X, y, engine, options):
    try:
        return npreg.train(X, y, engine=engine, **options)
    except npreg.DivergenceError as error:
        return error


def largest_parameter(X, y, options):
    """Of the loop's result, where lr is below the bound; else of all its steps (inf where it diverges)."""
    weights, rule = options.get("sample_weight"), options.get("rule", "sgd")
    bound = npreg.max_learning_rate(X, options["batch_size"], l2=options.get("l2", 0), sample_weight=weights)
    run = outcome(X, y, "loop", {**options, "callbacks": npreg.Record("step")})
    if isinstance(run, npreg.DivergenceError):
        return np.inf
    lr = options["lr"][0] if isinstance(options["lr"], tuple) else options["lr"]
    if lr < bound and rule == "sgd" and weights is None:
        return max(np.abs(run.w).max(), np.abs(run.b).max())
    return np.abs(stacked(run)).max()


def size_of_predictions(X, y, theta):
    """How large the terms of a residual are, which rounding goes by."""
    return float((np.abs(X) @ np.abs(theta[:-1]) + np.abs(theta[-1]) + np.abs(y)).max())


@settings(max_examples=60)
@given(problems())
def test_promise(problem):
    X, y, options = problem
    loop = outcome(X, y, "loop", options)
    largest = largest_parameter(X, y, options)
    start = stacked(npreg.train(X, y, **{**options, "num_epochs": 0, "callbacks": npreg.Record("epoch")}))[0]
    for engine in ("tight", "moments", "auto"):
        other = outcome(X, y, engine, options)
        assert type(other) is type(loop)
        if isinstance(loop, npreg.DivergenceError):
            assert (other.epoch, other.lr) == (loop.epoch, loop.lr)
            assert len(other.losses) == len(loop.losses)
            continue
        theta, expected = np.vstack([other.w, other.b]), np.vstack([loop.w, loop.b])
        assert np.abs(theta - expected).max() <= 1e-10 * largest
        if options.get("callbacks"):
            assert np.abs(stacked(other) - stacked(loop)).max() <= 1e-10 * largest
        rounding = (1e-8 * max(size_of_predictions(X, y, some) for some in (start, expected))) ** 2
        assert (np.abs(other.losses - loop.losses) <= 1e-6 * loop.losses + rounding).all()
        assert other.num_steps == loop.num_steps


@settings(max_examples=20)
@given(problems())
@example((np.ones((1, 1)), np.ones((1, 1)), {"lr": 0.1, "batch_size": 1, "num_epochs": 1, "rng": 0}))
def test_promise_float32(problem):
    """In float32 the loop itself rounds: no engine is further from the float64 run than a few times the loop.

    Weights, momentum, … as drawn; only data that have no digits left in float32 are left out.
    """
    X, y, options = problem
    X, y = X.astype(np.float32), y.astype(np.float32)
    exact = outcome(X.astype(float), y.astype(float), "loop", options)
    loop = outcome(X, y, "loop", options)
    if isinstance(exact, npreg.DivergenceError) or isinstance(loop, npreg.DivergenceError):
        return
    largest = np.abs(np.vstack([exact.w, exact.b])).max()
    reach = max(np.abs(loop.w - exact.w).max(), np.abs(loop.b - exact.b).max())
    if reach > 1e-3 * largest:
        return
    for engine in ("tight", "moments", "auto"):
        run = outcome(X, y, engine, options)
        assert run.w.dtype == run.b.dtype == np.float32
        error = max(np.abs(run.w - exact.w).max(), np.abs(run.b - exact.b).max())
        assert error <= 8 * reach + 2e-5 * largest


@pytest.mark.parametrize("offset", [0.0, pytest.param(1.0, marks=pytest.mark.slow), 1e6])
@pytest.mark.parametrize("constant", [*(pytest.param(c, marks=pytest.mark.slow) for c in (0.0, 1.0)), 1e6])
def test_promise_for_offsets_and_constant_columns(offset, constant):
    X, y, _, _ = make_data(200, 4, 1)
    X += offset
    X[:, 2], X[:, 3] = X[:, 1], constant
    for batch_size in (1, 7, 10, 200, 1000):
        lr = 0.5 * npreg.max_learning_rate(X, batch_size)
        runs = {e: npreg.train(X, y, batch_size=batch_size, lr=lr, rng=0, num_epochs=20, engine=e) for e in ENGINES}
        for run in runs.values():
            error = max(np.abs(run.w - runs["loop"].w).max(), np.abs(run.b - runs["loop"].b).max())
            assert error <= 1e-10 * max(np.abs(runs["loop"].w).max(), np.abs(runs["loop"].b).max())
            np.testing.assert_allclose(run.losses, runs["loop"].losses, rtol=1e-6)


@pytest.mark.parametrize("n", [pytest.param(1000, marks=pytest.mark.slow), 70_000])
def test_long_epochs_in_several_chunks(n):
    """More rows than are gathered at once, and (n = 70 000) orders drawn ahead on a thread."""
    X, y, w, b = make_data(n, 3, 1)
    runs = [npreg.train(X, y, w=w, b=b, rng=0, num_epochs=2, lr=0.01, engine=engine) for engine in ENGINES]
    for run in runs:
        np.testing.assert_allclose(run.w, runs[0].w, rtol=1e-11)
        np.testing.assert_allclose(run.losses, runs[0].losses, rtol=1e-9)
    by_hand = np.vstack([w, b])
    for order in draw_orders(0, n, 2):
        for first in range(0, n, 10):
            rows = order[first : first + 10]
            r = X[rows] @ by_hand[:-1] + by_hand[-1] - y[rows]
            by_hand = by_hand - 0.01 / 10 * np.vstack([X[rows].T @ r, r.sum(axis=0)])
    np.testing.assert_allclose(runs[0].w, by_hand[:-1], rtol=1e-11)


# --- same seed, same bits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(101, 3, 2, 10), pytest.param((60_000, 2, 1, 10), marks=pytest.mark.slow), (7, 2, 1, 20)], ids=str
)
def test_bits(engine, dtype, shape):
    """Same seed, same bits; and epochs that share a pass give the bits of epochs one at a time."""
    n, d, k, batch_size = shape
    X, y, _, _ = make_data(n, d, k, dtype=dtype)
    options = {"batch_size": batch_size, "num_epochs": 6 if n < 1000 else 2, "lr": 0.01, "engine": engine}
    once, again = (npreg.train(X, y, rng=4, **options) for _ in range(2))
    one_by_one = npreg.train(X, y, rng=4, callbacks=lambda progress: False, **options)
    for other in (again, one_by_one):
        np.testing.assert_array_equal(other.w, once.w)
        np.testing.assert_array_equal(other.b, once.b)
    np.testing.assert_array_equal(again.losses, once.losses)
    np.testing.assert_allclose(one_by_one.losses, once.losses, rtol=1e-12 if dtype == np.float64 else 1e-5)
    assert np.abs(npreg.train(X, y, rng=5, **options).w - once.w).max() > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_generator_goes_on(engine):
    """Two runs from one Generator are one longer run: exactly one permutation an epoch is drawn."""
    X, y, w, b = make_data(60, 2, 1)
    rng = np.random.default_rng(0)
    first = npreg.train(X, y, w=w, b=b, rng=rng, num_epochs=2, engine=engine)
    second = npreg.train(X, y, w=first.w, b=first.b, rng=rng, num_epochs=3, engine=engine)
    whole = npreg.train(X, y, w=w, b=b, rng=0, num_epochs=5, engine=engine)
    np.testing.assert_array_equal(second.w, whole.w)
    np.testing.assert_allclose([*first.losses, *second.losses], whole.losses, rtol=1e-13)
    untouched = np.random.default_rng(0)
    for _ in range(5):
        untouched.permutation(60)
    assert rng.random() == untouched.random()


def test_rows_enough_for_a_thread_leave_the_generator_where_it_should_be():
    X, y, w, b = make_data(60_000, 1, 1)
    rng, expected = np.random.default_rng(0), np.random.default_rng(0)
    npreg.train(X, y, w=w, b=b, rng=rng, num_epochs=2, lr=0.01)
    for _ in range(2):
        expected.permutation(60_000)
    assert rng.random() == expected.random()


def test_a_stopped_run_has_drawn_no_more_orders_than_epochs():
    X, y, w, b = make_data(60_000, 1, 1)
    rng, expected = np.random.default_rng(0), np.random.default_rng(0)
    npreg.train(X, y, w=w, b=b, rng=rng, num_epochs=5, lr=0.01, callbacks=lambda progress: progress.epoch == 2)
    for _ in range(2):
        expected.permutation(60_000)
    assert rng.random() == expected.random()


# --- engines by themselves --------------------------------------------------------------------------------


def test_which_engine():
    """The clear cases; where exactly the rule changes over is measured, not promised."""
    for n, d, batch_size, options, expected in [
        (1000, 2, 10, {}, "moments"),
        (100_000, 8, 10, {}, "moments"),
        (1000, 2, 10, {"l2": 0.1}, "moments"),
        (1000, 2, 10, {"rule": "momentum"}, "moments"),
        (1000, 2, 10, {"lr": (1e-4, decay)}, "moments"),
        (1000, 2, 10, {"l1": 0.1}, "tight"),  # a step is no affine map
        (1000, 2, 10, {"loss": "huber"}, "tight"),
        (2000, 100, 10, {}, "tight"),  # moments are larger than the rows
        (500, 300, 32, {}, "tight"),
        (20, 2, 20, {}, "tight"),  # one step an epoch
    ]:
        X, y, _, _ = make_data(n, d, 1)
        run = npreg.train(X, y, batch_size=batch_size, num_epochs=1, rng=0, **{"lr": 1e-4, **options})
        assert run.engine == expected


def test_engine_classes():
    def made(name, d, batch_size, loss="squared", **options):
        stepper = Stepper([np.zeros((d, 1)), np.zeros(1)], lr=0.1, divisor=1, steps_per_epoch=1, **options)
        return type(make_engine(name, d, batch_size, np.dtype(float), npreg.LOSSES[loss], stepper))

    assert made("loop", 2, 10) is PlainLoop
    assert made("tight", 2, 10) is FoldedLoop
    assert made("tight", 1000, 32) is WideLoop
    assert made("tight", 2, 10, "huber") is WideLoop
    assert made("tight", 2, 10, rule=npreg.Momentum()) is WideLoop
    assert made("moments", 2, 10) is MomentsEngine
    assert npreg.train(*make_data()[:2], rng=0, engine="auto").engine in ("tight", "moments")


def test_moments_that_grow_are_left_to_the_loop(monkeypatch):
    """Maps that would lose digits are noticed, and the loop takes the chunk over."""
    replayed = []
    original = MomentsEngine.replay_by_loop

    def replay_by_loop(self, theta, index, path):
        replayed.append(index.shape)
        return original(self, theta, index, path)

    monkeypatch.setattr(MomentsEngine, "replay_by_loop", replay_by_loop)
    X, y, _, _ = make_data(400, 3, 1)
    npreg.train(X, y, rng=0, engine="moments", lr=0.03, num_epochs=5)
    assert not replayed
    options = {"rng": 0, "lr": 3.0, "num_epochs": 2, "w": [0, 0, 0], "b": 0}
    run = npreg.train(X, 0 * y, engine="moments", **options)  # stays at 0, where the maps overflow
    assert replayed
    assert not run.w.any()


@pytest.mark.parametrize("rule", ["sgd", "momentum"])
@pytest.mark.parametrize("num_rows", [100, 105])  # an even and an odd number of steps
def test_wide_states_are_stepped_through_as_the_loop_does(rule, num_rows):
    """Also what is recorded after every step, over several epochs in one pass."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((num_rows, 18)), rng.standard_normal(num_rows)
    options = {"batch_size": 5, "lr": 0.01, "num_epochs": 3, "rng": 1, "rule": rule, "callbacks": npreg.Record("step")}
    loop, moments = (npreg.train(X, y, engine=engine, **options) for engine in ("loop", "moments"))
    np.testing.assert_allclose(moments.trajectory.w, loop.trajectory.w, rtol=0, atol=1e-13)
    np.testing.assert_allclose(moments.w, loop.w, rtol=0, atol=1e-13)


def test_padding():
    """A short minibatch is filled with rows of zeros, which change nothing."""
    rows = FoldedRows(np.float64, 4)
    X, y, _, _ = make_data(6, 2, 1)
    rows.load(X, y, None, 4.0)
    index = rows.padded(np.array([5, 4, 3, 2, 1, 0]))
    np.testing.assert_array_equal(index, [[5, 4, 3, 2], [1, 0, 6, 6]])
    gathered = rows.gather(index, np.empty((8, 4)))
    np.testing.assert_allclose(gathered[0], 2 * np.column_stack([X, np.ones(6), -y])[[5, 4, 3, 2]])
    assert not gathered[1, 2:].any()
