"""The notebook of the first five exercises, executed as it is, with wrong answers, and with right ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOK = Path(__file__).parents[2] / "examples" / "gradient_course.ipynb"

RIGHT = {
    "one-weight": "grad_w = lambda x, r: r * x\ngrad_b = lambda r: r",
    "one-example": "grad_w = lambda x, y, w, b: (x @ w + b - y) * x\ngrad_b = lambda r: r",
    "minibatch-sum": "grad_w = lambda X, r: X.T @ r\ngrad_b = lambda r: r.sum()",
    "minibatch-mean": "grad_w = lambda X, r: X.T @ r / len(r)\ngrad_b = lambda r: r.mean()",
    "mean-squared-error": "grad_w = lambda X, r: 2 * X.T @ r / len(r)\ngrad_b = lambda r: 2 * r.mean()",
}
WRONG = {
    "one-weight": ("grad_w = lambda x, r: -r * x\ngrad_b = lambda r: r", "The sign is reversed"),
    "one-example": ("grad_w = lambda x, r: r\ngrad_b = lambda r: 2 * r", "exactly 2 times too large"),
    "minibatch-sum": ("grad_w = lambda X, r: X.T @ r / len(r)\ngrad_b = lambda r: r", "n times too small"),
    "minibatch-mean": ("grad_w = lambda X, r: X.T @ r\ngrad_b = lambda r: r.sum()", "exactly n times too large"),
    "mean-squared-error": (
        "grad_w = lambda X, r: X.T @ r / len(r)\ngrad_b = lambda r: r.mean()",
        "exactly 2 times too small",
    ),
}


def variants(cells):
    """The cells of the notebook; behind every check, its answer cell and the check again, wrong and right."""
    answer = None
    for cell in cells:
        yield cell
        tags = cell.metadata.get("tags", [])
        if "answer" in tags:
            answer = tags[1]
        if "check" in tags:
            for source in (WRONG[answer][0], RIGHT[answer]):
                yield nbformat.v4.new_code_cell(source)
                yield nbformat.v4.new_code_cell(cell.source, metadata={"tags": [*tags, "again"]})


def shown(cell):
    data = [output.data for output in cell.outputs if "data" in output]
    assert all(output.output_type != "error" for output in cell.outputs), cell.outputs
    return "".join(item.get("text/html", item.get("text/plain", "")) for item in data) + "".join(
        output.text for output in cell.outputs if output.output_type == "stream"
    )


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = list(variants(notebook.cells))
    paths = [str(NOTEBOOK.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.create_kernel_manager()
    client.execute(env=environment)
    return notebook


@pytest.mark.filterwarnings("default")
def test_the_notebook_with_no_wrong_and_right_answers(executed):
    checks = [cell for cell in executed.cells if "check" in cell.metadata.get("tags", [])]
    assert len(checks) == 3 * len(RIGHT)
    for empty, wrong, right in zip(checks[::3], checks[1::3], checks[2::3], strict=True):
        exercise = empty.metadata["tags"][1]
        assert shown(empty).count("ot written yet") == 2
        assert WRONG[exercise][1] in shown(wrong)
        assert f"{exercise}: all right (2 of 2)." in shown(right)


@pytest.mark.filterwarnings("default")
def test_the_cells_at_the_end_show_text_and_points(executed):
    hints, chinese, points = [cell for cell in executed.cells if cell.cell_type == "code"][-3:]
    assert shown(hints).startswith("mean-squared-error: all right")
    assert "全部正确" in shown(chinese)
    assert shown(points) == "2.0"


@pytest.mark.filterwarnings("default")
def test_the_notebook_is_stored_with_the_outputs_of_its_empty_answers(executed):
    stored = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(stored)
    checks = [c for c in executed.cells if "check" in c.metadata.get("tags", [])][::3]
    kept = [c for c in stored.cells if "check" in c.metadata.get("tags", [])]
    again = "run: python docs/outputs.py examples/*.ipynb"
    assert [shown(cell) for cell in kept] == [shown(cell) for cell in checks], again
    assert all(cell.execution_count for cell in stored.cells if cell.cell_type == "code")
