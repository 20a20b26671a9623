"""A class of hostile and careless submissions, set up in a folder of its own; see ``hostile/``.

The files of ``hostile`` end in ``.py.txt`` so that nothing imports them by accident. The first line of each
says what must come out: the score, and the code of the first mistake (``*``: any, several with ``|``).
``needs:`` names what the isolation has to stop for the file to be safe to run at all; ``slow`` ones use up
their whole time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from npreg.isolation import Isolated, Sandbox

HOSTILE = Path(__file__).with_name("hostile")
NAMED = "changes_its_input", "hard_coded_answer", "not_a_number", "sleeper"
HONEST = """import numpy as np


def grad_w(X, r):
    return X.T @ r


def grad_b(r):
    return np.sum(r)
"""


def small_file(sandbox: Sandbox) -> tuple[str, Mapping[str, Any]]:
    """Run a small file: what is wrong with the isolation ("" if nothing), and what was in force."""
    ran = Isolated(sandbox, "def f(x): return 2 * x").run(["f"], [{"x": np.arange(3.0)}])
    said = (f"a process does not run here ({code}): {detail.strip()[-300:]}" for code, detail in ran.endings.values())
    return "".join(said), ran.isolation


_EXPECT = re.compile(r"# expect: (\S+) ?(\S*)(?: needs:(\w+))?( slow)?")


@dataclass(frozen=True)
class Expected:
    """What must come out: the score, and one of these codes (any if there are none)."""

    score: float
    codes: tuple[str, ...] = ()

    def fits(self, score: float, codes: str) -> bool:
        return score == self.score and (not self.codes or any(code in codes for code in self.codes))


def expectation(text: str) -> tuple[Expected, str, bool]:
    """Read a file's first line: what is expected, what the isolation has to stop, and whether it is slow."""
    score, codes, needs, slow = _EXPECT.match(text).groups()
    expected = Expected(float(score), tuple(codes.split("|")) if codes not in ("", "*") else ())
    return expected, needs or "", bool(slow)


def stopped(isolation: dict) -> set[str]:
    """What the isolation stops, in the words of ``needs:``."""
    walls = bool(isolation.get("bwrap"))
    dropped = isolation.get("uid", -1) >= 64_000
    found = {
        "files": walls or isolation.get("landlock", 0) >= 3,
        "network": walls or bool(isolation.get("seccomp")),
        "signals": walls or dropped or bool(isolation.get("seccomp")) or isolation.get("landlock", 0) >= 6,
        "memory": "RLIMIT_AS" in isolation.get("limits", ()),
        "processes": isolation.get("processes") is False,
        "": True,
    }
    return {name for name, is_stopped in found.items() if is_stopped}


def set_up(root: Path, isolation: dict, slow: bool = False, every: int = 1) -> dict[str, Expected]:
    """Write the class below ``root``: submissions in ``class``, other people's files in ``outside``.

    ``every`` chooses: all submissions, every second, ..., but always those that the tests name.
    """
    os.chmod(root, 0o755)
    folder, outside = root / "class", root / "outside"
    folder.mkdir()
    outside.mkdir()
    outside.chmod(0o777)
    (outside / "results.json").write_text("{}")
    (outside / "results.json").chmod(0o666)
    expected = {}
    for number, path in enumerate(sorted(HOSTILE.glob("*.py.txt"))):
        if number % every and path.name.partition(".")[0] not in NAMED:
            continue
        text = path.read_text(encoding="utf-8")
        wanted, needs, is_slow = expectation(text)
        if needs in stopped(isolation) and (slow or not is_slow):
            text = text.replace("@FOLDER@", folder.as_posix()).replace("@OUTSIDE@", outside.as_posix())
            (folder / path.stem).write_text(text, encoding="utf-8")
            expected[path.stem] = wanted
    return {**expected, **_odd_entries(folder)}


def _odd_entries(folder: Path) -> dict[str, Expected]:
    """Entries that cannot be stored as ordinary text: encodings, notebooks, folders, links, names."""
    cells = [
        {"cell_type": "markdown", "source": "My answers"},
        {"cell_type": "code", "source": "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1])"},
        {"cell_type": "code", "source": HONEST},
        {"cell_type": "code", "source": "from npreg import exercises\nexercises.check(globals(), 'ridge')"},
    ]
    contents = {
        "honest.py": (HONEST.encode(), Expected(1)),
        "honest with spaces.py": (HONEST.encode(), Expected(1)),
        "Zoë_王小明.py": (HONEST.encode(), Expected(1)),
        "=cmd('calc').py": (HONEST.encode(), Expected(1)),
        "<b>bold & $(reboot).py": (HONEST.encode(), Expected(1)),
        "windows_lines.py": (HONEST.replace("\n", "\r\n").encode(), Expected(1)),
        "byte_order_mark.py": (b"\xef\xbb\xbf" + HONEST.encode(), Expected(1)),
        "notebook.ipynb": (json.dumps({"nbformat": 4, "cells": cells}).encode(), Expected(1)),
        "broken.ipynb": (b'{"cells": [', Expected(0, ("notebook",))),
        "no_code.ipynb": (json.dumps({"nbformat": 4, "cells": cells[:1]}).encode(), Expected(0, ("empty",))),
        "empty.py": (b"", Expected(0, ("empty",))),
        "latin.py": (HONEST.encode() + "# naïve".encode("latin-1"), Expected(0, ("encoding",))),
        "word_document.py": (b"PK\x03\x04" + bytes(range(256)), Expected(0, ("encoding",))),
        "zero_bytes.py": (HONEST.encode() + b"\0" * 10, Expected(0)),
        "report.pdf": (b"%PDF-1.4", Expected(0, ("file-type",))),
        "long.py": (HONEST.encode() + b"#" * 2**20, Expected(0, ("file-size",))),
        "parentheses.py": (b"x = " + b"(" * 50_000 + b")" * 50_000, Expected(0)),
        "unary.py": (b"x = " + b"-" * 200_000 + b"1", Expected(0)),
    }
    expected = {}
    for name, (content, wanted) in contents.items():
        try:
            (folder / name).write_bytes(content)
        except OSError:  # a name that this system does not take
            continue
        expected[name] = wanted
    (folder / "folder.py").mkdir()
    (folder / "folder.py" / "answers.py").write_text(HONEST)
    expected["folder.py"] = Expected(1)
    try:
        (folder / "link.py").symlink_to(folder / "honest.py")
        expected["link.py"] = Expected(0, ("link",))
    except OSError:
        pass
    return expected


def snapshot(root: Path) -> dict[str, tuple[str, int, int]]:
    """Every file below ``root``: what is in it, its permissions, and when it was changed."""
    return {
        path.relative_to(root).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.lstat().st_mode,
            path.lstat().st_mtime_ns if path.is_file() else 0,
        )
        for path in sorted(root.rglob("*"))
    }
