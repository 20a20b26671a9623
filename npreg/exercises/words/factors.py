"""Factors in words: reading ``factor:n/2`` and writing "7× at n = 7"."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_SHOWN_PROBES = 3
_LARGEST_POWER = 4


@dataclass(frozen=True)
class Factor:
    """A number times powers of names: ``n/(2*d)`` is 1/2 and ``{"n": 1, "d": -1}``."""

    constant: Fraction
    powers: dict[str, Fraction]

    def __mul__(self, other: Factor) -> Factor:
        powers = dict(self.powers)
        for name, power in other.powers.items():
            powers[name] = powers.get(name, Fraction(0)) + power
        return Factor(
            self.constant * other.constant, {name: power for name, power in powers.items() if power}
        )

    def __pow__(self, exponent: Fraction) -> Factor:
        if abs(exponent) > _LARGEST_POWER:
            raise ValueError("too large a power")
        if exponent.denominator != 1 and self.constant != 1:
            raise ValueError("the root of a number")
        constant = self.constant ** int(exponent) if exponent.denominator == 1 else self.constant
        return Factor(constant, {name: power * exponent for name, power in self.powers.items()})

    def __str__(self) -> str:
        top = [_power(name, power) for name, power in self.powers.items() if power > 0]
        bottom = [_power(name, -power) for name, power in self.powers.items() if power < 0]
        if self.constant.numerator != 1 or not top:
            top.insert(0, str(self.constant.numerator))
        if self.constant.denominator != 1:
            bottom.insert(0, str(self.constant.denominator))
        above, below = "·".join(top), "·".join(bottom)
        if not below:
            return above
        return f"{above}/({below})" if len(bottom) > 1 else f"{above}/{below}"


def _power(name: str, power: Fraction) -> str:
    if power == Fraction(1, 2):
        return f"√{name}"
    return name if power == 1 else f"{name}^{power}"


def parse(expression: str) -> Factor | None:
    """Read a product of numbers and names with ``*``, ``/``, ``**``, ``sqrt`` and parentheses; else ``None``.

    >>> str(parse("1/(2*n)")), str(parse("n/d")), str(parse("sqrt(n)")), parse("n + 1")
    ('1/(2·n)', 'n/d', '√n', None)
    """
    text = expression.replace("·", "*").replace("^", "**").replace("√", "sqrt ")
    try:
        factor = _read(ast.parse(text.strip(), mode="eval").body)
    except (ValueError, SyntaxError, ZeroDivisionError, RecursionError):
        return None
    return factor if factor.constant else None


def _read(node: ast.expr) -> Factor:
    match node:
        case ast.Constant(value=int() | float() as number):
            return Factor(Fraction(str(number)), {})
        case ast.Name(id=name):
            return Factor(Fraction(1), {name: Fraction(1)})
        case ast.BinOp(left=ast.Name(id=name), op=ast.Sub(), right=ast.Constant(value=1)):
            return Factor(Fraction(1), {f"({name} − 1)": Fraction(1)})
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _read(left) * _read(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _read(left) * _read(right) ** Fraction(-1)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _read(left) ** _read(right).constant
        case ast.Call(func=ast.Name(id="sqrt"), args=[inner]):
            return _read(inner) ** Fraction(1, 2)
    raise ValueError(ast.dump(node))


def ratio(value: float | str) -> str:
    """Write a measured factor as a small fraction where it is one.

    >>> ratio(7.000000000001), ratio(1 / 7), ratio(0.12345)
    ('7', '1/7', '0.1235')
    """
    if isinstance(value, str):
        return value
    near = Fraction(value).limit_denominator(60)
    if near and abs(float(near) / value - 1) < 1e-6:
        return str(near)
    return f"{value:.4g}"


def _magnitude(value: float | str) -> float | str:
    """The sign has a code of its own."""
    return value if isinstance(value, str) else abs(value)


def measured(
    probes: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    at: str = "{factor}× at {sizes}",
    between: str = ", ",
) -> str:
    """Write measured factors, probe by probe, with those sizes that the factor depends on.

    >>> probes = [{"sizes": {"n": 7, "d": 3}, "factor": 7.0}, {"sizes": {"n": 11, "d": 4}, "factor": 11.0}]
    >>> measured(probes, ["n"])
    '7× at n = 7, 11× at n = 11'
    """
    parts: list[str] = []
    for probe in probes:
        sizes = [f"{name} = {ratio(probe['sizes'][name])}" for name in names if name in probe["sizes"]]
        factor = ratio(_magnitude(probe["factor"]))
        part = at.format(factor=factor, sizes=", ".join(sizes)) if sizes else f"{factor}×"
        if part not in parts:
            parts.append(part)
    return between.join(parts[:_SHOWN_PROBES])
