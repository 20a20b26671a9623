"""Callbacks are told the truth, in time order, and cannot change the run."""

from __future__ import annotations

import numpy as np
import pytest

import npreg


def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((53, 3)) + 1
    return X, X @ [1.0, 2.0, 3.0] + 4 + 0.1 * rng.standard_normal(53)


class Watcher:
    def __init__(self):
        self.steps, self.epochs = [], []

    def on_step(self, step):
        self.steps.append(step)
        step.w[:] = np.nan  # a copy: the run goes on unharmed

    def on_epoch(self, progress):
        self.epochs.append(progress)
        progress.w[:] = np.nan


@pytest.mark.parametrize("engine", ["auto", "loop", "tight", "moments"])
@pytest.mark.parametrize("standardize", [False, True])
def test_every_step_and_epoch_is_told(engine, standardize):
    X, y = data()
    settings = {"rng": 1, "engine": engine, "standardize": standardize}
    path = npreg.train(X, y, callbacks=npreg.Record("step"), **settings).trajectory
    told = []

    class Steps:
        def on_step(self, step):
            told.append((step.epoch, step.step, step.w.copy(), step.b.copy()))

    watcher = Watcher()
    result = npreg.train(X, y, callbacks=[watcher, Steps()], **settings)
    assert [(epoch, step) for epoch, step, _, _ in told] == [(1 + i // 6, 1 + i) for i in range(18)]
    np.testing.assert_allclose([w for _, _, w, _ in told], path.w[1:], rtol=1e-12)
    np.testing.assert_allclose([b for _, _, _, b in told], path.b[1:], rtol=1e-12)
    assert [p.epoch for p in watcher.epochs] == [1, 2, 3]
    assert [p.steps for p in watcher.epochs] == [6, 12, 18]
    assert [p.loss for p in watcher.epochs] == list(result.losses)
    assert np.isfinite(result.w).all()


def test_steps_are_told_while_they_are_made():
    """Not after the epoch: whoever raises in on_step stops the run there."""
    X, y = data()

    class Stop(Exception):
        pass

    class AtFour:
        def on_step(self, step):
            if step.step == 4:
                raise Stop(step.step)

    with pytest.raises(Stop, match="4"):
        npreg.train(X, y, rng=1, callbacks=AtFour())


def test_a_true_value_stops_after_the_epoch():
    X, y = data()
    result = npreg.train(X, y, rng=1, num_epochs=9, callbacks=lambda progress: progress.epoch == 2)
    assert (len(result.losses), result.stopped) == (2, "callback")


def test_what_is_no_callback_is_refused():
    X, y = data()
    for wrong in (3, [print, 3], object()):
        with pytest.raises(TypeError, match="callbacks must be a function"):
            npreg.train(X, y, callbacks=wrong)
