"""Where one word says it, no list of mistakes is given; and what is said is true of the student's file."""

from __future__ import annotations

from functools import cache

import pytest

from npreg.exercises import check

TYPED_IN = """
x, y, w, b = 2.0, 5.0, 1.5, 0.5
def grad_w():
    return x * (w * x + b - y)
def grad_b(x, y, w, b):
    return w * x + b - y
"""
ELEMENTWISE = """
def grad_w(x, y, w, b):
    return (x * w + b - y) * x
def grad_b(x, y, w, b):
    return x * w + b - y
"""
BATCH_OF_FOUR = """
BATCH = 4
def grad_w(X, r): return sum(x * e for x, e in zip(X, r)) / BATCH
def grad_b(r): return -r.sum() / 8
"""
STEPPED = """
def grad_w(x, r, w): return w - x * r
def grad_b(r, b): return b - r
"""
ONE_VARIABLE = """
def slope(P): return P * (1 - P)
def grad_W(X, Y, P): return X.T @ (slope(P) * (P - Y)) / len(Y)
def grad_b(Y, P): return (slope(P) * (P - Y)).sum(0) / len(Y)
"""
ONLY_DIAGONAL = """
def back(P, Y): return P * (1 - P) * -(Y / P) / len(P)
def grad_W(X, P, Y): return X.T @ back(P, Y)
def grad_b(P, Y): return back(P, Y).sum(axis=0)
"""
EXP_OF_PLUS_Z = """
import math
def p_of(z): return np.array([1 / (1 + math.exp(t)) for t in z])
def grad_w(X, y, w, b): return X.T @ (p_of(X @ w + b) - y) / y.size
def grad_b(X, y, w, b): return (p_of(X @ w + b) - y).sum() / y.size
"""
CUT_AT_LAST = """
def grad_w(X, r, delta): return (X.T @ r / len(r)).clip(-delta, delta)
def grad_b(r, delta): return r.clip(-delta, delta).mean()
"""
NOTHING_LEFT = """
def grad_w(X, r): return (1 // len(X)) * (r @ X)
def grad_b(r): return r.mean()
"""
SQUARED_ROWS = """
def hessian_w(X, r): return sum(np.outer(e * x, e * x) for x, e in zip(X, r)) / len(X)
"""
PENALTY_OFTEN = """
def grad_w(X, r, w, lam): return X.T @ r / len(X) + lam * len(X) * w
def grad_b(r): return r.mean()
"""
HALF_PENALTY = """
def grad_w(X, r, w, lam): return r @ X / len(X) + 0.5 * lam * w
def grad_b(r): return r.mean()
"""
PRODUCT_OF_SUMS = """
def grad_w(X, r): return r.sum() * X.sum(0)
def grad_b(r): return r.sum()
"""

CASES = [
    (TYPED_IN, "one-weight", "grad_w", ["global-or-hardcoded"], "", ""),
    (ELEMENTWISE, "one-example", "grad_b", ["elementwise"], "`*` stands", "diagonal"),
    (BATCH_OF_FOUR, "minibatch-mean", "grad_w", ["global-or-hardcoded"], "only where n is 4", "mean over the batch"),
    (BATCH_OF_FOUR, "minibatch-mean", "grad_b", ["sign", "global-or-hardcoded"], "only where n is 8", "is lost"),
    (STEPPED, "one-weight", "grad_b", ["update-returned"], "updated parameter", "`b` is absent"),
    (ONE_VARIABLE, "softmax", "grad_W", ["chain-twice:P"], "", ""),
    (ONE_VARIABLE, "softmax", "grad_b", ["chain-twice:P"], "", ""),
    (
        ONLY_DIAGONAL,
        "softmax",
        "grad_W",
        ["elementwise"],
        "Only the diagonal is used of the derivative of `P`",
        "`@` belongs",
    ),
    (EXP_OF_PLUS_Z, "logistic", "grad_b", ["term-sign:z"], "`z` enters the step `p` with the wrong sign", "additive"),
    (CUT_AT_LAST, "huber", "grad_w", ["kink-threshold"], "cut off at `delta`", "For some examples"),
    (
        NOTHING_LEFT,
        "minibatch-mean",
        "grad_w",
        ["global-or-hardcoded"],
        "is 0 whatever the data",
        "outside the function",
    ),
    (
        SQUARED_ROWS,
        "hessian",
        "hessian_w",
        ["wrong-variable"],
        "multiplied with the right ones: `r`",
        "stands in the place",
    ),
    (PENALTY_OFTEN, "ridge", "grad_w", ["term-factor:penalty"], "n times the right one", "another common convention"),
    (HALF_PENALTY, "ridge", "grad_w", ["term-factor:penalty"], "1/2 times", "too many"),
    (PRODUCT_OF_SUMS, "minibatch-sum", "grad_w", ["mean-of-products"], "averages (or sums)", ""),
]


@cache
def judged(source, exercise):
    return check("import numpy as np\n" + source, exercise, seed=0, seconds=0)


@pytest.mark.parametrize(("source", "exercise", "name", "codes", "said", "unsaid"), CASES)
def test_one_word_that_is_true(source, exercise, name, codes, said, unsaid):
    (answer,) = [a for a in judged(source, exercise).answers if a.name == name]
    assert answer.codes == codes
    text = " ".join(answer.sentences(exercise, "en", 4))
    assert said in text
    assert not unsaid or unsaid not in text


UNKNOWN = """
def grad_W(X, Y, P): return X.T @ np.sqrt(P) + X.T @ Y
def grad_b(P, Y): return (P - Y).mean(0)
"""


@cache
def unknown(*more):
    report = check("import numpy as np\n" + "\n".join((UNKNOWN, *more)), "softmax", seed=0, seconds=0)
    assert report.answers[0].codes == ["not-recognised"]
    return report.answers[0].message()


def test_a_derivative_that_is_worth_writing_down_is_not_one_that_is_given():
    of_P, of_Z = "def grad_P(Y, P): return -Y / P / len(Y)", "def grad_Z(Y, P): return (P - Y) / len(Y)"
    assert "as a function `grad_P`" in unknown()
    assert "Your `grad_P` is right" in unknown(of_P)
    assert "as a function `grad_Z`" in unknown(of_P)
    assert "Your `grad_Z` is right" in unknown(of_P, of_Z)
    assert "as a function" not in unknown(of_P, of_Z)
    wrong = unknown(of_Z.replace("(P - Y)", "np.exp(P - Y)"))
    assert "first goes wrong at the step `Z`" in wrong
    assert "as a function" not in wrong
    both = unknown(of_P.replace("-Y / P", "Y * P"), of_Z.replace("(P - Y)", "np.exp(P - Y)"))
    assert "first goes wrong at the step `P`" in both


@pytest.mark.parametrize(
    ("source", "exercise"),
    [
        ("def hessian_w(X): return np.cov(X.T, bias=True)", "hessian"),
        ("def new_w(w, grad_w, lr): return np.sin(w) - lr\ndef new_b(b): return b * b", "sgd-step"),
    ],
)
def test_no_derivative_is_asked_for_that_leads_nowhere(source, exercise):
    answer = judged(source, exercise).answers[0]
    assert answer.codes == ["not-recognised"]
    assert "as a function" not in answer.message()


def test_the_penalty_is_not_asked_for_where_the_parameter_does_not_reach_it():
    source = "def grad_w(X, r): return np.sin(X.T @ r)\ndef grad_b(r): return np.sin(r).sum()"
    assert ["`grad_r`" in a.message() for a in judged(source, "ridge").answers] == [True, True]


def test_other_mistakes_with_the_same_numbers_are_at_most_two_and_none_of_the_same_term():
    source = "def grad_w(x, y, w, b): return 2 * (w * x + b + y) * x\ndef grad_b(y, y_hat): return y + y_hat"
    for answer in judged(source, "one-weight").answers:
        (*_, rule) = answer.sentences("one-weight", "en", 4)
        told = [s for s in answer.sentences("one-weight", "en", 4) if s.startswith("The same numbers")]
        assert all(s.count("; or: ") < 2 and "too many" not in s for s in told)
        assert rule.startswith("The rule")
