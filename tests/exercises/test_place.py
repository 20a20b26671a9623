"""The place in the student's own code: planted mistakes are found where they were planted."""

from __future__ import annotations

import ast
import linecache
import time
from typing import Any

import numpy as np
import pytest

from npreg.exercises import check
from npreg.exercises.files import find_exercise
from npreg.exercises.findings import KIND, NAMED, RIGHT, RULE
from npreg.exercises.found import Place
from npreg.exercises.session import OwnFile
from npreg.isolation import Limits, search_changes
from npreg.isolation.executor import checked_changes
from npreg.isolation.inside import edits

VECTOR = """import numpy as np
def grad_w(X, y, w, b):
    n = len(y)
    r = X @ w + b - y
    return X.T @ r / n
def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
"""
LOOP = """import numpy as np
def grad_w(X, y, w, b):
    n, d = X.shape
    g = np.zeros(d)
    for i in range(n):
        r = X[i] @ w + b - y[i]
        for j in range(d):
            g[j] += r * X[i, j]
    return g / n
def grad_b(X, y, w, b):
    total = 0.0
    for i in range(len(y)):
        total += X[i] @ w + b - y[i]
    return total / len(y)
"""
HELPER = """import numpy as np
residual = lambda X, y, w, b: X.dot(w) + b - y
class Model:
    @staticmethod
    def pull_back(X, g):
        return np.einsum("nd,n->d", X, g)
def grad_w(X, y, w, b):
    return Model.pull_back(X, residual(X, y, w, b)) / len(y)
def grad_b(X, y, w, b):
    return residual(X, y, w, b).sum() / len(y)
"""
SOFTMAX = """import numpy as np
def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)
def grad_W(X, Y, W, b):
    return X.T @ (softmax(X @ W + b) - Y) / len(X)
def grad_b(X, Y, W, b):
    return (softmax(X @ W + b) - Y).mean(axis=0)
"""
# The right text, what stands in it once, what is planted there, and the kinds of change that may be told.
PLANTED = [
    (VECTOR, "+ b - y\n    return X", "- b - y\n    return X", {"sign"}),
    (VECTOR, "return X.T @ r / n", "return X.T @ r * n", {"operator"}),
    (VECTOR, "np.mean(X @ w", "np.sum(X @ w", {"call"}),
    (VECTOR, "return X.T @ r", "return -X.T @ r", {"sign"}),
    (VECTOR, "n = len(y)", "n = 2 * len(y)", {"constant", "too-much"}),
    (VECTOR, "r = X @ w + b - y", "r = y - X @ w - b", {"order", "sign"}),
    (VECTOR, "n = len(y)", "n = X.shape[1]", {"index", "constant", ""}),
    (LOOP, "g[j] += r", "g[j] = r", {"accumulation"}),
    (LOOP, "for i in range(n)", "for i in range(n - 1)", {"range", "constant", "too-much", ""}),
    (LOOP, "for i in range(n)", "for i in range(1, n)", {"range", "constant", ""}),
    (LOOP, "- y[i]\n    return", "+ y[i]\n    return", {"sign"}),
    (HELPER, "+ b - y", "- y", {"term"}),
    (HELPER, '"nd,n->d", X, g', '"nd,n->d", X, g**2', {"too-much", "constant"}),
    (SOFTMAX, "E.sum(axis=1, keepdims=True)", "E.sum(axis=0, keepdims=True)", {"axis"}),
    (SOFTMAX, ".mean(axis=0)", ".mean(axis=1)", {"axis", ""}),
]
EXERCISE = {VECTOR: "minibatch-mean", LOOP: "minibatch-mean", HELPER: "minibatch-mean", SOFTMAX: "softmax"}


@pytest.mark.parametrize(
    ("right", "old", "new", "kinds"),
    [pytest.param(*case, marks=[] if i in (3, 6) else pytest.mark.slow) for i, case in enumerate(PLANTED)],
)
def test_a_planted_change_is_found_where_it_was_planted(right: str, old: str, new: str, kinds: set[str]) -> None:
    assert right.count(old) == 1
    source = right.replace(old, new)
    at = next(i for i, letter in enumerate(new) if i >= len(old) or letter != old[i])
    before = source[: right.index(old) + at]
    report = check(source, EXERCISE[right], seed=0, seconds=5)
    wrong = [answer for answer in report.answers if not answer.passed]
    assert wrong
    for answer in wrong:
        place = answer.mistakes[0].place
        assert place is not None, answer
        assert place.change in kinds
        lines = source.splitlines()
        assert place.text == lines[place.line - 1]
        assert place.line <= before.count("\n") + 1 <= place.end_line
        if place.line == place.end_line:
            begin = len(before.rsplit("\n", 1)[-1])
            assert place.column - len(new) <= begin <= place.end_column + 1


# A file, the code, what is marked, the kind of change, and the lines where the same is to change.
ATTENTION = """import numpy as np
def back(Q, K, V, G):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    dP = G @ V.T
    return P * (dP - (P * dP).sum(axis=1, keepdims=True)) / np.sqrt(Q.shape[1]), P
def grad_Q(Q, K, V, G): return back(Q, K, V, G)[0] @ K
def grad_K(Q, K, V, G): return back(Q, K, V, G)[0].T @ Q
def grad_V(Q, K, V, G): return back(Q, K, V, G)[1].T @ G
"""
HARDER = [
    (ATTENTION.replace("axis=1, keepdims=True", "axis=0"), "axis", "S.max(axis=0)", "axis", (5, 7)),
    (ATTENTION.replace("P * (dP - (P * dP).sum(axis=1, keepdims=True))", "P * (1 - P) * dP"), "elementwise",
     "P * (1 - P) * dP", "formula", ()),
    (ATTENTION.replace("[0].T @ Q", "[0] @ Q"), "transpose", "back(Q, K, V, G)[0]", "transposition", ()),
    (VECTOR.replace("X.T @ r / n", "X.mean(axis=0) * r.mean()"), "mean-of-products", "X.mean(axis=0) * r.mean()",
     "formula", ()),
    (VECTOR.replace("return X.T @ r / n", "g = X.T @ r / n"), "no-return", "g = X.T @ r / n", "return", ()),
    (VECTOR.replace("r = X @ w + b - y", "y -= X @ w + b\n    r = -y"), "changes-input", "y -= X @ w + b",
     "accumulation", ()),
    (LOOP.replace("total += X[i] @ w + b - y[i]", "total = X[i] @ w + b - y[i]"), "last-only",
     "total = X[i] @ w + b - y[i]", "accumulation", ()),
    (LOOP.replace("g / n", "g / 8"), "global-or-hardcoded", "8", "constant", ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "code", "marked", "change", "also"),
    [pytest.param(*case, marks=[] if i in (3, 6) else pytest.mark.slow) for i, case in enumerate(HARDER)],
)
def test_harder_places(source: str, code: str, marked: str, change: str, also: tuple[int, ...]) -> None:
    exercise = "attention" if "def back" in source else "minibatch-mean"
    (mistake, *_) = (m for a in check(source, exercise, seed=0, seconds=5).answers for m in a.mistakes)
    place = mistake.place
    assert place is not None
    assert (mistake.code, place.text[place.column : place.end_column]) == (code, marked)
    assert (place.change, place.also) == (change, also)


# An exercise, one answer, what is marked, and the kind of change.
MARKED = [
    ("ridge", "grad_b = lambda b, lam, r: r.mean() + 2 * lam * b", "2 * lam * b", "too-much"),
    ("logistic", "grad_w = lambda X, y, p: X.T @ ((p - y) / (p * (1 - p))) / len(y)", "p * (1 - p)", "too-much"),
    ("layer-norm", "grad_beta = lambda G: G.sum(1)", "1", "axis"),
    ("softmax", "grad_b = lambda Y, P: (-Y / P).mean(0)", "-Y / P", "formula"),
    ("minibatch-sum", "grad_w = lambda X, r: 2 / len(X) * X.T @ r", "2 / len(X)", "too-much"),
    ("several-outputs", "grad_W = lambda X, R: X.T @ R / X.size", "X.size", "constant"),
    ("attention", "grad_V = lambda G, P: (P.T @ G).T", "T", "transposition"),
    ("huber", "grad_b = lambda r, delta: np.mean(np.where(np.abs(r) <= delta, r, delta * r))", "delta * r", "formula"),
    ("attention", "grad_V = lambda G, P: P.T @ G / G.shape[1]", "G.shape[1]", "too-much"),
    ("softmax", "grad_b = lambda Y, P: (P - Y).sum(0) / Y.shape[-1]", "-1", "index"),
    ("logistic", "grad_b = lambda y, p: ((p > 0.5) - y).mean()", "p > 0.5", "comparison"),
    ("several-outputs", "grad_b = lambda X, Y, W: (X @ W - Y).sum(0) / len(Y)", "X @ W", "term"),
    ("layer-norm", "grad_X = lambda gamma, G, var, Xhat: (gamma * G - (gamma * G).mean(1, keepdims=True)"
     " - Xhat * (gamma * G * Xhat).mean(1, keepdims=True)) / (var + 1e-5)", "var + 1e-5", "call"),
    ("hidden-layer", "grad_b1 = lambda w2, H, r: (np.outer(r, w2) * (1 - H)).mean(0)", "H", "power"),
    ("minibatch-mean", "def grad_w(X, w, b, y):\n    r = X @ w + b > y\n    return X.T @ r / len(y)", "X @ w + b > y",
     "formula"),
    ("column-vectors", "grad_w = lambda X, y, w, b: X.T @ (X @ w + b - y).mean(1, keepdims=True)", "y", "shape"),
    ("one-weight", "def loss(x, y, w, b):\n    return (w * x + b - y) ** 2 / 2\n"
     "def grad_b(x, y, w, b):\n    return loss(x, y, w, b)", "loss(x, y, w, b)", "formula"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("exercise", "answer", "marked", "change"),
    [pytest.param(*case, marks=[] if i % 16 == 0 else pytest.mark.slow) for i, case in enumerate(MARKED)],
)
def test_the_mark_is_no_wider_than_the_change_and_its_kind_is_true(
    exercise: str, answer: str, marked: str, change: str
) -> None:
    report = check(f"import numpy as np\n{answer}\n", exercise, seed=0, seconds=5)
    (place,) = [m.place for a in report.answers for m in a.mistakes if m.code != "not-implemented"]
    assert place is not None
    assert (place.text[place.column : place.end_column], place.change) == (marked, change)


TWICE_WRONG = """import numpy as np
def hessian_w(X): return -2 * X.T @ X / len(X)
def new_w(X, lr, batch_size, r): return lr / batch_size * (X.T @ r)
def grad_w(X, y, w, b, delta):
    e = y - X @ w - b
    return 2 * X.T @ np.clip(e, -delta, delta) / len(e)
def grad_b(r, delta):
    total = 0.0
    for e in r:
        total += e if e <= delta else delta
    return total
"""
FOUND: dict[str, list[list[Any]]] = {
    "hessian": [[("sign", (2, "too-much")), ("factor:2", None)]],  # -2 as a whole
    "sgd-step": [[("missing-term:w", (3, "term")), ("sign", (3, "sign"))], [("not-implemented", None)]],
    "huber": [
        [("sign", (5, "order")), ("factor:2", (6, "constant"))],
        [("kink-threshold", (10, "call")), ("factor:n", (11, "factor"))],
    ],
}


@pytest.mark.parametrize("exercise", ["hessian", "sgd-step", pytest.param("huber", marks=pytest.mark.slow)])
def test_no_single_change_hides_two_mistakes(exercise: str) -> None:
    answers = check(TWICE_WRONG, exercise, seed=0, seconds=5).answers
    found = [[(m.code, m.place and (m.place.line, m.place.change)) for m in a.mistakes] for a in answers]
    assert found == FOUND[exercise]


def test_an_error_is_not_mended_by_going_around_the_line_that_stops() -> None:
    source = """import numpy as np
def slope(r, delta):
    if abs(r) <= delta:
        return r
    return delta * np.sign(r)
def grad_b(r, delta): return np.mean(slope(r, delta))
"""
    (mistake,) = check(source, "huber", seed=0, seconds=5).answers[1].mistakes
    assert mistake.code == "raises"
    assert mistake.place is None or mistake.place.line == 3


def test_a_shape_that_takes_a_factor_away_shows_a_broadcast() -> None:
    source = "import numpy as np\ndef grad_b(X, y, w, b): return np.array([(X @ w + b - y).sum()])\n"
    (mistake,) = check(source, "column-vectors", seed=0, seconds=5).answers[1].mistakes
    assert mistake.code == "broadcast"
    assert "factor:n" in mistake.alternatives
    assert "mean over the batch" not in mistake.message()


def test_two_mistakes_have_a_place_each() -> None:
    source = VECTOR.replace("r = X @ w + b - y", "r = y - X @ w - b").replace("@ r / n", "@ r")
    report = check(source, "minibatch-mean", seed=0, seconds=5)
    first, second = report.answers[0].mistakes
    assert (first.code, second.code) == ("sign", "factor:n")
    assert first.place is not None
    assert second.place is not None
    assert (first.place.line, second.place.line) == (4, 5)
    assert "is enough" not in report.text()


def test_what_a_right_answer_runs_is_not_to_blame() -> None:
    source = """def new_w(X, y, w, b, lr, batch_size):
    return w - lr / batch_size * X.T @ (X @ w + b - y)
def new_b(X, y, w, b, lr, batch_size):
    v = new_w(X, y, w, b, lr, batch_size)
    return b - lr / batch_size * (X @ v + b - y).sum()
"""
    right, wrong = check(source, "sgd-step", seed=0, seconds=5).answers
    assert right.passed
    place = wrong.mistakes[0].place
    assert place is not None
    assert place.line in (4, 5)


def test_a_helper_of_a_right_answer_stays_as_it_is() -> None:
    """The smallest change that makes `grad_b` right, in the helper, would make `grad_w` wrong."""
    source = """import numpy as np
def error(X, y, w, b):
    return y - (X @ w + b)
def grad_w(X, y, w, b):
    return -X.T @ error(X, y, w, b) / len(y)
def grad_b(X, y, w, b):
    return np.mean(error(X, y, w, b))
"""
    right, wrong = check(source, "minibatch-mean", seed=0, seconds=5).answers
    assert right.passed
    assert [mistake.place.line for mistake in wrong.mistakes if mistake.place] == [7]


def test_what_another_answer_should_return_is_not_to_blame_either() -> None:
    source = """def new_w(X, y, w, b, lr, batch_size):
    return w + lr / batch_size * X.T @ (X @ w + b - y)
def new_b(X, y, w, b, lr, batch_size):
    w = new_w(X, y, w, b, lr, batch_size)
    r = X @ w + b - y
    return b - lr / batch_size * r.sum()
"""
    first, second = check(source, "sgd-step", seed=0, seconds=5).answers
    assert first.mistakes[0].place is not None
    assert second.mistakes[0].place is not None
    assert (first.mistakes[0].place.line, second.mistakes[0].place.line) == (2, 4)


def test_a_line_that_computes_what_its_name_says_is_not_to_blame() -> None:
    source = """import numpy as np
def grad_W1(X, H, y, w2, b2):
    r = H @ w2 + b2 - y
    return X.T @ (np.outer(r, w2) * (H**2 - 1)) / len(y)
"""
    place = check(source, "hidden-layer", seed=0, seconds=5).answers[0].mistakes[0].place
    assert place is not None
    assert (place.line, place.change) == (4, "order")


def test_a_formula_that_should_be_another_is_marked_whole() -> None:
    source = SOFTMAX.replace("softmax(X @ W + b) - Y) /", "1 / (1 + np.exp(-(X @ W + b))) - Y) /")
    place = check(source, "softmax", seed=0, seconds=5).answers[0].mistakes[0].place
    assert place is not None
    assert place.text[place.column : place.end_column] == "1 / (1 + np.exp(-(X @ W + b)))"


def test_the_stages_tell_the_line_the_place_and_the_kind_but_not_the_change() -> None:
    report = check(VECTOR.replace("np.mean(X @ w", "np.sum(X @ w"), "minibatch-mean", seed=0, seconds=5)
    said = {stage: report.text(hints=stage) for stage in (RIGHT, KIND, NAMED, RULE)}
    assert "line 7" not in said[RIGHT]
    assert "One change in line 7 is enough" in said[KIND]
    assert "np.sum" not in said[KIND]
    assert "\n      return np.sum(X @ w + b - y)\n             ^^^^^^" in said[NAMED]
    assert "a function that is called there" in said[RULE]
    assert all("np.mean" not in text for text in said.values())
    assert "第 7 行" in report.text("zh")


def test_wide_letters_are_marked_where_they_stand() -> None:
    source = "import numpy as np\ndef grad_w(x, r):\n    误差 = -r\n    return 误差 * x\ndef grad_b(r): return r\n"
    (place,) = [m.place for a in check(source, "one-weight", seed=0, seconds=5).answers for m in a.mistakes]
    assert place is not None
    assert place.marked == "误差 = -r\n       ^^"


def test_functions_of_a_notebook_are_told_by_cell() -> None:
    cell = "def grad_w(x, r):\n    return -r * x\n"
    linecache.cache["<cell 2>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell 2>")
    space: dict[str, object] = {"In": ["", "import numpy", cell]}
    exec(compile(cell, "<cell 2>", "exec"), space)
    space["grad_b"] = lambda r: r
    place = check(space, "one-weight", seed=0, seconds=5).answers[0].mistakes[0].place
    assert place is not None
    assert (place.cell, place.line) == (2, 2)
    assert "in cell 2, line 2" in check(space, "one-weight", seed=0, seconds=5).text()


def test_every_edit_changes_the_code_and_is_undone() -> None:
    for text in (LOOP, HELPER):
        tree = ast.parse(text)
        before, seen = ast.dump(tree, include_attributes=True), set()
        found = edits.edits(tree, {"y": (7,)}, ["_size_n"], ["residual"])
        for number, edit in enumerate(found):
            with edit.made():
                if number % 40 == 0:
                    seen.add(ast.unparse(tree))
            if number % 40 == 0:
                assert ast.dump(tree, include_attributes=True) == before, edit
        assert ast.dump(tree, include_attributes=True) == before
        assert number > 500
        assert len(seen) > 0.8 * number / 40


@pytest.mark.parametrize(
    "body",
    [
        "    i, s = 0, 0.0\n    while i < len(y):\n        s += X[i] * y[i]\n        i += 1\n    return s",
        "    m = 10 ** 12\n    k = 3\n    return np.zeros(k)[0] + np.arange(k)[1] - X.T @ y",
        pytest.param("    return sum(X[i] * y[i] for i in range(len(y)) if i < 10 ** 9)", marks=pytest.mark.slow),
    ],
)
def test_changes_that_loop_or_allocate_without_end_are_stopped(body: str) -> None:
    source = f"import numpy as np\ndef grad_w(X, y, w, b):\n{body}\n"
    start = time.monotonic()
    report = check(source, "minibatch-mean", seed=0, seconds=1)
    assert not report.answers[0].passed
    assert time.monotonic() - start < 60


def test_a_neighbour_that_never_ends_does_not_hide_the_place() -> None:
    source = "def grad_w(x, r):\n    return -r * x\ndef forever(r):\n    while True:\n        r = r\ngrad_b = forever\n"
    (change, *_) = search_changes(source, "grad_w", [{"x": np.array(2.0), "r": np.array(3.0)}], sizes=[{}], seconds=5)
    assert change["place"][0] == 2


def test_what_is_no_python_or_no_function_has_no_place() -> None:
    probe = {"x": 1.0}
    for source, name in (("def f(:", "f"), ("f = 3", "f"), ("", "f"), ("def g(x): return x", "f")):
        assert search_changes(source, name, probes=[probe], sizes=[{}]) == []


def test_an_answer_of_which_nothing_is_known_gets_a_place_or_none_but_no_name() -> None:
    source = "import numpy as np\ngrad_w = lambda X, r: np.tanh(X.T @ r) / len(r)\ngrad_b = lambda r: r.mean()\n"
    mistake = check(source, "minibatch-mean", seed=0, seconds=5).answers[0].mistakes[0]
    assert mistake.code == "not-recognised"
    assert mistake.place is not None
    assert mistake.place.text[mistake.place.column :].startswith("np.tanh")


@pytest.mark.slow
def test_in_isolation_the_places_are_the_same() -> None:
    source = LOOP.replace("g[j] += r", "g[j] = r").replace("return total / len(y)", "return total")
    here = check(source, "minibatch-mean", seed=0, seconds=5)
    there = OwnFile(source, ".", Limits(seconds=30)).check(find_exercise("minibatch-mean"), seed=0).report
    assert [[m.place for m in a.mistakes] for a in here.answers] == [
        [m.place for m in a.mistakes] for a in there.answers
    ]
    assert all(mistake.place for answer in there.answers for mistake in answer.mistakes)


@pytest.mark.parametrize(
    "changes",
    [
        None,
        [{}],
        [{"id": 1, "kind": "sign", "cost": 1.0, "place": [1, 2, 3, 4], "values": [np.zeros(2)]}],
        [{"id": 1, "kind": "sign", "cost": 1.0, "place": [1, 2, 3], "also": [], "values": [np.zeros(2)]}],
        [{"id": 1, "kind": "sign", "cost": 1.0, "place": [1, 2, -3, 4], "also": [], "values": [np.zeros(2)]}],
        [{"id": 1, "kind": "sign", "cost": 1.0, "place": [1, 2, 3, 10**9], "also": [], "values": [np.zeros(2)]}],
        [{"id": 1, "kind": "sign", "cost": "1", "place": [1, 2, 3, 4], "also": [], "values": [np.zeros(2)]}],
        [{"id": 1, "kind": "sign", "cost": 1.0, "place": [1, 2, 3, 4], "also": [], "values": []}],
    ],
)
def test_changes_that_a_process_may_send_are_looked_at(changes: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        checked_changes(changes, {"source": "a\nb\nc", "probes": [{}]})


def test_what_the_file_prints_stays_away(capsys: pytest.CaptureFixture[str]) -> None:
    source = "print('hello')\n" + VECTOR.replace("n = len(y)", "n = 2 * len(y)\n    print(n)")
    check(source, "minibatch-mean", seed=0, seconds=5)
    assert capsys.readouterr() == ("", "")


def test_the_mark_stands_under_the_place():
    assert Place(2, 11, 2, 16, text="    return y - z").marked == "return y - z\n       ^^^^^"
    assert Place(1, 4, 1, 5, text="法 = y - z").marked.endswith("\n     ^")  # a wide letter takes two columns


def test_a_print_of_nothing_at_the_end_stops_no_search():
    source, probe = "def grad_w(X, r):\n    g = X.T @ r\n    print()\n", {"X": np.ones((3, 2)), "r": np.ones(3)}
    assert search_changes(source, "grad_w", [probe], sizes=[{"n": 3, "d": 2}]) == []
