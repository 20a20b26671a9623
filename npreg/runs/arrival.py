"""Whether a run has arrived: how many epochs it gets, and what is said where they were too few."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from npreg.arrays import FloatArray, column_name, warn
from npreg.runs.convergence import TOLERANCE, Excess, excess
from npreg.runs.feeds import Feed
from npreg.runs.plan import Plan

__all__ = ["ConvergenceWarning", "judge", "least_epochs", "most_epochs", "warn_of"]

LEAST_STEPS, LEAST_EPOCHS = 5000, 10  # of num_epochs="auto": measured in docs/real_data.md
MOST_STEPS, MOST_EPOCHS, MANY_EPOCHS = 100_000, 10_000, 20  # no more than these, but the last in any case
CHEAP = 5_000_000  # entries of minibatches that are read for good measure, where it is known what is needed
LOOKED_AT = 10_000_000  # rows times columns² up to which also a run of a given length is looked at exactly


class ConvergenceWarning(UserWarning):
    """A run has ended before its loss was near the least one."""


def least_epochs(plan: Plan, feed: Feed, theta: FloatArray, lr: float) -> int:
    """How many epochs a run is begun with that may take as many as it needs: those it will need, about."""
    per_epoch = feed.facts.steps_per_epoch(plan.batch_size)
    least = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / per_epoch))
    if plan.stop is not None:
        return most_epochs(plan, feed)
    if plan.loss.is_squared and plan.schedule is None and not plan.l1:
        found = excess(feed, plan.loss, theta, plan.l2, fit_intercept=plan.fit_intercept)
        if found.speed is not None:
            cheap = CHEAP / (min(plan.batch_size, feed.facts.num_rows) * feed.facts.width)
            least = max(LEAST_EPOCHS, math.ceil(min(cheap, LEAST_STEPS) / per_epoch))
            steps = found.speed.steps_needed(TOLERANCE / 10 * found.constant, lr, plan.rule, plan.average)
            least = max(least, most_epochs(plan, feed) if steps is None else math.ceil(steps / per_epoch))
    return min(least, most_epochs(plan, feed))


def most_epochs(plan: Plan, feed: Feed) -> int:
    return max(MANY_EPOCHS, min(MOST_STEPS // feed.facts.steps_per_epoch(plan.batch_size), MOST_EPOCHS))


def judge(plan: Plan, feed: Feed, theta: FloatArray, losses: Sequence[float]) -> Excess | None:
    """How far a run that ended with theta is from the least loss; None where it cannot be told.

    Exact where the rows are looked at anyway, or are few; else what the fall of the last epochs leads to.
    """
    facts = feed.facts
    if not losses or (plan.num_epochs == 1 and plan.lr != "auto"):
        return None  # a single epoch is a step of somebody's own loop
    few = facts.is_whole and facts.num_rows * (facts.width + 1) ** 2 <= LOOKED_AT
    if few or "auto" in (plan.lr, plan.num_epochs):
        found = excess(feed, plan.loss, theta, plan.l2, plan.l1, fit_intercept=plan.fit_intercept)
        rounding = 1e4 * np.finfo(facts.dtype).eps ** 2 * float(np.mean(np.square(facts.sample.y)))
        found = replace(found, converged=True) if found.value <= rounding else found
        return found if math.isfinite(found.value) else None
    if len(losses) < 3 or not plan.loss.is_squared:
        return None
    before, last = losses[-3] - losses[-2], losses[-2] - losses[-1]
    left = last * last / (before - last) if 0 < last < before else last if last <= 0 else math.inf
    constant = float(np.var(facts.sample.y, axis=0).mean()) / 2
    return Excess(max(left, 0.0), False, left <= TOLERANCE * constant, constant)


def warn_of(plan: Plan, feed: Feed, found: Excess, lr: float, epochs: int, bound: float) -> None:
    """A ConvergenceWarning, scikit-learn's too where that is loaded, with reason and cure in numbers."""
    per_epoch, speed = feed.facts.steps_per_epoch(plan.batch_size), found.speed
    steps = None if speed is None else speed.steps_needed(TOLERANCE / 2 * found.constant, lr, plan.rule)
    part = f", {100 * found.value / found.constant:.3g} % of a constant's" if found.constant > 0 else ""
    told = f"its mean loss is {'' if found.exact else 'about '}{found.value:.3g} above the least possible"
    where = ""
    if speed is not None and speed.vectors is not None:
        column = int(np.abs(speed.vectors[:-1, int(speed.parts.argmax())]).argmax())
        where = f", most of it along column {column_name(feed.facts.sample.names, column)}"
    slow = steps is not None and steps * 4 < epochs * per_epoch  # at a constant rate it would be there
    if slow and plan.schedule is not None:
        alone = '"auto"' if isinstance(plan.lr, str) else f"{plan.lr:g}"
        cure = f"the schedule lowers the rate before it is there: take lr={alone} alone, or a slower one"
    elif slow and not plan.average:
        cure = "the steps are too large to come nearer: take average=0.5, a smaller lr, or a schedule"
    elif isinstance(plan.lr, float) and lr < bound / 10 and math.isfinite(bound):
        cure = f'lr = {lr:.3g} is small, up to {bound:.3g} is stable: take lr="auto", or lr={bound / 2:.3g}'
    elif steps is not None and steps <= 100 * MOST_STEPS:
        share = 1 - plan.average
        more = epochs + math.ceil(steps / per_epoch / share)
        cure = f"{epochs} epochs are too few: take num_epochs={more}"
    else:
        scale = "" if plan.standardize else ", standardize=True"
        cure = f'columns depend on each other, or differ in scale: take rule="momentum"{scale}'
    warn(f"the run has not arrived: {told}{part}{where}; {cure}", _category())


def _category() -> type[Warning]:
    theirs = getattr(sys.modules.get("sklearn.exceptions"), "ConvergenceWarning", None)
    if theirs is None:
        return ConvergenceWarning
    return type("ConvergenceWarning", (ConvergenceWarning, theirs), {"__doc__": ConvergenceWarning.__doc__})
