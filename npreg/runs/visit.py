"""The order in which the blocks of an epoch are visited, and how far it has come.

In every epoch the blocks are visited in a random order, and the rows of each in a random order of
their own:

    block order    rng.permutation(number of blocks)
    row orders     for block i: np.random.default_rng(seeds[i]).permutation(rows in block i)
    seeds          rng.integers(2**63, size=number of blocks)

drawn in this order, and each block is cut into minibatches by itself: a block whose rows are no
multiple of batch_size ends with a short minibatch, and no minibatch spans two blocks.  So which rows
form which minibatch is decided by the blocks and `rng` alone, one sequential pass an epoch is enough,
and any machine can work out the minibatches of its own blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npreg.arrays import FloatArray
from npreg.loop import Order
from npreg.runs.checkpoint import CheckpointError
from npreg.runs.orders import IN_ORDER
from npreg.runs.sums import LossMoments, TreeSum

__all__ = ["Visit", "row_order"]


def row_order(seed: int, num_rows: int) -> Order:
    """The order of a block's rows that its seed stands for."""
    if seed == IN_ORDER:
        return np.arange(num_rows)
    return np.random.default_rng(seed).permutation(num_rows)


@dataclass
class Visit:
    """One epoch's way through the blocks: their order, how far it has come, and the loss summed on it."""

    blocks: NDArray[Any]  # their order
    seeds: NDArray[Any]  # of the order of block i's rows, wherever it comes
    start: FloatArray  # parameters (d + 1, k) at the start of the epoch, around which the loss is summed
    done: int = 0  # blocks that are behind
    sums: TreeSum = field(default_factory=TreeSum)

    @classmethod
    def begin(cls, rng: np.random.Generator, num_blocks: int, theta: FloatArray, *, in_order: bool = False) -> Visit:
        """An epoch that begins with these parameters."""
        order = np.arange(num_blocks) if in_order else rng.permutation(num_blocks)
        return cls(order, rng.integers(2**63, size=num_blocks), theta.copy())

    @property
    def left(self) -> list[tuple[int, int]]:
        """The blocks that are left, in order, each with its seed."""
        return [(int(i), int(self.seeds[i])) for i in self.blocks[self.done :]]

    @property
    def is_over(self) -> bool:
        return self.done == len(self.blocks)

    def count(self, moments: LossMoments | None) -> None:
        """Count one more block as done, and add up its loss."""
        self.done += 1
        if moments is not None:
            self.sums.add(moments)

    def mean_loss(self, theta: FloatArray) -> float | None:
        """The mean squared loss at `theta`; None where it was not summed, or digits would be lost."""
        total: LossMoments | None = self.sums.total
        return None if total is None else total.mean_loss(theta.astype(np.float64) - self.start)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as arrays for a checkpoint."""
        state = {name: np.asarray(getattr(self, name)) for name in ("blocks", "seeds", "start", "done")}
        for level, sums in enumerate(self.sums.levels):
            if sums is not None:
                state[f"slope_{level}"], state[f"curvature_{level}"] = sums.slope, sums.curvature
                state[f"totals_{level}"] = np.array([sums.value, sums.weight])
        return state

    @classmethod
    def of_state(cls, state: Mapping[str, NDArray[Any]], num_blocks: int, shape: tuple[int, ...]) -> Visit:
        """Of what `state` returned; CheckpointError names what cannot be, for parameters of this shape."""

        def get(name: str, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
            found = state.get(name)
            if found is None or found.dtype.kind != kind or found.shape != shape:
                what = "missing" if found is None else f"{found.dtype} of shape {found.shape}"
                raise CheckpointError(f"{name} of the epoch's state is {what}; needed is shape {shape}")
            return found

        blocks, seeds = (get(name, "i", (num_blocks,)) for name in ("blocks", "seeds"))
        done, start = int(get("done", "i", ())), get("start", "f", shape)
        if not np.array_equal(np.sort(blocks), np.arange(num_blocks)) or (seeds < IN_ORDER).any():
            raise CheckpointError(f"blocks or seeds of the epoch's state are no order of {num_blocks} blocks")
        if not 0 <= done < num_blocks:
            raise CheckpointError(f"done of the epoch's state is {done}, of {num_blocks} blocks")
        levels: list[LossMoments | None] = [None] * done.bit_length()
        summed = any(name.startswith("totals_") for name in state)
        for level in range(len(levels)):
            if summed and done >> level & 1:
                value, weight = map(float, get(f"totals_{level}", "f", (2,)))
                slope = get(f"slope_{level}", "f", shape)
                curvature = get(f"curvature_{level}", "f", (shape[0], shape[0]))
                levels[level] = LossMoments(value, slope, curvature, weight)
        return cls(blocks, seeds, start, done, TreeSum(levels))
