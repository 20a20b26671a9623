"""What an answer would return with small changes of its code, those of ``edits``, made in turn, without judging it."""

import ast
import io
import linecache
import marshal
import re
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from . import answers, edits
from .answers import Probe
from .tables import GIVEN

MOST_ENTRIES = 200_000  # of any array that a variant may make, and of any range
MOST_TURNS = 20_000  # of all loops of one call
ADDED = 2.0  # the least cost of a change that adds something
MOST_COPIES = 7  # of which one may be right
SHAPED = ("zeros", "ones", "empty", "full", "eye", "identity")
SIZED = (*SHAPED, "arange", "linspace", "repeat", "tile", "outer", "kron", "meshgrid")
_OWN = re.compile(r"[\[.]")  # after the file's own name for an answer: in ``gradient[1]`` and ``Model.grad_w``
_TURN = ast.parse("__turn()").body[0]


def search(
    source: str | Mapping[str, Any],
    name: str,
    probes: Sequence[Probe],
    *,
    sizes: Sequence[Mapping[str, int]],
    settings: Sequence[str] = (),
    shapes: Sequence[Sequence[int]] | None = None,
    chosen: Sequence[int] | None = None,
    others: Mapping[str, bool] | None = None,
    intact: bool = False,
    costs: tuple[float, float] = (0.0, 9.0),
    seconds: float = 1.0,
) -> list[dict[str, Any]]:
    """Return what the answer ``name`` of a file, or of a notebook's functions, returns with small changes of its code.

    The edits with ``chosen`` numbers, or of a cost within ``costs``, are tried for ``seconds`` of work. They may name
    the probes' ``sizes`` and values, some of them ``settings``. Chosen ones leave the ``others`` that are right as they
    are, ``intact`` ones their arguments. There is a record per edit that returns arrays of numbers, of these ``shapes``
    if given, on all probes; its ``id`` is its place in the order of the code.
    """
    found, begun, begun_here = [], time.perf_counter(), time.thread_time()
    with answers.quiet(io.StringIO()):
        try:
            piece = Piece(source, name, probes, sizes, others or {}, intact, chosen is not None)
        except (SyntaxError, ValueError, RecursionError):
            return []
        changes = piece.changes(settings)
        if chosen is None:
            known = piece.known()
            within = [i for i, (_, e) in enumerate(changes) if costs[0] <= e.cost < costs[1] and e.node not in known]
            chosen = sorted(within, key=lambda i: changes[i][1].cost)
        for number in chosen:
            if time.thread_time() - begun_here > seconds or time.perf_counter() - begun > 4 * seconds:
                break
            units, edit = changes[number]
            with edit.made():
                values = piece.values(units)
                if values and piece.right and not piece.keeps(units):
                    continue
            if values is not None and (shapes is None or [v.shape for v in values] == list(map(tuple, shapes))):
                told = {"id": number, "kind": edit.kind, "cost": float(edit.cost), "values": values}
                found.append({**told, **units[0].place(edit.node), "also": sorted({node.lineno for node in edit.also})})
    return found


@dataclass(eq=False)
class Unit:
    """A function, class or named lambda that can be run again; ``text`` is the whole file, or the cell ``cell``."""

    tree: Any
    text: str
    names: list[str]
    cell: int | None = None

    def __post_init__(self) -> None:
        self.loops = [node for node in ast.walk(self.tree) if isinstance(node, (ast.For, ast.While))]
        self.code = self.compiled()

    def compiled(self) -> types.CodeType | None:
        """Its code as it is now, with the turns of its loops counted; None where it is no Python."""
        for loop in self.loops:
            loop.body.insert(0, _TURN)
        try:
            return compile(ast.Module([self.tree], []), "<variant>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, TypeError):
            return None
        finally:
            for loop in self.loops:
                del loop.body[0]

    def place(self, node: Any) -> dict[str, Any]:
        """The cell, the place (line, column from 0 in characters, last line, end column), and the line as typed."""
        lines, found = self.text.splitlines(), list[int]()
        for line, offset in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)):
            found += [line, len(lines[line - 1].encode()[:offset].decode("utf-8", "ignore"))]
        if isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Name):
            found[:2] = found[2], found[3] - len(node.attr)  # of a long expression, what is done with it
        return {"cell": self.cell, "place": found, "text": lines[found[0] - 1][:200]}


def _defining(source: Any, space: Mapping[str, Any], name: str, parse: Callable[[str], Any]) -> Unit | None:
    """The statement that gives a name to a function, or a class, in a file or in a notebook's cell."""
    function, line = space.get(name), 0
    if isinstance(source, str):
        text = source
    elif isinstance(function, types.FunctionType) and not function.__closure__:
        line, filename = function.__code__.co_firstlineno, function.__code__.co_filename
        text = "".join(linecache.getlines(filename, function.__globals__))
    else:
        return None
    tree = parse(text)
    for node in ast.walk(tree) if line else reversed(tree.body):
        if isinstance(node, ast.Assign):
            names = [getattr(target, "id", "") for target in node.targets]
            fits = all(callable(space.get(name)) for name in names)
        else:
            names, fits = [getattr(node, "name", "")], isinstance(node, (ast.FunctionDef, ast.ClassDef))
        decorators = getattr(node, "decorator_list", ())
        if fits and name in names and (not line or min(n.lineno for n in (node, *decorators)) == line):
            typed, cells = ast.get_source_segment(text, node) or "", space.get("In")
            known = enumerate(cells) if line and isinstance(cells, list) else ()
            return Unit(node, text, names, max((i for i, cell in known if typed in str(cell)), default=None))
    return None


def _reached(name: str, defining: Callable[[str], Unit | None]) -> list[Unit]:
    found, waiting, known = list[Unit](), [_OWN.split(name)[0]], set[str]()
    while waiting:
        unit = defining(current) if (current := waiting.pop()) not in known else None
        known.update([current], unit.names if unit else [])
        if unit is not None:
            nodes = list(ast.walk(unit.tree))
            waiting += [node.id for node in nodes if isinstance(node, ast.Name)]
            waiting += [n.arg for n in nodes if isinstance(n, ast.arg) and n.arg.startswith("grad_")]
            found.insert(0, unit)
    return found


def _named(node: Any) -> Iterator[tuple[str, ast.AST, str]]:
    """The name that a piece of code gives to a value, or to a function that returns it, and where the value stands."""
    if isinstance(node, ast.FunctionDef):
        yield from ((node.name, inner, "value") for inner in ast.walk(node) if isinstance(inner, ast.Return))
    elif isinstance(node, ast.Assign):
        owner, field = (node.value, "body") if isinstance(node.value, ast.Lambda) else (node, "value")
        yield getattr(node.targets[0], "id", ""), owner, field


class Piece:
    """The units that an answer is made of (``ValueError`` if none), run with some changed in their own namespace."""

    def __init__(self, source: Any, name: str, probes: Any, sizes: Any, others: Any, intact: bool, last: bool) -> None:
        self.name, self.probes, self.sizes, self.others, self.intact = name, probes, sizes, others, intact
        space, _ = answers.load(source)
        parse = lru_cache(ast.parse)
        defining = lru_cache(None)(lambda name: _defining(source, space, name, parse))
        self.reached = _reached(name, defining)
        if not self.reached:
            raise ValueError(f"nothing defines {name}")
        helping = [key for key, value in space.items() if isinstance(value, types.FunctionType) and key[:5] != "grad_"]
        self.helpers = [key for key in helping if key != _OWN.split(name)[0]][:4]
        self.right = [other for other, right in others.items() if right and last]  # they must stay as they are
        units = {*self.reached, *(unit for other in self.right for unit in _reached(other, defining))}
        units |= {unit for unit in map(defining, self.helpers) if unit is not None}  # their loops are bounded, too
        self.order = sorted(units, key=lambda unit: (unit.cell or 0, unit.tree.lineno))
        guarded = types.ModuleType("numpy")
        vars(guarded).update(vars(np), **{name: partial(_bounded, name) for name in SIZED})
        self.space: dict[str, Any] = {"np": guarded, "range": lambda *args: range(*args)[:MOST_ENTRIES], **space}
        self.space.update((key, guarded) for key, value in space.items() if value is np)
        self.seen = set[bytes]()
        self.before = {other: self.values([], other) for other in self.right}

    def changes(self, settings: Sequence[str]) -> list[tuple[list[Unit], edits.Edit]]:
        """All single edits, with their units, and those that make one change wherever the same stands."""
        scalars = [f"_size_{size}" for size in self.sizes[0]] + (["_root_d"] if "d" in self.sizes[0] else [])
        scalars += [GIVEN + setting for setting in settings if setting in self.probes[0]]
        shapes = {name: value.shape for name, value in self.probes[0].items()}
        found, alike = list[tuple[list[Unit], edits.Edit]](), dict[str, list[tuple[Unit, edits.Edit]]]()
        for unit in (unit for unit in self.reached if not self.others.get(unit.names[0])):
            parts = unit.tree.body if isinstance(unit.tree, ast.ClassDef) else [unit.tree]  # each has names of its own
            every = (edit for part in parts for edit in edits.edits(part, shapes, scalars, self.helpers))
            for edit in sorted(every, key=lambda e: (e.node.lineno, e.node.col_offset)):
                if unit.names[0] in self.others:  # another answer's, which should be right itself
                    edit = replace(edit, cost=edit.cost + 0.3)
                found.append(([unit], edit))
                if len(edit.puts) == 1 and edit.cost < ADDED:
                    alike.setdefault(edit.alike, []).append((unit, edit))
        for same in alike.values():
            lines = {edit.node.lineno for _, edit in same}
            groups = [same, *([pair for pair in same if pair[1].node.lineno == line] for line in lines)]
            groups += [[pair for pair in same if pair is not one] for one in same if len(same) < MOST_COPIES]
            for group in (group for group in groups if len(group) > 1):
                (_, first), *others = group
                puts, also = [put for _, edit in group for put in edit.puts], [edit.node for _, edit in others]
                edit = replace(first, puts=puts, also=also, cost=first.cost + 0.3)
                found.append((list(dict.fromkeys(unit for unit, _ in group)), edit))
        return found

    def known(self) -> set[ast.AST]:
        """What stands where ``r = …``, or a helper ``r``, computes the quantity of that name: nothing is to change."""
        before, found = self.values([]) or [], set[ast.AST]()
        named = [(unit, *pair) for unit in self.reached for node in ast.walk(unit.tree) for pair in _named(node)]
        for unit, name, owner, field in named if before else ():
            if name in self.probes[0]:
                with edits.Edit("", 0, owner, [(owner, field, (GIVEN + name, {}))]).made():
                    after = self.values([unit]) or []
                if after and all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(before, after, strict=True)):
                    found.update(ast.walk(getattr(owner, field)))
        self.seen.clear()  # where it is not what its name says, that change is one to try
        return found

    def values(self, changed: Sequence[Unit], other: str = "") -> list[np.ndarray] | None:
        """What an answer returns on every probe, once for all that come to the same; None if not numbers everywhere."""
        codes = [unit.compiled() if unit in changed else unit.code for unit in self.order]
        key = marshal.dumps(codes, 2)  # later formats also write what else refers to a constant
        if None in codes or (key in self.seen and not other):
            return None
        self.seen.update([] if other else [key])
        pairs = list(zip(self.probes, self.sizes, strict=True))
        try:
            return [self._value(codes, probe, sizes, other or self.name) for probe, sizes in pairs]
        except (SystemExit, Exception, GeneratorExit):
            return None

    def keeps(self, changed: Sequence[Unit]) -> bool:
        """Whether right answers return what they did."""
        pairs = ((before, self.values(changed, name)) for name, before in self.before.items() if before)
        return all(after and all(map(np.array_equal, before, after)) for before, after in pairs)

    def _value(self, codes: Sequence[Any], probe: Probe, sizes: Mapping[str, int], name: str) -> np.ndarray:
        space = self.space | {f"_size_{key}": size for key, size in sizes.items()}
        space |= {GIVEN + key: answers.copied(value) for key, value in probe.items()}
        space |= {"__turn": partial(next, iter(range(MOST_TURNS))), "_root_d": float(np.sqrt(sizes.get("d", 1)))}
        for code in codes:
            exec(code, space)
        plain, part = name.removesuffix("]").partition("[")[::2]
        function = answers.bound(space, plain, probe)
        given = answers.arguments(function, probe, space)
        value = answers.as_value(answers.picked(function(**given), part))["value"]
        kept = all(np.array_equal(probe.get(key, given[key]), given[key]) for key in given if self.intact)
        if not kept or value is None or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            raise ValueError(f"{name} changes its arguments, or returns no array of numbers")
        return np.asarray(value)


def _bounded(name: str, *args: Any, **kwargs: Any) -> Any:
    """What NumPy's function of that name returns; MemoryError for arrays beyond all that an answer needs."""
    numbers = [np.abs(np.asarray(argument, float)) for argument in args or kwargs.values()]
    total = float(sum(np.max(number, initial=0) + number.size for number in numbers))
    if name in SHAPED:
        total = float(np.prod(np.maximum(numbers[0], 1))) ** (1 + (name in ("eye", "identity")))
    if total > MOST_ENTRIES:
        raise MemoryError(name)
    return getattr(np, name)(*args, **kwargs)
