"""The orders of rows in memory, one an epoch, drawn ahead of time where that pays."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from npreg.loop import Order

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["AHEAD", "IN_ORDER", "in_order", "orders"]

IN_ORDER = -1  # the seed of a block whose rows are taken as they come

AHEAD = 50_000  # rows from which drawing the next order on a thread pays


@cache
def _thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1, "npreg-orders")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_thread.cache_clear)  # threads do not live on in a child


def in_order(rng: np.random.Generator) -> np.random.Generator:
    """A generator that shuffles nothing: rows, and blocks of rows, in the order in which they are."""

    class InOrder(np.random.Generator):  # here, since `import npreg` does not load np.random
        def permutation(self, x: Any, axis: int = 0) -> Order:
            return np.arange(x)

        def integers(self, *args: Any, size: Any = None, **kwargs: Any) -> Any:
            return np.full(size, IN_ORDER)

    return InOrder(rng.bit_generator)


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
