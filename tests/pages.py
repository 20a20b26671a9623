"""Runs the fenced python blocks of a Markdown page, and reads its equations."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

# pytest's own checker knows NUMBER: as many digits are compared as are written.
from _pytest.doctest import _get_checker, _get_number_flag

ROOT = Path(__file__).resolve().parent.parent
WITH_EQUATIONS = [ROOT / "docs" / name for name in ("derivation.md", "moments.md")]
DOCTEST_FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | _get_number_flag()  # as in setup.cfg


def load(script: Path) -> ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


equations = load(ROOT / "docs" / "equations.py")


@dataclass(frozen=True)
class Block:
    """A fenced python block: its code, the line it starts on, the heading it stands under."""

    code: str
    line: int
    heading: str

    def statements(self) -> list[ast.stmt]:
        """The block's statements, with the page's line numbers."""
        tree = ast.parse(self.code)
        return [ast.increment_lineno(node, self.line - 1) for node in tree.body]


def blocks(text: str) -> Iterator[Block]:
    """The page's ```python blocks, and its ```pycon blocks (with >>> prompts)."""
    for fence in equations.FENCE.finditer(text):
        language = (fence["info"].split() or [""])[0]
        if language in ("python", "py", "python3", "pycon"):
            heading = next((line for line in reversed(text[: fence.start()].splitlines()) if line.startswith("#")), "")
            yield Block(
                textwrap.dedent(fence["body"]), text.count("\n", 0, fence.start("body")) + 1, heading.lstrip("# ")
            )


def fresh_namespace() -> dict[str, Any]:
    return {"__name__": "__main__"}


def run_page(text: str, name: str, namespace: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run all python blocks of a page in one namespace; a traceback shows the page's own lines."""
    namespace = fresh_namespace() if namespace is None else namespace
    for block in blocks(text):
        if block.code.lstrip().startswith(">>>"):
            _run_prompts(block, name, namespace)
        else:
            tree = ast.Module(block.statements(), type_ignores=[])
            exec(compile(tree, name, "exec"), namespace)
    return namespace


def _run_prompts(block: Block, name: str, namespace: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(block.code, namespace, name, name, block.line - 1)
    doctest.DebugRunner(checker=_get_checker(), optionflags=DOCTEST_FLAGS).run(test, clear_globs=False)
    namespace.update(test.globs)


def run_statement(node: ast.stmt, name: str, namespace: dict[str, Any]) -> None:
    module = ast.fix_missing_locations(ast.Module([node], type_ignores=[]))
    exec(compile(module, name, "exec"), namespace)


def prose(text: str) -> str:
    """The page without its fenced blocks."""
    return equations.FENCE.sub("", text)


def count_equations(block: Block) -> int:
    return sum(map(equations.is_equation, block.statements()))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
