"""The prover: the course passes, bad probes are refused with the pairs that coincide on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npreg.exercises import OwnMistake
from npreg.exercises.course import IDS, load
from npreg.exercises.prover import Pair, probes_of_sizes, prove

QUICK = ("one-example",)


def one_probe(identifier, **sizes):
    exercise = load(identifier)
    (probe,) = probes_of_sizes(exercise, [sizes])
    return exercise, probe


@pytest.mark.parametrize("identifier", QUICK)
def test_the_probes_of_the_course_tell_all_mistakes_apart(identifier):
    proof = prove(load(identifier))
    assert proof.passed, proof.text()
    assert proof.mistakes > 50


@pytest.mark.slow
@pytest.mark.parametrize("identifier", [name for name in IDS if name not in QUICK])
def test_the_probes_of_every_exercise_tell_all_mistakes_apart(identifier):
    proof = prove(load(identifier))
    assert proof.passed, proof.text()


@pytest.mark.parametrize(
    ("n", "d", "pair"),
    [
        pytest.param(4, 2, Pair("grad_w", "factor:n", "factor:4"), marks=pytest.mark.slow),
        (4, 2, Pair("grad_w", "factor:2", "factor:d")),
        pytest.param(16, 4, Pair("grad_w", "factor:n", "factor:d^2"), marks=pytest.mark.slow),
        (2, 5, Pair("grad_w", "factor:2", "factor:n")),
    ],
)
def test_sizes_that_coincide_are_refused_with_the_pair(n, d, pair):
    exercise, probe = one_probe("minibatch-mean", n=n, d=d)
    proof = prove(exercise, [probe])
    assert not proof.passed
    flipped = Pair(pair.answer, pair.second, pair.first)
    assert pair in proof.confused or flipped in proof.confused


def test_parameters_of_zero_are_refused():
    exercise, probe = one_probe("minibatch-mean", n=7, d=3)
    zero = {**probe, "w": np.zeros(3), "b": np.zeros(())}
    proof = prove(exercise, [zero])
    assert Pair("grad_w", "right", "ignores:b") in proof.confused
    assert Pair("grad_w", "right", "ignores:w") in proof.confused
    assert "cannot tell apart" in proof.text()


def test_twins_are_the_same_formula_and_not_held_against_the_probes():
    proof = prove(load("one-example"))
    assert proof.twins
    assert not set(proof.twins) & set(proof.confused)
    listed = proof.text(twins=True).partition("under two names:\n")[2]
    assert all(f"{pair.first} = " in listed for pair in proof.twins if pair.first != "right")
    assert "right = " not in listed
    assert len(listed.splitlines()) < len(proof.twins)
    assert "under two names" not in proof.text()


def test_a_mistake_that_the_probe_hides_is_found():
    """Planted: wrong only where the first label is negative, which it is not on one of the probes."""
    mistake = OwnMistake("grad_b", "planted", lambda r, y: r.mean() + 100.0 * (y[0] < 0), {"en": "..."})
    exercise, probe = one_probe("minibatch-mean", n=7, d=3)
    planted = replace(exercise, mistakes=(mistake,))
    visible = {**probe, "y": np.concatenate([[-1.5], probe["y"][1:]])}
    hidden = {**probe, "y": np.concatenate([[1.5], probe["y"][1:]])}
    assert Pair("grad_b", "right", "planted") in prove(planted, [hidden]).confused
    assert "planted" not in prove(planted, [visible]).text()


def test_a_probe_that_does_not_fit_is_refused():
    exercise, probe = one_probe("minibatch-mean", n=7, d=3)
    with pytest.raises(ValueError, match="shape"):
        prove(exercise, [{**probe, "w": np.zeros(4)}])
    with pytest.raises(ValueError, match="needs sizes for n, d; got n"):
        probes_of_sizes(exercise, [{"n": 3}])
