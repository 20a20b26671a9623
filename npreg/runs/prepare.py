"""From the arguments of a run to its rows, its held-out rows, and its learning rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, Rows, as_data, as_nonnegative
from npreg.learning_rate import AUTO_FRACTION, check_learning_rate, max_learning_rate
from npreg.losses import LOSSES, Loss
from npreg.runs.blocks import RowBlocks
from npreg.runs.feeds import Feed, as_feed, as_rows
from npreg.runs.scaling import ColumnMoments, Scaling
from npreg.sgd import Momentum, Rule

__all__ = ["learning_rate", "prepare"]

MAPPED_BLOCK_ROWS = 65_536


def prepare(
    features: ArrayLike | Rows,
    labels: ArrayLike | None,
    sample_weight: ArrayLike | None,
    block_rows: int | None,
    validation: float | tuple[ArrayLike, ArrayLike] | None,
    standardize: bool,
    rng: np.random.Generator,
) -> tuple[Feed, Scaling | None, Data | None]:
    """The training rows as a feed, their scaling, and the rows held out."""
    if block_rows is None and isinstance(features, np.memmap):
        block_rows = MAPPED_BLOCK_ROWS
    if block_rows is not None and not isinstance(features, Rows):
        if labels is None:
            raise TypeError("labels are missing; only RowBlocks bring their own")
        features, labels = RowBlocks.of(features, labels, block_rows, sample_weight), None
        sample_weight = block_rows = None
    if block_rows is not None:
        raise TypeError("RowBlocks bring their own labels, weights and block sizes; leave these out")
    rows = as_rows(features, labels, sample_weight)
    if validation is not None and not isinstance(validation, tuple):
        if not isinstance(rows, Data):
            raise ValueError("with row blocks, validation must be (features, labels), not a fraction")
        rows, held_out = _split(rows, validation, rng)
        validation = held_out.X, held_out.y
    feed, scaling = as_feed(rows), None
    if standardize:
        scaling = feed.total(ColumnMoments.of).scaling()
        feed = feed.scaled(scaling)
    if validation is None:
        return feed, scaling, None
    if len(validation) != 2:
        raise ValueError(
            f"validation must be (features, labels) or a fraction, not a tuple of {len(validation)}"
        )
    X_val, y_val = as_data(*validation)
    facts = feed.facts
    if X_val.shape[1] != facts.width or y_val.shape[1] != facts.num_outputs:
        raise ValueError(
            f"validation features {X_val.shape} and labels {y_val.shape} do not fit "
            f"{facts.width} features and {facts.num_outputs} outputs"
        )
    X_val = X_val.astype(facts.dtype, copy=False)
    if scaling is not None:
        X_val = scaling.features(X_val)
    return feed, scaling, Data(X_val, y_val.astype(facts.dtype, copy=False))


def _split(data: Data, fraction: float, rng: np.random.Generator) -> tuple[Data, Data]:
    """The training rows and the rows held out, each in their old order."""
    X, y, weights = data
    held = round(as_nonnegative(fraction, "validation") * len(X))
    if not 0 < fraction < 1 or not 0 < held < len(X):
        raise ValueError(
            f"validation = {fraction!r} of {len(X)} rows would hold out {held}; "
            "at least one row must be on each side"
        )
    order = rng.permutation(len(X))
    kept, out = np.sort(order[held:]), np.sort(order[:held])
    if weights is None:
        return Data(X[kept], y[kept]), Data(X[out], y[out])
    return Data(X[kept], y[kept], weights[kept]), Data(X[out], y[out], weights[out])


def learning_rate(
    lr: float | str, feed: Feed, batch_size: int, l2: float, loss: Loss, rule: Rule, check: str
) -> float:
    """The learning rate as a number, looked at before the first step."""
    momentum = rule.beta if isinstance(rule, Momentum) else 0.0
    if isinstance(lr, str):
        if lr != "auto":
            raise ValueError(f'lr must be a number or "auto", not {lr!r}')
        smooth = [LOSSES[name].value_function for name in ("squared", "huber", "log_cosh")]
        if loss.value_function not in smooth:
            raise ValueError(
                'lr="auto" needs a loss whose second derivative is at most 1 (squared, huber, log_cosh), '
                f"not {loss.name}; give a number"
            )
        return AUTO_FRACTION * (1 - momentum) * max_learning_rate(feed, batch_size, l2=l2)
    rate = as_nonnegative(lr, "lr")
    if check != "off" and loss.is_squared and not momentum:
        X, _, weights = feed.facts.sample
        check_learning_rate(rate, X, batch_size, l2=l2, weights=weights, norms=feed.facts.norms, mode=check)
    return rate
