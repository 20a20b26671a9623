"""Small changes of a piece of Python code, one at a time: each an edit of its syntax tree that can be undone.

What can be changed is data: tables of ``kind cost code``, where the kind says what sort of thing is changed,
a token changed is cheaper than one added, and the code is what comes to stand there: ``_e`` is the expression
that stood there, ``_l`` and ``_r`` its two operands, ``_v`` a variable, ``_s`` a size or a setting.
This module needs nothing but the standard library, so that an isolated worker can run it by its path.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

BINARY = {
    ast.Add: "sign 1 _l - _r; operator 1.2 _l * _r",
    ast.Sub: "sign 1 _l + _r; order 1.1 _r - _l; too-much 1.7 -_r",
    ast.Mult: "operator 1 _l @ _r; operator 1.2 _l / _r; operator 1.4 _l + _r; operator 1.7 np.outer(_l, _r);"
    "operator 1.7 _l.T @ _r; operator 1.7 _r.T @ _l",
    ast.MatMult: "operator 1 _l * _r; order 1.1 _r @ _l; order 1.6 _r.T @ _l; order 1.6 _r @ _l.T;"
    "operator 1.6 np.outer(_l, _r)",
    ast.Div: "operator 1 _l * _r; order 1.1 _r / _l",
    ast.FloorDiv: "operator 1 _l / _r",
    ast.Pow: "operator 1.2 _l * _r; order 1.3 _r ** _l",
}
EITHER = "too-much 1.5 _l; too-much 1.6 _r"
COMPARED = "; ".join(
    [f"comparison {1 + 0.1 * i} _l {sign} _r" for i, sign in enumerate(("<", "<=", ">", ">=", "==", "!="))]
    + [f"comparison 1.6 np.abs(_l) {sign} _r" for sign in ("<", "<=", ">", ">=")]
    + [f"comparison 1.7 _l {sign} 0" for sign in ("<", ">")]
)
CHOSEN = "branches 1.1 _r if _c else _l; too-much 1.6 _l; too-much 1.6 _r"
NAMED = "transposition 1.4 _e.T; constant 1.9 1 - _e; constant 2.4 1 - _e ** 2; constant 2.4 _e * (1 - _e)"
RANGES = "range 1.2 range(_e); range 1.2 range(_e - 1); range 1.2 range(_e + 1); range 1.2 range(1, _e)"
TURNED = "transposition 1.7 _e.T"
# Of whatever is returned, assigned, added up, or handed on:
ADDED = """
    sign 2 -_e; factor 2.2 2 * _e; factor 2.2 _e / 2; factor 2.2 4 * _e; factor 2.2 _e / 4; factor 2.2 3 * _e;
    factor 2.2 _e / 3; shape 2.4 _e[:, None]; shape 2.4 _e[None, :]; shape 2.4 np.ravel(_e);
    shape 2.4 np.array([_e]); shape 2.4 np.reshape(_e, (-1, 1)); shape 2.4 np.squeeze(_e);
    axis 2.5 np.sum(_e, axis=0); axis 2.5 np.sum(_e, axis=1); axis 2.6 np.mean(_e, axis=0);
    axis 2.6 np.mean(_e, axis=1); call 2.6 np.sum(_e); call 2.6 np.mean(_e); call 2.6 np.sign(_e);
    call 2.6 np.abs(_e); call 2.6 np.sqrt(_e); call 2.6 np.exp(_e); call 2.6 np.tanh(_e);
    call 2.6 np.diag(_e); constant 2.7 _e ** 2; constant 2.7 1 - _e;
    call 2.9 1 / (1 + np.exp(-_e))"""
SCALED = "factor 2.2 _e / _s; factor 2.3 _e * _s; factor 2.5 2 * _e / _s; factor 2.5 _e / (2 * _s)"
CLIPPED = "call 3.1 np.clip(_e, -_s, _s)"
JOINED = """
    factor 2.8 _e * _v; term 2.8 _e + _v; term 2.8 _e - _v; factor 3 _e / _v; factor 3 _v @ _e;
    factor 3 _v.T @ _e; factor 3 _e @ _v; factor 3 _e @ _v.T; factor 3.2 np.outer(_e, _v);
    factor 3.2 np.outer(_v, _e); factor 3.4 _e * _v * (1 - _v); factor 3.4 _e * (1 - _v);
    factor 3.4 _e * (1 - _v ** 2); factor 3.5 _e * np.sign(_v); factor 3.5 _e * (_v > 0)"""
JOINED_FROM_OUTSIDE = """
    factor 2.8 _e * _v; term 2.8 _e + _v; term 2.8 _e - _v; factor 3.2 np.outer(_v, _e);
    factor 3.4 _e * _v * (1 - _v); factor 3.4 _e * (1 - _v ** 2)"""
PENALISED = "term 3.2 _e + _s * _v; term 3.2 _e - _s * _v"
RELATED = (
    ("sum", "mean", "prod"),
    ("max", "min"),
    ("maximum", "minimum"),
    ("dot", "multiply", "matmul", "outer"),
    ("sin", "cos", "tan", "tanh", "sinh", "cosh", "exp", "log", "sqrt", "square", "abs", "sign"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("std", "var"),
)
REDUCTIONS = ("sum", "mean", "max", "min", "var", "std", "prod", "norm")
CONSTANTS = (0, 1, 2, 0.5, -1, 3, 4)
NOT_THERE = ("decorator_list", "annotation", "returns", "defaults", "kw_defaults", "bases", "ctx")

GIVEN = "_given_"  # before the names of inputs, steps and settings as they are handed in

Put = Callable[[Any], None]


@dataclass(frozen=True)
class Edit:
    """One change: ``apply`` makes it, ``undo`` takes it back; ``node`` is what it marks."""

    kind: str
    cost: float
    node: ast.AST
    apply: Callable[[], None]
    undo: Callable[[], None]


@dataclass(frozen=True)
class Names:
    """What a change may name: variables of the function, what it is not given (``foreign``), sizes and
    settings (``scalars``), and functions of one argument.
    """

    variables: Sequence[str] = ()
    foreign: Sequence[str] = ()
    scalars: Sequence[str] = ()
    helpers: Sequence[str] = ()


@dataclass(frozen=True)
class _Spot:
    """An expression, what holds it, and how another is put in its place."""

    node: Any
    parent: ast.AST
    field: str
    put: Put
    names: Names

    def to(self, kind: str, cost: float, new: ast.AST) -> Edit:
        """Another node there; one that is part of the old one keeps its own place in the text."""
        if not hasattr(new, "lineno"):
            ast.fix_missing_locations(ast.copy_location(new, self.node))
        return Edit(kind, cost, self.node, partial(self.put, new), partial(self.put, self.node))

    def by(self, table: str, **parts: Any) -> Iterator[Edit]:
        """The edits of a table; parts are nodes, or names as text."""
        for kind, cost, text in _entries(table):
            nodes = {"_e": self.node, **parts}
            fill = partial(_fill, self.put, text, nodes)
            yield Edit(kind, cost, self.node, fill, partial(self.put, self.node))

    def with_field(self, kind: str, cost: float, name: str, new: Any, owner: Any = None) -> Edit:
        """Another value of a field of the node, which stays where it is."""
        owner = self.node if owner is None else owner
        old = getattr(owner, name)
        return Edit(kind, cost, self.node, partial(setattr, owner, name, new), partial(setattr, owner, name, old))


@lru_cache(64)
def _entries(table: str) -> list[tuple[str, float, str]]:
    rows = [row.split(None, 2) for row in table.split(";")]
    return [(kind, float(cost), text) for kind, cost, text in rows]


@lru_cache(4096)
def _template(text: str) -> tuple[list[ast.expr], dict[str, list[Put]]]:
    """An expression, in a list of its own, and how its placeholders are filled."""
    holder = [ast.parse(text, mode="eval").body]
    slots: dict[str, list[Put]] = {}
    pairs: list[tuple[Put, Any]] = [(partial(holder.__setitem__, 0), holder[0])]
    for parent in ast.walk(holder[0]):
        pairs += [pair for name, value in ast.iter_fields(parent) for pair in _slots(parent, name, value)]
    for put, node in pairs:
        if isinstance(node, ast.Name) and node.id.startswith("_"):
            slots.setdefault(node.id, []).append(put)
    return holder, slots


def _fill(put_whole: Put, text: str, parts: Mapping[str, Any]) -> None:
    """Put the expression of a text in its place; the last one of the same text is changed by it."""
    holder, slots = _template(text)
    for name, node in parts.items():
        for put in slots.get(name, ()):
            put(_template(node)[0][0] if isinstance(node, str) else node)
    put_whole(holder[0])


def edits(root: ast.AST, names: Names) -> Iterator[Edit]:
    """Every single edit of the code below ``root``, in the order of the text."""
    own = [n.id for n in ast.walk(root) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    own = sorted({*own, *(n.arg for n in ast.walk(root) if isinstance(n, ast.arg)), *names.variables})
    foreign = [name for name in names.foreign if name.removeprefix(GIVEN) not in own]
    names = Names(own, foreign, names.scalars, names.helpers)
    for parent in ast.walk(root):
        if is_count(parent):
            continue
        for name, value in ast.iter_fields(parent):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from _statements(parent, value)
            for put, node in _slots(parent, name, value):
                if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):
                    yield from _of(_Spot(node, parent, name, put, names))


def is_count(node: ast.AST) -> bool:
    """Whether a statement was put there to count the turns of a loop: ``__turn()``."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "__turn"


def _slots(parent: ast.AST, name: str, value: Any) -> Iterator[tuple[Put, Any]]:
    """Every child in a field, with the function that puts another in its place."""
    if isinstance(value, list):
        yield from ((partial(value.__setitem__, i), child) for i, child in enumerate(value))
    elif name not in NOT_THERE:
        yield partial(setattr, parent, name), value


def _of(spot: _Spot) -> Iterator[Edit]:
    """The edits of one expression where it stands."""
    node = spot.node
    if spot.field in NOT_THERE:
        return
    if isinstance(node, ast.BinOp):
        operands = {"_l": node.left, "_r": node.right}
        yield from spot.by(BINARY.get(type(node.op), EITHER), **operands)
        yield from spot.by(EITHER, **operands)
        for side in (node.left, node.right):
            if isinstance(side, ast.BinOp):
                yield spot.to("too-much", 1.8, side.left)
                yield spot.to("too-much", 1.9, side.right)
    elif isinstance(node, ast.UnaryOp):
        yield spot.to("sign", 1, node.operand)
    elif isinstance(node, ast.Constant):
        yield from _constant(spot)
    elif isinstance(node, ast.Name):
        yield from _name(spot)
    elif isinstance(node, ast.Attribute):
        yield from [spot.to("transposition", 1, node.value)] if node.attr == "T" else []
        others = {other for group in RELATED if node.attr in group for other in group} - {node.attr}
        yield from (spot.with_field("call", 1.3, "attr", other) for other in sorted(others))
    elif isinstance(node, ast.Call):
        yield from _call(spot)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from spot.by(COMPARED, _l=node.left, _r=node.comparators[0])
    elif isinstance(node, ast.IfExp):
        yield from spot.by(CHOSEN, _c=node.test, _l=node.body, _r=node.orelse)
    elif isinstance(node, ast.Subscript):
        yield spot.to("index", 1.4, node.value)
        for end in ("lower", "upper") if isinstance(node.slice, ast.Slice) else ():
            given = getattr(node.slice, end) is not None
            for bound in (None,) if given else (1, -1):
                new = None if given else _constant_at(node, bound)
                yield spot.with_field("index", 1.2 if given else 1.4, end, new, node.slice)
    if isinstance(node, (ast.Call, ast.BinOp, ast.Subscript)) and spot.field not in ("func", "slice"):
        yield from spot.by(TURNED)
    if _is_term(spot):
        yield from _additions(spot)


def _constant_at(node: ast.AST, value: Any) -> ast.Constant:
    return ast.copy_location(ast.Constant(value), node)


def _constant(spot: _Spot) -> Iterator[Edit]:
    value, parent = spot.node.value, spot.parent
    if isinstance(value, str) and "->" in value:
        yield from _subscripts(spot)
    if isinstance(value, bool):
        yield spot.to("constant", 1, ast.Constant(not value))
    elif isinstance(value, (int, float)):
        kind = "constant"
        if isinstance(parent, ast.keyword) and parent.arg == "axis":
            kind = "axis"
        elif isinstance(parent, (ast.Subscript, ast.Slice)) and spot.field != "value":
            kind = "index"
        others = (0, 1, -1, None) if kind == "axis" else (*CONSTANTS, value * 2, value / 2, -value)
        for other in dict.fromkeys(others):
            yield from [spot.to(kind, 1.2, ast.Constant(other))] if other != value else []
        for name in spot.names.scalars if kind == "constant" else ():
            yield from spot.by("constant 1.5 _s", _s=name)


def _subscripts(spot: _Spot) -> Iterator[Edit]:
    """The subscripts of an einsum: other results, and operands with their letters reversed."""
    operands, _, result = str(spot.node.value).partition("->")
    letters = "".join(dict.fromkeys(c for c in operands if c.isalpha()))
    for other in ("", *letters, *(a + b for a in letters for b in letters if a != b)):
        yield spot.to("index", 1.4, ast.Constant(f"{operands}->{other}"))
    pieces = operands.split(",")
    for i, piece in enumerate(pieces):
        turned = ",".join([*pieces[:i], piece[::-1], *pieces[i + 1 :]])
        yield spot.to("index", 1.4, ast.Constant(f"{turned}->{result}"))


def _name(spot: _Spot) -> Iterator[Edit]:
    node, names = spot.node, spot.names
    if isinstance(spot.parent, ast.Call) and spot.field == "func":
        yield from (spot.to("name", 1.5, ast.Name(n, ast.Load())) for n in names.helpers if n != node.id)
        return
    yield from (spot.to("name", 1.5, ast.Name(n, ast.Load())) for n in names.variables if n != node.id)
    yield from (spot.to("name", 2.9, ast.Name(n, ast.Load())) for n in names.foreign)
    yield from spot.by(NAMED)
    for scalar in names.scalars:
        yield from spot.by("name 1.8 _s", _s=scalar)


def _call(spot: _Spot) -> Iterator[Edit]:
    node = spot.node
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")

    def keywords(kind: str, cost: float, given: list[ast.keyword], **more: Any) -> Edit:
        new = [ast.copy_location(ast.keyword(n, _constant_at(node, v)), node) for n, v in more.items()]
        return spot.with_field(kind, cost, "keywords", [*given, *new])

    given = {keyword.arg: keyword for keyword in node.keywords}
    for name, keyword in given.items():
        rest = [other for other in node.keywords if other is not keyword]
        yield keywords(name if name in ("axis", "keepdims") else "constant", 1, rest)
    if called in REDUCTIONS:
        rest = [keyword for name, keyword in given.items() if name not in ("axis", "keepdims")]
        positional = len(node.args) > (getattr(getattr(node.func, "value", None), "id", "") in ("np", "numpy"))
        for axis in () if positional else (0, 1, -1):
            yield keywords("axis", 1.5, rest, axis=axis)
            yield keywords("axis", 1.6, rest, axis=axis, keepdims=True)
        yield from [] if "keepdims" in given else [keywords("keepdims", 1.1, node.keywords, keepdims=True)]
    if called == "range":
        yield from spot.by(RANGES, _e=node.args[min(len(node.args), 2) - 1])
    elif called == "len":
        for scalar in spot.names.scalars:
            yield from spot.by("constant 1.4 _s", _s=scalar)
    elif len(node.args) == 2:
        yield spot.with_field("order", 1.1, "args", node.args[::-1])
    elif len(node.args) == 3:  # np.where
        yield spot.with_field("branches", 1.1, "args", [node.args[0], *node.args[:0:-1]])
        yield from spot.by(EITHER, _l=node.args[1], _r=node.args[2])
    if called not in ("range", "len"):
        inner = node.args[0] if node.args else getattr(node.func, "value", None)
        yield from [spot.to("call", 1.3, inner)] if isinstance(inner, ast.expr) else []


def _is_term(spot: _Spot) -> bool:
    """Whether a factor, a sign or a term that is missing would be added here: to what is returned, assigned,
    added up, or handed on; not inside a product, where it would be the same as around it.
    """
    node, parent = spot.node, spot.parent
    if isinstance(node, (ast.Constant, ast.Tuple, ast.List, ast.Dict)):
        return False
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, (ast.Add, ast.Sub, ast.MatMult))
    if isinstance(parent, ast.Attribute):
        return not isinstance(node, ast.Name)
    return spot.field in ("value", "body", "orelse", "operand", "args", "elts", "values", "elt") and not isinstance(
        parent, (ast.Subscript, ast.keyword)
    )


def _additions(spot: _Spot) -> Iterator[Edit]:
    names = spot.names
    yield from spot.by(ADDED)
    for scalar in names.scalars:
        yield from spot.by(SCALED, _s=scalar)
    for helper in names.helpers:
        yield from spot.by(f"call 2.6 {helper}(_e)")
    settings = [scalar for scalar in names.scalars if scalar.startswith(GIVEN)]
    for scalar in settings:
        yield from spot.by(CLIPPED, _s=scalar)
    for name in (*names.variables, *names.foreign):
        yield from spot.by(JOINED if name in names.variables else JOINED_FROM_OUTSIDE, _v=name)
        for scalar in settings:
            yield from spot.by(PENALISED, _v=name, _s=scalar)


def _statements(parent: ast.AST, body: list[ast.stmt]) -> Iterator[Edit]:
    """Statements exchanged, left out, accumulated in place of assigned, or moved out of or into a loop."""

    def to(kind: str, cost: float, node: ast.AST, *changes: tuple[list[Any], list[Any]]) -> Edit:
        before = [(place, list(place)) for place, _ in changes]

        def put(versions: Sequence[tuple[list[Any], list[Any]]]) -> None:
            for place, content in versions:
                place[:] = content

        return Edit(kind, cost, node, partial(put, changes), partial(put, before))

    for i, statement in enumerate(body):
        before, after = body[:i], body[i + 1 :]
        if is_count(statement) or isinstance(statement, (ast.Return, ast.FunctionDef, ast.Import)):
            continue
        for j, later in enumerate(after[:3], start=1):
            if not isinstance(later, (ast.Return, ast.FunctionDef)):
                moved = [*before, *after[:j], statement, *after[j:]]
                yield to("statement-order", 1.4 + 0.1 * j, statement, (body, moved))
        if len(body) > 1 and isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)):
            yield to("too-much", 1.8, statement, (body, [*before, *after]))
        for cost, new in _other_assignments(statement):
            ast.fix_missing_locations(ast.copy_location(new, statement))
            yield to("accumulation", cost, statement, (body, [*before, new, *after]))
        if isinstance(statement, ast.If) and statement.orelse:
            one, other = statement.body, statement.orelse
            yield to("branches", 1.1, statement, (one, list(other)), (other, list(one)))
        if isinstance(statement, (ast.For, ast.While)):
            inner = statement.body
            if len(inner) > 2:
                out = [*before, statement, inner[-1], *after]
                yield to("indentation", 1.3, inner[-1], (inner, inner[:-1]), (body, out))
            if after and not isinstance(after[0], ast.Return):
                into = (inner, [*inner, after[0]]), (body, [*before, statement, *after[1:]])
                yield to("indentation", 1.3, after[0], *into)


def _other_assignments(node: ast.stmt) -> Iterator[tuple[float, ast.stmt]]:
    """``+=`` and ``-=`` for ``=`` and for each other, and a new array in place of one changed in place."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Name, ast.Subscript)):
        yield 1.1, ast.AugAssign(node.targets[0], ast.Add(), node.value)
        yield 1.3, ast.AugAssign(node.targets[0], ast.Sub(), node.value)
    elif isinstance(node, ast.AugAssign):
        for op in (ast.Add(), ast.Sub()):
            if type(op) is not type(node.op):
                yield 1.0, ast.AugAssign(node.target, op, node.value)
        if isinstance(node.target, ast.Name):
            old = ast.Name(node.target.id, ast.Load())
            yield 1.3, ast.Assign([node.target], node.value)
            yield 1.5, ast.Assign([node.target], ast.BinOp(old, node.op, node.value))
