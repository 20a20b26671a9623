"""Wrong gradients that are no known mistake get no name, and planted mistakes get theirs."""

from __future__ import annotations

import numpy as np
import pytest

from npreg.exercises.check import check
from npreg.exercises.course import IDS, load
from npreg.exercises.found import Factor
from npreg.exercises.mistakes.bank import bank_of
from npreg.exercises.mistakes.diagnose import diagnose
from npreg.exercises.mistakes.factors import FactorTable

FIVE = ("one-weight", "minibatch-mean", "ridge", "logistic", "hidden-layer")


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


@pytest.mark.parametrize("identifier", FIVE)
def test_random_wrong_gradients_get_no_name(identifier):
    assert named_among_random(identifier, 60) == []


@pytest.mark.slow
@pytest.mark.parametrize("identifier", FIVE)
def test_two_thousand_random_wrong_gradients_get_no_name(identifier):
    assert named_among_random(identifier, 2000) == []


@pytest.mark.parametrize("identifier", IDS)
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
