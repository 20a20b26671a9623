"""The command line as a student and a teacher use it, with their typical slips."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from npreg.__main__ import COMMANDS, main

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
    said = [npreg("check", name, "--hints", stage)[1] for stage in (1, 2, 3, 4)]
    assert "sign]" not in said[0] + said[1]
    assert "Kind of mistake: a sign." in said[1]
    assert "[sign]" in said[2]
    assert "docs/derivation.md#" not in said[2]
    assert "docs/derivation.md#" in said[3]


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


def test_the_next_stage_of_hints_is_offered(npreg):
    write("a.py", RIGHT.replace("return ", "return -"))
    assert "--hints 2" in npreg("check", "a.py", "--hints", "1")[1]
    assert "--hints 4" in npreg("check", "a.py")[1]


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
        ("work.ipynb", b"{}", "is a notebook"),
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


@pytest.mark.parametrize("arguments", [[], ["chekc"], ["check"], ["check", "a.py", "--hints", "5"]])
def test_a_wrong_call_is_status_2_with_usage(npreg, arguments):
    status, out, err = npreg(*arguments)
    assert (status, out) == (2, "")
    assert "usage: npreg" in err


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


def test_a_teachers_file_can_be_started_checked_and_named_by_its_path(npreg):
    teacher = os.path.relpath(EXAMPLES / "my_exercise.py")
    assert npreg("start", teacher)[0] == 0
    text = Path("poisson.py").read_text(encoding="utf-8")
    assert text.startswith("# exercise: ")
    write(
        "poisson.py", fill_in(text, "return X.T @ (np.exp(X @ w + b) - y)", "return np.mean(X @ w + b - y)")
    )
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
    assert "grad_w: factor:2 = factor:d" in out
    assert "同一个公式" in out


@pytest.mark.parametrize("sizes", ["n=4", "d", "d=0", "d=two"])
def test_prove_with_sizes_that_do_not_fit_is_status_2(npreg, sizes):
    status, out, err = npreg("prove", "one-example", "--sizes", sizes)
    assert (status, out) == (2, "")
    assert "sizes" in err


def test_a_solution_is_shown_only_where_the_exercise_holds_one(npreg):
    own = (EXAMPLES / "my_exercise.py").read_text(encoding="utf-8")
    write("secret.py", own)
    write("open.py", own.replace('id="poisson",', 'id="poisson", solution="Pull mu − y back.",'))
    answer = write("a.py", "def grad_w(X, y, mu): return X.T @ (mu - y)\n")
    assert "Pull mu" not in npreg("check", answer, "--exercise", "open.py")[1]
    assert "Pull mu − y back." in npreg("check", answer, "--exercise", "open.py", "--solution")[1]
    assert "holds no solution to show" in npreg("check", answer, "--exercise", "secret.py", "--solution")[1]


def test_every_command_has_help(npreg):
    status, out, _ = npreg("--help")
    assert status == 0
    for command in COMMANDS:
        assert command.name in out
        assert npreg(command.name, "--help")[0] == 0


def test_as_a_process_with_a_pipe_that_closes(tmp_path):
    """What a student prints does not reach the output, and a closed pipe is no traceback."""
    path = tmp_path / "a.py"
    path.write_text("print('noise')\n" + RIGHT, encoding="utf-8")
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
    assert b"noise" not in done.stdout
