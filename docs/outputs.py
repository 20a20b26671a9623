"""Writes what a page's python blocks print into the text blocks right below them.

    python docs/outputs.py README.md README.zh-CN.md

rewrites the pages in place; the tests fail where a page is not what this script would write.
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


def main(paths: list[Path]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    pages = [(path.resolve(), path.read_text(encoding="utf-8")) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        here = Path.cwd()
        os.chdir(folder)  # what the blocks save goes there
        try:
            new = [(path, refreshed(text)) for path, text in pages]
        finally:
            os.chdir(here)
    for path, text in new:
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
