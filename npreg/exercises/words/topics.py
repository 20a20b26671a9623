"""Which section of ``docs/derivation.md`` to read again, by code and exercise."""

from __future__ import annotations

_BY_EXERCISE = {
    "one-weight": "one-weight",
    "one-example": "one-example",
    "minibatch-sum": "sum",
    "minibatch-mean": "mean",
    "mean-squared-error": "squared",
    "column-vectors": "matrix",
    "ridge": "penalty",
    "huber": "huber",
    "quantile": "quantile",
    "several-outputs": "outputs",
    "logistic": "softmax",
    "softmax": "softmax",
    "hidden-layer": "hidden",
    "sgd-step": "step",
    "hessian": "second",
    "layer-norm": "norm",
    "attention": "norm",
}

_BY_FAMILY = {
    "axis": "matrix",
    "not-summed": "sum",
    "transpose": "matrix",
    "broadcast": "matrix",
    "elementwise": "matrix",
    "shape": "matrix",
    "first-only": "sum",
    "last-only": "sum",
    "off-by-one": "sum",
    "mean-of-products": "mean",
    "chain-missing": "chain",
    "chain-twice": "chain",
    "update-returned": "step",
    "numerical": "check",
}


def topic(code: str, exercise: str) -> str:
    """Return the key of the section that derives what the code is about.

    >>> topic("factor:n", "ridge"), topic("missing-term:penalty", "ridge"), topic("sign", "my-own")
    ('mean', 'penalty', 'chain')
    """
    family, _, argument = code.partition(":")
    if family == "factor" and "n" in argument:
        return "mean"
    if family in _BY_FAMILY:
        return _BY_FAMILY[family]
    return _BY_EXERCISE.get(exercise, "chain")


def slug(title: str) -> str:
    """Return the anchor that GitHub makes of a heading.

    >>> slug("The minibatch: sum")
    'the-minibatch-sum'
    """
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")
