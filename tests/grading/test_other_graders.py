"""The files of docs/graders, run by the real tools; each is skipped where its tool is not installed."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import warnings
from pathlib import Path

import pytest

from npreg.exercises import check

ROOT = Path(__file__).resolve().parent.parent.parent
GRADERS = ROOT / "docs" / "graders"
RIGHT = """
import numpy as np

def grad_w(X, y, w, b, lam):
    return X.T @ (X @ w + b - y) / len(y) + lam * w

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
"""
HALF = RIGHT.replace("np.mean(X @ w + b - y)", "np.mean(y - X @ w - b)")
WRONG = HALF.replace(" + lam * w", "")
STUB = "def grad_w(X, y, w, b, lam):\n    ...\n\n\ndef grad_b(X, y, w, b):\n    ...\n"
FILES = [(RIGHT, 2.0), (HALF, 1.0), (WRONG, 0.0), (STUB, 0.0)]
NAMES = ["right", "half", "wrong", "stub"]
students = pytest.mark.parametrize(("source", "points"), FILES, ids=NAMES)
one_student = pytest.mark.parametrize(  # where each is a process of its own
    ("source", "points"),
    [pytest.param(*file, marks=[pytest.mark.slow] * (i != 1)) for i, file in enumerate(FILES)],
    ids=NAMES,
)
CUBES = """
import numpy as np
from npreg import assert_gradient
assert_gradient(lambda x: np.sum(x**3), lambda x: {factor} * x**2, {{"x": np.array([1.0, 2.0])}})
"""
POINTS = "from npreg.exercises import check\ncheck({source!r}, 'ridge').points(2)"
ALL_OR_NOTHING = "from npreg.exercises import check\ncheck({source!r}, 'ridge').raise_if_wrong()"

GRADE_CELLS = [(POINTS.format(source=source), points) for source, points in FILES]
GRADE_CELLS += [(ALL_OR_NOTHING.format(source=source), 2.0 * (points == 2.0)) for source, points in FILES]
GRADE_CELLS += [(CUBES.format(factor=3), 2.0), (CUBES.format(factor=2), 0.0)]


def environment(**more: str) -> dict[str, str]:
    """As in an activated environment: nbgrader calls `alembic`, otter `jupyter`, by name."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **more}


def python(*arguments: object, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=300)


def grade_cells(sources, points=2):
    """Execute grade cells as nbgrader's autograder does, and ask nbgrader for the points of each."""
    nbformat = pytest.importorskip("nbformat")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utils = pytest.importorskip("nbgrader.utils", exc_type=ImportError)
        from nbgrader.preprocessors import Execute

    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for position, cell in enumerate(cells):
        cell.metadata["nbgrader"] = {
            "grade": True,
            "solution": False,
            "locked": True,
            "points": points,
            "grade_id": f"cell-{position}",
            "schema_version": 3,
        }
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notebook, _ = Execute(timeout=120).preprocess(notebook, {})
    return [utils.determine_grade(cell) for cell in notebook.cells], notebook.cells


def test_nbgrader_reads_points_and_errors():
    grades, cells = grade_cells([source for source, _ in GRADE_CELLS])
    assert grades == [(points, 2.0) for _, points in GRADE_CELLS]
    for cell in cells:
        assert not [output for output in cell.outputs if output.output_type == "stream"], cell.source


@pytest.mark.slow
def test_nbgrader_generates_and_marks_the_assignment(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("nbgrader", exc_type=ImportError)
    (tmp_path / "source" / "ridge").mkdir(parents=True)
    shutil.copy(GRADERS / "nbgrader" / "ridge.ipynb", tmp_path / "source" / "ridge")
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'c'\n", encoding="utf-8"
    )
    made = python("-m", "nbgrader", "generate_assignment", "ridge", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    release = nbformat.read(tmp_path / "release" / "ridge" / "ridge.ipynb", as_version=4)
    assert "X.T" not in release.cells[1].source
    for name, (source, _) in zip(NAMES, FILES, strict=True):
        folder = tmp_path / "submitted" / name / "ridge"
        folder.mkdir(parents=True)
        release.cells[1].source = source
        nbformat.write(release, folder / "ridge.ipynb")
    marked = python("-m", "nbgrader", "autograde", "ridge", "--create", folder=tmp_path)
    assert marked.returncode == 0, marked.stderr
    table = "from nbgrader.api import Gradebook; g = Gradebook('sqlite:///gradebook.db'); print({s.student.id: s.score "
    scores = python("-c", f"{table}for s in g.assignment_submissions('ridge')}})", folder=tmp_path)
    assert scores.stdout.strip(), scores.stderr
    expected = {name: points for name, (_, points) in zip(NAMES, FILES, strict=True)}
    assert eval(scores.stdout) == expected


@students
def test_otter_runs_one_case_per_answer(source, points):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test_files = pytest.importorskip("otter.test_files", exc_type=ImportError)
    environment = {}
    exec(source, environment)
    test_file = test_files.ExceptionTestFile.from_file(str(GRADERS / "otter" / "q1.py"))
    test_file.run(environment)
    assert test_file.score == points
    for result in test_file.test_case_results:
        assert result.passed or "WrongAnswer" in result.message
        assert result.passed or source != STUB or "Not written yet" in result.message


@students
def test_gradescope_utils_writes_the_points_and_the_message(source, points, tmp_path, monkeypatch):
    pytest.importorskip("gradescope_utils.autograder_utils.decorators")
    from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner

    (tmp_path / "ridge.py").write_text(source, encoding="utf-8")
    text = (GRADERS / "gradescope" / "test_gradients.py").read_text(encoding="utf-8")
    namespace = {"__name__": "test_gradients"}
    exec(text.replace("/autograder/submission", tmp_path.as_posix()), namespace)
    stream = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(namespace["Gradients"])
    JSONTestRunner(visibility="visible", stream=stream).run(suite)
    (test,) = json.loads(stream.getvalue(), parse_constant=pytest.fail)["tests"]
    assert test["score"] == points
    assert test["max_score"] == 2
    assert points == 2 or "ridge" in test["output"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Gradescope's machines run bash")
@students
def test_gradescope_runs_the_autograder(source, points, tmp_path):
    for name in ("submission", "source", "results"):
        (tmp_path / name).mkdir()
    (tmp_path / "submission" / "ridge.py").write_text(source, encoding="utf-8")
    (tmp_path / "source" / "grading.key").write_bytes(bytes(range(32)))
    (tmp_path / "submission_metadata.json").write_text('{"users": [{"id": 7, "name": "Ada"}]}', encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", str(GRADERS / "gradescope" / "run_autograder")],
        env=environment(AUTOGRADER=str(tmp_path), PATH=path),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    results = json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))
    assert sum(test["score"] for test in results["tests"]) == points


@one_student
def test_the_check_of_github_classroom_is_green_or_red(source, points, tmp_path):
    (tmp_path / "ridge.py").write_text(source, encoding="utf-8")
    text = (GRADERS / "github-classroom" / "classroom.yml").read_text(encoding="utf-8")
    (command,) = re.findall(r"run: python (-m npreg check .*)", text)
    done = python(*command.split(), folder=tmp_path)
    assert (done.returncode == 0) == (points == 2), done.stderr
    assert done.stderr == ""
    assert "ridge" in done.stdout


@one_student
def test_pytest_has_a_test_for_each_answer(source, points, tmp_path):
    (tmp_path / "ridge.py").write_text(source, encoding="utf-8")
    shutil.copy(GRADERS / "pytest" / "test_gradients.py", tmp_path)
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, folder=tmp_path)
    (passed,) = re.findall(r"(\d) passed", done.stdout) or ["0"]
    assert float(passed) == points, done.stdout
    assert points == 2 or "WrongAnswer" in done.stdout


def test_what_others_run_is_what_check_says():
    for source, points in FILES:
        assert check(source, "ridge", seconds=0).points(2) == points
