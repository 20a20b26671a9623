"""From gradient to update."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npreg.arrays import FloatArray, as_batch_size, as_nonnegative

__all__ = ["sgd"]


def sgd(params: Sequence[FloatArray], grads: Sequence[FloatArray], lr: float, batch_size: int) -> None:
    """One step of minibatch stochastic gradient descent, in place.

        param −= lr · grad / batch_size

    `grad` is the **sum** over the minibatch, and `batch_size` is the **nominal** one, also for a short
    last batch: so every row has the same weight.  (With the actual row count instead, the rows of a
    short batch would weigh more than the others.)

    Parameters
    ----------
    params, grads : sequences of float arrays, pairwise of the same shape
        `params` are changed; nothing is, when anything is refused.
    lr : float ≥ 0
        The learning rate.
    batch_size : int ≥ 1

    Raises
    ------
    ValueError, TypeError
        Where params and grads do not match, for a negative or NaN lr, a batch_size below 1, or params
        that cannot be updated in place (lists, integer arrays).

    >>> w = np.array([[1.0]])
    >>> sgd([w], [np.array([[20.0]])], lr=0.5, batch_size=10)
    >>> w
    array([[0.]])
    """
    if len(params) != len(grads):
        raise ValueError(f"{len(params)} params and {len(grads)} grads do not match")
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        if not isinstance(param, np.ndarray) or param.dtype.kind != "f":
            found = getattr(param, "dtype", type(param).__name__)
            raise TypeError(f"params[{i}] must be a float array to be updated in place, not {found}")
        if param.shape != np.shape(grad):
            raise ValueError(
                f"params[{i}] of shape {param.shape} and its grad of shape {np.shape(grad)} differ"
            )
    step = as_nonnegative(lr, "lr") / as_batch_size(batch_size)
    for param, grad in zip(params, grads, strict=True):
        param -= step * grad
