"""SGD over sparse rows, at a cost in proportion to their stored entries.

A step reads and changes the weights of the columns that its rows have entries in, and no others.  The L2
penalty, which would shrink all of them, is a factor beside them; the sum of the parameters over the steps,
for their average, needs each weight's changes alone:

    Σ_t w_t  =  T w_T + Σ_t (t − 1) δ_t        w_t = w_(t−1) − δ_t

Source: L. Bottou, Stochastic gradient descent tricks, in Neural Networks: Tricks of the Trade (2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npreg.arrays import FloatArray
from npreg.arrays.sparse import SparseRows
from npreg.engines.loops import scheduled_rates
from npreg.loop import Engine, Order, Path
from npreg.losses import Loss
from npreg.sgd import SGD, FixedIntercept, Stepper

CHUNK_ENTRIES = 50_000  # that are gathered together
SMALLEST = 1e-6  # of the factor beside the weights


class SparseColumns:
    """Parameters (K, d) and (K,) that take steps over sparse rows; each column has a rate of its own."""

    def __init__(self, theta: FloatArray, *, intercept: bool = True, sums: bool = False) -> None:
        self.w, self.b = np.array(theta[:-1].T, order="C"), theta[-1].astype(np.float64).tolist()
        self.scale, self.intercept, self.count = np.ones(len(self.b)), intercept, 0
        self.sums = (np.zeros(self.w.shape), np.zeros(len(self.b))) if sums else None

    def steps(
        self,
        X: SparseRows,
        rows: Order,
        batch_size: int,
        y: FloatArray,
        weights: FloatArray | None,
        rates: FloatArray,
        l2: FloatArray | None = None,
        loss: Loss | None = None,
        after: Callable[[], None] | None = None,
    ) -> None:
        """A step for every `batch_size` rows, with labels y (n, K) and rates (K, steps) / batch size.

        `l2` is (K,), if it is anywhere; without `loss` it is the squared one.
        """
        ends, columns, values = X.entries(rows)
        columns, labels, w, b = columns.astype(np.intp), y[rows].T.copy(), self.w, self.b
        lines = np.repeat(np.arange(len(rows)) % batch_size, np.diff(ends, prepend=0))
        given = np.ones(len(rows)) if weights is None else weights[rows]
        outputs, at, bincount, first = range(len(w)), np.subtract.at, np.bincount, 0
        lasts = ends[np.append(np.arange(batch_size - 1, len(rows) - 1, batch_size), len(rows) - 1)].tolist()
        each = rates.tolist()
        for t, last in enumerate(lasts):
            some = slice(t * batch_size, (t + 1) * batch_size)
            c, v, i, s = columns[first:last], values[first:last], lines[first:last], given[some]
            first = last
            r: list[Any] = [bincount(i, v * w[j].take(c), len(s)) if len(i) else np.zeros(len(s)) for j in outputs]
            for j in outputs:
                if l2 is not None:
                    r[j] *= self.scale[j]
                r[j] += b[j]
            if loss is not None:
                y_hat = np.stack(r, axis=1).astype(labels.dtype)
                r = [*np.ascontiguousarray(loss.grad(y_hat, labels[:, some].T).T, np.float64)]
            if l2 is not None:
                self.scale *= 1 - np.array([rate[t] for rate in each]) * l2 * s.sum()
                if np.abs(self.scale).min() < SMALLEST:
                    self.w *= self.scale[:, None]
                    self.scale[:] = 1
            for j in outputs:
                if loss is None:
                    r[j] -= labels[j, some]
                if weights is not None:
                    r[j] *= s
                r[j] *= each[j][t]
                moves = r[j].take(i)
                moves *= v
                if l2 is not None:
                    moves /= self.scale[j]
                at(w[j], c, moves.astype(w.dtype, copy=False))
                if self.intercept:
                    b[j] -= float(r[j].sum() if weights is not None else r[j].dot(s))
                if self.sums is not None:
                    np.add.at(self.sums[0][j], c, self.count * moves)
                    self.sums[1][j] += b[j]
            self.count += 1
            if after is not None:
                after()

    def write(self, theta: FloatArray) -> None:
        """The parameters, into (d + 1, K)."""
        np.multiply(self.w.T, self.scale, out=theta[:-1], casting="same_kind")
        theta[-1] = self.b

    def total(self) -> FloatArray:
        """The sum of the parameters over all steps (without a penalty), (d + 1, K)."""
        assert self.sums is not None
        return np.vstack([(self.count * self.w + self.sums[0]).T, self.sums[1]])


def rows_a_chunk(X: SparseRows, batch_size: int) -> int:
    """How many rows are gathered at once: whole minibatches."""
    entries = len(X.stored[0]) / len(X) * batch_size + 1
    return batch_size * max(1, int(CHUNK_ENTRIES / entries))


class SparseLoop(Engine):
    """Any loss, plain SGD, with or without L2 penalty and intercept."""

    name = "tight"

    def __init__(self, loss: Loss, stepper: Stepper, batch_size: int) -> None:
        self.loss, self.stepper, self.batch_size = loss, stepper, batch_size

    @staticmethod
    def can(stepper: Stepper) -> bool:
        rule = stepper.rule.inner if isinstance(stepper.rule, FixedIntercept) else stepper.rule
        return type(rule) is SGD and not stepper.l1

    def load(self, X: Any, y: FloatArray, weights: FloatArray | None) -> None:
        self.X, self.y, self.weights = X, y, weights
        self.chunk = rows_a_chunk(X, self.batch_size)

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        wants = "nothing" if path is None else getattr(path, "wants", "steps")
        steps = wants == "steps" or (wants == "sum" and bool(self.stepper.l2))
        stepper, ends = self.stepper, []
        l2 = np.full(theta.shape[1], stepper.l2) if stepper.l2 else None
        for order in orders:
            sums = wants == "sum" and not steps
            columns = SparseColumns(theta, intercept=type(stepper.rule) is SGD, sums=sums)

            def after(columns: SparseColumns = columns) -> None:
                columns.write(theta)
                path.append(theta[None].copy())  # type: ignore[union-attr]

            for start in range(0, len(order), self.chunk):
                rows = order[start : start + self.chunk]
                count = -(-len(rows) // self.batch_size)
                rates = scheduled_rates(stepper, count)
                rates = np.full(count, stepper.lr) if rates is None else rates
                rates = np.tile(rates / stepper.divisor, (theta.shape[1], 1))
                each, loss = after if steps else None, None if self.loss.is_squared else self.loss
                columns.steps(
                    self.X, rows, self.batch_size, self.y, self.weights, rates,
                    l2, loss, each,
                )  # fmt: skip
            columns.write(theta)
            if sums:
                path.add(columns.total(), columns.count)  # type: ignore[union-attr]
            ends.append(theta.copy())
        return ends
