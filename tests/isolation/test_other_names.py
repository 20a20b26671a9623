"""Answers that a file gives under other names: as methods, or as one of several results."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from npreg.exercises import check
from npreg.exercises.course import load
from npreg.grading import grade
from npreg.isolation.inside.answers import run

PROBE = {"X": np.arange(12.0).reshape(4, 3), "y": np.arange(4.0), "w": np.array([1.0, -2, 3]), "b": np.array(0.5)}
GRADIENTS = {"grad_w": "X.T @ (X @ w + b - y) / len(y)", "grad_b": "(X @ w + b - y).mean()"}
CLASS = """
class Model:
    def __init__(self, w, b):
        self.w, self.b = w, b
    def residuals(self, X, y):
        return X @ self.w + self.b - y
    def grad_w(self, X, y):
        return X.T @ self.residuals(X, y) / len(y)
    def grad_b(self, X, y):
        return {}
"""


def names(source: str, asked=("grad_w", "grad_b"), probes=(PROBE,)) -> list[str]:
    functions = run(source, list(asked), list(probes))["functions"]
    return [functions[name]["name"] for name in asked]


@pytest.mark.parametrize("order", list(permutations(["grad_w", "grad_b", "(X @ w + b - y)"])))
def test_the_result_of_its_shape_is_the_answer_in_any_order(order):
    source = "def compute_gradient(X, y, w, b):\n    return " + ", ".join(GRADIENTS.get(one, one) for one in order)
    assert names(source) == [f"compute_gradient[{order.index(name)}]" for name in GRADIENTS]
    report = check(f"import numpy as np\n{source}\n", "minibatch-mean", seed=0)
    assert report.passed
    assert "nothing is called `grad_w`; `compute_gradient(…)" in report.text()


def test_a_parameter_in_a_result_does_not_name_its_gradient():
    """The first reads w alone and the second b alone: the shapes say which is which."""
    body = "import numpy as np\ndef gradient(X, y, w, b):\n    p = X @ w\n"
    source = body + "    return np.mean(X @ w - y), X.T @ (p - y + b) / len(y)\n"
    assert names(source) == ["gradient[1]", "gradient[0]"]
    assert [answer.codes for answer in check(source, "minibatch-mean", seed=0, seconds=0).answers] == [
        [],
        ["ignores:b"],
    ]


def test_the_names_that_are_returned_or_keys_tell_scalars_apart():
    body = "def gradient(x, y, w, b):\n    r = w * x + b - y\n    "
    probe = {name: np.array(value) for name, value in {"x": 2.0, "y": 1.0, "w": 3.0, "b": 0.5}.items()}
    ask = {"probes": (probe,)}
    assert names(body + "dj_dw, dj_db = r * x, r\n    return dj_db, dj_dw", **ask) == ["gradient[1]", "gradient[0]"]
    assert names(body + "return {'db': r, 'dw': r * x}", **ask) == ["gradient[dw]", "gradient[db]"]
    assert names(body + "return r * x, r", **ask) == ["grad_w", "grad_b"]  # who knows which


def test_a_method_is_called_on_an_object_made_of_what_is_given():
    assert names(CLASS.format("self.residuals(X, y).mean()")) == ["Model.grad_w", "Model.grad_b"]
    wrong = check("import numpy as np\n" + CLASS.format("self.residuals(X, y).sum()"), "minibatch-mean", seed=0)
    assert [answer.codes for answer in wrong.answers] == [[], ["factor:n"]]
    place = wrong.answers[1].mistakes[0].place
    assert "sum" in place.text
    one = "class Model:\n    def backward(self, X, y, w, b):\n        e = X @ w + b - y\n"
    one += "        return X.T @ e / len(y), e.mean()\n"
    assert names(one) == ["Model.backward[0]", "Model.backward[1]"]


@pytest.mark.parametrize(
    "source",
    [
        "def gradient(X, y, w, b): return X.T @ (X @ w + b - y), X.T @ y, 0.0",  # two of the shape of w
        "def gradient(X, y, w, b): return None",
        "def gradient(features, y, w, b): return w, b",  # a parameter that names nothing
        "def gradw(X, y, w, b): return w\ndef Grad_b(X, y, w, b): return b",
        "def one_gradient(X, y, w, b): return w, b\ndef other_gradient(X, y, w, b): return w, b",
        "def gradient(X, y, w, b): raise KeyError",
        "def grad_b(X, y, w, b): return b\ndef gradient(X, y, w, b): return w",  # who knows the name has not written it
        "class Model:\n    def __init__(self, layers): pass\n    def gradient(self, X, y, w, b): return w, b",
    ],
)
def test_what_can_be_read_in_several_ways_or_not_at_all_is_not_judged(source):
    assert names(source) == ["grad_w", "grad_b"]


def test_a_wrong_result_has_its_name_and_its_place_and_leaves_the_other_as_it_is():
    lines = ["import numpy as np", "def compute_gradient(X, y, w, b):", "    e = X @ w + b - y"]
    lines += ["    dw = X.T @ e / len(y)", "    db = np.sum(e)", "    return db, dw"]
    report = check("\n".join(lines), "minibatch-mean", seed=0)
    assert [answer.codes for answer in report.answers] == [[], ["factor:n"]]
    assert report.answers[1].mistakes[0].place.line == 5


def test_a_loop_without_end_is_told_of_the_first_answer():
    started = []
    run("def gradient(X, y, w, b): return w, b", ["grad_w", "grad_b"], [PROBE], started=started.append)
    assert started[0] == "grad_w"


def test_marks_are_as_for_files_with_the_asked_names(tmp_path):
    body = "import numpy as np\ndef loss(X, y, w, b): return np.mean((X @ w + b - y) ** 2) / 2\n"
    body += "def gradient(X, y, w, b):\n"
    step = "    h = 1e-30\n    return np.imag(loss(X, y, w, b + 1j * h)) / h, np.array([np.imag(loss(X, y, "
    step += "w + 1j * h * e, b)) / h for e in np.eye(len(w))])\n"
    derived = "    e = X @ w + b - y\n    return e.mean(), X.T @ e / len(e)\n"
    for name, text in (("ada", derived), ("bob", step), ("eve", derived.replace("e.mean()", "e.sum()"))):
        (tmp_path / f"{name}.py").write_text(body + text)
    results = grade(tmp_path, load("minibatch-mean"), secret=b"key", quiet=True, way="plain").results
    assert {result.file: result.score for result in results} == {"ada.py": 1, "bob.py": 0, "eve.py": 0.5}
