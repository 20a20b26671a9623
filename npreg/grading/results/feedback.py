"""A page of feedback for every student: Markdown, in their language, without any right number or formula."""

from __future__ import annotations

import os
import re
from pathlib import Path

from npreg.exercises.words import say
from npreg.files import safe_file_name, write_text
from npreg.grading.result import Mark, Result


def write_feedback(folder: str | os.PathLike[str], result: Result, lang: str = "en", name: str | None = None) -> Path:
    """Write one student's page as ``<name>.md`` (by default the file's name) and return its path."""
    path = Path(folder) / f"{safe_file_name(name or result.file)}.md"
    write_text(path, feedback(result, lang))
    return path


def feedback(result: Result, lang: str = "en") -> str:
    """Return one student's page.

    >>> print(feedback(Result("a.py", "ridge", 1.0, (Mark("grad_w", 1.0),))))
    # Feedback: ridge
    <BLANKLINE>
    File: a.py
    <BLANKLINE>
    Right: 1 of 1 answers (score 100%)
    <BLANKLINE>
    Everything is right. Well done.
    <BLANKLINE>
    ## ✓ `grad_w`: right
    <BLANKLINE>
    """
    right = sum(mark.right for mark in result.marks)
    parts = [
        "# " + say("feedback.title", lang, exercise=escape(result.exercise)),
        say("feedback.file", lang, file=escape(result.file)),
        say("feedback.score", lang, right=right, count=len(result.marks), score=f"{result.score:.0%}"),
    ]
    if result.reason is not None:
        parts.append(escape(result.message))
    elif result.marks and right == len(result.marks):
        parts.append(say("feedback.all", lang))
    for mark in result.marks:
        parts += _answer(mark, lang, result.reason is not None)
    return "\n\n".join(parts) + "\n"


def _answer(mark: Mark, lang: str, explained: bool) -> list[str]:
    sign, state = ("✓", say("feedback.right", lang)) if mark.right else ("✗", say("feedback.wrong", lang))
    parts = [f"## {sign} `{mark.name}`: {state}"]
    said = () if explained else mark.told
    parts += [escape(sentence) for sentence in said]
    if said and mark.line is not None and not mark.right:
        parts.append(say("feedback.begins", lang, line=mark.line))
    return parts


def escape(text: str) -> str:
    r"""Return text that Markdown shows as it is; code in back-quotes stays code.

    >>> escape("a_b <script> `w_1` * [x](y)")
    'a\\_b &lt;script&gt; `w_1` \\* \\[x\\](y)'
    """
    text, *code = text.split("\n    ")
    pieces = re.split(r"(`[^`\n<>]*`)", text)
    escaped = "".join(piece if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))
    return "\n    ".join([escaped + "\n" if code else escaped, *code])  # a block of code stays as it is


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]#|~])", r"\\\1", text)
