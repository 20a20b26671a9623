"""Every sentence by its key, from ``en.txt`` and ``zh.txt``: a line not indented is a key, those below it its text.
A line break in a text is a space (none between two Chinese characters), ``␣`` a space at an end, ``\\n`` a new line,
``{name}`` a placeholder; a part in square brackets is left out unless all of its have values; ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from npreg.exercises.found import columns

LANGUAGES = ("en", "zh")
MAX_LINES = 20
WIDTH = 96
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NO_BREAK_BEFORE, _NO_BREAK_AFTER = "，。；：、）”？！》", "（《"


@cache
def texts(lang: str) -> Mapping[str, str]:
    """All texts of a language by key; a `ValueError` for a language that is not there."""
    if lang not in LANGUAGES:
        raise ValueError(f"no messages in the language {lang!r}; there are {', '.join(LANGUAGES)}")
    return read(resources.files(__package__).joinpath(f"{lang}.txt").read_text(encoding="utf-8"))


def read(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    key = ""
    for line in filter(str.strip, text.splitlines()):
        more = line.strip()
        if line[0].isspace():
            before = found[key]
            found[key] += more if not before or (_wide(before[-1]) and _wide(more[0])) else f" {more}"
        elif not line.startswith("#"):
            key = more
            if key in found:
                raise ValueError(f"the key {key!r} stands there twice")
            found[key] = ""
    return {key: text.replace("␣", " ").replace("\\n", "\n") for key, text in found.items()}


def _wide(letter: str) -> bool:
    return columns(letter) == 2


def placeholders(template: str) -> set[str]:
    """The names that a template needs, also in its optional parts."""
    return set(_PLACEHOLDER.findall(template))


def fill(template: str, values: Mapping[str, object]) -> str:
    """Fill a template; a part in square brackets is dropped unless each of its placeholders has a value."""
    kept = _OPTIONAL.sub(lambda part: part[1] if placeholders(part[1]) <= values.keys() else "", template)
    missing = placeholders(kept) - values.keys()
    if missing:
        raise ValueError(f"no value for {sorted(missing)} in the message {template!r}")
    return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), kept)


def say(key: str, lang: str, **values: object) -> str:
    return fill(texts(lang)[key], values)


def reworded(message: str, lang: str) -> str:
    """An English message, of argparse or an error, which is one of the texts below ``usage.error.``, in a language."""
    for key, template in texts("en").items() if lang != "en" else ():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template))
        found = re.fullmatch(pattern, message) if key.startswith("usage.error.") else None
        if found:
            return say(key, lang, **{name: reworded(text, lang) for name, text in found.groupdict().items()})
    return message


def cut(lines: list[str], lang: str = "en") -> list[str]:
    """The lines, the end replaced by a count where there are more than 20."""
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES - 1], say("cut", lang, count=len(lines) - MAX_LINES + 1)]


def wrap(sentence: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """Break a sentence into lines of at most `width` columns; indented lines of code after it stay as they are."""
    sentence, *code = sentence.split("\n    ")
    lines, rest = [], " ".join(sentence.split())
    while rest:
        end = _line_end(rest, width - len(indent))
        lines.append(indent + rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, *(f"{indent}    {line}" for line in code)]


def _line_end(rest: str, width: int) -> int:
    """Where the first line of `rest` ends: at a space, or between two wide characters."""
    taken, last = 0, 0
    for position, letter in enumerate(rest):
        taken += columns(letter)
        if taken > width:
            return last or position
        following = rest[position + 1 : position + 2]
        wide = _wide(letter) and letter not in _NO_BREAK_AFTER
        if letter == " " or (wide and following and following not in _NO_BREAK_BEFORE):
            last = position + 1
    return len(rest)
