"""The moments engine: the same SGD run, replayed from the moments of its minibatches.

For the squared loss a step reads nothing of a minibatch but G = X̃ᵀX̃ and h = X̃ᵀy, and is an affine map:

    θ ← A θ + c      A = I − (lr/B) G      c = (lr/B) h

Composing is associative, so an epoch is a tree of maps, composed in pairs, all pairs of a level by one call.
An L2 penalty adds to the diagonal of G; momentum makes the state (θ, v) and the map twice as large.  Where
composed maps grow far beyond the parameters, which would lose digits, the chunk is replayed by the loop.
(The parallel prefix sum of G. E. Blelloch, Prefix sums and their applications, 1990.)
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import NamedTuple, TypeAlias

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.engines.loops import FoldedRows, scheduled_rates, steps_a_chunk
from npreg.loop import Engine, Order, OrderedRows, Path, Reduction
from npreg.sgd import SGD, Momentum, Nesterov, Rule, Stepper

MAP_BYTES = 2_500_000  # maps of (θ, v) that are composed together; more leave the cache
FEW = 4  # maps that are applied one by one rather than composed further
# So long states, without and with momentum, cost more to compose than to step through (AMD; Intel with AVX-512).
WIDE, WIDE_PAIR = 17, 12
GROWTH_LIMIT = 1e4  # maps this much larger than the parameters cost four digits: the loop takes over

Dot: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]


def is_affine(rule: Rule, l1: float) -> bool:
    """Whether every step of the rule is an affine map of its state (no L1, a known rule)."""
    return not l1 and type(rule) in (SGD, Momentum, Nesterov)


class BatchMoments(NamedTuple):
    """All that a step reads of its minibatch, for many minibatches; `totals` where a penalty needs them.

    scaled = scale · [X̃ᵀX̃ | −X̃ᵀy], shape (..., steps, p, p + k)      totals = Σ weights, (..., steps)
    """

    scaled: FloatArray
    totals: FloatArray | None
    num_rows: int = 0  # of all of them

    @classmethod
    def of_block(cls, batch_size: int, scale: float, data: Data, order: Order, *, totals: bool) -> "BatchMoments":
        """Of all minibatches of a block's rows in this order, one chunk after the other."""
        rows = FoldedRows(np.float64, batch_size)
        rows.load(data.X, data.y, data.weights, scale)
        index, buffer = rows.padded(order), np.empty((rows.chunk * rows.batch_size, rows.width))
        scaled = np.empty((rows.steps, rows.num_inputs, rows.width))
        for start in range(0, rows.steps, rows.chunk):
            some = slice(start, start + rows.chunk)
            rows.moments(index[some], buffer, scaled[some])
        return cls(scaled, rows.totals(index) if totals else None, rows.num_rows)


class MomentsEngine(Engine):
    """Replays SGD from moments, in float64; `fallback` is the loop that takes over where composed maps grow."""

    name = "moments"

    def __init__(self, stepper: Stepper, batch_size: int, fallback: Engine, largest_norm: float = np.inf) -> None:
        self.stepper, self.rows, self.fallback = stepper, FoldedRows(np.float64, batch_size), fallback
        self.momentum = stepper.rule if isinstance(stepper.rule, Momentum) else None
        self.largest_norm = largest_norm
        self.contracts = False
        # A constant learning rate goes into the rows: one multiplication less a minibatch.
        self.rate_in_rows = stepper.schedule is None and self.momentum is None
        self.scale = (stepper.lr if self.rate_in_rows else 1.0) / stepper.divisor

    def load(self, X: FloatArray, y: FloatArray, weights: FloatArray | None) -> None:
        stepper, rows = self.stepper, self.rows
        self.data: Data | None = Data(X, y, weights)
        rows.load(X, y, weights, self.scale)
        self.chunk = self.steps_a_chunk(rows.batch_size, rows.num_inputs, rows.width)
        # Where no step can have lr/B ‖G‖ + lr l2 > 2, no A has an eigenvalue outside [−1, 1].
        steepest = rows.batch_size / stepper.divisor * self.largest_norm + stepper.l2
        self.contracts = self.rate_in_rows and stepper.lr * steepest <= 2

    def steps_a_chunk(self, batch_size: int, p: int, width: int) -> int:
        """How many minibatches are composed at once, of rows (p inputs and the labels) of this width."""
        chunk = steps_a_chunk(batch_size, width, 8)
        return chunk if self.momentum is None else min(chunk, steps_a_chunk(2 * p, p + width, 8, MAP_BYTES))

    def run(self, theta: FloatArray, orders: Sequence[Order], path: Path | None = None) -> list[FloatArray]:
        rows = self.rows
        together = max(1, self.chunk // rows.steps)  # short epochs share one pass: same sums, fewer calls
        most = min(self.chunk, rows.steps * min(together, len(orders)))
        buffer, store = np.empty((rows.batch_size * most, rows.width)), np.empty((most, rows.num_inputs, rows.width))
        # Looked up once: that takes a third of the time of a step.
        dots = [one.dot for one in store] if self.is_wide(rows.num_inputs) and self.momentum is None else None
        ends: list[FloatArray] = []
        for first in range(0, len(orders), together):
            padded = [rows.padded(order) for order in orders[first : first + together]]
            index = padded[0] if len(padded) == 1 else np.concatenate(padded)
            index = index.reshape(len(padded), -1, rows.batch_size)
            for start in range(0, index.shape[1], self.chunk):
                part = index[:, start : start + self.chunk]
                scaled = store[: part.shape[0] * part.shape[1]].reshape(*part.shape[:2], *store.shape[1:])
                rows.moments(part, buffer, scaled)
                moments = BatchMoments(scaled, rows.totals(part) if self.stepper.l2 else None)
                epochs = self.replay(theta, moments, path, dots) or self.replay_by_loop(theta, part, path)
            ends += epochs
        return ends

    def reduction(self) -> Reduction:
        return partial(BatchMoments.of_block, self.rows.nominal, self.scale, totals=bool(self.stepper.l2))

    def advance(
        self, theta: FloatArray, reduced: BatchMoments, rows: Callable[[], OrderedRows], path: Path | None = None
    ) -> None:
        """The same steps in the same chunks as `run`; `rows` where the loop has to take over."""
        scaled, totals, num_rows = reduced
        chunk = self.steps_a_chunk(min(self.rows.nominal, num_rows), *scaled.shape[-2:])
        index = None
        for start in range(0, len(scaled), chunk):
            some = slice(start, start + chunk)
            moments = BatchMoments(scaled[None, some].copy(), None if totals is None else totals[None, some])
            if self.replay(theta, moments, path) is None:
                if index is None:
                    data, order = rows()
                    self.load(*data)
                    index = self.rows.padded(order)[None]
                self.replay_by_loop(theta, index[:, some], path)

    def is_wide(self, length: int) -> bool:
        """Whether states of this length are stepped through, map by map."""
        return length >= (WIDE if self.momentum is None else WIDE_PAIR)

    def replay(
        self, theta: FloatArray, moments: BatchMoments, path: Path | None, dots: list[Dot] | None = None
    ) -> list[FloatArray] | None:
        """The parameters after each epoch; None, and only the moments are changed, where maps cannot be trusted.

        `dots`, where they are known, are the bound `.dot` of the arrays in which the moments are.
        """
        stepper, first_step, p = self.stepper, self.stepper.steps_done, len(theta)
        parts = [theta]
        if self.momentum is not None:
            parts += [stepper.state[0], stepper.state[1][None]]
        extended = np.concatenate([*parts, np.eye(theta.shape[1])], dtype=np.float64)
        start = extended[: -theta.shape[1]].copy()
        m, maps, negated = len(start), self.maps(moments), self.momentum is None
        wide, steps = self.is_wide(m), maps.shape[1]
        if wide and dots is None:
            dots = [one.dot for one in maps.reshape(-1, *maps.shape[2:])]
        safe = wide or self.cannot_grow(maps)
        levels: list[FloatArray] | None = None if safe and path is None else []
        composed = [] if wide else compose_all(maps, negated=negated, keep=levels)
        state, states = extended[:m], np.empty((0 if path is None else steps, m, theta.shape[1]))
        ends, paths = [], []
        for epoch in range(len(maps)):
            if wide and dots is not None:
                apply_each(dots[epoch * steps : (epoch + 1) * steps], extended, states, negated=negated)
            elif levels is not None and path is not None:
                states[:-1] = states_before([level[epoch] for level in levels], state)[1:]
            for part in composed:
                for one in part[epoch]:
                    state[:] = one.dot(extended)
            # Between epochs the parameters have the run's dtype, however many epochs share a pass.
            ends.append(state[:p].astype(theta.dtype))
            state[:p] = ends[-1]
            if path is not None:
                states[-1] = state
                paths.append(states[:, :p].astype(theta.dtype))
        if levels is not None and not (safe or stay_small(levels[1:], start, state)):
            stepper.steps_done = first_step
            return None
        theta[...] = state[:p]
        if self.momentum is not None:
            stepper.state[0][...] = state[p : m - 1]
            stepper.state[1][...] = state[m - 1]
        for thetas in paths:
            path.append(thetas)  # type: ignore[union-attr]
        return ends

    def maps(self, moments: BatchMoments) -> FloatArray:
        """The affine maps (epochs, steps, m, m + k) of the minibatches, negated where there is no momentum."""
        stepper, maps, totals = self.stepper, moments.scaled, moments.totals  # maps: lr/B · [G | −h]
        epochs, steps, p, width = maps.shape
        rates = scheduled_rates(stepper, epochs * steps)
        if rates is not None:
            rates = rates.reshape(epochs, steps, 1)
        diagonal = maps.reshape(epochs, steps, -1)[..., : p * width : width + 1]
        if self.momentum is None and rates is not None:
            maps *= rates[..., None]
        if totals is not None:
            rate = 1.0 if self.momentum is not None else stepper.lr if rates is None else rates
            diagonal[..., :-1] += rate * stepper.l2 * (totals[..., None] / stepper.divisor)
        if self.momentum is not None:
            return _momentum_maps(self.momentum, maps, stepper.lr if rates is None else rates[..., None])
        diagonal -= 1
        return maps

    def cannot_grow(self, maps: FloatArray) -> bool:
        """Whether no product of the maps has a norm above 1, and no c exceeds twice the largest parameters."""
        if self.contracts or self.momentum is not None:
            return self.contracts
        # −A = lr/B G − I has a trace of at most 2 − m only where all eigenvalues of A are in [−1, 1].
        m, width = maps.shape[-2:]
        trace = np.einsum("ij->i", maps.reshape(-1, m * width)[:, : m * width : width + 1])
        return bool(trace.max() <= 2 - m)

    def replay_by_loop(self, theta: FloatArray, index: Order, path: Path | None) -> list[FloatArray]:
        if self.data is not None:
            self.fallback.load(*self.data)
            self.data = None
        ends: list[FloatArray] = []
        for epoch in index:
            order = epoch.reshape(-1)
            ends += self.fallback.run(theta, [order[order != self.rows.num_rows]], path)
        return ends


def stay_small(levels: list[FloatArray], start: FloatArray, end: FloatArray) -> bool:
    """Whether no composed map grew beyond the parameters, so that no digits were lost in it."""
    m, scale = len(start), max(np.abs(start).max(), np.abs(end).max())

    def is_small(some: FloatArray) -> bool:
        size = np.abs(some)
        small = size.max() <= GROWTH_LIMIT * min(scale, 1.0)  # mostly
        return bool(small or (size[..., :m].max() <= GROWTH_LIMIT and size[..., m:].max() <= GROWTH_LIMIT * scale))

    return bool(np.isfinite(scale)) and all(map(is_small, levels))


def _momentum_maps(momentum: Momentum, moments: FloatArray, rate: FloatArray | float) -> FloatArray:
    """Maps of (θ, v) from g = [G | −h]:  v ← β v + g,  θ ← θ − lr v  or  θ − lr (g + β v)."""
    beta, p = momentum.beta, moments.shape[-2]
    of_g, of_v = (1 + beta, beta * beta) if isinstance(momentum, Nesterov) else (1.0, beta)
    maps, eye = np.zeros((*moments.shape[:-2], 2 * p, p + moments.shape[-1])), np.eye(p)
    step = (rate * of_g) * moments
    maps[..., :p, :p] = eye - step[..., :p]
    maps[..., :p, p : 2 * p] = -(rate * of_v) * eye
    maps[..., :p, 2 * p :] = -step[..., p:]
    maps[..., p:, :p] = moments[..., :p]
    maps[..., p:, p : 2 * p] = beta * eye
    maps[..., p:, 2 * p :] = moments[..., p:]
    return maps


def compose_all(maps: FloatArray, *, negated: bool = False, keep: list[FloatArray] | None = None) -> list[FloatArray]:
    """Compose affine maps (..., T, m, m + k) in time order until few are left, to be applied one after the other.

    A map of a state (m, k) is [A | c], and two neighbours compose to [A2 A1 | A2 c1 + c2]; `negated` ones are
    [−A | −c].  `keep` receives the maps of every level, those of the steps first, not negated.
    """
    m, few = maps.shape[-2], 1 if negated else FEW
    late: list[FloatArray] = []
    if keep is not None:
        maps, negated = -maps if negated else maps, False
        keep.append(maps)
    while maps.shape[-3] > few:
        pairs = maps.shape[-3] // 2
        first, second = maps[..., 0 : 2 * pairs : 2, :, :], maps[..., 1 : 2 * pairs : 2, :, :]
        composed = np.matmul(second[..., :m], first)
        (np.subtract if negated else np.add)(tail := composed[..., m:], second[..., m:], tail)
        if maps.shape[-3] % 2:
            last = maps[..., -1:, :, :]
            late.append(-last if negated else last)
        maps, negated, few = composed, False, FEW
        if keep is not None:
            keep.append(maps)
    return [-maps if negated else maps, *reversed(late)]


def apply_each(dots: list[Dot], extended: FloatArray, states: FloatArray, *, negated: bool) -> None:
    """Apply maps, by their `dot`, to a state above the identity, in two arrays in turn; `states` gets each state."""
    m, sign = len(extended) - states.shape[2], -1.0 if negated else 1.0
    other = sign * extended
    turns = cycle([(extended, other[:m]), (other, extended[:m])])
    if not len(states):
        for dot, (state, result) in zip(dots, turns, strict=False):
            dot(state, result)
    for i, (dot, (state, result)) in enumerate(zip(dots[: len(states)], turns, strict=False)):
        dot(state, result)
        states[i] = result if i % 2 else sign * result
    if len(dots) % 2:
        extended[:m] = sign * other[:m]


def states_before(levels: list[FloatArray], state: FloatArray) -> FloatArray:
    """The states (T, m, k) before every step, from the first one and the levels of `compose_all`, down the tree."""
    m = len(state)
    states = np.empty((len(levels[-1]), *state.shape), state.dtype)
    for i, one in enumerate(levels[-1]):
        states[i] = state
        state = one[:, :m] @ state + one[:, m:]
    for maps in levels[-2::-1]:
        even = 2 * len(states)  # the last of an odd number was not composed
        finer = np.empty((len(maps), *state.shape), state.dtype)
        finer[:even:2] = states
        finer[1:even:2] = maps[:even:2, :, :m] @ states + maps[:even:2, :, m:]
        if even < len(maps):
            finer[-1] = maps[-2, :, :m] @ finer[-2] + maps[-2, :, m:]
        states = finer
    return states
