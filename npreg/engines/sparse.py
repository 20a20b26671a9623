"""SGD over sparse rows, at a cost in proportion to their stored entries.

A step changes the weights of the columns that its rows have entries in.  The L2 penalty, which would shrink
all of them, is a factor beside them (L. Bottou, Stochastic gradient descent tricks, 2012); the sum of the
parameters over the steps, for their average, is T w_T + Σ_t (t − 1) δ_t with w_t = w_(t−1) − δ_t.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npreg.arrays import FloatArray
from npreg.engines.loops import scheduled_rates
from npreg.loop import Engine, Order, Path
from npreg.losses import Loss
from npreg.sgd import SGD, FixedIntercept, Stepper

CHUNK_ENTRIES = 50_000  # that are gathered together
SMALLEST = 1e-6  # of the factor beside the weights


class SparseColumns:
    """Parameters (K, d + 1) that take steps over sparse rows, the intercept's an entry more in every row."""

    def __init__(self, engine: "SparseLoop", theta: FloatArray, *, sums: bool) -> None:
        self.engine, self.w, self.scale, self.count = engine, theta.T.copy(), np.ones(theta.shape[1]), 0
        self.sums = np.zeros(self.w.shape) if sums else None

    def steps(self, rows: Order, rates: FloatArray, l2: FloatArray | None, after: Callable[[], None] | None) -> None:
        """A step for each minibatch of the rows; rates / batch size (K, steps), and l2, if any, (K,)."""
        X, y, weights = self.engine.data
        batch_size, loss = self.engine.batch_size, None if self.engine.loss.is_squared else self.engine.loss
        ends, columns, values = X.entries(rows, float(self.engine.moves_intercept))
        columns, coded = columns.astype(np.intp, copy=False), bool((values == 1).all())  # codes: nothing to multiply by
        lines, labels = np.repeat(np.arange(len(rows)) % batch_size, np.diff(ends, prepend=0)), y[rows].T.copy()
        outputs = list(zip(range(len(self.w)), self.w, labels, rates.tolist(), strict=True))
        at, bincount, first, casts = np.subtract.at, np.bincount, 0, self.w.dtype != np.float64
        lasts = ends[np.append(np.arange(batch_size - 1, len(rows) - 1, batch_size), len(rows) - 1)].tolist()
        for t, last in enumerate(lasts):
            some = slice(t * batch_size, (t + 1) * batch_size)
            c, i, v = columns[first:last], lines[first:last], None if coded else values[first:last]
            s, first = None if weights is None else weights[rows[some]], last
            r: list[Any] = [bincount(i, w[c] if v is None else v * w[c]) for _, w, _, _ in outputs]
            if l2 is not None:
                r = [y_hat * scale for y_hat, scale in zip(r, self.scale, strict=True)]
            if loss is not None:
                y_hat = np.stack(r, axis=1).astype(labels.dtype)
                r = [*np.ascontiguousarray(loss.grad(y_hat, labels[:, some].T).T, np.float64)]
            if l2 is not None:
                intercepts = self.w[:, -1] * self.scale
                self.scale *= 1 - rates[:, t] * l2 * (len(r[0]) if s is None else s.sum())
                if np.abs(self.scale).min() < SMALLEST:
                    self.w *= self.scale[:, None]
                    self.scale[:] = 1
                self.w[:, -1] = intercepts / self.scale
            for (j, w, label, rate), pull in zip(outputs, r, strict=True):
                if loss is None:
                    pull -= label[some]
                if s is not None:
                    pull *= s
                pull *= rate[t]
                moves = pull[i] if v is None else pull[i] * v
                if l2 is not None:
                    moves /= self.scale[j]
                at(w, c, moves.astype(w.dtype) if casts else moves)
                if self.sums is not None:
                    np.add.at(self.sums[j], c, self.count * moves)
            self.count += 1
            if after is not None:
                after()

    def write(self, theta: FloatArray) -> None:
        """The parameters, into (d + 1, K)."""
        np.multiply(self.w.T, self.scale, out=theta, casting="same_kind")


class SparseLoop(Engine):
    """Any loss, plain SGD, with or without L2 penalty and intercept.

    `lrs` (factors of the stepper's) and `l2`, both (K,), are those of settings that run side by side, for the same y.
    """

    name = "tight"

    def __init__(self, loss: Loss, stepper: Stepper, batch_size: int, lrs: Any = 1.0, l2: Any = None) -> None:
        self.loss, self.stepper, self.batch_size = loss, stepper, batch_size
        self.lrs, self.l2 = lrs, stepper.l2 if l2 is None else l2
        self.moves_intercept = type(stepper.rule) is SGD

    @staticmethod
    def can(stepper: Stepper) -> bool:
        rule = stepper.rule.inner if isinstance(stepper.rule, FixedIntercept) else stepper.rule
        return type(rule) is SGD and not stepper.l1

    def load(self, X: Any, y: FloatArray, weights: FloatArray | None) -> None:
        self.data: Any = X, np.tile(y, np.size(self.lrs) // y.shape[1] or 1), weights
        entries = len(X.stored[0]) / len(X) * self.batch_size + 1
        self.chunk = self.batch_size * max(1, int(CHUNK_ENTRIES / entries))  # whole minibatches

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        stepper, ends, k = self.stepper, [], theta.shape[1]
        lrs, l2 = np.broadcast_to(self.lrs, k), np.broadcast_to(self.l2, k) if np.any(self.l2) else None
        sums = path is not None and l2 is None and getattr(path, "only_sums", False)
        for order in orders:
            columns = SparseColumns(self, theta, sums=sums)

            def after(columns: SparseColumns = columns) -> None:
                columns.write(theta)
                path.append(theta[None].copy())  # type: ignore[union-attr]

            each = None if path is None or sums else after
            for start in range(0, len(order), self.chunk):
                rows = order[start : start + self.chunk]
                count = -(-len(rows) // self.batch_size)
                rates = scheduled_rates(stepper, count)
                rates = np.outer(lrs, np.full(count, stepper.lr) if rates is None else rates) / stepper.divisor
                columns.steps(rows, rates, l2, each)
            columns.write(theta)
            if columns.sums is not None:
                path.add((columns.count * columns.w + columns.sums).T, columns.count)  # type: ignore[union-attr]
            ends.append(theta.copy())
        return ends
