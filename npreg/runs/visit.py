"""The orders in which rows, and blocks of rows, are visited, and how far an epoch has come.

Rows in memory: one `rng.permutation(n)` an epoch.  Of row blocks, in every epoch

    block order    rng.permutation(number of blocks)
    row orders     for block i: np.random.default_rng(seeds[i]).permutation(rows in block i)
    seeds          rng.integers(2**63, size=number of blocks)

drawn in this order, and each block is cut into minibatches by itself: a block whose rows are no
multiple of batch_size ends with a short minibatch, and no minibatch spans two blocks.  So which rows
form which minibatch is decided by the blocks and `rng` alone, one sequential pass an epoch is enough,
and any machine can work out the minibatches of its own blocks.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from npreg.arrays import FloatArray
from npreg.loop import Order
from npreg.runs.checkpoint import CheckpointError
from npreg.runs.sums import LossMoments, TreeSum

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

IN_ORDER = -1  # the seed of a block whose rows are taken as they come
AHEAD = 50_000  # rows from which drawing the next order on a thread pays


def in_order(rng: np.random.Generator) -> np.random.Generator:
    """A generator that shuffles nothing: rows, and blocks of rows, in the order in which they are."""

    class InOrder(np.random.Generator):  # here, since `import npreg` does not load np.random
        def permutation(self, x: Any, axis: int = 0) -> Order:
            return np.arange(x)

        def integers(self, *args: Any, size: Any = None, **kwargs: Any) -> Any:
            return np.full(size, IN_ORDER)

    return InOrder(rng.bit_generator)


@cache
def _thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1, "npreg-orders")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_thread.cache_clear)  # threads do not live on in a child


def orders(rng: np.random.Generator, num_rows: int, count: int, *, ahead: bool) -> Generator[Order, None, None]:
    """`count` orders of the rows, one `rng.permutation` each; with `ahead`, the next is drawn on a thread.

    A shuffle of many rows costs as much as an epoch of few features, and NumPy draws it without the
    interpreter's lock.  Closing the generator leaves `rng` at rest.
    """
    draw = partial(rng.permutation, num_rows)
    if not ahead or num_rows < AHEAD:
        for _ in range(count):
            yield draw()
        return
    drawn = None
    try:
        for left in range(count, 0, -1):
            order = drawn.result() if drawn is not None else draw()
            drawn = _thread().submit(draw) if left > 1 else None
            yield order
    finally:
        if drawn is not None:
            drawn.exception()  # waits


def row_order(seed: int, num_rows: int) -> Order:
    """The order of a block's rows that its seed stands for."""
    return np.arange(num_rows) if seed == IN_ORDER else np.random.default_rng(seed).permutation(num_rows)


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
                state |= {f"{part.name}_{level}": np.asarray(getattr(sums, part.name)) for part in fields(sums)}
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
        shapes = {"value": (), "slope": shape, "curvature": (shape[0], shape[0]), "weight": ()}
        summed = any(name.startswith("value_") for name in state)
        levels = [
            LossMoments(*(get(f"{name}_{level}", "f", shapes[name]) for name in shapes))
            if summed and done >> level & 1
            else None
            for level in range(done.bit_length())
        ]
        return cls(blocks, seeds, start, done, TreeSum(levels))
