"""The orders in which rows, and blocks of rows, are visited.

Rows in memory: one `rng.permutation(n)` an epoch.  Of row blocks, in every epoch

    block order    rng.permutation(number of blocks)
    row orders     for block i: np.random.default_rng(seeds[i]).permutation(rows in block i)
    seeds          rng.integers(2**63, size=number of blocks)

drawn in this order, and each block is cut into minibatches by itself, the last of which may be short.  So which
rows form which minibatch is decided by the blocks and `rng` alone, and one sequential pass an epoch is enough.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from npreg.loop import Order

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

BlockOrder: TypeAlias = list[tuple[int, int]]  # the blocks of an epoch, each with the seed of its rows' order

IN_ORDER = -1  # the seed of a block whose rows are taken as they come
AHEAD = 50_000  # rows from which drawing the next order on a thread pays


@cache
def _thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1, "npreg-orders")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_thread.cache_clear)  # threads do not live on in a child


def orders(
    rng: np.random.Generator, num_rows: int, count: int, *, ahead: bool, shuffle: bool = True
) -> Generator[Order, None, None]:
    """`count` orders of the rows, one `rng.permutation` each; closing the generator leaves `rng` at rest.

    With `ahead` the next is drawn on a thread: a shuffle of many rows costs as much as an epoch of few features.
    """
    draw: Any = partial(rng.permutation if shuffle else np.arange, num_rows)
    drawn = None
    try:
        for left in range(count, 0, -1):
            order = drawn.result() if drawn is not None else draw()
            drawn = _thread().submit(draw) if ahead and shuffle and num_rows >= AHEAD and left > 1 else None
            yield order
    finally:
        if drawn is not None:
            drawn.exception()  # waits


def row_order(seed: int, num_rows: int) -> Order:
    return np.arange(num_rows) if seed == IN_ORDER else np.random.default_rng(seed).permutation(num_rows)


def visit_order(
    rng: np.random.Generator, num_blocks: int, *, in_order: bool = False, shuffle: bool = True
) -> BlockOrder:
    if not shuffle:
        return [(i, IN_ORDER) for i in range(num_blocks)]
    order = np.arange(num_blocks) if in_order else rng.permutation(num_blocks)
    seeds = rng.integers(2**63, size=num_blocks)
    return [(int(i), int(seeds[i])) for i in order]
