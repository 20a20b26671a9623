"""Templates of messages: named placeholders, and parts in square brackets that may be left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Words(NamedTuple):
    """What is said about one family of codes (the part of a code before the colon).

    ``kind`` is the second hint, a noun phrase; ``brief`` one clause for lists of twins and for the
    documentation; ``text`` the third hint, the message proper; ``rule`` the fourth, what to look at again.
    """

    kind: str
    brief: str
    text: str
    rule: str


def placeholders(template: str, *, optional: bool = True) -> set[str]:
    """Return the names that a template needs, also (or not) in its optional parts."""
    return set(_PLACEHOLDER.findall(template if optional else _OPTIONAL.sub("", template)))


def fill(template: str, values: Mapping[str, str]) -> str:
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
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], kept)
