"""Tracing plain NumPy functions: the derivatives of every form, the names of the steps, the limits."""

from __future__ import annotations

import math
import sys
import threading

import numpy as np
import pytest

from npreg import differentiate
from npreg.exercises import Exercise, classes, gradient, real
from npreg.exercises.forward.tape import record
from npreg.exercises.forward.trace import NotALoss, trace
from npreg.exercises.prover import Proof, prove

RNG = np.random.default_rng(3)
INPUTS = {
    "X": RNG.standard_normal((7, 3)),
    "y": RNG.standard_normal(7),
    "w": RNG.standard_normal(3),
    "W": RNG.standard_normal((3, 4)),
    "T": RNG.standard_normal((2, 3, 4)),
    "k": RNG.integers(0, 4, 7),
    "s": np.array(0.7),
}
SHAPES = {
    "X": real("n", "d"),
    "y": real("n"),
    "w": real("d"),
    "W": real("d", 4),
    "T": real(2, "d", 4),
    "k": classes("n", of=4),
}


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def two_results(z):
    return z + 1, z * 2


def changed_in_place(X, w, y):
    r = X @ w
    r -= y
    r *= 2.0
    r[r > 1] = 1.0
    return np.sum(r**2)


def unrolled(X, W, w):
    h = np.zeros(4)
    for t in range(3):
        h = np.tanh(X[t] @ W + h * 0.5)
    return (h**2).sum()


def one_call_of_everything(X, W):
    A = np.concatenate([X @ W, np.ones((len(X), 1))], axis=1)
    B = np.stack((A, 2 * A)).transpose(1, 0, 2).reshape(len(X), -1)
    lower, upper = np.split(B, [3], axis=1)
    return np.square(lower).mean() + np.log1p(np.exp(upper)).sum() + B.T[0].dot(B.T[1])


def filled_by_labels(X, W, k):
    S = X @ W
    M = np.maximum(0, S - S[np.arange(len(k)), k][:, None] + 1.0)
    M[np.arange(len(k)), k] = 0
    return M.sum() / len(k)


def with_out(X, w):
    z = X @ w
    q = np.zeros_like(z)
    np.log(z, out=q, where=z > 0)
    np.add(q, z, out=q)
    np.add.at(q, np.array([0, 0]), z[:2])
    return np.sum(q * q)


def with_helpers(X, W, k):
    a, b = two_results(X @ W)
    P = softmax(a)
    return -np.mean(np.log(P[np.arange(len(P)), k])) + np.var(b)


def plain_copies(X, y, w):
    X = np.asarray(X, dtype=float)
    w, y = np.array(w), np.array(y).copy()
    w -= 1.0
    r = np.dot(X, w.reshape(-1, 1)).ravel() - y.flatten()
    return 0.5 * float(1) * np.inner(r, r)


FORMS = {
    "in place": changed_in_place,
    "unrolled": unrolled,
    "shapes": one_call_of_everything,
    "labels": filled_by_labels,
    "out and where": with_out,
    "helpers": with_helpers,
    "copies": plain_copies,
    "one line": lambda X, y, w: ((X @ w - y) ** 2).mean() / 2,
    "einsum": lambda X, T: np.einsum("nd,kdh->", X, T) + np.einsum("nd,kdh->nkh", X, T).max(axis=0).sum(),
    "norm": lambda X, w, y: np.linalg.norm(X @ w - y) + np.linalg.norm(w, axis=0) + np.linalg.norm(X),
    "absolute": lambda X, w, y: np.abs(X @ w - y).sum() + abs(w).sum() + np.fabs(w).max(),
    "piecewise": lambda X, w, y, s: np.where(y > X @ w, s * (y - X @ w), (1 - s) * (X @ w - y)).sum(),
    "clipped": lambda X, w: np.clip(X @ w, -1, 0.5).sum() + (X @ w).clip(0.1, None).sum() + np.minimum(w, 0.2).sum(),
    "mask": lambda X, w: (X @ w)[X[:, 0] > 0].sum() + np.sum((w > 0) * w) + (w * (w > 0).astype(float)).sum(),
    "statistics": lambda X: X.std(axis=0).sum() + np.var(X, axis=1, ddof=1).sum() + X.mean(0).prod(),
    "methods": lambda X: X.T.dot(X).trace() + X.cumsum(axis=0).sum() + X.swapaxes(0, 1)[0].sum() + X.ravel()[::2].sum(),
    "reductions": lambda X: (
        np.add.reduce(X, axis=0).sum() + np.multiply.outer(X[0], X[1]).sum() + np.linalg.det(X.T @ X)
    ),
    "pieces of pieces": lambda X, w: np.sum(w[1:] ** 2) + w[0] + X[..., -1].sum() + X[1:3, ::-1][0, 0] + X[None].sum(),
    "one-hot of labels": lambda X, W, k: np.sum(np.eye(4)[k] * (X @ W)),
    "frozen settings": lambda X, w, s: np.sum(X @ w) ** (2 if s > 0.5 else 3) * float(s),
    "one row": lambda w: w[None, :] @ w[:, None] * 2.0,
    "several results": lambda X, w: (np.sum((X @ w) ** 2), 2 * X.T @ (X @ w)),
    "logs": lambda X, w: np.logaddexp(0, X @ w).sum() + np.hypot(w, 1.0).sum() + np.sign(w).sum(),
    "a copy of a copy": lambda X, w: np.sum(np.copy(X) @ w.copy()) + np.asarray([w[0], w[1]]).sum(),
}


def names_of(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_followed_and_differentiated(form):
    """The sweep through the traced steps against the derivative of the function in one piece."""
    function = FORMS[form]
    names = names_of(function)
    given = {name: INPUTS[name] for name in names}
    wanted = [name for name in names if name not in ("k", "s")]
    program = trace(function, given, wanted)
    assert program.stopped is None
    inputs = {n: SHAPES.get(n, real()) for n in names}
    exercise = Exercise(function, inputs, {f"grad_{name}": gradient(name) for name in wanted}, id="form")
    swept = record(exercise, given).sweep()
    for name in wanted:
        right = differentiate.gradient(lambda **a: first(function(**a)), given, name)
        found = swept.get(name, np.zeros(given[name].shape))
        np.testing.assert_allclose(found, right, rtol=1e-7, atol=1e-8, err_msg=name)
    for name in names:
        np.testing.assert_array_equal(given[name], INPUTS[name])


def first(result):
    return np.reshape(result[0] if isinstance(result, tuple) else result, ())


def test_local_variables_are_the_steps_in_their_order():
    def loss(X, y, w, s):
        n = len(y)
        z = X @ w
        z = z - y
        _hidden = z**2
        data = np.sum(_hidden) / n
        unused = np.exp(z)
        assert unused.shape == (n,)
        return data + s * np.sum(w**2)

    program = trace(loss, {name: INPUTS[name] for name in "Xyws"}, ["w"])
    assert program.public_steps == ("z_1", "z", "data", "loss")
    assert program.public("_hidden") == "data"
    assert program.arguments["z"] == ("z_1", "y")


def test_the_variable_that_is_returned_gives_the_loss_its_name():
    def cost(X, w):
        loss = (X @ w) ** 2
        J = loss.mean()
        return J

    def unnamed(X, w):
        loss = (X @ w) ** 2
        return loss.mean()

    given = {"X": INPUTS["X"], "w": INPUTS["w"]}
    assert trace(cost, given, ["w"]).public_steps == ("loss", "J")
    assert trace(unnamed, given, ["w"]).public_steps == ("loss", "total_loss")


def test_a_helper_of_one_argument_is_one_step_and_its_parts():
    def loss(X, W):
        P = softmax(X @ W)
        return np.sum(P**2)

    program = trace(loss, {"X": INPUTS["X"], "W": INPUTS["W"]}, ["W"])
    assert len(program.arguments["P"]) == 1
    assert program.parts is not None
    assert len(program.parts.steps) > len(program.steps)
    assert set(program.steps) <= set(program.parts.steps)


def test_sizes_are_those_of_each_probe():
    exercise = Exercise(
        lambda X, w: np.sum((X @ w) ** 2) / len(X), {"X": real("n", "d"), "w": real("d")}, {"grad_w": gradient("w")}
    )
    for n in (4, 9):
        given = {"X": RNG.standard_normal((n, 3)), "w": INPUTS["w"]}
        right = 2 * given["X"].T @ (given["X"] @ given["w"]) / n
        np.testing.assert_allclose(record(exercise, given).sweep()["w"], right)


def by_math(X, y, w):
    total = 0.0
    for a, b in zip(X @ w, y, strict=True):
        total += math.exp(-a * b)
    return total


def by_float(X, y, w):
    z = X @ w
    return float(z[0]) ** 2


def by_branch(X, y, w):
    z = X @ w - y
    if z[0] > 0:
        z = 2 * z
    return np.sum(z)


def by_loop(X, y, w):
    total = 0.0
    for i in range(len(y)):
        total = total + (X[i] @ w - y[i]) ** 2
    return total / len(y)


def by_filling(X, y, w):
    r = np.zeros(len(y))
    for i in range(len(y)):
        r[i] = X[i] @ w - y[i]
    return np.sum(r**2)


def by_view(X, y, w):
    z = X @ w - y
    part = z[:2]
    part *= 3.0
    return np.sum(z**2)


LIMITS = {
    by_math: ("number", "total += math.exp(-a * b)", "np.exp(z) for math.exp(z)"),
    by_float: ("number", "return float(z[0]) ** 2", "z for float(z)"),
    by_branch: ("branch", "if z[0] > 0:", "np.where(condition, this, that)"),
    by_loop: ("loop", "def by_loop(X, y, w):", "X @ w for a sum over entries"),
    by_filling: ("number", "r[i] = X[i] @ w - y[i]", "np.stack for an array that is filled"),
    by_view: ("changed", "def by_view(X, y, w):", "Write new arrays"),
}


@pytest.mark.parametrize("function", LIMITS)
def test_what_cannot_be_followed_is_one_step_and_prove_says_where(function):
    kind, code, cure = LIMITS[function]
    inputs = {"X": real("n", "d"), "y": real("n"), "w": real("d")}
    exercise = Exercise(function, inputs, {"grad_w": gradient("w")})
    assert list(exercise.steps) == ["loss"]
    stopped = exercise.program.stopped
    assert (stopped.kind, stopped.code) == (kind, code)
    given = {name: INPUTS[name] for name in inputs}
    right = differentiate.gradient(function, given, "w")
    np.testing.assert_allclose(record(exercise, given).sweep()["w"], right, rtol=1e-7)
    proof = prove(exercise) if kind == "loop" else Proof("e", 1, (), (), (), stopped)
    text = " ".join(proof.text().split())
    assert f"Line {stopped.line} of the loss, `{code}`" in text
    assert cure in text
    assert "无法跟踪" in proof.text("zh")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda w: w, r"must be a scalar; it has the shape \(3,\)"),
        (lambda w: None, "returns nothing"),
        (lambda w: {"loss": w.sum()}, "returns a dict"),
        (lambda w: 1.0, "depends on none of the inputs"),
    ],
)
def test_what_is_no_loss_is_refused(function, message):
    with pytest.raises(NotALoss, match=message):
        trace(function, {"w": INPUTS["w"]}, ["w"])


def test_traces_and_profiles_of_others_stay_and_numpy_is_as_it_was():
    seen = []

    def watch(frame, event, argument):
        seen.append(event)
        return watch

    before = {name: getattr(np, name) for name in ("asarray", "array", "asanyarray")}
    old_trace, old_profile = sys.gettrace(), sys.getprofile()
    sys.settrace(watch)
    sys.setprofile(watch)
    try:
        program = trace(changed_in_place, {name: INPUTS[name] for name in "Xwy"}, ["w"])
        assert sys.gettrace() is watch
        assert sys.getprofile() is watch
    finally:
        sys.settrace(old_trace)
        sys.setprofile(old_profile)
    assert program.public_steps == ("r_1", "r_2", "r_3", "r", "loss")
    assert len(seen) > 100
    assert {name: getattr(np, name) for name in before} == before


def test_threads_trace_at_the_same_time():
    found = []

    def work():
        for _ in range(20):
            found.append(trace(plain_copies, {name: INPUTS[name] for name in "Xyw"}, ["w"]).public_steps)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert len(set(found)) == 1


def test_an_object_with_a_method_and_a_partial_function_are_traced():
    class Model:
        def loss(self, X, w):
            z = X @ w
            return np.sum(z**2)

        def __call__(self, X, w):
            q = X @ w
            return np.sum(q**2)

    given = {"X": INPUTS["X"], "w": INPUTS["w"]}
    assert trace(Model().loss, given, ["w"]).public_steps == ("z", "loss")
    assert trace(Model(), given, ["w"]).public_steps == ("q", "loss")
