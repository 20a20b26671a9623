"""Every python block of the README and of the pages in docs/ runs; links and pictures are there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import ROOT, WITH_EQUATIONS, blocks, count_equations, load, name_of, prose, read, run_page

PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")])
OPTIONAL = {"dask", "distributed", "sklearn", "torch", "tqdm", "pandas", "scipy", "numba", "jax"}


@pytest.fixture(autouse=True)
def a_quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A temporary working directory and no window; warnings are errors by the suite's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")  # for a matplotlib that is imported now
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].switch_backend("Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        pyplot = sys.modules["matplotlib.pyplot"]
        pyplot.close("all")
        pyplot.rcdefaults()
        pyplot.switch_backend("Agg")  # which rcdefaults may have changed


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")  # plt.show() on a page
@pytest.mark.parametrize("path", [path for path in PAGES if path.parent != ROOT], ids=name_of)  # see test_readme.py
def test_page_runs(path: Path) -> None:
    try:
        run_page(read(path), name_of(path))
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"the page uses {error.name}, which is an extra and is not installed")


def test_a_failing_line_is_reported_with_its_place_on_the_page() -> None:
    text = "# A page\n\ntext\n\n```python\nx = 1\nassert x == 2\n```\n"
    with pytest.raises(AssertionError) as caught:
        run_page(text, "page.md")
    last = caught.traceback[-1]
    assert last.frame.code.raw.co_filename == "page.md"
    assert last.lineno + 1 == 7


def test_a_warning_on_a_page_is_an_error() -> None:
    with pytest.raises(RuntimeWarning, match="divide by zero"):
        run_page("```python\nimport numpy as np\n\nnp.ones(1) / 0\n```\n", "page.md")


def test_pages_do_not_see_each_other() -> None:
    run_page("```python\nleft_behind = 1\n```\n", "page.md")
    with pytest.raises(NameError):
        run_page("```python\nleft_behind\n```\n", "other.md")


def test_blocks_in_lists_are_run_too() -> None:
    with pytest.raises(ZeroDivisionError):
        run_page("- an item\n\n  ```python\n  x = 1\n  x / 0\n  ```\n", "page.md")


def test_prompts_are_compared_with_what_they_print() -> None:
    run_page("```python\n>>> 1 + 1\n2\n>>> 2 / 3\n0.67\n```\n", "page.md")
    with pytest.raises(Exception, match="DocTest"):
        run_page("```pycon\n>>> 1 + 1\n3\n```\n", "page.md")


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # matplotlib 3.8 with a new pyparsing
@pytest.mark.slow
def test_pictures_are_drawn_by_their_script(tmp_path: Path) -> None:
    figures = load(ROOT / "docs" / "figures.py")
    figures.main(tmp_path)
    drawn = {path.name for path in tmp_path.glob("*.svg")}
    assert drawn == {path.name for path in (ROOT / "docs" / "figures").glob("*.svg")}
    assert all((tmp_path / name).read_text(encoding="utf-8").rstrip().endswith("</svg>") for name in drawn)


# Links and headings


def anchors(text: str) -> set[str]:
    """The anchors GitHub makes of a page's headings: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ +(.*)$", prose(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(read(path))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{name_of(path)}: {target}"
        assert not anchor or anchor in anchors(read(there)), f"{name_of(path)}: {target}"


def test_references_to_the_derivation_from_the_code_lead_somewhere() -> None:
    known = {name: anchors(read(ROOT / "docs" / name)) for name in [path.name for path in WITH_EQUATIONS]}
    for path in [*(ROOT / "npreg").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]:
        for page, anchor in re.findall(r"(\w+\.md)#([\w-]+)", read(path)):
            assert anchor in known.get(page, {anchor}), f"{path.relative_to(ROOT)}: {page}#{anchor}"


@pytest.mark.parametrize(
    "heading",
    [
        "the chain rule",
        "one example, one weight",
        "one example, many weights",
        "the minibatch: sum",
        "the mean",
        "the matrix form and the transpose",
        "several outputs",
        "squared",
        "absolute",
        "huber",
        "log-cosh",
        "quantile",
        "the l2 penalty",
        "second derivatives",
        "the softmax and the logistic loss",
        "a hidden layer",
        "normalisation and attention",
        "checking a gradient numerically",
    ],
)
def test_each_section_of_the_derivation_holds_checked_equations(heading: str) -> None:
    found = [block for block in blocks(read(WITH_EQUATIONS[0])) if block.heading.lower() == heading]
    assert sum(map(count_equations, found)) >= 1
