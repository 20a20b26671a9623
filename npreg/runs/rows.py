"""From the arguments of a run to its rows, their scaling, and the rows held out."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, Rows, as_data, as_nonnegative, brief
from npreg.arrays.sparse import is_sparse
from npreg.runs.feeds import Facts, Feed, as_feed, as_rows, on_scale
from npreg.runs.lazy import converted, some_rows
from npreg.runs.plan import Plan
from npreg.runs.scaling import Scaling


class RunRows(NamedTuple):
    """The training rows as a feed, their scaling, and the rows held out."""

    feed: Feed
    scaling: Scaling | None
    held_out: Feed | None

    @classmethod
    def of(
        cls,
        features: ArrayLike | Rows,
        labels: ArrayLike | None,
        sample_weight: ArrayLike | None,
        validation: float | tuple[ArrayLike, ...] | Rows | None,
        plan: Plan,
        rng: np.random.Generator,
    ) -> RunRows:
        """Looked at, split, and scaled; `rng` is drawn from where a fraction is held out."""
        rows = as_rows(features, labels, sample_weight)
        held_out: Data | Rows | None = validation if isinstance(validation, Rows) else None
        if validation is not None and not isinstance(validation, (tuple, Rows)):
            if np.ndim(validation):
                raise TypeError(
                    "validation must be (features, labels), a tuple, or a fraction of the rows, not "
                    f"{brief(validation)}"
                )
            if not isinstance(rows, Data):
                raise ValueError("with row blocks, validation must be (features, labels) or RowBlocks, not a fraction")
            rows, held_out = _split(rows, validation, rng)
        feed = as_feed(rows)
        if isinstance(validation, tuple):
            if len(validation) not in (2, 3):
                raise ValueError(
                    "validation must be (features, labels), or these and sample_weight, RowBlocks or a fraction, "
                    f"not a tuple of {len(validation)}"
                )
            held_out = as_data(*validation, like=feed.facts.sample, sparse=True)
        if plan.loss.is_squared:
            _check_labels(feed.facts)
        feed, scaling = on_scale(feed, standardize=plan.standardize, center=plan.fit_intercept)
        return cls(feed, scaling, None if held_out is None else _like(feed.facts, held_out, scaling))


def _like(facts: Facts, rows: Data | Rows, scaling: Scaling | None) -> Feed:
    """The validation rows, in dtype and scale as the training rows."""
    if isinstance(rows, Data) and rows.X.dtype != facts.dtype:
        X: Any = rows.X
        X = X.astype(facts.dtype) if is_sparse(X) else converted(X, partial(np.asarray, dtype=facts.dtype))
        rows = rows._replace(X=X, y=rows.y.astype(facts.dtype))
    held_out = as_feed(rows)
    width, num_outputs = held_out.facts.width, held_out.facts.num_outputs
    if (width, num_outputs) != (facts.width, facts.num_outputs):
        raise ValueError(
            f"validation features of {width} columns and labels of {num_outputs} do not fit "
            f"{facts.width} features and {facts.num_outputs} outputs"
        )
    return held_out if scaling is None else held_out.scaled(scaling)


def _split(data: Data, fraction: float, rng: np.random.Generator) -> tuple[Data, Data]:
    """The training rows and the rows held out, each in their old order."""
    n = len(data.X)
    held = round(as_nonnegative(fraction, "validation") * n)
    if not 0 < fraction < 1 or not 0 < held < n:
        raise ValueError(
            f"validation = {fraction!r} of {n} rows would hold out {held}; at least one row must be on each side"
        )
    order = rng.permutation(n).astype(np.min_scalar_type(n))  # kept for the whole run

    def some(rows: np.ndarray[Any, Any]) -> Data:
        weights = None if data.weights is None else data.weights[rows]
        return Data.named(data.names, some_rows(data.X, rows), data.y[rows], weights)

    return some(np.sort(order[held:])), some(np.sort(order[:held]))


def _check_labels(facts: Facts) -> None:
    """ValueError where the squares of labels overflow: no loss could be told."""
    sizes = np.abs(facts.sample.y).max(axis=1)
    largest, row = float(sizes.max()), int(sizes.argmax())
    if largest > math.sqrt(float(np.finfo(facts.dtype).max) / facts.num_rows):
        raise ValueError(
            f"labels reach {largest:.3g} in row {row}, and the sum of squares is beyond the range of "
            f"{facts.dtype}; give labels / {largest:.3g}, and multiply predictions by that"
        )
