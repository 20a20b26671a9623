"""A wrong answer, and what explains it: mistakes that come close enough to it on every probe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from npreg.exercises.forward.program import Answer, Array
from npreg.exercises.forward.verdict import Reference
from npreg.exercises.found import ONE, Factor, Facts
from npreg.exercises.mistakes.bank import Bank, Pool, Signature
from npreg.exercises.mistakes.factors import quantities, scaled
from npreg.exercises.mistakes.mistake import REFUSED, RIGHT, Make, asked
from npreg.exercises.mistakes.preference import cost

Turn = Callable[[Array, Array], Array]
SIGNLESS = frozenset({"wrong-variable", "loss-for-derivative"})


@dataclass(frozen=True)
class Explanation:
    """What equals the student's value, once `turn(value, right)` brought that into its shape, on every fixed probe."""

    codes: tuple[str, ...]
    cost: float
    make: Make = field(repr=False)
    found: Facts = field(default_factory=Facts)
    turn: Turn = field(default=lambda value, right: value, repr=False)
    parts: tuple[Make, ...] = field(default=(), repr=False)  # the values with one of two mistakes alone
    alternatives: tuple[str, ...] = ()  # the codes of its twins

    def fits(self, value: Array, name: str, at: Reference, close: float) -> bool:
        """Whether it also explains the student's value on another probe."""
        right = at.right[name]
        try:
            turned, predicted = np.asarray(self.turn(value, right)), np.asarray(self.make(at.tape))
            predicted = predicted.reshape(turned.shape)
        except REFUSED:
            return False
        size = max(float(np.max(np.abs(array), initial=0.0)) for array in (turned, predicted, right))
        return bool(np.max(np.abs(turned - predicted), initial=0.0) <= close * size)


def combined(columns: Sequence[Make], factors: Sequence[Factor | None]) -> Make:
    """The sum of columns with their factors."""
    pairs = [(factor, column) for factor, column in zip(factors, columns, strict=True) if factor is not None]
    return lambda tape: np.asarray(sum(factor.value(quantities(tape)) * column(tape) for factor, column in pairs))


@dataclass(frozen=True)
class Case:
    """A wrong answer: the student's values on the bank's probes, and how close an explanation must come to them."""

    bank: Bank
    name: str
    student: Sequence[Array]
    tolerance: float

    @property
    def answer(self) -> Answer:
        return asked(self.bank.exercise, self.name)

    @property
    def shapes(self) -> Signature:
        return tuple(value.shape for value in self.student)

    @property
    def has_shape(self) -> bool:
        """Whether the shapes are the right ones."""
        return self.shapes == self.bank.signature(self.name)

    def factor(self, coefficients: Array) -> Factor | None:
        """The factor with these values on the probes."""
        return self.bank.table.identify(coefficients, max(self.tolerance, 1e-7))

    def without(self, make: Make, times: Factor | None) -> Case:
        """The same of what is left when something is taken away."""
        taken = combined([make], [times])
        return replace(self, student=[v - taken(t) for v, t in zip(self.student, self.bank.tapes, strict=True)])

    def match(self, pool: Pool) -> Iterator[Explanation]:
        """Every mistake in the pool that gives the student's values up to a factor."""
        if not pool.mistakes:
            return
        parts = np.split(pool.matrix, np.cumsum([value.size for value in self.student])[:-1], axis=1)
        coefficients, close = [], np.ones(len(pool.mistakes), dtype=bool)
        for part, flat in zip(parts, map(np.ravel, self.student), strict=True):
            scale = np.einsum("ij,ij->i", part, part)
            c = part @ flat / np.where(scale > 0, scale, np.inf)
            error = np.max(np.abs(flat - c[:, None] * part), axis=1)
            close &= error <= self.tolerance * max(np.max(np.abs(flat)), 1e-300)
            coefficients.append(c)
        measured = np.stack(coefficients, axis=1)
        blank = np.array([np.max(np.abs(value)) <= 1e-12 for value in self.student])
        if np.any(blank) and not np.all(blank):  # 0 on both sides says nothing about the factor
            measured[:, blank] = measured[:, [int(np.argmin(blank))]]
        for i in np.flatnonzero(close):
            mistake, factor = pool.mistakes[i], self.factor(measured[i])
            if factor is not None and (factor.is_usual or not mistake.codes):
                codes, found = scaled(factor)
                if any(kind.free_scale for kind in mistake.kinds):
                    signed = factor.sign < 0 and SIGNLESS.isdisjoint(mistake.codes)
                    codes, found = ("sign",) if signed else (), Facts()
                halves = [(half, ONE) for half in mistake.halves]
                if codes and not halves:
                    first = (mistake, ONE) if mistake.codes else (RIGHT, Factor(factor.sign))
                    halves = [first, (RIGHT, factor if mistake.codes else replace(factor, sign=1))]
                make, *alone = (combined([partial(m.value, self.name)], [f]) for m, f in [(mistake, factor), *halves])
                price, facts = cost(mistake.kinds, factor), mistake.found | found
                yield Explanation((*mistake.codes, *codes), price, make, facts, parts=tuple(alone))

    def fit(self, columns: Sequence[Make]) -> list[Factor | None] | None:
        """The factor of every column (None for 0), or None where the columns do not make the student's value."""
        measured = []
        for value, tape in zip(self.student, self.bank.tapes, strict=True):
            matrix = np.stack([np.ravel(column(tape)) for column in columns], axis=1)
            flat, sizes = value.ravel(), np.linalg.norm(matrix, axis=0)
            if len(flat) < len(columns) or not np.all((sizes > 1e-12) & (sizes < np.inf)):
                return None
            if np.linalg.matrix_rank(matrix / sizes, tol=1e-6) < len(columns):
                return None
            c = np.linalg.lstsq(matrix / sizes, flat, rcond=None)[0] / sizes
            if np.max(np.abs(matrix @ c - flat)) > self.tolerance * np.max(np.abs(flat)):
                return None
            measured.append(np.where(np.abs(c) * sizes < 1e-8 * np.max(np.abs(flat)), 0.0, c))
        rows = np.transpose(measured)
        found = [self.factor(row) if np.any(row) else None for row in rows]
        return None if any(f is None and np.any(row) for f, row in zip(found, rows, strict=True)) else found
