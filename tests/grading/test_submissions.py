"""Entries of a folder as submissions: careless and strange ones each get a reason, none is followed."""

from __future__ import annotations

import json
import os

import pytest

from npreg.exercises.files import notebook_source
from npreg.exercises.report import UnusableFile
from npreg.exercises.words import REASONS, brief, explain
from npreg.grading.students import LARGEST, read, readable_name, submissions

GOOD = "def grad_w(X, r):\n    return X.T @ r\n"


def reason_of(path, content):
    path.write_bytes(content)
    submission = read(path)
    assert submission.source is None
    return submission.reason[0]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.py", b"", "empty"),
        ("a.py", b" \n\t\n", "empty"),
        ("a.py", "# naïve".encode("latin-1"), "encoding"),
        ("a.py", b"# -*- coding: klingon -*-\n", "encoding"),
        ("a.py", b"PK\x03\x04\xff\xfe\x00", "encoding"),
        ("a.py", b"\xff\xfe\x00", "encoding"),
        ("a.docx", b"PK", "file-type"),
        ("README", b"text", "file-type"),
        ("a.py", b"#" * (LARGEST[".py"] + 1), "file-size"),
        ("a.ipynb", b"{", "notebook"),
        ("a.ipynb", b"[]", "notebook"),
        ("a.ipynb", b'{"cells": 3}', "notebook"),
        ("a.ipynb", b"[" * 100_000, "notebook"),
        ("a.ipynb", b'{"cells": []}', "empty"),
        ("a.ipynb", b"\xff", "encoding"),
    ],
)
def test_unusable_content_has_a_reason(tmp_path, name, content, reason):
    assert reason_of(tmp_path / name, content) == reason


@pytest.mark.parametrize(
    ("content", "source"),
    [
        (GOOD.encode(), GOOD),
        (b"\xef\xbb\xbf" + GOOD.encode(), GOOD),
        (GOOD.replace("\n", "\r\n").encode(), GOOD),
        (GOOD.encode("utf-16"), GOOD),
        ("# -*- coding: latin-1 -*-\n# naïve\n".encode("latin-1"), "# -*- coding: latin-1 -*-\n# naïve\n"),
    ],
)
def test_files_from_every_editor_are_read(tmp_path, content, source):
    (tmp_path / "a.py").write_bytes(content)
    assert read(tmp_path / "a.py").source == source


def test_what_is_no_file_is_not_opened(tmp_path):
    (tmp_path / "folder.py").mkdir()
    assert read(tmp_path / "folder.py").reason[0] == "directory"
    (tmp_path / "good.py").write_text(GOOD)
    try:
        (tmp_path / "link.py").symlink_to(tmp_path / "good.py")
        (tmp_path / "broken.py").symlink_to(tmp_path / "nowhere")
    except OSError:
        pytest.skip("this user may make no links here (Windows without developer mode)")
    assert read(tmp_path / "link.py").reason[0] == "link"
    assert read(tmp_path / "broken.py").reason[0] == "link"
    assert read(tmp_path / "gone.py").reason[0] == "unreadable"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    assert read(tmp_path / "pipe.py").reason[0] == "not-a-file"


def test_entries_are_sorted_and_hidden_or_own_ones_left_out(tmp_path):
    for name in ("b.py", "a.py", "Zoë 王.py", ".hidden.py", "out.csv"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    (tmp_path / "__pycache__").mkdir()
    names = [entry.name for entry in submissions(tmp_path, [tmp_path / "out.csv"])]
    assert names == ["Zoë 王.py", "a.py", "b.py"]
    assert submissions(tmp_path / "a.py") == [tmp_path / "a.py"]
    with pytest.raises(FileNotFoundError, match="there is no file or folder"):
        submissions(tmp_path / "nothing")


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_undecodable_names_are_readable(tmp_path):
    raw = os.fsencode(tmp_path) + b"/\xff.py"
    try:
        with open(raw, "w") as file:
            file.write(GOOD)
    except OSError:
        pytest.skip("this file system refuses such names")
    assert [read(entry).name for entry in submissions(tmp_path)] == ["\\xff.py"]
    assert readable_name("a\nb.py") == "a\\x0ab.py"


def test_the_same_text_under_another_ending_is_another_submission(tmp_path):
    for name in ("a.py", "a.ipynb"):
        (tmp_path / name).write_text('{"cells": [{"cell_type": "code", "source": "1"}]}')
    assert read(tmp_path / "a.py").source != read(tmp_path / "a.ipynb").source


def notebook(*cells):
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": kind, "source": text} for kind, text in cells]})


def test_a_notebooks_code_cells_are_joined_in_order():
    text = notebook(("code", "import numpy as np"), ("markdown", "def no(): pass"), ("code", ["x = 1\n", "y = 2"]))
    assert notebook_source(text, "a") == "import numpy as np\n\nx = 1\ny = 2"


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("%matplotlib inline", "# %matplotlib inline"),
        ("!pip install torch", "# !pip install torch"),
        ("    %time f()", "    pass  # %time f()"),
        ("np.mean?", "# np.mean?"),
        ("?np.mean", "# ?np.mean"),
        ("files = !ls", "# files = !ls"),
        ("x = a % b", "x = a % b"),
        ("    % 7", "    % 7"),
        ("if x != 3: pass", "if x != 3: pass"),
        ("# %comment", "# %comment"),
        ("s = 'why?'", "s = 'why?'"),
    ],
)
def test_magics_become_comments_and_python_stays(line, plain):
    assert notebook_source(notebook(("code", line)), "a") == plain


def test_cells_in_other_languages_are_left_out():
    text = notebook(("code", "%%bash\nrm -rf /"), ("code", "%%time\nx = 1"), ("raw", "nothing"))
    assert notebook_source(text, "a") == "# %%bash\n# rm -rf /\n\n# %%time\nx = 1"


def test_notebooks_of_format_3_are_read():
    cells = [{"cell_type": "code", "input": ["x = 1\n"]}]
    assert notebook_source(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}), "a") == "x = 1"
    with pytest.raises(UnusableFile, match="list of cells"):
        notebook_source('{"nbformat": 4}', "a")


def test_every_reason_is_said_in_both_languages():
    for code in REASONS:
        assert brief(code, "zh") != code
        for lang in ("en", "zh"):
            said = explain(code, lang, name="grad_w", detail="7", seconds=1.0, output="1 MB", memory="256 MB")
            assert "{" not in said
            assert len(said) > 5
