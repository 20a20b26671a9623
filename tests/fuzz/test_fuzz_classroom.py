"""Fuzzing of the classroom and of pictures: judges of gradients and files, numerical derivatives, plots."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hostile_calls import FAILED, OwnError, arrays, call, fuzzed, junk, run, spoiled
from hypothesis import settings
from hypothesis import strategies as st

import npreg
from npreg import differentiate, plot
from npreg.exercises import Report, check


def own(function: Callable[..., Any]) -> Callable[..., Any]:
    """Somebody's function, whose errors are its own."""

    @functools.wraps(function)
    def called(*args: Any, **arguments: Any) -> Any:
        try:
            return function(*args, **arguments)
        except Exception as error:
            raise OwnError(str(error)) from error

    return called


FUNCTIONS = [own(lambda w: np.sum(w**2)), own(lambda w, X=2.0: np.sum(w * X)), own(lambda w: np.abs(w).sum())]
FUNCTIONS += [own(lambda X, w: X @ w), own(lambda w: np.tanh(w)), own(lambda w: "text"), own(lambda w: None)]
GRADIENTS = [own(lambda w: 2 * w), {"w": own(lambda w: 2 * w)}, np.ones(3), own(lambda w: (2 * w,)), None]
GRADIENTS += [own(lambda w: {"dw": 2 * w}), {"dw": np.ones(3)}, own(lambda w, upstream: upstream * w)]
inputs = st.one_of(
    st.fixed_dictionaries({"w": arrays(3)}, optional={"X": arrays(2, 3)}), st.fixed_dictionaries({"w": junk})
)
OPTIONS = {
    "wrt": st.sampled_from(["w", ["w"], ("w", "X"), "nothing"]),
    "upstream": st.one_of(st.just(1.0), arrays(2)),
    "tolerance": st.sampled_from([0, 10.0, 1e6]),
    "max_entries": st.integers(1, 4),
    "num_directions": st.integers(1, 4),
    "rng": st.integers(0, 3),
}


def fuzz_check_gradient(data: st.DataObject) -> None:
    arguments = {
        "function": data.draw(st.sampled_from(FUNCTIONS)),
        "gradient": data.draw(st.sampled_from(GRADIENTS)),
        "inputs": data.draw(inputs),
        **data.draw(st.fixed_dictionaries({}, optional=OPTIONS)),
    }
    report = call(npreg.check_gradient, data.draw(spoiled(arguments)), nan=True)
    if report is not FAILED:
        assert str(report)
        assert report.passed in (True, False)


def fuzz_differentiate(data: st.DataObject) -> None:
    function, last = data.draw(
        st.sampled_from(
            [(getattr(differentiate, name), "name") for name in ("derivative", "gradient", "jacobian")]
            + [(differentiate.term_sizes, "what"), (differentiate.directional, "directions")]
        )
    )
    arguments = {"function": data.draw(st.sampled_from(FUNCTIONS)), "inputs": data.draw(inputs)}
    arguments[last] = data.draw(st.fixed_dictionaries({"w": arrays(3)})) if last == "directions" else "w"
    call(function, data.draw(spoiled(arguments)), nan=True)  # where the function itself is not finite


SOURCES = [
    "def grad_w(x, r): return x * r\ndef grad_b(r): return r",
    "def grad_w(x, r): return 2 * x * r",
    "# exercise: one-weight\n1 / 0",
    "def (",
    "",
    "no_such_file.py",
    {"grad_w": lambda x, r: x * r},
    [lambda x, r: 1],
    np,
]


def fuzz_check(data: st.DataObject) -> None:
    optional = {"lang": st.sampled_from(["en", "zh"]), "probes": st.sampled_from([None, []]), "seed": st.integers(0, 3)}
    arguments = {"source": data.draw(st.sampled_from(SOURCES)), "exercise": "one-weight", "seconds": 0.0}
    arguments |= data.draw(st.fixed_dictionaries({}, optional=optional))
    report = call(check, data.draw(spoiled(arguments)), nan=True)
    if report is not FAILED:
        assert isinstance(report, Report)
        assert report.text()


FEATURES, LABELS = np.random.default_rng(0).standard_normal((9, 2)), np.arange(9.0)
RESULT = npreg.train(FEATURES, LABELS, rng=0, callbacks=npreg.Record("step"))
SWEPT = npreg.sweep(FEATURES, LABELS, lrs=[0.01, 0.1], rng=0)


def fuzz_pictures(data: st.DataObject) -> None:
    rows = {"features": arrays(9, 2), "labels": arrays(9)}
    trajectories = st.sampled_from([RESULT, RESULT.trajectory, (np.zeros((2, 2, 1)), np.ones((2, 1)))])
    surface = {"params": st.sampled_from([None, (0, "b"), (1, 0)]), "loss": st.just(None), "output": st.just(0)}
    pictures: dict[Callable[..., Any], dict[str, st.SearchStrategy[Any]]] = {
        plot.scatter: {**rows, "column": st.integers(0, 2), "output": st.just(0)},
        plot.loss_curve: {"losses": st.one_of(st.just(RESULT), arrays(4)), "label": st.just("run")},
        plot.sweep_curve: {"result": st.just(SWEPT)},
        plot.set_figsize: {"figsize": st.tuples(st.floats(0, 9), st.floats(-1, 9))},
        plot.loss_surface: {**rows, "trajectory": trajectories, **surface},
    }
    function = data.draw(st.sampled_from(sorted(pictures, key=lambda function: function.__name__)))
    arguments = {name: data.draw(strategy) for name, strategy in pictures[function].items()}
    with plt.rc_context():
        drawn = call(function, data.draw(spoiled(arguments)))
        assert drawn is not FAILED or not plt.get_fignums(), "a figure is left of what was refused"
    plt.close("all")


FUZZED: dict[str, Callable[[settings], None]] = {
    body.__name__: fuzzed(st.data())(body)
    for body in (fuzz_check_gradient, fuzz_differentiate, fuzz_check, fuzz_pictures)
}


@pytest.mark.parametrize("name", FUZZED)
def test_fuzz(name: str) -> None:
    run(FUZZED[name], 25)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUZZED)
def test_fuzz_longer(name: str) -> None:
    run(FUZZED[name], 500)
