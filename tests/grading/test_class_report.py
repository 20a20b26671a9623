"""The class report: what it says, that it is one whole page, and how it looks in a real browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from npreg.exercises import course
from npreg.grading.marking import Mark, Result
from npreg.grading.outputs import class_report

EXERCISE = course.load("ridge")
ISOLATION = {"bwrap": True, "landlock": 7, "seccomp": True, "uid": 64_000, "processes": False, "limits": []}
NASTY = "<script>alert('x')</script> & \"quotes\""


def a_class(count: int = 30) -> list[Result]:
    right, factor = (
        Mark("grad_w", 1.0),
        Mark("grad_b", 0.0, ("factor:n",), "n times too large", (), 3, "def grad_b(r):"),
    )
    results = [Result(f"student_{number}.py", "ridge", 0.5, (right, factor)) for number in range(count)]
    results.append(Result(f"{NASTY}.py", "ridge", 0.0, (Mark("grad_w", 0.0), Mark("grad_b", 0.0)), "time-limit", NASTY))
    excerpt = f"def grad_w(X):\n    return {NASTY}  " + "x" * 150
    nasty = Mark("grad_w", 0.0, ("sign", "factor:lam"), NASTY, (), 1, excerpt)
    results.append(Result("w" * 120 + ".py", "ridge", 0.5, (nasty, Mark("grad_b", 1.0))))
    results.append(Result("all.py", "ridge", 1.0, (right, Mark("grad_b", 1.0))))
    return results


class Page(HTMLParser):
    """Collects tags, and complains about what is not closed in order."""

    EMPTY = ("meta", "br", "path", "use", "rect", "image", "circle", "line")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_whole_and_needs_nothing_from_elsewhere(lang):
    page = Page(class_report(a_class(), EXERCISE, ISOLATION, lang))
    assert page.tags.count("table") == 3
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("href", "src")]


def test_nothing_of_a_student_is_markup():
    for anonymous in (False, True):
        text = class_report(a_class(), EXERCISE, ISOLATION, "en", anonymous=anonymous)
        assert "<script" not in text
        assert html.escape(NASTY) in text


def test_it_counts_what_the_class_did():
    text = class_report(a_class(30), EXERCISE, ISOLATION, "en")
    assert "<b>33</b><span>submissions</span>" in text
    assert "<b>1</b><span>all answers right</span>" in text
    assert "Right answers of 33 submissions. grad_w: 31, grad_b: 2" in text
    mistakes, problems = (part.partition("</section>")[0] for part in text.split("<h2>")[3:5])
    codes = [re.findall(r'class="count">(\d+)</span> <code>([^<]*)</code>', part) for part in (mistakes, problems)]
    assert codes == [[("30", "factor:n"), ("1", "factor:lam"), ("1", "sign")], [("1", "time-limit")]]
    assert text.count('<details class="student">') == 33
    assert text == class_report(a_class(30), EXERCISE, ISOLATION, "en")


def test_examples_are_distinct_and_a_sentence_teaches():
    text = class_report(a_class(30), EXERCISE, ISOLATION, "en")
    assert text.count("def grad_b(r):") == 1
    assert "student_0.py:3 (and 29 more like it)" in text
    assert "The rule to look at again: " in text
    assert "docs/derivation.md#" in text


def test_the_table_of_submissions_has_heads_and_words():
    text = class_report(a_class(1), EXERCISE, ISOLATION, "en").split("<h2>Every submission</h2>")[1]
    assert re.findall('<th scope="col">([^<]*)</th>', text) == ["submission", "grad_w", "grad_b", "score"]
    signs = re.findall('<td class="(right|wrong)">(.) <span>([^<]*)</span></td>', text)
    assert set(signs) == {("right", "✓", "right"), ("wrong", "✗", "not yet right")}
    half = Result("a.py", "ridge", 0.25, (Mark("grad_w", 0.5, ("numerical",)), Mark("grad_b", 0.0)))
    assert '<td class="wrong">✗ <span>50%</span></td>' in class_report([half], EXERCISE, ISOLATION, "en")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_anonymous_page_names_nobody(lang):
    results = [
        Result(f"{name}.py", "ridge", score, (Mark("grad_w", score, ("sign",), "", (), 2, f"x = 1  # by {name}"),))
        for name, score in (("ada", 0.0), ("bob", 1.0), ("zoe", 0.5))
    ]
    empty = Result("carl.py", "ridge", 0.0, (Mark("grad_w", 0.0),), "empty", "The file is empty.")
    text = class_report([*results, empty], EXERCISE, ISOLATION, lang, anonymous=True)
    assert not [name for name in ("ada", "bob", "zoe", "carl") if name in text]
    assert "<pre>x = 1</pre>" in text
    assert "ada.py" in class_report(results, EXERCISE, ISOLATION, lang)


def test_a_class_without_mistakes_or_students():
    perfect = [Result("a.py", "ridge", 1.0, (Mark("grad_w", 1.0), Mark("grad_b", 1.0)))]
    assert "No mistakes at all." in class_report(perfect, EXERCISE, ISOLATION, "en")
    assert "Nothing was run." in class_report([], EXERCISE, {}, "en")


def test_bars_are_as_long_as_what_they_count():
    text = class_report(a_class(7), EXERCISE, ISOLATION, "en")
    answers, scores = re.findall(r'<table class="bars">(.*?)</table>', text)
    found = [re.findall(r'scope="row">(.*?)</th>.*?width:(\d+)%.*?number">(\d+)<', t) for t in (answers, scores)]
    assert found[0] == [("grad_w", "80", "8"), ("grad_b", "20", "2")]
    assert [count for _, _, count in found[1]] == ["1", "0", "0", "0", "0", "8", "0", "0", "0", "1"]
    assert found[1][5] == ("50\u201360\u00a0%", "100", "8")
    assert "width:0%" in class_report([], EXERCISE, {}, "en")


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage
"""
MEASURE = """<!DOCTYPE html><meta charset="utf-8"><iframe id="f"
style="width:{width}px;height:3000px;border:0" srcdoc="{page}"></iframe><p id="out"></p><script>
document.getElementById("f").onload = function () {{
  var d = this.contentDocument, widest = 0;
  d.querySelectorAll("details").forEach(function (e) {{ e.open = true; }});
  d.querySelectorAll("section, section > *, .mistake summary, .bars").forEach(function (e) {{
    widest = Math.max(widest, e.getBoundingClientRect().right);
  }});
  document.getElementById("out").textContent =
    "MEASURED " + d.documentElement.scrollWidth + " " + Math.ceil(widest) + " "
    + d.querySelectorAll(".bars").length + " " + d.getElementsByTagName("details").length + " "
    + getComputedStyle(d.body).fontSize;
}};
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to look at it with")
@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_in_a_browser_it_fits_a_phone_and_a_screen(tmp_path, width):
    page = html.escape(class_report(a_class(), EXERCISE, ISOLATION, "en"))
    (tmp_path / "measure.html").write_text(MEASURE.format(width=width, page=page), encoding="utf-8")
    command = [CHROMIUM, *QUIET.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", "--timeout=20000"]
    done = subprocess.run(
        [*command, (tmp_path / "measure.html").as_uri()], capture_output=True, text=True, timeout=60, check=False
    )
    found = re.search(r"MEASURED (\d+) (\d+) (\d+) (\d+) (\d+)px", done.stdout)
    assert found, done.stderr[-2000:]
    scroll, widest, pictures, details, font = map(int, found.groups())
    assert scroll <= width
    assert widest <= width
    assert (pictures, details) == (2, 4 + 33)
    assert font >= 16
