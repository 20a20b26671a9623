"""Factors: which constant, size or setting stands between a student's value and another one.

The coefficients measured on the probes are a factor when their logarithms, less the exponents of the sizes
and settings, are one constant: 7 at n = 7 and 11 at n = 11 is ``n``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product

import numpy as np

from npreg.exercises.forward.program import Array

CONSTANTS = tuple(Fraction(c) for c in ("1", "2", "1/2", "4", "1/4", "3", "1/3", "8", "1/8"))
_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Factor:
    """``sign`` times ``constant`` times a product of powers of sizes and settings."""

    sign: int = 1
    constant: Fraction | float = Fraction(1)
    powers: tuple[tuple[str, Fraction], ...] = ()

    @property
    def is_one(self) -> bool:
        """Whether it is exactly 1."""
        return self.sign > 0 and self.magnitude_is_one

    @property
    def magnitude_is_one(self) -> bool:
        """Whether it is 1 or −1."""
        return self.constant == 1 and not self.powers

    @property
    def is_usual(self) -> bool:
        """Whether the constant is one that forgotten or doubled factors leave behind."""
        return self.constant in CONSTANTS

    @property
    def hard_coded(self) -> int | None:
        """The whole number that stands where a size or setting should, or None.

        >>> Factor(1, 0.1, (("n", Fraction(1)),)).hard_coded
        10
        """
        if self.is_usual and not self.powers:
            return None
        for value in (1 / float(self.constant), float(self.constant)):
            if abs(value - round(value)) < 1e-6 * value and 3 <= round(value) <= 10_000:
                return round(value)
        return None

    @property
    def cost(self) -> float:
        """How far-fetched the factor is; 0 for 1."""
        cost = 0.0 if self.sign > 0 else 1.0
        if self.constant != 1:
            cost += 1.0 if self.constant in (2, _HALF) else 1.5
        return cost + sum(1.0 if abs(power) == 1 else 2.0 for _, power in self.powers)

    @property
    def expression(self) -> str:
        """The magnitude as text, such as ``n/2`` or ``1/(2n)``.

        >>> Factor(1, Fraction(1, 2), (("n", Fraction(1)),)).expression
        'n/2'
        >>> Factor(-1, Fraction(2), (("n", Fraction(-1)), ("d", Fraction(1, 2)))).expression
        '2*sqrt(d)/n'
        """
        above, below = [], []
        if isinstance(self.constant, Fraction):
            above += [str(self.constant.numerator)] if self.constant.numerator != 1 else []
            below += [str(self.constant.denominator)] if self.constant.denominator != 1 else []
        else:
            above.append(f"{self.constant:.6g}")
        for name, power in self.powers:
            name = f"({name})" if "-" in name else name
            text = {_HALF: f"sqrt({name})", Fraction(1): name}.get(abs(power), f"{name}^{abs(power)}")
            (above if power > 0 else below).append(text)
        if not below:
            return "*".join(above) or "1"
        return f"{'*'.join(above) or '1'}/{below[0] if len(below) == 1 else '(' + '*'.join(below) + ')'}"

    @property
    def codes(self) -> tuple[str, ...]:
        """The stable codes: ``sign`` and ``factor:<expression>``, each only where it applies."""
        sign = () if self.sign > 0 else ("sign",)
        return sign if self.magnitude_is_one else (*sign, f"factor:{self.expression}")

    def value(self, quantities: Mapping[str, float]) -> float:
        """Its value for given sizes and settings."""
        result = self.sign * float(self.constant)
        for name, power in self.powers:
            result *= float(quantities[name]) ** float(power)
        return result


ONE = Factor()


class FactorTable:
    """All products of powers that are looked for, with their logarithms on every probe."""

    def __init__(self, quantities: Sequence[Mapping[str, float]], sizes: Sequence[str]) -> None:
        """``quantities``: the value of every size and setting per probe; ``sizes``: which are sizes."""
        names = [
            name for name in (quantities[0] if quantities else {}) if min(q[name] for q in quantities) > 0
        ]
        self.probes = len(quantities)
        logs = np.array([[np.log(float(q[name])) for q in quantities] for name in names])
        self.powers = [tuple(zip(names, powers, strict=True)) for powers in _exponents(names, set(sizes))]
        matrix = np.array([[float(power) for _, power in row] for row in self.powers])
        self.logs = matrix @ logs if names else np.zeros((1, self.probes))
        differences = self.logs[:, 1:] - self.logs[:, :1]
        if self.probes > 1:
            order = np.argsort(differences[:, 0], kind="stable")
            self.logs, differences = self.logs[order], differences[order]
            self.powers = [self.powers[i] for i in order]
        self.differences = differences
        self.costs = np.array([sum(abs(float(p)) + (p != 0) for _, p in row) for row in self.powers])

    def identify(self, coefficients: Array, tolerance: float = 1e-8) -> Factor | None:
        """The simplest factor with these values on the probes, or None; any constant is allowed."""
        c = np.asarray(coefficients, dtype=float)
        if not np.all(np.isfinite(c)) or np.any(c == 0) or np.any(np.sign(c) != np.sign(c[0])):
            return None
        logs = np.log(np.abs(c))
        difference = logs[1:] - logs[0]
        if self.probes > 1:
            low = np.searchsorted(self.differences[:, 0], difference[0] - tolerance)
            high = np.searchsorted(self.differences[:, 0], difference[0] + tolerance, side="right")
            rows = np.arange(low, high)
            rows = rows[np.all(np.abs(self.differences[low:high] - difference) <= tolerance, axis=1)]
        else:
            rows = np.arange(len(self.powers))
        found = [self._factor(int(np.sign(c[0])), logs, int(row), tolerance) for row in rows]
        return min(found, key=lambda factor: (not factor.is_usual, factor.cost), default=None)

    def possible(self, coefficients: Array, tolerance: float) -> Array:
        """Per row of coefficients, whether ``identify`` could find a factor: a quick look at two probes."""
        with np.errstate(all="ignore"):
            logs = np.log(np.abs(coefficients))
        regular = np.all(np.isfinite(logs), axis=1) & (np.ptp(np.sign(coefficients), axis=1) == 0)
        if self.probes > 1:
            difference = np.where(regular, logs[:, 1] - logs[:, 0], np.inf)
            low = np.searchsorted(self.differences[:, 0], difference - tolerance)
            high = np.searchsorted(self.differences[:, 0], difference + tolerance, side="right")
            regular &= high > low
        return np.asarray(regular)

    def _factor(self, sign: int, logs: Array, row: int, tolerance: float) -> Factor:
        constant = float(np.exp(np.mean(logs - self.logs[row])))
        powers = tuple((name, power) for name, power in self.powers[row] if power != 0)
        for usual in CONSTANTS:
            if abs(constant - float(usual)) <= 4 * tolerance * float(usual):
                return Factor(sign, usual, powers)
        return Factor(sign, constant, powers)


def _exponents(names: Sequence[str], sizes: set[str]) -> list[tuple[Fraction, ...]]:
    """Vectors of exponents with at most two entries that are not zero (three, where all are ±1)."""
    zero = tuple(Fraction(0) for _ in names)
    found = {zero: None}
    for many in (1, 2, 3):
        for places in combinations(range(len(names)), many):
            choices = [_powers(names[i], sizes, many) for i in places]
            for powers in product(*choices):
                row = list(zero)
                for i, power in zip(places, powers, strict=True):
                    row[i] = power
                found[tuple(row)] = None
    return list(found)


def _powers(name: str, sizes: set[str], many: int) -> list[Fraction]:
    powers = [Fraction(1), Fraction(-1)]
    if many <= 2 and name in sizes:
        powers += [_HALF, -_HALF]
    if many == 1 or (many == 2 and name == "n"):
        powers += [Fraction(2), Fraction(-2)]
    return powers
