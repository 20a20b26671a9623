"""All arguments of `train` go through the plan, and each says whether it decides the bits of a run."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, fields

import numpy as np
import pytest

import npreg
from npreg.runs.plan import Plan

ROWS = {"features", "labels", "sample_weight", "validation"}  # of which a checkpoint keeps fingerprints
DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(npreg.train).parameters.items()
    if name not in {*ROWS, "unknown"}
}


def test_every_argument_of_train_is_in_the_plan():
    assert {argument.name for argument in fields(Plan) if argument.init} == {*DEFAULTS}


def test_an_argument_that_nobody_thought_about_decides():
    @dataclass(frozen=True)
    class Planted(Plan):
        clip: float = field(default=1.0)

    assert "clip" in Planted(**DEFAULTS).decides()


def test_the_plan_is_ready_to_use():
    plan = Plan(**DEFAULTS)
    assert plan.loss is npreg.LOSSES["squared"]
    assert plan.rule == npreg.SGD()
    assert plan.callbacks == []
    assert (plan.average, plan.standardize, plan.checkpoint) == (0.0, False, None)
    auto = Plan(**{**DEFAULTS, "lr": "auto"})
    assert (auto.average, auto.standardize) == (0.5, True)


CHANGES = {
    "batch_size": 11,
    "lr": 0.1,
    "w": [[1.0]],
    "b": [1.0],
    "rng": 7,
    "loss": "huber",
    "engine": "loop",
    "rule": "momentum",
    "l2": 1.0,
    "l1": 1.0,
    "average": 0.5,
    "standardize": True,
    "fit_intercept": False,
    "shuffle": False,
    "stop": npreg.EarlyStopping(3),
}


def test_what_decides_the_bits_is_told_apart():
    """For each such argument, another value gives another identity, and only of that argument."""
    before = Plan(**DEFAULTS).decides()
    assert {*CHANGES, "schedule", "record"} == {*before}
    changes = {name: {name: value} for name, value in CHANGES.items()}
    changes |= {"schedule": {"lr": (0.03, npreg.Cosine(3))}, "record": {"callbacks": npreg.Record("step")}}
    for name, change in changes.items():
        after = Plan(**{**DEFAULTS, **change}).decides()
        assert {other for other in before if after[other] != before[other]} == {name}


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"patience": 3}, "stop=npreg.EarlyStopping(patience=3)"),
        ({"tol": 0.1}, "stop=npreg.EarlyStopping(patience=5, tol=0.1)"),
        ({"progress": True}, "callbacks=npreg.ProgressBar()"),
        ({"block_rows": 100}, "npreg.RowBlocks.of(features, labels, 100)"),
        ({"checkpoint_every": 10}, "checkpoint=npreg.Checkpoint(path, every=1)"),
        ({"resume": True}, "checkpoint=npreg.Checkpoint(path, resume=True)"),
        ({"record": "step"}, "callbacks=npreg.Record('step')"),
    ],
)
def test_arguments_that_are_gone_say_what_to_write(arguments, cure, tmp_path):
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 300, rng=0)
    with pytest.raises(TypeError, match="did you mean") as caught:
        npreg.train(X, y, **arguments)
    assert cure in str(caught.value)
    if "ProgressBar" in cure:
        pytest.importorskip("tqdm")
    keyword, _, code = cure.partition("=")
    names = {"npreg": npreg, "features": X, "labels": y, "path": tmp_path / "run.npz"}
    if cure.startswith("npreg."):
        npreg.train(eval(cure, names), rng=0)
    else:
        npreg.train(X, y, rng=0, **{keyword: eval(code, names)})


def test_a_schedule_and_resume_of_their_own_are_still_taken_with_a_warning(tmp_path):
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 300, rng=0)
    with pytest.warns(FutureWarning, match=r"schedule= .*lr=\(0.03, 'cosine'\)") as caught:
        run = npreg.train(X, y, rng=0, lr=0.1, schedule="cosine", num_epochs=2)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(run.w, npreg.train(X, y, rng=0, lr=(0.1, "cosine"), num_epochs=2).w)
    for epochs in (1, 3):  # also by a plain path
        with pytest.warns(FutureWarning, match=r"resume= .*Checkpoint\(path, resume=True\)"):
            run = npreg.train(X, y, rng=0, num_epochs=epochs, checkpoint=tmp_path / "run.npz", resume=True)
    np.testing.assert_array_equal(run.w, npreg.train(X, y, rng=0, num_epochs=3).w)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'batchsize'; did you mean batch_size"):
        npreg.train(np.ones((3, 1)), np.ones(3), batchsize=3)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'xyz'$"):
        npreg.train(np.ones((3, 1)), np.ones(3), xyz=3)
