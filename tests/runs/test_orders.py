"""The orders of rows: those of the generator, drawn ahead or not, and a generator at rest afterwards."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

import numpy as np
import pytest

import npreg
from npreg.runs import visit as module
from npreg.runs.checkpoint import CheckpointError
from npreg.runs.sums import LossMoments
from npreg.runs.visit import Visit, orders


@pytest.mark.parametrize("ahead", [False, True])
def test_orders_are_permutations_of_the_generator(ahead, monkeypatch):
    monkeypatch.setattr(module, "AHEAD", 1)
    expected = np.random.default_rng(3)
    rng = np.random.default_rng(3)
    for order in orders(rng, 100, 4, ahead=ahead):
        np.testing.assert_array_equal(order, expected.permutation(100))
    assert rng.random() == expected.random()
    drawn = orders(rng, 100, 4, ahead=ahead)
    next(drawn)
    drawn.close()  # waits for what is being drawn
    for _ in range(2 if ahead else 1):
        expected.permutation(100)
    assert rng.random() == expected.random()


def train_there(queue: Any) -> None:
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 60_000, rng=0)
    queue.put(npreg.train(X, y, rng=1).w)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_child_has_a_thread_of_its_own():
    """The thread that draws ahead does not live on in a forked process, which would wait for it forever."""
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 60_000, rng=0)
    here = npreg.train(X, y, rng=1).w
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=train_there, args=(queue,))
    child.start()
    np.testing.assert_array_equal(queue.get(timeout=60), here)
    child.join()


def a_visit(done: int) -> Visit:
    visit = Visit.begin(np.random.default_rng(0), 11, np.zeros((3, 1)))
    for i in range(done):
        visit.count(LossMoments(float(i), np.full((3, 1), 1.0 * i), np.full((3, 3), 1.0 * i), 1.0))
    return visit


@pytest.mark.parametrize("done", range(11))
def test_a_visit_goes_on_where_it_was(done):
    visit = a_visit(done)
    again = Visit.of_state(visit.state(), 11, (3, 1))
    assert (again.left, again.done) == (visit.left, done)
    for one in (visit, again):
        for i in range(done, 11):
            one.count(LossMoments(float(i), np.full((3, 1), 1.0 * i), np.full((3, 3), 1.0 * i), 1.0))
        assert one.is_over
    assert again.sums.total.value == visit.sums.total.value == sum(range(11))
    assert again.mean_loss(np.ones((3, 1))) == visit.mean_loss(np.ones((3, 1)))


BROKEN = {
    "blocks": np.arange(10),
    "seeds": np.full(11, -5),
    "start": np.zeros((4, 1)),
    "done": np.array(12),
    "value_1": np.zeros(3),
    "slope_1": np.zeros((3, 1), int),
    "curvature_1": None,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_state_that_cannot_be_is_refused_by_name(name):
    state = a_visit(6).state()
    if BROKEN[name] is None:
        del state[name]
    else:
        state[name] = BROKEN[name]
    with pytest.raises(CheckpointError, match=f"{name}.* of the epoch's state"):
        Visit.of_state(state, 11, (3, 1))
