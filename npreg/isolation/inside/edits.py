"""Small changes of a piece of Python code, each of which can be made and taken back, alone or with others."""

import ast
import contextlib
import copy
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import tables
from .tables import EITHER, GIVEN, Names, Rows, rows

RELATED = """sum mean average prod; max min; maximum minimum; dot multiply matmul outer; zeros ones;
    zeros_like ones_like; std var; sin cos tan tanh sinh cosh exp log sqrt square abs sign"""
REDUCTIONS = ("sum", "mean", "max", "min", "var", "std", "prod", "norm")
REDUCING = ("axis", "keepdims")
CONSTANTS = (0, 1, 2, 0.5, -1, 3, 4)
FORMULAS = (ast.BinOp, ast.Call, ast.Compare, ast.IfExp, ast.Subscript, ast.UnaryOp, ast.Name)
INDEXED = (ast.Subscript, ast.Slice, ast.keyword)
NOT_THERE = ("decorator_list", "annotation", "returns", "defaults", "kw_defaults", "bases", "ctx")


@dataclass(frozen=True)
class Edit:
    """One change, and the ``node`` that it marks."""

    kind: str
    cost: float
    node: Any
    puts: Sequence[tuple[Any, Any, Any]]  # a list or node, a key or field, and a node or (text, placeholders' nodes)
    also: Sequence[Any] = ()  # other nodes at which the same change is made

    @property
    def alike(self) -> str:
        """The same for edits that do the same in copies of a line, with other numbers in the names."""
        new, axis = self.puts[-1][2], self.kind in REDUCING
        text = new[0] if isinstance(new, tuple) else ast.unparse(new.keywords if axis else new)
        texts = [self.kind, text] if axis else [self.kind, text, ast.unparse(self.node)]
        return re.sub(r"(?<=[A-Za-z_])\d+", "", "|".join(texts))

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Make the change, and take it back at the end."""
        before = [(owner, key, _put(owner, key, new)) for owner, key, new in self.puts]
        try:
            yield
        finally:
            for owner, key, old in reversed(before):
                _put(owner, key, old)


def _put(owner: Any, key: Any, new: Any) -> Any:
    """Put something in its place, code with nodes for its placeholders, and return what stood there."""
    if isinstance(new, tuple):
        text, parts = new
        filling: Any = ast.NodeTransformer()
        filling.visit_Name = lambda node: parts.get(node.id, node)
        new = filling.visit(ast.parse(text, mode="eval").body)
    values = owner if isinstance(owner, list) else vars(owner)
    old, values[key] = values[key], new
    return old


def edits(
    root: ast.AST, shapes: Mapping[str, tuple[int, ...]], scalars: Sequence[str] = (), helpers: Sequence[str] = ()
) -> Iterator[Edit]:
    """Every single edit of the code below ``root``; it may name what is handed in, of these ``shapes``."""
    nodes = list(ast.walk(root))
    changed = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    handed = {n.arg for n in nodes if isinstance(n, ast.arg)}
    own = sorted(changed | handed)
    given = [GIVEN + name for name in shapes if name not in handed - changed]
    turns = [n.target.id for n in nodes if isinstance(n, ast.For) and isinstance(n.target, ast.Name)]
    arrays = {GIVEN + name: shape for name, shape in shapes.items() if shape}
    apart = [f"{a} - {b}" for a, b in itertools.permutations(arrays, 2) if arrays[a] == arrays[b]]
    settings = [scalar for scalar in scalars if scalar.startswith(GIVEN)]
    either = [*own, *given]
    names: Any = {"x": own, "g": given, "v": either, "i": turns, "l": changed, "u": [*arrays], "c": [*arrays, *apart]}
    names |= {"f": helpers, "s": scalars, "t": settings, "q": settings}
    names["a"] = [v for v in either if v not in turns and shapes.get(v.removeprefix(GIVEN)) != ()]
    added, whole, results = (list(rows(table, names)) for table in (tables.ADDED, tables.WHOLE, tables.RESULT))
    for parent, field, value in ((node, *pair) for node in nodes for pair in ast.iter_fields(node)):
        places: Any = [(parent, field, value)]
        if isinstance(value, list):
            places = [(value, i, node) for i, node in enumerate(value)]
            yield from _statements(value, parent) if value and isinstance(value[0], ast.stmt) else ()
        for owner, key, node in places if field not in NOT_THERE else ():
            if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):
                found = [*_expression(node, parent, field, names)]
                name = bool(re.fullmatch(r"[-\w.]+", ast.unparse(node))) and not isinstance(parent, ast.Return)
                more = added if _is_term(node, parent, field) else ()  # rather not where a name is only handed on
                found += [(kind, cost + 0.1 * name, new) for kind, cost, new in more]
                formula = field != "func" and isinstance(node, FORMULAS) and not isinstance(parent, INDEXED)
                found += whole if formula else []
                fresh = changed.isdisjoint(n.id for n in ast.walk(node) if isinstance(n, ast.Name))  # of no other line
                alone = field in ("value", "body") and not isinstance(parent, ast.Attribute)
                found += results if fresh and alone else []
                parts = {"_e": node, **_parts(node)}
                for kind, cost, new in found:
                    other = {"_l": "_r", "_r": "_l"}.get(str(new), "_e") if isinstance(node, ast.BinOp) else "_e"
                    marked = parts[other]  # of two operands the one that is too much
                    yield Edit(kind, cost, marked, [(owner, key, (new, parts) if isinstance(new, str) else new)])


def _parts(node: ast.expr) -> dict[str, Any]:
    """The nodes that the placeholders of a piece of code stand for."""
    match node:
        case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
            return {"_l": left, "_r": right}
        case ast.IfExp(test=test, body=left, orelse=right) | ast.Call(args=[test, left, right]):
            return {"_c": test, "_l": left, "_r": right}
        case ast.Call(args=[right]) | ast.Call(args=[_, right]):
            return {"_r": right}
    return {}


def _with(node: Any, **fields: Any) -> Any:
    new = copy.copy(node)
    vars(new).update(fields)
    return new


def _expression(node: ast.expr, parent: ast.AST, field: str, names: Names) -> Rows:
    """What may come in the place of one expression, by its sort."""
    match node:
        case ast.BinOp():
            yield from rows(tables.BINARY.get(type(node.op), EITHER) + ";" + EITHER, names)
            for side in (node.left, node.right):
                if isinstance(side, ast.BinOp):
                    yield "too-much", 1.8, side.left
                    yield "too-much", 1.9, side.right
            yield from _product(node)
        case ast.UnaryOp():
            yield "sign", 1, node.operand
            yield from [("index", 1.1, "0")] if isinstance(parent, ast.Subscript) else []
        case ast.Constant(value=str(text)):
            yield from _subscripts(text) if "->" in text else ()
        case ast.Constant(value=bool()):
            yield "constant", 1, repr(not node.value)
        case ast.Constant(value=int() | float()):
            yield from _number(node, parent, field, names)
        case ast.Name() if isinstance(parent, ast.Call) and field == "func":
            yield from rows("name 1.5 {f}", names)
        case ast.Name():
            known = {**names, "g": ()} if node.id in names["l"] else names  # a line that gives it may be wrong itself
            yield from rows(tables.NAME + ";" + tables.NAMED, known)
        case ast.Attribute():
            yield from [("transposition", 1, node.value)] if node.attr == "T" else []
            yield from rows("constant 1.4 {s}", names) if node.attr == "size" else ()
            alike = next((group.split() for group in RELATED.split(";") if node.attr in group.split()), ())
            yield from (("call", 1.3, _with(node, attr=other)) for other in alike if other != node.attr)
        case ast.Call():
            yield from _call(node, names)
        case ast.Compare(ops=[_]):
            yield from rows(tables.COMPARED, names)
        case ast.IfExp():
            yield from rows(tables.CHOSEN, names)
        case ast.Subscript():
            yield "index", 1.4, node.value
            yield from rows(tables.NAMED, names)
            for end in ("lower", "upper") if isinstance(node.slice, ast.Slice) else ():
                given = getattr(node.slice, end) is not None
                for bound in ("None",) if given else ("1", "-1"):
                    new = _with(node.slice, **{end: ast.parse(bound, mode="eval").body})
                    yield "index", 1.2 if given else 1.4, _with(node, slice=new)
    if isinstance(node, (ast.Call, ast.BinOp, ast.Subscript)) and field not in ("func", "slice"):
        yield "transposition", 1.7, "_e.T"


def _number(node: Any, parent: ast.AST, field: str, names: Names) -> Rows:
    kind, value = "constant", node.value
    if getattr(parent, "arg", "") == "axis" or getattr(getattr(parent, "func", None), "attr", "") in REDUCTIONS:
        kind = "axis"
    elif isinstance(parent, (ast.Subscript, ast.Slice)) and field != "value":
        kind = "index"
    others: Any = (0, 1, None) if kind == "axis" else (*CONSTANTS, value * 2, value / 2, -value)
    negative = -1 if kind == "index" else 0 if isinstance(parent, ast.UnaryOp) else -value  # the only one with a sign
    others = [other for other in others if other is None or other >= 0 or other == negative]
    factor = isinstance(getattr(parent, "op", None), ast.Pow | ast.Mult | ast.Div)  # where 0 says nothing
    yield from ((kind, 1.2, repr(other)) for other in dict.fromkeys(others) if other != value and (other or not factor))
    yield from rows(f"constant {1.9 if value in CONSTANTS else 1.5} {{s}}", names) if kind == "constant" else ()


def _subscripts(text: str) -> Rows:
    """The subscripts of an einsum: other results, and operands with their letters reversed."""
    operands, _, result = text.partition("->")
    letters = "".join(dict.fromkeys(c for c in operands if c.isalpha()))
    for other in ("", *letters, *(a + b for a in letters for b in letters if a != b)):
        yield "index", 1.4, repr(f"{operands}->{other}")
    pieces = operands.split(",")
    for i, piece in enumerate(pieces):
        turned = ",".join([*pieces[:i], piece[::-1], *pieces[i + 1 :]])
        yield "index", 1.4, repr(f"{turned}->{result}")


def _call(node: ast.Call, names: Names) -> Rows:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")

    def with_keywords(text: str, *without: str | None) -> Any:
        more: Any = ast.parse(f"f({text})", mode="eval").body
        return _with(node, keywords=[k for k in node.keywords if k.arg not in without] + more.keywords)

    for keyword in node.keywords:
        yield *((str(keyword.arg), 1) if keyword.arg in REDUCING else ("constant", 1.4)), with_keywords("", keyword.arg)
    if called in REDUCTIONS:
        args = node.args[: _of_numpy(node)]
        for axis in (0, 1):
            yield "axis", 1.5, _with(with_keywords(f"axis={axis}", *REDUCING), args=args)
            yield "axis", 1.6, _with(with_keywords(f"axis={axis}, keepdims=True", *REDUCING), args=args)
        if all(keyword.arg != "keepdims" for keyword in node.keywords):
            yield "keepdims", 1.1, with_keywords("keepdims=True")
    if called == "range":
        yield from rows(tables.RANGES, names) if len(node.args) < 3 else ()
    elif called == "len":
        yield from rows("constant 1.4 {s}", names)
    elif len(node.args) == 2:
        yield "order", 1.1, _with(node, args=node.args[::-1])
    elif len(node.args) == 3:  # np.where
        yield "branches", 1.1, _with(node, args=[node.args[0], *node.args[:0:-1]])
        yield from rows(EITHER, names)
    if called not in ("range", "len"):
        if node.args and isinstance(node.args[0], ast.BinOp):  # of one operand only
            for side in ("left", "right"):
                part = _with(node, args=[getattr(node.args[0], side), *node.args[1:]])
                yield "call", 1.5, _with(node.args[0], **{side: part})
        inner = node.args[0] if node.args else getattr(node.func, "value", None)
        yield from [("call", 1.3, inner)] if isinstance(inner, ast.expr) else []


def _of_numpy(node: ast.Call) -> bool:
    return getattr(getattr(node.func, "value", None), "id", "") in ("np", "numpy")


def _product(node: ast.BinOp) -> Rows:
    """For a product of averages an average of products; for a·(1 − a) another slope, or a softmax's derivative."""
    calls: Any = (node.left, node.right)
    if all(getattr(getattr(call, "func", None), "attr", "") in ("sum", "mean") for call in calls):
        left, right = (call.args[0] if _of_numpy(call) else call.func.value for call in calls)
        yield "formula", 1.7, ("_a.T @ _b / len(_b)", {"_a": left, "_b": right})
    factors: list[Any] = [node]
    while isinstance(factors[0], ast.BinOp) and isinstance(factors[0].op, ast.Mult):
        factors[:1] = [factors[0].left, factors[0].right]
    for a, slope in itertools.permutations(factors, 2):
        if ast.unparse(slope) in (f"1 - {ast.unparse(a)}", f"1.0 - {ast.unparse(a)}"):
            rest = {f"_f{i}": factor for i, factor in enumerate(factors) if factor not in (a, slope)}
            others = " * ".join(["1", *rest])
            yield "formula", 2.2, (f"(1 - _a ** 2) * {others}", {"_a": a, **rest})
            yield "formula", 2.4, (f"_a * ({others} - np.sum(_a * {others}, axis=1, keepdims=True))", {"_a": a, **rest})


def _is_term(node: ast.expr, parent: ast.AST, field: str) -> bool:
    """Whether what is missing would be added here: not inside a product, where it would be the same as around it."""
    if isinstance(node, (ast.Constant, ast.Tuple, ast.List, ast.Dict)) or isinstance(parent, ast.keyword):
        return False
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, (ast.Add, ast.Sub, ast.MatMult))
    if isinstance(parent, ast.Attribute):
        return parent.attr in REDUCTIONS or not isinstance(node, ast.Name)
    inside = ("value", "body", "orelse", "operand", "args", "elts", "values", "elt")
    return field in inside and not isinstance(parent, ast.Subscript)


def _statements(body: list[ast.stmt], owner: ast.AST) -> Iterator[Edit]:
    """Statements exchanged, left out, accumulated in place of assigned, moved out of or into a loop, or returned."""

    def to(kind: str, cost: float, node: ast.AST, new: list[ast.stmt], *inside: tuple[list[ast.stmt], Any]) -> Edit:
        """What comes in the place of the whole body, and of those inside of it."""
        return Edit(kind, cost, node, [(place, slice(None), content) for place, content in (*inside, (body, new))])

    for i, statement in enumerate(body):
        before, after = body[:i], body[i + 1 :]
        if isinstance(statement, (ast.Return, ast.FunctionDef, ast.Import)):
            continue
        for j, later in enumerate(after[:3], start=1):
            if not isinstance(later, (ast.Return, ast.FunctionDef)):
                yield to("statement-order", 1.4 + 0.1 * j, statement, [*before, *after[:j], statement, *after[j:]])
        if len(body) > 1 and isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)):
            yield to("too-much", 1.8, statement, before + after)
        for cost, new in _other_assignments(statement):
            new = ast.fix_missing_locations(ast.copy_location(new, statement))
            yield to("accumulation", cost, statement, [*before, new, *after])
        if isinstance(statement, ast.If) and statement.orelse:
            new = _with(statement, body=statement.orelse, orelse=statement.body)
            yield to("branches", 1.1, statement, [*before, new, *after])
        if isinstance(statement, (ast.For, ast.While)):
            inner = statement.body
            for k, line in enumerate(inner):
                if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                    zero = ast.copy_location(ast.Assign([line.targets[0]], ast.Constant(0)), line)
                    more = ast.copy_location(ast.AugAssign(line.targets[0], ast.Add(), line.value), line)
                    begun = [*before, ast.fix_missing_locations(zero), statement, *after]
                    yield to("accumulation", 1.4, line, begun, (inner, [*inner[:k], more, *inner[k + 1 :]]))
            if len(inner) > 1:
                first, last = (inner, inner[1:]), (inner, inner[:-1])
                yield to("indentation", 1.3, inner[0], [*before, inner[0], statement, *after], first)
                yield to("indentation", 1.3, inner[-1], [*before, statement, inner[-1], *after], last)
            if after and not isinstance(after[0], ast.Return):
                longer = (inner, [*inner, after[0]])
                yield to("indentation", 1.3, after[0], [*before, statement, *after[1:]], longer)
    returns = not isinstance(owner, ast.FunctionDef) or any(isinstance(n, ast.Return) for n in ast.walk(owner))
    if isinstance(final := body[-1], (ast.Assign, ast.Expr)) and not returns:  # of what was assigned or printed last
        value: Any = final.value
        if getattr(getattr(value, "func", None), "id", "") == "print" and value.args:
            value = value.args[-1]
        new = ast.fix_missing_locations(ast.copy_location(ast.Return(value), final))
        yield to("return", 1.2, final, [*body[:-1], new])


def _other_assignments(node: ast.stmt) -> Iterator[tuple[float, ast.stmt]]:
    """``+=`` and ``-=`` for ``=`` and for each other, and a new array in place of one changed in place."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Name, ast.Subscript)):
        yield 1.1, ast.AugAssign(node.targets[0], ast.Add(), node.value)
        yield 1.3, ast.AugAssign(node.targets[0], ast.Sub(), node.value)
    elif isinstance(node, ast.AugAssign):
        yield from ((1, _with(node, op=op)) for op in (ast.Add(), ast.Sub()) if type(op) is not type(node.op))
        if isinstance(node.target, ast.Name):
            old = ast.Name(node.target.id, ast.Load())
            yield 1.3, ast.Assign([node.target], node.value)
            yield 1.5, ast.Assign([node.target], ast.BinOp(old, node.op, node.value))
