"""Small constants that keep a logarithm, a root or a division away from zero: log(p + 1e-7)."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

SMALL = 1e-4
GUARDED = ("log", "log2", "log10", "sqrt", "power", "divide")
LIMITS = ("clip", "maximum", "minimum", "max", "min")


def unguarded(function: Any) -> tuple[Any, list[float]]:
    """The function with such constants as 0 (or 1, where they are taken from 1), and the constants.

    The function itself where there are none, or its source is not at hand.
    """
    bound, plain = getattr(function, "__self__", None), getattr(function, "__func__", function)
    if not isinstance(plain, FunctionType):
        return function, []
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
    except (OSError, TypeError, SyntaxError):
        return function, []
    parameters = inspect.signature(plain).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    found = [constant for part in _guarded(tree) for constant in _small(part, defaults)]
    fresh = FunctionType(_without(plain.__code__, found), plain.__globals__, plain.__name__, None, plain.__closure__)
    fresh.__defaults__ = tuple(0.0 if value in found else value for value in plain.__defaults__ or ())
    fresh.__kwdefaults__ = {n: 0.0 if value in found else value for n, value in (plain.__kwdefaults__ or {}).items()}
    free = fresh if bound is None else fresh.__get__(bound)
    return (free, sorted(set(found))) if found else (function, [])


def _guarded(tree: ast.AST) -> Iterator[ast.expr]:
    """What is divided by, or stands in a logarithm or root, or limits a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Pow)):
            yield node.right if isinstance(node.op, ast.Div) else node.left
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in GUARDED:
                yield from node.args
            elif name in LIMITS:
                yield from (ast.BinOp(arg, ast.Add(), ast.Constant(0)) for arg in node.args)


def _small(part: ast.AST, defaults: Mapping[str, Any]) -> Iterator[float]:
    """The small constants that are added to something inside of an expression."""
    for node in ast.walk(part):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            for side in (node.left, node.right):
                value = defaults.get(side.id) if isinstance(side, ast.Name) else getattr(side, "value", None)
                if isinstance(value, float) and 0 < value <= SMALL:
                    yield value


def _without(code: CodeType, found: list[float]) -> CodeType:
    """The code with these constants as 0, and their differences from 1 as 1."""
    free = {**dict.fromkeys([1 - value for value in found], 1.0), **dict.fromkeys([*found, *(-v for v in found)], 0.0)}

    def fresh(constant: Any) -> Any:
        if isinstance(constant, CodeType):
            return _without(constant, found)
        return free.get(constant, constant) if isinstance(constant, float) else constant

    return code.replace(co_consts=tuple(map(fresh, code.co_consts)))
