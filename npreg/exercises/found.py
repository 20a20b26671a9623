"""What was found out about an answer, noted where it is known, by the names of the messages' placeholders."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypedDict

CONSTANTS = tuple(Fraction(c) for c in ("1", "2", "1/2", "4", "1/4", "3", "1/3", "8", "1/8"))


@dataclass(frozen=True)
class Factor:
    """`sign` times `constant` times a product of powers of sizes and settings."""

    sign: int = 1
    constant: Fraction | float = Fraction(1)
    powers: tuple[tuple[str, Fraction], ...] = ()

    @property
    def is_one(self) -> bool:
        return self.sign > 0 and self.magnitude_is_one

    @property
    def magnitude_is_one(self) -> bool:
        return self.constant == 1 and not self.powers

    @property
    def is_usual(self) -> bool:
        """Whether the constant is one that forgotten or doubled factors leave behind, not n/8 with 8 typed in for n."""
        against = dict(self.powers) == {"n": Fraction(1 if self.constant < 1 else -1)}
        return self.constant in CONSTANTS and not (against and self.hard_coded)

    @property
    def hard_coded(self) -> Facts | None:
        """The whole number `value` that stands `instead_of` a size or setting, or None."""
        names = Factor(powers=self.powers)
        pairs = ((names, 1 / float(self.constant)), (names.inverse, float(self.constant))) if self.powers else ()
        return next((Facts(value=round(v), instead_of=str(size)) for size, v in pairs if _is_whole(v)), None)

    @property
    def is_whole(self) -> bool:
        """Whether the constant is a whole number, or one divided by one."""
        return _is_whole(float(self.constant)) or _is_whole(1 / float(self.constant))

    @property
    def parts(self) -> tuple[Factor, Factor]:
        """Its sign and its magnitude."""
        return Factor(self.sign), replace(self, sign=1)

    @property
    def inverse(self) -> Factor:
        return Factor(self.sign, 1 / self.constant, tuple((name, -power) for name, power in self.powers))

    def __mul__(self, other: Factor) -> Factor:
        powers = dict(self.powers)
        for name, power in other.powers:
            powers[name] = powers.get(name, Fraction(0)) + power
        kept = tuple((name, power) for name, power in powers.items() if power)
        return Factor(self.sign * other.sign, self.constant * other.constant, kept)

    def __str__(self) -> str:
        """The magnitude for people: `2·√d/n`."""
        return self._written("·", "√{}").replace("-1", " − 1")

    def _written(self, times: str, root: str) -> str:
        above, below = [f"{float(self.constant):.6g}"], ["1"]
        if isinstance(self.constant, Fraction):
            above, below = [str(self.constant.numerator)], [str(self.constant.denominator)]
        for name, power in self.powers:
            plain = f"({name})" if "-" in name else name
            text = {Fraction(1, 2): root.format(plain), 1: plain}.get(abs(power), f"{plain}^{abs(power)}")
            (above if power > 0 else below).append(text)
        over, under = (times.join(parts[parts[0] == "1" :]) or "1" for parts in (above, below))
        return over if under == "1" else f"{over}/({under})" if times in under else f"{over}/{under}"

    @property
    def codes(self) -> tuple[str, ...]:
        """The stable codes: `sign` and `factor:2*sqrt(d)/n`, each only where it applies."""
        sign = () if self.sign > 0 else ("sign",)
        return sign if self.magnitude_is_one else (*sign, f"factor:{self._written('*', 'sqrt({})')}")

    def value(self, quantities: Mapping[str, float]) -> float:
        """Its value for given sizes and settings."""
        powers = (float(quantities[name]) ** float(power) for name, power in self.powers)
        return math.prod(powers, start=self.sign * float(self.constant))


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6 * value and 3 <= round(value) <= 10_000


ONE = Factor()


class Facts(TypedDict, total=False):
    """What is known, by the placeholders that it fills."""

    factors: Mapping[str, Factor]  # those that codes are about
    quantities: Sequence[Mapping[str, float]]  # the sizes and settings of the probes on which they were measured
    constant: float  # the answer is this number whatever the data
    variable: str  # the function reads this name from outside, though an argument has it
    input: str  # the argument that was changed
    first: str  # the step whose derivative the file gives, and gives wrongly, nearest to the loss
    step: str  # the step that the mistake is about
    inside: str  # the same, if it is about a part of that step which students do not see
    by: str  # a quantity that multiplies where it does not belong
    neighbour: str  # the answer of the same file that shows the same accident more clearly
    suggest: str  # the step whose derivative is worth writing down next, and the one given rightly right above it
    after: str
    enters: str  # the step that an argument enters with the wrong sign
    cut: str  # the setting at which a result is cut off
    averaged: str  # the step that is a statistic with another divisor
    diagonal: str  # the step of whose derivative only the diagonal is used
    zero: float  # the answer is 0 whatever the data
    conventions: tuple[str, ...]  # under which others the answer is right: sum, mean, with-half, without-half
    message: Mapping[str, str] | str  # what a teacher says about a mistake of their own, by language
    used: str  # stands where `meant` belongs, both names that a student sees
    meant: str
    function: str  # another function, a key of the words, taken in the step `meant`
    value: float | str  # a number that was typed in, or the first that is not finite, as it was returned
    instead_of: str  # the size or setting for which the number was typed in
    entry: tuple[int, ...] | None  # the first wrong entry, None for a scalar
    got: tuple[int, ...] | str  # the shape (or the type) that was returned, and the shape asked for
    expected: tuple[int, ...]
    wrong: int  # how many of `size` entries are wrong, on the first probe with any, of these `sizes`
    size: int
    deviation: float  # the largest, relative to the size of the terms
    sizes: Mapping[str, int]
    error: str  # what an exception said, and the line of the student's file
    line: int | None
    wrt: str  # what an answer that is not written yet goes through: from here over the `path` to the `loss`
    shape: str
    path: str
    last: str
    loss: str


@dataclass(frozen=True)
class Place:
    """Where in the student's file one change helps: lines from 1, columns from 0, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    change: str = ""  # what sort of thing is to change
    cell: int | None = None  # of a notebook
    text: str = ""  # the first of the lines
    also: tuple[int, ...] = ()  # lines where the same is to change
    enough: bool = True  # or does it remove one of two mistakes?

    @property
    def marked(self) -> str:
        """The line, without its margin, and a mark under the place."""
        text = self.text.rstrip()
        end = self.end_column if self.end_line == self.line else len(text)
        margin = len(text) - len(text.lstrip())
        before, under = text[margin : self.column], text[self.column : end]
        return f"{text[margin:]}\n{' ' * columns(before)}{'^' * max(columns(under), 1)}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
