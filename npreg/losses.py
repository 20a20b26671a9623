"""Losses, each next to its derivative with respect to the prediction.

With r = y_hat − y, row by row and without any reduction:

    name        value                                        derivative d/dy_hat
    squared     r² / 2                                       r
    absolute    |r|                                          sign(r)
    huber       r² / 2           where |r| ≤ δ               r
                δ (|r| − δ / 2)  elsewhere                   δ sign(r)
    log_cosh    log cosh r                                   tanh r
    quantile    τ (−r)  where r < 0,  (1 − τ) r  elsewhere   −τ where r < 0, 1 − τ where r > 0

Kinks: at r = 0 the absolute and the quantile loss have no derivative but an interval of subgradients,
[−1, 1] and [−τ, 1 − τ].  npreg takes 0: a row that is fitted exactly does not pull.

Every function takes `y_hat` (n, k) and `y` of the same shape, or (n,) for one output, and returns (n, k) in
the common float dtype.  ValueError for other shapes (nothing is ever broadcast to (n, n)) and for a δ or τ out
of range, TypeError for what is not made of real numbers.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from npreg.arrays import FloatArray, as_array, as_float_array, as_number

__all__ = ["LOSSES", "Loss", "absolute_loss", "absolute_loss_grad", "huber_loss", "huber_loss_grad", "log_cosh_loss"]
__all__ += ["log_cosh_loss_grad", "quantile_loss", "quantile_loss_grad", "squared_loss", "squared_loss_grad"]

LossFunction: TypeAlias = Callable[..., Any]
LossName: TypeAlias = Literal["squared", "absolute", "huber", "log_cosh", "quantile"]


def _residual(y_hat: FloatArray, y: FloatArray) -> Any:
    """r = y_hat − y.  Labels (n,) meet predictions (n, 1)."""
    y_hat, y = as_array(y_hat, "y_hat"), as_array(y, "y")
    if y.shape != y_hat.shape:
        if y_hat.shape != (*y.shape, 1) and y.shape != (*y_hat.shape, 1):
            cure = "needed are equal shapes, or y (n,) for y_hat (n, 1)"
            raise ValueError(f"y_hat of shape {y_hat.shape} and y of shape {y.shape} do not fit; {cure}")
        y = y.reshape(y_hat.shape)
    if y_hat.dtype.kind != "f" or y.dtype.kind != "f":  # small integers would overflow, text fail obscurely
        y_hat, y = as_float_array(y_hat, "y_hat"), as_float_array(y, "y")
    return y_hat - y


def squared_loss(y_hat: FloatArray, y: FloatArray) -> FloatArray:
    """r² / 2, with r = y_hat − y, entry by entry: (n, k).  The ½ cancels the 2 of the derivative.

    >>> squared_loss(np.array([[3.0], [1.0]]), np.array([1.0, 1.0]))
    array([[2.], [0.]])
    """
    r = _residual(y_hat, y)
    return r * r / 2  # type: ignore[no-any-return]


def squared_loss_grad(y_hat: FloatArray, y: FloatArray) -> FloatArray:
    """d/dy_hat of r² / 2 = r = y_hat − y, entry by entry: (n, k).

    >>> squared_loss_grad(np.array([[3.0], [1.0]]), np.array([1.0, 1.0]))
    array([[2.], [0.]])
    """
    return _residual(y_hat, y)  # type: ignore[no-any-return]


def absolute_loss(y_hat: FloatArray, y: FloatArray) -> FloatArray:
    """|r|, with r = y_hat − y, entry by entry: (n, k).

    >>> absolute_loss(np.array([[3.0], [0.5]]), np.array([1.0, 1.0]))
    array([[2. ], [0.5]])
    """
    return np.abs(_residual(y_hat, y))  # type: ignore[no-any-return]


def absolute_loss_grad(y_hat: FloatArray, y: FloatArray) -> FloatArray:
    """d/dy_hat of |r| = sign(r), with 0 at the kink r = 0; entry by entry: (n, k).

    >>> absolute_loss_grad(np.array([[3.0], [0.5], [1.0]]), np.array([1.0, 1.0, 1.0]))
    array([[ 1.], [-1.], [ 0.]])
    """
    return np.sign(_residual(y_hat, y))  # type: ignore[no-any-return]


def huber_loss(y_hat: FloatArray, y: FloatArray, delta: float = 1.0) -> FloatArray:
    """r² / 2 where |r| ≤ δ, δ (|r| − δ / 2) elsewhere; δ > 0 in the labels' unit; entry by entry: (n, k).

    >>> huber_loss(np.array([[3.0], [1.5]]), np.array([1.0, 1.0]))
    array([[1.5  ], [0.125]])

    Source: P. J. Huber, Robust estimation of a location parameter, Ann. Math. Stat. 35 (1964) 73.
    """
    a = np.abs(_residual(y_hat, y))
    inner = np.minimum(a, min(_between(delta, "delta", math.inf), float(np.finfo(a.dtype).max)))
    # With c = min(|r|, δ) both branches are c (|r| − c / 2), and nothing can overflow but the result.
    return inner * (a - inner / 2)  # type: ignore[no-any-return]


def huber_loss_grad(y_hat: FloatArray, y: FloatArray, delta: float = 1.0) -> FloatArray:
    """d/dy_hat of the Huber loss: r where |r| ≤ δ, δ sign(r) elsewhere, no kink at δ; entry by entry: (n, k).

    >>> huber_loss_grad(np.array([[3.0], [1.5]]), np.array([1.0, 1.0]))
    array([[1. ], [0.5]])
    """
    r = _residual(y_hat, y)
    delta = min(_between(delta, "delta", math.inf), float(np.finfo(r.dtype).max))
    return np.clip(r, -delta, delta)  # type: ignore[no-any-return]


def log_cosh_loss(y_hat: FloatArray, y: FloatArray) -> FloatArray:
    """log cosh r: like r² / 2 near 0, like |r| − log 2 far from it, and smooth; entry by entry: (n, k).

        log cosh r = log(1 + 2 sinh²(r / 2))           kept where |r| ≤ 1: no cancellation near 0
                   = |r| + log(1 + e^(−2|r|)) − log 2  kept elsewhere: no overflow

    >>> log_cosh_loss(np.array([[3.0], [1.0]]), np.array([1.0, 1.0]))
    array([[1.3250], [0.    ]])
    """
    a = np.abs(_residual(y_hat, y))
    near = np.log1p(2 * np.sinh(np.minimum(a, 1) / 2) ** 2)
    far = a + np.log1p(np.exp(-2 * a)) - math.log(2)
    return np.where(a <= 1, near, far)  # type: ignore[no-any-return]


def log_cosh_loss_grad(y_hat: FloatArray, y: FloatArray) -> FloatArray:
    """d/dy_hat of log cosh r = sinh r / cosh r = tanh r, entry by entry: (n, k).

    >>> log_cosh_loss_grad(np.array([[3.0], [1.0]]), np.array([1.0, 1.0]))
    array([[0.9640], [0.    ]])
    """
    return np.tanh(_residual(y_hat, y))  # type: ignore[no-any-return]


def quantile_loss(y_hat: FloatArray, y: FloatArray, tau: float = 0.5) -> FloatArray:
    """The pinball loss, whose mean is least at the τ-quantile; 0 < τ < 1; entry by entry: (n, k).

        τ (y − y_hat)          where y_hat < y
        (1 − τ) (y_hat − y)    elsewhere               half the absolute loss at τ = ½

    >>> quantile_loss(np.array([[3.0], [0.0]]), np.array([1.0, 1.0]), tau=0.9)
    array([[0.2], [0.9]])

    Source: R. Koenker and G. Bassett, Regression quantiles, Econometrica 46 (1978) 33.
    """
    tau, r = _between(tau, "tau", 1), _residual(y_hat, y)
    return np.maximum(-tau * r, (1 - tau) * r)  # type: ignore[no-any-return]


def quantile_loss_grad(y_hat: FloatArray, y: FloatArray, tau: float = 0.5) -> FloatArray:
    """d/dy_hat of the pinball loss: −τ where y_hat < y, 1 − τ where y_hat > y, 0 at the kink; (n, k).

    >>> quantile_loss_grad(np.array([[3.0], [0.0], [1.0]]), np.array([1.0, 1.0, 1.0]), tau=0.9)
    array([[ 0.1], [-0.9], [ 0. ]])
    """
    tau, sign = _between(tau, "tau", 1), np.sign(_residual(y_hat, y))
    return np.where(sign < 0, tau, 1 - tau).astype(sign.dtype, copy=False) * sign  # type: ignore[no-any-return]


def _between(value: float, name: str, high: float) -> float:
    number = as_number(value, name)
    if not 0 < number < high:
        raise ValueError(f"{name} must be between 0 and {high}, both excluded, not {number!r}")
    return number


@dataclass(frozen=True)
class Loss:
    """A loss's value and derivative as one thing, with its parameters.

    value_function and grad_function, its derivative with respect to y_hat, are callables (y_hat, y, **params) that
    return (n, k), row by row, without reduction.  curvature is the largest second derivative, which bounds the
    learning rate; None at kinks, and where unknown.

    >>> LOSSES["huber"].bind(delta=0.5).grad(np.array([[3.0]]), np.array([1.0]))
    array([[0.5]])
    """

    value_function: LossFunction
    grad_function: LossFunction
    name: str
    params: dict[str, float] = field(default_factory=dict)
    curvature: float | None = None

    def value(self, y_hat: FloatArray, y: FloatArray) -> FloatArray:
        return self.value_function(y_hat, y, **self.params)  # type: ignore[no-any-return]

    def grad(self, y_hat: FloatArray, y: FloatArray) -> FloatArray:
        return self.grad_function(y_hat, y, **self.params)  # type: ignore[no-any-return]

    @property
    def is_squared(self) -> bool:
        """Whether this is npreg's own squared loss, whose steps are affine maps."""
        return self.value_function is squared_loss and self.grad_function is squared_loss_grad

    def steepness(self, size: float) -> float:
        """The largest |derivative| / |r| at residuals r = ±size; 1 for the squared loss."""
        with np.errstate(all="ignore"):
            pulls = np.abs(self.grad(np.array([[size], [-size]]), np.zeros((2, 1))))
        return float(np.max(pulls)) / size

    def bind(self, **params: float) -> "Loss":
        """The same loss with parameters of its own, such as `delta` or `tau`."""
        known = list(inspect.signature(self.value_function).parameters)[2:]
        for name in params:
            if name not in known:
                raise TypeError(f"the {self.name} loss has no parameter {name!r}; it has {known or 'none'}")
        bound = replace(self, params={**self.params, **params})
        one = np.ones((1, 1))
        bound.value(one, one)  # a value out of range is refused here, not in the middle of a run
        return bound


LOSSES: dict[str, Loss] = {
    "squared": Loss(squared_loss, squared_loss_grad, "squared", curvature=1.0),
    "absolute": Loss(absolute_loss, absolute_loss_grad, "absolute"),
    "huber": Loss(huber_loss, huber_loss_grad, "huber", curvature=1.0),
    "log_cosh": Loss(log_cosh_loss, log_cosh_loss_grad, "log_cosh", curvature=1.0),
    "quantile": Loss(quantile_loss, quantile_loss_grad, "quantile"),
}


ELSEWHERE = {  # what others call them
    "squared": "mse squared_error squared_loss mean_squared_error MSE l2", "huber": "smooth_l1", "log_cosh": "logcosh",
    "absolute": "mae absolute_error absolute_loss mean_absolute_error MAE l1", "quantile": "pinball",
}  # fmt: skip


def as_loss(loss: str | LossFunction | tuple[LossFunction, LossFunction] | Loss) -> Loss:
    """A `Loss` from its name, from one of npreg's loss functions, or from a user's own pair."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        if loss not in LOSSES:
            meant = next((f"; did you mean {ours!r}?" for ours in ELSEWHERE if loss in ELSEWHERE[ours].split()), "")
            raise ValueError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}, or give (value, grad){meant}")
        return LOSSES[loss]
    if isinstance(loss, tuple) and len(loss) == 2 and all(map(callable, loss)):
        return Loss(loss[0], loss[1], getattr(loss[0], "__name__", "user"))
    known = [one for one in LOSSES.values() if one.value_function is loss]
    if known:
        return known[0]
    kinds = f"one of {', '.join(map(repr, LOSSES))}, a Loss, or a pair (value, grad) of functions of (y_hat, y)"
    raise TypeError(f"loss must be {kinds}, not {loss!r}; a value alone is not enough, its derivative is needed")
