"""The learning rate of a run, whatever its loss and rule: chosen, or looked at before the first step.

The bound of `max_learning_rate` is that of the squared loss.  At residuals of size r another loss pulls
like a squared loss of steepness |loss'(r)| / r (the parabola through 0 that touches it there): Huber's
δ / r, the absolute loss's 1 / r.  So a rate that suits the labels' spread is bound / steepness(spread),
and as residuals get smaller, so must the rate, down to where the loss is a parabola itself.  That is the
geometric decay under which subgradient steps converge linearly, and why units of y do not matter.

Adam and AdaGrad move every entry by about lr, whatever the gradient; their rate goes with the residuals.

Source: D. Davis, D. Drusvyatskiy and V. Charisopoulos, Stochastic algorithms with geometric step decay
converge linearly on sharp functions, Mathematical Programming 207 (2024).
"""

from __future__ import annotations

import math

import numpy as np

from npreg.arrays import FloatArray, warn
from npreg.learning_rate import LearningRateWarning, check_learning_rate, rate_moments
from npreg.losses import LOSSES
from npreg.runs.feeds import Feed
from npreg.runs.plan import Plan
from npreg.sgd import AdaGrad, Adam, Momentum

__all__ = ["AUTO_FRACTION", "learning_rate"]

AUTO_FRACTION = 0.5  # lr="auto" takes this part of the bound
FINAL_SIZE = 1e-3  # residuals, as a part of the labels' spread, that the last steps are made for
# A step of Adam at this times the residuals moves predictions by about as much; AdaGrad's get smaller.
ENTRYWISE = {Adam: 1.0, AdaGrad: 3.0}


def learning_rate(plan: Plan, feed: Feed, theta: FloatArray) -> tuple[float, float]:
    """The learning rate of the first step, and of the last as a part of it, of a run that starts at theta.

    `lr="auto"` is half of the bound; where the loss is not as steep everywhere it decays, unless there is a
    schedule.  A number beyond the bound is warned of.
    """
    if isinstance(plan.lr, str):
        first, last = _auto(plan, feed, theta)
        return first, min(last / first, 1.0) if plan.schedule is None and first > 0 else 1.0
    _check(plan, plan.lr, feed)
    return plan.lr, 1.0


def _auto(plan: Plan, feed: Feed, theta: FloatArray) -> tuple[float, float]:
    """The first and the last learning rate."""
    entrywise = ENTRYWISE.get(type(plan.rule))
    if entrywise is not None:
        start, end = _residuals(feed, theta)
        lasting = 1 / FINAL_SIZE if isinstance(plan.rule, AdaGrad) else 10.0  # AdaGrad's steps get smaller
        last = min(lasting * end, start)
        return entrywise * start / _step_length(feed), entrywise * last / _step_length(feed)
    rate = AUTO_FRACTION * feed.total(rate_moments).bound(plan.batch_size, plan.l2, plan.rule)
    if plan.loss.is_squared:
        return rate, rate
    first, last = (plan.loss.steepness(size) for size in _residuals(feed, theta))
    return rate / first, rate / last


def _residuals(feed: Feed, theta: FloatArray) -> tuple[float, float]:
    """The size of the residuals at the start, and the one that the last steps are made for."""
    middle = np.zeros_like(theta)
    middle[-1] = np.median(feed.facts.sample.y, axis=0)
    start, spread = feed.losses(LOSSES["absolute"], [theta, middle])
    end = FINAL_SIZE * (spread or start or 1.0)
    return max(start, end), end


def _step_length(feed: Feed) -> float:
    """How far predictions move, about, where every entry of theta moves by 1: √(d + 1) ‖x̃‖."""
    return math.sqrt((feed.facts.width + 1) * feed.facts.norms[1])


def _check(plan: Plan, lr: float, feed: Feed) -> None:
    """Say it where lr is beyond the bound for this loss and rule."""
    y, rule, loss = feed.facts.sample.y, plan.rule, plan.loss
    if type(rule) in ENTRYWISE:
        limit = 10 * float(np.abs(y).mean()) / _step_length(feed)
        if 0 < limit < lr:
            warn(
                f"lr = {lr:g} is beyond {limit:.3g}, where a step of {type(rule).__name__} moves predictions "
                'by ten times the labels; take a smaller lr, or lr="auto"',
                LearningRateWarning,
            )
        return
    slower, steps, steepness = 1.0, "SGD", loss.curvature
    if isinstance(rule, Momentum):
        slower, steps = 1 - rule.beta, f"{type(rule).__name__} with beta = {rule.beta:g}"
    if steepness is None:
        spread = float(np.abs(y - np.median(y, axis=0)).mean())
        steepness = loss.steepness(spread) if spread > 0 else 0.0
        steps += f" on the {loss.name} loss and labels that spread by {spread:.3g}"
    if not 0 < steepness < math.inf:
        return
    l2, factor = plan.l2 / steepness, slower / steepness
    check_learning_rate(
        lr, feed.facts.sample, plan.batch_size, l2=l2, norms=feed.facts.norms, factor=factor, steps=steps
    )
