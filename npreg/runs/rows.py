"""From the arguments of a run to its rows, their scaling, and the rows held out."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, FloatArray, Rows, as_data, as_nonnegative, brief
from npreg.arrays.sparse import is_sparse
from npreg.runs.feeds import Feed, as_feed, as_rows, on_scale
from npreg.runs.lazy import converted, some_rows
from npreg.runs.plan import Plan
from npreg.runs.scaling import Scaling

__all__ = ["RunRows"]


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
        held_out: Data | Rows | None = None
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
        if plan.loss.is_squared:
            _check_labels(feed.facts.sample.y, feed.facts.num_rows)
        if isinstance(validation, tuple):
            held_out = _looked_at(validation, feed.facts.sample)
        elif isinstance(validation, Rows):
            held_out = validation
        feed, scaling = on_scale(feed, standardize=plan.standardize, center=plan.fit_intercept)
        return cls(feed, scaling, None if held_out is None else _like(feed, held_out, scaling))


def _looked_at(validation: tuple[ArrayLike, ...], like: Data) -> Data:
    if len(validation) not in (2, 3):
        raise ValueError(
            "validation must be (features, labels), or these and sample_weight, RowBlocks or a fraction, not "
            f"a tuple of {len(validation)}"
        )
    return as_data(*validation, like=like, sparse=True)


def _like(feed: Feed, rows: Data | Rows, scaling: Scaling | None) -> Feed:
    """The validation rows, in dtype and scale as the training rows."""
    facts = feed.facts
    if isinstance(rows, Data) and rows.X.dtype != facts.dtype:
        X: Any = rows.X
        sparse = is_sparse(X)
        X = X.astype(facts.dtype) if sparse else converted(X, partial(np.asarray, dtype=facts.dtype))
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
    held = round(as_nonnegative(fraction, "validation") * len(data.X))
    if not 0 < fraction < 1 or not 0 < held < len(data.X):
        raise ValueError(
            f"validation = {fraction!r} of {len(data.X)} rows would hold out {held}; "
            "at least one row must be on each side"
        )
    order = rng.permutation(len(data.X)).astype(np.min_scalar_type(len(data.X)))  # kept for the whole run
    kept, out = np.sort(order[held:]), np.sort(order[:held])
    return _taken(data, kept), _taken(data, out)


def _taken(data: Data, rows: np.ndarray[Any, Any]) -> Data:
    weights = None if data.weights is None else data.weights[rows]
    return Data.named(data.names, some_rows(data.X, rows), data.y[rows], weights)


def _check_labels(y: FloatArray, num_rows: int) -> None:
    """ValueError where the squares of labels overflow: no loss could be told."""
    sizes = np.abs(y).max(axis=1)
    largest, row = float(sizes.max()), int(sizes.argmax())
    if largest > math.sqrt(float(np.finfo(y.dtype).max) / num_rows):
        raise ValueError(
            f"labels reach {largest:.3g} in row {row}, and the sum of squares is beyond the range of "
            f"{y.dtype}; give labels / {largest:.3g}, and multiply predictions by that"
        )
