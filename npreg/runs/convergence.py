"""How far a run has come: its loss above the least one, and the steps that are missing.

Around any θ the mean loss with an L2 penalty is a parabola (squared loss), or below one that touches it (steepness
|loss'(r)| / |r| in every row), L(θ + Δ) ≤ L(θ) + g·Δ + ½ Δᵀ H Δ: least at Δ = −H⁺ g, lower by ½ gᵀ H⁺ g.  For other
losses the step is made and the loss measured, a few times over:
D. R. Hunter and K. Lange, A tutorial on MM algorithms, The American Statistician 58 (2004) 30.
Along an eigenvector of H the mean of a run follows (1 − lr λ)ᵗ, or with momentum the powers of a 2 × 2 matrix:
N. Qian, On the momentum term in gradient descent learning algorithms, Neural Networks 12 (1999) 145.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.arrays.sparse import is_sparse
from npreg.losses import Loss
from npreg.runs.feeds import ArrayFeed, Feed
from npreg.runs.sums import BLOCK_ROWS, LossMoments, Sums
from npreg.sgd import Momentum, Nesterov, Rule

TOLERANCE = 0.01  # of the loss of the best constant: a run that close to the least loss is there
MOST_COLUMNS, FEW_ROWS = (256, 512)  # H is formed up to so many columns, or of so many rows
REPEATS, PRODUCTS = 10, 12  # parabolas that are tried; steps of conjugate gradients
MOST_STEPS = 10**8


@dataclass(frozen=True)
class Speed:
    """What a run still has before it along each eigenvector of H, from which the steps that are missing can be told."""

    curvatures: FloatArray  # (m,), the eigenvalues
    parts: FloatArray  # (m,), the excess
    column: int  # of the features, along which most of the excess is

    def left(self, steps: int, lr: float, rule: Rule, average: float) -> float:
        """The excess that is left, in the mean, after so many steps, the last part of them averaged."""
        beta = rule.beta if isinstance(rule, Momentum) else 0.0
        first, second = (1 + beta, beta * beta) if isinstance(rule, Nesterov) else (1.0, beta)
        A = np.empty((len(self.curvatures), 2, 2))  # of (θ, v): v ← β v + λ θ, θ ← θ − lr (first λ θ + second v)
        A[:, 0, 0], A[:, 0, 1] = 1 - lr * first * self.curvatures, -lr * second
        A[:, 1, 0], A[:, 1, 1] = self.curvatures, beta
        tail = math.ceil(average * steps)
        power = np.linalg.matrix_power(A, steps - max(tail - 1, 0))
        if tail > 1:
            mean = (np.eye(2) - np.linalg.matrix_power(A, tail)) @ np.linalg.pinv(np.eye(2) - A) / tail
            power = mean @ power
        return float(self.parts @ power[:, 0, 0] ** 2)

    def steps_needed(self, target: float, lr: float, rule: Rule, average: float = 0.0) -> int | None:
        """The fewest steps, about, after which less than `target` is left; None beyond 10⁸."""
        few, many = 0, 1
        with np.errstate(all="ignore"):  # where lr is too large, what is left grows beyond all bounds
            while not self.left(many, lr, rule, average) <= target:
                few, many = many, 2 * many
                if many > MOST_STEPS or not lr:
                    return None
        while many - few > max(few // 16, 1):
            middle = (few + many) // 2
            few, many = (few, middle) if self.left(middle, lr, rule, average) <= target else (middle, many)
        return many


@dataclass(frozen=True)
class Excess:
    value: float  # mean loss and penalties, above the least possible; NaN where it is not known
    exact: bool  # otherwise `value` is what the best other solution that was found is better by
    converged: bool | None  # whether `value` is at most a hundredth of `constant`; None where it is not known
    constant: float  # the mean loss of the best constant: for the squared loss half the variance of the labels
    find_speed: Callable[[], Speed] | None = None

    @cached_property
    def speed(self) -> Speed | None:
        with np.errstate(all="ignore"):
            return None if self.find_speed is None else self.find_speed()


def excess(
    feed: Feed, loss: Loss, theta: FloatArray, l2: float = 0.0, l1: float = 0.0, *, fit_intercept: bool = True
) -> Excess:
    """How far theta (d + 1, k) is from the least mean loss + l2/2 Σ w² + l1 Σ |w| over a feed's rows."""
    theta, facts = theta.astype(np.float64), feed.facts
    wide = facts.width > MOST_COLUMNS
    few_rows = wide and facts.num_rows <= FEW_ROWS
    if is_sparse(facts.sample.X) or (wide and l1):  # products of sparse rows would need every column of every row
        return Excess(math.nan, False, None, math.nan)
    find_speed: Callable[[], Speed] | None = None
    with np.errstate(all="ignore"):
        if exact := loss.is_squared and (few_rows or not wide):
            key = l2, None if fit_intercept else tuple(theta[-1])
            if key not in facts.parabolas:
                facts.parabolas[key] = Parabola.of(feed, l2, theta, fit_intercept=fit_intercept, few_rows=few_rows)
            parabola: Parabola = facts.parabolas[key]
            value, constant, find_speed = parabola.above(theta, l1), parabola.constant, partial(parabola.speed, theta)
        else:
            here = _Place.at(feed, loss, theta, fit_intercept)
            value, constant = _by_products(feed, here, l2) if wide else _by_moments(feed, here, l2, l1)
        converged = value <= TOLERANCE * constant if math.isfinite(value) and math.isfinite(constant) else None
        return Excess(value, exact, converged, constant, find_speed)


@dataclass(frozen=True)
class Parabola:
    """The mean squared loss with an L2 penalty, for x − shift and y − middle; made once a run."""

    basis: FloatArray  # of the span of few rows, whose coordinates are H's; outside it only l2 pulls at w
    shift: FloatArray
    middle: FloatArray
    H: FloatArray  # (p, p)
    h: FloatArray  # (p, k), the gradient is Hθ − h
    constant: float
    l2: float

    @classmethod
    def of(cls, feed: Feed, l2: float, theta: FloatArray, *, fit_intercept: bool, few_rows: bool) -> "Parabola":
        if few_rows:
            X, y, weights = map(np.concatenate, feed.total(_columns))
            basis, R = np.linalg.qr(X.T)
            feed = ArrayFeed(Data(R.T, y, weights))
        else:
            basis = np.eye(feed.facts.width)
        X, y, _ = feed.facts.sample
        d, k = feed.facts.width, len(theta[-1])
        shift, middle = np.zeros(d), theta[-1]
        if fit_intercept:
            some = [np.asarray(part[:: max(1, len(X) // 256)]) for part in (X, y)]
            shift, middle = (np.ones(len(part)) @ part / len(part) for part in some)
        start = np.zeros((d + 1, k))
        start[-1] = middle
        sums: LossMoments = feed.total(LossMoments.of, start, shift)
        H, h = sums.curvature / sums.weight, -sums.slope / sums.weight
        if l2:
            H[range(d), range(d)] += l2
        if not fit_intercept:
            H[-1] = H[:, -1] = h[-1] = 0
        constant = (2 * sums.value / sums.weight - np.vdot(h[-1], h[-1])) / (2 * k)
        return cls(basis, shift, middle, H, h, float(constant), l2)

    @cached_property
    def root(self) -> FloatArray:
        return _root_of_inverse(self.H)

    def slope(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The parameters around shift and middle, and the gradient there."""
        theta = np.concatenate([self.basis.T @ theta[:-1], theta[-1:]])
        theta[-1] += self.shift @ theta[:-1] - self.middle
        return theta, self.H @ theta - self.h

    def above(self, theta: FloatArray, l1: float) -> float:
        w, (theta, G) = theta[:-1], self.slope(theta)
        if not l1:
            along, outside = self.root.T @ G, w - self.basis @ theta[:-1]
            return float(np.vdot(along, along) + self.l2 * np.vdot(outside, outside)) / (2 * len(self.middle))
        weights, pairs = l1 * np.append(np.ones(len(theta) - 1), 0.0), zip(G.T, theta.T, strict=True)
        return sum(lowest(self.H, *one, weights)[1] for one in pairs) / len(self.middle)

    def speed(self, theta: FloatArray) -> Speed:
        """In the coordinates in which steps are made, those of features as they came."""
        back = np.eye(len(self.H))
        back[:-1, -1] = self.shift
        curvatures, vectors = _eigen(back @ self.H @ back.T)
        parts = ((vectors.T @ (back @ self.slope(theta)[1])) ** 2).mean(axis=1) / (2 * curvatures)
        worst = self.basis @ vectors[:-1, parts.argmax()] if len(parts) else np.zeros(1)
        return Speed(curvatures, parts, int(np.abs(worst).argmax()))


def _columns(data: Data) -> Sums:
    weights = np.ones(len(data.X)) if data.weights is None else data.weights
    return Sums([[np.asarray(data.X, np.float64)], [data.y], [weights]])


def lowest(H: FloatArray, g: FloatArray, theta: FloatArray, l1: FloatArray) -> tuple[FloatArray, float]:
    """The step to the bottom of g·Δ + ½ ΔᵀHΔ + Σ l1 |θ + Δ|, and how deep it is."""
    if not l1.any():
        root = _root_of_inverse(H)
        along = root.T @ g
        return -root @ along, float(along @ along) / 2
    step, slope, diagonal = np.zeros_like(g), g.copy(), np.diag(H)
    diagonal = np.where(diagonal > 0, diagonal, 1.0)
    for _ in range(1000):  # coordinate descent
        moved = 0.0
        for j in range(len(g)):
            w = theta[j] + step[j]
            goal = w - slope[j] / diagonal[j]
            move = np.sign(goal) * max(abs(goal) - l1[j] / diagonal[j], 0.0) - w
            if move:
                step[j] += move
                slope += H[j] * move
                moved = max(moved, move * move * diagonal[j])
        if moved <= 1e-24 * (theta @ (diagonal * theta) + 1e-300):
            break
    depth = g @ step + step @ H @ step / 2 + l1 @ (np.abs(theta + step) - np.abs(theta))
    return step, -float(depth)


def _root_of_inverse(H: FloatArray) -> FloatArray:
    """R with R Rᵀ = H⁺, of columns brought to one scale."""
    d = np.sqrt(H.diagonal())[:, None]
    d[~(d > 0)] = 1
    curvatures, vectors = _eigen(H / (d * d.T))
    return np.asarray(vectors / d / np.sqrt(curvatures))


def _eigen(H: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues and vectors, but for directions in which there are no data."""
    curvatures, vectors = np.linalg.eigh(H)
    keep = curvatures > len(H) * np.finfo(float).eps * curvatures[-1]
    return curvatures[keep], vectors[:, keep]


@dataclass(frozen=True)
class _Place:
    """Parameters to look around from, for features counted from `shift` on, which keeps the digits."""

    loss: Loss
    theta: FloatArray
    shift: FloatArray
    middle: FloatArray  # a constant about as good as the best, (k,)
    spread: float
    fit_intercept: bool

    @classmethod
    def at(cls, feed: Feed, loss: Loss, theta: FloatArray, fit_intercept: bool) -> "_Place":
        X, y, _ = feed.facts.sample
        middle = y.mean(axis=0, dtype=np.float64) if loss.is_squared else np.median(y, axis=0)
        spread = 1.0 if loss.is_squared else float(np.abs(y - middle).mean()) or float(np.abs(y).mean()) or 1.0
        shift = fit_intercept * np.asarray(X[:: max(1, len(X) // 256)]).mean(axis=0, dtype=np.float64)
        middle = middle if fit_intercept else theta[-1]
        theta = theta.copy()
        theta[-1] += shift @ theta[:-1]
        return cls(loss, theta, shift, middle, spread, fit_intercept)

    def look(self, feed: Feed, D: FloatArray | None = None) -> tuple[float, float, FloatArray, FloatArray]:
        """The mean loss here, that of the best constant, the gradient, and H or HD."""
        weight, value, at_middle, to_mean, G, H = feed.total(_sums, self, D)
        exact = self.loss.is_squared and self.fit_intercept
        better = float(np.sum(to_mean**2)) / (2 * weight) if exact else 0.0
        scale = 1 / (weight * len(to_mean))
        return value * scale, (at_middle - better) * scale, G / weight, H / weight


def _sums(data: Data, here: _Place, D: FloatArray | None = None) -> Sums:
    """Of weights, losses here and at the constant, y − middle, the gradient (p, k), and H (k, p, p) or HD (p, k)."""
    loss, p = here.loss, len(here.theta)
    found = []
    for start in range(0, len(data.X), BLOCK_ROWS):
        X, y, weights = data.rows(slice(start, start + BLOCK_ROWS))
        rows, y = np.ones((len(X), p)), y.astype(np.float64)
        np.subtract(X, here.shift, out=rows[:, :-1])
        r = rows @ here.theta - y
        rows[:, -1] = here.fit_intercept
        s = np.ones((len(X), 1)) if weights is None else weights[:, None]
        from_middle, pulls = y - here.middle, s
        if loss.is_squared:
            losses = [float((s * each * each).sum()) / 2 for each in (r, from_middle)]
        else:  # where a row is fitted nearly exactly, a kink would be infinitely steep
            pulls = s * np.abs(loss.grad(r + y, y)) / np.maximum(np.abs(r), 1e-3 * here.spread)
            middle = np.broadcast_to(here.middle, y.shape)
            losses = [float((s * loss.value(y_hat, y)).sum()) for y_hat in (r + y, middle)]
        if D is None:
            is_one = bool((pulls == pulls[:, :1]).all())  # for all outputs
            H = np.stack([rows.T @ (rows * one[:, None]) for one in pulls.T[: 1 if is_one else None]])
        else:
            H = rows.T @ (pulls * (rows @ D))
        found.append(Sums([float(s.sum()), *losses, (s * from_middle).sum(axis=0), rows.T @ (pulls * r), H]))
    return sum(found[1:], found[0])


def _by_moments(feed: Feed, here: _Place, l2: float, l1: float) -> tuple[float, float]:
    """The excess of other losses, by parabolas that touch them, and the constant's loss."""
    k, penalised = here.theta.shape[1], np.append(np.ones(len(here.theta) - 1), 0.0)
    best, least, start = here, math.inf, None
    for _ in range(REPEATS):
        w, (value, of_constant, G, Hs) = here.theta[:-1], here.look(feed)
        if l2:
            G, Hs = G + l2 * penalised[:, None] * here.theta, Hs + l2 * np.diag(penalised)
        objective = value + float(l2 / 2 * np.sum(w * w) + l1 * np.sum(np.abs(w))) / k
        if start is None:
            start, constant = objective, of_constant
        if objective < least:
            enough = least - objective < TOLERANCE / 10 * constant
            found = [lowest(Hs[min(j, len(Hs) - 1)], G[:, j], here.theta[:, j], l1 * penalised) for j in range(k)]
            step = np.column_stack([step for step, _ in found])
            least, best, here = objective, here, replace(here, theta=here.theta + step)
            if enough:
                break
        else:  # not a parabola from above, as users' losses may be: half the way
            here = replace(here, theta=(best.theta + here.theta) / 2)
    return (start or 0.0) - least, constant


def _by_products(feed: Feed, here: _Place, l2: float) -> tuple[float, float]:
    """A part of the excess by conjugate gradients, one pass a step."""
    k, penalised = here.theta.shape[1], np.append(np.ones(len(here.theta) - 1), 0.0)[:, None]
    _, constant, G, _ = here.look(feed, 0 * here.theta)
    down = -(G + l2 * penalised * here.theta)
    D, length, value = down, np.sum(down * down, axis=0), 0.0
    for _ in range(PRODUCTS):
        HD = here.look(feed, D)[3] + l2 * penalised * D
        rate = np.divide(length, np.sum(D * HD, axis=0), out=np.zeros(k), where=length > 0)
        lower = float(np.sum(rate * length)) / (2 * k)
        value += lower
        if not TOLERANCE / 20 * constant < lower < 3 * TOLERANCE * constant:
            break
        down = down - rate * HD
        before, length = length, np.sum(down * down, axis=0)
        D = down + np.divide(length, before, out=np.zeros(k), where=before > 0) * D
    return value, constant
