"""What was found out about an answer: typed records, made where it is known. They speak no language.

A message's placeholders are the fields of these records, so what no record holds cannot be said.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

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
    def hard_coded(self) -> HardCoded | None:
        """The whole number that stands where a size or setting should, or None.

        >>> Factor(1, 0.1, (("n", Fraction(1)),)).hard_coded
        HardCoded(value=10, instead_of='n')
        """
        names = Factor(powers=self.powers)
        for size, value in ((names, 1 / float(self.constant)), (names.inverse, float(self.constant))):
            if self.powers and _is_whole(value):
                return HardCoded(round(value), str(size))
        return None

    @property
    def is_whole(self) -> bool:
        """Whether the constant is a whole number, or one divided by one."""
        return _is_whole(float(self.constant)) or _is_whole(1 / float(self.constant))

    @property
    def inverse(self) -> Factor:
        """One divided by it."""
        return Factor(self.sign, 1 / self.constant, tuple((name, -power) for name, power in self.powers))

    def __mul__(self, other: Factor) -> Factor:
        powers = dict(self.powers)
        for name, power in other.powers:
            powers[name] = powers.get(name, Fraction(0)) + power
        kept = tuple((name, power) for name, power in powers.items() if power)
        return Factor(self.sign * other.sign, self.constant * other.constant, kept)

    @property
    def expression(self) -> str:
        """The magnitude as text, such as ``n/2`` or ``1/(2n)``.

        >>> Factor(1, Fraction(1, 2), (("n", Fraction(1)),)).expression
        'n/2'
        >>> Factor(-1, Fraction(2), (("n", Fraction(-1)), ("d", Fraction(1, 2)))).expression
        '2*sqrt(d)/n'
        """
        return self._written("*", "sqrt({})", "({})")

    def __str__(self) -> str:
        """The magnitude for people: ``2·√d/n``."""
        return self._written("·", "√{}", "({})").replace("-1", " − 1")

    def _written(self, times: str, root: str, bracket: str) -> str:
        above, below = [], []
        if isinstance(self.constant, Fraction):
            above += [str(self.constant.numerator)] if self.constant.numerator != 1 else []
            below += [str(self.constant.denominator)] if self.constant.denominator != 1 else []
        else:
            above.append(f"{self.constant:.6g}")
        for name, power in self.powers:
            plain = bracket.format(name) if "-" in name else name
            text = {_HALF: root.format(plain), Fraction(1): plain}.get(abs(power), f"{plain}^{abs(power)}")
            (above if power > 0 else below).append(text)
        if not below:
            return times.join(above) or "1"
        under = below[0] if len(below) == 1 else bracket.format(times.join(below))
        return f"{times.join(above) or '1'}/{under}"

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


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6 * value and 3 <= round(value) <= 10_000


ONE = Factor()


@dataclass(frozen=True)
class Scale:
    """The factor that a code is about, and the sizes and settings of the probes on which it was measured."""

    code: str
    factor: Factor
    quantities: tuple[Mapping[str, float], ...] = ()


Slot: TypeAlias = Literal[
    "constant",  # the answer is this number whatever the data
    "variable",  # the function reads this name from outside, though an argument has it
    "input",  # the argument that was changed
    "first",  # the step whose derivative the file gives, and gives wrongly, nearest to the loss
    "step",  # the step that the mistake is about
    "inside",  # the same, if it is about a part of that step which students do not see
    "by",  # a quantity that multiplies where it does not belong
    "neighbour",  # the answer of the same file that shows the same accident more clearly
    "suggest",  # the step whose derivative is worth writing down next
    "conventions",  # under which other conventions the answer is right: sum, mean, with-half, without-half
]


@dataclass(frozen=True)
class Fact:
    """One thing that is known, by the placeholder that it fills."""

    slot: Slot
    value: Any


@dataclass(frozen=True)
class HardCoded:
    """The answer is right only where the size or setting ``instead_of`` is ``value``."""

    value: float
    instead_of: str


@dataclass(frozen=True)
class NonFinite:
    """The first entry (None for a scalar) that is NaN or infinite, as it was returned."""

    value: str
    entry: tuple[int, ...] | None


@dataclass(frozen=True)
class Shapes:
    """The shape (or, for ``got``, the type) that was returned, and the shape asked for."""

    got: tuple[int, ...] | str
    expected: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Deviation:
    """How many of ``size`` entries are wrong, the first of them, and how far, on the first probe with any.

    ``deviation`` is the largest, relative to the size of the terms; ``sizes`` are those of the probe.
    """

    wrong: int
    size: int
    entry: tuple[int, ...] | None
    deviation: float
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Stopped:
    """What an exception said, and the line of the student's file."""

    error: str
    line: int | None


@dataclass(frozen=True)
class Path:
    """What an answer that is not written yet goes through: from ``wrt`` over the ``path`` to the ``loss``."""

    wrt: str
    shape: str
    path: str
    last: str
    loss: str


@dataclass(frozen=True)
class Swap:
    """``used`` stands where ``meant`` belongs, both names that a student sees."""

    used: str
    meant: str


@dataclass(frozen=True)
class Replaced:
    """Another ``function`` (a key of the words) was taken in the step ``meant``."""

    function: str
    meant: str


@dataclass(frozen=True)
class Told:
    """What a teacher says about a mistake of their own, by language."""

    message: Mapping[str, str] | str


@dataclass(frozen=True)
class Place:
    """Where in the student's file one change is enough, and what sort of thing is to change there.

    Lines count from 1, columns from 0 as characters, the end is exclusive; ``cell`` is the notebook's cell,
    if it is one; ``text`` is the first of the lines.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    change: str = ""
    cell: int | None = None
    text: str = ""

    @property
    def marked(self) -> str:
        """The line, without its margin, and a mark under the place.

        >>> print(Place(2, 11, 2, 16, text="    return y - z").marked)
        return y - z
               ^^^^^
        """
        text = self.text.rstrip()
        end = self.end_column if self.end_line == self.line else len(text)
        margin = len(text) - len(text.lstrip())
        before, under = text[margin : self.column], text[self.column : end]
        return f"{text[margin:]}\n{' ' * columns(before)}{'^' * max(columns(under), 1)}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


Record: TypeAlias = Fact | Scale | HardCoded | NonFinite | Shapes | Deviation | Stopped | Path | Swap | Replaced | Told
Found: TypeAlias = tuple[Record, ...]


def known(record: Record) -> dict[str, Any]:
    """What a record holds, by the names of placeholders."""
    return {record.slot: record.value} if isinstance(record, Fact) else dict(vars(record))


def fact(found: Found, slot: Slot) -> Any:
    """The value of a fact, None where it is not known."""
    return next((r.value for r in found if isinstance(r, Fact) and r.slot == slot), None)
