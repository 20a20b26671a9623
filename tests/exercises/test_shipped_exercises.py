"""The exercises of examples/exercises: right answers pass, and planted mistakes are named, never wrongly.

Each mistake is one change of a right file, with the fair names: a|b are twins, a+b are both to be named.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from npreg.exercises import check
from npreg.exercises.files import load_exercise
from npreg.exercises.prover import prove
from npreg.exercises.stub import stub

FOLDER = Path(__file__).parents[2] / "examples" / "exercises"

SOFTMAX = """
import numpy as np
def grad_Z(P, y):
    D = P.copy()
    D[np.arange(len(y)), y] -= 1
    return D / len(y)
def grad_W2(H, P, y): return H.T @ grad_Z(P, y)
def grad_b2(P, y): return grad_Z(P, y).sum(axis=0)
def grad_A(A, W2, P, y): return (grad_Z(P, y) @ W2.T) * (A > 0)
def grad_W1(X, A, W2, P, y): return X.T @ grad_A(A, W2, P, y)
def grad_b1(A, W2, P, y): return grad_A(A, W2, P, y).sum(axis=0)
"""
HINGE = """
import numpy as np
def hinge_loss(W, X, y, reg):
    n, S = len(y), X @ W
    M = np.maximum(0, S - S[np.arange(n), y][:, None] + 1)
    M[np.arange(n), y] = 0
    D = (M > 0).astype(float)
    D[np.arange(n), y] = -D.sum(axis=1)
    loss = M.sum() / n + reg * np.sum(W * W)
    return loss, X.T @ D / n + 2 * reg * W
"""
RIDGE = """
import numpy as np
def grad_theta(X, y, theta, alpha):
    r = X @ theta - y
    slopes = theta.copy()
    slopes[0] = 0
    return 2 / len(y) * X.T @ r + 2 * alpha * slopes
"""
BATCH_NORM = """
import numpy as np
def grad_gamma(G, Hhat): return np.sum(G * Hhat, axis=0)
def grad_beta(G): return G.sum(axis=0)
def grad_H(gamma, var, Hhat, G):
    D = G * gamma
    return (D - D.mean(axis=0) - Hhat * (D * Hhat).mean(axis=0)) / np.sqrt(var + 1e-5)
def grad_X(gamma, var, Hhat, G): return grad_H(gamma, var, Hhat, G)
def grad_b(gamma, var, Hhat, G): return grad_H(gamma, var, Hhat, G).sum(axis=0)
"""
RECURRENT = """
import numpy as np
def backward(X, h0, h_1, h_2, h, r, W, U, v):
    hs, D, dW, dU = [h0, h_1, h_2, h], r * v, 0, 0
    for t in (2, 1, 0):
        A = D * (1 - hs[t + 1] ** 2)
        dW = dW + np.outer(X[t], A)
        dU = dU + np.outer(hs[t], A)
        D = U @ A
    return dW, dU
def grad_v(h, r): return r * h
def grad_W(X, h0, h_1, h_2, h, r, W, U, v): return backward(X, h0, h_1, h_2, h, r, W, U, v)[0]
def grad_U(X, h0, h_1, h_2, h, r, W, U, v): return backward(X, h0, h_1, h_2, h, r, W, U, v)[1]
"""
CONVOLUTION = """
import numpy as np
def grad_out(H): return H * (1 - H**2)
def grad_K(windows, H): return np.einsum("ntk,nti->ki", grad_out(H), windows)
def grad_b(H): return grad_out(H).sum(axis=(0, 1))
def grad_X(X, K, H):
    D = grad_out(H) @ K
    dX = np.zeros_like(X)
    for i in range(3):
        dX[:, i : X.shape[1] - 2 + i] += D[:, :, i]
    return dX
"""
ELASTIC = """
import numpy as np
def grad_w(X, r, w, alpha, ratio):
    return X.T @ r / len(r) + alpha * ratio * np.sign(w) + alpha * (1 - ratio) * w
def grad_b(r): return r.mean()
"""
TRIPLET = """
import numpy as np
def on(rows): return (rows > 0)[:, None] / len(rows)
def grad_A(A, P, N, rows): return on(rows) * (2 * (A - P) - 2 * (A - N))
def grad_P(A, P, rows): return on(rows) * -2 * (A - P)
def grad_N(A, N, rows): return on(rows) * 2 * (A - N)
"""

PLANTED = {
    "two_layer_softmax": (
        SOFTMAX,
        [
            ("D / len(y)", "D", "factor:n", ["grad_W2", "grad_b2", "grad_W1", "grad_b1"]),
            ("D / len(y)", "-D / len(y)", "sign", ["grad_W2", "grad_b2", "grad_W1", "grad_b1"]),
            ("W2.T) * (A > 0)", "W2.T)", "chain-missing:H|kink-threshold", ["grad_W1", "grad_b1"]),
            (
                "grad_W2(H, P, y): return H.T",
                "grad_W2(A, P, y): return A.T",
                "chain-missing:H|wrong-variable|kink-threshold",
                ["grad_W2"],
            ),
            (
                "D[np.arange(len(y)), y] -= 1",
                "",
                "missing-term:P|ignores:y|missing-term:total_loss|missing-term:loss",
                ["grad_W2", "grad_b2"],
            ),
            ("(A > 0)", "(A < 0)", "kink-threshold", ["grad_W1", "grad_b1"]),
            ("return grad_A(A, W2, P, y).sum(axis=0)", "return grad_A(A, W2, P, y)", "not-summed", ["grad_b1"]),
            ("return grad_Z(P, y).sum(axis=0)", "return grad_Z(P, y).mean(axis=0)", "factor:1/n", ["grad_b2"]),
        ],
    ),
    "hinge": (
        HINGE,
        [
            ("X.T @ D / n + 2", "X.T @ D + 2", "term-factor:data", ["hinge_loss[1]"]),
            ("2 * reg * W", "reg * W", "term-factor:penalty", ["hinge_loss[1]"]),
            (" + 2 * reg * W", "", "missing-term:penalty|ignores:reg", ["hinge_loss[1]"]),
            ("+ 2 * reg * W", "- 2 * reg * W", "term-sign:penalty", ["hinge_loss[1]"]),
            ("    D[np.arange(n), y] = -D.sum(axis=1)\n", "", "missing-term:correct", ["hinge_loss[1]"]),
            ("= -D.sum", "= D.sum", "term-sign:correct", ["hinge_loss[1]"]),
            ("(M > 0)", "(M > 1)", "kink-threshold", ["hinge_loss[1]"]),
            (
                "M.sum() / n",
                "M.sum()",
                "term-factor:data|chain-missing:data|factor:n|not-recognised",
                ["hinge_loss[0]"],
            ),
        ],
    ),
    "ridge_intercept": (
        RIDGE,
        [
            ("    slopes[0] = 0\n", "", "extra-term:penalty", ["grad_theta"]),
            (" + 2 * alpha * slopes", "", "missing-term:penalty|ignores:alpha", ["grad_theta"]),
            ("+ 2 * alpha", "- 2 * alpha", "term-sign:penalty", ["grad_theta"]),
            ("+ 2 * alpha", "+ alpha", "term-factor:penalty", ["grad_theta"]),
            ("2 / len(y) * X", "2 * X", "term-factor:data", ["grad_theta"]),
            ("X @ theta - y", "X @ theta", "ignores:y", ["grad_theta"]),
            ("y, theta, alpha):\n", "y, theta, alpha):\n    alpha = 0.3\n", "global-or-hardcoded", ["grad_theta"]),
            (
                "2 * alpha * slopes",
                "2 * alpha * theta[1]",
                "broadcast|extra-term:penalty|wrong-variable|not-recognised",
                ["grad_theta"],
            ),
        ],
    ),
    "batch_norm": (
        BATCH_NORM,
        [
            (" - D.mean(axis=0)", "", "missing-term:mu", ["grad_X", "grad_b"]),
            (" - Hhat * (D * Hhat).mean(axis=0)", "", "missing-term:var", ["grad_X"]),
            ("D = G * gamma", "D = G", "ignores:gamma|chain-missing:out", ["grad_X"]),
            (") / np.sqrt(var + 1e-5)", ")", "chain-missing:Hhat", ["grad_X"]),
            ("/ np.sqrt(var + 1e-5)", "/ (var + 1e-5)", "chain-twice:Hhat", ["grad_X"]),
            ("return G.sum(axis=0)", "return G.sum(axis=1)", "axis", ["grad_beta"]),
            ("np.sum(G * Hhat, axis=0)", "G * Hhat", "not-summed", ["grad_gamma"]),
            ("np.sum(G * Hhat, axis=0)", "np.mean(G * Hhat, axis=0)", "factor:1/n", ["grad_gamma"]),
        ],
    ),
    "recurrent": (
        RECURRENT,
        [
            ("(2, 1, 0)", "(2,)", "missing-term:h_2+missing-term:h_1|missing-term:h_2|last-only", ["grad_W", "grad_U"]),
            ("(2, 1, 0)", "(2, 1)", "missing-term:h_1|missing-term:h_2|off-by-one", ["grad_W"]),
            ("A = D * (1 - hs[t + 1] ** 2)", "A = D", "chain-missing:h", ["grad_W", "grad_U"]),
            ("D = U @ A", "D = U.T @ A", "transpose", ["grad_W", "grad_U"]),
            ("r * v, 0", "v, 0", "chain-missing:r|chain-missing:loss", ["grad_W", "grad_U"]),
            ("r * v, 0", "-r * v, 0", "sign", ["grad_W", "grad_U"]),
            ("return r * h", "return h", "chain-missing:r|chain-missing:loss", ["grad_v"]),
            ("return r * h", "return r * h / 2", "factor:1/2", ["grad_v"]),
        ],
    ),
    "convolution": (
        CONVOLUTION,
        [
            ("return H * (1 - H**2)", "return H", "chain-missing:H", ["grad_K", "grad_b", "grad_X"]),
            ("return H * (1 - H**2)", "return 1 - H**2", "chain-missing:loss", ["grad_K", "grad_b", "grad_X"]),
            ("return H * (1 - H**2)", "return 2 * H * (1 - H**2)", "factor:2", ["grad_K", "grad_b", "grad_X"]),
            ("(1 - H**2)", "(1 - H)", "chain-at:H|missing-term:H|wrong-variable|not-recognised", ["grad_K"]),
            ("sum(axis=(0, 1))", "sum(axis=0)", "not-summed|axis", ["grad_b"]),
            ("sum(axis=(0, 1))", "mean(axis=(0, 1))", "factor:1/(n*t)|not-recognised", ["grad_b"]),
            ("+= D[:, :, i]", "= D[:, :, i]", "last-only|missing-term:windows|off-by-one|not-recognised", ["grad_X"]),
            ('"ntk,nti->ki"', '"ntk,nti->ik"', "transpose", ["grad_K"]),
        ],
    ),
    "elastic_net": (
        ELASTIC,
        [
            (
                "alpha * ratio * np.sign(w)",
                "alpha * ratio * w",
                "chain-missing:lasso|wrong-variable|term-factor:ridge|missing-term:lasso|ignores:ratio",
                ["grad_w"],
            ),
            (" + alpha * ratio * np.sign(w)", "", "missing-term:lasso", ["grad_w"]),
            (" + alpha * (1 - ratio) * w", "", "missing-term:ridge", ["grad_w"]),
            ("+ alpha * (1 - ratio)", "- alpha * (1 - ratio)", "term-sign:ridge", ["grad_w"]),
            ("(1 - ratio) * w", "2 * (1 - ratio) * w", "term-factor:ridge", ["grad_w"]),
            ("X.T @ r / len(r)", "X.T @ r", "term-factor:data", ["grad_w"]),
            ("return r.mean()", "return r.sum()", "factor:n", ["grad_b"]),
            ("alpha * ratio * np.sign(w)", "ratio * np.sign(w)", "term-factor:lasso", ["grad_w"]),
        ],
    ),
    "triplet": (
        TRIPLET,
        [
            (" / len(rows)", " * 1.0", "factor:n", ["grad_A", "grad_P", "grad_N"]),
            ("* -2 * (A - P)", "* 2 * (A - P)", "sign", ["grad_P"]),
            ("2 * (A - P) - 2 * (A - N)", "2 * (A - P)", "missing-term:far", ["grad_A"]),
            ("2 * (A - P) - 2 * (A - N)", "2 * (A - P) + 2 * (A - N)", "term-sign:far", ["grad_A"]),
            ("(rows > 0)[:, None]", "np.ones((len(rows), 1))", "kink-threshold", ["grad_A", "grad_P", "grad_N"]),
            ("* -2 * (A - P)", "* -(A - P)", "factor:1/2", ["grad_P"]),
            ("2 * (A - N)\n", "2 * A\n", "ignores:N|chain-at:far", ["grad_N"]),
            ("* 2 * (A - N)\n", "* -2 * N\n", "ignores:A|chain-at:far+sign", ["grad_N"]),
        ],
    ),
}


LARGE = ("two_layer_softmax", "batch_norm", "recurrent", "convolution")


@cache
def exercise(name):
    return load_exercise(FOLDER / f"{name}.py")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in PLANTED])
def test_right_answers_pass_and_the_students_file_is_whole(name):
    right, planted = PLANTED[name]
    report = check(right, exercise(name), seed=1)
    assert report.passed, report
    assert len(planted) == 8
    text = stub(exercise(name))
    compile(text, "stub.py", "exec")
    assert "?" not in text.split('"""')[1]


def judged(name):
    """Every planted mistake with what was said of the answers that it makes wrong: (fair, said) pairs."""
    right, planted = PLANTED[name]
    for old, new, fair, answers in planted:
        assert old in right, old
        report = check(right.replace(old, new), exercise(name), seed=1, seconds=0)
        said = {a.name: "+".join(m.code for m in a.mistakes) for a in report.answers if not a.passed}
        assert set(answers) <= set(said), (old, new, said)
        yield f"{old.strip()} -> {new.strip()}", fair.split("|"), [said[answer] for answer in answers]


def verdict(fair, said):
    fair, said = ([frozenset(codes.split("+")) for codes in some] for some in (fair, said))
    if all(codes in fair for codes in said):
        return "right"
    return "unnamed" if all(codes in (*fair, {"not-recognised"}) for codes in said) else "wrong"


@pytest.mark.slow
def test_planted_mistakes_are_named_rightly_and_never_wrongly():
    table = [(name, what, fair, said) for name in PLANTED for what, fair, said in judged(name)]
    verdicts = [verdict(fair, said) for _, _, fair, said in table]
    for (name, what, fair, said), found in zip(table, verdicts, strict=True):
        print(f"{found:8} {name}: {what}: {' '.join(said)} (fair: {' '.join(fair)})")
    print({kind: verdicts.count(kind) for kind in ("right", "unnamed", "wrong")}, "of", len(table))
    assert len(table) == 64
    assert verdicts.count("wrong") == 0
    assert verdicts.count("right") >= 58


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PLANTED)[::2])
def test_probes_of_the_examples_are_proved(name):
    proof = prove(exercise(name))
    assert proof.passed, proof.text()
    assert proof.stopped is None
