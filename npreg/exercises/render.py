"""Lines of text: broken where both English and Chinese may be broken, and not too many of them."""

from __future__ import annotations

from npreg.exercises.found import columns
from npreg.exercises.words.phrases import say

MAX_LINES = 20
WIDTH = 96
_NO_BREAK_BEFORE = "，。；：、）”？！》"


def cut(lines: list[str], lang: str = "en") -> list[str]:
    """Return the lines, the end replaced by a count where there are more than 20."""
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES - 1], say("cut", lang, count=len(lines) - MAX_LINES + 1)]


def wrap(sentence: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """Break a sentence into lines of at most ``width`` columns, wide characters counted as two.

    Lines of code that follow it, each indented by four, stay as they are.

    >>> wrap("the mean over the batch is missing", 20)
    ['the mean over the', 'batch is missing']
    >>> wrap("少了对批次求平均。", 10)
    ['少了对批次', '求平均。']
    """
    sentence, *code = sentence.split("\n    ")
    lines, rest = [], " ".join(sentence.split())
    while rest:
        end = _line_end(rest, width - len(indent))
        lines.append(indent + rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, *(f"{indent}    {line}" for line in code)]


def _line_end(rest: str, width: int) -> int:
    """Return where the first line of ``rest`` ends: at a space, or between two wide characters."""
    columns, last = 0, 0
    for position, letter in enumerate(rest):
        columns += 2 if _wide(letter) else 1
        if columns > width:
            return last or position
        following = rest[position + 1 : position + 2]
        if letter == " " or (_wide(letter) and following and following not in _NO_BREAK_BEFORE):
            last = position + 1
    return len(rest)


def _wide(letter: str) -> bool:
    return columns(letter) == 2
