"""Folders as they come: files, folders, archives, learning platforms' names; the same marks in all forms."""

from __future__ import annotations

import csv
import io
import os
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npreg.exercises import course, place
from npreg.grading import Outputs, grade
from npreg.grading.students import NotUnpacked, Person, entries, unpack, whose

RIDGE = course.load("ridge")
WEIGHT = course.load("one-weight")
RIGHT = "# exercise: one-weight\ndef grad_w(x, r):\n    return x * r\n\n\ndef grad_b(r):\n    return r\n"
WRONG = RIGHT.replace("return r\n", "return 2 * r\n")
HALF = "def grad_w(x, r): return x * r\n"
TEXTS = {"ada": RIGHT, "bob": WRONG, "carl": HALF, "dora": "def grad_w(:", "王小明": RIGHT}


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def zipped(path: Path, files: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def in_form(form: str, top: Path, texts: dict[str, str]) -> Path:
    """The class's files as a folder or archive of that form."""
    kind, _, plain = form.rpartition(":")
    names = {}
    top.mkdir()
    for number, (student, text) in enumerate(texts.items(), 11):
        names[student] = {
            "files": f"{student}.py",
            "folders": f"{student}/answers/my_work.py",
            "moodle": f"{student} B._{number}_assignsubmission_file/my work.py",
            "moodle-old": f"{student} B._{number}_assignsubmission_file_/my work.py",
            "moodle-flat": f"{student} B._{number}_assignsubmission_file_my work.py",
            "canvas": f"{student}{'_LATE' if number % 2 else ''}_{number}_9876{number}_my_work-2.py",
            "brightspace": f"{number}-77 - {student} B. - Oct {number}, 2024 1205 PM/my work.py",
            "brightspace-flat": f"{number}-77 - {student} B. - Oct {number}, 2024 105 AM - my work.py",
            "blackboard": f"Week 3_{student}_attempt_2024-05-06-07-08-{number}_my_work.py",
        }[plain]
        if kind == "each":
            zipped(top / "class" / f"{student}.zip", {"work/my_work.py": text})
        elif not kind:
            write(top / "class" / names[student], text)
    if kind == "zip":
        zipped(top / "class.zip", {f"all/{names[student]}": text for student, text in texts.items()})
        return top / "class.zip"
    if kind == "tar":
        with tarfile.open(top / "class.tar.gz", "w:gz") as archive:
            for student, text in texts.items():
                member = tarfile.TarInfo(names[student])
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        return top / "class.tar.gz"
    return top / "class"


def marks_in(form: str, top: Path, texts: dict[str, str], exercise: Any) -> dict[str, Any]:
    """Score and codes of every student, whose files come in that form."""
    graded = grade(in_form(form, top / form.replace(":", "-"), texts), exercise, secret=b"key", quiet=True)
    marks = {result.file: (result.score, result.codes) for result in graded.results}
    assert len(marks) == len(texts), form
    return {student: next(m for label, m in marks.items() if student in label) for student in texts}


FORMS = ["files", "folders", "moodle", "moodle-old", "moodle-flat", "canvas", "blackboard"]
FORMS += ["brightspace", "zip:brightspace-flat", "zip:moodle", "zip:files", "tar:folders", "each:files"]


@pytest.mark.parametrize("forms", [("moodle", "zip:canvas"), pytest.param(tuple(FORMS), marks=pytest.mark.slow)])
def test_the_marks_are_the_same_in_every_form(tmp_path, forms):
    expected = [1, 0.5, 0.5, 0, 1]
    found = [marks_in(form, tmp_path, TEXTS, WEIGHT) for form in forms]
    assert all(marks == found[0] for marks in found)
    assert [score for score, _ in found[0].values()] == expected


@pytest.mark.slow
def test_sixty_submissions_have_the_same_marks_as_files_and_from_learning_platforms(tmp_path, monkeypatch):
    """Right and wrong answers of the corpus, as files and as Moodle, Canvas and Blackboard give them, packed or not."""
    monkeypatch.setattr(place, "placed", lambda report, *about: report)  # takes long, and is no part of a mark
    corpus = sorted((Path(__file__).parents[1] / "corpus" / "ridge").glob("*.py"))
    texts = {f"s{n}x": corpus[n % len(corpus)].read_text(encoding="utf-8") for n in range(60)}
    as_files = marks_in("files", tmp_path, texts, RIDGE)
    assert {0, 1} < {score for score, _ in as_files.values()}
    for form, students in (("moodle", 60), ("zip:canvas", 60), ("zip:blackboard", 15), ("each:files", 15)):
        some = dict(list(texts.items())[:students])
        assert marks_in(form, tmp_path, some, RIDGE) == {name: as_files[name] for name in some}, form


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Ada Lovelace_12_assignsubmission_file_", Person("12", "Ada Lovelace")),
        ("Ada_B_12_assignsubmission_onlinetext", Person("12", "Ada_B")),
        ("王 小明_7_assignsubmission_file_a_b.py", Person("7", "王 小明", "a_b.py")),
        ("lovelaceada_12345_67890_ridge.py", Person("12345", "lovelaceada", "ridge.py")),
        ("lovelaceada_LATE_12345_67890_my ridge-13.ipynb", Person("12345", "lovelaceada", "my ridge.ipynb")),
        ("A_1_ada_attempt_2024-05-06-07-08-09_r.py", Person("ada", "", "r.py", "2024-05-06-07-08-09")),
        ("A 1_ada_attempt_2024-05-06-07-08-09.txt", Person("ada", "", "", "2024-05-06-07-08-09")),
        ("lovelaceada_late_123_question_7_456_ridge.py", Person("123", "lovelaceada", "ridge.py")),
        ("12-34 - Mary-Ann B - Sep 4, 2024 926 PM", Person("12", "Mary-Ann B", "", "2024-09-04T21:26:00")),
        ("12-34 - Bo - Dec 5, 2024 1205 AM - r - 2.py", Person("12", "Bo", "r - 2.py", "2024-12-05T00:05:00")),
        ("ridge.py", None),
        ("hw_1_2_ridge.py", None),
        ("student_023.py", None),
    ],
)
def test_names_of_learning_platforms(name, person):
    assert whose(name) == person


@given(st.text(max_size=60))
def test_any_name_is_looked_at_quickly(name):
    whose(name)


def test_several_files_and_exercises_of_a_student_in_one_run(tmp_path):
    ridge = "# exercise: ridge\ndef grad_b(r): return r.mean()\n"
    ridge += "def grad_w(X, r, w, lam): return X.T @ r / len(r) + lam * w\n"
    write(
        tmp_path / "class" / "ada" / "one.py", "from tools.times import times\n" + RIGHT.replace("x * r", "times(x, r)")
    )
    write(tmp_path / "class" / "ada" / "tools" / "times.py", "def times(a, b): return a * b\n")
    write(tmp_path / "class" / "ada" / "two.py", ridge)
    write(tmp_path / "class" / "bob" / "notes.txt", "I had no time")
    write(tmp_path / "class" / "carl" / "weight.py", WRONG)
    write(tmp_path / "class" / "dora.py", WRONG + ridge)
    outputs = Outputs(
        csv=tmp_path / "marks.csv",
        gradebook=tmp_path / "book.csv",
        report=tmp_path / "class.html",
        feedback=tmp_path / "feedback",
        points=10,
        bom=True,
    )
    graded = grade(tmp_path / "class", [WEIGHT, RIDGE], secret=b"key", outputs=outputs, quiet=True)
    found = {(result.file, result.exercise): (result.score, result.reason) for result in graded.results}
    assert found == {
        ("ada", "one-weight"): (1.0, None),
        ("ada", "ridge"): (1.0, None),
        ("bob", "one-weight"): (0.0, "no-file"),
        ("bob", "ridge"): (0.0, "no-file"),
        ("carl", "one-weight"): (0.5, None),
        ("carl", "ridge"): (0.0, "other-exercise"),
        ("dora.py", "one-weight"): (0.5, None),
        ("dora.py", "ridge"): (1.0, None),
    }
    assert graded.troubles == []
    text = (tmp_path / "book.csv").read_bytes()
    assert text.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert rows == [
        ["student_id", "name", "one-weight", "ridge"],
        ["ada", "", "10", "10"],
        ["bob", "", "0", "0"],
        ["carl", "", "5", "0"],
        ["dora", "", "5", "10"],
    ]
    with open(tmp_path / "marks.csv", encoding="utf-8-sig", newline="") as file:
        assert [row["exercise"] for row in csv.DictReader(file)] == ["one-weight", "ridge"] * 4
    assert {path.name for path in tmp_path.glob("*.html")} == {"class-one-weight.html", "class-ridge.html"}
    assert len(os.listdir(tmp_path / "feedback")) == 8


def test_a_file_of_another_exercise_is_told_and_not_marked(tmp_path):
    write(tmp_path / "ada.py", RIGHT)
    write(tmp_path / "bob.py", RIGHT.replace("one-weight", "ridge"))
    write(tmp_path / "carl.py", RIGHT.replace("one-weight", "one_wieght"))  # a slip is forgiven
    first, second, third = grade(tmp_path, WEIGHT, secret=b"key", quiet=True).results
    assert (first.score, third.score) == (1, 1)
    assert (second.score, second.reason) == (0, "other-exercise")
    assert "is for ridge" in second.message


def test_of_several_attempts_the_last_counts(tmp_path):
    for hour, text in ((11, RIGHT), (12, WRONG)):
        write(tmp_path / f"Week 3_ada_attempt_2024-05-06-{hour}-00-00_one_weight.py", text)
        write(tmp_path / f"Week 3_ada_attempt_2024-05-06-{hour}-00-00.txt", "Name: Ada")
    (result,) = grade(tmp_path, WEIGHT, secret=b"key", quiet=True).results
    assert (result.file, result.student, result.score) == ("ada", "ada", 0.5)


def test_folders_in_folders_are_looked_through_for_the_class(tmp_path):
    """As GitHub Classroom, ILIAS and Stud.IP give them, with tests, lists and online texts beside."""
    for student in ("ada", "bob", "carl"):
        top = tmp_path / "github" / "ridge-submissions" / f"ridge-{student}"
        write(top / "src" / "work.py", "from src.tools import times\n" + RIGHT.replace("# exercise: one-weight\n", ""))
        write(top / "src" / "tools.py", "def times(a, b): return a * b\n")
        write(top / "tests" / "test_work.py", RIGHT)
        write(tmp_path / "one" / f"ridge-{student}.py", RIGHT)
    write(tmp_path / "github" / "archive_filelist.csv", "a,b")
    zipped(
        tmp_path / "ilias.zip",
        {f"Sheet 1/Hand-ins/{name}/work.py": RIGHT for name in ("a", "b", "c")} | {"Sheet 1/status.xlsx": ""},
    )
    zipped(
        tmp_path / "moodle.zip",
        {"A_1_assignsubmission_file_/a.py": RIGHT, "B_2_assignsubmission_onlinetext_/onlinetext.html": "text"},
    )
    labels = {}
    for name in ("github", "one", "ilias.zip", "moodle.zip"):
        found = entries(tmp_path / name, [tmp_path / "github" / "class.html"], str(tmp_path / f"{name}-place"))
        labels[name] = [entry.label for entry in found]
        if name == "github":
            submission = found[0].submission(WEIGHT)
    assert labels == {
        "github": ["ridge-ada", "ridge-bob", "ridge-carl"],
        "one": ["ridge-ada.py", "ridge-bob.py", "ridge-carl.py"],
        "ilias.zip": ["a", "b", "c"],
        "moodle.zip": ["A_1", "B_2"],
    }
    assert "from src.tools" in submission.source
    assert set(submission.helpers) == {"src", "src.tools"}


def test_a_neighbours_file_is_no_helper(tmp_path):
    write(tmp_path / "ada.py", RIGHT)
    write(tmp_path / "bob.py", "from ada import grad_w, grad_b\n")
    scores = {result.file: result.score for result in grade(tmp_path, WEIGHT, secret=b"key", quiet=True).results}
    assert scores == {"ada.py": 1, "bob.py": 0}


def test_links_and_hidden_files_in_a_students_folder_are_left_out(tmp_path):
    write(tmp_path / "secret.py", RIGHT)
    place = tmp_path / "class" / "ada"
    write(place / "__MACOSX" / "._a.py", b"\0\1")
    write(place / ".ipynb_checkpoints" / "a.py", RIGHT)
    try:
        (place / "a.py").symlink_to(tmp_path / "secret.py")
        (place / "up").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this user may make no links here (Windows without developer mode)")
    (entry,) = entries(tmp_path / "class", (), str(tmp_path / "place"))
    assert entry.files == ()


def raises(path: Path, tmp_path: Path, bounds: tuple[int, int] | None = None) -> str:
    with pytest.raises(NotUnpacked) as refused:
        unpack(path, tmp_path / f"out{random.random()}", *([bounds] if bounds else []))
    return str(refused.value)


def test_hostile_archives_are_refused(tmp_path):
    zipped(tmp_path / "up.zip", {"../../evil.py": RIGHT})
    assert "evil.py" in raises(tmp_path / "up.zip", tmp_path)
    zipped(tmp_path / "deep.zip", {"a/" * 20 + "a.py": RIGHT})
    assert "with the name" in raises(tmp_path / "deep.zip", tmp_path)
    zipped(tmp_path / "many.zip", {f"{number}.py": "" for number in range(1100)})
    assert "more than 1000 files" in raises(tmp_path / "many.zip", tmp_path)
    zipped(tmp_path / "bomb.zip", {f"{number}.py": "#" * 2**20 for number in range(10)})
    assert "unpacks to more than 4 MB" in raises(tmp_path / "bomb.zip", tmp_path, (100, 2**22))
    with tarfile.open(tmp_path / "bomb.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("picture.png")
        member.size = 2**26
        archive.addfile(member, io.BytesIO(bytes(2**26)))
    assert "far more than its size" in raises(tmp_path / "bomb.tar.gz", tmp_path, (100, 2**22))
    (tmp_path / "cut.zip").write_bytes((tmp_path / "bomb.zip").read_bytes()[:-30])
    assert "damaged" in raises(tmp_path / "cut.zip", tmp_path)
    (tmp_path / "none.tar").write_bytes(b"no archive" * 100)
    assert "damaged" in raises(tmp_path / "none.tar", tmp_path)
    assert not (tmp_path / "evil.py").exists()


def test_an_encrypted_archive_and_links_in_archives(tmp_path):
    zipped(tmp_path / "a.zip", {"a.py": RIGHT})
    content = bytearray((tmp_path / "a.zip").read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = content.index(signature) + offset
        content[place : place + 2] = struct.pack("<H", 1)
    (tmp_path / "a.zip").write_bytes(content)
    assert "encrypted" in raises(tmp_path / "a.zip", tmp_path)
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            member = tarfile.TarInfo(f"{kind.decode()}.py")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    unpack(tmp_path / "links.tar", tmp_path / "links")
    assert list((tmp_path / "links").rglob("*")) == []


def test_a_damaged_archive_costs_its_student_only(tmp_path):
    write(tmp_path / "ada.zip", b"PK\3\4 nothing")
    write(tmp_path / "bob.py", RIGHT)
    first, second = grade(tmp_path, WEIGHT, secret=b"key", quiet=True).results
    assert (first.reason, second.score) == ("archive", 1)
    assert "damaged" in first.message


def test_names_of_old_zip_programs(tmp_path):
    """They write names in the system's encoding, and no flag that says which."""
    name, text = "王小明.py".encode("gbk"), RIGHT.encode()
    sizes = (zlib.crc32(text), len(text), len(text), len(name))
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, *sizes, 0) + name + text
    central = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, *sizes, 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)
    (tmp_path / "a.zip").write_bytes(local + central + end)
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert os.listdir(tmp_path / "out") == ["王小明.py"]
