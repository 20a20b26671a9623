"""The command line as a student and a teacher use it, with their typical slips."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from npreg.__main__ import COMMANDS, main
from npreg.exercises.course import load
from npreg.exercises.prover import preview

RIGHT = """# exercise: one-weight
def grad_w(x, r):
    return r * x

def grad_b(r):
    return r
"""
WRONG = RIGHT.replace("return r\n", "return -r\n")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def english(monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def npreg(folder, capsys):
    def call(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        output = capsys.readouterr()
        return status, output.out, output.err

    return call


def fill_in(stub, *bodies):
    for body in bodies:
        stub = stub.replace("\n    raise NotImplementedError", f"\n    {body}", 1)
    return stub


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_start_then_check_then_mend_then_go_on(npreg):
    status, out, err = npreg("start", "one-weight")
    assert (status, err) == (0, "")
    assert out == "one_weight.py is written. Fill in grad_w, grad_b, then: npreg check one_weight.py\n"
    status, out, _ = npreg("check", "one_weight.py")
    assert status == 1
    assert out.count("not written yet") == 2
    text = Path("one_weight.py").read_text(encoding="utf-8")
    write("one_weight.py", fill_in(text, "return (w * x + b - y) * x", "return w * x + b - y"))
    status, out, err = npreg("check", "one_weight.py")
    assert (status, err) == (0, "")
    assert out == "one-weight: all right (2 of 2).\n\nNext: npreg start one-example\n"


def test_start_never_writes_over_a_file(npreg):
    write("one_weight.py", "mine")
    status, out, err = npreg("start", "one-weight")
    assert (status, out) == (2, "")
    assert "exists already and is left as it is" in err
    assert Path("one_weight.py").read_text(encoding="utf-8") == "mine"
    assert npreg("start", "one-weight", "--file", "second.py")[0] == 0


def test_check_names_the_mistake(npreg):
    status, out, err = npreg("check", write("a.py", WRONG))
    assert (status, err) == (1, "")
    assert "one-weight: 1 of 2 answers right." in out
    assert "grad_b  wrong  [sign]" in out
    assert "--by-hand" in out


def test_hints_say_less_and_more(npreg):
    name = write("a.py", WRONG)
    second, third, fourth = [npreg("check", name, "--hints", stage)[1] for stage in (2, 3, 4)]
    assert "sign]" not in second
    assert "Kind of mistake: a sign." in second
    assert "--hints 3" in second
    assert "[sign]" in third
    assert "docs/derivation.md#" not in third
    assert "--hints 4" in third
    assert "docs/derivation.md#" in fourth


def test_by_hand_shows_numbers_to_redo(npreg):
    status, out, _ = npreg("check", write("a.py", WRONG), "--by-hand")
    assert status == 1
    assert "By hand, the smallest whole numbers on which `grad_b` is wrong:" in out
    assert "Your `grad_b` gives" in out
    assert "`grad_w`" not in out


def test_json_is_strict_and_nothing_else_is_printed(npreg):
    status, out, err = npreg("check", write("a.py", WRONG), "--json")
    read = json.loads(out, parse_constant=pytest.fail)
    assert (status, err) == (1, "")
    assert (read["exercise"], read["passed"], read["score"]) == ("one-weight", False, 0.5)
    assert read["answers"][1]["mistakes"][0]["code"] == "sign"


def test_chinese(npreg):
    status, out, _ = npreg("check", write("a.py", WRONG), "--lang", "zh", "--hints", "4", "--by-hand")
    assert status == 1
    assert "错误" in out
    assert "手算" in out
    assert "wrong" not in out
    status, out, _ = npreg("check", write("a.py", WRONG), "--lang", "zh", "--json")
    assert "符号" in json.loads(out)["answers"][1]["mistakes"][0]["message"]


def test_the_seed_makes_two_runs_equal(npreg):
    name = write("a.py", WRONG.replace("return -r", "return r + 0.3 * r**3"))
    first = npreg("check", name, "--seed", "3", "--json")[1]
    assert npreg("check", name, "--seed", "3", "--json")[1] == first


def test_the_exercise_can_be_overruled(npreg):
    name = write("work.py", RIGHT.replace("# exercise: one-weight\n", ""))
    assert npreg("check", name, "--exercise", "one-weight")[0] == 0
    status, _, err = npreg("check", name)
    assert status == 2
    assert "add the line `# exercise: ID`" in err


def test_a_function_with_nearly_the_right_name_is_pointed_out(npreg):
    status, out, _ = npreg("check", write("a.py", RIGHT.replace("grad_w", "gradw")))
    assert status == 1
    assert "The file defines `gradw`; the answer is looked for under the name `grad_w`." in out


def test_a_name_that_differs_by_a_capital_is_pointed_out_once(npreg):
    _, out, _ = npreg("check", write("a.py", "# exercise: one-weight\ndef grad_W(x, r): return x * r\n"))
    assert out.count("The file defines `grad_W`") == 1


def test_an_unknown_parameter_is_told_with_the_line_of_the_function(npreg):
    _, out, _ = npreg("check", write("a.py", RIGHT.replace("def grad_b(", "def grad_b(c, ")))
    assert "line None" not in out
    assert re.search(r"error in line \d+: TypeError: the parameter 'c' names nothing", out)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.py", None, "there is no file missing.py"),
        (".", None, "is a folder; name one file in it"),
        ("empty.py", b"", "empty.py is empty"),
        ("latin.py", "# exercise: ridge\n# é\n".encode("latin-1"), "is not UTF-8: line 2"),
        ("broken.py", b"# exercise: ridge\ndef grad_w(X:\n", "broken.py, line 2: this is no Python"),
        ("typo.py", b"# exercise: rigde\n", "no exercise 'rigde'; did you mean ridge?"),
        ("none.py", b"x = 1\n", "does not say which exercise"),
        ("work.ipynb", b"{}", "is no notebook (no list of cells); save it again"),
    ],
)
def test_what_cannot_be_used_is_told_on_stderr_with_status_2(npreg, name, content, message):
    if content is not None:
        Path(name).write_bytes(content)
    status, out, err = npreg("check", name)
    assert (status, out) == (2, "")
    assert err.startswith("npreg: ")
    assert message in err
    assert "Traceback" not in err


def test_a_file_that_stops_when_it_is_loaded_tells_where(npreg):
    status, out, _ = npreg("check", write("a.py", "# exercise: one-weight\nimport nunpy\n" + RIGHT))
    assert status == 1
    assert "The file itself stops in line 2 (ModuleNotFoundError: No module named 'nunpy')" in out


def test_what_a_file_defines_before_it_stops_is_judged(npreg):
    status, out, _ = npreg("check", write("a.py", RIGHT + "\nprint(grad_w(1))\n"))
    assert status == 0
    assert "all right (2 of 2)" in out
    assert "The file itself stops in line 8" in out


WRONG_CALLS = ["chekc", "check", "check a.py --hints 5", "check a.py --seconds x", "check a.py --seed 1.5", "start"]
WRONG_CALLS += [
    "grade x --exercise",
    "check a.py --json=3",
    "check a.py --se 3",
    "grade x",
    "check a b",
    "start --lang",
]


@pytest.mark.parametrize("arguments", WRONG_CALLS)
def test_a_wrong_call_is_status_2_with_usage(npreg, arguments):
    status, out, err = npreg(*arguments.split())
    assert (status, out) == (2, "")
    assert "usage: npreg" in err
    if not arguments.endswith("--lang"):
        status, out, err = npreg("--lang", "zh", *arguments.split())
        assert (status, out) == (2, "")
        assert re.match(r"用法：npreg", err)
        assert re.search(r"^npreg.*：错误：", err, re.MULTILINE)
        assert not in_english(err)


@pytest.mark.parametrize(
    "call",
    [
        "grade nowhere --exercise ridge",
        "grade . --exercise ridge --seconds 0",
        "grade . --exercise ridge --numerical 3",
        "grade broken.zip --exercise ridge",
        "prove ridge --sizes n=4",
        "prove ridge --sizes abc",
        "prove ridge --sizes n=0,d=1",
        "check a.py --memory 1",
    ],
)
def test_errors_are_chinese_too(npreg, call):
    write("a.py", RIGHT)
    write("broken.zip", "PK")
    status, out, err = npreg("--lang", "zh", *call.split())
    assert (status, out) == (2, "")
    assert re.search("[\u4e00-\u9fff]", err)
    assert npreg(*call.split())[2] != err


def in_english(text):
    """English words in what is said in Chinese, beside names of commands and options, and what an option takes."""
    known = {"npreg", "json", "bwrap", "none", "auto", "plain", *COMMANDS}
    said = re.sub(r"--?[\w-]+|\x27[^\x27]*\x27|results\.json", "", text)
    return [word for word in re.findall(r"\b[a-z]{4,}\b", said) if word not in known]


def test_exercises_lists_the_course_and_the_progress_of_the_folder(npreg):
    write("a.py", RIGHT)
    write("b.py", WRONG)
    write("minibatch_mean.py", "# exercise: minibatch-mean\ndef grad_w(:\n")
    status, out, err = npreg("exercises")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0].startswith("✓ one-weight")
    assert lines[0].endswith("a.py 2/2")
    assert lines[1].startswith("· one-example")
    assert "minibatch_mean.py, line 2: this is no Python" in out
    assert out.endswith("Next: npreg start one-example\n")
    assert len([line for line in lines if line[:1] in "✓…·"]) == 17 + (lines.count(""))
    assert npreg("exercises", "nowhere")[0] == 2
    Path("a.py").unlink()
    assert npreg("exercises", "--lang", "zh")[1].endswith("下一步：npreg check b.py --lang zh\n")


def test_a_teachers_file_can_be_started_checked_and_named_by_its_path(npreg):
    teacher = os.path.relpath(EXAMPLES / "my_exercise.py")
    assert npreg("start", teacher)[0] == 0
    text = Path("poisson.py").read_text(encoding="utf-8")
    assert text.startswith("# exercise: ")
    write("poisson.py", fill_in(text, "return X.T @ (np.exp(X @ w + b) - y)", "return np.mean(X @ w + b - y)"))
    status, out, _ = npreg("check", "poisson.py")
    assert status == 1
    assert "grad_w  wrong  [factor:n]" in out
    assert "chain-missing:mu" in out


def test_prove_refuses_probes_that_leave_pairs(npreg):
    status, out, err = npreg("prove", "one-weight")
    assert (status, err) == (0, "")
    assert "known mistakes apart" in out
    status, out, err = npreg("prove", "one-example", "--sizes", "d=2", "--twins", "--lang", "zh")
    assert (status, err) == (1, "")
    confused, heading, twins = out.partition("同一个公式")
    assert "grad_w: factor:2 = factor:d" in confused
    assert "grad_w: right = factor:2/d" in confused
    assert heading
    assert "sign = " in twins
    assert "right =" not in twins


def test_prove_lists_what_students_will_read(npreg):
    status, out, err = npreg("prove", "minibatch-mean", "--messages")
    assert (status, err) == (0, "")
    codes = re.findall(r"^(grad_\w)  \[(.+)\]$", out, re.MULTILINE)
    assert len(codes) == 20
    assert {code.partition(":")[0] for _, code in codes} >= {"sign", "factor", "ignores"}
    assert "your answer points exactly the other way" in " ".join(out.split())
    assert "Every step is differentiated exactly." in out
    *_, last = preview(load("one-weight"), "zh", count=1)
    assert "所有步骤都精确求导" in last


@pytest.mark.parametrize("sizes", ["n=4", "d", "d=0", "d=two"])
def test_prove_with_sizes_that_do_not_fit_is_status_2(npreg, sizes):
    status, out, err = npreg("prove", "one-example", "--sizes", sizes)
    assert (status, out) == (2, "")
    assert "sizes" in err


def test_a_solution_is_shown_only_where_the_exercise_holds_one(npreg):
    own = (EXAMPLES / "my_exercise.py").read_text(encoding="utf-8")
    write("secret.py", own)
    write("open.py", own.replace("    title={", '    solution="Pull mu − y back.",\n    title={'))
    answer = write(
        "a.py", "def grad_w(X, y, mu): return X.T @ (mu - y) / len(y)\ngrad_b = lambda mu, y: (mu - y).mean()\n"
    )
    assert "Pull mu" not in npreg("check", answer, "--exercise", "open.py")[1]
    assert "Pull mu − y back." in npreg("check", answer, "--exercise", "open.py", "--solution")[1]
    assert "holds no solution to show" in npreg("check", answer, "--exercise", "secret.py", "--solution")[1]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_command_has_help(npreg, lang):
    status, out, _ = npreg("--help", "--lang", lang)
    assert status == 0
    for command in COMMANDS:
        assert command in out
        status, shown, _ = npreg(command, "--lang", lang, "--help")
        assert status == 0
        assert bool(in_english(shown)) == (lang == "en")


def test_as_a_process_with_a_pipe_that_closes(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(RIGHT, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "npreg", "check", str(path), "--lang", "zh"],
        capture_output=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert "全部正确" in done.stdout.decode("utf-8")
    assert "python -m npreg start one-example" in done.stdout.decode("utf-8").replace(sys.executable, "python")


def test_alone_it_prints_help(npreg):
    status, out, err = npreg()
    assert (status, err) == (0, "")
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize(("lang", "word"), [("zh_CN.UTF-8", "已写好"), ("de_DE.UTF-8", "written"), ("C", "written")])
def test_the_environment_chooses_the_language(npreg, monkeypatch, lang, word):
    monkeypatch.setenv("LANG", lang)
    assert word in npreg("start", "one-weight", "--file", "a.py")[1]
    assert "written" in npreg("start", "one-weight", "--file", "b.py", "--lang", "en")[1]
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")  # it goes before LANG
    assert "written" in npreg("start", "one-weight", "--file", "c.py")[1]


LOOP = RIGHT.replace("    return r\n", "    while True:\n        pass\n")


def test_an_endless_loop_costs_one_answer(npreg):
    status, out, err = npreg("check", write("a.py", LOOP), "--seconds", "0.5")
    assert (status, err) == (1, "")
    assert "one-weight: 1 of 2 answers right." in out
    assert "grad_b  wrong  [time-limit]" in out
    assert "`grad_b` did not finish within 0.5 seconds" in " ".join(out.split())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("import os; os._exit(3)", "ended-itself"),
        ("while True: pass", "time-limit"),
        pytest.param("x = bytearray(10**10)", "memory-limit", marks=pytest.mark.slow),
        pytest.param("import ctypes; ctypes.string_at(0)", "crashed", marks=pytest.mark.slow),
    ],
)
def test_a_file_that_ends_its_process_is_told_so(npreg, line, code):
    status, out, err = npreg("check", write("a.py", f"{line}\n{RIGHT}"), "--seconds", "0.5")
    assert (status, err) == (1, "")
    assert f"grad_w  wrong  [{code}]" in out
    assert "Running the file" in out


def test_prints_are_shown_once_and_shortened(npreg):
    text = RIGHT.replace("    return r * x", "    print('x is', x.shape)\n    return r * x")
    noise = "print('hello')\n" + text.replace("    return r\n", "    for i in range(99): print(i)\n    return r\n")
    status, out, _ = npreg("check", write("a.py", noise))
    assert status == 0
    assert "Printed while the file was loaded:\n    hello\n" in out
    assert "Printed by `grad_w` on the first probe:\n    x is ()\n" in out
    assert out.count("x is") == 1
    assert "    10\n    … (+88)\n" in out
    assert "打印" in npreg("check", "a.py", "--lang", "zh")[1]
    assert "hello" not in npreg("check", "a.py", "--json")[1]


def test_modules_of_the_files_own_folder_can_be_imported(npreg, monkeypatch, tmp_path):
    place = tmp_path / "mine"
    (place / "tools").mkdir(parents=True)
    (place / "helper.py").write_text("from tools.scale import one\ndef times(a, b): return one * a * b\n")
    (place / "tools" / "scale.py").write_text("import numpy as np\none = np.float64(1)\n")
    (place / "data.txt").write_text("1\n")
    text = "from helper import times\nopen('data.txt').close()\n" + RIGHT.replace("r * x", "times(r, x)")
    (place / "a.py").write_text(text)
    assert npreg("check", place / "a.py")[0] == 0


def test_a_notebook_is_taken(npreg):
    cells = ["%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()", RIGHT]
    document = {"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    write("work.ipynb", json.dumps(document))
    status, out, err = npreg("check", "work.ipynb")
    assert (status, err) == (0, "")
    assert "all right (2 of 2)" in out
    assert "work.ipynb 2/2" in npreg("exercises")[1]


def test_of_a_notebook_with_several_exercises_each_is_judged_by_its_own_cells(npreg):
    minibatch = "%%check minibatch-sum\n\ndef grad_w(X, r): return X.T @ r\ndef grad_b(r): return np.sum(r)"
    cells = ["import numpy as np", RIGHT, minibatch, "# exercise: ridge\ndef grad_b(r): return np.mean("]
    document = {"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    status, out, err = npreg("check", write("work.ipynb", json.dumps(document)), "--json")
    assert status == 2
    assert [json.loads(line)["score"] for line in out.splitlines()] == [1.0, 1.0]
    assert re.fullmatch(r"npreg: work.ipynb, line \d+: this is no Python: [^\n]*\n.*\n +\^\n", err)
    assert npreg("check", "work.ipynb", "--exercise", "minibatch_sum")[0] == 0
    listed = npreg("exercises")[1]
    assert "one-weight" in listed
    assert listed.count("work.ipynb 2/2") == 2
    assert listed.count("work.ipynb 0/2\n    work.ipynb, line") == 1


def test_by_hand_with_a_function_that_never_ends_comes_to_an_end(npreg):
    text = WRONG.replace("def grad_b(r):", "def grad_b(r):\n    while r == 1: pass")
    status, out, _ = npreg("check", write("a.py", text), "--by-hand", "--seconds", "1")
    assert status == 1
    assert "`grad_b`" in out


def test_the_list_of_exercises_never_hangs_and_says_what_it_skipped(npreg):
    write("a.py", LOOP)
    Path("latin.py").write_bytes("# exercise: ridge\n# é\n".encode("latin-1"))
    write("teacher.py", "# exercise: their_own.py\n")
    write("unrelated.py", "x = 1\n")
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe.py")
    status, out, err = npreg("exercises", "--seconds", "0.5")
    assert (status, err) == (0, "")
    assert "… one-weight" in out
    assert "a.py 1/2" in out
    assert "did not finish within 0.5 seconds" in out
    assert "Skipped: latin.py is not UTF-8" in out
    assert "Skipped: teacher.py is for their_own.py, which is no exercise of the course" in out
    assert ("pipe.py is no ordinary file" in out) == hasattr(os, "mkfifo")
    assert "unrelated" not in out


@pytest.mark.skipif(os.name == "nt", reason="signals as on POSIX")
def test_an_interruption_from_the_keyboard_is_answered(tmp_path):
    os.mkfifo(tmp_path / "on")  # opened for writing as soon as the file runs and opens it for reading
    (tmp_path / "a.py").write_text("# exercise: one-weight\nopen('on').close()\nwhile True: pass\n")
    command = [sys.executable, "-m", "npreg", "check", str(tmp_path / "a.py"), "--seconds", "60"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            os.close(os.open(tmp_path / "on", os.O_WRONLY | os.O_NONBLOCK))
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_a_fault_of_the_program_itself_is_no_traceback_and_no_mark(npreg, monkeypatch):
    monkeypatch.setattr("npreg.exercises.session.judge", lambda *args: 1 / 0)
    status, out, err = npreg("check", write("a.py", RIGHT))
    assert (status, out) == (2, "")
    assert "this is a fault of npreg itself" in err
    assert "ZeroDivisionError" in err


@pytest.mark.parametrize(
    ("argv", "original", "said"),
    [
        (["/somewhere/npreg/__main__.py"], ["python3.12", "-m", "npreg"], "python3.12 -m npreg"),
        ([".venv/bin/npreg"], ["python", ".venv/bin/npreg"], ".venv/bin/npreg"),
    ],
)
def test_messages_name_the_program_as_it_was_called(folder, capsys, monkeypatch, argv, original, said):
    monkeypatch.setattr(sys, "argv", [*argv, "start", "one-weight"])
    monkeypatch.setattr(sys, "orig_argv", original)
    assert main() == 0
    assert capsys.readouterr().out.endswith(f"then: {said} check one_weight.py\n")
    assert f"{said} check one_weight.py" in Path("one_weight.py").read_text(encoding="utf-8")
