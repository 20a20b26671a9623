"""The site: every public name has its page, and no link of it leads nowhere."""

from __future__ import annotations

import html.parser
import inspect
import os
import re
import subprocess
import sys
import urllib.parse
from importlib import import_module
from pathlib import Path
from types import GenericAlias
from typing import Any

import pytest
from pages import ROOT, load

SITE = load(ROOT / "docs" / "pages_of_the_site.py")
ROOMS = ("npreg", "npreg.plot", "npreg.gradcheck", "npreg.differentiate", "npreg.sklearn", "npreg.dask")
ROOMS += ("npreg.exercises", "npreg.grading")


def is_described(name: str, value: Any) -> bool:
    return not (name.startswith("__") or inspect.ismodule(value) or isinstance(value, GenericAlias))


def test_every_public_name_is_in_the_reference() -> None:
    for room in ("npreg.sklearn", "npreg.dask"):
        pytest.importorskip(room.replace("npreg.", ""), reason="the extra is not installed")
        pytest.importorskip(room)
    names = [name for section in SITE.public_names().values() for name in section]
    assert len(names) == len(set(names))
    values = [getattr(import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in names]
    for room in ROOMS:
        for name in import_module(room).__all__:
            value = getattr(import_module(room), name)
            assert not is_described(name, value) or any(value is one for one in values), f"{room}.{name}"


def test_a_link_of_the_clone_leads_to_the_page_of_the_site() -> None:
    text = "[a](docs/moments.md#why), [b](README.zh-CN.md), [c](examples/real_data.py), [d](https://d2l.ai), [e](#here)"
    expected = "[a](moments.md#why), [b](zh.md), [c](../examples/real_data.py), [d](https://d2l.ai), [e](#here)"
    assert SITE.linked(text, "", "index") == expected
    assert SITE.linked("[a](../benchmarks/README.md#x)", "docs", "moments") == "[a](benchmarks.md#x)"
    assert SITE.linked("[a](derivation.md)", "docs", "reference/course") == "[a](../derivation.md)"


def test_the_line_that_checks_an_equation_is_folded_behind_it() -> None:
    text = ["```math\na\n```\n\n```python\nsame(a, b)\n```\n\nText.\n\n```python\nx = 1\n```\n"]
    SITE.on_the_site(None, "derivation", text)
    assert text[0].count("<details>") == 1
    assert text[0].index("a\n```") < text[0].index("<details>") < text[0].index("same(") < text[0].index("</details>")


def test_plain_text_in_a_docstring_is_no_markup() -> None:
    lines = ["|r| and `|x|`, coef_, *args", "Parameters: large data", "------", ">>> a_ | b"]
    SITE.plain(None, "function", "f", None, None, lines)
    assert lines == [r"\|r\| and `|x|`, coef\_, \*args", "Parameters", "----------", ">>> a_ | b"]


class Page(html.parser.HTMLParser):
    """The links and the places of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.places.add(given.get("id") or "")
        self.links |= {given.get("href") or "", given.get("src") or ""} if tag != "link" else set()


@pytest.mark.slow
def test_the_site_is_whole(tmp_path: Path) -> None:
    for package in ("sphinx", "myst_parser", "numpydoc", "furo", "sklearn", "dask"):
        pytest.importorskip(package, reason='the extras "docs", "sklearn" and "dask" are not all installed')
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.html")}
    text = (tmp_path / "reference" / "index.html").read_text(encoding="utf-8")
    for names in SITE.public_names().values():
        for name in names:
            assert re.search(rf'id="{re.escape(name)}"|title="{re.escape(name)}"', text), name
    for path, page in pages.items():
        for link in filter(None, page.links):
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("data:"):
                continue
            there = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            assert there.exists(), f"{path.name}: {link}"
            assert (
                not parts.fragment or there not in pages or urllib.parse.unquote(parts.fragment) in pages[there].places
            ), f"{path.name}: {link}"
