"""Fuzzing of the training wing: every public function, with arguments good, odd and absurd.

Low-level functions (the model, the losses, `sgd`) let overflow through as NumPy does; there, sizes beyond
the square root of the largest float are only tried for exceptions and changed inputs.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hostile_calls import (
    FAILED,
    MODERATE,
    Draw,
    arrays,
    call,
    fuzzed,
    is_below,
    is_huge,
    junk,
    nothing,
    numbers,
    raised_on_purpose,
    run,
    same,
    spoiled,
)
from hypothesis import settings
from hypothesis import strategies as st

import npreg
from npreg import LOSSES, RowBlocks
from npreg.arrays import as_array
from npreg.schedules import Cosine, InverseScaling, StepDecay
from npreg.sgd import SGD, Momentum, Nesterov

# The model and the losses.

FUZZED: dict[str, Callable[[settings], None]] = {}


def fuzz(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter a property in FUZZED."""

    def register(body: Callable[..., None]) -> Callable[..., None]:
        FUZZED[body.__name__] = fuzzed(*strategies)(body)
        return body

    return register


shapes = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 2))


@fuzz(st.data())
def fuzz_linreg(data: st.DataObject) -> None:
    n, d, k = data.draw(shapes)
    arguments = data.draw(
        spoiled({"X": data.draw(arrays(n, d)), "w": data.draw(arrays(d, k)), "b": data.draw(arrays(k))})
    )
    y_hat = call(npreg.linreg, arguments, low_level=True)
    if y_hat is not FAILED and is_below(arguments, MODERATE):
        X, w, b = (np.asarray(arguments[name], np.longdouble) for name in ("X", "w", "b"))
        eps = np.finfo(float).eps
        scale = np.abs(X) @ np.abs(w) + np.abs(b)
        if all(np.asarray(a).dtype.itemsize >= 8 for a in arguments.values()):
            assert (np.abs(X @ w + b - y_hat) <= 8 * eps * scale + np.finfo(float).tiny).all()


@fuzz(st.data())
def fuzz_linreg_backward(data: st.DataObject) -> None:
    n, d, k = data.draw(shapes)
    arguments = data.draw(spoiled({"X": data.draw(arrays(n, d)), "grad_y_hat": data.draw(arrays(n, k))}))
    result = call(npreg.linreg_backward, arguments, low_level=True)
    if result is not FAILED:
        X, grad = (as_array(arguments[name], name) for name in ("X", "grad_y_hat"))
        assert result[0].shape == (X.shape[1], grad.shape[1])
        assert result[1].shape == (grad.shape[1],)


VALUES: dict[str, Callable[..., float]] = {
    "squared": lambda r: r * r / 2,
    "absolute": abs,
    "huber": lambda r, delta=1.0: r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2),
    "log_cosh": lambda r: math.log(math.cosh(r)) if 1e-3 < abs(r) < 20 else abs(r) - math.log(2) * (abs(r) > 1),
    "quantile": lambda r, tau=0.5: -tau * r if r < 0 else (1 - tau) * r,
}
GRADS: dict[str, Callable[..., float]] = {
    "squared": lambda r: r,
    "absolute": np.sign,
    "huber": lambda r, delta=1.0: max(-delta, min(r, delta)),
    "log_cosh": math.tanh,
    "quantile": lambda r, tau=0.5: 0.0 if r == 0 else -tau if r < 0 else 1 - tau,
}
PARAMETERS = {"huber": "delta", "quantile": "tau"}


@fuzz(st.data(), st.sampled_from(sorted(VALUES)), st.booleans())
def fuzz_losses(data: st.DataObject, name: str, grad: bool) -> None:
    n, _, k = data.draw(shapes)
    y_shape = (n,) if k == 1 and data.draw(st.booleans()) else (n, k)
    arguments = {"y_hat": data.draw(arrays(n, k)), "y": data.draw(arrays(*y_shape))}
    if name in PARAMETERS and data.draw(st.booleans()):
        arguments[PARAMETERS[name]] = data.draw(st.one_of(st.floats(0.01, 0.99), numbers))
    arguments = data.draw(spoiled(arguments))
    function = getattr(npreg, f"{name}_loss_grad" if grad else f"{name}_loss")
    result = call(function, arguments, low_level=True)
    if result is FAILED:
        return
    y_hat = as_array(arguments["y_hat"], "y_hat")
    y = as_array(arguments["y"], "y").reshape(y_hat.shape)
    assert result.shape == y_hat.shape
    if result.dtype != np.float64 or not is_below(arguments, 1e6):
        return
    parameters = {key: float(arguments[key]) for key in PARAMETERS.values() if key in arguments}
    formula = GRADS[name] if grad else VALUES[name]
    r = y_hat.astype(float) - y.astype(float)
    if name == "log_cosh" and not grad:
        small = np.abs(r) <= 1e-3
        np.testing.assert_allclose(result[small], r[small] ** 2 / 2, rtol=1e-6)
        result, r = result[~small], r[~small]
    expected = np.array([formula(float(value), **parameters) for value in r.reshape(-1)])
    np.testing.assert_allclose(result.reshape(-1), expected, rtol=1e-9, atol=1e-300)


@fuzz(st.data())
def fuzz_bind(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(LOSSES)))
    parameter = data.draw(st.sampled_from(["delta", "tau", "other"]))
    value = data.draw(st.one_of(numbers, junk))
    bound = call(lambda value: LOSSES[name].bind(**{parameter: value}), {"value": value})
    if bound is not FAILED:
        assert np.isfinite(bound.grad(np.ones((1, 1)), np.zeros((1, 1)))).all()


@fuzz(st.data())
def fuzz_sgd(data: st.DataObject) -> None:
    n, d, _ = data.draw(shapes)
    arguments = {
        "params": [data.draw(arrays(n, d)), data.draw(arrays(d))],
        "grads": [data.draw(arrays(n, d)), data.draw(arrays(d))],
        "lr": data.draw(numbers),
        "batch_size": data.draw(st.sampled_from([1, 2, 10, 10**9, 10**300])),
    }
    arguments = data.draw(spoiled(arguments))
    before = copy.deepcopy(arguments["params"])
    if call(npreg.sgd, arguments, low_level=True, changes="params") is FAILED:
        assert same(before, arguments["params"]), "params were changed although something was refused"
    elif is_below(arguments, 1e6) and isinstance(before, list):
        step = float(arguments["lr"]) / int(arguments["batch_size"])
        for old, new, grad in zip(before, arguments["params"], arguments["grads"], strict=True):
            expected = old - step * np.asarray(grad, float)
            tiny = float(np.finfo(np.float32).tiny)
            np.testing.assert_allclose(new, expected, rtol=1e-2, atol=1e-2 * step + tiny)


REQUIRED = ("every", "num_epochs")


@fuzz(st.data())
def fuzz_rules_and_schedules(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([SGD, Momentum, Nesterov, StepDecay, InverseScaling, Cosine]))
    names = [f.name for f in dataclasses.fields(kind)]
    value = st.one_of(st.floats(0, 1), numbers, junk)
    made = call(kind, {name: data.draw(value) for name in names if name in REQUIRED or data.draw(st.booleans())})
    if made is FAILED or not callable(made):
        return
    epochs = data.draw(st.one_of(st.floats(0, 1e6), st.sampled_from([0.0, 5e-324, 1e15, 1e300])))
    factor = call(made, {"epochs": epochs})
    if factor is not FAILED:
        assert factor >= 0


# Data.


@fuzz(st.data())
def fuzz_synthetic_data(data: st.DataObject) -> None:
    _, d, k = data.draw(shapes)
    arguments = {
        "w": data.draw(st.one_of(arrays(d), arrays(d, k))),
        "b": data.draw(st.one_of(numbers, arrays(k))),
        "num_examples": data.draw(st.integers(1, 5)),
        "noise": data.draw(numbers),
        "dtype": data.draw(st.sampled_from([np.float32, np.float64, "float32", "f8", float])),
        "rng": data.draw(st.integers(0, 3)),
    }
    arguments = data.draw(spoiled(arguments))
    if is_huge(arguments["num_examples"]):
        return
    result = call(npreg.synthetic_data, arguments)
    if result is not FAILED:
        assert len(result[0]) == len(result[1]) == arguments["num_examples"]


@fuzz(st.data())
def fuzz_init_params(data: st.DataObject) -> None:
    arguments = {
        "num_inputs": data.draw(st.integers(1, 5)),
        "num_outputs": data.draw(st.integers(1, 5)),
        "scale": data.draw(numbers),
        "dtype": data.draw(st.sampled_from([np.float32, np.float64, "float32"])),
        "rng": data.draw(st.integers(0, 3)),
    }
    arguments = data.draw(spoiled(arguments))
    if is_huge(arguments["num_inputs"]) or is_huge(arguments["num_outputs"]):
        return
    result = call(npreg.init_params, arguments)
    if result is not FAILED:
        assert result[0].shape == (arguments["num_inputs"], arguments["num_outputs"])


@fuzz(st.data())
def fuzz_data_iter(data: st.DataObject) -> None:
    n, d, k = data.draw(shapes)
    arguments = {
        "batch_size": data.draw(st.sampled_from([1, 2, 3, 10**12, 2**70])),
        "features": data.draw(arrays(n, d)),
        "labels": data.draw(st.one_of(arrays(n), arrays(n, k))),
        "rng": data.draw(st.integers(0, 3)),
    }
    arguments = data.draw(spoiled(arguments))
    batches = call(lambda **a: list(npreg.data_iter(**a)), arguments, low_level=True)
    given_rows = np.asarray(arguments["features"]) if batches is not FAILED else np.zeros(0)
    if given_rows.dtype.names is None and batches is not FAILED:  # fields are columns: see tests/arrays
        drawn = np.concatenate([X for X, _ in batches])
        assert sorted(map(tuple, drawn.tolist()), key=str) == sorted(
            map(tuple, given_rows.astype(drawn.dtype).tolist()), key=str
        )


# Training.


@st.composite
def problems(draw: Draw) -> dict[str, Any]:
    """Features, labels, and sometimes weights."""
    n, d, k = draw(st.integers(1, 14)), draw(st.integers(1, 4)), draw(st.integers(1, 2))
    wild = draw(st.booleans())
    problem = {
        "features": draw(arrays(n, d, wild=wild)),
        "labels": draw(arrays(n, wild=wild) if k == 1 else arrays(n, k, wild=wild)),
    }
    if draw(st.booleans()):
        weights = draw(arrays(n, wild=wild))
        is_array = isinstance(weights, np.ndarray) and weights.dtype.kind == "f"
        problem["sample_weight"] = np.abs(weights) if is_array else weights
    return problem


rates = st.one_of(st.sampled_from([1e-3, 0.03, 0.1]), numbers)
schedules = st.sampled_from([InverseScaling(), StepDecay(2), Cosine(3), nothing, str])
penalties = st.one_of(st.just(0.0), st.sampled_from([0.1, 1.0]), numbers.map(abs))
bool_or_junk = st.one_of(st.booleans(), st.booleans(), st.booleans(), junk)


@st.composite
def training_arguments(draw: Draw) -> dict[str, Any]:
    problem = draw(problems())
    some = np.asarray(problem["features"]) if isinstance(problem["features"], np.ndarray) else np.ones((3, 2))
    d = some.shape[1] if some.ndim == 2 else 2
    options: dict[str, st.SearchStrategy[Any]] = {
        "batch_size": st.sampled_from([1, 2, 3, 5, 10, 1000, 10**12, 2**70]),
        "lr": st.one_of(rates, st.just("auto"), st.tuples(st.sampled_from([0.03, "auto"]), schedules)),
        "num_epochs": st.integers(0, 12),
        "loss": st.one_of(st.sampled_from(sorted(LOSSES)), st.just(LOSSES["huber"].bind(delta=1e-3))),
        "engine": st.sampled_from(["auto", "loop", "tight", "moments"]),
        "rule": st.sampled_from(["sgd", "momentum", "nesterov", SGD(), Momentum(0.0), Nesterov(0.99)]),
        "l2": penalties,
        "l1": penalties,
        "average": st.sampled_from([0.0, 0.5, 0.99]),
        "standardize": st.booleans(),
        "fit_intercept": st.booleans(),
        "shuffle": st.booleans(),
        "validation": st.one_of(st.floats(0, 1), st.tuples(arrays(2, d), arrays(2))),
        "stop": st.sampled_from([npreg.EarlyStopping(1), npreg.EarlyStopping(3, tol=1e-3)]),
        "callbacks": st.sampled_from(
            [(), nothing, [nothing, nothing], npreg.Record("epoch"), [nothing, npreg.Record("step")]]
        ),
        "w": arrays(d, 1),
        "b": arrays(1),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(options)), unique=True, max_size=6))
    arguments = {**problem, "rng": draw(st.integers(0, 3)), **{name: draw(options[name]) for name in chosen}}
    return draw(spoiled(arguments))


@fuzz(training_arguments())
def fuzz_train(arguments: dict[str, Any]) -> None:
    if is_huge(arguments.get("num_epochs"), 1000):
        return
    result = call(npreg.train, arguments)
    if result is FAILED:
        return
    for array in (result.w, result.b, result.losses):
        assert np.isfinite(array).all()
    if result.validation_losses is not None:
        assert not np.isnan(result.validation_losses).any()
    smooth = arguments.get("loss", "squared") in ("squared", "huber", "log_cosh")
    repeatable = type(arguments.get("rng")) is int and smooth and result.w.dtype == np.float64
    if result.engine == "loop" or not repeatable or not is_below(arguments, 1e5):
        return
    by_loop = call(npreg.train, {**arguments, "engine": "loop"})
    path = by_loop.losses
    if path.max(initial=0.0) <= 1e3 * path.min(initial=np.inf) + 1e3:  # growth amplifies rounding too
        scale = max(1.0, np.abs(by_loop.w).max(), np.abs(by_loop.b).max())
        np.testing.assert_allclose(result.w, by_loop.w, rtol=1e-6, atol=1e-7 * scale)
        np.testing.assert_allclose(result.b, by_loop.b, rtol=1e-6, atol=1e-7 * scale)


@fuzz(training_arguments(), st.data())
def fuzz_predict(arguments: dict[str, Any], data: st.DataObject) -> None:
    if is_huge(arguments.get("num_epochs"), 1000):
        return
    result = call(npreg.train, arguments)
    if result is not FAILED:
        n, d = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([len(result.w), 1]))
        call(result.predict, {"features": data.draw(arrays(n, d))}, low_level=True)


@fuzz(problems(), st.data())
def fuzz_estimator(problem: dict[str, Any], data: st.DataObject) -> None:
    regressor = pytest.importorskip("npreg.sklearn", exc_type=ImportError).MinibatchSGDRegressor
    options = {
        "loss": st.sampled_from([*LOSSES, LOSSES["quantile"].bind(tau=0.9)]),
        "batch_size": st.sampled_from([None, 1, 2, 10**12]),
        "lr": st.one_of(rates, st.just("auto")),
        "rule": st.sampled_from(["sgd", "nesterov"]),
        "schedule": st.sampled_from([None, InverseScaling()]),
        "l2": penalties,
        "l1": penalties,
        "average": st.sampled_from([0.0, 0.5]),
        "standardize": st.booleans(),
        "early_stopping": st.booleans(),
        "validation_fraction": st.floats(0, 1),
        "n_iter_no_change": st.integers(1, 3),
        "tol": numbers,
        "random_state": st.integers(0, 3),
        "warm_start": st.booleans(),
        "verbose": st.just(False),
    }
    chosen = data.draw(st.lists(st.sampled_from(sorted(options)), unique=True, max_size=5))
    settings = data.draw(spoiled({"max_iter": 3, **{name: data.draw(options[name]) for name in chosen}}))
    if settings["max_iter"] is None or is_huge(settings["max_iter"], 1000):
        return
    model = regressor(**settings)
    data_arguments = {
        "X" if name == "features" else "y" if name == "labels" else name: a for name, a in problem.items()
    }
    for method in data.draw(st.lists(st.sampled_from(["fit", "partial_fit"]), min_size=1, max_size=3)):
        if call(getattr(model, method), data_arguments, ours=False) is FAILED:
            continue
        assert np.isfinite(model.coef_).all()
        assert np.isfinite(model.intercept_).all()
        assert np.isfinite(model.losses_).all()
        assert model.predict(np.ones((2, model.n_features_in_))).shape[0] == 2


@fuzz(st.data())
def fuzz_sweep(data: st.DataObject) -> None:
    settings = {
        "lrs": data.draw(st.one_of(rates, st.lists(rates, min_size=1, max_size=3))),
        "l2": data.draw(st.one_of(penalties, st.lists(penalties, max_size=2))),
        "batch_size": data.draw(st.sampled_from([1, 3, 10, 10**12])),
        "num_epochs": data.draw(st.integers(1, 5)),
        "rng": 1,
        "standardize": data.draw(st.booleans()),
    }
    arguments = data.draw(spoiled({**data.draw(problems()), **settings}))
    if is_huge(arguments["num_epochs"], 1000):
        return
    result = call(npreg.sweep, arguments)
    if result is not FAILED:
        assert np.isfinite(result.w).all()
        assert np.isfinite(result.b).all()
        assert (result.bound > 0).all()
        assert (np.isinf(result.losses[:, -1]) == result.diverged).all()


@fuzz(st.data())
def fuzz_max_learning_rate(data: st.DataObject) -> None:
    problem = data.draw(problems())
    problem.pop("labels")
    arguments = {**problem, "batch_size": data.draw(st.sampled_from([1, 2, 10, 10**12])), "l2": data.draw(penalties)}
    arguments = data.draw(spoiled(arguments))
    bound = call(npreg.max_learning_rate, arguments)
    if bound is FAILED:
        return
    assert bound >= 0
    X = np.asarray(arguments["features"], float)
    B = int(arguments["batch_size"])
    if "sample_weight" not in arguments and len(X) <= B and is_below(arguments, 1e6 + B):
        extended = np.column_stack([X, np.ones(len(X))])
        steepest = float(np.linalg.svd(extended, compute_uv=False)[0]) ** 2 / B
        assert bound == pytest.approx(2 / (steepest + 2 * float(arguments["l2"])), rel=1e-6)


@fuzz(st.data())
def fuzz_least_squares(data: st.DataObject) -> None:
    problem = data.draw(problems())
    arguments = data.draw(spoiled({**problem, "fit_intercept": data.draw(st.booleans())}))
    result = call(npreg.least_squares, arguments)
    if result is FAILED or not is_below(arguments, 1e6) or result.condition_number > 1e6:
        return
    if "sample_weight" in arguments:
        return
    X = np.asarray(arguments["features"], float)
    y = np.asarray(arguments["labels"], float).reshape(len(X), -1)
    A = np.column_stack([X, np.ones(len(X))]) if arguments["fit_intercept"] else X
    expected = np.linalg.lstsq(A, y, rcond=1e-15)[0]
    got = np.vstack([result.w, result.b[None]]) if arguments["fit_intercept"] else result.w
    if result.w.dtype == np.float64 and np.linalg.cond(A) < 1e6:
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


@fuzz(st.data())
def fuzz_row_blocks(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.one_of(st.integers(1, 4), st.integers(1, 4), junk), max_size=3))
    d = data.draw(st.integers(1, 3))
    contents = []
    for count in rows:
        n = count if type(count) is int and 0 < count < 10 else 2
        block = (data.draw(arrays(n, d)), data.draw(arrays(n)))
        if data.draw(st.integers(0, 5)) == 0:
            block += (np.abs(data.draw(arrays(n, wild=False))),)
        contents.append(data.draw(junk) if data.draw(st.integers(0, 19)) == 0 else block)

    read = (
        (lambda i: contents[i % len(contents)] if contents else None)
        if data.draw(st.integers(0, 9))
        else data.draw(junk)
    )
    blocks = call(RowBlocks, {"read": read, "rows": rows if data.draw(st.integers(0, 9)) else data.draw(junk)})
    if blocks is FAILED or (read is nothing and len(blocks) > 10):
        return
    options = {
        "batch_size": data.draw(st.sampled_from([1, 3, 10])),
        "standardize": data.draw(st.booleans()),
        "lr": data.draw(st.sampled_from([0.01, "auto"])),
        "num_epochs": data.draw(st.sampled_from([1, 3, 20])),
        "l2": data.draw(penalties),
        "rng": 0,
    }
    result = call(npreg.train, {"features": blocks, **options})
    if result is not FAILED:
        assert np.isfinite(result.w).all()
        assert np.isfinite(result.losses).all()


QUICK = {"fuzz_train": 100}


@pytest.mark.parametrize("name", FUZZED)
def test_fuzz(name: str) -> None:
    run(FUZZED[name], QUICK.get(name, 40))


@pytest.mark.slow
@pytest.mark.parametrize("name", FUZZED)
def test_fuzz_longer(name: str) -> None:
    run(FUZZED[name], 12 * QUICK.get(name, 40))


# What fuzzing has found, kept where it needs no luck.

X, Y = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 3.0])
X32, Y32 = X.astype(np.float32), Y.astype(np.float32)


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (npreg.data_iter, {"rng": np.ones((1, 2)).view(np.matrix)}, "rng must be"),  # crashed the interpreter
        (npreg.train, {"batch_size": 10**400}, "batch_size must be at most"),
        (npreg.train, {"lr": 10**400}, "lr is beyond"),
        (npreg.train, {"engine": np.ones(2)}, "engine must be"),
        (npreg.train, {"num_epochs": np.ones(2)}, "num_epochs must be"),
        (npreg.train, {"standardize": np.ones(2)}, "standardize must be True or False"),
        (npreg.train, {"features": X32, "labels": [1.0, 2.0, 1e300]}, "beyond the range of float32"),
        (npreg.train, {"features": X32, "labels": Y32, "w": [[1e300]]}, "within the range of float32"),
        (npreg.train, {"features": 1e200 * X, "standardize": True}, "squares of features column 0 overflow"),
        (npreg.sweep, {"lrs": [0.1], "labels": 1e200 * Y}, "beyond all bounds"),
        (npreg.RowBlocks.of, {"features": np.zeros(()), "block_rows": 2}, "cut into rows"),
    ],
)
def test_found_before(function: Callable[..., Any], arguments: dict[str, Any], text: str) -> None:
    needed = {"batch_size": 2} if function is npreg.data_iter else {}
    with pytest.raises((ValueError, TypeError), match=text) as caught:
        function(**{"features": X, "labels": Y, **needed, **arguments})
    assert raised_on_purpose(caught.value)


def test_found_before_in_small_functions() -> None:
    with pytest.raises(TypeError, match="different lengths"):
        npreg.squared_loss([[1.0], [2.0, 3.0]], Y)
    with pytest.raises(TypeError, match="different lengths"):
        npreg.linreg(X, [[1.0], [2.0, 3.0]], Y)
    with pytest.raises(TypeError, match="sequences of arrays"):
        npreg.sgd(1.5, [Y], 0.1, 1)
    with pytest.raises(ValueError, match="too large for float32"):
        npreg.synthetic_data([1.0], 0.0, 3, noise=1e150)
    with pytest.raises(TypeError, match="dtype must be"):
        npreg.init_params(2, dtype=[[]])
    params = [np.ones(2)]
    npreg.sgd(params, [[1.0, 2.0]], 0.5, 1)
    np.testing.assert_array_equal(params[0], [0.5, 0.0])
    assert npreg.huber_loss_grad(Y32, 0 * Y32, delta=1e150).tolist() == [1.0, 2.0, 3.0]
    assert StepDecay(every=5e-324, factor=2.0)(1.0) == math.inf
