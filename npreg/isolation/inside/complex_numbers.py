"""Which functions of a file work with complex numbers, by its text alone: such steps are no derivation."""

from __future__ import annotations

import ast
import itertools
import types
from collections.abc import Iterable, Iterator

_COMPLEX = """complex complex64 complex128 complex256 cdouble csingle clongdouble imag angle cmath emath scimath
    fft ifft eig eigvals roots"""
COMPLEX = set(_COMPLEX.split())
TEXTS = COMPLEX | {"c8", "c16", "c32"}  # as in astype("c16"), and in calls astype("D")


def complex_functions(source: str, helpers: Iterable[str] = ()) -> list[str]:
    """Return the names that a file defines with a complex number or ``.imag``, itself or through others.

    ``helpers`` are the sources of modules that it may import. Nothing is run. A file that does not compile has none.
    """
    found = COMPLEX.union(*(complex_functions(helper) for helper in helpers))
    try:
        statements = [(_defined(node), *_used(node)) for node in _statements(ast.parse(source).body)]
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return []
    while True:
        new = {n for names, used, plainly in statements if plainly or found & used for n in names} - found
        if not new:
            return sorted(found & {name for names, _, _ in statements for name in names})
        found |= new


def _statements(nodes: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """The statements of a module, those inside ``if``, ``for``, ``with`` and ``try`` one by one."""
    for node in nodes:
        inner = [getattr(node, part, []) for part in ("body", "orelse", "handlers", "finalbody")]
        if any(inner) and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from _statements(itertools.chain(*inner))
        elif isinstance(node, ast.stmt):
            yield node


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    aliases = {a.asname or a.name.partition(".")[0] for a in ast.walk(node) if isinstance(a, ast.alias)}
    return stored | aliases


def _used(node: ast.stmt) -> tuple[set[str], bool]:
    """The names that a statement's code reads, attributes too, and whether a complex number stands in it."""
    codes = [compile(ast.Module([node], []), "<answers>", "exec", dont_inherit=True)]
    for code in codes:  # functions inside functions follow
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    names = {name for code in codes for name in (*code.co_names, *code.co_freevars)}
    constants = [constant for code in codes for constant in code.co_consts]
    constants += [part for constant in constants if isinstance(constant, tuple) for part in constant]
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    given = [getattr(a, "value", "") for call in calls for a in (*call.args, *(key.value for key in call.keywords))]
    plainly = any(isinstance(one, complex) or (isinstance(one, str) and one in TEXTS) for one in constants)
    return names, plainly or "D" in given or "G" in given
