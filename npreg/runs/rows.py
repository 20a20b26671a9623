"""From the arguments of a run to its rows, their scaling, and the rows held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import Data, Rows, as_data, as_nonnegative
from npreg.runs.blocks import RowBlocks
from npreg.runs.feeds import Feed, as_feed, as_rows
from npreg.runs.scaling import ColumnMoments, Scaling

__all__ = ["RunRows"]

MAPPED_BLOCK_ROWS = 65_536  # of an np.memmap, which is read block by block


class RunRows(NamedTuple):
    """The training rows as a feed, their scaling, and the rows held out."""

    feed: Feed
    scaling: Scaling | None
    held_out: Data | None

    @classmethod
    def of(
        cls,
        features: ArrayLike | Rows,
        labels: ArrayLike | None,
        sample_weight: ArrayLike | None,
        validation: float | tuple[ArrayLike, ArrayLike] | None,
        standardize: bool,
        rng: np.random.Generator,
    ) -> RunRows:
        """Looked at, split, and scaled; `rng` is drawn from where a fraction is held out."""
        if isinstance(features, np.memmap) and labels is not None:
            features, labels = RowBlocks.of(features, labels, MAPPED_BLOCK_ROWS, sample_weight), None
            sample_weight = None
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
        return cls(feed, scaling, None if validation is None else _held_out(validation, feed, scaling))


def _held_out(validation: tuple[ArrayLike, ArrayLike], feed: Feed, scaling: Scaling | None) -> Data:
    """The validation rows, in the columns of the training rows."""
    if len(validation) != 2:
        raise ValueError(
            f"validation must be (features, labels) or a fraction, not a tuple of {len(validation)}"
        )
    X_val, y_val, _ = as_data(*validation, like=feed.facts.sample)
    facts = feed.facts
    if X_val.shape[1] != facts.width or y_val.shape[1] != facts.num_outputs:
        raise ValueError(
            f"validation features {X_val.shape} and labels {y_val.shape} do not fit "
            f"{facts.width} features and {facts.num_outputs} outputs"
        )
    X_val = X_val.astype(facts.dtype, copy=False)
    if scaling is not None:
        X_val = scaling.features(X_val)
    return Data(X_val, y_val.astype(facts.dtype, copy=False))


def _split(data: Data, fraction: float, rng: np.random.Generator) -> tuple[Data, Data]:
    """The training rows and the rows held out, each in their old order."""
    held = round(as_nonnegative(fraction, "validation") * len(data.X))
    if not 0 < fraction < 1 or not 0 < held < len(data.X):
        raise ValueError(
            f"validation = {fraction!r} of {len(data.X)} rows would hold out {held}; "
            "at least one row must be on each side"
        )
    order = rng.permutation(len(data.X))
    kept, out = np.sort(order[held:]), np.sort(order[:held])
    return data.rows(kept), data.rows(out)
