"""Run small changes of a student's code: what an answer would return with each of them, without judging it.

The code is parsed, every edit of ``edits`` is made in turn, the answer is called on the smallest probe, and
what it returned is written down with the place of the edit. Which of the values is right is not known here.

This module needs nothing but the standard library, NumPy and its two neighbours, which are handed in, so that
an isolated worker can run it by its path.
"""

from __future__ import annotations

import ast
import inspect
import io
import marshal
import textwrap
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

MOST_ENTRIES = 200_000  # of any array that a variant may make, and of any range
LONGEST_LINE = 200
MOST_TURNS = 20_000  # of all loops of one call
SHAPED = ("zeros", "ones", "empty", "full", "eye", "identity")
SIZED = (*SHAPED, "arange", "linspace", "repeat", "tile", "outer", "kron", "meshgrid")


class TooMuch(Exception):
    """A variant that loops or allocates without end."""


@dataclass
class Unit:
    """A statement of the file that can be run again: a function, a class, a lambda with a name.

    ``line`` is added to the lines of the tree, ``origin`` is the notebook's cell, if it comes from one.
    """

    tree: ast.stmt
    text: str
    line: int = 0
    column: int = 0
    cell: int | None = None
    code: types.CodeType | None = None

    def line_of(self, node: ast.AST) -> str:
        """The first line of a node, as it was typed."""
        lines = self.text.splitlines()
        number = node.lineno - 1  # type: ignore[attr-defined]
        return lines[number][:LONGEST_LINE] if number < len(lines) else ""


@dataclass
class Piece:
    """The units that an answer is made of, and the namespace in which they run."""

    units: list[Unit]
    base: dict[str, Any]
    reached: list[int] = field(default_factory=list)


def piece_of(source: str | Mapping[str, Any], name: str, filename: str, load: Callable[..., Any]) -> Piece | None:
    """What of a file, or of a notebook's functions, the answer ``name`` consists of; None if unknown."""
    namespace, _ = load(source, filename)
    if isinstance(source, str):
        units = [
            Unit(node, source)
            for node in ast.parse(source).body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) or _is_function(node, namespace)
        ]
    else:
        units = list(_units_of_functions(namespace, name))
    found = Piece(units, namespace)
    found.reached = _reached(units, name)
    return found if found.reached else None


def _is_function(node: ast.stmt, namespace: Mapping[str, Any]) -> bool:
    """Whether a statement gives a name to a function: ``f = lambda …``, ``f = partial(…)``, ``f = g``."""
    if not isinstance(node, ast.Assign):
        return False
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return len(names) == len(node.targets) and all(callable(namespace.get(name)) for name in names)


def _units_of_functions(namespace: Mapping[str, Any], name: str) -> Iterator[Unit]:
    """The functions of a notebook that the answer calls, as they were typed."""
    waiting, seen = [name], set[str]()
    cells = namespace.get("In")
    while waiting:
        current = waiting.pop()
        function = namespace.get(current)
        if current in seen or not isinstance(function, types.FunctionType) or function.__closure__:
            continue
        seen.add(current)
        try:
            lines, first = inspect.getsourcelines(function)
            node = ast.parse(textwrap.dedent("".join(lines))).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            continue
        if not isinstance(node, (ast.FunctionDef, ast.Assign)):
            continue
        margin = len(lines[0]) - len(lines[0].lstrip())
        waiting.extend(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
        yield Unit(node, "".join(lines), max(first, 1) - 1, margin, _cell(cells, "".join(lines)))


def _cell(cells: Any, text: str) -> int | None:
    """The number of the last notebook cell that holds this text."""
    if not isinstance(cells, list):
        return None
    return next((i for i in reversed(range(len(cells))) if text.strip() in str(cells[i])), None)


def _defined(unit: Unit) -> list[str]:
    if isinstance(unit.tree, ast.Assign):
        return [target.id for target in unit.tree.targets if isinstance(target, ast.Name)]
    return [unit.tree.name]  # type: ignore[attr-defined]


def _reached(units: Sequence[Unit], name: str) -> list[int]:
    """The units that an answer may run, by their numbers: itself, and whatever it names."""
    owner = {defined: i for i, unit in enumerate(units) for defined in _defined(unit)}
    waiting, found = [name], list[int]()
    while waiting:
        i = owner.get(waiting.pop())
        if i is None or i in found:
            continue
        found.append(i)
        for node in ast.walk(units[i].tree):
            if isinstance(node, ast.Name):
                waiting.append(node.id)
            elif isinstance(node, ast.arg) and node.arg.startswith("grad_"):
                waiting.append(node.arg)  # a parameter that is another function of the file
    return found


class _Guarded:
    """NumPy, but for arrays beyond all that an answer needs."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if name not in SIZED:
            return value

        def guarded(*args: Any, **kwargs: Any) -> Any:
            numbers = [np.abs(np.asarray(argument, float)) for argument in args]
            if name in SHAPED:
                total = float(np.prod(np.maximum(numbers[0], 1))) ** (1 + (name in ("eye", "identity")))
            else:
                total = float(sum(np.max(number, initial=0) + number.size for number in numbers))
            if total > MOST_ENTRIES:
                raise TooMuch(name)
            return value(*args, **kwargs)

        return guarded


GUARDED = _Guarded(np)


class _Turns:
    """Counts the turns of all loops of a call."""

    def __init__(self) -> None:
        self.left = MOST_TURNS

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise TooMuch("turns")


def _range(*args: Any) -> range:
    found = range(*args)
    if len(found) > MOST_ENTRIES:
        raise TooMuch("range")
    return found


def _count_turns(tree: ast.AST) -> None:
    """Put a call at the beginning of every loop's body, so that its turns are counted."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.While)):
            call = ast.Expr(ast.Call(ast.Name("__turn", ast.Load()), [], []))
            node.body.insert(0, ast.fix_missing_locations(ast.copy_location(call, node)))


def search(
    neighbours: tuple[ModuleType, ModuleType],
    source: str | Mapping[str, Any],
    name: str,
    probes: Sequence[Mapping[str, np.ndarray]],
    *,
    sizes: Sequence[Mapping[str, int]],
    settings: Sequence[str] = (),
    inputs: Sequence[str] = (),
    shapes: Sequence[Sequence[int]] | None = None,
    chosen: Sequence[int] | None = None,
    costs: tuple[float, float] = (0.0, 9.0),
    seconds: float = 1.0,
    filename: str = "<answers>",
    clock: Callable[[], float] = time.perf_counter,
) -> list[dict[str, Any]]:
    """Return what the answer ``name`` returns with each small change of the code, on each of the probes.

    Parameters
    ----------
    neighbours : the modules ``answers`` and ``edits``
    source, filename : as of ``answers.run``
    probes : the first search gets the smallest one, the second, with ``chosen`` changes, all others
    sizes : the sizes of every probe, which a change may name
    settings, inputs : names of the probes' values that a change may multiply by, or use
    shapes : of the probes' right answers; changes that return others are not told of
    chosen : numbers of changes; None tries all
    costs : the least cost of the changes that are tried, and the least that is too much
    seconds : when to stop

    Returns
    -------
    list of dict
        one per change whose values are arrays of numbers on all probes: ``id``, ``kind``, ``cost``, ``cell``,
        ``place`` (line, column, last line, end column) and ``values``. Changes that return the same as an
        earlier one of no higher cost are left out in a search of all.
    """
    answers, edits = neighbours
    with answers._quiet(io.StringIO()):
        try:
            piece = piece_of(source, name, filename, answers._load)
        except (SyntaxError, ValueError, RecursionError):
            return []
        if piece is None:
            return []
        runner = _Runner(answers, piece, name, probes, sizes)
        names = runner.names(edits, inputs, settings)
        changes = [(i, edit) for i in piece.reached for edit in edits.edits(piece.units[i].tree, names)]
        if chosen is None:
            within = [k for k, (_, edit) in enumerate(changes) if costs[0] <= edit.cost < costs[1]]
            chosen = sorted(within, key=lambda k: changes[k][1].cost)
        made = _made(runner, changes, chosen, clock() + seconds, clock)
        fits = None if shapes is None else [tuple(shape) for shape in shapes]
        return [c for c in made if fits is None or [value.shape for value in c["values"]] == fits]


def _made(
    runner: _Runner,
    changes: Sequence[tuple[int, Any]],
    chosen: Sequence[int],
    deadline: float,
    clock: Callable[[], float],
) -> Iterator[dict[str, Any]]:
    """What the chosen changes return, until the time is up."""
    for number in chosen:
        if clock() > deadline:
            return
        i, edit = changes[number]
        edit.apply()
        try:
            values = runner.values(i)
        finally:
            edit.undo()
        if values is not None:
            unit = runner.piece.units[i]
            change = {"id": number, "kind": edit.kind, "cost": edit.cost, "values": values, "cell": unit.cell}
            yield {**change, "place": _place(edit.node, unit), "text": unit.line_of(edit.node)}


def _place(node: ast.AST, unit: Unit) -> list[int]:
    """Line, column (from 0, in characters), last line, and end column of a node in the student's file."""
    lines = unit.text.splitlines()

    def column(line: int, offset: int) -> int:
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        return len(text.encode()[: offset + unit.column].decode("utf-8", "ignore"))

    first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    start = column(first, node.col_offset)  # type: ignore[attr-defined]
    end = column(last, node.end_col_offset)  # type: ignore[attr-defined]
    return [first + unit.line, start, last + unit.line, end]


class _Runner:
    """Runs the answer with one unit changed, in a namespace of its own."""

    def __init__(
        self,
        answers: ModuleType,
        piece: Piece,
        name: str,
        probes: Sequence[Mapping[str, np.ndarray]],
        sizes: Sequence[Mapping[str, int]],
    ) -> None:
        self.answers, self.piece, self.name, self.probes, self.sizes = answers, piece, name, probes, sizes
        self.numpy = [key for key, value in piece.base.items() if value is np]
        self.order = sorted(piece.reached)
        self.seen: set[bytes] = set()
        self.parameters: list[str] | None = None
        for i in piece.reached:
            unit = piece.units[i]
            _count_turns(unit.tree)
            unit.code = self.compiled(unit)
            self.seen.add(marshal.dumps(unit.code))

    def names(self, edits: ModuleType, inputs: Sequence[str], settings: Sequence[str]) -> Any:
        helpers = [n for unit in self.piece.units for n in _defined(unit) if n != self.name]
        scalars = [f"_size_{size}" for size in self.sizes[0]]
        scalars += [edits.GIVEN + s for s in settings if s in self.probes[0]]
        if "d" in self.sizes[0]:
            scalars.append("_root_d")
        return edits.Names([], [edits.GIVEN + name for name in inputs], scalars, helpers[:4])

    def compiled(self, unit: Unit) -> types.CodeType | None:
        try:
            return compile(ast.Module([unit.tree], []), "<variant>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, TypeError):
            return None

    def values(self, changed: int) -> list[np.ndarray] | None:
        """What the answer returns on every probe; None where it is not an array of numbers everywhere."""
        code = self.compiled(self.piece.units[changed])
        if code is None or (key := marshal.dumps(code)) in self.seen:
            return None
        self.seen.add(key)
        found = []
        for probe, sizes in zip(self.probes, self.sizes, strict=True):
            value = self.value(changed, code, probe, sizes)
            if value is None:
                return None
            found.append(value)
        return found

    def value(
        self, changed: int, code: types.CodeType, probe: Mapping[str, np.ndarray], sizes: Mapping[str, int]
    ) -> np.ndarray | None:
        copy = self.answers._copy
        space = {**self.piece.base, **{f"_given_{key}": copy(value) for key, value in probe.items()}}
        space.update({f"_size_{key}": size for key, size in sizes.items()}, __turn=_Turns())
        space.update(_root_d=float(np.sqrt(sizes.get("d", 1))))
        space.update(dict.fromkeys(self.numpy or ["np"], GUARDED))
        space.setdefault("range", _range)
        try:
            for i in self.order:
                run = code if i == changed else self.piece.units[i].code
                if run is not None:
                    exec(run, space)
            function = space[self.name]
            if self.parameters is None:
                self.parameters = self.answers._parameters(function)
            if all(name in probe for name in self.parameters):
                arguments = {name: copy(probe[name]) for name in self.parameters}
            else:
                arguments, _ = self.answers._arguments(function, probe, space)
            value = self.answers._as_value(function(**arguments))["value"]
        except (SystemExit, Exception, GeneratorExit):
            return None
        if value is None or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            return None
        return np.asarray(value)
