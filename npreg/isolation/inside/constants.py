"""Constants of a file that matter: small ones that keep from dividing by zero, log(p + 1e-7), and complex ones."""

import ast
import copy
import inspect
import itertools
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

SMALL = 1e-4
GUARDED = ("log", "log2", "log10", "sqrt", "power", "divide")
LIMITS = ("clip", "maximum", "minimum", "max", "min")
_COMPLEX = """complex complex64 complex128 complex256 cdouble csingle clongdouble imag angle cmath emath scimath
    fft ifft eig eigvals roots"""
COMPLEX = set(_COMPLEX.split())
TEXTS = COMPLEX | {"c8", "c16", "c32"}  # as in astype("c16"), and in calls astype("D")


def unguarded(function: Any, above: tuple[Any, ...] = ()) -> tuple[Any, list[float]]:
    """The function with such constants as 0 (or 1, where taken from 1), and the constants; `above` are its callers.

    Of an object, a copy with such methods. They may be written out, named, or stand in a function of the same file.
    Without any, or its source, it stays.
    """
    bound, plain = getattr(function, "__self__", None), getattr(function, "__func__", function)
    if not isinstance(plain, FunctionType):
        methods = {n: unguarded(m) for n, m in vars(type(function)).items() if isinstance(m, FunctionType)}
        found = sorted({constant for _, constants in methods.values() for constant in constants})
        free, kind = copy.copy(function) if found else function, type(function)
        if found:
            free.__class__ = type(kind.__name__, (kind,), {"__slots__": (), **{n: m for n, (m, _) in methods.items()}})
        return free, found
    if plain in above:
        return function, []
    code, known = plain.__code__, plain.__globals__
    named = {name: known[name] for name in code.co_names if name in known}
    here = {name: value for name, value in named.items() if getattr(value, "__globals__", None) is known}
    helpers = {name: unguarded(value, (*above, plain)) for name, value in here.items()}
    named.update((name, p.default) for name, p in inspect.signature(plain).parameters.items())
    written = [constant for inner in _codes(code) for constant in inner.co_consts]
    floats = [value for value in (*named.values(), *written) if isinstance(value, float)]
    any_small = any(0 < abs(value) <= SMALL or 0 < 1 - value <= SMALL for value in floats)
    own = _found(plain, named) if any_small else set()
    found = sorted(own.union(*(constants for _, constants in helpers.values())))
    if not found:
        return function, []
    changed = {name: free for name, (free, _) in helpers.items()}
    changed |= {name: 0.0 for name in code.co_names if isinstance(named.get(name), float) and named[name] in own}
    fresh = FunctionType(_without(code, own), {**known, **changed}, plain.__name__, None, plain.__closure__)
    fresh.__defaults__ = tuple(0.0 if value in found else value for value in plain.__defaults__ or ())
    fresh.__kwdefaults__ = {n: 0.0 if value in found else value for n, value in (plain.__kwdefaults__ or {}).items()}
    return (fresh if bound is None else fresh.__get__(bound)), found


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of the functions inside."""
    yield code
    for constant in code.co_consts:
        yield from _codes(constant) if isinstance(constant, CodeType) else ()


def tree_of(function: Any) -> ast.Module:
    """The code of a function; that of none where its source is not known."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


def _found(function: FunctionType, named: Mapping[str, Any]) -> set[float]:
    """The constants where they guard; names are known from outside, or are given a value in the function."""
    tree = tree_of(function)
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    given = ((target, node.value) for node in assigned for target in node.targets)
    local = {target.id: getattr(value, "value", None) for target, value in given if isinstance(target, ast.Name)}
    sums = [node for part in _guarded(tree) for node in ast.walk(part) if isinstance(node, ast.BinOp)]
    sides = [side for node in sums if isinstance(node.op, (ast.Add, ast.Sub)) for side in (node.left, node.right)]
    known = {**named, **local}
    values = [known.get(side.id) if isinstance(side, ast.Name) else getattr(side, "value", None) for side in sides]
    return {value for value in values if isinstance(value, float) and 0 < value <= SMALL}


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


def _without(code: CodeType, found: set[float]) -> CodeType:
    """The code with these constants as 0, and their differences from 1 as 1."""
    free = {**dict.fromkeys([1 - value for value in found], 1.0), **dict.fromkeys([*found, *(-v for v in found)], 0.0)}

    def fresh(constant: Any) -> Any:
        if isinstance(constant, CodeType):
            return _without(constant, found)
        return free.get(constant, constant) if isinstance(constant, float) else constant

    return code.replace(co_consts=tuple(map(fresh, code.co_consts)))


def complex_functions(source: str, helpers: Iterable[str] = ()) -> list[str]:
    """Return the names that a file defines with a complex number or ``.imag``, itself or through others, by its text.

    Such steps are no derivation. ``helpers`` are the sources of modules that it may import. What is no Python has none.
    """
    found = COMPLEX.union(*(complex_functions(helper) for helper in helpers))
    try:
        statements = [_facts(node) for node in _statements(ast.parse(source).body)]
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


def _facts(node: ast.stmt) -> tuple[set[str], set[str], bool]:
    """The names that a statement defines, and reads, attributes too; whether a complex number stands in its code."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    defined = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    defined |= {a.asname or a.name.partition(".")[0] for a in ast.walk(node) if isinstance(a, ast.alias)}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        defined = {node.name}
    codes = list(_codes(compile(ast.Module([node], []), "<answers>", "exec", dont_inherit=True)))
    used = {name for code in codes for name in (*code.co_names, *code.co_freevars)}
    constants = [constant for code in codes for constant in code.co_consts]
    constants += [part for constant in constants if isinstance(constant, tuple) for part in constant]
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    given = [getattr(a, "value", "") for call in calls for a in (*call.args, *(key.value for key in call.keywords))]
    plainly = any(isinstance(one, complex) or (isinstance(one, str) and one in TEXTS) for one in constants)
    return defined, used, plainly or "D" in given or "G" in given
