"""What a check found about one answer, as plain data, and what is said about it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from npreg.exercises import words
from npreg.exercises.found import Facts, Place

RIGHT, KIND, NAMED, RULE = 1, 2, 3, 4
"""The stages of hints: what is right; the kind of mistake; which one and where; the rule to look at again."""

_SHOWN_TWINS = 2
_NO_NUMBERS = {"shape", "dtype", "raises", "no-return", "changes-input", "not-repeatable", "numerical"}
_EXPECTED = ("dtype", "finite", "repeatable", "inputs-unchanged", "kink", "guard", "name")


class WrongAnswer(AssertionError):
    """At least one answer is wrong: the report in at most 20 lines of plain text, itself in the attribute `report`."""

    def __init__(self, lines: list[str], lang: str, report: Any = None) -> None:
        super().__init__("\n".join(words.cut(lines, lang)))
        self.report = report


@dataclass(frozen=True)
class Finding:
    """One property of an answer that was looked at: `kind` (see docs/codes.md) and whether it holds.

    `ok=None` says that the property could not be judged (the direction of an answer of the wrong shape).
    `details` are built-in types, for example ``{"got": [7, 3], "expected": [3]}`` for a shape.
    """

    kind: str
    ok: bool | None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ok", plain(self.ok))
        object.__setattr__(self, "details", plain(self.details))


@dataclass(frozen=True)
class Mistake:
    """A mistake by its stable `code` (``"factor:n"``), made in the answer named `answer`.

    `found` is what is known about it, for the message. `alternatives` are the codes of twins, other mistakes
    with the same values on every probe; those of a double mistake are joined by ``+``, as in
    ``"sign+ignores:b"``. `place` is where in the student's own code it is, where that was found.
    """

    code: str
    answer: str
    found: Facts = field(default_factory=Facts)
    alternatives: tuple[str, ...] = ()
    place: Place | None = None

    @property
    def details(self) -> dict[str, Any]:
        """What is known, as built-in types."""
        return dict(plain(self.found))

    def message(self, lang: str = "en", *, alone: bool = True) -> str:
        """The message; `alone` is false for one of a double mistake."""
        return words.describe(self.code, self.answer, self.found, lang, alone=alone)


class Example(NamedTuple):
    """Inputs on which an answer is wrong, and what the student's function returns there, not the right value."""

    answer: str
    inputs: Mapping[str, Any]
    sizes: Mapping[str, int]
    yours: Any = None

    def text(self, lang: str = "en") -> str:
        """The example in words."""
        if self.yours is None:
            return words.say("by-hand-none", lang, answer=self.answer)
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        lines = [words.say("by-hand" if sizes else "by-hand-scalar", lang, answer=self.answer, sizes=sizes)]
        lines += [f"    {name} = {_written(value.tolist())}" for name, value in self.inputs.items()]
        yours = _written(self.yours.real.tolist())
        return "\n".join([*lines, words.say("by-hand-yours", lang, answer=self.answer, value=yours)])


def _written(value: Any) -> str:
    """Numbers on one line, whole ones without a point."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return f"{round(float(value), 4):g}"


@dataclass(frozen=True)
class AnswerReport:
    """The verdict on one function of the file; a double mistake has two entries in `mistakes`.

    `example` shows a wrong answer in small numbers, where one was looked for.
    """

    name: str
    passed: bool
    findings: tuple[Finding, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    example: Example | None = None

    @property
    def codes(self) -> list[str]:
        """The codes of its mistakes."""
        return [mistake.code for mistake in self.mistakes]

    @property
    def not_written(self) -> bool:
        """Whether there is no answer yet, so that nothing can be said about it."""
        return self.codes == ["not-implemented"]

    @property
    def state(self) -> str:
        """In a word: "right", "wrong" or "not-written"."""
        return "right" if self.passed else "not-written" if self.not_written else "wrong"

    @property
    def shows_in_numbers(self) -> bool:
        """Whether an example in numbers can show what is wrong."""
        return not _NO_NUMBERS.issuperset(self.codes)

    def messages(self, lang: str = "en") -> list[str]:
        """The message of every mistake."""
        return [mistake.message(lang, alone=len(self.mistakes) == 1) for mistake in self.mistakes]

    def message(self, lang: str = "en") -> str:
        """The messages of all mistakes as one text."""
        return words.say("space", lang).join(self.messages(lang))

    def sentences(self, exercise: str, lang: str = "en", hints: int = NAMED) -> list[str]:
        """What is said about the answer, up to a stage of hints."""
        notes = [*filter(None, (words.finding_note(f.kind, f.details, lang) for f in self.findings))]
        if self.passed:
            return notes
        if self.not_written:
            return self._first_hints(exercise, lang, hints)
        said = [*filter(None, [self.already_right(lang)]), *notes]
        if hints == KIND:
            kinds = words.say("joint", lang).join(dict.fromkeys(words.kind(code, lang) for code in self.codes))
            said.append(words.say("kind" if len(self.mistakes) == 1 else "kinds", lang, kind=kinds))
        if hints >= NAMED:
            said.append(self.message(lang))
        if hints >= KIND:
            said += self._places(lang, hints)
        if hints >= RULE:
            said += self._twins(lang)
            said += dict.fromkeys(words.rule(code, exercise, lang) for code in self.codes)
        return said

    def already_right(self, lang: str = "en") -> str:
        """What is right and what is not; what is right in nearly every file is not worth a word."""
        found = {finding.kind: finding.ok for finding in self.findings}
        if False in (found.get("scale"), found.get("direction"), found.get("sign")):
            found.pop("value", None)
        right = [kind for kind, ok in found.items() if ok and kind not in _EXPECTED]
        wrong = [kind for kind, ok in found.items() if ok is False and kind != "runs"]  # the message says how it stops
        said = []
        for key, kinds in (("already", right), ("not-yet", wrong)):
            names = words.say("list", lang).join(words.say(f"finding.{kind}", lang) for kind in kinds)
            said += [words.say(key, lang, list=names)] if kinds else []
        return words.say("space", lang).join(said)

    def raise_if_wrong(self, lang: str = "en") -> None:
        """Raise `WrongAnswer`, with at most 20 lines of text, unless this answer is right."""
        if not self.passed:
            raise WrongAnswer(short_lines([self], lang), lang)

    def _first_hints(self, exercise: str, lang: str, hints: int) -> list[str]:
        """How to begin, at each stage a little more."""
        given = dict(self.mistakes[0].found)
        if "path" not in given:
            return []
        if given["shape"] == "()":
            given["shape"] = words.say("stub.scalar", lang)
        said = [words.say(f"hint-{stage}", lang, **given) for stage in (RIGHT, KIND, NAMED)[:hints]]
        return said + ([words.rule("not-implemented", exercise, lang)] if hints >= RULE else [])

    def _places(self, lang: str, hints: int) -> list[str]:
        """Where in the student's code: the line, then the place in it, then what sort of change."""
        said = []
        for mistake, place in ((mistake, mistake.place) for mistake in self.mistakes if mistake.place):
            where = words.say("line" if place.cell is None else "cell", lang, line=place.line, cell=place.cell)
            lines = [words.say("same-line" if n == place.line else "line", lang, line=n) for n in place.also]
            key = "place-alone" if place.enough else "place-one"
            key += "-line" if hints == KIND or not place.text else ""
            more = {"again": words.say("list", lang).join(lines)} if lines else {}
            said.append(words.say(key, lang, where=where, code=mistake.code, **more))
            if hints >= NAMED and place.text:
                said[-1] += "\n" + "\n".join("    " + line for line in place.marked.split("\n"))
            if hints >= RULE and place.change:
                said.append(words.say("place-kind", lang, kind=words.say(f"change.{place.change}", lang)))
        return list(dict.fromkeys(said))

    def _twins(self, lang: str) -> list[str]:
        """A sentence on other mistakes with the same numbers, the simplest, if there are any."""
        twins = [c for mistake in self.mistakes for c in mistake.alternatives if c.count("+") < len(self.codes)]
        about = {code.partition(":")[2] for code in self.codes if ":" in code}  # the same again in other words
        twins = [code for code in twins if code.partition(":")[2] not in about]
        shown = words.say("twins", lang).join(words.brief(code, lang) for code in twins[:_SHOWN_TWINS])
        return [words.say("also", lang, list=shown)] if shown else []


def short_lines(wrong: Sequence[AnswerReport], lang: str) -> list[str]:
    """What is wrong with answers in few lines, the messages first."""
    said = [(answer, answer.message(lang)) for answer in wrong]
    said += [(answer, right) for answer in wrong if (right := answer.already_right(lang))]
    colon = words.say("colon", lang)
    return [line for answer, text in said for line in words.wrap(answer.name + colon + text)]


def plain(value: Any) -> Any:
    """Numbers, arrays and containers as built-in types that strict JSON can hold."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
