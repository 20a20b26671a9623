"""What a check found, as plain data: findings, mistakes, and one report per file.

Everything here holds built-in types only (numbers are converted when an object is made), so a report can be
compared, stored as strict JSON, or shown in a notebook. Words are chosen in ``messages`` only when the report
is rendered; the objects themselves speak no language.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from npreg.exercises import render

FINDING_KINDS = (
    "runs",
    "shape",
    "dtype",
    "finite",
    "direction",
    "sign",
    "scale",
    "value",
    "repeatable",
    "inputs-unchanged",
)
"""The kinds of findings, in the order in which they are reported."""


class UnusableFile(ValueError):
    """The file or the call cannot be judged at all: missing, unreadable, no Python, no such exercise.

    The command line prints the message on standard error and exits with 2.
    """


class WrongAnswer(AssertionError):
    """At least one answer is wrong; the message is the report in at most 20 lines of plain text.

    The report itself is in the attribute ``report``.
    """

    def __init__(self, message: str, report: Report | None = None) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Finding:
    """One property of an answer that was looked at: ``kind`` (see ``FINDING_KINDS``) and whether it holds.

    ``ok=None`` says that the property could not be judged (the direction of an answer of the wrong shape).
    ``details`` are built-in types, for example ``{"got": [7, 3], "expected": [3]}`` for a shape.
    """

    kind: str
    ok: bool | None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ok", None if self.ok is None else bool(self.ok))
        object.__setattr__(self, "details", plain(dict(self.details)))


@dataclass(frozen=True)
class Mistake:
    """A mistake by its stable ``code`` (``"factor:n"``), made in the answer named ``answer``.

    ``details`` that the messages know, all of them optional and of built-in types:

    - ``measured``: list of ``{"sizes": {"n": 7, "d": 3}, "factor": 7.0}``, one per probe (factors);
    - ``conventions``: list of ``"sum"``, ``"mean"``, ``"with-half"``, ``"without-half"``, where the answer is
      right under these other common conventions;
    - ``step``: the forward step where it first goes wrong;
    - ``entries``: list of index lists of wrong entries, ``size``: how many entries there are,
      ``deviation``: the largest deviation, relative to the size of the terms;
    - ``got``, ``expected``: shapes (lists) or dtypes (text), ``sizes``: the sizes of that probe;
    - ``error``, ``line``: what an exception said, and the line of the student's file;
    - ``input``: the argument that was changed, ``value``: the hard-coded number or the non-finite value;
    - ``message``: ``{"en": ..., "zh": ...}``, the words of a mistake that a teacher registered.

    ``alternatives`` are the codes of twins, other mistakes with the same values on every probe; those of a
    double mistake are joined by ``+``, as in ``"sign+ignores:b"``.
    """

    code: str
    answer: str
    details: Mapping[str, Any] = field(default_factory=dict)
    alternatives: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "details", plain(dict(self.details)))
        object.__setattr__(self, "alternatives", tuple(str(code) for code in self.alternatives))


@dataclass(frozen=True)
class AnswerReport:
    """The verdict on one function of the file; a double mistake has two entries in ``mistakes``."""

    name: str
    passed: bool
    findings: tuple[Finding, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "passed", bool(self.passed))
        object.__setattr__(self, "findings", tuple(self.findings))
        object.__setattr__(self, "mistakes", tuple(self.mistakes))

    def raise_if_wrong(self, lang: str = "en") -> None:
        """Raise ``WrongAnswer``, with at most 20 lines of text, unless this answer is right."""
        if not self.passed:
            raise WrongAnswer(render.short_answer(self, lang))


@dataclass(frozen=True)
class Report:
    """The verdict on one file: an ``AnswerReport`` per derivative asked for, and one per optional step.

    ``steps`` are the optional ``grad_<step>`` functions that the file defines, in forward order; they
    explain, but do not count for ``passed`` and ``score``. ``lang`` is the language where none is asked for.
    ``error`` is what stopped the file when it was loaded (``kind``, ``message``, ``line``), if anything did;
    what it had defined by then is judged all the same.
    """

    exercise: str
    answers: tuple[AnswerReport, ...]
    steps: tuple[AnswerReport, ...] = ()
    lang: str = "en"
    error: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "error", plain(self.error))
        object.__setattr__(self, "answers", tuple(self.answers))
        object.__setattr__(self, "steps", tuple(self.steps))

    @property
    def passed(self) -> bool:
        """Whether every answer is right."""
        return bool(self.answers) and all(answer.passed for answer in self.answers)

    @property
    def score(self) -> float:
        """The share of right answers, a built-in float in 0..1."""
        if not self.answers:
            return 0.0
        return sum(answer.passed for answer in self.answers) / len(self.answers)

    def points(self, maximum: float) -> float:
        """Return ``score * maximum``, always a built-in float in [0, maximum], as nbgrader wants it.

        >>> Report("one-weight", (AnswerReport("grad_w", True), AnswerReport("grad_b", False))).points(3)
        1.5
        """
        maximum = float(maximum)
        if not (math.isfinite(maximum) and maximum >= 0):
            raise ValueError(f"the maximum must be a finite number of points, at least 0, not {maximum}")
        return min(self.score * maximum, maximum)

    def text(self, lang: str | None = None, *, hints: int = render.NAMED) -> str:
        """Return the report in words, without a final newline.

        Parameters
        ----------
        lang : "en" or "zh", optional
            The language; that of the report by default.
        hints : int
            How much is told: 1 what is already right, 2 also the kind of mistake, 3 also which one and where,
            4 also which rule of calculus to look at again.
        """
        return render.text(self, lang or self.lang, hints)

    def to_dict(self, lang: str | None = None) -> dict[str, Any]:
        """Return the report as built-in types, as ``to_json`` writes them."""
        return render.to_dict(self, lang or self.lang)

    def to_json(self, lang: str | None = None, *, indent: int | None = 2) -> str:
        """Return the report as strict JSON.

        The keys are ``exercise``, ``passed``, ``score`` (in 0..1) and ``answers``; each of these has
        ``name``, ``passed``, ``findings`` (of ``kind``, ``ok``, ``details``) and ``mistakes`` (of ``code``,
        ``message``).
        """
        return json.dumps(self.to_dict(lang), ensure_ascii=False, allow_nan=False, indent=indent)

    def raise_if_wrong(self, lang: str | None = None) -> None:
        """Raise ``WrongAnswer``, with at most 20 lines of text, unless every answer is right."""
        if not self.passed:
            raise WrongAnswer(render.short_text(self, lang or self.lang), self)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return render.html(self, self.lang)


def plain(value: Any) -> Any:
    """Convert numbers, arrays and containers to built-in types that strict JSON can hold.

    >>> import numpy as np
    >>> plain({"factor": np.float64(7.0), "entries": np.array([[0, 1]]), "value": float("nan")})
    {'factor': 7.0, 'entries': [[0, 1]], 'value': 'nan'}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, (bool, str)) else str(value)
