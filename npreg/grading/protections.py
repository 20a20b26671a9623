"""What was in force while the files ran, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from npreg.exercises.words import say
from npreg.isolation import protections


def describe(in_force: Mapping[str, Any], lang: str = "en") -> list[str]:
    """Return, line by line, what is stopped and by what, and openly what is not.

    >>> describe({"limits": ["RLIMIT_AS"], "processes": False})[0]
    'own process, cleared environment, empty folder, wall clock'
    """
    version = in_force.get("landlock", 0)
    return [say(f"isolation.{name}", lang, version=version) for name in protections(in_force)]
