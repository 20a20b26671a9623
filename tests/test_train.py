"""`train` beyond its engines: penalties, averages, scaling, stopping, callbacks, records, divergence."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from naive import draw_orders, make_data

import npreg
from npreg.arrays import Data
from npreg.runs.scaling import ColumnMoments
from npreg.train import TrainResult

ENGINES = ("loop", "tight", "moments")
each_engine = pytest.mark.parametrize("engine", ENGINES)


def same(a: TrainResult, b: TrainResult, rtol=1e-11):
    scale = max(np.abs(b.w).max(), np.abs(b.b).max())
    np.testing.assert_allclose(a.w, b.w, rtol=0, atol=rtol * scale)
    np.testing.assert_allclose(a.b, b.b, rtol=0, atol=rtol * scale)


def least_squares(X, y, l2=0.0, weights=None):
    """(w; b) of least weighted mean r²/2 + l2/2 Σ w², by the normal equations."""
    s = np.ones(len(X)) if weights is None else np.asarray(weights, float)
    A = np.column_stack([X, np.ones(len(X))])
    G = A.T @ (A * s[:, None]) / s.sum()
    G[np.arange(X.shape[1]), np.arange(X.shape[1])] += l2
    return np.linalg.solve(G, A.T @ (y.reshape(len(y), -1) * s[:, None]) / s.sum())


# --- what is returned and printed ---------------------------------------------------------------------------


def test_the_notebook(capsys):
    features, labels = npreg.synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    run = npreg.train(features, labels, rng=1, verbose=True)
    assert run.w.shape == (2, 1)
    assert run.b.shape == (1,)
    assert run.w.dtype == run.b.dtype == np.float32
    np.testing.assert_allclose([*run.w[:, 0], run.b[0]], [2, -3.4, 4.2], atol=0.01)
    assert run.losses.shape == (3,)
    assert run.losses.dtype == np.float64
    assert (run.num_steps, run.stopped, run.lr) == (300, "num_epochs", 0.03)
    assert run.trajectory is run.validation_losses is run.best_epoch is None
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"epoch {i + 1}, loss {loss:f}" for i, loss in enumerate(run.losses)]
    assert re.fullmatch(r"epoch 1, loss 0\.0\d{5}", lines[0])
    np.testing.assert_allclose(run.predict(features), features @ run.w + run.b, rtol=1e-6)


def test_losses_are_means_over_all_rows():
    for loss in npreg.LOSSES:
        X, y, _, _ = make_data(33, 2, 3)
        run = npreg.train(X, y, loss=loss, rng=0, callbacks=npreg.Record("epoch"))
        for epoch in range(3):
            y_hat = X @ run.trajectory.w[epoch + 1] + run.trajectory.b[epoch + 1]
            assert run.losses[epoch] == pytest.approx(npreg.LOSSES[loss].value(y_hat, y).mean(), rel=1e-12)


def test_no_epoch():
    X, y, w, b = make_data()
    run = npreg.train(X, y, w=w, b=b, num_epochs=0, callbacks=npreg.Record("epoch"))
    np.testing.assert_array_equal(run.w, w)
    np.testing.assert_array_equal(run.b, b)
    assert run.losses.shape == (0,)
    assert run.num_steps == 0
    assert run.trajectory.w.shape == (1, 3, 1)


def test_start_without_parameters():
    """w as init_params draws it, before the first permutation, from the same rng."""
    X, y, _, _ = make_data(dtype=np.float32)
    run = npreg.train(X, y, rng=5)
    rng = np.random.default_rng(5)
    w, b = npreg.init_params(3, rng=rng)
    same(npreg.train(X, y, w=w, b=b, rng=rng), run, rtol=0)


def test_labels_as_column_or_vector():
    X, y, _, _ = make_data()
    same(npreg.train(X, y[:, 0], rng=0), npreg.train(X, y, rng=0), rtol=0)


@each_engine
def test_several_outputs_are_several_runs(engine):
    X, y, w, b = make_data(50, 3, 4)
    together = npreg.train(X, y, w=w, b=b, rng=0, engine=engine, l2=0.1)
    for o in range(4):
        one = npreg.train(X, y[:, o], w=w[:, [o]], b=b[[o]], rng=0, engine=engine, l2=0.1)
        np.testing.assert_allclose(together.w[:, [o]], one.w, rtol=1e-11)
        np.testing.assert_allclose(together.b[[o]], one.b, rtol=1e-11)


def test_a_result_survives_pickle():
    X, y, _, _ = make_data()
    run = npreg.train(X, y, rng=0, callbacks=npreg.Record("step"), validation=0.3)
    again = pickle.loads(pickle.dumps(run))
    same(again, run, rtol=0)
    np.testing.assert_array_equal(again.trajectory.w, run.trajectory.w)


# --- penalties ----------------------------------------------------------------------------------------------


@each_engine
@pytest.mark.parametrize("batch_size", [20, 50], ids=["B = n", "B > n"])
@pytest.mark.parametrize("l2", [0.05, 1.0])
@pytest.mark.parametrize("k", [1, 2])
def test_l2_converges_to_ridge(engine, batch_size, l2, k):
    """In closed form, also where the divisor B exceeds the number of rows; the intercept is free."""
    X, y, _, _ = make_data(20, 3, k)
    lr = npreg.max_learning_rate(X, batch_size, l2=l2) / 2
    run = npreg.train(X, y, batch_size=batch_size, l2=l2, lr=lr, num_epochs=1000, rng=0, engine=engine)
    expected = least_squares(X, y, l2)
    np.testing.assert_allclose(np.vstack([run.w, run.b]), expected, rtol=1e-9)


@each_engine
def test_l2_with_momentum_and_weights_converges_to_weighted_ridge(engine):
    X, y, _, _ = make_data(20, 3, 1)
    weights = np.random.default_rng(2).random(20) * 3
    run = npreg.train(
        X, y, batch_size=20, l2=0.3, lr=0.045, num_epochs=2000, rng=0, rule="nesterov",
        sample_weight=weights, engine=engine,
    )  # fmt: skip
    expected = least_squares(X, y, 0.3, weights)
    np.testing.assert_allclose(np.vstack([run.w, run.b]), expected, rtol=1e-9)


def l1_problem():
    rng = np.random.default_rng(8)
    X = rng.standard_normal((60, 8))
    y = X @ [3, -2, 0, 0, 0, 0, 0.3, 0] + 1 + 0.3 * rng.standard_normal(60)
    return X, y


@pytest.mark.parametrize("engine", ["loop", "tight", "auto"])
@pytest.mark.parametrize("batch_size", [60, 90])
@pytest.mark.parametrize("l1", [0.1, 0.5])
def test_l1_solves_the_lasso(engine, batch_size, l1):
    """Exact zeros, and the optimality conditions: |Σ x r| / n ≤ l1 where w = 0, = −l1 sign(w) elsewhere."""
    X, y = l1_problem()
    lr = npreg.max_learning_rate(X, batch_size) / 2
    run = npreg.train(X, y, batch_size=batch_size, l1=l1, lr=lr, num_epochs=1000, rng=0, engine=engine)
    w, slope = run.w[:, 0], X.T @ (X @ run.w[:, 0] + run.b[0] - y) / len(X)
    assert 1 <= np.sum(w == 0) < 8
    assert np.abs(slope[w == 0]).max() <= l1
    np.testing.assert_allclose(slope[w != 0], -l1 * np.sign(w[w != 0]), atol=1e-9)
    assert (X @ w + run.b[0] - y).mean() == pytest.approx(0, abs=1e-9)


def test_l1_in_minibatches_gives_exact_zeros():
    X, y = l1_problem()
    run = npreg.train(X, y, l1=0.3, lr=0.01, num_epochs=100, rng=0)
    assert np.sum(run.w == 0) >= 4
    large = npreg.train(X, y, l1=100.0, lr=0.01, num_epochs=100, rng=0)
    assert not large.w.any()
    assert large.b[0] == pytest.approx(y.mean(), abs=0.1)


def test_penalties_agree_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y = l1_problem()
    run = npreg.train(X, y, batch_size=60, l1=0.1, l2=0.2, lr=0.3, num_epochs=1000, rng=0)
    peer = linear_model.ElasticNet(alpha=0.3, l1_ratio=1 / 3, tol=1e-14, max_iter=100_000).fit(X, y)
    np.testing.assert_allclose(run.w[:, 0], peer.coef_, atol=1e-8)
    assert run.b[0] == pytest.approx(peer.intercept_, abs=1e-8)


# --- sample weights -----------------------------------------------------------------------------------------


@each_engine
@pytest.mark.parametrize("options", [{}, {"l2": 0.3}, {"rule": "momentum"}], ids=str)
def test_weight_2_is_the_row_twice(engine, options):
    """Exactly, step by step, where one minibatch holds all rows."""
    X, y, w, b = make_data(12, 2, 1)
    weights = np.array([2, 1, 1, 3, 0, 1, 1, 2, 1, 1, 1, 1])
    X2, y2 = np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0)
    common = {"w": w, "b": b, "rng": 0, "num_epochs": 7, "callbacks": npreg.Record("step"), "engine": engine, **options}
    weighted = npreg.train(X, y, sample_weight=weights, batch_size=len(X), **common)
    repeated = npreg.train(X2, y2, batch_size=len(X2), **common)
    np.testing.assert_allclose(weighted.trajectory.w, repeated.trajectory.w, rtol=1e-12)
    np.testing.assert_allclose(weighted.trajectory.b, repeated.trajectory.b, rtol=1e-12)
    np.testing.assert_allclose(weighted.losses, repeated.losses, rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
@pytest.mark.parametrize(
    "options", [{"l2": 0.3}, {"l1": 0.3}, {"standardize": True}, {"lr": "auto", "num_epochs": 2}], ids=str
)
def test_only_ratios_of_weights_matter(unit, options):
    """Also with penalties, in minibatches, of row blocks, and for the check of the learning rate."""
    X, y, w, b = make_data(24, 2, 1)
    weights = np.random.default_rng(0).uniform(0.5, 2, 24)
    common = {"w": w, "b": b, "rng": 0, "lr": 0.1, "validation": 0.2, **options}
    one, other = (npreg.train(X, y, sample_weight=s, batch_size=5, **common) for s in (weights, unit * weights))
    np.testing.assert_allclose(other.w, one.w, rtol=1e-12)
    np.testing.assert_allclose(other.losses, one.losses, rtol=1e-12)
    np.testing.assert_allclose(other.validation_losses, one.validation_losses, rtol=1e-12)
    del common["validation"]
    one, other = (
        npreg.train(npreg.RowBlocks.of(X, y, 10, s), batch_size=5, **common) for s in (weights, unit * weights)
    )
    np.testing.assert_allclose(other.w, one.w, rtol=1e-12)
    np.testing.assert_allclose(other.losses, one.losses, rtol=1e-12)
    bounds = [npreg.max_learning_rate(X, 5, sample_weight=s) for s in (weights, unit * weights)]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-12)
    sweeps = [npreg.sweep(X, y, lrs=0.1, l2=0.3, w=w, b=b, rng=0, sample_weight=s) for s in (weights, unit * weights)]
    np.testing.assert_allclose(sweeps[0].w, sweeps[1].w, rtol=1e-12)


def test_weights_that_overflow_are_told():
    X, y, _, _ = make_data(12, 2, 1)
    huge = np.full(12, 1e308)
    with pytest.raises(ValueError, match=r"give sample_weight / sample_weight\.max\(\)"):
        npreg.train(X, y, sample_weight=huge)
    npreg.train(X, y, sample_weight=huge / huge.max())


@each_engine
def test_weights_of_1_are_none(engine):
    X, y, _, _ = make_data(50, 2, 1)
    same(
        npreg.train(X, y, rng=0, engine=engine, sample_weight=np.ones(50)),
        npreg.train(X, y, rng=0, engine=engine),
        rtol=1e-14,
    )


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@each_engine
def test_rows_of_weight_0_do_nothing(engine):
    X, y, _, _ = make_data(50, 2, 1)
    weights = (np.arange(50) % 3 > 0).astype(float)
    spoiled = y.copy()
    spoiled[weights == 0] = 1e3
    options = {"rng": 0, "engine": engine, "sample_weight": weights, "num_epochs": 5}
    clean, dirty = npreg.train(X, y, **options), npreg.train(X, spoiled, **options)
    np.testing.assert_allclose(dirty.w, clean.w, rtol=1e-12)
    np.testing.assert_allclose(dirty.losses, clean.losses, rtol=1e-12)


# --- averages, scaling --------------------------------------------------------------------------------------


@each_engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("average", "epochs"), [(0.5, 2), (0.01, 1), (0.75, 3), (0.99, 4)])
def test_average(engine, dtype, average, epochs):
    """The mean of the parameters after every step of the last epochs; losses are the average's from there."""
    X, y, _, _ = make_data(45, 2, 2, dtype=dtype)
    plain = npreg.train(X, y, rng=0, num_epochs=4, engine=engine, callbacks=npreg.Record("step"))
    run = npreg.train(X, y, rng=0, num_epochs=4, engine=engine, average=average)
    tail = slice(1 + 5 * (4 - epochs), None)
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    assert run.w.dtype == dtype
    np.testing.assert_allclose(run.w, plain.trajectory.w[tail].mean(axis=0), rtol=rtol)
    np.testing.assert_allclose(run.b, plain.trajectory.b[tail].mean(axis=0), rtol=rtol)
    np.testing.assert_allclose(run.losses[: 4 - epochs], plain.losses[: 4 - epochs], rtol=rtol)
    assert run.losses[-1] == pytest.approx(((X @ run.w + run.b - y) ** 2).mean() / 2, rel=1e-5)


def test_averages_are_closer():
    """What averaging is for: at a constant rate the average ends nearer to the least-squares solution."""
    X, y, _, _ = make_data(300, 3, 1, noise=2.0)
    best = least_squares(X, y)
    distance = {}
    for average in (0.0, 0.5):
        runs = [npreg.train(X, y, lr=0.1, batch_size=5, num_epochs=20, average=average, rng=s) for s in range(5)]
        distance[average] = np.mean([np.linalg.norm(np.vstack([r.w, r.b]) - best) for r in runs])
    assert distance[0.5] < distance[0.0] / 3


@each_engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_standardize(engine, dtype, weighted):
    """The run on scaled columns, with the scaling folded back; start, path and penalty included."""
    X, y, w, b = make_data(60, 3, 2)
    X = X * [1, 1000, 0.01] + [0, 5e4, 7]
    w = w / [[1], [1000], [0.01]]
    weights = np.random.default_rng(0).integers(1, 4, 60) if weighted else None
    mean = np.average(X, axis=0, weights=weights)
    sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    common = {
        "rng": 0,
        "engine": engine,
        "num_epochs": 4,
        "l2": 0.1,
        "sample_weight": weights,
        "callbacks": npreg.Record("epoch"),
    }
    X, y = X.astype(dtype), y.astype(dtype)
    run = npreg.train(X, y, standardize=True, w=w.astype(dtype), b=b.astype(dtype), **common)
    scaled = npreg.train((X - mean) / sd, y, w=w * sd[:, None], b=b + mean @ w, **common)
    rtol = 1e-9 if dtype == np.float64 else 2e-3
    path = scaled.trajectory.w
    offset = np.einsum("j,tjk->tk", mean / sd, path)
    np.testing.assert_allclose(run.trajectory.w * sd[:, None], path, rtol=rtol, atol=rtol)
    got = run.trajectory.b + offset
    np.testing.assert_allclose(got, scaled.trajectory.b, rtol=0, atol=rtol * np.abs(offset).max())
    np.testing.assert_allclose(run.losses, scaled.losses, rtol=rtol)
    predicted = ((X.astype(float) - mean) / sd) @ scaled.w + scaled.b
    np.testing.assert_allclose(run.predict(X), predicted, rtol=0.01, atol=20 * rtol)


def test_standardize_constant_columns():
    X, y, _, _ = make_data(60, 3, 1)
    A = np.column_stack([X[:, ::2], np.ones(60)])
    fitted = A @ np.linalg.lstsq(A, y, rcond=None)[0]
    for constant in (0.0, 1.0, 0.1, 1e6):
        X[:, 1] = constant
        run = npreg.train(X, y, standardize=True, lr=0.1, num_epochs=300, batch_size=60, rng=0)
        np.testing.assert_allclose(run.predict(X), fitted, rtol=1e-6, atol=1e-6)


def test_standardize_many_rows_of_float32():
    """Means are summed in float64: 2e5 numbers near 1000 would lose four digits in a float32 sum."""
    rng = np.random.default_rng(0)
    X = (1000 + rng.standard_normal((200_000, 1))).astype(np.float32)
    y = ((X[:, 0] - 1000) * 2 + 3).astype(np.float32)
    blocks = npreg.RowBlocks.of(X, y, 70_000)
    by_block = ColumnMoments.of(blocks[0]) + ColumnMoments.of(blocks[1]) + ColumnMoments.of(blocks[2])
    for scaling in (ColumnMoments.of(Data(X, y[:, None])).scaling(), by_block.scaling()):
        assert scaling.mean[0] == pytest.approx(X.mean(dtype=float), rel=1e-12)
        assert scaling.sd[0] == pytest.approx(X.std(dtype=float), rel=1e-9)


# --- validation, stopping, callbacks, records ---------------------------------------------------------------


@pytest.mark.parametrize("part", [0, 1])
def test_validation_rows_beyond_the_range_of_the_others_are_refused(part):
    rows = [np.ones((2, 1)), np.ones(2)]
    rows[part] = rows[part] * 1e149
    with pytest.raises(ValueError, match=r"validation .* beyond the range of float32; rescale them"):
        npreg.train(np.ones((3, 1), np.float32), np.ones(3, np.float32), rng=0, validation=tuple(rows))


def test_how_far_a_run_is_can_be_told_of_any_labels():
    """Of float32, whose squares overflow, and with a penalty beyond its range."""
    ones = np.ones((3, 1), np.float32)
    assert npreg.train(ones, np.float32([1e20, 1e20, 1e20]), rng=0, loss="absolute").w.shape == (1, 1)
    with pytest.warns(npreg.ConvergenceWarning):
        npreg.train(ones, np.float32([0.1, 0.2, 0.3]), rng=0, lr=0.0, l1=1e150, average=0.0)


def test_validation_rows_given():
    X, y, w, b = make_data(80, 3, 1)
    X_val, y_val = X[60:], y[60:]
    run = npreg.train(
        X[:60], y[:60], validation=(X_val, y_val), w=w, b=b, rng=0, callbacks=npreg.Record("epoch"), num_epochs=8
    )
    plain = npreg.train(X[:60], y[:60], w=w, b=b, rng=0, num_epochs=8)
    np.testing.assert_allclose(run.losses, plain.losses, rtol=1e-13)
    losses = [
        float(((X_val @ w_t + b_t - y_val) ** 2).mean() / 2)
        for w_t, b_t in zip(run.trajectory.w[1:], run.trajectory.b[1:], strict=True)
    ]
    np.testing.assert_allclose(run.validation_losses, losses, rtol=1e-12)
    assert run.best_epoch == 1 + int(np.argmin(losses))
    np.testing.assert_array_equal(run.w, run.trajectory.w[run.best_epoch])
    np.testing.assert_array_equal(run.b, run.trajectory.b[run.best_epoch])


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_fraction(weighted):
    """The first part of one permutation is held out; the rest is trained on, in its old order."""
    X, y, w, b = make_data(40, 2, 1)
    weights = np.random.default_rng(0).random(40) if weighted else None
    rng = np.random.default_rng(9)
    order = rng.permutation(40)
    out, kept = np.sort(order[:10]), np.sort(order[10:])
    run = npreg.train(X, y, validation=0.25, w=w, b=b, rng=9, sample_weight=weights)
    held_out = (X[out], y[out]) if weights is None else (X[out], y[out], weights[out])
    by_hand = npreg.train(
        X[kept], y[kept], validation=held_out, w=w, b=b, rng=rng,
        sample_weight=None if weights is None else weights[kept],
    )  # fmt: skip
    same(run, by_hand, rtol=0)
    np.testing.assert_array_equal(run.validation_losses, by_hand.validation_losses)


def test_patience():
    """Stops after `patience` epochs without an improvement of more than tol, and returns the best."""
    X, y, _, _ = make_data(60, 3, 1, noise=2.0)
    run = npreg.train(X, y, validation=0.5, stop=npreg.EarlyStopping(4), num_epochs=500, rng=0, lr=0.05)
    assert run.stopped == "patience"
    assert len(run.losses) == run.best_epoch + 4 < 500
    assert run.best_epoch == 1 + int(np.argmin(run.validation_losses))
    assert run.num_steps == 3 * len(run.losses)
    impatient = npreg.train(X, y, stop=npreg.EarlyStopping(2, tol=0.5), num_epochs=500, rng=0)
    drops = -np.diff(impatient.losses)
    assert impatient.stopped == "patience"
    assert drops[-2:].max() < 0.5
    patient = npreg.train(X, y, stop=npreg.EarlyStopping(500), num_epochs=30, rng=0)
    assert patient.stopped == "num_epochs"
    assert len(patient.losses) == 30


def test_callbacks():
    X, y, _, _ = make_data(50, 2, 1)
    seen, also = [], []

    def look(progress):
        seen.append(progress)
        progress.w[:] = 1e9  # a copy: no way to spoil the run
        return progress.epoch == 3

    run = npreg.train(X, y, callbacks=[look, also.append], num_epochs=10, rng=0, validation=0.2, standardize=True)
    assert run.stopped == "callback"
    assert [progress.epoch for progress in seen] == [1, 2, 3] == [progress.epoch for progress in also]
    assert [progress.steps for progress in seen] == [4, 8, 12]
    np.testing.assert_array_equal([progress.loss for progress in seen], run.losses)
    np.testing.assert_array_equal([progress.validation_loss for progress in seen], run.validation_losses)
    assert np.abs(run.w).max() < 100
    np.testing.assert_array_equal(also[run.best_epoch - 1].w, run.w)
    one = npreg.train(X, y, callbacks=lambda progress: True, rng=0)
    assert len(one.losses) == 1
    with pytest.raises(ZeroDivisionError):
        npreg.train(X, y, callbacks=lambda progress: 1 // 0, rng=0)


@each_engine
@pytest.mark.parametrize("shape", [(45, 2, 1, 10), (7, 3, 2, 7), (5, 1, 1, 9)], ids=str)
def test_records(engine, shape):
    n, d, k, batch_size = shape
    X, y, w, b = make_data(n, d, k)
    common = {"w": w, "b": b, "rng": 0, "batch_size": batch_size, "num_epochs": 3, "engine": engine}
    plain, steps, epochs = (
        npreg.train(X, y, callbacks=kept, **common) for kept in ((), npreg.Record("step"), npreg.Record("epoch"))
    )
    per_epoch = -(-n // batch_size)
    assert steps.trajectory.w.shape == (1 + 3 * per_epoch, d, k)
    assert steps.trajectory.b.shape == (1 + 3 * per_epoch, k)
    np.testing.assert_allclose(steps.trajectory.w[::per_epoch], epochs.trajectory.w, rtol=1e-11)
    np.testing.assert_array_equal(epochs.trajectory.w[0], w)
    np.testing.assert_array_equal(epochs.trajectory.b[-1], epochs.b)
    np.testing.assert_array_equal(epochs.w, plain.w)
    np.testing.assert_allclose(steps.w, plain.w, rtol=1e-11)


def test_verbose_with_validation(capsys):
    X, y, _, _ = make_data()
    run = npreg.train(X, y, validation=0.3, verbose=True, num_epochs=1, rng=0)
    assert capsys.readouterr().out == (
        f"epoch 1, loss {run.losses[0]:f}, validation loss {run.validation_losses[0]:f}\n"
    )


def test_progress_bar(capsys):
    pytest.importorskip("tqdm")
    X, y, _, _ = make_data()
    same(npreg.train(X, y, callbacks=npreg.ProgressBar(), rng=0), npreg.train(X, y, rng=0), rtol=1e-14)
    assert "3/3" in capsys.readouterr().err


def test_progress_bar_without_tqdm(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="python -m pip install tqdm"):
        npreg.ProgressBar()


# --- divergence ---------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@each_engine
def test_divergence(engine):
    """Never NaN parameters as a result, but an error with epoch, rate, cure, and the last good parameters."""
    X, y, w, b = make_data(60, 3, 1)
    X[:, 1] *= 300
    options = {"w": w, "b": b, "rng": 0, "lr": 2e-4, "num_epochs": 400, "engine": engine}
    with pytest.raises(npreg.DivergenceError) as caught:
        npreg.train(X, y, **options)
    error = caught.value
    assert f"diverged in epoch {error.epoch} at lr = 0.0002" in str(error)
    assert "scale column 1" in str(error)
    assert "smaller lr" in str(error)
    assert error.lr == 2e-4
    assert len(error.losses) == error.epoch - 1
    assert np.isfinite(error.w).all()
    assert np.isfinite(error.b).all()
    assert error.w.shape == (3, 1)
    if error.epoch > 1:
        before = npreg.train(X, y, **{**options, "num_epochs": error.epoch - 1})
        np.testing.assert_array_equal(before.w, error.w)
        np.testing.assert_array_equal(before.losses, error.losses)
    else:
        np.testing.assert_array_equal(error.w, w)


@each_engine
def test_a_growing_run_that_is_still_in_order_is_no_error(engine):
    """The threshold is far beyond what a run can come back from, so a slow growth ends without an error."""
    X, y, w, b = make_data(40, 2, 1)
    run = npreg.train(X, y, w=10 * w, b=b, lr=1e-9, rng=0, engine=engine)
    assert np.isfinite(run.w).all()
    start_far_away = npreg.train(X, y, w=1e9 * w, b=b, lr=0.1, num_epochs=200, rng=0, engine=engine)
    assert start_far_away.losses[-1] < 1


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
def test_divergence_folds_scaling_back():
    X, y, _, _ = make_data(40, 2, 1)
    X = X * 100 + 1000
    with pytest.raises(npreg.DivergenceError) as caught:
        npreg.train(X, y, standardize=True, lr=50, w=[1.0, 2.0], b=3.0, rng=0)
    if caught.value.epoch == 1:
        np.testing.assert_allclose(caught.value.w[:, 0], [1, 2], rtol=1e-12)
        np.testing.assert_allclose(caught.value.b, 3, rtol=1e-9)


def test_a_user_loss_that_returns_nan_on_the_way_is_divergence():
    X, y, _, _ = make_data()
    calls = []

    def grad(y_hat, y):
        calls.append(1)
        return np.sign(y_hat - y) if len(calls) < 5 else np.full_like(y_hat, np.nan)

    with pytest.raises(npreg.DivergenceError, match="diverged in epoch 1"):
        npreg.train(X, y, loss=(npreg.absolute_loss, grad), rng=0)


def test_orders_are_one_permutation_an_epoch():
    """An order by hand gives the same run as the rng that draws it."""
    X, y, w, b = make_data(30, 2, 1)

    class Given(np.random.Generator):
        def __init__(self, orders):
            super().__init__(np.random.PCG64(0))
            self.orders = iter(orders)

        def permutation(self, n):
            return next(self.orders)

    orders = draw_orders(3, 30, 4)
    same(
        npreg.train(X, y, w=w, b=b, rng=Given(orders), num_epochs=4),
        npreg.train(X, y, w=w, b=b, rng=3, num_epochs=4),
        rtol=0,
    )


# --- without an intercept, without a shuffle, schedules by name ---------------------------------------------


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@each_engine
@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("standardize", [pytest.param(False, marks=pytest.mark.slow), True])
def test_without_an_intercept(engine, rule, standardize):
    """The least-squares solution through the origin; `moments` says that it cannot."""
    X, y, _, _ = make_data(60, 3, 1)
    X, y = X + np.arange(1, 4), y + 5
    num_epochs = 4000 if rule == "sgd" else 1500
    options = {"batch_size": 60, "num_epochs": num_epochs, "rng": 0, "engine": engine, "rule": rule, "lr": 0.02}
    options |= {"fit_intercept": False, "standardize": standardize}
    if engine == "moments":
        with pytest.raises(ValueError, match="FixedIntercept"):
            npreg.train(X, y, **options)
        return
    run = npreg.train(X, y, **options)
    assert run.b.tolist() == [0.0]
    expected = np.linalg.lstsq(X, y, rcond=None)[0]
    np.testing.assert_allclose(run.w, expected, atol=2e-2 * np.abs(expected).max())


def test_a_given_intercept_stays():
    X, y, w, _ = make_data()
    run = npreg.train(X, y, w=w, b=[2.5], fit_intercept=False, rng=0)
    assert run.b.tolist() == [2.5]
    assert not np.array_equal(run.w, w)


@each_engine
def test_without_a_shuffle_rows_come_as_they_are(engine):
    X, y, w, b = make_data(45, 2, 1)
    options = {"w": w, "b": b, "callbacks": npreg.Record("step"), "shuffle": False}
    run = npreg.train(X, y, engine=engine, **options)
    same(run, npreg.train(X, y, engine="loop", rng=7, **options))
    theta = np.vstack([w, b])
    for start in [*range(0, 45, 10)] * 3:
        rows = np.column_stack([X[start : start + 10], np.ones(len(X[start : start + 10]))])
        theta = theta - 0.03 / 10 * rows.T @ (rows @ theta - y[start : start + 10])
    np.testing.assert_allclose(np.vstack([run.w, run.b]), theta, rtol=1e-10)
    blocks = npreg.train(npreg.RowBlocks.of(X, y, 20), engine=engine, **options)
    np.testing.assert_allclose(blocks.w, run.w, rtol=1e-10)


def test_schedules_by_name():
    X, y, w, b = make_data()
    common = {"w": w, "b": b, "rng": 0, "num_epochs": 6}
    for name, schedule in {
        "cosine": npreg.Cosine(6),
        "inverse_scaling": npreg.InverseScaling(),
        "step": npreg.StepDecay(2.0),
        "exponential": npreg.ExponentialDecay(6, 0.01),
        "constant": None,
    }.items():
        expected = npreg.train(X, y, lr=0.03 if schedule is None else (0.03, schedule), **common)
        same(npreg.train(X, y, lr=(0.03, name), **common), expected)
    with pytest.raises(ValueError, match="there is no schedule 'linear'; there are constant, "):
        npreg.train(X, y, lr=(0.03, "linear"))
    with pytest.raises(TypeError, match=r"schedule is the class Cosine; give an object of it"):
        npreg.train(X, y, lr=(0.03, npreg.Cosine))


# --- long runs, interrupted runs, stored results ------------------------------------------------------------


@pytest.mark.parametrize(("epochs", "lines"), [(1, 1), (20, 20), (21, 12), (100, 21), (1001, 21)])
def test_verbose_prints_about_twenty_lines(epochs, lines, capsys):
    X, y, _, _ = make_data(20, 2, 1)
    run = npreg.train(X, y, num_epochs=epochs, verbose=True, rng=0)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    for number, line in {1: printed[0], epochs: printed[-1]}.items():
        assert line == f"epoch {number}, loss {run.losses[number - 1]:f}"


def test_verbose_prints_the_last_epoch_of_a_run_that_stops(capsys):
    X, y, _, _ = make_data(20, 2, 1)
    npreg.train(X, y, num_epochs=1000, verbose=True, rng=0, callbacks=lambda progress: progress.epoch == 77)
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["epoch 1", "epoch 50", "epoch 77"]


@each_engine
@pytest.mark.parametrize("at", [1, 3])
def test_an_interrupted_run_carries_the_result_so_far(engine, at, tmp_path):
    X, y, _, _ = make_data()

    class Interrupts:
        def on_step(self, step):
            if step.epoch == at + 1 and step.step % 3 == 0:
                raise KeyboardInterrupt

    options = {"rng": 0, "engine": engine}
    record = npreg.Record("epoch")
    with pytest.raises(KeyboardInterrupt) as caught:
        npreg.train(X, y, num_epochs=9, callbacks=[record, Interrupts()], checkpoint=tmp_path / "run.npz", **options)
    assert isinstance(caught.value, npreg.TrainingInterrupted)
    result, expected = caught.value.result, npreg.train(X, y, num_epochs=at, callbacks=record, **options)
    assert str(caught.value).startswith(f"interrupted in epoch {at + 1}; the result so far")
    np.testing.assert_allclose(result.w, expected.w, rtol=1e-12)
    assert (result.num_steps, result.stopped) == (expected.num_steps, "interrupted")
    assert len(result.losses) == at == len(result.trajectory.w) - 1
    options |= {"num_epochs": 9, "callbacks": record}
    resumed = npreg.train(X, y, checkpoint=npreg.Checkpoint(tmp_path / "run.npz", resume=True), **options)
    same(resumed, npreg.train(X, y, **options))


def test_a_result_is_saved_and_loaded(tmp_path):
    X, y, _, _ = make_data()
    for options in (
        {},
        {"callbacks": npreg.Record("step"), "validation": 0.3},
        {"loss": npreg.LOSSES["huber"].bind(delta=2)},
    ):
        run = npreg.train(X, y, rng=0, **options)
        run.save(tmp_path / "result.npz")
        again = TrainResult.load(tmp_path / "result.npz")
        assert repr(again) == repr(run)
        same(again, run, rtol=0)
        np.testing.assert_array_equal(again.predict(X), run.predict(X))
        if run.trajectory is not None:
            np.testing.assert_array_equal(again.trajectory.b, run.trajectory.b)
    npreg.train(X, y, rng=0, checkpoint=tmp_path / "run.npz")
    with pytest.raises(npreg.CheckpointError, match="no saved result; a checkpoint is resumed by train"):
        TrainResult.load(tmp_path / "run.npz")
    with pytest.raises(npreg.CheckpointError, match="settings is missing"):
        npreg.train(X, y, rng=0, checkpoint=npreg.Checkpoint(tmp_path / "result.npz", resume=True))


# --- what is meant, where something else is written ---------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("learning_rate", "lr"),
        ("eta0", "lr"),
        ("epochs", "num_epochs"),
        ("max_iter", "num_epochs"),
        ("seed", "rng"),
        ("random_state", "rng"),
        ("batchsize", "batch_size"),
        ("optimizer", "rule"),
        ("weight_decay", "l2"),
        ("momentum", "rule"),
        ("validation_split", "validation"),
        ("early_stopping", "stop"),
        ("standardise", "standardize"),
        ("lables", "labels"),
    ],
)
def test_keywords_of_other_libraries(theirs, ours):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{theirs}'; did you mean {ours}\\?"):
        npreg.train([[1.0], [2.0]], [1.0, 2.0], **{theirs: 1})


def test_rows_that_are_exchanged_transposed_or_incomplete():
    X, y, _, _ = make_data(50, 3, 1)
    with pytest.raises(ValueError, match="are features and labels exchanged"):
        npreg.train(y[:, 0], X)
    with pytest.raises(ValueError, match="are features transposed"):
        npreg.train(X.T, y)
    npreg.train(X.T.T, y, rng=0)
    with pytest.raises(TypeError, match=r"validation must be \(features, labels\), a tuple, or a fraction"):
        npreg.train(X, y, validation=X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("engine", ["auto", "loop"])
def test_labels_whose_squares_overflow_are_named(dtype, engine):
    X, y, _, _ = make_data(50, 3, 1, dtype=dtype)
    y = y * dtype(1e155 if dtype == np.float64 else 1e20)
    with pytest.raises(ValueError, match=r"labels reach .* in row \d+, .* give labels /") as caught:
        npreg.train(X, y, rng=0, engine=engine, lr="auto")
    divisor = float(re.search(r"give labels / (\S+),", str(caught.value))[1])
    npreg.train(X, y / dtype(divisor), rng=0, engine=engine)
