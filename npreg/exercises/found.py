"""What was found out about an answer, noted where it is known, by the names of the messages' placeholders."""

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

CONSTANTS = tuple(Fraction(c) for c in ("1", "2", "1/2", "4", "1/4", "3", "1/3", "8", "1/8"))


@dataclass(frozen=True)
class Factor:
    """`sign` times `constant` times a product of powers of sizes and settings."""

    sign: int = 1
    constant: Fraction | float = Fraction(1)
    powers: tuple[tuple[str, Fraction], ...] = ()

    @property
    def magnitude_is_one(self) -> bool:
        return self.constant == 1 and not self.powers

    @property
    def is_usual(self) -> bool:
        """Whether the constant is one that forgotten or doubled factors leave behind, not n/8 with 8 typed in for n."""
        against = dict(self.powers) == {"n": Fraction(1 if self.constant < 1 else -1)}
        return self.constant in CONSTANTS and not (against and self.hard_coded)

    @property
    def hard_coded(self) -> "Facts | None":
        """The whole number `value` that stands `instead_of` a size or setting, or None."""
        names = Factor(powers=self.powers)
        pairs = ((names, 1 / float(self.constant)), (names.inverse, float(self.constant))) if self.powers else ()
        return next((Facts(value=round(v), instead_of=str(size)) for size, v in pairs if _is_whole(v)), None)

    @property
    def is_whole(self) -> bool:
        """Whether the constant is a whole number, or one divided by one."""
        return _is_whole(float(self.constant)) or _is_whole(1 / float(self.constant))

    @property
    def inverse(self) -> "Factor":
        return Factor(self.sign, 1 / self.constant, tuple((name, -power) for name, power in self.powers))

    def __mul__(self, other: "Factor") -> "Factor":
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


Facts = dict[str, Any]
"""What is known of a mistake, by the placeholders of the messages that say it: `used` stands where `meant` belongs,
`value` is typed in `instead_of` a setting, `suggest` is the step whose derivative is to be written down `after` one.
Besides, `factors` by the codes that they are about, and the sizes and settings (`quantities`) they were measured on.
"""


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
