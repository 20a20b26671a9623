"""The verdict on one file, and how it is shown: text, strict JSON, HTML. It holds built-in types only, so it can be
compared, stored, or shown in a notebook; words are chosen only when it is shown.
"""

import html
import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from npreg.exercises.findings import KIND, NAMED, RIGHT, RULE, AnswerReport, WrongAnswer, plain, short_lines
from npreg.exercises.words import reworded, say, wrap

_MARKS = {"right": ("#1f8a3d", "✓"), "wrong": ("#e0303a", "✗"), "not-written": ("#808080", "·")}


class UnusableFile(ValueError):
    """The file or the call cannot be judged at all: missing, unreadable, no Python, no such exercise.

    `key` and `details` are those of its words; the command line prints them on standard error and exits with 2.
    """

    def __init__(self, key: str, **details: object) -> None:
        self.key, self.details = key, {name: value for name, value in details.items() if value not in ("", None)}
        super().__init__(self.text("en"))

    def text(self, lang: str) -> str:
        """What is the matter, in a language."""
        why = {"why": reworded(str(self.details["why"]), lang)} if "why" in self.details else {}
        return say(f"cannot.{self.key}", lang, **self.details | why)


@dataclass(frozen=True)
class Report:
    """The verdict on one file: an `AnswerReport` per derivative asked for, and one per optional step.

    `steps` are the optional ``grad_<step>`` functions that the file defines, in forward order; they
    explain, but do not count for `passed` and `score`. `lang` is the language where none is asked for.
    `error` is what stopped the file when it was loaded (`kind`, `message`, `line`), if anything did;
    what it had defined by then is judged all the same.
    """

    exercise: str
    answers: tuple[AnswerReport, ...]
    steps: tuple[AnswerReport, ...] = ()
    lang: str = "en"
    error: Mapping[str, Any] | None = None

    @property
    def passed(self) -> bool:
        """Whether every answer is right."""
        return self.score == 1

    @property
    def score(self) -> float:
        """The share of right answers, a built-in float in 0..1."""
        return sum(answer.passed for answer in self.answers) / max(len(self.answers), 1)

    def points(self, maximum: float) -> float:
        """``score * maximum``, always a built-in float in [0, maximum], as nbgrader wants it.

        As the last line of a notebook's cell it also shows what is wrong, and nothing on standard error.

        >>> Report("one-weight", (AnswerReport("grad_w", True), AnswerReport("grad_b", False))).points(3)
        1.5
        """
        maximum = float(maximum)
        if not (math.isfinite(maximum) and maximum >= 0):
            raise ValueError(f"the maximum must be a finite number of points, at least 0, not {maximum}")
        points = min(self.score * maximum, maximum)
        if not self.passed:
            _show_beside(self, points)
        return points

    def text(self, lang: str | None = None, *, hints: int = NAMED) -> str:
        """The report in words, without a final newline.

        `lang` is ``"en"`` or ``"zh"``, by default that of the report; `hints` is how much is told: 1 what is already
        right, 2 also the kind of mistake, 3 also which one and where, 4 also which rule of calculus to look at again.
        """
        if hints not in range(RIGHT, RULE + 1):
            raise ValueError(f"hints come in the stages 1, 2, 3 and 4, not {hints!r}")
        lang = lang or self.lang
        lines = [*self._headline(lang), *self._about_steps(lang)]
        for answer in self.answers:
            said = answer.sentences(self.exercise, lang, hints)
            if self.passed and not said:
                continue
            codes = "".join(f"  [{code}]" for code in answer.codes if hints >= NAMED and not answer.not_written)
            lines += ["", f"{answer.name}  {say(answer.state, lang)}{codes}"]
            lines += [line for sentence in said for line in wrap(sentence, indent="  ")]
        return "\n".join(lines)

    def _headline(self, lang: str) -> list[str]:
        right = sum(answer.passed for answer in self.answers)
        key = "all-right" if self.passed else "some-right"
        said = say(key, lang, exercise=self.exercise, right=right, count=len(self.answers))
        if self.error is None:
            return [said]
        error = f"{self.error['kind']}: {self.error['message']}".strip(": ")
        return [said, *wrap(say("file-error", lang, line=self.error["line"], error=error))]

    def _about_steps(self, lang: str) -> list[str]:
        """What the optional derivatives of steps show: from the loss inwards, which is wrong first."""
        inwards = self.steps[::-1]
        states = [f"{step.name} {say('right' if step.passed else 'wrong', lang)}" for step in inwards]
        said = [say("steps", lang, list=say("list", lang).join(states))]
        for wrong in [step for step in inwards if not step.passed][:1]:
            said += [say("first-wrong", lang, step=wrong.name), *wrong.messages(lang)]
        return ["", *wrap(say("space", lang).join(said))] if self.steps else []

    def to_dict(self, lang: str | None = None) -> dict[str, Any]:
        """The report as built-in types, as `to_json` writes them."""
        answers = []
        for one in self.answers:
            places = [{"place": plain(vars(mistake.place))} if mistake.place else {} for mistake in one.mistakes]
            told = zip(one.codes, one.messages(lang or self.lang), places, strict=True)
            mistakes = [{"code": code, "message": message, **place} for code, message, place in told]
            findings = [dict(vars(finding)) for finding in one.findings]
            answers.append({"name": one.name, "passed": one.passed, "findings": findings, "mistakes": mistakes})
        return {"exercise": self.exercise, "passed": self.passed, "score": self.score, "answers": answers}

    def to_json(self, lang: str | None = None, *, indent: int | None = 2) -> str:
        """The report as strict JSON.

        The keys are `exercise`, `passed`, `score` (in 0..1) and `answers`; each of these has `name`, `passed`,
        `findings` (of `kind`, `ok`, `details`) and `mistakes` (of `code`, `message`, and `place` where one was
        found: `line`, `column`, `end_line`, `end_column`, `change`, `cell`, `text`).
        """
        return json.dumps(self.to_dict(lang), ensure_ascii=False, allow_nan=False, indent=indent)

    def raise_if_wrong(self, lang: str | None = None) -> None:
        """Raise `WrongAnswer`, with at most 20 lines of text, unless every answer is right."""
        if not self.passed:
            lang = lang or self.lang
            wrong = [answer for answer in self.answers if not answer.passed]
            raise WrongAnswer([*self._headline(lang), *short_lines(wrong, lang)], lang, self)

    def __str__(self) -> str:
        return self.text()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        said = [_html(" ".join(self._headline(self.lang))), *map(_html, self._about_steps(self.lang)[1:])]
        return f'<div class="npreg-report">{"".join(said)}{"".join(map(self._unfolding, self.answers))}</div>'

    def _unfolding(self, answer: AnswerReport) -> str:
        """An answer in HTML: what is right, and below it the further hints, each to be opened."""
        colour, mark = _MARKS[answer.state]
        state = f'<b style="color:{colour}">{mark} {say(answer.state, self.lang)}</b>'
        parts, shown = [f"{state} <code>{html.escape(answer.name)}</code>"], list[str]()
        for hints in (RIGHT, KIND, NAMED, RULE):
            told = [said for said in answer.sentences(self.exercise, self.lang, hints) if said not in shown]
            shown += told
            if hints == NAMED and told and not answer.not_written:
                told = [" ".join(f"`{code}`" for code in answer.codes), *told]
            key = "unfold-hint" if answer.not_written and hints < RULE else f"unfold-{hints}"
            text = "".join(map(_html, told))
            parts.append(_folded(say(key, self.lang), text) if told and hints > RIGHT else text)
        if answer.example is not None and answer.example.yours is not None:
            parts.append(_folded(say("unfold-example", self.lang), _html(answer.example.text(self.lang))))
        return f'<div style="border-left:4px solid {colour};padding-left:12px;margin:8px 0">{"".join(parts)}</div>'


def _folded(summary: str, inner: str) -> str:
    return f'<details style="margin:4px 0"><summary>{html.escape(summary)}</summary>{inner}</details>'


def _html(sentence: str) -> str:
    """A sentence, its names as code, and the lines of code that may follow it."""
    sentence, *code = sentence.split("\n    ")
    block = f"<pre>{html.escape(chr(10).join(code))}</pre>" if code else ""
    said = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(sentence))
    return f'<p style="margin:4px 0">{said}</p>{block}'


def _show_beside(report: Report, points: float) -> None:
    """In a notebook, show a report below its points where these are the last line of a cell."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None

    def after(cell: Any) -> None:
        shell.events.unregister("post_run_cell", after)
        if cell.result is points:
            sys.modules["IPython.display"].display(report)

    if shell is not None:
        shell.events.register("post_run_cell", after)
