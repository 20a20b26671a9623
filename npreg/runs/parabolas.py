"""The squared loss with an L2 penalty is one parabola: how far above its bottom a run is, and the steps to it.

Along an eigenvector of H the mean of a run follows (1 − lr λ)ᵗ, or with momentum the powers of a 2 × 2 matrix:
N. Qian, On the momentum term in gradient descent learning algorithms, Neural Networks 12 (1999) 145.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.runs.feeds import ArrayFeed, Feed
from npreg.runs.sums import LossMoments, Sums
from npreg.sgd import Momentum, Nesterov, Rule

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
class Parabola:
    """The mean squared loss with an L2 penalty, for x − shift and y − middle; made once a run.

    Of fewer rows than columns it is one in the span of the rows: w = basis @ (its coordinates) + what only l2 pulls at.
    """

    basis: FloatArray
    shift: FloatArray
    middle: FloatArray
    H: FloatArray  # (p, p)
    h: FloatArray  # (p, k), the gradient is Hθ − h
    constant: float
    l2: float

    @classmethod
    def of(cls, feed: Feed, l2: float, theta: FloatArray, *, fit_intercept: bool, few_rows: bool) -> Parabola:
        if few_rows:
            X, y, weights = map(np.concatenate, feed.total(_columns))
            basis, R = np.linalg.qr(X.T)
            feed = ArrayFeed(Data(R.T, y, weights))
        else:
            basis = np.eye(feed.facts.width)
        X, y = feed.facts.sample[:2]
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
