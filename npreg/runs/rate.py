"""The learning rate of a run as a number, looked at before the first step."""

from __future__ import annotations

from npreg.learning_rate import AUTO_FRACTION, check_learning_rate, max_learning_rate
from npreg.losses import LOSSES
from npreg.runs.feeds import Feed
from npreg.runs.plan import Plan
from npreg.sgd import Momentum

__all__ = ["learning_rate"]


def learning_rate(plan: Plan, feed: Feed) -> float:
    """The number that `lr` stands for; a warning or an error, as the plan says, where it is too large."""
    momentum = plan.rule.beta if isinstance(plan.rule, Momentum) else 0.0
    if plan.lr == "auto":
        smooth = [LOSSES[name].value_function for name in ("squared", "huber", "log_cosh")]
        if plan.loss.value_function not in smooth:
            raise ValueError(
                'lr="auto" needs a loss whose second derivative is at most 1 (squared, huber, log_cosh), '
                f"not {plan.loss.name}; give a number"
            )
        return AUTO_FRACTION * (1 - momentum) * max_learning_rate(feed, plan.batch_size, l2=plan.l2)
    if plan.check_lr != "off" and plan.loss.is_squared and not momentum:
        X, _, weights = feed.facts.sample
        norms, mode = feed.facts.norms, plan.check_lr
        check_learning_rate(
            plan.lr,
            X,
            plan.batch_size,
            l2=plan.l2,
            weights=weights,
            norms=norms,
            mode=mode,
            names=feed.facts.sample.names,
        )
    return plan.lr
