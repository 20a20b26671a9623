"""What "auto" stands for, whatever the loss and rule: the learning rate, and how many epochs; where a run has come to.

The bound of `max_learning_rate` is that of the squared loss.  At residuals of size r another loss pulls like a squared
one of steepness |loss'(r)| / r: a rate is bound / steepness(r), lowered as residuals are, by geometric decay.
Adam and AdaGrad move every entry by about lr, whatever the gradient; their rate goes with the residuals.
Decay: D. Davis, D. Drusvyatskiy and V. Charisopoulos, Stochastic algorithms with geometric step decay converge
linearly on sharp functions, Mathematical Programming 207 (2024).
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from npreg import learning_rate as rates
from npreg.arrays import FloatArray, column_name, warn
from npreg.arrays.sparse import is_sparse
from npreg.losses import LOSSES
from npreg.runs.convergence import TOLERANCE, Excess, excess
from npreg.runs.feeds import Feed
from npreg.runs.plan import Plan
from npreg.sgd import RULES, SGD, AdaGrad, Adam, Momentum, Rule

AUTO_FRACTION = 0.5  # lr="auto" takes this part of the bound
FINAL_SIZE = 1e-3  # residuals, as a part of the labels' spread, that the last steps are made for
# A step of Adam at this times the residuals moves predictions by about as much; AdaGrad's get smaller.
ENTRYWISE = {Adam: 1.0, AdaGrad: 3.0}

LEAST_STEPS, LEAST_EPOCHS = 5000, 10  # of num_epochs="auto": measured in docs/real_data.md
MOST_STEPS, MOST_EPOCHS, MANY_EPOCHS = 100_000, 10_000, 20  # no more than these, but the last in any case
CHEAP = 5_000_000  # entries of minibatches that are read for good measure, where it is known what is needed
EXACT_COLUMNS, SAMPLE_ROWS = 64, 128  # of more columns so many rows are looked at before all
LOOKED_AT = 10_000_000  # rows times columns² up to which also a run of a given length is looked at exactly


def learning_rate(plan: Plan, feed: Feed, theta: FloatArray) -> tuple[float, float]:
    """The learning rate of the first step, and of the last as a part of it, of a run that starts at theta."""
    facts, rule, loss = feed.facts, plan.rule, plan.loss
    entrywise = ENTRYWISE.get(type(rule))
    # How far predictions move, about, where every entry of theta moves by 1: √(d + 1) ‖x̃‖.
    length = 1.0 if entrywise is None else math.sqrt((facts.width + 1) * facts.norms[1])
    if not isinstance(plan.lr, str):
        _check(plan, plan.lr, feed, None if entrywise is None else length)
        return plan.lr, 1.0
    start = end = first = last = 1.0
    if entrywise is not None or not loss.is_squared:  # sizes of residuals: at the start, and of the last steps
        middle = np.zeros_like(theta)
        middle[-1] = np.median(facts.sample.y, axis=0)
        start, spread = feed.losses(LOSSES["absolute"], [theta, middle])
        end = FINAL_SIZE * (spread or start or 1.0)
        start = max(start, end)
    if entrywise is not None:
        lasting = 1 / FINAL_SIZE if isinstance(rule, AdaGrad) else 10.0  # AdaGrad's steps get smaller
        first, last = entrywise * start / length, entrywise * min(lasting * end, start) / length
    else:
        rate = AUTO_FRACTION * feed.total(rates.rate_moments).bound(plan.batch_size, plan.l2, rule)
        first, last = (rate, rate) if loss.is_squared else (rate / loss.steepness(size) for size in (start, end))
    return first, min(last / first, 1.0) if plan.schedule is None and first > 0 else 1.0


def _check(plan: Plan, lr: float, feed: Feed, length: float | None) -> None:
    """Say it where lr is beyond the bound for this loss and rule; `length` is that of an entrywise step."""
    sample, rule, loss = feed.facts.sample, plan.rule, plan.loss
    if length is not None:
        limit = 10 * float(np.abs(sample.y).mean()) / length
        if 0 < limit < lr:
            why = f"where a step of {type(rule).__name__} moves predictions by ten times the labels"
            cure = 'take a smaller lr, or lr="auto"'
            warn(f"lr = {lr:g} is beyond {limit:.3g}, {why}; {cure}", rates.LearningRateWarning)
        return
    slower, steps, steepness = 1.0, "SGD", loss.curvature
    if isinstance(rule, Momentum):
        slower, steps = 1 - rule.beta, f"{type(rule).__name__} with beta = {rule.beta:g}"
    if steepness is None:
        spread = float(np.abs(sample.y - np.median(sample.y, axis=0)).mean())
        steepness = loss.steepness(spread) if spread > 0 else 0.0
        steps += f" on the {loss.name} loss and labels that spread by {spread:.3g}"
    if not 0 < steepness < math.inf:
        return
    (X, _, weights), B, l2, factor = sample, plan.batch_size, plan.l2 / steepness, slower / steepness
    kappa, largest = feed.facts.norms  # upper bounds of κ and λ, which mostly show that lr is safe
    bound = factor * rates.rate_bound(B, len(X), kappa, largest, l2)
    if not lr < bound and X.shape[1] > EXACT_COLUMNS:  # the trace is a coarse bound of λ, some rows tell it better
        some = slice(None, None, max(1, len(X) // SAMPLE_ROWS))
        largest = 1.5 * rates.steepest_slope(X[some], None if weights is None else weights[some])
        bound = factor * rates.rate_bound(B, len(X), kappa, largest, l2)
    if not lr < bound:  # also where it is NaN
        bound = factor * rates.RateMoments.of(X, weights).bound(B, l2)
    if lr >= bound:
        stable = f"{steps} with minibatches of {B} is known to be stable on these features"
        said = f"lr = {lr:g} is beyond {bound:.3g}, up to which {stable}; {rates.scale_advice(sample)}"
        warn(said, rates.LearningRateWarning)


class ConvergenceWarning(UserWarning):
    """A run has ended before its loss was near the least one."""


def least_epochs(plan: Plan, feed: Feed, theta: FloatArray, lr: float) -> tuple[int, float, Rule]:
    """How many epochs a run needs, about, and its learning rate and rule: momentum by its name may get slower."""
    rule, per_epoch = plan.rule, feed.facts.steps_per_epoch(plan.batch_size)
    least = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / per_epoch))
    if plan.stop is not None:
        return most_epochs(plan, feed), lr, plan.rule
    if plan.loss.is_squared and plan.schedule is None and not plan.l1:
        found = excess(feed, plan.loss, theta, plan.l2, fit_intercept=plan.fit_intercept)
        if found.speed is not None:
            cheap = CHEAP / (min(plan.batch_size, feed.facts.num_rows) * feed.facts.width)
            least = max(LEAST_EPOCHS, math.ceil(min(cheap, LEAST_STEPS) / per_epoch))
            steps = found.speed.steps_needed(TOLERANCE / 10 * found.constant, lr, plan.rule, plan.average)
            by_name = plan.lr == "auto" and any(plan.rule is RULES[name] for name in ("momentum", "nesterov"))
            if by_name and not (steps and steps <= LEAST_STEPS):
                steps, lr, rule = slower(plan, feed, found, plan.rule, plan.batch_size)
            least = max(least, most_epochs(plan, feed) if steps is None else math.ceil(steps / per_epoch))
    return min(least, most_epochs(plan, feed)), lr, rule


def slower(plan: Plan, feed: Feed, found: Excess, rule: Any, batch_size: int) -> tuple[int | None, float, Rule]:
    """The steps that momentum needs, about, with which learning rate and β ≥ that of the rule: the least that pays."""
    moments: rates.RateMoments = feed.total(rates.rate_moments)
    best: tuple[int | None, float, Rule] = None, 0.0, rule
    for halvings in range(11):
        slow = replace(rule, beta=round(1 - (1 - rule.beta) / 2**halvings, 6))
        lr = AUTO_FRACTION * moments.bound(batch_size, plan.l2, slow)
        needed = TOLERANCE / 10 * found.constant, lr, slow, plan.average
        steps = None if found.speed is None else found.speed.steps_needed(*needed)
        if not halvings or (steps and steps < 0.8 * (best[0] or math.inf)):
            best = steps, lr, slow
    return best


def most_epochs(plan: Plan, feed: Feed) -> int:
    return max(MANY_EPOCHS, min(MOST_STEPS // feed.facts.steps_per_epoch(plan.batch_size), MOST_EPOCHS))


def judge(plan: Plan, feed: Feed, theta: FloatArray, losses: Sequence[float]) -> Excess | None:
    """How far a run that ended with theta is from the least loss, of many rows by the last epochs."""
    facts = feed.facts
    if not losses or (plan.num_epochs == 1 and plan.lr != "auto"):
        return None  # a single epoch is a step of somebody's own loop
    few = facts.is_whole and facts.num_rows * (facts.width + 1) ** 2 <= LOOKED_AT
    if few or "auto" in (plan.lr, plan.num_epochs):
        found = excess(feed, plan.loss, theta, plan.l2, plan.l1, fit_intercept=plan.fit_intercept)
        if found.converged is False:
            square = float(np.mean(np.square(facts.sample.y, dtype=float)))
            rounding = 1e4 * float(np.finfo(facts.dtype).eps) ** 2 * square
            found = replace(found, converged=float(found.value) <= rounding)
        return found if math.isfinite(found.value) else None
    if len(losses) < 3 or not plan.loss.is_squared:
        return None
    before, last = losses[-3] - losses[-2], losses[-2] - losses[-1]
    left = last * last / (before - last) if 0 < last < before else last if last <= 0 else math.inf
    constant = float(np.var(facts.sample.y, axis=0).mean()) / 2
    return Excess(max(left, 0.0), False, left <= TOLERANCE * constant, constant)


def warn_of(plan: Plan, feed: Feed, found: Excess, lr: float, epochs: int) -> None:
    """A ConvergenceWarning where it has not converged, scikit-learn's too where that is loaded."""
    if found.converged is not False:
        return
    per_epoch, speed, steps, where = feed.facts.steps_per_epoch(plan.batch_size), found.speed, None, ""
    told = f"its mean loss is {'' if found.exact else 'about '}{found.value:.3g} above the least possible"
    told += f", {100 * found.value / found.constant:.3g} % of a constant's" if found.constant > 0 else ""
    if math.isinf(found.value):
        told = "its mean loss falls as fast as in the epoch before, and how far it will fall is not known"
    if speed is not None:
        steps = speed.steps_needed(TOLERANCE / 2 * found.constant, lr, plan.rule)
        where = f", most of it along column {column_name(feed.facts.sample.names, speed.column)}"
    bound = math.inf  # of stable rates; of blocks, where it would cost a pass, none
    if feed.facts.is_whole and isinstance(plan.lr, float):
        rows, columns = feed.facts.num_rows, feed.facts.width
        bound = rates.rate_bound(plan.batch_size, rows, *feed.facts.norms, plan.l2)
        # The exact one would make arrays of sparse rows, and of large tables take longer than their run.
        if not is_sparse(feed.facts.sample.X) and rows * columns * min(rows, columns) <= 100 * LOOKED_AT:
            bound = rates.max_learning_rate(feed, plan.batch_size, l2=plan.l2)
    slow = steps is not None and steps * 4 < epochs * per_epoch  # at a constant rate it would be there
    if type(plan.rule) in ENTRYWISE:
        cure = f"how fast {type(plan.rule).__name__} is cannot be told ahead: take "
        cure += 'rule="sgd"' if isinstance(plan.lr, str) else 'lr="auto"'
    elif slow and plan.schedule is not None:
        alone = '"auto"' if isinstance(plan.lr, str) else f"{plan.lr:g}"
        cure = f"the schedule lowers the rate before it is there: take lr={alone} alone, or a slower one"
    elif slow and not plan.average:
        cure = "the steps are too large to come nearer: take average=0.5, a smaller lr, or a schedule"
    elif lr < bound / 10 < math.inf:
        other = f'lr={bound / 2:.3g}, average=0.5, num_epochs="auto"'
        cure = f'lr = {lr:.3g} is small, up to {bound:.3g} is stable: take lr="auto", or {other}'
    elif steps is not None and steps <= 100 * MOST_STEPS:
        more = epochs + math.ceil(steps / per_epoch / (1 - plan.average))
        cheaper = _with_momentum(plan, feed, found, more * per_epoch)
        cure = f"{epochs} epochs are too few: take num_epochs={more}{cheaper}"
    elif not plan.standardize and not isinstance(plan.lr, str):
        cure = 'columns differ in scale, or depend on each other: take lr="auto"'
    elif plan.loss.is_squared and not plan.l1:
        cure = "columns depend on each other: take npreg.least_squares, which is exact"
    else:
        cure = f"columns depend on each other: take l2={100 / MOST_STEPS / lr:.1g}"
    category: type[Warning] = ConvergenceWarning
    if theirs := getattr(sys.modules.get("sklearn.exceptions"), "ConvergenceWarning", None):
        category = type("ConvergenceWarning", (category, theirs), {"__doc__": category.__doc__})
    warn(f"the run has not arrived: {told}{where}; {cure}", category)


def _with_momentum(plan: Plan, feed: Feed, found: Excess, steps: int) -> str:
    """A run with momentum, where that pays, in minibatches as they are or else on all rows at once."""
    n = feed.facts.num_rows
    plain = plan.lr == "auto" and plan.loss.is_squared and plan.schedule is None and not plan.l1
    if not plain or not feed.facts.is_whole or not isinstance(plan.rule, (SGD, Momentum)):
        return ""
    for batch_size, most, other in (plan.batch_size, MOST_STEPS, ""), (n, MOST_EPOCHS, f"batch_size={n}, "):
        needed = slower(plan, feed, found, RULES["momentum"], batch_size)[0]
        if needed and needed < min(steps / 3, most):
            return f', or {other}rule="momentum", num_epochs="auto"'
    return ""
