"""What was in force while the files ran, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from npreg.exercises.words.class_words import ISOLATION
from npreg.isolation import protections


def describe(in_force: Mapping[str, Any], lang: str = "en") -> list[str]:
    """Return, line by line, what is stopped and by what, and openly what is not.

    >>> describe({"limits": ["RLIMIT_AS"], "processes": False})[0]
    'own process, cleared environment, empty folder, wall clock'
    """
    words = ISOLATION[lang]
    return [words[name].format(version=in_force.get("landlock", 0)) for name in protections(in_force)]
