"""From gradient to update: the one place where a step gets its sign.

A *rule* maps gradients to updates and keeps its state explicit, so that it can be stored and resumed.  `Stepper` puts
a rule, a learning-rate schedule and the penalties together; the parameters are changed by `sgd` alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from npreg.arrays import FloatArray, as_batch_size, as_float_array, as_nonnegative, as_number

__all__ = ["SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "sgd"]

Schedule: TypeAlias = Callable[[float], float]


def sgd(params: Sequence[FloatArray], grads: Sequence[FloatArray], lr: float, batch_size: int | None = None) -> None:
    """One step of minibatch stochastic gradient descent, in place.

        param −= lr · grad / batch_size

    `grad` is the **sum** over the minibatch, and `batch_size` is the **nominal** one, also for a short last batch:
    so every row has the same weight.  params and grads are sequences of float arrays, pairwise of the same shape.
    ValueError or TypeError where they do not match or params cannot be updated in place (lists, integer arrays), and
    for a negative or NaN lr and a batch_size below 1 or missing; then nothing is changed.

    >>> w = np.array([[1.0]])
    >>> sgd([w], [np.array([[20.0]])], lr=0.5, batch_size=10)
    >>> w
    array([[0.]])
    """
    if batch_size is None:
        cure = "sgd([w, b], [grad_w, grad_b], lr, batch_size)"
        raise TypeError(f"the gradients come second, there is no .grad to find them in: {cure}")
    if not all(hasattr(given, "__len__") and getattr(given, "ndim", 1) for given in (params, grads)):
        found = f"{type(params).__name__} and {type(grads).__name__}"
        raise TypeError(f"params and grads must be sequences of arrays, not {found}; give [w, b] and [grad_w, grad_b]")
    if len(params) != len(grads):
        raise ValueError(f"{len(params)} params and {len(grads)} grads do not match; one grad a param is needed")
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        if not isinstance(param, np.ndarray) or param.dtype.kind != "f":
            found = getattr(param, "dtype", type(param).__name__)
            raise TypeError(f"params[{i}] must be a float array to be updated in place, not {found}")
        if not param.flags.writeable:
            raise ValueError(f"params[{i}] is read-only; give a copy that can be updated in place")
        if not isinstance(grad, np.ndarray) or grad.dtype.kind != "f":
            grad = as_float_array(grad, f"grads[{i}]")
            grads = [*grads[:i], grad, *grads[i + 1 :]]
        if param.shape != grad.shape:
            shapes = f"params[{i}] of shape {param.shape} and grads[{i}] of shape {grad.shape}"
            raise ValueError(f"{shapes} do not match; needed are equal shapes")
    step = as_nonnegative(lr, "lr") / as_batch_size(batch_size)
    for param, grad in zip(params, grads, strict=True):
        param -= step * grad


@runtime_checkable
class Rule(Protocol):
    """Maps mean gradients to updates; `state` is a list of arrays that `update` changes in place."""

    def init(self, params: Sequence[FloatArray]) -> list[FloatArray]: ...

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]: ...


@dataclass(frozen=True)
class SGD:
    """update = g."""

    def init(self, params: Sequence[FloatArray]) -> list[FloatArray]:
        return []

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]:
        return grads


@dataclass(frozen=True)
class _Stateful:
    """A rule with numbers: `beta…` in [0, 1), others not negative; its state is an array of zeros a parameter."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not name.startswith("beta"):
                as_nonnegative(value, name)
            elif not 0 <= as_number(value, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), not {value!r}")

    def init(self, params: Sequence[FloatArray]) -> list[FloatArray]:
        return [np.zeros_like(param) for param in params]


@dataclass(frozen=True)
class Momentum(_Stateful):
    """v ← β v + g;  update = v  (PyTorch's convention: no damping, no (1 − β)).

    Source: B. T. Polyak, Some methods of speeding up the convergence of iteration methods (1964).

    >>> Momentum(0.5).update([np.array([1.0])], [np.array([4.0])])
    [array([3.])]
    """

    beta: float = 0.9

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]:
        for v, grad in zip(state, grads, strict=True):
            v *= self.beta
            v += grad
        return state


@dataclass(frozen=True)
class Nesterov(Momentum):
    """v ← β v + g;  update = g + β v: the gradient looks one step ahead.

    Source: Y. Nesterov, Soviet Math. Dokl. 27 (1983) 372, in the form of Sutskever et al., ICML 2013.

    >>> Nesterov(0.5).update([np.array([1.0])], [np.array([4.0])])
    [array([2.5])]
    """

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]:
        return [grad + self.beta * v for v, grad in zip(super().update(grads, state), grads, strict=True)]


@dataclass(frozen=True)
class AdaGrad(_Stateful):
    """s ← s + g²;  update = g / (√s + ε), entry by entry: steps of about lr / √t, whatever the units of g.

    Source: J. Duchi, E. Hazan and Y. Singer, JMLR 12 (2011) 2121; as in PyTorch.

    >>> AdaGrad().update([np.array([4.0])], [np.array([9.0])])
    [array([0.8])]
    """

    eps: float = 1e-10

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]:
        updates = []
        for total, grad in zip(state, grads, strict=True):
            total += grad * grad
            updates.append(_ratio(grad, np.sqrt(total) + self.eps))
        return updates


@dataclass(frozen=True)
class Adam(_Stateful):
    """Running means of g and g²; update = m̂ / (√v̂ + ε), entry by entry: steps of about lr.

        m ← β₁ m + (1 − β₁) g      m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²     v̂ = v / (1 − β₂ᵗ)          at step t = 1, 2, …

    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization (ICLR 2015); as in PyTorch.

    >>> rule, w = Adam(), [np.array([1.0])]
    >>> rule.update([np.array([4.0])], rule.init(w))
    [array([1.])]
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def init(self, params: Sequence[FloatArray]) -> list[FloatArray]:
        """m and v of every parameter, and the number of steps."""
        return [*(np.zeros_like(param) for param in params for _ in "mv"), np.zeros(1)]

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]:
        *means, steps = state
        steps += 1
        t, updates = float(steps[0]), []
        for m, v, grad in zip(means[::2], means[1::2], grads, strict=True):
            m += (1 - self.beta1) * (grad - m)
            v *= self.beta2
            v += (1 - self.beta2) * grad * grad
            scale = np.sqrt(v) / math.sqrt(1 - self.beta2**t) + self.eps
            updates.append(_ratio(m / (1 - self.beta1**t), scale))
        return updates


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """above / below, and 0 where both are: no gradient so far, no step."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


RULES: dict[str, Rule] = {
    "sgd": SGD(), "momentum": Momentum(), "nesterov": Nesterov(), "adam": Adam(), "adagrad": AdaGrad(),
}  # fmt: skip


@dataclass(frozen=True)
class FixedIntercept:
    """Another rule, for the weights alone: the intercept stays where it is."""

    inner: Rule

    def init(self, params: Sequence[FloatArray]) -> list[FloatArray]:
        return self.inner.init(params)

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]:
        update = self.inner.update([grads[0], np.zeros_like(grads[1]), *grads[2:]], state)
        return [update[0], np.zeros_like(update[1]), *update[2:]]


def as_rule(rule: str | Rule) -> Rule:
    """A rule from its name or itself."""
    if isinstance(rule, str):
        if rule not in RULES:
            raise ValueError(f"there is no rule {rule!r}; there are {', '.join(RULES)}")
        return RULES[rule]
    if isinstance(rule, type) or not isinstance(rule, Rule):
        raise TypeError(f"rule must be one of {', '.join(map(repr, RULES))} or an object, not {rule!r}")
    return rule


@dataclass
class Stepper:
    """Everything between a minibatch's summed gradient and the new parameters.

    With m rows in the minibatch (or their total weight), B = batch_size and lr_t the scheduled learning rate:

        g = grad / B + l2 · (m / B) · w          the intercept is never penalised
        w, b −= lr_t · rule(g)

    and with an L1 penalty, in the place of that w, with z = w before the first step and c = 0,

        z −= lr_t · rule(g)        c += lr_t · rule(l1 · m / B)        w ← sign(z) max(|z| − c, 0)

    so that a run minimises  mean loss + l2/2 Σ w² + l1 Σ |w|, every row having the same weight.  That is dual
    averaging: an entry is 0 as long as its mean gradient over all steps is below l1, so that the noise of
    minibatches does not wake it up.  `state` and `steps_done` are all that has to be kept to resume.

    Source: L. Xiao, Dual averaging methods for regularized stochastic learning and online optimization, JMLR 11
    (2010) 2543; for constant steps the cumulative penalty of Tsuruoka, Tsujii and Ananiadou, ACL 2009.
    """

    params: InitVar[Sequence[FloatArray]]
    _: KW_ONLY
    lr: float
    divisor: float
    steps_per_epoch: int
    schedule: Schedule | None = None
    rule: Rule = field(default_factory=SGD)
    l2: float = 0.0
    l1: float = 0.0

    def __post_init__(self, params: Sequence[FloatArray]) -> None:
        if self.l1 and isinstance(getattr(self.rule, "inner", self.rule), (Adam, AdaGrad)):
            rescaled = f'which {self.rule} rescales entry by entry; take rule="sgd" or "momentum"'
            raise ValueError(f"l1 = {self.l1:g} needs steps that go with the gradient, {rescaled}")
        dual = [params[0].astype(np.float64), np.zeros(1)] if self.l1 else []  # z and c, which grow with time
        self.state: list[FloatArray] = [*self.rule.init([*params, *dual[1:]]), *dual]
        self.steps_done = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0: lr · schedule(epochs done before it)."""
        if self.schedule is None:
            return self.lr
        factor = as_number(self.schedule(step / self.steps_per_epoch), "what the schedule returns")
        if not (math.isfinite(factor) and factor >= 0):
            found = f"{factor!r} at epoch {step / self.steps_per_epoch:g}"
            raise ValueError(f"the schedule returned {found}; it must return a finite factor that is not negative")
        return self.lr * factor

    def step(self, params: Sequence[FloatArray], grads: Sequence[FloatArray], rows: float) -> None:
        """One step for params (w, b); `rows` is the number of rows, or their total weight."""
        lr = self.rate(self.steps_done)
        self.steps_done += 1
        share = rows / self.divisor
        mean = [grad / self.divisor for grad in grads]
        if self.l2:
            mean[0] += (self.l2 * share) * params[0]
        if not self.l1:
            sgd(params, self.rule.update(mean, self.state), lr, 1)
            return
        *state, z, c = self.state
        mean.append(np.array([-self.l1 * share]))
        sgd((z, params[1], c), self.rule.update(mean, state), lr, 1)
        params[0][...] = z - np.clip(z, -float(c[0]), float(c[0]))
