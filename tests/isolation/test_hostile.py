"""Hostile and careless submissions: honest marks, a reason each, nothing changed, and the others unharmed."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hostile_class import HONEST, HOSTILE, set_up, small_file, snapshot

from npreg.exercises import course
from npreg.exercises.words import FAMILIES, REASONS
from npreg.grading import Outputs, Settings, grade
from npreg.grading.students import readable_name
from npreg.isolation.sandbox import PACKAGES, Limits, Sandbox, base_executable, choose, readable_by_others

EXERCISE = course.load("minibatch-sum")
SANDBOX = Sandbox(Limits(seconds=1.0))
NAMES = sorted(path.stem for path in HOSTILE.glob("*.py.txt"))


class Class:
    """One run over the whole class, with everything that was written."""

    def __init__(
        self, root: Path, sandbox: Sandbox = SANDBOX, way: str = "auto", slow: bool = False, every: int = 1
    ) -> None:
        self.root, self.results, self.every = root, root / "results", every
        self.sandbox, isolation = choose(sandbox, way, small_file)
        self.expected = set_up(root, dict(isolation), slow, every)
        before = snapshot(root)
        outputs = Outputs(
            csv=self.results / "out.csv",
            jsonl=self.results / "out.jsonl",
            gradescope=self.results / "gradescope",
            feedback=self.results / "feedback",
            report=self.results / "report.html",
            points=10,
        )
        settings = Settings(sandbox=sandbox)
        self.graded = grade(
            root / "class", EXERCISE, secret=b"key", settings=settings, outputs=outputs, way=way, quiet=True
        )
        after = snapshot(root)
        self.changed = {
            path
            for path in before.keys() | after.keys()
            if not path.startswith("results/") and path != "results" and before.get(path) != after.get(path)
        }
        self.by_file = {result.file: result for result in self.graded.results}

    def surprises(self) -> list[str]:
        """What came out otherwise than expected, one line each."""
        return [
            f"{name}: {result.score} {result.codes} {result.message}, not {expected}"
            for name, expected in self.expected.items()
            if (result := self.by_file[readable_name(name)]) and not expected.fits(result.score, " ".join(result.codes))
        ]


@pytest.fixture(scope="module", params=[20, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def hostile(request, tmp_path_factory):
    whole = request.param == 1
    sandbox = Sandbox(Limits(seconds=1.5)) if whole else SANDBOX
    return Class(tmp_path_factory.mktemp("hostile"), sandbox, slow=whole, every=request.param)


def test_there_are_enough_of_them():
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_each_gets_its_honest_mark_and_a_reason(hostile, name):
    if name not in hostile.expected:
        all_are_there = hostile.every == 1
        lacking = "this system has no lock that stops it, so it is not let loose"
        pytest.skip(lacking if all_are_there else "one of those that only -m slow lets loose")
    result = hostile.by_file[name]
    expected = hostile.expected[name]
    assert expected.fits(result.score, " ".join(result.codes)), (result.score, result.codes, result.message)
    known = {*FAMILIES, *REASONS}
    for mark in result.marks:
        if result.reason is None and not mark.right:
            assert len(mark.message) > 20
            assert mark.codes
            assert {code.partition(":")[0] for code in mark.codes} <= known
    if result.score < 1:
        assert len(result.message) > 20


def test_odd_entries_too(hostile):
    assert hostile.surprises() == []


def test_every_entry_has_its_row_in_order(hostile):
    files = [result.file for result in hostile.graded.results]
    entries = sorted(os.listdir(hostile.root / "class"), key=os.fsencode)
    assert files == [readable_name(name) for name in entries]
    assert set(hostile.expected) == set(entries)


def test_nothing_outside_was_changed(hostile):
    assert hostile.changed == set()


def test_the_same_check_sees_a_change_without_isolation(tmp_path):
    """Test the tester: run outside of any isolation, one of them is caught by the very same comparison."""
    set_up(tmp_path, {"bwrap": True})
    before = snapshot(tmp_path)
    source = tmp_path / "class" / "writes_result_files.py"
    subprocess.run([sys.executable, str(source)], check=True, cwd=tmp_path / "outside")
    assert snapshot(tmp_path) != before


def test_no_process_is_left(hostile):
    if not Path("/proc").is_dir():
        pytest.skip("this system has no /proc, in which processes are listed")
    me = os.getpid()
    left = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != me:
            try:
                command = (entry / "cmdline").read_bytes()
                parent = re.search(r"^PPid:\s*(\d+)", (entry / "status").read_text(), re.MULTILINE)
            except OSError:
                continue
            if b"inside/main.py" in command and parent and int(parent[1]) == me:
                left.append(command)
    assert left == []


def test_the_others_marks_are_the_same_without_them(hostile, tmp_path):
    honest = [name for name, expected in hostile.expected.items() if expected.score == 1 and name != "folder.py"]
    calm = ["changes_its_input.py", "hard_coded_answer.py", "not_a_number.py"]
    for name in (*honest[:: min(hostile.every, 3)], *calm):
        shutil.copy(hostile.root / "class" / name, tmp_path / name)
    settings = Settings(sandbox=hostile.sandbox)
    alone = grade(tmp_path, EXERCISE, secret=b"key", settings=settings, quiet=True)
    for result in alone.results:
        together = hostile.by_file[result.file]
        assert result.to_dict() == together.to_dict()


def test_the_table_and_the_lines_hold_every_entry(hostile):
    with open(hostile.results / "out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "score", "grad_w", "grad_b", "codes", "message"]
    assert len(rows) == len(hostile.expected)
    assert all(0 <= float(row["score"]) <= 1 for row in rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    lines = (hostile.results / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line, parse_constant=pytest.fail)["file"] for line in lines] == list(hostile.by_file)


def test_the_numbers_handed_on_are_built_in(hostile):
    for result in hostile.graded.results:
        assert type(result.score) is float
        assert all(type(mark.mark) is float for mark in result.marks)
        assert not any(isinstance(value, np.generic) for value in result.to_dict().values())


TEST_KEYS = """
    score max_score status name name_format number output output_format tags visibility extra_data
"""
TOP_KEYS = """
    score execution_time output output_format test_output_format test_name_format visibility
    stdout_visibility extra_data tests leaderboard
"""


def check_gradescope(path: Path, points: float) -> dict:
    """Hold a ``results.json`` against the documented schema."""
    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert set(document) <= set(TOP_KEYS.split())
    assert type(document["score"]) in (int, float)
    assert 0 <= document["score"] <= points
    assert document.get("visibility", "visible") in ("hidden", "after_due_date", "after_published", "visible")
    assert document["output_format"] in ("text", "html", "simple_format", "md", "ansi")
    assert type(document["output"]) is str
    for test in document["tests"]:
        assert set(test) <= set(TEST_KEYS.split())
        assert 0 <= test["score"] <= test["max_score"]
        assert test["status"] in ("passed", "failed")
        assert all(type(test[key]) is str for key in ("name", "output", "number"))
    return document


def test_every_gradescope_file_is_valid(hostile):
    paths = list((hostile.results / "gradescope").glob("*/results.json"))
    assert len(paths) == len(hostile.expected)
    total = sum(check_gradescope(path, 10)["score"] for path in paths)
    assert total == pytest.approx(10 * sum(result.score for result in hostile.graded.results))


def test_every_student_has_a_page(hostile):
    pages = list((hostile.results / "feedback").glob("*.md"))
    assert len(pages) == len(hostile.expected)
    text = (hostile.results / "feedback" / "sleeper.py.md").read_text(encoding="utf-8")
    assert f"did not finish within {hostile.sandbox.limits.seconds:g} seconds" in text
    assert "## ✓ `grad_w`: right" in text
    assert not any("<b>" in page.read_text(encoding="utf-8") for page in pages)


def test_the_report_of_the_class_escapes_everything(hostile):
    page = (hostile.results / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;bold &amp; $(reboot).py" in page
    assert "<b>bold" not in page
    assert "<script" not in page
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)


def test_the_isolation_of_every_run_is_told(hostile):
    ran = [result for result in hostile.graded.results if result.report is not None]
    assert len(ran) > 15
    for result in ran:
        assert result.isolation["bwrap"] == (hostile.sandbox.bwrap is not None)
        assert "RLIMIT_CPU" in result.isolation["limits"] or os.name == "nt"


@pytest.mark.slow
@pytest.mark.parametrize("locks", [True, False])
def test_they_come_out_right_without_bubblewrap_and_without_locks_too(tmp_path, locks):
    plain = Class(tmp_path, Sandbox(Limits(seconds=1.5), locks=locks), "plain", every=3)
    assert plain.surprises() == []
    assert plain.changed == set()


def python_for_everybody() -> str | None:
    """A Python that a user without rights can start with this NumPy, if there is one."""
    candidates = [base_executable(), "/usr/bin/python3"]
    same = [path for path in candidates if Path(path).exists() and readable_by_others(path)]
    fits = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    same = [path for path in same if subprocess.run([path, "-c", fits], check=False).returncode == 0]
    return same[0] if same and readable_by_others(str(PACKAGES / "numpy")) else None


@pytest.mark.slow
@pytest.mark.parametrize("way", ["auto", "plain"])
def test_a_grader_without_rights_stops_them_too(way):
    python = python_for_everybody() if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    if python is None:
        pytest.skip("only root can start a grader as somebody else, with a Python that all may read")
    home, somebody = Path(__file__).parents[2], 61234
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to other users
        os.chown(place, somebody, somebody)
        code = (
            f"import os, sys; os.setgroups([]); os.setgid({somebody}); os.setuid({somebody})\n"
            f"sys.path[:0] = [{str(home)!r}, {str(home / 'tests')!r}, {str(Path(__file__).parent)!r}]\n"
            "from pathlib import Path; from test_hostile import Class\n"
            f"root = Path({place!r}) / 'run'; root.mkdir(); run = Class(root, way={way!r}, every=2)\n"
            "print('\\n'.join([*run.surprises(), *run.changed]))"
        )
        environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "HOME": place}
        command = [python, "-B", "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr[-2000:]


def test_an_honest_file_alone_has_full_marks(tmp_path):
    (tmp_path / "ada.py").write_text(HONEST)
    graded = grade(tmp_path / "ada.py", EXERCISE, secret=b"key", quiet=True)
    assert [result.score for result in graded.results] == [1.0]
    assert graded.all_right
