"""Pictures: drawn where asked, labelled, nothing shown, no figure left behind by a refused call."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

import npreg
from npreg import Record, plot, sweep, synthetic_data, train
from npreg.arrays import Data

ROOT = Path(__file__).resolve().parents[1]
FEATURES, LABELS = synthetic_data([2, -3.4], 4.2, 200, rng=0)
RESULT = train(FEATURES, LABELS, rng=1, num_epochs=4, callbacks=Record("step"))
SWEPT = sweep(FEATURES, LABELS, lrs=np.geomspace(30, 0.001, 40), l2=[0, 0.5], rng=1)
VALIDATED = train(FEATURES, LABELS, rng=1, num_epochs=4, validation=0.25, callbacks=Record("epoch"))

DRAW: dict[str, Any] = {
    "scatter": lambda ax=None: plot.scatter(FEATURES, LABELS, ax=ax),
    "loss_curve": lambda ax=None: plot.loss_curve(VALIDATED, ax=ax),
    "loss_surface": lambda ax=None: plot.loss_surface(FEATURES, LABELS, RESULT, ax=ax),
    "sweep_curve": lambda ax=None: plot.sweep_curve(SWEPT, ax=ax),
}


@pytest.fixture(autouse=True)
def no_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """plt.show() fails the test; figures and settings are as before afterwards."""

    def show(*args: object, **kwargs: object) -> None:
        raise AssertionError("plt.show() was called")

    monkeypatch.setattr(plt, "show", show)
    plt.close("all")
    with matplotlib.rc_context():
        yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAW)
def test_draws_on_the_axes_given_and_returns_them(name: str) -> None:
    _, (left, right) = plt.subplots(1, 2)
    assert DRAW[name](ax=right) is right
    assert right.has_data()
    assert not left.has_data()
    assert right.get_xlabel()
    assert right.get_ylabel()
    assert plt.get_fignums() == [1]


@pytest.mark.parametrize("name", DRAW)
def test_draws_on_a_new_figure_without_axes(name: str, tmp_path: Path) -> None:
    plt.subplots()
    before = dict(matplotlib.rcParams)
    ax = DRAW[name]()
    assert isinstance(ax, Axes)
    assert plt.get_fignums() == [1, 2]
    assert ax.figure.number == 2
    assert dict(matplotlib.rcParams) == before
    ax.figure.savefig(tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").stat().st_size > 1000


def test_scatter_shows_the_column_and_the_output_asked_for() -> None:
    dots = plot.scatter(FEATURES, LABELS).collections[0].get_offsets()
    np.testing.assert_allclose(dots, np.column_stack([FEATURES[:, 1], LABELS]))
    both = np.column_stack([LABELS, -LABELS])
    ax = plot.scatter(FEATURES.tolist(), both, 0, output=1)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.column_stack([FEATURES[:, 0], -LABELS]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("feature 0", "label 1")


def test_loss_curve_of_an_array() -> None:
    ax = plot.loss_curve([3.0, 2.0, 1.5])
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 3], [2, 2], [3, 1.5]])
    assert ax.get_yscale() == "linear"
    assert ax.get_legend() is None
    ax.figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_loss_curve_of_a_result_shows_validation_and_its_best_epoch() -> None:
    ax = plot.loss_curve(VALIDATED)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), VALIDATED.losses)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), VALIDATED.validation_losses)
    best = VALIDATED.best_epoch
    np.testing.assert_array_equal(ax.lines[2].get_xydata(), [[best, min(VALIDATED.validation_losses)]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    assert ax.get_yscale() == "log"


def test_loss_curves_share_axes() -> None:
    ax = plot.loss_curve(RESULT, label="one")
    plot.loss_curve(VALIDATED, ax, label="two")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two, training", "two, validation"]


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
def test_loss_curve_of_a_run_that_diverged() -> None:
    with pytest.raises(npreg.DivergenceError) as caught:
        train(FEATURES, LABELS, lr=2.05, batch_size=200, num_epochs=1000)
    ax = plot.loss_curve(caught.value)
    assert len(ax.lines[0].get_ydata()) == caught.value.epoch - 1 > 3


def test_loss_surface_path_and_ends() -> None:
    ax = plot.loss_surface(FEATURES, LABELS, RESULT, ("b", 0))
    path, start, end = (line.get_xydata() for line in ax.lines)
    w, b = RESULT.trajectory
    np.testing.assert_allclose(path, np.column_stack([b[:, 0], w[:, 0, 0]]))
    np.testing.assert_allclose(start, [[0, w[0, 0, 0]]])
    np.testing.assert_allclose(end, [[RESULT.b[0], RESULT.w[0, 0]]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("b", "w[0]")
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < path[:, 0].min() < path[:, 0].max() < right
    assert low < path[:, 1].min() < path[:, 1].max() < high


def test_the_returned_parameters_are_the_end_not_the_last_of_the_path() -> None:
    averaged = train(FEATURES, LABELS, rng=1, average=0.5, callbacks=Record("step"))
    assert not np.array_equal(averaged.w, averaged.trajectory.w[-1])
    ax = plot.loss_surface(FEATURES, LABELS, averaged)
    np.testing.assert_allclose(ax.lines[2].get_xydata(), averaged.w.T)


@pytest.mark.parametrize("loss", npreg.LOSSES)
def test_the_surface_is_the_mean_loss(loss: str) -> None:
    """Against the definition, point by point."""
    rng = np.random.default_rng(3)
    X, y, end = rng.standard_normal((950, 4)), rng.standard_normal(950), rng.standard_normal(5)
    sides = [np.linspace(-1, 1, 3), np.linspace(2, 5, 4)]
    weights = rng.uniform(0, 2, 950) if loss == "huber" else None
    found = plot.mean_losses(Data(X, y[:, None], weights), 0, end, (4, 1), sides, npreg.LOSSES[loss])
    assert found.shape == (4, 3)
    for row, second in enumerate(sides[1]):
        for column, first in enumerate(sides[0]):
            theta = end.copy()
            theta[[4, 1]] = first, second
            y_hat = npreg.linreg(X, theta[:4, None], theta[4:])
            expected = np.average(npreg.LOSSES[loss].value(y_hat, y)[:, 0], weights=weights)
            assert found[row, column] == pytest.approx(expected, rel=1e-12)


def test_loss_surface_takes_a_users_loss_several_outputs_and_a_pair() -> None:
    labels = np.column_stack([LABELS, 1 - LABELS])
    result = train(FEATURES, labels, rng=0, callbacks=Record("epoch"), loss="absolute")
    own = (lambda y_hat, y: abs(y_hat - y), lambda y_hat, y: np.sign(y_hat - y))
    result = train(FEATURES, labels, rng=0, callbacks=Record("epoch"), loss=own)
    ax = plot.loss_surface(FEATURES, labels, result, loss=own, output=1)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), result.trajectory.w[:, :, 1])
    np.testing.assert_allclose(ax.lines[2].get_xydata(), result.w[:, [1]].T)
    again = plot.loss_surface(FEATURES, labels, result.trajectory, loss="absolute", output=1)
    np.testing.assert_allclose(again.lines[0].get_xydata(), ax.lines[0].get_xydata())
    w, b = (part.tolist() for part in result.trajectory)
    plot.loss_surface(FEATURES, labels, (w, b), output=1)


def test_loss_surface_of_one_feature_is_over_weight_and_intercept() -> None:
    result = train(FEATURES[:, :1], LABELS, rng=0, callbacks=Record("epoch"))
    ax = plot.loss_surface(FEATURES[:, :1], LABELS, result)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w[0]", "b")


@pytest.mark.parametrize("loss", [*npreg.LOSSES, npreg.LOSSES["huber"].bind(delta=0.1)], ids=str)
@pytest.mark.parametrize("options", [{}, {"standardize": True, "average": 0.5}, {"weighted": True}], ids=str)
def test_the_surface_is_of_the_runs_own_loss_and_rows(loss: Any, options: dict[str, Any]) -> None:
    """A result knows its loss; on other rows, or with another loss, it is no run's surface: refused."""
    weights = np.linspace(0.5, 2, 200) if "weighted" in options else None
    options = {name: value for name, value in options.items() if name != "weighted"}
    result = train(FEATURES, LABELS, rng=1, callbacks=Record("step"), loss=loss, sample_weight=weights, **options)
    plot.loss_surface(FEATURES, LABELS, result, sample_weight=weights)
    other = "huber" if loss == "squared" else "squared"
    wrong = [(FEATURES, LABELS, other), (FEATURES + 1, LABELS, None), (FEATURES[:50], LABELS[:50], None)]
    for features, labels, given in wrong:
        with pytest.raises(ValueError, match=r"that were trained on|the run's loss was"):
            plot.loss_surface(features, labels, result, loss=given, sample_weight=None)


def test_a_users_own_loss_has_to_be_given_again() -> None:
    own = (lambda y_hat, y: 3 * abs(y_hat - y), lambda y_hat, y: 3 * np.sign(y_hat - y))
    result = train(FEATURES, LABELS, rng=1, callbacks=Record("step"), loss=own, lr=0.01)
    with pytest.raises(ValueError, match=r"a user's own, <lambda>; give it too, as loss="):
        plot.loss_surface(FEATURES, LABELS, result)
    ax = plot.loss_surface(FEATURES, LABELS, result, loss=own)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["path", "start", "learned"]


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1e100])
def test_a_path_that_stands_still_and_data_of_any_scale(scale: float) -> None:
    X = scale * np.ones((5, 2))
    pair = np.full((3, 2, 1), 1.0), np.zeros((3, 1))
    plot.loss_surface(X, np.zeros(5), pair).figure.canvas.draw()


def test_sweep_curve_has_a_line_a_penalty_the_diverged_and_the_bounds() -> None:
    ax = plot.sweep_curve(SWEPT)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert {"l2 = 0", "l2 = 0.5", "best", "diverged", "max_learning_rate"} < set(lines)
    for penalty in (0, 0.5):
        some = (SWEPT.l2 == penalty) & ~SWEPT.diverged
        line = lines[f"l2 = {penalty:g}"]
        order = SWEPT.lrs[some].argsort()
        np.testing.assert_array_equal(line.get_xdata(), SWEPT.lrs[some][order])
        np.testing.assert_array_equal(line.get_ydata(), SWEPT.losses[some, -1][order])
        same = [other.get_xdata() for other in ax.get_lines() if other.get_color() == line.get_color()]
        broken = np.sort(SWEPT.lrs[(SWEPT.l2 == penalty) & SWEPT.diverged])
        assert broken.size
        assert any(np.array_equal(x, broken) for x in same), "the crosses have the line's colour"
        bound = npreg.max_learning_rate(FEATURES, 10, l2=penalty)
        assert any(np.allclose(x, bound) for x in same), "the bound has the line's colour"
    assert lines["best"].get_xdata() == [SWEPT.lrs[SWEPT.best]]
    assert lines["best"].get_ydata() == [SWEPT.losses[:, -1].min()]


def test_sweep_curve_of_one_penalty_names_no_penalty() -> None:
    ax = plot.sweep_curve(sweep(FEATURES, LABELS, lrs=[0.01, 0.1], rng=1))
    assert next(text.get_text() for text in ax.get_legend().get_texts()) == "final loss"


def test_sweep_curve_where_every_setting_diverged_and_where_every_loss_is_zero(tmp_path: Path) -> None:
    with pytest.warns(npreg.LearningRateWarning, match="every run of the sweep diverged"):
        broken = sweep(FEATURES, LABELS, lrs=[50, 100], rng=1)
    assert broken.diverged.all()
    zeros = np.zeros((2, 1)), np.zeros(1)
    perfect = sweep(FEATURES, 0 * LABELS, lrs=[0, 0.1, 0.2], w=zeros[0], b=zeros[1], rng=1)
    assert not perfect.losses.any()
    for result in (broken, perfect):
        ax = plot.sweep_curve(result)
        ax.figure.savefig(tmp_path / "sweep.svg")
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")


def test_inputs_are_not_changed() -> None:
    copies = [array.copy() for array in (FEATURES, LABELS, *RESULT.trajectory)]
    for draw in DRAW.values():
        draw()
    for before, after in zip(copies, (FEATURES, LABELS, *RESULT.trajectory), strict=True):
        np.testing.assert_array_equal(before, after)


PLAIN = train(FEATURES, LABELS, rng=1)
NAN = np.where(np.arange(200)[:, None] == 3, np.nan, FEATURES)
W, B = RESULT.trajectory

BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "features 1-D": (
        lambda: plot.scatter(FEATURES[:, 1], LABELS),
        ValueError,
        r"features must be 2-D \(rows, columns\), not of shape \(200,\); features.reshape\(-1, 1\)",
    ),
    "labels too short": (lambda: plot.scatter(FEATURES, LABELS[1:]), ValueError, r"\(199,\).*\(200, 2\)"),
    "NaN": (lambda: plot.scatter(NAN, LABELS), ValueError, "features has nan at row 3, column 0"),
    "no such column": (
        lambda: plot.scatter(FEATURES, LABELS, 2),
        ValueError,
        r"there is no column 2 in features of shape \(200, 2\); columns are counted from 0 to 1",
    ),
    "only one column": (lambda: plot.scatter(FEATURES[:, :1], LABELS), ValueError, "take column=0"),
    "negative column": (lambda: plot.scatter(FEATURES, LABELS, -1), ValueError, "column must be at least 0"),
    "column no number": (lambda: plot.scatter(FEATURES, LABELS, 0.5), TypeError, "whole number, not 0.5"),
    "no such output": (
        lambda: plot.scatter(FEATURES, LABELS, output=1),
        ValueError,
        r"no output 1 in labels of shape \(200, 1\); take output=0",
    ),
    "no losses": (lambda: plot.loss_curve([]), ValueError, r"one number an epoch.*\(0,\)"),
    "losses 2-D": (lambda: plot.loss_curve([[1.0]]), ValueError, r"one number an epoch.*\(1, 1\)"),
    "losses NaN": (lambda: plot.loss_curve([1.0, np.nan]), ValueError, "losses has nan at row 1"),
    "losses text": (lambda: plot.loss_curve("loss"), TypeError, "losses must be an array of numbers"),
    "no trajectory": (
        lambda: plot.loss_surface(FEATURES, LABELS, PLAIN),
        ValueError,
        r'the result has no trajectory; train with callbacks=npreg\.Record\("step"\)',
    ),
    "not a trajectory": (lambda: plot.loss_surface(FEATURES, LABELS, W), TypeError, "not ndarray"),
    "trajectory of other data": (
        lambda: plot.loss_surface(FEATURES[:, :1], LABELS, RESULT),
        ValueError,
        r"\(81, 2, 1\) and \(81, 1\) does not fit 1 features .* needed are \(T \+ 1, 1, 1\)",
    ),
    "trajectory 2-D": (lambda: plot.loss_surface(FEATURES, LABELS, (W[0], B)), ValueError, "does not fit"),
    "trajectory NaN": (
        lambda: plot.loss_surface(FEATURES, LABELS, (W * np.nan, B)),
        ValueError,
        "trajectory w has nan at index",
    ),
    "one parameter": (lambda: plot.loss_surface(FEATURES, LABELS, RESULT, (0,)), ValueError, "two parameters"),
    "same parameter": (lambda: plot.loss_surface(FEATURES, LABELS, RESULT, (1, 1)), ValueError, "different"),
    "no such weight": (
        lambda: plot.loss_surface(FEATURES, LABELS, RESULT, (0, 2)),
        ValueError,
        'there is no parameter 2; there are 0 to 1, and "b"',
    ),
    "no such name": (lambda: plot.loss_surface(FEATURES, LABELS, RESULT, (0, "w")), ValueError, "parameter 'w'"),
    "no such loss": (lambda: plot.loss_surface(FEATURES, LABELS, RESULT, loss="cubic"), ValueError, "no loss 'cubic'"),
    "beyond floats": (
        lambda: plot.loss_surface(FEATURES, LABELS, (1e200 * np.ones((2, 2, 1)), np.ones((2, 1)))),
        ValueError,
        "beyond the range of floats; train with a smaller lr",
    ),
    "no sweep": (lambda: plot.sweep_curve(RESULT), TypeError, "what npreg.sweep returns, not TrainResult"),
    "only lr = 0": (
        lambda: plot.sweep_curve(sweep(FEATURES, LABELS, lrs=[0.0])),
        ValueError,
        "every learning rate of the sweep is 0",
    ),
    "figsize": (lambda: npreg.set_figsize((3.5, 0)), ValueError, r"both positive, not \(3.5, 0\)"),
    "figsize number": (lambda: npreg.set_figsize(3), ValueError, r"\(width, height\) in inches"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_leaves_no_figure(case: str) -> None:
    call, error, text = BAD[case]
    before = dict(matplotlib.rcParams)
    with pytest.raises(error, match=text):
        call()
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_set_figsize_is_for_the_figures_to_come() -> None:
    npreg.set_figsize()
    assert plot.scatter(FEATURES, LABELS).figure.get_size_inches().tolist() == [3.5, 2.5]
    npreg.set_figsize((6, 4))
    assert plot.scatter(FEATURES, LABELS).figure.get_size_inches().tolist() == [6, 4]


def test_use_svg_display_is_silent_outside_of_ipython(capfd: pytest.CaptureFixture[str]) -> None:
    npreg.use_svg_display()
    assert capfd.readouterr() == ("", "")


def test_use_svg_display_inside_ipython() -> None:
    """In a process of its own, since IPython is one for the whole process."""
    pytest.importorskip("IPython")
    code = (
        "import npreg\n"
        "from IPython.terminal.interactiveshell import TerminalInteractiveShell\n"
        "shell = TerminalInteractiveShell.instance()\n"
        "npreg.use_svg_display()\n"
        "from matplotlib.figure import Figure\n"
        "formats = shell.display_formatter.formatters\n"
        "svg, png = (formats['image/' + kind] for kind in ('svg+xml', 'png'))\n"
        "assert Figure in svg.type_printers, svg.type_printers\n"
        "assert Figure not in png.type_printers\n"
    )
    run(code)


def test_matplotlib_is_imported_on_first_use() -> None:
    run(
        "import sys, npreg\n"
        "assert 'npreg.plot' not in sys.modules\n"
        "npreg.plot, npreg.use_svg_display()\n"
        "assert npreg.plot is sys.modules['npreg.plot'] and npreg.plot.set_figsize is npreg.set_figsize\n"
        "assert 'matplotlib' not in sys.modules\n"
        "npreg.set_figsize()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )


def run(code: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_many_pictures_on_one_figure_do_not_pile_up() -> None:
    figure, ax = plt.subplots()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(30):
            plot.loss_curve([1.0, 0.5], ax)
    assert plt.get_fignums() == [figure.number]
