"""What a gradient check found: built-in types, plain text of at most 20 lines, HTML for notebooks."""

import html
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

MAX_LINES = 20
COLUMNS = ("entry", "got", "expected", "off by", "allowed")
UNJUDGED = "no derivative can be found there, any value could be right: check at another point"


@dataclass(frozen=True)
class EntryReport:
    """One entry of a gradient (or one random direction): what it is, what it should be, what is allowed.

    At a kink every value from `lower` to `upper` is right; elsewhere both are the derivative.
    """

    where: str
    got: float
    lower: float
    upper: float
    off_by: float
    allowed: float

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        kink = self.lower != self.upper
        expected = f"[{self.lower:.4g}, {self.upper:.4g}]" if kink else f"{self.lower:.9g}"
        return self.where, f"{self.got:.9g}", expected, f"{self.off_by:.2g}", f"{self.allowed:.2g}"


@dataclass(frozen=True)
class Mistake:
    """A mistake by the exercises' code, what it means, and the codes of others with the same numbers."""

    code: str
    message: str
    alternatives: tuple[str, ...] = ()


Mistakes = Mapping[str, tuple[Mistake, ...]]  # by input


@dataclass(frozen=True)
class InputReport:
    """The verdict on the gradient with respect to one input.

    checked : "entries", or "random directions" for a large input
    total, wrong, unknown, kinks : how many there are, are wrong, could not be judged, lie at a kink
    method, accuracy : "complex step", "differences" or "mixed", and how well that is known, relative to Σ|terms|
    precision : the dtype whose rounding it was judged by
    facts : what is plain from the numbers: another shape, not finite, zero, an input that is never used
    worst : the entries that are off most, the worst first
    mistakes : which mistakes these are (docs/codes.md), looked for when they are first asked for
    """

    name: str
    shape: tuple[int, ...]
    passed: bool
    checked: str
    total: int
    wrong: int
    unknown: int
    kinks: int
    method: str
    precision: str
    accuracy: float
    facts: tuple[str, ...] = ()
    worst: tuple[EntryReport, ...] = ()
    naming: Callable[[], Mistakes] = field(default=dict, repr=False, compare=False)

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        return () if self.passed else self.naming().get(self.name, ())

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "mistakes": self.mistakes, "naming": dict}

    @property
    def lines(self) -> tuple[str, ...]:
        named = [line for mistake in self.mistakes for line in textwrap.wrap(mistake.message, 100)]
        return (*self.facts, *([UNJUDGED] if self.unknown else []), *named)

    @property
    def headline(self) -> str:
        """One line: right or wrong, how many entries, how it was found out."""
        checked = "entry" if (self.checked, self.total) == ("entries", 1) else self.checked
        how = f"{self.total} {checked}, {self.method}, {self.precision}"
        how += f", {self.kinks} at a kink" if self.kinks else ""
        how += f", known to {self.accuracy:.1g} only" if not self.accuracy <= 1e-6 else ""
        counts = [(word, count) for word, count in (("wrong", self.wrong), ("not judged", self.unknown)) if count]
        said = [word if count == self.total else f"{word} in {count} of {self.total}" for word, count in counts]
        return f"{self.name} {self.shape}: {', '.join(said) or 'right'} ({how})"

    def block(self) -> Iterator[str]:
        yield self.headline
        yield from (f"  {line}" for line in self.lines)
        table = [COLUMNS, *(entry.cells for entry in self.worst)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table if self.worst else ():
            yield "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))


@dataclass(frozen=True)
class GradientReport:
    """The verdict of `check_gradient`; true in a condition if everything is right.

    problems : what is wrong with the gradient function itself (it changes an input, it is not repeatable)
    notes : what is good to know (an input was converted, float32 was judged by its own rounding)
    order : the inputs in the order in which the result was read, where that is not the order asked for
    """

    inputs: tuple[InputReport, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every gradient is right and the function well behaved."""
        return not self.problems and all(report.passed for report in self.inputs)

    def __bool__(self) -> bool:
        return self.passed

    def points(self, maximum: float) -> float:
        """Points for a grade: `maximum` times the share of inputs whose gradient is right; a built-in float."""
        right = [report.passed and not self.problems for report in self.inputs] or [self.passed]
        return float(maximum) * sum(right) / len(right)

    def to_dict(self) -> dict[str, Any]:
        """Everything as dicts, lists and scalars for strict JSON; non-finite numbers become text."""
        from npreg.exercises.findings import plain

        inputs = []
        for one in self.inputs:
            given = {**vars(one), "worst": [*map(vars, one.worst)], "mistakes": [*map(vars, one.mistakes)]}
            inputs.append({name: value for name, value in given.items() if name != "naming"})
        return dict(plain({"passed": self.passed, **vars(self), "inputs": inputs}))

    def __str__(self) -> str:
        lines = [self._headline, *(f"! {problem}" for problem in self.problems)]
        wrong = [list(report.block()) for report in self.inputs if not report.passed]
        right = [report.headline for report in self.inputs if report.passed]
        notes = [f"note: {note}" for note in self.notes[:2]]
        shown = 3 if wrong else MAX_LINES - len(lines) - len(notes)
        if len(right) > shown:
            right = [*right[: shown - 1], f"right, too: {len(right) - shown + 1} more"]
        for position, block in enumerate(wrong):
            space = MAX_LINES - len(lines) - len(notes) - len(right)
            lines += block[: max(space // (len(wrong) - position), 1)]
        return "\n".join([*lines, *right, *notes][:MAX_LINES])

    @property
    def _headline(self) -> str:
        order = f", in the order {', '.join(self.order)}" if len(self.order) > 1 else ""
        if self.passed:
            return f"The gradient is right{order}."
        for verdict, count in (("wrong", "wrong"), ("not judged everywhere", "unknown")):
            names = ", ".join(report.name for report in self.inputs if getattr(report, count))
            if names:
                return f"The gradient with respect to {names} is {verdict}{order}."
        return "The gradient is not usable."

    def _repr_html_(self) -> str:
        def tag(name: str, *texts: str) -> str:
            return "".join(f"<{name}>{html.escape(text)}</{name}>" for text in texts)

        parts = [f"<p>{tag('strong', self._headline)}</p>", tag("p", *self.problems)]
        for report in self.inputs:
            parts += [tag("p", report.headline), f"<ul>{tag('li', *report.lines)}</ul>" if report.lines else ""]
            rows = [tag("th", *COLUMNS), *(tag("td", *entry.cells) for entry in report.worst)]
            parts += ["<table>", *(f"<tr>{row}</tr>" for row in rows), "</table>"] if report.worst else []
        parts += [f"<p>{tag('em', note)}</p>" for note in self.notes]
        return "<div>" + "".join(parts) + "</div>"
