"""What runs on a worker: functions of one block of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from npreg.arrays import Data, FloatArray, Kind
from npreg.loop import OrderedRows, Reduction
from npreg.runs.blocks import as_block
from npreg.runs.scaling import Scaling
from npreg.runs.sums import LossMoments
from npreg.runs.visit import row_order

__all__ = ["Place", "Visited", "add", "as_it_is", "number_of_rows", "ordered", "rows_of", "together", "visited"]


@dataclass(frozen=True)
class Place:
    """How a block is looked at: its number, what is known of it, and the scale to put its features on."""

    number: int
    num_rows: int
    labelled: bool = True
    kind: Kind | None = None
    scaling: Scaling | None = None

    def knowing(self, kind: Kind, scaling: Scaling | None = None) -> Place:
        return replace(self, kind=kind, scaling=scaling)

    def look(self, found: tuple[Any, ...]) -> Data:
        """What was computed for the block, looked at: ValueError or TypeError for what is no data."""
        if not self.labelled:
            found = _with_any_labels(found)
        data = as_block(found[0] if len(found) == 1 else found, self.number, self.num_rows)
        if self.kind is not None:
            data.check_kind(self.number, self.kind)
        return data if self.scaling is None else self.scaling.data(data)

    def apply(self, function: Callable[..., Any], arguments: tuple[Any, ...], *found: Any) -> Any:
        """function(data, *arguments) of what was computed for the block."""
        return function(self.look(found), *arguments)


def _with_any_labels(found: tuple[Any, ...]) -> tuple[Any, ...]:
    """Data for questions about features: (features, features[, weights]), of blocks or themselves blocks."""
    X, _, *weights = found
    if isinstance(X, (tuple, list)):
        return (X,)
    return X, np.zeros(np.shape(X)[:1], int), *weights


@dataclass(frozen=True)
class Visited:
    """What an epoch needs of a block: what the engine reads, and the moments of the loss."""

    reduced: Any
    loss: LossMoments | None


def visited(data: Data, reduction: Reduction, seed: int, around: FloatArray | None) -> Visited:
    """A block reduced in the order of its seed, and the moments of its loss `around` parameters."""
    loss = None if around is None else LossMoments.of(data, around)
    return Visited(reduction(*ordered(data, seed)), loss)


def ordered(data: Data, seed: int) -> OrderedRows:
    return data, row_order(seed, len(data.X))


def as_it_is(data: Data) -> Data:
    return data


def together(*chunks: Any) -> Any:
    """Neighbouring chunks of rows as one, of arrays or of tuples (features, labels, …)."""
    if isinstance(chunks[0], (tuple, list)):
        return tuple(together(*column) for column in zip(*chunks, strict=True))
    return np.concatenate([np.asarray(chunk) for chunk in chunks])


def rows_of(part: Any, first: int, last: int) -> Any:
    return getattr(part, "iloc", part)[first:last]


def number_of_rows(found: Any) -> int:
    """Rows of features, or of a block (features, labels)."""
    return len(found[0]) if isinstance(found, (tuple, list)) else len(found)


def add(one: Any, other: Any) -> Any:
    return one + other
