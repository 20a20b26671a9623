"""The course: seventeen exercises, one small file each, each adding one idea."""

from __future__ import annotations

from importlib import import_module

from npreg.exercises.forward.program import Exercise

IDS = (
    "one-weight",
    "one-example",
    "minibatch-sum",
    "minibatch-mean",
    "mean-squared-error",
    "column-vectors",
    "ridge",
    "huber",
    "quantile",
    "several-outputs",
    "logistic",
    "softmax",
    "hidden-layer",
    "sgd-step",
    "hessian",
    "layer-norm",
    "attention",
)


def load(identifier: str) -> Exercise:
    """The exercise of the course with this id.

    Raises
    ------
    ValueError
        if the course has no such exercise; the message lists the ids.

    >>> load("one-weight").public_steps
    ('y_hat', 'r', 'loss')
    """
    if identifier not in IDS:
        raise ValueError(f"there is no exercise {identifier!r}; the course has {', '.join(IDS)}")
    module = import_module(f"{__name__}.{identifier.replace('-', '_')}")
    exercise: Exercise = module.exercise
    return exercise
