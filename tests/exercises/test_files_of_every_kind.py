"""Forty files that loop, print, wait, fill the memory, use helpers or notebooks: each is answered in its time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 3
MOST = 60  # of wall clock; a machine may be busy: what never ends is what is looked for

HEAD = "# exercise: minibatch-mean\nimport numpy as np\n"
GRAD_W = "def grad_w(X, y, w, b):\n    {first}\n    return X.T @ (X @ w + b - y) / len(y)\n"
GRAD_B = "def grad_b(X, y, w, b):\n    return np.mean(X @ w + b - y)\n"
RIGHT = HEAD + GRAD_W.format(first="pass") + GRAD_B
MODEL = "class Model:\n    @staticmethod\n    def r(X, y, w, b): return X @ w + b - y\n"
SLOW = """
def grad_w(X, y, w, b):
    total = np.zeros_like(w)
    for i in range(len(y)):
        for j in range(len(w)):
            total[j] += (X[i] @ w + b - y[i]) * X[i, j]
    return total / len(y)
"""


def first(line: str) -> str:
    """The right file with a line more at the beginning of grad_w."""
    return HEAD + GRAD_W.format(first=line) + GRAD_B


def top(line: str) -> str:
    """The right file with lines more at the top."""
    return HEAD + line + "\n" + RIGHT.replace(HEAD, "")


def using(name: str, above: str = "", below: str = "") -> str:
    """The right file with its residual from elsewhere."""
    return HEAD + above + RIGHT.replace(HEAD, "").replace("X @ w + b - y", f"{name}(X, y, w, b)") + below


def notebook(*cells: str) -> str:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": c} for c in cells]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


# file: text, exit status, what is said of it
FILES: dict[str, tuple[str, int, str]] = {
    "loop_without_end": (first("while True: pass"), 1, "time-limit"),
    "loop_at_import": (top("while True: pass"), 1, "time-limit"),
    "loop_that_counts": (top("i = 0\nwhile i >= 0: i += 1"), 1, "time-limit"),
    "loop_that_catches": (first("while True:\n        try: raise ValueError\n        except: pass"), 1, "time-limit"),
    "generator_without_end": (top("import itertools\nsum(1 for _ in itertools.count())"), 1, "time-limit"),
    "power_without_end": (first("9**9**9"), 1, "time-limit"),
    "sleeps": (first("__import__('time').sleep(1000)"), 1, "time-limit"),
    "sleeps_a_little": (first("__import__('time').sleep(0.01)"), 0, "2 of 2"),
    "recursion": (first("return grad_w(X, y, w, b)"), 1, "RecursionError"),
    "waits_for_input": (top("name = input('your name? ')"), 1, "EOFError"),
    "allocates": (first("np.ones(10**10)"), 1, "emory"),
    "list_that_grows": (first("a = [0]\n    while True: a = a + a"), 1, "limit"),
    "prints_in_a_function": (first("print('shape', X.shape)"), 0, "shape ("),
    "prints_at_the_top": (top("print('hello from the top')"), 0, "hello from the top"),
    "prints_unicode": (first("print('梯度 ∂L/∂w')"), 0, "梯度 ∂L/∂w"),
    "prints_a_lot": (first("print('much ' * 100)"), 0, "much much"),
    "prints_without_end": (first("while True: print('x' * 1000)"), 1, "limit"),
    "prints_to_stderr": (top("import sys\nprint('to stderr', file=sys.stderr)"), 0, "2 of 2"),
    "prints_and_is_wrong": (first("print('seen'); return X.T @ (y - X @ w - b) / len(y)"), 1, "sign"),
    "prints_in_place_of_returning": (HEAD + "def grad_w(X, y, w, b):\n    print(X.T @ y)\n" + GRAD_B, 1, "no-return"),
    "helper_function": (using("residual", below="residual = lambda X, y, w, b: X @ w + b - y\n"), 0, "2 of 2"),
    "helper_module": (using("residual", "from helper import residual\n"), 0, "2 of 2"),
    "helper_package": (using("linear.residual", "import tools.linear as linear\n"), 0, "2 of 2"),
    "helper_that_is_missing": (top("import my_helpers"), 1, "my_helpers"),
    "helper_that_loops": (top("import endless"), 1, "time-limit"),
    "loops_over_entries": (HEAD + SLOW + GRAD_B, 0, "2 of 2"),
    "class_with_methods": (using("Model.r", MODEL), 0, "2 of 2"),
    "chinese_names": (using("残差", "残差 = lambda X, y, w, b: X @ w + b - y\n"), 0, "2 of 2"),
    "windows_line_ends": (RIGHT.replace("\n", "\r\n"), 0, "2 of 2"),
    "tabs_and_spaces": (HEAD + "def grad_w(X, y, w, b):\n\tr = X @ w + b - y\n        return X.T @ r\n", 2, "line 5"),
    "syntax_error": (RIGHT + "\ndef grad_c(:\n", 2, "line"),
    "ends_itself": (first("raise SystemExit(0)"), 1, "SystemExit"),
    "ends_the_process": (first("__import__('os')._exit(0)"), 1, "exit"),
    "crashes": (first("__import__('ctypes').string_at(0)"), 1, "crash"),
    "warns": (top("import warnings\nwarnings.warn('careful')"), 0, "2 of 2"),
    "plots": (top("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"), 0, "2 of 2"),
    "a_notebook.ipynb": (notebook(HEAD, GRAD_W.format(first="pass"), GRAD_B), 0, "2 of 2"),
    "notebook_with_magics.ipynb": (notebook("%pylab\n!pip list", first("print('in a cell')")), 0, "in a cell"),
    "notebook_that_loops.ipynb": (notebook("while True: pass", RIGHT), 1, "time-limit"),
    "notebook_half_wrong.ipynb": (notebook(HEAD, RIGHT.replace("np.mean", "np.sum")), 1, "factor:n"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_answered_in_its_time(name: str, tmp_path: Path) -> None:
    text, status, said = FILES[name]
    path = tmp_path / (name if "." in name else f"{name}.py")
    path.write_bytes(text.encode())
    (tmp_path / "tools").mkdir()
    for helper in ("helper.py", "tools/linear.py"):
        (tmp_path / helper).write_text("def residual(X, y, w, b):\n    return X @ w + b - y\n", encoding="utf-8")
    (tmp_path / "endless.py").write_text("while True:\n    pass\n", encoding="utf-8")
    command = [sys.executable, "-m", "npreg", "check", path.name, "--exercise", "minibatch-mean"]
    command += ["--seconds", str(SECONDS), "--memory", "300", "--lang", "en"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    started = time.monotonic()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=300)
    seconds = time.monotonic() - started
    shown = done.stdout.decode() + done.stderr.decode()
    assert seconds < MOST, shown
    assert "Traceback" not in shown
    assert done.returncode == status, shown
    assert said in shown
    assert path.read_bytes() == text.encode()


def test_there_are_forty() -> None:
    assert len(FILES) == 40
