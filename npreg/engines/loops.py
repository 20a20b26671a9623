"""Two loops over minibatches: the plain loop's arithmetic in few NumPy calls a step, on rows gathered in chunks."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.data import minibatches
from npreg.loop import Engine, Order, Path
from npreg.losses import Loss
from npreg.sgd import SGD, Stepper

CHUNK_BYTES = 700_000  # gathered rows that stay in a 1 MB second-level cache
TABLE_BYTES = 60_000_000  # of folded rows that are kept; of more each chunk is folded when it is gathered


class FoldedRows:
    """Rows (x, 1, −y), scaled by √(weight · scale); row number n is zeros, for padding."""

    def __init__(self, dtype: Any, batch_size: int) -> None:
        self.dtype, self.nominal = np.dtype(dtype), batch_size

    def load(self, X: FloatArray, y: FloatArray, weights: FloatArray | None, scale: float) -> None:
        n, d = X.shape
        self.num_rows, self.num_inputs, self.width = n, d + 1, d + 1 + y.shape[1]
        self.batch_size = min(self.nominal, n)  # one larger than n needs no padding up to it
        self.steps = -(-n // self.batch_size)  # a short last minibatch is padded with rows of zeros
        self.chunk = steps_a_chunk(self.batch_size, self.width, self.dtype.itemsize)
        self.data, self.root = Data(X, y, weights), math.sqrt(scale)
        self.table: FloatArray | None = None
        if n * self.width * self.dtype.itemsize <= TABLE_BYTES:
            self.table = Z = np.empty((n + 1, self.width), self.dtype)
            self.fold(X, y, weights, Z[:n])
            Z[n] = 0

    def fold(self, X: FloatArray, y: FloatArray, weights: FloatArray | None, Z: FloatArray) -> None:
        X, d = np.asarray(X), X.shape[1]
        for some in [slice(d)] if d > 4 else range(d):  # short lines are slow
            np.multiply(X[:, some], self.root, out=Z[:, some], casting="same_kind")
        Z[:, d] = self.root
        np.multiply(y, -self.root, out=Z[:, d + 1 :], casting="same_kind")
        if weights is not None:
            Z *= np.sqrt(weights, dtype=self.dtype)[:, None]

    def padded(self, order: Order) -> Order:
        """The order cut into minibatches, as indices (steps, B) into the table."""
        missing = -len(order) % self.batch_size
        if missing:
            order = np.concatenate([order, np.full(missing, self.num_rows, order.dtype)])
        return order.reshape(-1, self.batch_size)

    def gather(self, index: Order, out: FloatArray) -> FloatArray:
        """The rows of `index` (steps, B), in the first rows of the flat buffer `out`."""
        flat, rows = out[: index.size], index.reshape(-1)
        if self.table is not None:
            np.take(self.table, rows, axis=0, out=flat, mode="clip")
        else:
            X, y = (part.take(rows, axis=0, mode="clip") for part in (self.data.X, self.data.y))
            weights = self.data.weights
            self.fold(X, y, None if weights is None else weights.take(rows, mode="clip"), flat)
            flat[rows == self.num_rows] = 0
        return flat.reshape(*index.shape, self.width)

    def moments(self, index: Order, buffer: FloatArray, out: FloatArray) -> None:
        """X̃ᵀ (X̃ | −y) of every minibatch of `index` (..., B), scaled as the rows, which are gathered in `buffer`."""
        Z = self.gather(index, buffer)
        # Operands of different widths keep NumPy from the slower symmetric product.
        np.matmul(Z[..., : self.num_inputs].swapaxes(-1, -2), Z, out)

    def totals(self, index: Order) -> FloatArray:
        """The number of rows, or their total weight, of each minibatch of `index` (..., B)."""
        if self.data.weights is None:
            return np.asarray(np.count_nonzero(index != self.num_rows, axis=-1), np.float64)
        return np.asarray(np.add.reduce(np.append(self.data.weights, 0.0)[index], axis=-1, dtype=np.float64))


def steps_a_chunk(batch_size: int, width: int, itemsize: int, limit: int = CHUNK_BYTES) -> int:
    """How many minibatches are gathered at once: a power of two, which halves evenly, down to one map."""
    most = max(1, limit // (batch_size * width * itemsize))
    return 1 << (most.bit_length() - 1)


class FoldedLoop(Engine):
    """Three NumPy calls a step, for the squared loss with plain SGD and an L2 penalty; bias and label are columns.

    With rows z = √(lr/B) (x, 1, −y):   r = Z (θ, 1),   θ −= Zᵀr,  which is lr/B · X̃ᵀ(X̃θ − y).
    """

    name = "tight"

    def __init__(self, stepper: Stepper, batch_size: int, dtype: Any) -> None:
        self.stepper, self.rows = stepper, FoldedRows(dtype, batch_size)

    def load(self, X: FloatArray, y: FloatArray, weights: FloatArray | None) -> None:
        stepper, rows = self.stepper, self.rows
        rows.load(X, y, weights, (stepper.lr if stepper.schedule is None else 1.0) / stepper.divisor)
        B, k = rows.batch_size, y.shape[1]
        outputs = () if k == 1 else (k,)  # one output is a vector: matrix times vector is the faster call
        views = min(rows.chunk, rows.steps)
        self.buffer = np.empty((views * B, rows.width), rows.dtype)
        self.residual = np.empty((B, *outputs), rows.dtype)
        self.gradient = np.empty((rows.width, *outputs), rows.dtype)
        self.extended = np.zeros((rows.width, *outputs), rows.dtype)
        self.extended.reshape(rows.width, k)[-k:] = np.eye(k)
        self.calls = [(Z.dot, Z.T.dot) for Z in self.buffer.reshape(views, B, rows.width)]

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        rows, inner = self.rows, self.extended[: len(theta)]
        inner[...] = theta.reshape(inner.shape)
        ends: list[FloatArray] = []
        for order in orders:
            index = rows.padded(order)
            for start in range(0, len(index), rows.chunk):
                part = index[start : start + rows.chunk]
                self.steps(rows.gather(part, self.buffer), part, inner, path)
            ends.append(inner.reshape(theta.shape).copy())
        theta[...] = ends[-1]
        return ends

    def steps(self, Z: FloatArray, index: Order, inner: FloatArray, path: Path | None) -> None:
        """The steps of one gathered chunk (steps, B, width), on the engine's own parameters."""
        stepper, residual, gradient, extended = self.stepper, self.residual, self.gradient, self.extended
        inner_gradient, subtract = gradient[: len(inner)], np.subtract
        rates = scheduled_rates(stepper, len(Z))
        if rates is not None:
            Z *= np.sqrt(rates, dtype=Z.dtype)[:, None, None]
        if not stepper.l2 and path is None:
            for dot, dot_transposed in self.calls[: len(Z)]:
                dot(extended, residual)
                dot_transposed(residual, gradient)
                subtract(inner, inner_gradient, inner)
            return
        shares = self.rows.totals(index) / stepper.divisor
        shrinks = (stepper.lr if rates is None else rates) * stepper.l2 * shares
        for (dot, dot_transposed), shrink in zip(self.calls, shrinks.astype(Z.dtype), strict=False):
            dot(extended, residual)
            dot_transposed(residual, gradient)
            inner[:-1] -= shrink * inner[:-1]  # not `*= 1 - shrink`: that rounds the same way each step
            subtract(inner, inner_gradient, inner)
            if path is not None:
                path.append(inner.reshape(1, len(inner), -1).copy())


class WideLoop(Engine):
    """Any loss and any rule; no copy of the data is made, which pays where rows are long."""

    name = "tight"

    def __init__(self, loss: Loss, stepper: Stepper, batch_size: int) -> None:
        self.loss, self.stepper, self.nominal = loss, stepper, batch_size

    def load(self, X: FloatArray, y: FloatArray, weights: FloatArray | None) -> None:
        self.data = X, y, weights
        B = self.batch_size = min(self.nominal, len(X))
        steps = max(1, CHUNK_BYTES // (B * X.shape[1] * X.itemsize))
        self.chunk = B * min(steps, -(-len(X) // B))
        self.X_rows = np.empty((self.chunk, X.shape[1]), X.dtype)
        self.y_rows = np.empty((self.chunk, y.shape[1]), X.dtype)
        self.views = [self.views_of(slice(start, start + B)) for start in range(0, self.chunk, B)]

    def views_of(self, rows: slice) -> tuple[Any, ...]:
        """What a step needs of the gathered rows: X·, Xᵀ·, 1ᵀ·, labels and residuals, flat and (B, k)."""
        X, y = self.X_rows[rows], self.y_rows[rows]
        r, ones = np.empty_like(y), np.ones(len(y), y.dtype)
        flat = (y, r) if y.shape[1] > 1 else (y[:, 0], r[:, 0])  # vectors make for the faster calls
        return X.dot, X.T.dot, ones.dot, *flat, y, r

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        X, y, weights = self.data
        ends = []
        for order in orders:
            for chunk in minibatches(order, self.chunk):
                np.take(X, chunk, axis=0, out=self.X_rows[: len(chunk)], mode="clip")
                np.take(y, chunk, axis=0, out=self.y_rows[: len(chunk)], mode="clip")
                self.steps(len(chunk), None if weights is None else weights[chunk, None], theta, path)
            ends.append(theta.copy())
        return ends

    def steps(self, num_rows: int, weights: FloatArray | None, theta: FloatArray, path: Path | None) -> None:
        """The steps of the gathered rows."""
        B, stepper = self.batch_size, self.stepper
        squared, plain = self.loss.is_squared, type(stepper.rule) is SGD and not stepper.l2 and not stepper.l1
        views = self.views[: num_rows // B]
        if num_rows % B:
            views = [*views, self.views_of(slice(num_rows - num_rows % B, num_rows))]
        w, b = theta[:-1], theta[-1]
        flat_w = w[:, 0] if w.shape[1] == 1 else w
        grad_w, subtract = np.empty_like(flat_w), np.subtract
        scheduled, factor = stepper.schedule is not None, stepper.lr / stepper.divisor
        for t, (dot, dot_transposed, sum_rows, flat_y, flat_r, y, r) in enumerate(views):
            dot(flat_w, flat_r)
            np.add(flat_r, b, flat_r)
            if squared:
                subtract(flat_r, flat_y, flat_r)
            else:
                r[...] = self.loss.grad(r, y)
            if weights is not None:
                r *= weights[t * B : t * B + B]
            if plain:
                if scheduled:
                    factor = stepper.rate(stepper.steps_done) / stepper.divisor
                stepper.steps_done += 1
                np.multiply(flat_r, factor, flat_r)
                dot_transposed(flat_r, grad_w)
                subtract(flat_w, grad_w, flat_w)
                b -= sum_rows(flat_r)
            else:
                total = float(len(r) if weights is None else weights[t * B : t * B + B].sum())
                stepper.step((w, b), (dot_transposed(r), sum_rows(r)), total)
            if path is not None:
                path.append(theta[None].copy())


def scheduled_rates(stepper: Stepper, count: int) -> FloatArray | None:
    """The learning rates of the next `count` steps, which are counted as done; None if constant."""
    first = stepper.steps_done
    stepper.steps_done += count
    if stepper.schedule is None:
        return None
    return np.array([stepper.rate(step) for step in range(first, first + count)])
