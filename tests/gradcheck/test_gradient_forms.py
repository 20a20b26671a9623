"""Functions and gradients in the forms in which published courses write them, re-expressed small.

Each form is tried with the right gradient, and with one gradient doubled, which must be seen and named.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from npreg import check_gradient
from npreg.gradcheck.forms import Form
from npreg.gradcheck.readings import keys_for, readings

RNG = np.random.default_rng(4)
FORMS: dict[str, Callable[[float], Any]] = {}


def form(make: Callable[[float], Any]) -> Callable[[float], Any]:
    """A form: its report, where the gradient with respect to the first parameter is multiplied by `by`."""
    FORMS[make.__name__] = make
    return make


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(Z: Any) -> Any:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


X, Y, LABELS = RNG.normal(size=(6, 3)), RNG.normal(size=6), np.array([0, 2, 1, 1, 0, 2])
W, B = RNG.normal(size=3), RNG.normal()


@form
def cs231n_loss_and_gradient(by: float) -> Any:
    """Linear classifiers: `loss, dW = svm_loss(W, X, y, reg)`, integer labels, one function for both."""

    def svm_loss(W: Any, X: Any, y: Any, reg: Any) -> Any:
        n = len(X)
        scores = X @ W
        margin = np.maximum(0, scores - scores[np.arange(n), y][:, None] + 1)
        margin[np.arange(n), y] = 0
        mask = (margin > 0).astype(float)
        mask[np.arange(n), y] = -mask.sum(axis=1)
        return margin.sum() / n + reg * np.sum(W * W), by * (X.T @ mask / n + 2 * reg * W)

    inputs = {"W": RNG.normal(size=(3, 3)), "X": X, "y": LABELS, "reg": 0.1}
    return check_gradient(svm_loss, svm_loss, inputs, wrt="W")


@form
def cs231n_net_with_parameters_in_self(by: float) -> Any:
    """`loss, grads = net.loss(X, y, reg)`: parameters in `net.params`, gradients in a dict."""

    class Net:
        def __init__(self) -> None:
            self.params = {"W1": RNG.normal(size=(3, 4)), "b1": np.zeros(4), "W2": RNG.normal(size=(4, 3))}

        def loss(self, X: Any, y: Any, reg: Any = 0.0) -> Any:
            W1, b1, W2 = self.params["W1"], self.params["b1"], self.params["W2"]
            H = np.tanh(X @ W1 + b1)
            D = softmax(H @ W2)
            loss = -np.log(D[np.arange(len(y)), y]).mean() + reg * np.sum(W2**2)
            D[np.arange(len(y)), y] -= 1
            D /= len(y)
            dH = D @ W2.T * (1 - H**2)
            return loss, {"W1": by * X.T @ dH, "b1": dH.sum(axis=0), "W2": H.T @ D + 2 * reg * W2}

    net = Net()
    return check_gradient(net.loss, net.loss, {"X": X, "y": LABELS, "reg": 0.1})


@form
def cs231n_layer_with_a_cache(by: float) -> Any:
    """`out, cache = affine_forward(x, w, b)`, `dx, dw, db = affine_backward(dout, cache)`."""

    def affine_forward(x: Any, w: Any, b: Any) -> Any:
        return x @ w + b, (x, w, b)

    def affine_backward(dout: Any, cache: Any) -> Any:
        x, w, _ = cache
        return by * dout @ w.T, x.T @ dout, dout.sum(axis=0)

    inputs = {"x": X, "w": RNG.normal(size=(3, 2)), "b": RNG.normal(size=2)}
    return check_gradient(affine_forward, affine_backward, inputs)


@form
def coursera_compute_gradient(by: float) -> Any:
    """`dj_db, dj_dw = compute_gradient(X, y, w, b)`, in that order, in loops."""

    def compute_cost(X: Any, y: Any, w: Any, b: Any) -> Any:
        return sum((np.dot(x, w) + b - t) ** 2 for x, t in zip(X, y, strict=True)) / (2 * X.shape[0])

    def compute_gradient(X: Any, y: Any, w: Any, b: Any) -> Any:
        m, n = X.shape
        dj_dw, dj_db = np.zeros(n), 0.0
        for i in range(m):
            error = np.dot(X[i], w) + b - y[i]
            dj_dw += error * X[i] / m
            dj_db += by * error / m
        return dj_db, dj_dw

    return check_gradient(compute_cost, compute_gradient, {"X": X, "y": Y, "w": W, "b": B}, wrt=["w", "b"])


@form
def coursera_propagate(by: float) -> Any:
    """`grads, cost = propagate(w, b, X, Y)`: columns are examples, gradients in a dict, the cost last."""

    def propagate(w: Any, b: Any, X: Any, Y: Any) -> Any:
        m = X.shape[1]
        A = sigmoid(w.T @ X + b)
        cost = np.squeeze(-np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m)
        return {"dw": by * X @ (A - Y).T / m, "db": np.sum(A - Y) / m}, cost

    inputs = {"w": W[:, None], "b": B, "X": X.T, "Y": (LABELS > 0)[None].astype(int)}
    return check_gradient(propagate, propagate, inputs)


@form
def coursera_parameters_in_a_dict(by: float) -> Any:
    """`parameters` is a dict among the arguments; `grads` has dW1, db1."""

    def cost(X: Any, parameters: Any) -> Any:
        return np.sum(np.tanh(parameters["W1"] @ X + parameters["b1"]) ** 2)

    def backward(X: Any, parameters: Any) -> Any:
        A = np.tanh(parameters["W1"] @ X + parameters["b1"])
        dZ = 2 * A * (1 - A**2)
        return {"dZ1": dZ, "dW1": by * dZ @ X.T, "db1": dZ.sum(axis=1, keepdims=True)}

    inputs = {"X": X.T, "parameters": {"W1": RNG.normal(size=(2, 3)), "b1": RNG.normal(size=(2, 1))}}
    return check_gradient(cost, backward, inputs, wrt="parameters")


@form
def ufldl_unrolled(by: float) -> Any:
    """`cost, grad = f(theta)`, all parameters end to end; here cut into two inputs."""

    def cost(W1: Any, W2: Any) -> Any:
        H = np.tanh(X @ W1)
        dH = (H @ W2)[:, :1] @ W2[:, :1].T * (1 - H**2)
        grad = np.concatenate([by * (X.T @ dH).ravel(), (H.T @ (H @ W2) * [[1.0, 0.0]]).ravel()])
        return np.sum((H @ W2)[:, 0] ** 2) / 2, grad

    inputs = {"W1": RNG.normal(size=(3, 4)), "W2": RNG.normal(size=(4, 2))}
    return check_gradient(cost, cost, inputs, wrt=["W1", "W2"])


@form
def nielsen_lists_per_layer(by: float) -> Any:
    """`nabla_b, nabla_w = net.backprop(x, y)`: lists of arrays, as `net.biases` and `net.weights` are."""

    class Network:
        def __init__(self) -> None:
            self.biases = [RNG.normal(size=(4, 1)), RNG.normal(size=(2, 1))]
            self.weights = [RNG.normal(size=(4, 3)), RNG.normal(size=(2, 4))]

        def activations(self, x: Any) -> list[Any]:
            found = [x]
            for b, w in zip(self.biases, self.weights, strict=True):
                found.append(sigmoid(w @ found[-1] + b))
            return found

        def cost(self, x: Any, y: Any) -> Any:
            return np.sum((self.activations(x)[-1] - y) ** 2) / 2

        def backprop(self, x: Any, y: Any) -> Any:
            a0, a1, a2 = self.activations(x)
            d2 = (a2 - y) * a2 * (1 - a2)
            d1 = self.weights[1].T @ d2 * a1 * (1 - a1)
            return [by * d1, d2], [d1 @ a0.T, d2 @ a1.T]

    net = Network()
    inputs = {"x": RNG.normal(size=(3, 1)), "y": RNG.normal(size=(2, 1))}
    return check_gradient(net.cost, net.backprop, inputs, wrt=["biases", "weights"])


@form
def nnfs_layer(by: float) -> Any:
    """`layer.forward(inputs)` sets `output`; `layer.backward(dvalues)` sets dweights, dbiases, dinputs."""

    class Dense:
        def __init__(self) -> None:
            self.weights, self.biases = RNG.normal(size=(3, 2)), np.zeros((1, 2))

        def forward(self, inputs: Any) -> None:
            self.inputs = inputs
            self.output = inputs @ self.weights + self.biases

        def backward(self, dvalues: Any) -> None:
            self.dweights = by * self.inputs.T @ dvalues
            self.dbiases = dvalues.sum(axis=0, keepdims=True)
            self.dinputs = dvalues @ self.weights.T

    layer = Dense()
    return check_gradient(layer, layer, {"inputs": X})


@form
def layer_that_returns_dx_and_keeps_dw(by: float) -> Any:
    """`dx = layer.backward(dout)`, the parameters' gradients in `layer.dW` and `layer.db`."""

    class Affine:
        def __init__(self) -> None:
            self.W, self.b = RNG.normal(size=(3, 2)), RNG.normal(size=2)

        def forward(self, x: Any) -> Any:
            self.x = x
            return x @ self.W + self.b

        def backward(self, dout: Any) -> Any:
            self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
            return by * dout @ self.W.T

    layer = Affine()
    return check_gradient(layer.forward, layer.backward, {"x": X})


@form
def fastai_loss_called(by: float) -> Any:
    """`loss(inp, targ)` is called; `backward()` uses what the call kept."""

    class Mse:
        def __call__(self, inp: Any, targ: Any) -> Any:
            self.inp, self.targ = inp, targ
            return np.mean((inp[:, 0] - targ) ** 2)

        def backward(self) -> Any:
            return by * 2 * (self.inp[:, 0] - self.targ)[:, None] / len(self.targ)

    return check_gradient(Mse(), None, {"inp": X[:, :1], "targ": Y}, wrt="inp")


@form
def minitorch_function(by: float) -> Any:
    """`forward(ctx, a, b)` saves for `backward(ctx, grad_output)`, a class with static methods."""

    class Mul:
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            a, b = ctx.saved_values
            return by * b * grad_output, a * grad_output

    return check_gradient(Mul, Mul, {"a": W, "b": Y[:3]})


@form
def torch_style_none(by: float) -> Any:
    """One result for each argument, None for what is not differentiated."""

    def backward(X: Any, w: Any, y: Any) -> Any:
        return None, by * X.T @ (X @ w - y), None

    return check_gradient(lambda X, w, y: np.sum((X @ w - y) ** 2) / 2, backward, {"X": X, "w": W, "y": Y})


@form
def micrograd_parameters(by: float) -> Any:
    """`net.parameters()` lists arrays, changed in place; gradients in the same order."""

    class Neuron:
        def __init__(self) -> None:
            self.w, self.b = W.copy(), np.array([0.3])

        def parameters(self) -> list[Any]:
            return [self.w, self.b]

        def loss(self, X: Any) -> Any:
            return np.sum((X @ self.w + self.b) ** 2) / 2

        def gradients(self, X: Any) -> Any:
            r = X @ self.w + self.b
            return [by * X.T @ r, np.array([r.sum()])]

    neuron = Neuron()
    return check_gradient(neuron.loss, neuron.gradients, {"X": X}, wrt="parameters")


@form
def scikit_learn_style(by: float) -> Any:
    """`loss, grad = f(coef, X, y, alpha)`, as `scipy.optimize.minimize(jac=True)` takes it."""

    def loss_gradient(coef: Any, X: Any, y: Any, alpha: Any) -> Any:
        r = X @ coef - y
        return r @ r / 2 + alpha / 2 * coef @ coef, by * (X.T @ r + alpha * coef)

    return check_gradient(loss_gradient, loss_gradient, {"coef": W, "X": X, "y": Y, "alpha": 0.7}, wrt="coef")


@form
def d2l_pair(by: float) -> Any:
    """Labels of one column, a bias of one entry, a list of parameters' gradients."""

    def loss(X: Any, y: Any, w: Any, b: Any) -> Any:
        return np.sum((X @ w + b - y.reshape((-1, 1))) ** 2 / 2)

    def grads(X: Any, y: Any, w: Any, b: Any) -> Any:
        r = X @ w + b - y.reshape((-1, 1))
        return [by * X.T @ r, r.sum(axis=0)]

    return check_gradient(loss, grads, {"X": X, "y": Y, "w": W[:, None], "b": np.zeros(1)}, wrt=["w", "b"])


@form
def matrices_lists_and_integers(by: float) -> Any:
    """`np.matrix`, where `*` is the product of matrices; rows of a list; whole numbers."""

    def loss(X: Any, y: Any, theta: Any) -> Any:
        r = X * theta - np.asmatrix(y).T
        return (r.T * r)[0, 0] / 2

    def gradient(X: Any, y: Any, theta: Any) -> Any:
        return by * X.T * (X * theta - np.asmatrix(y).T)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        inputs = {"X": np.asmatrix([[1, 2], [3, 5], [6, 1]]), "theta": np.asmatrix("1; 2")}
    return check_gradient(loss, gradient, {**inputs, "y": [1.0, 2.0, 4.0]}, wrt="theta")


@form
def rnn_that_returns_its_last_state_too(by: float) -> Any:
    """A character model: `loss, dWxh, dWhh, hs[-1] = lossFun(inputs, …)`."""

    def loss_fun(inputs: Any, h: Any, Wxh: Any, Whh: Any) -> Any:
        hs, loss = [h], 0.0
        for x in inputs:
            hs.append(np.tanh(Wxh[:, [x]] + Whh @ hs[-1]))
            loss += np.sum(hs[-1] ** 2)
        dWxh, dWhh, dnext = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(h)
        for t in reversed(range(len(inputs))):
            raw = (2 * hs[t + 1] + dnext) * (1 - hs[t + 1] ** 2)
            dWxh[:, [inputs[t]]] += raw
            dWhh += raw @ hs[t].T
            dnext = Whh.T @ raw
        return loss, by * dWxh, dWhh, hs[-1]

    inputs = {
        "inputs": [0, 2, 0],
        "h": np.zeros((2, 1)),
        "Wxh": RNG.normal(size=(2, 3)),
        "Whh": RNG.normal(size=(2, 2)),
    }
    return check_gradient(loss_fun, loss_fun, inputs, wrt=["Wxh", "Whh"])


@form
def gradients_in_a_dict_before_loss_and_cache(by: float) -> Any:
    def step(X: Any, y: Any, w: Any) -> Any:
        r = X @ w - y
        return {"w": by * X.T @ r}, r @ r / 2, {"r": r}

    return check_gradient(step, step, {"X": X, "y": Y, "w": W}, wrt="w")


@form
def a_cache_of_any_name(by: float) -> Any:
    """`dz = softmax_backward(dout, p)`, where the forward pass returned `p, p`."""

    def softmax_forward(z: Any) -> Any:
        p = softmax(z)
        return p, p

    def softmax_backward(dout: Any, p: Any) -> Any:
        return by * p * (dout - np.sum(dout * p, axis=1, keepdims=True))

    return check_gradient(softmax_forward, softmax_backward, {"z": X})


@form
def a_layer_that_takes_its_learning_rate(by: float) -> Any:
    """`backward(self, output_gradient, learning_rate)` of layers that update themselves."""

    class Dense:
        def __init__(self) -> None:
            self.weights = np.ones((3, 2))

        def forward(self, input: Any) -> Any:
            self.input = input
            return np.tanh(input @ self.weights)

        def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
            slope = output_gradient * (1 - np.tanh(self.input @ self.weights) ** 2)
            self.weights -= learning_rate * self.input.T @ slope
            return by * slope @ self.weights.T

    return check_gradient(Dense(), None, {"input": X, "learning_rate": 0.0}, wrt="input")


NAMED_BY_DEFAULT = {"coursera_parameters_in_a_dict", "nnfs_layer", "scikit_learn_style"}
# how many inputs must be found, beyond those that are given
COUNTS = {"cs231n_net_with_parameters_in_self": 3, "nielsen_lists_per_layer": 4, "nnfs_layer": 3}
COUNTS |= {"layer_that_returns_dx_and_keeps_dw": 3, "micrograd_parameters": 2}


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
def test_the_right_gradient_is_right_in_its_form(make: Callable[[float], Any], request: pytest.FixtureRequest) -> None:
    report = make(1.0)
    assert report.passed, str(report)
    assert len(report.inputs) == COUNTS.get(make.__name__, len(report.inputs))
    wrong = make(2.0)
    assert [r.passed for r in wrong.inputs].count(False) == 1, str(wrong)
    if make.__name__ in NAMED_BY_DEFAULT or request.config.getoption("-m") == "slow":
        assert ["factor:2"] in [[m.code for m in r.mistakes] for r in wrong.inputs], str(wrong)


def test_another_order_is_tried_and_said() -> None:
    report = FORMS["coursera_compute_gradient"](1.0)
    assert str(report).startswith("The gradient is right, in the order b, w.")
    scalars = {"x": np.array([1.0, 2, 4]), "y": np.array([2.0, 1, 3]), "w": 2.0, "b": 1.0}

    def gradients(x: Any, y: Any, w: Any, b: Any) -> Any:
        e = w * x + b - y
        return e.mean(), (e * x).mean()

    def cost(x: Any, y: Any, w: Any, b: Any) -> Any:
        return np.sum((w * x + b - y) ** 2) / 6

    assert check_gradient(cost, gradients, scalars, wrt=["w", "b"]).order == ("b", "w")
    assert check_gradient(cost, gradients, scalars, wrt=["b", "w"]).order == ()
    half = check_gradient(cost, lambda **a: (gradients(**a)[0], 0.0), scalars, wrt=["w", "b"])
    assert [(r.name, r.passed) for r in half.inputs] == [("b", True), ("w", False)]


def test_the_loss_may_be_first_or_last_among_numbers() -> None:
    for place in (0, -1):

        def both(w: Any, b: Any, place: int = place) -> Any:
            loss, rest = (w * 3 + b) ** 2, [6 * (w * 3 + b), 2 * (w * 3 + b)]
            return (loss, *rest) if place == 0 else (*rest, loss)

        assert check_gradient(both, both, {"w": 2.0, "b": 1.0}).passed


def test_readings_that_fit_and_disagree_are_listed() -> None:
    inputs = {"a": np.ones(3), "b": np.arange(3.0)}
    with pytest.raises(ValueError, match=r"can be read as the gradient with respect to \(a\) or \(b\); say which"):
        check_gradient(lambda a, b: a @ b, lambda a, b: 3 * a, inputs)
    assert check_gradient(lambda a, b: a @ b, lambda a, b: b, inputs).passed
    assert not check_gradient(lambda a, b: a @ b, lambda a, b: 3 * a, inputs, wrt="b").passed


def test_an_object_found_in_a_closure_lends_its_parameters() -> None:
    net = SimpleNamespace(params={"w": W.copy()})
    report = check_gradient(
        lambda X: np.sum((X @ net.params["w"]) ** 2), lambda X: {"dw": 2 * X.T @ (X @ net.params["w"])}, {"X": X}
    )
    assert report.passed
    assert [r.name for r in report.inputs] == ["w"]
    np.testing.assert_array_equal(net.params["w"], W)


def test_an_input_that_is_never_used_is_said_with_the_reason() -> None:
    net = SimpleNamespace(w=W)
    report = check_gradient(lambda w: np.sum((X @ net.w) ** 2), lambda w: 2 * X.T @ (X @ net.w), {"w": W.copy()})
    assert not report.passed
    assert report.inputs[0].facts == ("the function does not depend on w: its value is the same whatever w is",)
    assert "the function never uses w: are parameters kept in self" in str(report)
    unused = check_gradient(lambda w, c: np.sum(w**2), lambda w, c: (2 * w, 0.0), {"w": W, "c": 1.0})
    assert unused.passed
    assert "never uses c" in str(unused)
    constant = check_gradient(
        lambda z: softmax(z[None]).sum(), lambda z: 0 * z, {"z": W}
    )  # it uses z, though its value is always 1
    assert "never uses" not in str(constant)


@pytest.mark.parametrize("name", ["upstream", "grad_output", "dout", "gy", "dY", "dvalues", "delta"])
def test_upstream_has_many_names(name: str) -> None:
    G = RNG.normal(size=6)
    namespace: dict[str, Any] = {}
    exec(f"def backward(X, {name}): return X.T @ {name}", namespace)
    for upstream in (G, None):
        report = check_gradient(lambda X, w: X @ w, namespace["backward"], {"X": X, "w": W}, wrt="w", upstream=upstream)
        assert report.passed, str(report)
    assert "one was drawn at random" in str(report)


def test_parameters_are_put_back() -> None:
    net = SimpleNamespace(params={"w": W}, calls=0)

    def loss(X: Any) -> Any:
        net.calls += 1
        return np.sum(X @ net.params["w"]) if net.calls < 5 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        check_gradient(loss, lambda X: {"w": X.sum(axis=0)}, {"X": X})
    assert net.params["w"] is W


def test_keys_and_readings() -> None:
    assert keys_for("w", ["dw", "w", "grad_w", "dj_dw", "w_grad", "dW", "nabla_w", "dww", "b", "theta_w"]) == [
        "dw",
        "grad_w",
        "dj_dw",
        "w_grad",
        "nabla_w",
        "dW",
        "w",
    ]
    two = {"a": {"a": (2,)}, "b": {"b": ()}}
    assert readings((1.0, np.ones(2)), two, 7.0, all_of_them=True)[0].keys() == {"b", "a"}
    assert readings("text", two, 7.0, all_of_them=True) == []
    both = readings({"a": np.ones(2), "da": np.zeros(2), "b": 1.0}, two, 7.0, all_of_them=True)
    assert [float(r["a"][0]) for r in both] == [0.0, 1.0]


def test_containers_are_opened_by_name() -> None:
    opened = Form(
        lambda **a: 0.0, None, {"params": [{"W": X, "b": W}, {"W": X, "b": W}], "W": Y, "options": {"power": 2}}, ()
    )
    assert list(opened.leaves) == ["params[0]['W']", "b", "params[1]['W']", "params[1]['b']", "W", "options"]
