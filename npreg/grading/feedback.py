"""A page of feedback for every student: Markdown, in their language, without any right number or formula."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

from npreg.exercises.words import say
from npreg.files import safe_file_name, write_text
from npreg.grading.result import Result


def write_feedback(folder: str | os.PathLike[str], result: Result, lang: str = "en", name: str | None = None) -> Path:
    """Write one student's page as `<name>.md` (by default the file's name) and return its path."""
    path = Path(folder) / f"{safe_file_name(name or result.file)}.md"
    write_text(path, feedback(result, lang))
    return path


def feedback(result: Result, lang: str = "en") -> str:
    """One student's page.

    >>> from npreg.grading.result import Mark
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
        sign, state = ("✓", "right") if mark.right else ("✗", "wrong")
        said = () if result.reason is not None else mark.told
        parts += [f"## {sign} `{mark.name}`: {say(f'feedback.{state}', lang)}", *map(escape, said)]
        if said and mark.line is not None and not mark.right:
            parts.append(say("feedback.begins", lang, line=mark.line))
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    r"""Text that Markdown shows as it is; code in back-quotes stays code.

    >>> escape("a_b <script> `w_1` * [x](y)")
    'a\\_b &lt;script&gt; `w_1` \\* \\[x\\](y)'
    """
    text, *code = text.split("\n    ")
    pieces = re.split(r"(`[^`\n<>]*`)", text)
    pieces[::2] = [re.sub(r"([\\`*_\[\]#|~])", r"\\\1", html.escape(piece, quote=False)) for piece in pieces[::2]]
    escaped = "".join(pieces)
    return "\n    ".join([escaped + "\n" if code else escaped, *code])  # a block of code stays as it is
