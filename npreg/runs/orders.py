"""The orders of rows in memory, one an epoch, drawn ahead of time where that pays."""

from __future__ import annotations

import threading

import numpy as np

from npreg.loop import Order

__all__ = ["AHEAD", "Orders"]

AHEAD = 50_000  # rows from which drawing the next order on a thread pays


class Orders:
    """`count` orders of the rows, one `rng.permutation` each; with `ahead`, the next is drawn on a thread.

    A shuffle of many rows costs as much as an epoch of few features, and NumPy draws it without the
    interpreter's lock.
    """

    def __init__(self, rng: np.random.Generator, num_rows: int, count: int, *, ahead: bool) -> None:
        self.rng, self.num_rows, self.left, self.ahead = rng, num_rows, count, ahead
        self.thread: threading.Thread | None = None
        self.drawn: Order | None = None
        self.start()

    def start(self) -> None:
        if self.ahead and self.left:
            self.thread = threading.Thread(target=self.draw, daemon=True)
            self.thread.start()

    def draw(self) -> None:
        self.drawn = self.rng.permutation(self.num_rows)

    def next(self) -> Order:
        """The next order."""
        self.left -= 1
        if self.thread is None:
            return self.rng.permutation(self.num_rows)
        self.close()
        order, self.drawn = self.drawn, None
        assert order is not None
        self.start()
        return order

    def close(self) -> None:
        """Wait until the generator is at rest."""
        if self.thread is not None:
            self.thread.join()
