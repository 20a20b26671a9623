"""A wrong answer, and how close an explanation must come to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from npreg.exercises.forward.program import Answer, Array
from npreg.exercises.found import Factor
from npreg.exercises.mistakes.bank import Bank, Explanation, Pool, combined
from npreg.exercises.mistakes.mistake import Make, asked


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
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(value.shape for value in self.student)

    @property
    def has_shape(self) -> bool:
        """Whether the shapes are the right ones."""
        return self.shapes == self.bank.signature(self.name)

    def match(self, pool: Pool) -> Iterator[Explanation]:
        """Every mistake in the pool that gives the student's values up to a factor."""
        return pool.match(self.student, self.bank.table, self.tolerance)

    def factor(self, coefficients: Array) -> Factor | None:
        """The factor with these values on the probes."""
        return self.bank.table.identify(coefficients, max(self.tolerance, 1e-7))

    def without(self, make: Make, times: Factor | None) -> Case:
        """The same of what is left when something is taken away."""
        taken = combined([make], [times])
        return replace(self, student=[v - taken(t) for v, t in zip(self.student, self.bank.tapes, strict=True)])

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
