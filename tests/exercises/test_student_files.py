"""Files on disk: what cannot be used is refused with the cure, and nothing is ever written over."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npreg.exercises.course import IDS, load
from npreg.exercises.files import (
    MAX_BYTES,
    MOST_EXERCISES,
    decode,
    exercises_in,
    exercises_of,
    find_exercise,
    load_exercise,
    misnamed,
    read_source,
    require_python,
    section,
    student_files,
)
from npreg.exercises.report import UnusableFile
from npreg.exercises.stub import file_name, stub, write_new
from npreg.isolation.inside import answers

TEACHERS = """
from npreg.exercises import Exercise, gradient, real
def cube(a, t):
    u = a * t
    return (u**3).sum()
mine = Exercise(cube, inputs={"t": real("m"), "a": real()}, answers={"grad_a": gradient("a")})
"""


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("identifier", IDS)
def test_a_stub_is_python_with_every_function_and_names_its_exercise(identifier, lang):
    exercise = load(identifier)
    text = stub(exercise, lang)
    tree = ast.parse(text)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert exercises_in(text) == [identifier]
    assert set(exercise.answers) <= set(functions)
    assert "example_grad_a" in functions
    for name in exercise.answers:
        assert [argument.arg for argument in functions[name].args.args] == list(exercise.inputs)
        assert ast.get_docstring(functions[name])
    for name in (*exercise.inputs, *exercise.public_steps):
        assert f"    {name} " in ast.get_docstring(tree) + " "
    internal = [step for step in exercise.steps if step.startswith("_")]
    assert not any(re.search(rf"(?<!\w){step}\b", text) for step in internal)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("identifier", IDS)
def test_a_stub_holds_no_answer(identifier):
    exercise = load(identifier)
    tree = ast.parse(stub(exercise))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in exercise.answers:
            docstring, body = node.body
            assert isinstance(docstring, ast.Expr)
            assert isinstance(body, ast.Raise)


def test_the_stub_runs_and_its_answers_are_not_written_yet():
    outcome = answers.run(stub(load("one-weight")), ["grad_w", "grad_b"], [dict.fromkeys("xywb", _number(2.0))])
    assert outcome["error"] is None
    assert {run["runs"][0]["problem"] for run in outcome["functions"].values()} == {"not-implemented"}


def _number(value):
    import numpy as np

    return np.array(value)


def test_the_file_names_of_the_course_can_be_imported():
    for identifier in IDS:
        assert file_name(load(identifier)).removesuffix(".py").isidentifier()


def test_a_new_file_is_never_written_over_another(tmp_path):
    path = tmp_path / "ridge.py"
    write_new(path, "new\n")
    assert path.read_text(encoding="utf-8") == "new\n"
    with pytest.raises(UnusableFile, match="exists already and is left as it is"):
        write_new(path, "other\n")
    assert path.read_text(encoding="utf-8") == "new\n"
    assert os.listdir(tmp_path) == ["ridge.py"]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    with pytest.raises(UnusableFile, match="cannot be written"):
        write_new(tmp_path / "nowhere" / "ridge.py", "text")
    assert os.listdir(tmp_path) == []


def test_an_error_between_writing_and_naming_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("npreg.files._take_place", fail)
    with pytest.raises(UnusableFile, match="No space left on device"):
        write_new(tmp_path / "ridge.py", "text")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="os.link is used on POSIX only")
def test_a_file_system_without_hard_links_works_too(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    write_new(tmp_path / "ridge.py", "text")
    assert os.listdir(tmp_path) == ["ridge.py"]


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path):
    (tmp_path / "one_weight.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(UnusableFile, match=r"no file .*one_wieght\.py; did you mean one_weight\.py\?"):
        read_source(tmp_path / "one_wieght.py")


def test_a_folder_and_a_broken_notebook_are_told_what_to_do(tmp_path):
    with pytest.raises(UnusableFile, match="is a folder; name one file in it"):
        read_source(tmp_path)
    notebook = tmp_path / "work.ipynb"
    notebook.write_text("{}", encoding="utf-8")
    with pytest.raises(UnusableFile, match="is no notebook"):
        read_source(notebook)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        ("# é\n".encode("latin-1"), "is not UTF-8: line 1 holds the byte 0xe9; save the file as UTF-8"),
        (b"\xff\xfe\x00", "is not UTF-16-LE: line 1 holds the byte 0x00; save the file as UTF-8"),
        (b"PK\x03\x04\0\0", "zero bytes"),
        (b"# -*- coding: klingon -*-\n", "declares an unknown encoding: klingon; save it as UTF-8"),
    ],
)
def test_content_that_is_no_text_is_refused(content, message):
    with pytest.raises(UnusableFile, match=message):
        decode(content, "answer.py")


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_with_no_other_error(content):
    with contextlib.suppress(UnusableFile):
        require_python(decode(content, "answer.py"), "answer.py")


def test_a_byte_order_mark_and_other_newlines_are_fine():
    assert decode("\ufeffx = 1\r\ny = 2\r".encode(), "a.py") == "x = 1\ny = 2\n"


def test_a_huge_file_is_refused(tmp_path):
    path = tmp_path / "data.py"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UnusableFile, match="longer than"):
        read_source(path)


def test_a_syntax_error_is_shown_with_line_and_place():
    with pytest.raises(UnusableFile, match=r"answer\.py, line 2: this is no Python.*\n    return x \+\n +\^"):
        require_python("def f(x):\n    return x +\n", "answer.py")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("# exercise: ridge", "ridge"),
        ("#exercise: ridge", "ridge"),
        ("# npreg exercise: one-weight  ", "one-weight"),
        ("# Exercise: my_exercise.py", "my_exercise.py"),
        ("# this exercise: is hard", None),
        ("x = 1  # exercise: ridge", None),
        ("exercise = 'ridge'", "ridge"),
        ('exercise="one-weight"', "one-weight"),
        ("exercise = Exercise(", None),
        ("exercise = 'ridge", None),
    ],
)
def test_the_exercise_is_read_off_a_comment(line, named):
    assert exercises_in(f"import numpy as np\n{line}\n") == ([] if named is None else [named])


SEVERAL = """import numpy as np
# Exercise: Ridge
import numpy.linalg as la  # (norms)
import os, sys
def grad_w(X): return 1
%s
def grad_w(x): return 2
# exercise: ridge
def grad_b(r): return 3
"""


@pytest.mark.parametrize(
    "line", ["# exercise: one_weight", "exercise = 'one-weight'", "# %%check one-weight --lang zh"]
)
def test_a_file_of_several_exercises_is_taken_apart_and_lines_keep_their_numbers(line):
    text = SEVERAL % line
    lines = text.split("\n")
    assert [name.lower().replace("_", "-") for name in exercises_in(text)] == ["ridge", "one-weight"]
    weight = section(text, "one-weight").split("\n")
    assert weight == [lines[0], "", lines[2], "", "", *lines[5:7], "", "", ""]
    ridge = section(text, "RIDGE").split("\n")
    assert ridge == [*lines[:5], "", "", *lines[7:]]
    assert section(text, "softmax") == text
    assert section(text.replace(line, "x = 1"), "ridge") == text.replace(line, "x = 1")


def test_one_that_names_very_many_exercises_is_read_all_the_same():
    text = "\n".join(f"# exercise: e{n}" for n in range(10_000))
    assert len(exercises_in(text)) == MOST_EXERCISES


def test_without_a_comment_the_name_of_the_file_decides():
    assert exercises_of("x = 1\n", "some/where/One_Weight.py") == ["one-weight"]
    with pytest.raises(UnusableFile, match="does not say which exercise"):
        exercises_of("x = 1\n", "homework.py")


def test_an_unknown_exercise_is_told_the_nearest():
    assert find_exercise("One_Weight") is load("one-weight")
    with pytest.raises(UnusableFile, match=r"no exercise 'rigde'; did you mean ridge\?"):
        find_exercise("rigde")
    with pytest.raises(UnusableFile, match="`npreg exercises` lists them"):
        find_exercise("zzz")


def test_a_teachers_file_is_found_beside_the_students(tmp_path):
    (tmp_path / "cube.py").write_text(TEACHERS, encoding="utf-8")
    assert find_exercise("cube.py", tmp_path).id == "cube"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n", "defines 0 exercises"),
        (TEACHERS + TEACHERS.replace("mine", "other"), "defines 2 exercises"),
        (TEACHERS + "again = mine\n1 / 0\n", "stops with ZeroDivisionError"),
        ("def f(:\n", "this is no Python"),
    ],
)
def test_a_teachers_file_without_one_exercise_is_refused(tmp_path, source, message):
    path = tmp_path / "cube.py"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(UnusableFile, match=message):
        load_exercise(path)


def test_only_files_that_name_an_exercise_are_a_students(tmp_path):
    (tmp_path / "a.py").write_text("# exercise: ridge\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "c.py").write_bytes(b"\xff\xff")
    skipped: list[UnusableFile] = []
    assert [(path.name, *rest) for path, *rest in student_files(tmp_path, skipped)] == [
        ("a.py", "ridge", "# exercise: ridge\n")
    ]
    assert "c.py" in str(skipped[0])


def test_a_name_that_looks_like_a_missing_one_is_found():
    assert misnamed("def grad_W(x): return x\n", ["grad_w", "grad_b"]) == {"grad_w": "grad_W"}
    assert misnamed("gradb = gradw = abs\n", ["grad_w", "grad_b"]) == {"grad_w": "gradw", "grad_b": "gradb"}
    one = "def cost(w): pass\ndef compute_gradient(X, y, w, b): pass\n"  # as published courses have it
    assert misnamed(one, ["grad_w", "grad_b"]) == {"grad_w": "compute_gradient", "grad_b": "compute_gradient"}
    two = "class Model:\n    def loss(self): pass\n    def grad_w(self): pass\n    def grad_b(self): pass\n"
    assert misnamed(two, ["grad_w", "grad_b"]) == {"grad_w": "Model.grad_w", "grad_b": "Model.grad_b"}


def test_a_declared_encoding_is_read():
    assert decode(b"# -*- coding: latin-1 -*-\n# caf\xe9\n", "file.py").endswith("# café\n")
