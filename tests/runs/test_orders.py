"""The orders of rows: those of the generator, drawn ahead or not, and a generator at rest afterwards."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

import numpy as np
import pytest

import npreg
from npreg.runs import feeds as module
from npreg.runs.feeds import orders


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
