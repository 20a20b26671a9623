"""A notebook's code cells as one Python source, without a Jupyter server.

Source: the notebook format, https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import json
import re
from typing import Any

RUN_AS_THEY_ARE = ("%%time", "%%timeit", "%%capture", "%%check")
_MAGIC = re.compile(r"^\s*(%{1,2}\w|!|\?)|^\s*[\w.]+\?{1,2}\s*$|^\s*\w+\s*=\s*(%\w|!)")


class NotANotebook(ValueError):
    """The text is no notebook of format 3 or 4."""


def notebook_source(text: str) -> str:
    """The code cells in order, joined into one source; magics become comments, line for line.

    A cell that another language's magic (``%%bash``) takes over becomes a comment as a whole. Raises
    `NotANotebook` with what is wrong.

    >>> cells = [{"cell_type": "code", "source": ["%matplotlib inline\\n", "x = 1"]}]
    >>> print(notebook_source(json.dumps({"nbformat": 4, "cells": cells})))
    # %matplotlib inline
    x = 1
    """
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotANotebook(f"not JSON: {error}") from None
    sources = [_joined(cell) for cell in _cells(notebook) if cell.get("cell_type") == "code"]
    return "\n\n".join(plain_python(source) for source in sources if source.strip())


def _cells(notebook: Any) -> list[dict[str, Any]]:
    if not isinstance(notebook, dict):
        raise NotANotebook("not a JSON object")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):
        cells = [cell for sheet in notebook["worksheets"] if isinstance(sheet, dict) for cell in sheet.get("cells", ())]
    if not isinstance(cells, list):
        raise NotANotebook("no list of cells")
    return [cell for cell in cells if isinstance(cell, dict)]


def _joined(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def plain_python(source: str) -> str:
    """A cell without its magics."""
    lines = source.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(RUN_AS_THEY_ARE):
        return "\n".join(f"# {line}" for line in lines)
    return "\n".join(_without_magic(line) for line in lines)


def _without_magic(line: str) -> str:
    if _MAGIC.search(line) is None or line.lstrip().startswith("#"):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.strip()}" if indent else f"# {line.strip()}"
