"""The notebook's training cell as a loop to be read, and what an engine is.

    the notebook                                    here
    for X, y in data_iter(batch_size, …):           for rows in minibatches(order, batch_size)
        l = squared_loss(linreg(X, w, b), y)            y_hat = linreg(X, w, b)
        l.sum().backward()                              grad_y_hat = squared_loss_grad(y_hat, y)
                                                        grads = linreg_backward(X, grad_y_hat)
        sgd([w, b], lr, batch_size)                     sgd([w, b], grads, lr, batch_size)

An *engine* is loaded with data once, and then advances `theta` = (w; b), shape (d + 1, k), through one epoch
for every order of rows it is given.  `PlainLoop` is that loop, what `train(engine="loop")` runs, and the
reference for every other engine: these (`npreg.engines`) are faster, and equal to it to rounding.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from npreg.arrays import Data, FloatArray
from npreg.data import minibatches
from npreg.linear import linreg, linreg_backward
from npreg.losses import Loss
from npreg.sgd import Stepper

__all__ = ["Engine", "Order", "OrderedRows", "Path", "PlainLoop", "Reduction"]

Order: TypeAlias = NDArray[Any]
OrderedRows: TypeAlias = tuple[Data, Order]
Reduction: TypeAlias = Callable[[Data, Order], Any]


class Path(Protocol):
    """Receives parameters after steps, in time order, as arrays of shape (steps, d + 1, k)."""

    def append(self, thetas: FloatArray, /) -> None: ...


class Engine:
    """Advances parameters through epochs of minibatches."""

    name: str

    def load(self, X: FloatArray, y: FloatArray, weights: FloatArray | None) -> None:
        """Take data of shapes (n, d), (n, k) and (n,); they are not changed."""
        raise NotImplementedError

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        """One epoch an order, `theta` updated in place, every step told to `path`; returns a copy after each."""
        raise NotImplementedError

    def reduction(self) -> Reduction:
        """The function of rows in an order, computed wherever these are, that finds what `advance` needs."""
        return _as_they_are

    def advance(self, theta: FloatArray, reduced: Any, rows: Callable[[], OrderedRows], path: Path | None) -> None:
        """One epoch over rows of which only what they were reduced to is at hand; `rows` gets them all."""
        data, order = reduced
        self.load(*data)
        self.run(theta, [order], path)


def _as_they_are(data: Data, order: Order) -> OrderedRows:
    return data, order


class PlainLoop(Engine):
    """The notebook's loop, for any loss and rule (`Stepper.step` is `sgd`, with what may surround it)."""

    name = "loop"

    def __init__(self, loss: Loss, stepper: Stepper, batch_size: int) -> None:
        self.loss, self.stepper, self.batch_size = loss, stepper, batch_size

    def load(self, X: FloatArray, y: FloatArray, weights: FloatArray | None) -> None:
        self.features, self.labels, self.weights = X, y, weights

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        ends, w, b = [], theta[:-1], theta[-1]
        for order in orders:
            for rows in minibatches(order, self.batch_size):
                X, y, total = self.features[rows], self.labels[rows], float(len(rows))
                y_hat = linreg(X, w, b)
                grad_y_hat = self.loss.grad(y_hat, y)
                if self.weights is not None:
                    grad_y_hat = grad_y_hat * self.weights[rows, None]
                    total = float(self.weights[rows].sum())
                self.stepper.step((w, b), linreg_backward(X, grad_y_hat), total)
                if path is not None:
                    path.append(theta[None].copy())
            ends.append(theta.copy())
        return ends
