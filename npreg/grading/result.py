"""The outcome of grading one entry of the folder, as plain data that can be stored and printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from npreg.exercises.words import say
from npreg.isolation import protections


def describe(in_force: Mapping[str, Any], lang: str = "en") -> list[str]:
    """Line by line, what is stopped and by what while a file runs, and openly what is not.

    >>> describe({"limits": ["RLIMIT_AS"], "processes": False})[0]
    'own process, cleared environment, empty folder, wall clock'
    """
    version = in_force.get("landlock", 0)
    return [say(f"isolation.{name}", lang, version=version) for name in protections(in_force)]


@dataclass(frozen=True)
class Mark:
    """One answer: `mark` in 0..1, codes of its mistakes (or of the reason it has no value), and the words.

    `details` are the sentences that the stage of hints allows the student; `message` is the teacher's.
    `line` is the line of the student's file where the function begins and `excerpt` its text, or None.
    """

    name: str
    mark: float
    codes: tuple[str, ...] = ()
    message: str = ""
    details: tuple[str, ...] = ()
    line: int | None = None
    excerpt: str = ""

    @property
    def told(self) -> tuple[str, ...]:
        """What the student is told: the sentences, or the reason alone where there are none."""
        return self.details or ((self.message,) if self.message else ())

    @property
    def right(self) -> bool:
        """Whether the answer has full marks."""
        return self.mark == 1.0


@dataclass(frozen=True)
class Result:
    """One entry of the folder: score in 0..1, a mark per answer, and the reason where it could not be run.

    `reason` is the code of one of `npreg.exercises.words.REASONS` or None; `isolation` says what was in force
    while it ran; `report` is the check's full report as built-in types, None where there is none; `student`
    and `name` are the student's number and name, where the entry tells them.
    """

    file: str
    exercise: str
    score: float
    marks: tuple[Mark, ...]
    reason: str | None = None
    message: str = ""
    isolation: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None
    student: str = ""
    name: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes: the reason's, or `answer: code` for every mistake of every answer."""
        if self.reason is not None:
            return (self.reason,)
        return tuple(f"{mark.name}: {code}" for mark in self.marks for code in mark.codes)

    def to_dict(self) -> dict[str, Any]:
        """Built-in types that strict JSON can hold.

        >>> result = Result("a.py", "ridge", 0.5, (Mark("grad_w", 1.0), Mark("grad_b", 0.0, ("sign",))))
        >>> Result.from_dict(result.to_dict()) == result
        True
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """A result from what `to_dict` returned, also after a way through JSON."""
        marks = (dict(mark, codes=tuple(mark["codes"]), details=tuple(mark["details"])) for mark in data["marks"])
        return cls(**{**data, "marks": tuple(Mark(**mark) for mark in marks)})
