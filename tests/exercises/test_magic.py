"""In a notebook: `%%check` judges the functions of its cell alone, and points show why they are not all."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

import npreg
from npreg.exercises import check

RIGHT = "def grad_w(x, r): return x * r\ndef grad_b(r): return r\n"
WRONG = "import numpy as np\ndef grad_w(X, r):\n    return X.T @ r\ndef grad_b(r): return np.mean(r)\n"


class Shell:
    """As much of IPython's shell as a magic needs."""

    def __init__(self):
        self.user_ns, self.magics = {}, {}

    def register_magic_function(self, function, kind, name):
        self.magics[kind, name] = function

    def run_cell(self, cell):
        try:
            code = compile(cell, "<cell>", "exec")
        except SyntaxError as error:
            return SimpleNamespace(error_before_exec=error)
        exec(code, self.user_ns)
        return SimpleNamespace(error_before_exec=None)

    def check(self, line, cell):
        return self.magics["cell", "check"](line, cell)


@pytest.fixture
def shell():
    shell = Shell()
    npreg.load_ipython_extension(shell)
    return shell


def test_the_functions_of_a_cell_are_judged_and_stay(shell):
    assert shell.check("one-weight", RIGHT).passed
    assert shell.user_ns["grad_w"](2, 3) == 6


def test_a_stale_cell_does_not_answer(shell):
    shell.check("one-weight", RIGHT)
    stale = shell.user_ns["grad_b"]
    report = shell.check("minibatch-sum", "def grad_w(X, r): return X.T @ r\n")
    assert [(answer.passed, answer.not_written) for answer in report.answers] == [(True, False), (False, True)]
    assert shell.user_ns["grad_b"] is stale
    shell.check("one-weight", "def grad_r(r): return -r\n" + RIGHT)  # nor does a derivative of a step
    assert shell.check("one-weight", RIGHT).steps == ()


def test_one_function_for_both_answers_counts_for_its_own_cell(shell):
    both = "def compute_gradient(x, r): return {'dw': x * r, 'db': r}\n"
    assert shell.check("one-weight", both).passed
    report = shell.check("one-weight", "later = 1\n")
    assert [answer.not_written for answer in report.answers] == [True, True]
    assert shell.check("one-weight", "compute_gradient = compute_gradient  # of the earlier cell\n").passed


def test_what_other_cells_define_can_be_used(shell):
    shell.run_cell("import numpy as np\nhalf = lambda value: value / 2\n")
    report = shell.check("minibatch-mean", "def grad_w(X, r): return half(2 * X.T @ r) / len(r)\ngrad_b = np.mean\n")
    assert report.answers[0].passed


def test_a_cell_names_its_exercise_and_its_language(shell, capsys):
    assert shell.check("", "# exercise: one-weight\n" + RIGHT).exercise == "one-weight"
    assert "正确" in shell.check("one-weight --lang zh", RIGHT)._repr_html_()
    for line, said in (("", "begin the cell with"), ("rigde", "did you mean ridge"), ("ridge fr", "--lang zh")):
        assert shell.check(line, RIGHT) is None
        assert said in capsys.readouterr().out
    assert shell.check("ridge", "def grad_w(:\n") is None


def test_a_wrong_answer_unfolds_hints_and_a_small_example(shell):
    said = shell.check("minibatch-mean", WRONG)._repr_html_()
    assert said.count("<details") == 4
    assert "<summary>The kind of mistake</summary>" in said
    assert "n = 2, d = 2" in said
    wrong, right = said.split("<code>grad_b</code>")
    assert "#e0303a" in wrong
    assert "details" not in right
    first = said.partition("<details")[0]
    assert "Not yet: scale" in first
    assert "factor" not in first


@pytest.mark.parametrize(("source", "shown"), [(RIGHT, 0), (WRONG, 1)])
def test_points_show_why_where_they_are_the_last_line(monkeypatch, source, shown, capsys):
    callbacks, displayed = [], []
    events = SimpleNamespace(
        register=lambda event, call: callbacks.append(call), unregister=lambda event, call: callbacks.remove(call)
    )
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(events=events))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=displayed.append))
    report = check(source, "one-weight" if shown == 0 else "minibatch-mean", seconds=0)
    for last in (True, False):
        points = report.points(2)
        assert type(points) is float
        for call in list(callbacks):
            call(SimpleNamespace(result=points if last else None))
    assert callbacks == []
    assert displayed == [report] * shown
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_in_a_real_kernel():
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    sources = [
        "%load_ext npreg.exercises",
        "%%check one-weight\n" + RIGHT,
        "%%check minibatch-mean\n" + WRONG.partition("def grad_b")[0],
        "from npreg.exercises import check\ncheck([grad_w, grad_b], 'minibatch-mean').points(2)",
        "%%check rigde\n" + RIGHT,
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client(notebook, timeout=120).execute()
    right, stale, points, unknown = (cell.outputs for cell in notebook.cells[1:])
    assert "all right (2 of 2)" in right[0]["data"]["text/plain"]
    assert "grad_b  not written yet" in stale[0]["data"]["text/plain"]
    assert "line 4" in stale[0]["data"]["text/plain"]
    assert "A small example" in stale[0]["data"]["text/html"]
    assert [output["output_type"] for output in points] == ["execute_result", "display_data"]
    assert points[0]["data"] == {"text/plain": "0.0"}
    assert "missing" in points[1]["data"]["text/html"]
    assert "did you mean ridge?" in unknown[0]["text"]
    streams = [output.get("name") for outputs in (right, stale, points) for output in outputs]
    assert "stderr" not in streams
