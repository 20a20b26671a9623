"""Run small changes of a student's code: what an answer would return with each of them, without judging it.

Every edit of ``edits`` is made in turn, and what the answer returned is written down with the place of the edit.
Which of the values is right is not known here.
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
from typing import Any

import numpy as np

from . import answers, edits

MOST_ENTRIES = 200_000  # of any array that a variant may make, and of any range
MOST_TURNS = 20_000  # of all loops of one call
LONGEST_LINE = 200
SHAPED = ("zeros", "ones", "empty", "full", "eye", "identity")
SIZED = (*SHAPED, "arange", "linspace", "repeat", "tile", "outer", "kron", "meshgrid")
_TURN = ast.parse("__turn()").body[0]


class TooMuch(Exception):
    """A variant that loops or allocates without end."""


def search(
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
    filename: str = answers.FILENAME,
    clock: Callable[[], float] = time.perf_counter,
) -> list[dict[str, Any]]:
    """Return what the answer ``name`` returns with each small change of the code, on each of the probes.

    Parameters
    ----------
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
        ``place`` (line, column, last line, end column) and ``values``.
    """
    found, deadline = [], clock() + seconds
    with answers.quiet(io.StringIO()):
        try:
            piece = Piece(source, name, filename, probes, sizes)
        except (SyntaxError, ValueError, RecursionError):
            return []
        changes = piece.changes(inputs, settings)
        if chosen is None:
            within = [i for i, (_, edit) in enumerate(changes) if costs[0] <= edit.cost < costs[1]]
            chosen = sorted(within, key=lambda i: changes[i][1].cost)
        for number in chosen:
            if clock() > deadline:
                break
            unit, edit = changes[number]
            with edit.made():
                values = piece.values(unit)
            if values is None or (shapes is not None and [v.shape for v in values] != list(map(tuple, shapes))):
                continue
            told = {"id": number, "kind": edit.kind, "cost": float(edit.cost), "values": values}
            found.append({**told, "cell": unit.cell, "place": unit.place(edit.node), "text": unit.line_of(edit.node)})
    return found


@dataclass(eq=False)
class Unit:
    """A statement of the file that can be run again: a function, a class, a lambda with a name.

    ``line`` is added to the lines of the tree, ``column`` to its columns; ``cell`` is the notebook's, if it is one.
    """

    tree: ast.stmt
    text: str
    line: int = 0
    column: int = 0
    cell: int | None = None
    code: types.CodeType | None = None
    loops: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loops = [node for node in ast.walk(self.tree) if isinstance(node, (ast.For, ast.While))]
        self.code = self.compiled()

    @property
    def names(self) -> list[str]:
        """What it defines."""
        targets = self.tree.targets if isinstance(self.tree, ast.Assign) else [self.tree]
        return [str(getattr(target, "id", getattr(target, "name", ""))) for target in targets]

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

    def line_of(self, node: Any) -> str:
        """The first line of a node, as it was typed."""
        return "".join(self.text.splitlines()[node.lineno - 1 : node.lineno])[:LONGEST_LINE]

    def place(self, node: Any) -> list[int]:
        """Line, column (from 0, in characters), last line, and end column of a node in the student's file."""
        lines, found = self.text.splitlines(), []
        for line, offset in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)):
            text = "".join(lines[line - 1 : line]).encode()[: offset + self.column]
            found += [line + self.line, len(text.decode("utf-8", "ignore"))]
        return found


def _units_of_file(source: str, namespace: Mapping[str, Any]) -> Iterator[Unit]:
    """The statements that give a name to a function, or a class: ``f = lambda …`` and ``f = partial(…)`` too."""
    for node in ast.parse(source).body:
        names = [getattr(t, "id", "") for t in node.targets] if isinstance(node, ast.Assign) else []
        callables = bool(names) and all(callable(namespace.get(name)) for name in names)
        if callables or isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield Unit(node, source)


def _units_of_functions(namespace: Mapping[str, Any], name: str) -> Iterator[Unit]:
    """The functions of a notebook that the answer calls, as they were typed."""
    waiting, seen = [name], set[str]()
    while waiting:
        function = namespace.get(current := waiting.pop())
        if current in seen or not isinstance(function, types.FunctionType) or function.__closure__:
            continue
        seen.add(current)
        try:
            lines, first = inspect.getsourcelines(function)
            node = ast.parse(textwrap.dedent("".join(lines))).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            continue
        if isinstance(node, (ast.FunctionDef, ast.Assign)):
            waiting.extend(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
            text, margin, cells = "".join(lines), len(lines[0]) - len(lines[0].lstrip()), namespace.get("In")
            known = enumerate(cells) if isinstance(cells, list) else ()
            cell = max((i for i, other in known if text.strip() in str(other)), default=None)
            yield Unit(node, text, max(first, 1) - 1, margin, cell)


class Piece:
    """The units that an answer is made of, run with one of them changed in a namespace of their own.

    Raises ``ValueError`` where a file, or a notebook, has no unit for the answer.
    """

    def __init__(
        self,
        source: str | Mapping[str, Any],
        name: str,
        filename: str,
        probes: Sequence[Mapping[str, np.ndarray]],
        sizes: Sequence[Mapping[str, int]],
    ) -> None:
        self.name, self.probes, self.sizes = name, probes, sizes
        space, _ = answers.load(source, filename)
        typed = _units_of_file(source, space) if isinstance(source, str) else _units_of_functions(space, name)
        units = list(typed)
        owner = {defined: unit for unit in units for defined in unit.names}
        waiting, reached = [name], list[Unit]()
        while waiting:
            unit = owner.get(waiting.pop())
            if unit is not None and unit not in reached:
                reached.append(unit)
                nodes = list(ast.walk(unit.tree))
                waiting += [node.id for node in nodes if isinstance(node, ast.Name)]
                waiting += [n.arg for n in nodes if isinstance(n, ast.arg) and n.arg.startswith("grad_")]
        if not reached:
            raise ValueError(f"no unit defines {name}")
        self.reached, self.order = reached, [unit for unit in units if unit in reached]
        self.helpers = [defined for unit in units for defined in unit.names if defined != name]
        self.space = {"np": GUARDED, "range": _range, **space}
        self.space.update((key, GUARDED) for key, value in space.items() if value is np)
        self.seen = {marshal.dumps(unit.code) for unit in reached}
        self.parameters: list[str] = []

    def changes(self, inputs: Sequence[str], settings: Sequence[str]) -> list[tuple[Unit, edits.Edit]]:
        """All single edits, with their units."""
        scalars = [f"_size_{size}" for size in self.sizes[0]]
        scalars += [edits.GIVEN + setting for setting in settings if setting in self.probes[0]]
        scalars += ["_root_d"] if "d" in self.sizes[0] else []
        names = edits.Names([edits.GIVEN + name for name in inputs], scalars, self.helpers[:4])
        return [(unit, edit) for unit in self.reached for edit in edits.edits(unit.tree, names)]

    def values(self, changed: Unit) -> list[np.ndarray] | None:
        """What the answer returns on every probe; None where it is not an array of numbers everywhere."""
        code = changed.compiled()
        if code is None or (key := marshal.dumps(code)) in self.seen:
            return None
        self.seen.add(key)
        found = []
        for probe, sizes in zip(self.probes, self.sizes, strict=True):
            try:
                value = self._value(changed, code, probe, sizes)
            except (SystemExit, Exception, GeneratorExit):
                return None
            if value is None or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
                return None
            found.append(np.asarray(value))
        return found

    def _value(
        self, changed: Unit, code: types.CodeType, probe: Mapping[str, np.ndarray], sizes: Mapping[str, int]
    ) -> Any:
        space = {**self.space, **{f"_size_{key}": size for key, size in sizes.items()}, "__turn": _Turns()}
        space.update({edits.GIVEN + key: answers.copied(value) for key, value in probe.items()})
        space.update(_root_d=float(np.sqrt(sizes.get("d", 1))))
        for unit in self.order:
            run = code if unit is changed else unit.code
            if run is not None:
                exec(run, space)
        function = space[self.name]
        self.parameters = self.parameters or answers.parameters(function)  # the same for all variants, and slow
        if all(name in probe for name in self.parameters):
            given = {name: answers.copied(probe[name]) for name in self.parameters}
        else:
            given = answers.arguments(function, probe, space)
        return answers.as_value(function(**given))["value"]


class _Guarded:
    """NumPy, but for arrays beyond all that an answer needs."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(np, name)
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


GUARDED = _Guarded()


class _Turns:
    """Counts the turns of all loops of a call."""

    left = MOST_TURNS

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise TooMuch("turns")


def _range(*args: Any) -> range:
    found = range(*args)
    if len(found) > MOST_ENTRIES:
        raise TooMuch("range")
    return found
