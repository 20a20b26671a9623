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
SETUP = "from npreg.exercises import check\nsource = {source!r}\n"


def grade_cell(code, points=2):
    """Execute a grade cell as nbgrader's autograder does, and ask nbgrader for the points."""
    nbformat = pytest.importorskip("nbformat")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utils = pytest.importorskip("nbgrader.utils", exc_type=ImportError)
        from nbgrader.preprocessors import Execute
    cell = nbformat.v4.new_code_cell(code)
    cell.metadata["nbgrader"] = {
        "grade": True,
        "solution": False,
        "locked": True,
        "points": points,
        "grade_id": "grads",
        "schema_version": 3,
    }
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notebook, _ = Execute(timeout=120).preprocess(notebook, {})
    return utils.determine_grade(notebook.cells[0]), notebook.cells[0].outputs


@pytest.mark.slow
@pytest.mark.parametrize(("source", "points"), FILES, ids=NAMES)
def test_nbgrader_reads_points_as_partial_credit(source, points):
    code = SETUP.format(source=source) + "check(source, 'one-weight').points(2)"
    grade, outputs = grade_cell(code)
    assert grade == (points, 2.0)
    assert [output.output_type for output in outputs] == ["execute_result"]


@pytest.mark.slow
@pytest.mark.parametrize(("source", "points"), [FILES[0], FILES[1]], ids=["right", "half"])
def test_nbgrader_gives_all_or_nothing_for_raise_if_wrong(source, points):
    code = SETUP.format(source=source) + "check(source, 'one-weight').raise_if_wrong()"
    grade, _ = grade_cell(code)
    assert grade == (2.0 if points == 2.0 else 0.0, 2.0)


@pytest.mark.slow
def test_nbgrader_with_assert_gradient():
    good = "import numpy as np\nfrom npreg import assert_gradient\n"
    good += "assert_gradient(lambda x: x**3, lambda x: 3 * x**2, {'x': np.array([1.0, 2.0])})"
    assert grade_cell(good)[0] == (2.0, 2.0)
    assert grade_cell(good.replace("3 * x**2", "2 * x**2"))[0] == (0.0, 2.0)


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
