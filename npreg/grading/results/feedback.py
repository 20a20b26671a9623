"""A page of feedback for every student: Markdown, in their language, without any right number or formula."""

from __future__ import annotations

import os
import re
from pathlib import Path

from npreg.files import safe_file_name, write_text
from npreg.grading.result import Mark, Result

WORDS = {
    "en": {
        "title": "Feedback: {exercise}",
        "file": "File: {file}",
        "score": "Right: {right} of {count} answers (score {score:.0%})",
        "right": "right",
        "wrong": "not yet right",
        "begins": "Your function begins in line {line}.",
        "all": "Everything is right. Well done.",
    },
    "zh": {
        "title": "反馈：{exercise}",
        "file": "文件：{file}",
        "score": "正确：{count} 个答案中的 {right} 个（得分 {score:.0%}）",
        "right": "正确",
        "wrong": "还不正确",
        "begins": "你的函数从第 {line} 行开始。",
        "all": "全部正确，做得好。",
    },
}


def write_feedback(folder: str | os.PathLike[str], result: Result, lang: str = "en") -> Path:
    """Write one student's page as ``<file>.md`` and return its path."""
    path = Path(folder) / f"{safe_file_name(result.file)}.md"
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
    words = WORDS[lang]
    right = sum(mark.right for mark in result.marks)
    parts = [
        "# " + words["title"].format(exercise=escape(result.exercise)),
        words["file"].format(file=escape(result.file)),
        words["score"].format(right=right, count=len(result.marks), score=result.score),
    ]
    if result.reason is not None:
        parts.append(escape(result.message))
    elif result.marks and right == len(result.marks):
        parts.append(words["all"])
    for mark in result.marks:
        parts += _answer(mark, lang, result.reason is not None)
    return "\n\n".join(parts) + "\n"


def _answer(mark: Mark, lang: str, explained: bool) -> list[str]:
    words = WORDS[lang]
    sign, state = ("✓", words["right"]) if mark.right else ("✗", words["wrong"])
    parts = [f"## {sign} `{mark.name}`: {state}"]
    said = () if explained else mark.told
    parts += [escape(sentence) for sentence in said]
    if said and mark.line is not None and not mark.right:
        parts.append(words["begins"].format(line=mark.line))
    return parts


def escape(text: str) -> str:
    r"""Return text that Markdown shows as it is; code in back-quotes stays code.

    >>> escape("a_b <script> `w_1` * [x](y)")
    'a\\_b &lt;script&gt; `w_1` \\* \\[x\\](y)'
    """
    pieces = re.split(r"(`[^`\n<>]*`)", text)
    return "".join(piece if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]#|~])", r"\\\1", text)
