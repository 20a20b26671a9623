"""How far a run has come: its loss above the least one, and the steps that are missing.

Around any θ the mean loss with an L2 penalty is a parabola (squared loss), or below one that touches it (steepness
|loss'(r)| / |r| in every row), L(θ + Δ) ≤ L(θ) + g·Δ + ½ Δᵀ H Δ: least at Δ = −H⁺ g, lower by ½ gᵀ H⁺ g.  For other
losses the step is made and the loss measured, a few times over:
D. R. Hunter and K. Lange, A tutorial on MM algorithms, The American Statistician 58 (2004) 30.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.arrays.sparse import is_sparse
from npreg.losses import Loss
from npreg.runs.feeds import Feed
from npreg.runs.parabolas import Parabola, Speed, lowest
from npreg.runs.sums import BLOCK_ROWS, Sums

TOLERANCE = 0.01  # of the loss of the best constant: a run that close to the least loss is there
MOST_COLUMNS, FEW_ROWS = (256, 512)  # H is formed up to so many columns, or of so many rows
REPEATS, PRODUCTS = 10, 12  # parabolas that are tried; steps of conjugate gradients


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
class _Place:
    """Parameters to look around from, for features counted from `shift` on, which keeps the digits."""

    loss: Loss
    theta: FloatArray
    shift: FloatArray
    middle: FloatArray  # a constant about as good as the best, (k,)
    spread: float
    fit_intercept: bool

    @classmethod
    def at(cls, feed: Feed, loss: Loss, theta: FloatArray, fit_intercept: bool) -> _Place:
        X, y = feed.facts.sample[:2]
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
    """Of weights, losses here and at the constant, y − middle, the gradient (p, k), and H (k, p, p) or its products HD.

    There is one H for all outputs where no row is steeper than another.
    """
    loss, p = here.loss, len(here.theta)
    found = []
    for start in range(0, len(data.X), BLOCK_ROWS):
        X, y, weights = data.rows(slice(start, start + BLOCK_ROWS))[:3]
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
            each = pulls.T[: 1 if bool((pulls == pulls[:, :1]).all()) else None]
            H = np.stack([rows.T @ (rows * one[:, None]) for one in each])
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
