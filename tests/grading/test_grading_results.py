"""What is written: journal, tables, Gradescope, feedback, key and seeds."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import npreg
from npreg.exercises import course
from npreg.files import strict_json, write_text
from npreg.grading import Outputs
from npreg.grading.grade import journal, read_key, student_seed
from npreg.grading.marking import Mark, Result, describe
from npreg.grading.outputs import cell, escape, feedback, gradescope

TOLD = ("Shape right.", "n times <too> large")
HALF = Result(
    "Zoë 王.py",
    "ridge",
    0.5,
    (Mark("grad_w", 1.0), Mark("grad_b", 0.0, ("factor:n",), "n times <too> large", TOLD, 7)),
    message="n times <too> large",
)
NOTHING = Result("empty.py", "ridge", 0.0, (Mark("grad_w", 0.0),), "empty", "The file is empty.")


def test_a_result_survives_json():
    assert Result.from_dict(json.loads(strict_json(HALF.to_dict()))) == HALF


def kept(path, **results):
    """What a journal knows when it is opened; results are added."""
    with journal(path) as (known, add):
        before = dict(known)
        for entry, result in results.items():
            add(entry, result)
    return before


def test_the_journal_remembers_over_a_restart(tmp_path):
    path = tmp_path / "journal"
    assert kept(path, a={"score": 1.0}, b={"score": 0.5}) == {}
    kept(path, a={"score": 0.0})
    assert kept(path) == {"a": {"score": 0.0}, "b": {"score": 0.5}}


@pytest.mark.parametrize("cut", [2, 9, 30, 59])
def test_a_torn_last_line_costs_only_itself(tmp_path, cut):
    path = tmp_path / "journal"
    kept(path, a={"score": 1.0}, b={"message": "x" * 40})
    path.write_bytes(path.read_bytes()[:-cut])
    assert kept(path, c={"score": 0.5}) == {"a": {"score": 1.0}}
    assert kept(path) == {"a": {"score": 1.0}, "c": {"score": 0.5}}


def test_lines_that_are_no_results_are_passed_over(tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(b'null\n{"key": [], "result": {}}\n\xff\xfe\n{"key": "a", "result": {"score": 1}}\n')
    assert kept(path) == {"a": {"score": 1}}


def test_without_a_path_nothing_is_kept():
    assert kept(None, a={}) == {}


def test_a_result_that_is_no_strict_json_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        kept(tmp_path / "journal", a={"score": float("nan")})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_or_device_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text(tmp_path / "pipe", "through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]
    assert Outputs(csv=tmp_path / "pipe").journal_path() is None
    assert Outputs(csv=tmp_path / "file").journal_path() == f"{tmp_path / 'file'}.journal"


def test_the_table_reads_back(tmp_path):
    formula = Result("=1+1.py", "ridge", 0.0, HALF.marks, message="@SUM(A1)\nsecond line")
    Outputs(csv=tmp_path / "out.csv").write_class([HALF, NOTHING, formula], [course.load("ridge")], {}, "en")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert rows[0] == {
        "file": "Zoë 王.py",
        "score": "0.5",
        "grad_w": "1",
        "grad_b": "0",
        "codes": "grad_b: factor:n",
        "message": "n times <too> large",
    }
    assert (rows[1]["grad_b"], rows[1]["codes"]) == ("0", "empty")
    assert (rows[2]["file"], rows[2]["message"]) == ("'=1+1.py", "'@SUM(A1) second line")


@given(st.text(max_size=30))
def test_no_cell_is_a_formula(text):
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert "\n" not in cell(text)


def test_lines_hold_the_whole_result(tmp_path):
    Outputs(jsonl=tmp_path / "out.jsonl").write_class([HALF, NOTHING], [course.load("ridge")], {}, "en")
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Result.from_dict(json.loads(line)) for line in lines] == [HALF, NOTHING]


def test_gradescope_has_zero_first_then_the_points(tmp_path):
    outputs = Outputs(gradescope=tmp_path, points=20)
    outputs.write_zero("a/../b.py", "en")
    (path,) = tmp_path.glob("*/results.json")
    assert json.loads(path.read_text())["score"] == 0
    outputs.write_student(HALF, "a/../b.py", "en")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["score"] == 10
    assert [(t["score"], t["max_score"], t["status"]) for t in document["tests"]] == [
        (10, 10, "passed"),
        (0, 10, "failed"),
    ]
    assert document["tests"][1]["output"] == "Shape right.\nn times <too> large"
    assert gradescope(NOTHING, 20)["output"] == "The file is empty."


def test_points_for_three_answers_add_up():
    marks = tuple(Mark(f"grad_{name}", 1.0) for name in "abc")
    document = gradescope(Result("a.py", "x", 1.0, marks), 10)
    assert document["score"] == 10
    assert document["output"] == "All answers are right."


def test_an_early_stage_of_hints_does_not_tell_the_mistake():
    early = Mark("grad_w", 0.0, ("factor:n",), "n times too large", ("The shape is right.",))
    result = Result("a.py", "ridge", 0.0, (early,), message=early.message)
    for text in (feedback(result), strict_json(gradescope(result, 10))):
        assert "The shape is right." in text
        assert "n times" not in text
        assert "factor" not in text


def test_a_page_of_feedback_says_what_and_where(tmp_path):
    Outputs(feedback=tmp_path).write_student(HALF, "", "en")
    text = (tmp_path / "Zoë 王.py.md").read_text(encoding="utf-8")
    assert "Right: 1 of 2 answers (score 50%)" in text
    assert "n times &lt;too&gt; large" in text
    assert "Your function begins in line 7." in text
    assert "文件" in feedback(HALF, "zh")
    assert feedback(NOTHING).count("The file is empty.") == 1


@given(st.text(alphabet="ab<>&`*_[]#|~\\\n", max_size=40))
def test_feedback_never_contains_html(text):
    assert "<" not in escape(text)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "new" / "grading.key"
    secret = read_key(path)
    assert len(secret) == 64
    assert read_key(path) == secret
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        read_key(path)


def test_the_key_is_kept_with_the_users_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    secret = read_key()
    assert (tmp_path / "npreg" / "grading.key").read_bytes().strip() == secret


def test_seeds_differ_between_students_exercises_and_keys():
    seeds = {
        student_seed(secret, exercise, student)
        for secret in (b"a", b"b")
        for exercise in ("ridge", "huber")
        for student in ("ada", "bob", "王")
    }
    assert len(seeds) == 12
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert student_seed(b"a", "ridge", "Zoe\u0308") == student_seed(b"a", "ridge", "Zo\u00eb")


def test_everything_is_installed():
    """A folder without ``__init__.py`` would be left out of the installed package."""
    package = Path(npreg.__file__).parent
    folders = {path.parent for path in package.rglob("*.py")}
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []


def test_what_is_not_stopped_is_said_openly():
    bare = "\n".join(describe({"uid": 1000, "limits": [], "processes": None}))
    for danger in ("files", "network", "signals", "processes", "memory"):
        assert any(line.startswith("NOT") and danger in line for line in bare.splitlines())
    walls = {"bwrap": True, "landlock": 7, "seccomp": True, "processes": False, "uid": 64_000}
    full = describe({**walls, "limits": ["RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE"]})
    assert not any(line.startswith("NOT") for line in full)
