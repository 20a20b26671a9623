"""Reports inside other people's graders, the real ones; each is skipped where it is not installed."""

from __future__ import annotations

import io
import json
import unittest
import warnings

import pytest

from npreg.exercises import check

RIGHT = """
def grad_w(x, y, w, b):
    return (w * x + b - y) * x

def grad_b(x, y, w, b):
    return w * x + b - y
"""
HALF = RIGHT.replace("return w * x + b - y\n", "return y - w * x - b\n")
WRONG = HALF.replace("* x\n\n", "* x * 2\n\n")
EMPTY = "def grad_w(x, y, w, b):\n    raise NotImplementedError\n"
FILES = [(RIGHT, 2.0), (HALF, 1.0), (WRONG, 0.0), (EMPTY, 0.0)]
NAMES = ["right", "half", "wrong", "empty"]
CUBES = """
import numpy as np
from npreg import assert_gradient
assert_gradient(lambda x: np.sum(x**3), lambda x: {factor} * x**2, {{"x": np.array([1.0, 2.0])}})
"""
POINTS = "from npreg.exercises import check\ncheck({source!r}, 'one-weight').points(2)"
ALL_OR_NOTHING = "from npreg.exercises import check\ncheck({source!r}, 'one-weight').raise_if_wrong()"

GRADE_CELLS = [(POINTS.format(source=source), points) for source, points in FILES]
GRADE_CELLS += [(ALL_OR_NOTHING.format(source=source), 2.0 * (points == 2.0)) for source, points in FILES]
GRADE_CELLS += [(CUBES.format(factor=3), 2.0), (CUBES.format(factor=2), 0.0)]


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
    shown = [output.data["text/plain"] for cell in cells[:4] for output in cell.outputs]
    assert shown == ["2.0", "1.0", "0.0", "0.0"]


OTTER = """
OK_FORMAT = False
name = "q1"
points = 2

from otter.test_files import test_case
from npreg.exercises import check


@test_case(points=1)
def test_grad_w(env, grad_w):
    check({"grad_w": grad_w, "grad_b": env.get("grad_b")}, "one-weight").answers[0].raise_if_wrong()


@test_case(points=1)
def test_grad_b(env, grad_b):
    check({"grad_w": env.get("grad_w"), "grad_b": grad_b}, "one-weight").answers[1].raise_if_wrong()
"""


@pytest.mark.parametrize(("source", "points"), FILES, ids=NAMES)
def test_otter_runs_one_case_per_answer(source, points, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test_files = pytest.importorskip("otter.test_files", exc_type=ImportError)
    path = tmp_path / "q1.py"
    path.write_text(OTTER, encoding="utf-8")
    env = {}
    exec(source, env)
    test_file = test_files.ExceptionTestFile.from_file(str(path))
    test_file.run(env)
    assert test_file.score == points
    for result in test_file.test_case_results:
        assert result.passed or "WrongAnswer" in result.message


@pytest.mark.parametrize(("source", "points"), FILES, ids=NAMES)
def test_gradescope_utils_writes_the_points_and_the_message(source, points):
    decorators = pytest.importorskip("gradescope_utils.autograder_utils.decorators")
    from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner

    class Gradients(unittest.TestCase):
        @decorators.partial_credit(2)
        def test_points(self, set_score=None):
            """Points for the gradients"""
            report = check(source, "one-weight")
            set_score(report.points(2))
            report.raise_if_wrong()

    stream = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Gradients)
    JSONTestRunner(visibility="visible", stream=stream).run(suite)
    results = json.loads(stream.getvalue(), parse_constant=pytest.fail)
    (test,) = results["tests"]
    assert test["score"] == points
    assert test["max_score"] == 2
    if points < 2:
        assert "one-weight" in test["output"]
