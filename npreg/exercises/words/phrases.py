"""Every sentence by its key: read from ``en.txt`` and ``zh.txt``, its placeholders filled.

In those files a line that is not indented is a key, the lines below it its text; a line break in a text is a
space, but none between two Chinese characters. ``␣`` is a space at an end, ``\\n`` a new line, ``#`` begins a
comment. In a text ``{name}`` is a placeholder; a part in square brackets is left out unless each of its
placeholders has a value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources

LANGUAGES = ("en", "zh")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@cache
def texts(lang: str) -> Mapping[str, str]:
    """Return all texts of a language by key; raise ``ValueError`` for a language that is not there."""
    if lang not in LANGUAGES:
        raise ValueError(f"no messages in the language {lang!r}; there are {', '.join(LANGUAGES)}")
    return read(resources.files(__package__).joinpath(f"{lang}.txt").read_text(encoding="utf-8"))


def read(text: str) -> dict[str, str]:
    """Return the texts by key.

    >>> read("# greetings\\nhello\\n    Hello,\\n    {name}.\\n")
    {'hello': 'Hello, {name}.'}
    """
    found: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            key = line.strip()
            if key in found:
                raise ValueError(f"the key {key!r} stands there twice")
            found[key] = ""
            continue
        before, more = found[key], line.strip()
        found[key] += more if not before or (_wide(before[-1]) and _wide(more[0])) else f" {more}"
    return {key: text.replace("␣", " ").replace("\\n", "\n") for key, text in found.items()}


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def placeholders(template: str, *, optional: bool = True) -> set[str]:
    """Return the names that a template needs, also (or not) in its optional parts."""
    return set(_PLACEHOLDER.findall(template if optional else _OPTIONAL.sub("", template)))


def fill(template: str, values: Mapping[str, object]) -> str:
    """Fill a template; a part in square brackets is dropped unless each of its placeholders has a value.

    >>> fill("wrong shape[: {got}][, not {expected}]", {"got": "(7, 3)"})
    'wrong shape: (7, 3)'
    """

    def part(match: re.Match[str]) -> str:
        inner = match.group(1)
        return inner if placeholders(inner) <= values.keys() else ""

    kept = _OPTIONAL.sub(part, template)
    missing = placeholders(kept) - values.keys()
    if missing:
        raise ValueError(f"no value for {sorted(missing)} in the message {template!r}")
    return _PLACEHOLDER.sub(lambda match: str(values[match.group(1)]), kept)


def say(key: str, lang: str, **values: object) -> str:
    """Return what is said under a key.

    >>> say("all-right", "en", exercise="ridge", count=2)
    'ridge: all right (2 of 2).'
    """
    return fill(texts(lang)[key], values)
