"""`import npreg` is light, and the two wings do not import each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import npreg

PACKAGE = Path(npreg.__file__).parent
HEAVY = ["matplotlib", "sklearn", "dask", "distributed", "torch", "tqdm", "scipy", "pandas", "IPython", "jax", "numba"]
HEAVY += ["pytest", "hypothesis", "multiprocessing", "concurrent.futures", "asyncio", "http", "email", "unittest"]
OPTIONAL = {"sklearn", "dask", "distributed", "tqdm", "IPython", "matplotlib_inline", "pandas"}


def python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{code}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_is_light():
    """Nothing that NumPy does not bring along itself, of what is heavy or optional."""
    loaded = python(
        "import numpy; before = set(sys.modules)\n"
        "import npreg\n"
        "print(*sorted(set(sys.modules) - before))"
    ).split()  # fmt: skip
    roots = {name.split(".")[0] for name in loaded}
    assert "npreg" in roots
    assert not [name for name in HEAVY if name in loaded or name in roots]
    assert len([name for name in loaded if not name.startswith("npreg")]) < 25


def test_training_is_light():
    loaded = python(
        "import npreg\n"
        "features, labels = npreg.synthetic_data([2, -3.4], 4.2, 1000, rng=0)\n"
        "npreg.train(features, labels, rng=1)\n"
        "npreg.sweep(features, labels, lrs=[0.01, 0.1])\n"
        "npreg.train(npreg.RowBlocks.of(features, labels, 100), lr='auto')\n"
        "print(*sys.modules)"
    ).split()
    assert not {"matplotlib", "sklearn", "dask", "distributed", "torch", "tqdm", "scipy", "pandas"} & set(loaded)
    assert not [name for name in loaded if name.startswith("npreg.exercises")]


def test_every_public_name_is_there():
    for name in npreg.__all__:
        assert getattr(npreg, name) is not None
        assert name in dir(npreg)


def test_unknown_names():
    out = python("import npreg\ntry: npreg.nothing\nexcept AttributeError as error: print(error)")
    assert out.strip() == "module 'npreg' has no attribute 'nothing'"


def test_lazy_rooms():
    out = python("import npreg\nprint(npreg.plot.__name__, npreg.check_gradient.__name__)")
    assert out.split() == ["npreg.plot", "check_gradient"]
    rooms = "differentiate", "exercises", "gradcheck", "plot"
    out = python(f"import npreg\nfor room in {rooms}: print(getattr(npreg, room).__name__)")
    assert out.split() == [f"npreg.{room}" for room in rooms]
    for room, needs in (("sklearn", "sklearn.base"), ("dask", "dask.array")):
        pytest.importorskip(needs)
        assert python(f"import npreg\nprint(npreg.{room}.__name__)").split() == [f"npreg.{room}"]


def test_dir_shows_what_is_public():
    shown = python("import npreg, npreg.train, npreg.arrays\nprint(*dir(npreg))").split()
    assert {*shown} == {*npreg.__all__, *npreg._ROOMS}
    assert "arrays" not in shown
    everything = python("from npreg import *\nprint(train.__name__, plot.__name__, 'sklearn' in sys.modules)")
    assert everything.split() == ["train", "npreg.plot", "False"]


def imports(path: Path) -> set[str]:
    """What a module imports when it is imported: not within functions."""
    found: set[str] = set()
    queue: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while queue:
        for node in ast.iter_child_nodes(queue.pop()):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
            elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                queue.append(node)
    return found


def test_optional_packages_are_imported_where_they_are_used():
    """Only the adapters may name them at their top."""
    for path in PACKAGE.rglob("*.py"):
        if {"sklearn", "dask"} & {path.stem, path.parent.name}:
            continue
        assert not {name.split(".")[0] for name in imports(path)} & OPTIONAL, path
