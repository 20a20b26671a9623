"""Writes what a page's python blocks print into the text blocks right below them; runs notebooks.

    python docs/outputs.py README.md README.zh-CN.md examples/*.ipynb

rewrites pages and notebooks in place (notebooks need nbclient and ipykernel); the tests fail where one is
not what this script would write.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(?P<info>\w*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)


def refreshed(text: str) -> str:
    """The page with the output of its python blocks, which run in one namespace, as it is today."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    pieces, end, printed = [], 0, ""
    for fence in FENCE.finditer(text):
        between = text[end : fence.start()]
        body, follows = fence["body"], printed and not between.strip()
        if fence["info"] == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(body, "page", "exec"), namespace)
            printed = out.getvalue().rstrip() + "\n"
        else:
            if fence["info"] == "text" and follows:
                body = printed
            printed = ""
        pieces += [between, f"```{fence['info']}\n{body}```"]
        end = fence.end()
    return "".join([*pieces, text[end:]])


# The same file from the same drawing, and dots that are sharp on any screen.
SETTINGS = """
import matplotlib
matplotlib.rcParams.update({"svg.hashsalt": "npreg", "savefig.dpi": 200})
"""
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def executed(notebook: Any, folder: str) -> Any:
    """The notebook with the outputs of its cells, run in `folder`, as it is today."""
    import nbclient
    import nbformat

    cells = notebook.cells
    notebook.cells = [nbformat.v4.new_code_cell(SETTINGS), *cells]
    resources = {"metadata": {"path": folder}}
    nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources=resources
    ).execute()
    notebook.cells = cells
    for count, cell in enumerate(
        [cell for cell in cells if cell.cell_type == "code"], start=1
    ):
        cell.execution_count = count
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            for kind, data in output.get("data", {}).items():
                output.data[kind] = ADDRESS.sub("", data).rstrip()
    notebook.metadata = {
        "kernelspec": notebook.metadata.kernelspec,
        "language_info": {"name": "python"},
    }
    return notebook


def run_notebook(path: Path, folder: str) -> str:
    import nbformat

    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}  # pictures bear no date of today
    environment.pop("MPLBACKEND", None)
    old = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        notebook = executed(nbformat.read(path, as_version=4), folder)
    finally:
        os.environ.clear()
        os.environ.update(old)
    return str(nbformat.writes(notebook)) + "\n"


def main(paths: list[Path]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    paths = [path.resolve() for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        here = Path.cwd()
        os.chdir(folder)  # what the blocks save goes there
        try:
            new = [
                run_notebook(path, folder)
                if path.suffix == ".ipynb"
                else refreshed(path.read_text(encoding="utf-8"))
                for path in paths
            ]
        finally:
            os.chdir(here)
    for path, text in zip(paths, new, strict=True):
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
