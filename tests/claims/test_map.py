"""The map in CONTRIBUTING.md: every file is on it, imports only point down it, and nowhere is a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "npreg"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Map")[1].split("## Habits")[0]
SHARED = {"ground", ""}  # sections that every wing may import from; the empty one is the top
FLOORS, ROOMS = 9, 26  # at most

Graph = dict[str, set[str]]


def lines_of(folder: str) -> dict[str, tuple[str, int]]:
    """Room -> (its section, its line), from the block of the map that is headed by the folder."""
    found, section = {}, ""
    for i, line in enumerate(TEXT.split(f"\n{folder}/\n")[1].split("\n```")[0].splitlines()):
        if line.startswith("npreg/"):
            break
        if line.endswith(":"):
            section = line.strip(" :")
        else:
            found.update(dict.fromkeys(line.split(), (section, i)))
    return found


def imported(tree: ast.AST, modules: set[str], package: str) -> set[str]:
    """The modules that a module imports, wherever it does: at the top, in functions, for type checking."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [base])])
            names = [n if n in modules else base for a in node.names for n in [f"{base}.{a.name}".strip(".")]]
        else:
            continue
        found.update(name for name in names if name in modules)
    return found


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files() -> Iterator[Path]:
    return iter(sorted(PACKAGE.rglob("*.py")))


def arrows() -> Graph:
    """Every module of npreg -> the modules that it imports."""
    paths = {module_name(path): path for path in files()}
    return {
        name: imported(
            ast.parse(path.read_text(encoding="utf-8")),
            {*paths},
            name if path.name == "__init__.py" else name.rpartition(".")[0],
        )
        - {name}
        for name, path in paths.items()
    }


def rooms(graph: Graph, folder: str = "npreg") -> Graph:
    """The same arrows between the entries of a folder: a file, or a folder taken as one."""
    prefix = folder.replace("/", ".")

    def room(module: str) -> str | None:
        if module == prefix:
            return "__init__"
        return module.removeprefix(prefix + ".").split(".")[0] if module.startswith(prefix + ".") else None

    found: Graph = {}
    for name, targets in graph.items():
        here = room(name)
        if here is not None:
            found.setdefault(here, set()).update(r for r in map(room, targets) if r not in (None, here))
    return found


def circle(graph: Graph) -> list[str]:
    """One circle of a graph, empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def floors(graph: Graph) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        found[name] = 1 + max((found[target] for target in graph.get(name, ())), default=0)
    return found


GRAPH = arrows()
FRONT_DOORS = {module_name(path) for path in files() if path.name == "__init__.py"}


@pytest.mark.parametrize("folder", ["npreg", "npreg/exercises"])
def test_imports_only_point_down_the_map(folder: str) -> None:
    lines = lines_of(folder)
    there = {path.stem for path in (ROOT / folder).glob("*.py")} | {
        p.parent.name for p in (ROOT / folder).glob("*/*.py")
    }
    unmapped = there - {*lines, "__init__"}
    assert not unmapped, f"not on the map of {folder}: {sorted(unmapped)}"
    assert not {*lines} - there, f"on the map of {folder}, but not there: {sorted({*lines} - there)}"
    for room, targets in rooms(GRAPH, folder).items():
        if room not in lines:
            continue
        section, line = lines[room]
        for target in targets & {*lines}:
            to_section, to_line = lines[target]
            assert to_line > line, f"{room} imports {target}, from above it"
            assert to_section in {section, *SHARED} or not section, f"{room} imports {target}, of another wing"


def test_no_circle() -> None:
    """Neither between files (a front door only hands on) nor between rooms, also not inside a room."""
    inside = {name: targets - FRONT_DOORS for name, targets in GRAPH.items()}
    assert not circle(inside), " imports ".join(circle(inside))
    folders = {str(path.parent.relative_to(ROOT).as_posix()) for path in files()}
    for folder in folders:
        between = {name: targets - {"__init__"} for name, targets in rooms(GRAPH, folder).items()}
        assert not circle(between), f"{folder}: " + " imports ".join(circle(between))


def test_the_house_in_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """How many rooms lie at the top, and how long the longest chain of them is; printed, to be looked at."""
    graph = rooms(GRAPH)
    levels = floors(graph)
    count = sum(map(len, graph.values()))
    with capsys.disabled():
        print(f"\nnpreg/: {len(graph)} rooms at the top, {max(levels.values())} floors, {count} arrows")
        for level in range(max(levels.values()), 0, -1):
            print(f"  {level}  {'  '.join(sorted(name for name in levels if levels[name] == level))}")
    assert len(graph) <= ROOMS
    assert max(levels.values()) <= FLOORS


def test_imports_are_found() -> None:
    """The finder itself: every way to import a module."""
    source = """
import npreg.runs.run
from npreg import sweep
from . import data
from .linear import linreg
if TYPE_CHECKING:
    from npreg.train import TrainResult
def f():
    from npreg.grading.grade import Journal
"""
    modules = {"npreg", "npreg.runs.run", "npreg.sweep", "npreg.train", "npreg.grading.grade", "npreg.data"}
    modules |= {"npreg.linear", "npreg.losses"}
    assert imported(ast.parse(source), modules, "npreg") == modules - {"npreg", "npreg.losses"}


@pytest.mark.parametrize(
    ("arrow", "message"),
    [(("npreg.arrays", "npreg.train"), "from above"), (("npreg.train", "npreg.gradcheck.check"), "another wing")],
)
def test_a_planted_arrow_is_found(monkeypatch: pytest.MonkeyPatch, arrow: tuple[str, str], message: str) -> None:
    monkeypatch.setitem(GRAPH, arrow[0], GRAPH[arrow[0]] | {arrow[1]})
    with pytest.raises(AssertionError, match=message):
        test_imports_only_point_down_the_map("npreg")


def test_a_planted_circle_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRAPH, "npreg.linear", GRAPH["npreg.linear"] | {"npreg.losses"})
    monkeypatch.setitem(GRAPH, "npreg.losses", GRAPH["npreg.losses"] | {"npreg.linear"})
    with pytest.raises(AssertionError, match="imports"):
        test_no_circle()


def test_the_map_says_what_the_rule_is() -> None:
    assert re.search(r"no two files import each other in a circle", TEXT)
