"""Small constants that keep a logarithm, a root or a division away from zero: log(p + 1e-7)."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

__all__ = ["unguarded"]

SMALL = 1e-4
GUARDED = ("log", "log2", "log10", "sqrt", "power", "divide")
LIMITS = ("clip", "maximum", "minimum", "max", "min")


def unguarded(function: Any) -> tuple[Callable[..., Any], list[float]] | None:
    """The function with such constants as 0 (or 1, where they are taken from 1), and the constants.

    None where there are none, or its source is not at hand.
    """
    bound = getattr(function, "__self__", None)
    plain = getattr(function, "__func__", function)
    if not isinstance(plain, FunctionType):
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
    except (OSError, TypeError, SyntaxError):
        return None
    defaults = dict(plain.__kwdefaults__ or {})
    names = plain.__code__.co_varnames[: plain.__code__.co_argcount]
    values = list(plain.__defaults__ or ())
    positional = dict(zip(names[len(names) - len(values) :], values, strict=True))
    found = [constant for part in _guarded(tree) for constant in _small(part, {**defaults, **positional})]
    if not found:
        return None
    fresh = FunctionType(_without(plain.__code__, found), plain.__globals__, plain.__name__, None, plain.__closure__)
    fresh.__defaults__ = tuple(0.0 if value in found else value for value in values) or None
    fresh.__kwdefaults__ = {n: 0.0 if value in found else value for n, value in defaults.items()} or None
    return (fresh if bound is None else fresh.__get__(bound)), sorted(set(found))


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


def _small(part: ast.AST, defaults: dict[str, Any]) -> Iterator[float]:
    """The small constants that are added to something inside of an expression."""
    for node in ast.walk(part):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            for side in (node.left, node.right):
                value = side.value if isinstance(side, ast.Constant) else None
                value = defaults.get(side.id) if isinstance(side, ast.Name) else value
                if isinstance(value, float) and 0 < value <= SMALL:
                    yield value


def _without(code: CodeType, found: list[float]) -> CodeType:
    """The code with these constants as 0, and their differences from 1 as 1."""

    def fresh(constant: Any) -> Any:
        if isinstance(constant, CodeType):
            return _without(constant, found)
        if isinstance(constant, float) and constant in (*found, *(-value for value in found)):
            return 0.0
        return 1.0 if isinstance(constant, float) and constant in [1 - value for value in found] else constant

    return code.replace(co_consts=tuple(map(fresh, code.co_consts)))
