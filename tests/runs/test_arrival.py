"""A run says how far it is from the least loss, exactly where it can, and how to come nearer."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from naive import make_data

import npreg

X, Y, W, B = make_data(200, 3, 1)
RAW = X * [1, 300, 0.01] + [0, 1000, 5]


def least(X, y):
    rows = np.column_stack([X, np.ones(len(X))])
    return ((rows @ np.linalg.lstsq(rows, y, rcond=None)[0] - y) ** 2).mean() / 2


def silent(*rows, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", npreg.ConvergenceWarning)
        return npreg.train(*rows, **options)


@pytest.mark.parametrize("options", [{}, {"lr": "auto"}, {"lr": 1e-4, "engine": "loop"}, {"average": 0.5}], ids=str)
def test_the_excess_of_the_squared_loss_is_exact(options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", npreg.ConvergenceWarning)
        run = npreg.train(X, Y, rng=0, num_epochs=4, **options)
    expected = run.losses[-1] - least(X, Y)
    assert run.excess_loss == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert run.converged == (expected <= 0.01 * Y.var() / 2)


def test_the_notebooks_call_is_as_it_was_and_there(capsys):
    features, labels = npreg.synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    run = silent(features, labels, rng=1, verbose=True)
    assert (run.lr, len(run.losses), run.converged) == (0.03, 3, True)
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert "converged=True" in repr(run)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov"])
def test_auto_runs_until_it_is_there(rule, capsys):
    """On columns in any units; lr="auto" implies it, and num_epochs stays what it is where it is given."""
    run = silent(RAW, Y, lr="auto", rule=rule, rng=0, verbose=True)
    assert run.converged
    assert capsys.readouterr().out.splitlines()[-1].startswith("converged: ")
    longer = silent(RAW, Y, lr="auto", num_epochs="auto", rule=rule, rng=0)
    assert longer.w.tobytes() == run.w.tobytes()
    with pytest.warns(npreg.ConvergenceWarning):
        assert len(npreg.train(RAW, Y, lr=1e-9, num_epochs=2, rng=0).losses) == 2


def slope(angle, n=60):
    """Two columns that are nearly one, and labels that need both: minute curvature in one direction."""
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, n))
    return np.column_stack([a, a + angle * b]), a + 3 * b


def test_auto_takes_more_epochs_where_more_are_needed_and_stops_at_the_bound(monkeypatch):
    easy, slow = silent(X, Y, lr="auto", rng=0), silent(*slope(0.05), lr="auto", rng=0)
    assert slow.num_steps > easy.num_steps
    monkeypatch.setattr("npreg.runs.arrival.MOST_STEPS", 8000)
    with pytest.warns(npreg.ConvergenceWarning, match=r"depend on each other: take npreg.least_squares"):
        run = npreg.train(*slope(1e-7), lr="auto", rng=0)
    assert 5000 < run.num_steps <= 8000
    assert run.converged is False


def test_auto_goes_on_where_the_first_guess_was_too_short():
    """For losses whose way cannot be told ahead."""
    easy, slow = (silent(*rows, lr="auto", loss="log_cosh", rng=0) for rows in ((X, Y), slope(0.03)))
    assert slow.num_steps >= 2 * easy.num_steps
    assert slow.converged


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["momentum", "nesterov"])
def test_momentum_by_its_name_is_as_slow_as_pays(rule):
    """A velocity over epochs does not feel in which order rows come, so that one far row bounds it less."""
    plain, heavy = (silent(*outlier(), lr="auto", rule=one, rng=0) for one in ("sgd", rule))
    assert plain.beta is None
    assert heavy.beta > 0.99
    assert heavy.converged
    assert heavy.num_steps <= plain.num_steps / 3
    own = npreg.train(*outlier(), lr="auto", rule=npreg.Momentum(0.9), rng=0, average=0.0)
    assert own.beta == npreg.train(X, Y, lr="auto", rule=rule, rng=0).beta == 0.9  # as it is where that is enough


@pytest.mark.parametrize("options", [{}, {"loss": "huber"}, {"rule": "momentum"}], ids=str)
def test_auto_resumes(options, tmp_path):
    options = {"lr": "auto", "rng": 0, **options}
    rows = outlier() if "rule" in options else (RAW, Y)
    whole = npreg.train(*rows, **options)

    class Stop(Exception):
        pass

    def stop(progress):
        if progress.epoch == 40:
            raise Stop

    with pytest.raises(Stop):
        npreg.train(*rows, checkpoint=npreg.Checkpoint(tmp_path / "run.npz", every=20), callbacks=stop, **options)
    checkpoint = npreg.Checkpoint(tmp_path / "run.npz", every=100, resume=True)
    again = npreg.train(*rows, checkpoint=checkpoint, **options)
    assert again.w.tobytes() == whole.w.tobytes()
    assert again.losses.tobytes() == whole.losses.tobytes()


def cures(*rows, **options):
    """The warning's text, and the settings of each run that it proposes."""
    with pytest.warns(npreg.ConvergenceWarning) as caught:
        npreg.train(*rows, rng=0, **options)
    text = str(caught[0].message)
    assert caught[0].filename == __file__
    proposed = re.findall(r'(?:take|or) ((?:\w+=(?:"\w+"|[\w.+-]+)(?:, )?)+)', text)
    return text, [{**options, "rng": 0, **eval(f"dict({one.rstrip('. ,')})")} for one in proposed]


def outlier(n=60):
    """A row far from the others bounds the rate of minibatches; the other direction is a flat one."""
    X, y = slope(0.1, n)
    return np.vstack([X, [[20.0, 20.0]]]), np.append(y, 80.0)


NOISY = Y + 3 * np.random.default_rng(2).standard_normal(Y.shape)
REASONS = {  # rows, settings, what is said, and how many runs are proposed
    "too few": ((X, Y), {"lr": 0.2, "num_epochs": 2, "batch_size": 100}, "2 epochs are too few", 1),
    "averaged": ((X, Y), {"lr": 0.3, "num_epochs": 2, "batch_size": 200, "average": 0.5}, "too few: take num_e", 1),
    "schedule": ((X, Y), {"lr": (0.1, npreg.ExponentialDecay(0.2, 1e-4)), "num_epochs": 20}, "before it is there", 1),
    "small rate": ((X, Y), {"lr": 1e-5, "num_epochs": 5}, "is small, up to .* is stable", 2),
    "large steps": ((X, NOISY), {"lr": 0.25, "num_epochs": 40, "batch_size": 1}, "steps are too large", 1),
    "minibatches": (outlier(), {"lr": "auto"}, "epochs are too few", 2),
    "scale": ((X * [1, 1e-5, 1], Y), {"lr": 0.3, "num_epochs": 20}, "columns differ in scale", 1),
    "adam": ((X, Y), {"lr": 1e-4, "rule": "adam", "num_epochs": 3}, "how fast Adam is cannot be told", 1),
    "another loss": (slope(1e-4), {"lr": "auto", "loss": "huber"}, "columns depend on each other: take l2=", 1),
}


LONG = ("minibatches", "another loss")


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case in LONG)) for case in REASONS])
def test_the_warning_names_the_reason_and_every_cure_cures(case, monkeypatch):
    if case in LONG:
        monkeypatch.setattr("npreg.runs.arrival.MOST_STEPS", 20_000)
    rows, options, reason, count = REASONS[case]
    text, proposed = cures(*rows, **options)
    assert re.search(reason, text), text
    assert len(proposed) == count, text
    for settings in proposed:
        if settings["lr"] == "auto" != options["lr"]:
            del settings["num_epochs"]  # which "auto" implies
        assert silent(*rows, **settings).converged, settings


def test_what_no_run_reaches_least_squares_does():
    rows = slope(1e-7)
    with pytest.warns(npreg.ConvergenceWarning, match="each other: take npreg.least_squares, which is exact"):
        npreg.train(*rows, lr="auto", rng=0, num_epochs=100)
    found = npreg.least_squares(*rows)
    np.testing.assert_allclose(rows[0] @ found.w[:, 0] + found.b, rows[1], atol=1e-6)


def test_the_column_that_is_missing_is_named():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": X[:, 0], "income": X[:, 1] * 1e-3, "size": X[:, 2]})
    labels = X[:, 0] + X[:, 1] * 2
    with pytest.warns(npreg.ConvergenceWarning, match="most of it along column 'income'"):
        npreg.train(frame, labels, lr=0.1, num_epochs=30, rng=0)


def test_large_rows_at_a_given_rate_are_judged_by_the_fall_of_the_loss():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((600_000, 4), np.float32)
    labels = features @ np.ones(4, np.float32)
    assert silent(features, labels, rng=0, batch_size=1000, lr=0.1).converged
    with pytest.warns(npreg.ConvergenceWarning, match="about"):
        assert npreg.train(features, labels, rng=0, batch_size=1000, lr=1e-4).converged is False


def test_who_ends_a_run_is_not_warned():
    options = {"rng": 0, "lr": 1e-4, "num_epochs": 30}
    assert silent(X, Y, **options, callbacks=lambda progress: progress.epoch == 2).converged is False
    assert silent(X, Y, **options, stop=npreg.EarlyStopping(1, tol=1e9)).converged is False
    assert silent(X, Y, **{**options, "num_epochs": 1}).converged is None
    assert silent(X, np.full(200, 7.0), rng=0, lr=0.5, num_epochs=30).converged

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        silent(X, Y, **{**options, "num_epochs": 3}, callbacks=interrupt)
    assert caught.value.result.converged is False


def test_it_is_scikit_learns_warning_too_where_that_is_loaded():
    exceptions = pytest.importorskip("sklearn.exceptions")
    with pytest.warns(npreg.ConvergenceWarning) as caught:
        npreg.train(X, Y, lr=1e-4, rng=0)
    assert issubclass(caught[0].category, exceptions.ConvergenceWarning)
    code = (
        "import sys, warnings, numpy, npreg\n"
        "warnings.simplefilter('error', npreg.ConvergenceWarning)\n"
        "try: npreg.train(numpy.eye(5), numpy.arange(5.0), lr=1e-4)\n"
        "except npreg.ConvergenceWarning as found: print(type(found) is npreg.ConvergenceWarning)\n"
        "print('sklearn' in sys.modules)\n"
    )
    root = str(Path(npreg.__file__).parents[1])
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": root}, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["True", "False"]


@pytest.mark.parametrize("name", ["step", "cosine", "exponential"])
def test_schedules_of_a_length_need_one(name):
    with pytest.raises(ValueError, match="needs num_epochs as a number"):
        npreg.train(X, Y, lr=("auto", name))
    npreg.train(X, Y, lr=("auto", name), num_epochs=5, rng=0)


def test_where_a_constant_fits_exactly_no_share_of_its_loss_is_told():
    with pytest.warns(npreg.ConvergenceWarning, match="least possible") as caught:
        npreg.train([[0.1]], [0.1], lr=0.03, rng=0)
    assert "inf" not in str(caught[0].message)


def test_where_the_loss_falls_faster_and_faster_the_excess_is_not_known(monkeypatch):
    monkeypatch.setattr("npreg.runs.arrival.LOOKED_AT", 0)
    with pytest.warns(npreg.ConvergenceWarning, match="falls as fast as in the epoch before, .* not known; ") as caught:
        npreg.train(X, Y, lr=(1e-5, lambda epochs: 1 + 10 * epochs), num_epochs=4, rng=0)
    assert "inf" not in str(caught[0].message)


def test_equal_weights_are_no_weights_also_of_fewer_rows_than_columns():
    X = np.random.default_rng(0).standard_normal((30, 300))
    runs = [npreg.train(X, X[:, 0], lr="auto", rng=0, sample_weight=s) for s in (None, np.full(30, 2.0))]
    assert runs[0].num_steps == runs[1].num_steps
    np.testing.assert_allclose(runs[1].w, runs[0].w, rtol=1e-9, atol=1e-12)
