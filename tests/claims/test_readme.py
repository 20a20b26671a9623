"""The READMEs keep what they promise: commands of one line, outputs as printed, links that lead to files."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"-?\d+\.\d*(?:e[-+]\d+)?")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    """The text below the one second-level heading that holds `title`."""
    found = re.findall(rf"^## [^\n]*{re.escape(title)}[^\n]*\n(.*?)(?=^## |\Z)", read(name), re.DOTALL | re.MULTILINE)
    assert len(found) == 1, f"{name} has {len(found)} sections {title!r}"
    return str(found[0])


def command(name: str, title: str) -> str:
    blocks = [body for language, body in FENCE.findall(section(name, title)) if language == "sh"]
    assert len(blocks) == 1
    assert blocks[0].count("\n") == 1
    return str(blocks[0].strip())


@pytest.mark.parametrize("title", ["Run it", "Test it"])
def test_each_command_is_one_line_and_the_same_in_both_languages(title: str) -> None:
    first, second = (command(name, title) for name in READMES)
    assert first == second
    steps = first.split(" && ")
    assert re.fullmatch(r"python3 -m venv \S+", steps[0])
    python = steps[0].split()[-1] + "/bin/python"
    assert all(step.startswith(f"{python} ") for step in steps[1:])


def test_what_the_commands_do() -> None:
    _, install, run = command("README.md", "Run it").split(" && ")
    assert install.endswith(" -m pip install -q .")
    assert run.endswith(" examples/linear_regression.py")
    _, install, run = command("README.md", "Test it").split(" && ")
    assert install.endswith(' -m pip install -q ".[test]"')
    assert run.endswith(" -m pytest -q")
    folders = {command("README.md", title).split()[3] for title in ("Run it", "Test it")}
    assert len(folders) == 2, "the environments are separate"


@pytest.mark.parametrize("name", READMES)
def test_the_output_shown_is_that_of_the_example(name: str, linear_regression: tuple[str, Path]) -> None:
    output, _ = linear_regression
    ((_, shown),) = [fence for fence in FENCE.findall(section(name, "Run it")) if fence[0] == "text"]
    shape = NUMBER.sub("0.", output)
    for part in shown.strip().split("\n\n"):
        assert NUMBER.sub("0.", part) in shape
        start = shape[: shape.index(NUMBER.sub("0.", part))].count("\n")
        printed = "\n".join(output.splitlines()[start : start + part.count("\n") + 1])
        np.testing.assert_allclose(numbers(part), numbers(printed), atol=2e-6)


def numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")  # plt.show() on a page
@pytest.mark.parametrize("name", READMES)
def test_what_python_blocks_print_is_shown(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text block right below a python block is its output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    outputs = runpy.run_path(str(ROOT / "docs" / "outputs.py"))
    text = read(name)
    assert outputs["refreshed"](text) == text, "run: python docs/outputs.py README.md README.zh-CN.md"
    page = "```python\nprint(1 + 1)\n```\n\n```text\n{}\n```\n"
    assert outputs["refreshed"](page.format(3)) == page.format(2)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def test_both_languages_show_the_same_code() -> None:
    first, second = ([body for language, body in FENCE.findall(read(name)) if language == "python"] for name in READMES)
    assert first == [body.replace(', lang="zh"', "") for body in second]


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md", "examples/data/README.md"])
def test_links_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", FENCE.sub("", read(name)))
    local = [link for link in links if "://" not in link]
    missing = [link for link in local if not ((ROOT / name).parent / link).exists()]
    assert not missing


def test_no_command_is_longer_than_a_line_on_github() -> None:
    for title in ("Run it", "Test it"):
        assert len(command("README.md", title)) <= 120


BY_NAME = re.compile(r"""install\s+(?:-\S+\s+)*["']?npreg\b""")


def test_npreg_is_installed_from_a_clone_never_by_name() -> None:
    """npreg is on no index: whatever answers to its name there is somebody else's."""
    suffixes = {".md", ".py", ".ipynb", ".cfg", ".toml", ".sh", ".yml", ".yaml"}
    folders = ("npreg", "docs", "examples", "benchmarks", "tests")
    files = [*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path.suffix in suffixes}
    assert len(texts) > 200
    assert not [path for path, text in texts.items() if BY_NAME.search(text)]
    for options in ("", "-q ", '--upgrade "'):
        assert BY_NAME.search(f"pip install {options}npreg[dask]")


def test_the_chinese_text_has_no_line_breaks_inside_paragraphs() -> None:
    """They would be rendered as spaces between characters."""
    prose = FENCE.sub("", read("README.zh-CN.md"))
    breaks = re.findall(r"[\u4e00-\u9fff，。；：、（）]\n(?![\n|#\-<])[^\n]", prose)
    assert not breaks, breaks
