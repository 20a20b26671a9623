"""``npreg grade`` as a teacher runs it: statuses, a single file, slips, and going on after a kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hostile_class import HONEST, small_file

import npreg.exercises.check
from npreg.__main__ import main
from npreg.exercises import course
from npreg.grading import Outputs, Settings, grade, marking, students
from npreg.grading.marking import describe
from npreg.isolation import Limits, NoIsolation, Sandbox, choose
from npreg.isolation.sandbox import remove_tree

grade_module = sys.modules["npreg.grading.grade"]
WRONG = HONEST.replace("return np.sum(r)", "return np.mean(r)")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "class"
    place.mkdir()
    (place / "ada.py").write_text(HONEST)
    (place / "bob.py").write_text(WRONG)
    return place


@pytest.fixture
def npreg(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))

    def call(*arguments):
        try:
            status = main(["grade", *(str(argument) for argument in arguments)])
        except SystemExit as stop:
            status = stop.code
        output = capsys.readouterr()
        return status, output.out, output.err

    return call


def test_a_folder_is_marked_and_the_status_says_how(npreg, folder):
    status, out, err = npreg(folder, "--exercise", "minibatch-sum", "--jobs", 2)
    lines = out.splitlines()
    assert status == 1
    assert lines[0] == "100%  ada.py"
    assert lines[1] == " 50%  bob.py  grad_b: factor:1/n"
    assert lines[2] == "minibatch-sum: 2 submissions, 1 all right, mean score 75%"
    assert lines[3].startswith("Isolation: own process")
    assert "graded 2 of 2" in err
    (folder / "bob.py").unlink()
    status, _, err = npreg(folder, "--exercise", "minibatch-sum", "--quiet")
    assert (status, err) == (0, "")


@pytest.mark.slow
def test_all_results_are_written_and_left_out_of_the_next_run(npreg, folder):
    options = ["--exercise", "minibatch-sum", "--quiet", "--lang", "zh", "--key", folder / "key.txt"]
    for name in ("csv", "jsonl", "report"):
        options += [f"--{name}", folder / f"out.{name}"]
    options += ["--gradescope", folder / "gs", "--feedback", folder / "fb", "--points", 4]
    first = npreg(folder, *options)[1]
    table = (folder / "out.csv").read_bytes()
    assert npreg(folder, *options)[1] == first
    assert (folder / "out.csv").read_bytes() == table
    assert table.decode().count("\n") == 3
    assert "都" in json.loads((folder / "gs" / "ada.py" / "results.json").read_text(encoding="utf-8"))["output"]
    assert json.loads((folder / "gs" / "bob.py" / "results.json").read_text(encoding="utf-8"))["score"] == 2
    assert sorted(os.listdir(folder / "fb")) == ["ada.py.md", "bob.py.md"]
    assert "<table" in (folder / "out.report").read_text(encoding="utf-8")
    assert not list(folder.glob("*.journal"))


def test_a_single_file_as_gradescope_calls_it(npreg, folder, tmp_path):
    options = ["--exercise", "minibatch-sum", "--gradescope", tmp_path / "results", "--quiet"]
    assert npreg(folder / "bob.py", *options, "--student", "bob@example.org")[0] == 1
    assert json.loads((tmp_path / "results" / "results.json").read_text())["score"] == 5


def test_a_missing_file_still_has_a_valid_zero(npreg, folder, tmp_path):
    options = ["--exercise", "minibatch-sum", "--gradescope", tmp_path / "results", "--quiet"]
    status, out, err = npreg(folder / "gone.py", *options)
    assert (status, out) == (2, "")
    assert "there is no file or folder" in err
    document = json.loads((tmp_path / "results" / "results.json").read_text())
    assert document["score"] == 0
    assert "There is no file of this name: gone.py" in document["output"]


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (["--exercise", "minibatch-som"], "did you mean minibatch-sum"),
        (["--exercise", "minibatch-sum", "--seconds", "0"], "seconds must be positive"),
        (["--exercise", "minibatch-sum", "--memory", "1"], "memory at least 64 MB"),
        (["--exercise", "minibatch-sum", "--numerical", "2"], "between 0 and 1"),
        (["--exercise", "minibatch-sum", "--points", "-3"], "points must be finite and not negative"),
        ([], "--exercise"),
    ],
)
def test_slips_are_told_with_status_2(npreg, folder, slip, said):
    status, out, err = npreg(folder, *slip)
    assert (status, out) == (2, "")
    assert said in err


def test_a_table_that_cannot_be_written_is_told(npreg, folder):
    (folder / "out.csv").mkdir()
    status, _, err = npreg(folder, "--exercise", "minibatch-sum", "--csv", folder / "out.csv", "--quiet")
    assert status == 2
    assert "out.csv" in err


def test_a_file_or_function_that_never_ends_has_its_reason(npreg, folder):
    (folder / "ada.py").write_text("while True: pass\n")
    (folder / "bob.py").write_text(HONEST.replace("return np.sum(r)", "while True: pass"))
    status, out, _ = npreg(folder, "--exercise", "minibatch-sum", "--seconds", 0.5, "--quiet")
    assert status == 1
    assert out.splitlines()[:2] == ["  0%  ada.py  time-limit", " 50%  bob.py  grad_b: time-limit"]


def test_an_empty_folder_is_a_class_without_students(npreg, tmp_path):
    (tmp_path / "nobody").mkdir()
    status, out, _ = npreg(tmp_path / "nobody", "--exercise", "ridge", "--report", tmp_path / "r.html", "--quiet")
    assert status == 0
    assert out.startswith("ridge: 0 submissions")


def test_a_teachers_own_exercise_and_its_mark_for_numerical_answers(npreg, tmp_path):
    (tmp_path / "teacher.py").write_text(
        "from npreg.exercises import Exercise, gradient, real\n"
        "def square(a, t):\n"
        "    s = a * t\n"
        "    return s**2\n"
        "exercise = Exercise(square, {'a': real(), 't': real()}, {'grad_a': gradient('a')})\n"
    )
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "right.py").write_text("def grad_a(s, t): return 2 * s * t\n")
    (tmp_path / "class" / "step.py").write_text(
        "def loss(a, t): return (a * t) ** 2\ndef grad_a(a, t): return (loss(a + 1, t) - loss(a - 1, t)) / 2\n"
    )
    options = ["--exercise", tmp_path / "teacher.py", "--quiet"]
    _, out, _ = npreg(tmp_path / "class", *options)
    assert out.splitlines()[:2] == ["100%  right.py", "  0%  step.py  grad_a: numerical"]
    _, out, _ = npreg(tmp_path / "class", *options, "--numerical", "0.25")
    assert out.splitlines()[1] == " 25%  step.py  grad_a: numerical"


@pytest.mark.slow
def test_packages_can_be_forbidden_or_allowed(npreg, tmp_path):
    place = tmp_path / "class"
    place.mkdir()
    (place / "a.py").write_text(
        HONEST.replace("return np.sum(r)", "import decimal\n    return float(decimal.Decimal(np.sum(r)))")
    )
    options = ["--exercise", "minibatch-sum", "--quiet"]
    assert npreg(place, *options)[0] == 0
    _, out, _ = npreg(place, *options, "--forbid", "decimal")
    assert "grad_b: forbidden-import" in out
    pytest.importorskip("tqdm")
    (place / "a.py").write_text(HONEST.replace("return X.T @ r", "import pluggy\n    return X.T @ r"))
    assert "grad_w: missing-package" in npreg(place, *options)[1]
    assert npreg(place, *options, "--allow", "pluggy")[0] == 0


def arguments(folder: Path, table: Path) -> list[str]:
    options = ["--exercise", "minibatch-sum", "--jobs", "1", "--csv", str(table), "--quiet"]
    return [str(folder), *options, "--key", str(folder.parent / "key"), "--seconds", "20"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.slow
def test_killed_it_goes_on_to_the_same_table_and_leaves_nothing(npreg, folder, tmp_path):
    kills = 8
    for number in range(2 * kills):  # enough that no run ends before it is killed
        (folder / f"student_{number}.py").write_text(WRONG + f"# {number}\n")
    (folder / "broken.py").write_text("def grad_w(:")
    (tmp_path / "tmp").mkdir()
    journal = tmp_path / "killed.csv.journal"
    command = [sys.executable, "-m", "npreg", "grade", *arguments(folder, tmp_path / "killed.csv")]
    command += ["--feedback", str(tmp_path / "pages"), "--gradescope", str(tmp_path / "scope")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")}
    for kill in range(1, kills + 1):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        lines = max(kill - kills // 2, 0)  # half of them before anything is marked
        time.sleep(0.1 * kill if lines == 0 else 0)
        while lines and (not journal.exists() or journal.read_bytes().count(b"\n") < lines):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
        process.wait()
        assert not (tmp_path / "killed.csv").exists()
    done = journal.read_bytes().count(b"\n")
    last = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert last.returncode == 1
    assert f"{done} of them marked before" in last.stdout
    assert npreg(*arguments(folder, tmp_path / "whole.csv"))[0] == 1
    assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not journal.exists()
    assert os.listdir(tmp_path / "tmp") == []
    assert not list(tmp_path.rglob("*.part"))
    assert len(os.listdir(tmp_path / "pages")) == 2 * kills + 3


@pytest.mark.slow
def test_a_kept_journal_marks_only_what_changed(folder, tmp_path):
    exercise = course.load("minibatch-sum")
    outputs = Outputs(journal=tmp_path / "journal")
    assert grade(folder, exercise, secret=b"key", outputs=outputs, quiet=True).resumed == 0
    (folder / "bob.py").write_text(HONEST)
    again = grade(folder, exercise, secret=b"key", outputs=outputs, quiet=True)
    assert again.resumed == 1
    assert again.all_right
    settings = Settings(sandbox=Sandbox(Limits(seconds=7)))
    assert grade(folder, exercise, secret=b"key", outputs=outputs, settings=settings, quiet=True).resumed == 0
    assert grade(folder, exercise, secret=b"another", outputs=outputs, quiet=True).resumed == 0


@pytest.mark.slow
def test_a_failing_grader_is_no_students_fault(folder, tmp_path, monkeypatch):
    exercise = course.load("minibatch-sum")
    outputs = Outputs(csv=tmp_path / "out.csv")
    with monkeypatch.context() as patch:
        patch.setattr("npreg.exercises.session.judged", lambda *args, **kwargs: 1 / 0)
        graded = grade(folder, exercise, secret=b"key", outputs=outputs, quiet=True)
    assert [result.reason for result in graded.troubles] == ["grader-error"] * 2
    assert "ZeroDivisionError" in (tmp_path / "out.csv").read_text()
    again = grade(folder, exercise, secret=b"key", outputs=outputs, quiet=True)
    assert again.resumed == 0
    assert again.troubles == []


def test_isolation_that_does_not_work_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("npreg.isolation.sandbox.find_bwrap", lambda: None)
    with pytest.raises(NoIsolation, match="bwrap is not installed"):
        choose(Sandbox(), "bwrap", small_file)
    with pytest.raises(ValueError, match="one of auto, bwrap, plain"):
        choose(Sandbox(), "none", small_file)
    monkeypatch.setattr("npreg.isolation.sandbox.find_bwrap", lambda: str(tmp_path / "no such program"))
    monkeypatch.setattr("npreg.isolation.sandbox.base_executable", lambda: str(tmp_path / "no python"))
    with pytest.raises(NoIsolation, match="does not run here"):
        choose(Sandbox(), "auto", small_file)


def test_a_bwrap_that_fails_is_done_without(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho no namespaces >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr("npreg.isolation.sandbox.find_bwrap", lambda: str(fake))
    chosen, in_force = choose(Sandbox(), "auto", small_file)
    assert chosen.bwrap is None
    assert in_force["bwrap"] is False
    with pytest.raises(NoIsolation, match="no namespaces"):
        choose(Sandbox(), "bwrap", small_file)


def test_a_root_that_cannot_become_somebody_else_says_so(folder, monkeypatch):
    monkeypatch.setattr("npreg.isolation.sandbox.find_bwrap", lambda: None)
    monkeypatch.setattr(
        "npreg.isolation.sandbox.Sandbox._settings",
        lambda self, uid, original=Sandbox._settings: {**original(self, uid), "uid": -7 if uid else None},
    )
    chosen, in_force = choose(Sandbox(), "auto", small_file)
    assert chosen.drop == (not hasattr(os, "geteuid") or os.geteuid() != 0)
    assert any("rights of root" in line for line in describe(in_force)) == (in_force["uid"] == 0)


def test_any_folder_can_be_deleted(tmp_path):
    top = tmp_path / "top"
    place = top
    for _ in range(60):
        place = place / ("d" * 60)
        place.mkdir(parents=True)
    (place / "file.txt").write_text("deep")
    (top / "locked").mkdir()
    (top / "locked" / "file.txt").write_text("locked")
    (top / "locked").chmod(0)
    (tmp_path / "safe").mkdir()
    with contextlib.suppress(OSError):
        (top / "link").symlink_to(tmp_path / "safe", target_is_directory=True)
    remove_tree(str(top))
    assert not top.exists()
    assert (tmp_path / "safe").is_dir()


def test_nobody_is_blamed_for_the_graders_machine(npreg, folder, tmp_path):
    """A known right file comes first: where it fails there are no marks at all."""
    status, out, err = npreg(folder, "--exercise", "minibatch-sum", "--memory", 64, "--csv", tmp_path / "a.csv")
    assert (status, out) == (2, "")
    assert "a file that is known to be right does not get full marks" in err
    assert "nothing was graded" in err
    assert not (tmp_path / "a.csv").exists()


def test_the_known_right_file_sees_what_the_isolation_lacks(monkeypatch):
    """Test the tester: one module that can be imported outside, but not in there, is enough."""
    sandbox = Sandbox(drop=False)
    assert {"glob", "ssl", "unicodedata"} - set(marking.standard_modules()) <= {"ssl"}
    monkeypatch.setattr(marking, "standard_modules", lambda: ["json", "no_such_module"])
    monkeypatch.setattr(marking, "_passed", passed := {})
    assert marking.known_right(sandbox)[0] == ""  # missing outside as well
    passed.clear()
    monkeypatch.setattr(marking, "_imports_outside", lambda name: True)
    assert "cannot import no_such_module" in marking.known_right(sandbox)[0]
    monkeypatch.setattr(marking, "standard_modules", lambda: ["json"])
    monkeypatch.setattr(marking, "KNOWN_RIGHT", marking.KNOWN_RIGHT.replace("len(X)", "2"))
    assert "judged wrong" in marking.known_right(sandbox)[0]


@pytest.mark.slow
def test_what_was_marked_is_what_is_stored(folder, tmp_path, monkeypatch):
    """A file that changes after it was read is stored under the text that was judged."""
    exercise, outputs = course.load("minibatch-sum"), Outputs(journal=tmp_path / "journal")
    reading = students.read

    def read(path):
        found = reading(path)
        path.write_text(HONEST)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(students, "read", read)
        first = grade(folder, exercise, secret=b"key", outputs=outputs, quiet=True)
    assert [result.score for result in first.results] == [1, 0.5]
    again = grade(folder, exercise, secret=b"key", outputs=outputs, quiet=True)
    assert (again.resumed, [result.score for result in again.results]) == (1, [1, 1])


def test_jobs_are_bounded_by_processors_and_files(folder, monkeypatch):
    seen = []
    pool = grade_module.ThreadPoolExecutor
    monkeypatch.setattr(
        grade_module, "ThreadPoolExecutor", lambda jobs, **kwargs: seen.append(jobs) or pool(jobs, **kwargs)
    )
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    grade(folder, course.load("minibatch-sum"), secret=b"key", jobs=1000, quiet=True)
    assert seen == [2]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals as on POSIX")
def test_an_interruption_ends_the_processes_at_once(folder, tmp_path):
    (folder / "ada.py").write_text("while True: pass\n")
    table = tmp_path / "out.csv"
    command = [sys.executable, "-m", "npreg", "grade", *arguments(folder, table), "--isolation", "plain"]
    process = subprocess.Popen(
        [*command, "--seconds", "300"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "out.csv.journal").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert not [name for name in os.listdir(tmp_path) if name.startswith("npreg-")]


def test_every_failure_of_the_grader_is_status_2(npreg, folder, monkeypatch):
    monkeypatch.setattr(Outputs, "write_class", lambda *args: {}["gone"])
    status, out, err = npreg(folder, "--exercise", "minibatch-sum", "--quiet")
    assert (status, out) == (2, "")
    assert "KeyError" in err
