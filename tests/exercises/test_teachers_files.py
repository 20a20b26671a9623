"""Whatever a teacher's file holds: `start`, `check` and `prove` end in status 2, the reason and the cure."""

from __future__ import annotations

import numpy as np
import pytest

from npreg.__main__ import main
from npreg.exercises import Exercise, check, gradient, positive, real, update

HEAD = "import math\nimport numpy as np\nfrom npreg.exercises import *\n"
BODY = """
exercise = Exercise(loss, {"X": real("n", "d"), "y": real("n"), "w": real("d")}, {"grad_w": gradient("w")})
"""

BROKEN = {
    "def loss(X, y, w): return X @ w - y": "must be a scalar; it has the shape",
    "def loss(X, y, w):\n    r = X @ w - y\n    np.mean(r**2)": "end it with return",
    "def loss(X, y, w): return (X @ y).sum()": "line 4, `def loss(X, y, w): return (X @ y).sum()`",
    "def loss(X, y, w, lam): return lam * w.sum()": "parameter 'lam', which is no input",
    "def loss(X, y, w): return np.log(-1 - w @ w)": "not a finite number",
    "def loss(X, y, w): return 1.0": "depends on none of the inputs",
    "def loss(X, y, w): return print(w.sum())": "returns nothing",
    "def loss(X, y, w): raise KeyError('q')": "KeyError",
    "def loss(X, y, w): return {'loss': w.sum()}": "a dict",
    "def loss(X, y, w): return str(w.sum())": "must be a scalar",
    "def loss(X, y, w): exit(3)": "SystemExit",
    "def loss(X, y, w): return loss(X, y, w)": "RecursionError",
    "loss = {'r': lambda X: X, 'loss': lambda r: r.sum()}": "write its steps as the lines of a loss function",
    "loss = 3": "write its steps as the lines of a loss function",
}
OTHER = {
    'exercise = Exercise(id="e", inputs={}, steps={}, answers={})': "write its steps as the lines of a loss",
    'exercise = Exercise(lambda w: w.sum(), {"w": real("n")}, {})': "asks for no answers",
    'exercise = Exercise(lambda w: w.sum(), {"w": real("n")}, {"grad_w": "w"})': "must be such as gradient",
    'exercise = Exercise(lambda w: w.sum(), {"w": 3}, {"grad_w": gradient("w")})': "must be such as real",
    'exercise = Exercise(lambda w: w.sum(), {"w": real(0)}, {"grad_w": gradient("w")})': "sizes are",
    'exercise = Exercise(lambda w: w.sum(), {"w": Input(("n",), lambda r, s: r.random((2, 3)))}, '
    '{"grad_w": gradient("w")})': "returns shape (2, 3), not",
    'exercise = Exercise(lambda w: w.sum(), {"w": Input(("n",), "gauss")}, {"grad_w": gradient("w")})': "'gauss'",
    'exercise = Exercise(lambda w: w.sum(), {"w": Input(("n",), lambda r, s: 1 / 0)}, '
    '{"grad_w": gradient("w")})': "division by zero",
    'exercise = Exercise(lambda y, w: w[y].sum(), {"y": classes("n", of="k"), "w": real("d")}, '
    '{"grad_w": gradient("w")})': "'k'",
    'exercise = Exercise(lambda w: w.sum(), {"w": real("n")}, {"new_w": update("w", lambda w, q: w)})': "'q'",
}


@pytest.mark.parametrize("command", ["start", "check", "prove"])
@pytest.mark.parametrize("text", [*(f"{loss}\n{BODY}" for loss in BROKEN), *OTHER])
def test_a_broken_file_is_told_what_is_wrong(text, command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "teacher.py").write_text(HEAD + text, encoding="utf-8")
    (tmp_path / "student.py").write_text("# exercise: teacher.py\ndef grad_w(w): return w\n", encoding="utf-8")
    target = "student.py" if command == "check" else "teacher.py"
    assert main([command, target]) == 2
    error = capsys.readouterr().err
    why = {f"{loss}\n{BODY}": why for loss, why in BROKEN.items()}.get(text) or OTHER[text]
    assert why in " ".join(error.split())
    assert "Traceback" not in error


def test_updated_weights_are_named():
    def two_steps(x, t, W1, w2):
        H = 1 / (1 + np.exp(-(W1 @ x)))
        o = 1 / (1 + np.exp(-(w2 @ H)))
        return (o - t) ** 2 / 2

    step = {
        "new_W1": update("W1", lambda W1, grad_W1, c: W1 - c * grad_W1),
        "new_w2": update("w2", lambda w2, grad_w2, c: w2 - c * grad_w2),
    }
    inputs = {"x": real("d"), "t": real(), "W1": real("h", "d"), "w2": real("h"), "c": positive()}
    exercise = Exercise(two_steps, inputs, step)
    source = """
import numpy as np
def new_w2(w2, c, o, t, H): return w2 - c * o * (1 - o) * (o - t) * H
def new_W1(W1, w2, c, o, t, H, x):
    d = o * (1 - o) * (o - t)
    w2 = w2 - c * d * H
    return W1 - c * np.outer(H * (1 - H) * w2 * d, x)
"""
    report = check(source, exercise, seed=0, seconds=0)
    assert [[m.code for m in a.mistakes] for a in report.answers] == [["wrong-variable"], []]
    assert "new_w2" in str(report)


def test_a_column_of_labels_that_broadcasts_is_named():
    def loss(X, y, w, b):
        return np.mean((X @ w + b - y[:, 0]) ** 2)

    inputs = {"X": real("n", "d"), "y": real("n", 1), "w": real("d"), "b": real()}
    exercise = Exercise(loss, inputs, {"grad_w": gradient("w")})
    report = check("def grad_w(X, y, w, b): return 2 / len(X) * X.T @ (X @ w + b - y)\n", exercise, seed=0, seconds=0)
    assert [m.code for m in report.answers[0].mistakes] == ["broadcast"]
