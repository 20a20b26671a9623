"""The map in CONTRIBUTING.md: its rooms exist, and imports only point down it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def rooms(wing: str) -> list[str]:
    """The rooms of a wing, from top to bottom: module names, packages without their slash."""
    table = TEXT.split(f"### {wing}\n\n")[1].split("\n\n")[0]
    names = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)(?:\.py|/)`", row)]
    assert len(names) > 4
    return names


TRAINING, CLASSROOM = rooms("Training"), rooms("Classroom")


def files(room: str) -> list[Path]:
    module = ROOT / "npreg" / f"{room}.py"
    return [module] if module.exists() else sorted((ROOT / "npreg" / room).rglob("*.py"))


def imported_rooms(source: str) -> set[str]:
    """The rooms of npreg that a module imports, wherever it does, except for type checking."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "npreg":
            parts = node.module.split(".")
            found.update([parts[1]] if len(parts) > 1 else [alias.name for alias in node.names])
        if isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("npreg."))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(source))
    return found


@pytest.mark.parametrize("room", [*TRAINING, *CLASSROOM])
def test_a_room_imports_only_from_below(room: str) -> None:
    wing = TRAINING if room in TRAINING else CLASSROOM
    below = {*wing[wing.index(room) + 1 :], room}
    other = {*TRAINING, *CLASSROOM} - {*wing}
    assert files(room), f"{room} is on the map, and not in npreg/"
    for path in files(room):
        found = imported_rooms(path.read_text(encoding="utf-8")) & {*TRAINING, *CLASSROOM}
        if room != "__main__":
            assert not found & other, f"{path.name} imports from the other wing: {found & other}"
        assert not (found & {*wing}) - below, f"{path.name} imports from above: {(found & {*wing}) - below}"


def test_imports_are_found() -> None:
    """The finder itself: every way to import a room."""
    source = """
import npreg.run
from npreg import sweep
if TYPE_CHECKING:
    from npreg.train import TrainResult
def f():
    from npreg.grading.files import write
"""
    assert imported_rooms(source) == {"run", "sweep", "grading"}
