"""Wrong gradients that are no known mistake get no name, and planted mistakes get theirs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from npreg.exercises.check import check
from npreg.exercises.course import IDS, load
from npreg.exercises.files import load_exercise
from npreg.exercises.found import Factor
from npreg.exercises.mistakes.bank import bank_of
from npreg.exercises.mistakes.diagnose import diagnose
from npreg.exercises.mistakes.factors import FactorTable

EXAMPLES = Path(__file__).parents[3] / "examples" / "exercises"
FIVE = ("ridge", "logistic", "one-weight", "minibatch-mean", "hidden-layer")


def random_wrong(rights, rng):
    """Noise, another multiple on every probe or in every entry, or the right value disturbed."""
    kind = rng.integers(4)
    if kind == 0:
        return [rng.normal(size=right.shape) for right in rights]
    if kind == 1:
        return [right * rng.uniform(0.2, 3) for right in rights]
    if kind == 2:
        return [right * rng.uniform(0.5, 2, size=right.shape) for right in rights]
    return [right + 0.1 * rng.normal(size=right.shape) for right in rights]


def named_among_random(identifier, how_many):
    bank = bank_of(load(identifier))
    rng = np.random.default_rng(11)
    answers = list(bank.exercise.answers)
    found = []
    for i in range(how_many):
        name = answers[i % len(answers)]
        rights = [reference.right[name] for reference in bank.references]
        with np.errstate(all="ignore"):
            found.append(diagnose(bank, name, random_wrong(rights, rng)))
    return [diagnosis for diagnosis in found if diagnosis is not None]


@pytest.mark.parametrize("identifier", FIVE[2:4])
def test_random_wrong_gradients_get_no_name(identifier):
    assert named_among_random(identifier, 12) == []


@pytest.mark.slow
@pytest.mark.parametrize("identifier", FIVE)
def test_a_thousand_random_wrong_gradients_get_no_name(identifier):
    assert named_among_random(identifier, 1000) == []


@pytest.mark.parametrize(
    "identifier", [pytest.param(name, marks=[pytest.mark.slow] * (at % 2)) for at, name in enumerate(IDS[::3])]
)
def test_a_constant_times_the_right_answer_is_that_factor(identifier):
    """Independent of every rule: the right values times 4, negated, and times n where there is an n."""
    bank = bank_of(load(identifier))
    plain = [name for name, answer in bank.exercise.answers.items() if answer.formula is None]
    for name in plain:
        rights = [reference.right[name] for reference in bank.references]
        assert diagnose(bank, name, [4 * right for right in rights]).codes == ("factor:4",)
        assert diagnose(bank, name, [-right / 2 for right in rights]).codes == ("sign", "factor:1/2")
        if "n" in bank.exercise.symbols:
            times_n = [at.sizes["n"] * at.right[name] for at in bank.references]
            assert diagnose(bank, name, times_n).codes == ("factor:n",)


def test_an_explanation_that_fails_on_the_fresh_probes_is_not_named():
    """Planted: right times two on the probes that are always the same, something else on the others."""
    source = """
import numpy as np
CALLS = []
def grad_w(X, r):
    CALLS.append(len(X))
    return X.T @ r / len(X) * (2 if len(CALLS) <= 16 else 2.5)
def grad_b(r):
    return r.mean()
"""
    report = check(source, "minibatch-mean", seed=3, seconds=0)
    assert [m.code for m in report.answers[0].mistakes] == ["not-recognised"]
    assert report.answers[1].passed


def test_a_mistake_invisible_on_one_probe_is_still_seen():
    """Wrong only for the largest batch among the probes."""
    source = """
def grad_w(X, r):
    return X.T @ r / (len(X) if len(X) < 11 else 12)
def grad_b(r):
    return r.mean()
"""
    assert not check(source, "minibatch-mean", seed=0, seconds=0).answers[0].passed


def test_factor_table_knows_products_and_rejects_the_rest():
    table = FactorTable([{"n": 7.0, "d": 3.0}, {"n": 9.0, "d": 5.0}, {"n": 11.0, "d": 7.0}], ["n", "d"])
    factor = table.identify(np.array([-2 * 7 / 3, -2 * 9 / 5, -2 * 11 / 7]))
    assert factor == Factor(-1, factor.constant, factor.powers)
    assert factor.codes == ("sign", "factor:2*n/d")
    assert table.identify(np.array([1.0, 1.0, 1.01])) is None
    assert table.identify(np.array([1.0, -1.0, 1.0])) is None
    assert table.identify(np.array([0.0, 1.0, 1.0])) is None


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("w - 0.1 * X.T @ r / len(X)", ["update-returned"]),
        ("-0.01 * X.T @ r / len(X)", ["update-returned"]),
        ("X.T @ r / 32", ["global-or-hardcoded"]),
        ("(X.T @ r / len(X))[:, None]", ["shape"]),
        ("np.sum(X * r[:, None], axis=1)", ["axis"]),
        ("X * r[:, None]", ["not-summed"]),
        ("X.T @ (X @ w - y) / len(X)", ["ignores:b"]),
        ("X.T @ r**2 / len(X)", ["loss-for-derivative"]),
        ("X.mean(0) * r.mean()", ["mean-of-products"]),
        ("X.T @ (X @ w - b - y)", ["term-sign:b", "factor:n"]),
        ("-X.T @ (X @ w - y) / len(X)", ["ignores:b", "sign"]),
        ("X[0] * r[0] / len(X)", ["first-only"]),
        ("(X.T @ r / len(X)).astype(complex)", ["dtype"]),
        ("np.full(X.shape[1], np.nan)", ["non-finite"]),
        ("w.tolist().reverse()", ["no-return"]),
        ("X.T @ np.sin(r)", ["not-recognised"]),
    ],
)
def test_one_line_mistakes_get_their_codes(body, codes):
    source = f"import numpy as np\ndef grad_w(X, y, w, b, r): return {body}\ndef grad_b(r): return r.mean()\n"
    report = check(source, "minibatch-mean", seed=0, seconds=0)
    assert [mistake.code for mistake in report.answers[0].mistakes] == codes
    assert report.answers[1].passed


@cache
def with_intercept():
    return load_exercise(EXAMPLES / "ridge_intercept.py")


@pytest.mark.parametrize(
    ("penalty", "codes"),
    [
        ("2 * alpha * theta[1]", ["wrong-variable"]),
        ("alpha * theta[-1]", ["wrong-variable"]),
        ("2 * alpha * theta[1:].sum()", ["axis"]),
        ("alpha * np.sum(theta[1:]**2)", ["loss-for-derivative"]),
    ],
)
def test_one_number_in_every_entry_of_a_penalty_on_a_slice(penalty, codes):
    source = f"""import numpy as np
def grad_theta(X, y, theta, alpha): return 2 / len(y) * X.T @ (X @ theta - y) + {penalty}
"""
    report = check(source, with_intercept(), seed=0, seconds=0)
    (answer,) = report.answers
    assert [mistake.code for mistake in answer.mistakes] == codes
    if "theta[1]" in penalty:
        assert "`theta[1]` where `slopes` belongs" in " ".join(report.text("en").split())


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("X.T @ (X @ w + b + y) / len(y) + 2 * lam * w", {"term-sign:y", "term-factor:penalty"}),
        ("X.T @ (X @ w + b - y) + lam * np.sign(w)", {"chain-at:penalty", "term-factor:data"}),
        ("X.T @ (X @ w - b - y) / len(y) - lam * w", {"term-sign:b", "term-sign:penalty"}),
        ("X.T @ (X @ w - b - y) / len(y)", {"term-sign:b", "missing-term:penalty"}),
    ],
)
def test_one_mistake_in_each_term_of_a_loss(body, codes):
    source = f"import numpy as np\ndef grad_w(X, y, w, b, lam): return {body}\ndef grad_b(r): return r.mean()\n"
    assert {mistake.code for mistake in check(source, "ridge", seed=0, seconds=0).answers[0].mistakes} == codes


def test_a_factor_beside_a_broadcast_is_the_same_broadcast_unless_the_residuals_are_given():
    source = """
def grad_w(X, y, w, b): return X.T @ (X @ w + b - y[:, None]) / len(y)
def grad_b({given}): return ({residual}).sum() / len(y)
"""
    for given, residual, code in (
        ("X, y, w, b", "X @ w + b - y[:, None]", "broadcast"),
        ("r, y", "len(y) * r", "factor:n"),
    ):
        report = check(source.format(given=given, residual=residual), "minibatch-mean", seed=0, seconds=0)
        assert [mistake.code for mistake in report.answers[1].mistakes] == [code]


def test_a_hidden_layer_without_its_activation_is_a_link_left_out():
    source = """
import numpy as np
def grad_W1(X, y, W1, b1, w2, b2):
    H = X @ W1 + b1
    return X.T @ (np.outer(H @ w2 + b2 - y, w2) * (1 - H**2)) / len(y)
"""
    report = check(source, "hidden-layer", seed=0, seconds=0)
    assert [mistake.code for mistake in report.answers[0].mistakes] == ["chain-missing:H"]


ATTENTION = """import numpy as np
def back(Q, K, V, G):
    S = Q @ K.T{forward}
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    dP = G @ V.T
    return P, P * (dP - (P * dP).sum(axis=1, keepdims=True)){backward}
def grad_Q(Q, K, V, G): return back(Q, K, V, G)[1] @ K
def grad_K(Q, K, V, G): return back(Q, K, V, G)[1].T @ Q
def grad_V(Q, K, V, G): return back(Q, K, V, G)[0].T @ G
"""
ROOT = " / np.sqrt(Q.shape[1])"
NORM = """def grad_X(X, gamma, G):
    var = X.var(axis=1, ddof=1, keepdims=True) + 1e-5
    Xhat, D = (X - X.mean(axis=1, keepdims=True)) / var**0.5, G * gamma
    return (D - D.mean(axis=1, keepdims=True) - Xhat * (D * Xhat).mean(axis=1, keepdims=True)) / var**0.5
"""
ROW_BY_ROW = """def steps(X, y, w, b, rate):
    for x, label in zip(X, y):
        r = x @ w + b - label
        w, b = w - rate * r * x, b - rate * r
    return w, b
def new_w(X, y, w, b, lr, batch_size): return steps(X, y, w, b, lr / batch_size)[0]
def new_b(X, y, w, b, lr, batch_size): return steps(X, y, w, b, lr / batch_size)[1]
"""
STEP = "def new_w(r, X, b, lr, batch_size): return b - lr / batch_size * X.T @ r\n"
NAMED = [
    ("attention", ATTENTION.format(forward="", backward=""), ["term-factor:S"]),
    ("attention", ATTENTION.format(forward="", backward=ROOT), ["term-factor:S"]),
    ("attention", ATTENTION.format(forward=" / Q.shape[1]", backward=ROOT), ["term-factor:S"]),
    ("layer-norm", NORM, ["term-factor:var"]),
    ("sgd-step", STEP + "def new_b(r, w, lr, batch_size): return w - lr / batch_size * r.sum()", ["wrong-variable"]),
    ("sgd-step", ROW_BY_ROW, ["wrong-variable"]),
    ("minibatch-mean", "def grad_w(X, r): return (X.T @ r / len(r)).round(2)", ["numerical"]),
    ("ridge", "def grad_b(r, w, lam): return r.mean() + lam * w.sum()", ["extra-term:penalty"]),
    ("ridge", "def grad_w(X, r, b, lam): return X.T @ r / len(r) + lam * b", ["wrong-variable"]),
]


@pytest.mark.parametrize(
    ("identifier", "source", "codes"),
    [pytest.param(*case, marks=[] if i > 4 else pytest.mark.slow) for i, case in enumerate(NAMED)],
)
def test_a_scale_a_statistic_another_parameter_or_lost_digits_are_named(identifier, source, codes):
    report = check(source, identifier, seed=0, seconds=0)
    assert all(answer.codes == codes for answer in report.answers if not answer.not_written)
    assert not all(answer.not_written for answer in report.answers)
