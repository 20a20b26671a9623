"""Reports as plain text, strict JSON and HTML."""

from __future__ import annotations

import html as html_module
import unicodedata
from typing import TYPE_CHECKING, Any

from npreg.exercises import words as messages

if TYPE_CHECKING:
    from npreg.exercises.report import AnswerReport, Mistake, Report

RIGHT, KIND, NAMED, RULE = 1, 2, 3, 4
"""The stages of hints: what is right; the kind of mistake; which one and where; the rule to look at again."""

MAX_LINES = 20
WIDTH = 96
_SHOWN_TWINS = 3
_NO_NUMBERS = ("shape", "dtype", "raises", "no-return", "changes-input", "not-repeatable", "numerical")
_EXPECTED = ("dtype", "finite", "repeatable", "inputs-unchanged")
_NO_BREAK_BEFORE = "，。；：、）”？！》"


def text(report: Report, lang: str, hints: int = NAMED) -> str:
    """Return the whole report, one paragraph per answer."""
    if hints not in (RIGHT, KIND, NAMED, RULE):
        raise ValueError(f"hints come in the stages 1, 2, 3 and 4, not {hints!r}")
    lines = headline(report, lang)
    for sentence in step_sentences(report, lang):
        lines += ["", *wrap(sentence, WIDTH)]
    for answer in report.answers:
        state = messages.say("right" if answer.passed else "wrong", lang)
        if report.passed and not sentences(report.exercise, answer, lang, hints):
            continue
        if not_written(answer):
            lines += ["", f"{answer.name}  {messages.say('not-written', lang)}"]
            continue
        codes = [f"  [{mistake.code}]" for mistake in answer.mistakes if hints >= NAMED]
        lines += ["", f"{answer.name}  {state}{''.join(codes)}"]
        for sentence in sentences(report.exercise, answer, lang, hints):
            lines += wrap(sentence, WIDTH - 2, indent="  ")
    return "\n".join(lines)


def wrong_numbers(answer: AnswerReport) -> bool:
    """Whether an example in numbers can show what is wrong."""
    return not all(mistake.code in _NO_NUMBERS for mistake in answer.mistakes)


def step_sentences(report: Report, lang: str) -> list[str]:
    """Return what the optional derivatives of steps show: from the loss inwards, which is wrong first."""
    if not report.steps:
        return []
    inwards = report.steps[::-1]
    states = [f"{step.name} {messages.say('right' if step.passed else 'wrong', lang)}" for step in inwards]
    said = messages.say("steps", lang, list=messages.say("list", lang).join(states))
    wrong = next((step.name for step in inwards if not step.passed), None)
    if wrong is None:
        return [said]
    return [said + messages.say("space", lang) + messages.say("first-wrong", lang, step=wrong)]


def short_text(report: Report, lang: str) -> str:
    """Return what is wrong in at most 20 lines, the messages first."""
    wrong = [answer for answer in report.answers if not answer.passed]
    return "\n".join(cut([*headline(report, lang), *_short_lines(wrong, lang)], lang))


def short_answer(answer: AnswerReport, lang: str) -> str:
    """Return what is wrong with one answer in at most 20 lines."""
    return "\n".join(cut(_short_lines([answer], lang), lang))


def _short_lines(wrong: list[AnswerReport], lang: str) -> list[str]:
    said = [(answer, message(answer, lang)) for answer in wrong]
    said += [(answer, already_right(answer, lang)) for answer in wrong if answer.findings]
    colon = messages.say("colon", lang)
    return [line for answer, text in said for line in wrap(answer.name + colon + text, WIDTH)]


def cut(lines: list[str], lang: str = "en") -> list[str]:
    """Return the lines, the end replaced by a count where there are more than 20."""
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES - 1], messages.say("cut", lang, count=len(lines) - MAX_LINES + 1)]


def headline(report: Report, lang: str) -> list[str]:
    """Return how many answers are right, and what stopped the file if anything did."""
    right = sum(answer.passed for answer in report.answers)
    key = "all-right" if report.passed else "some-right"
    said = messages.say(key, lang, exercise=report.exercise, right=right, count=len(report.answers))
    if report.error is None:
        return [said]
    error = f"{report.error['kind']}: {report.error['message']}".strip(": ")
    return [said, *wrap(messages.say("file-error", lang, line=report.error["line"], error=error), WIDTH)]


def not_written(answer: AnswerReport) -> bool:
    """Whether there is no answer yet, so that nothing can be said about it."""
    return [mistake.code for mistake in answer.mistakes] == ["not-implemented"]


def sentences(exercise: str, answer: AnswerReport, lang: str, hints: int) -> list[str]:
    """Return what is said about one answer, up to a stage of hints."""
    notes = [
        messages.say("note", lang, name=messages.finding(finding.kind, lang), note=note)
        for finding in answer.findings
        if (note := messages.finding_note(finding.kind, finding.details, lang))
    ]
    if answer.passed:
        return notes
    said = [already_right(answer, lang), *notes]
    if hints >= KIND and hints < NAMED:
        said.append(kinds(answer, lang))
    if hints >= NAMED:
        said.append(message(answer, lang))
        said += twins(answer, lang)
    if hints >= RULE:
        rules = (messages.rule(mistake.code, exercise, lang) for mistake in answer.mistakes)
        said += list(dict.fromkeys(rules))
    return said


def already_right(answer: AnswerReport, lang: str) -> str:
    """Return what is right and what is not; what is right in nearly every file is not worth a word."""
    found = {finding.kind: finding.ok for finding in answer.findings}
    if found.get("scale") is False or found.get("direction") is False:
        found.pop("value", None)
    right = [messages.finding(kind, lang) for kind, ok in found.items() if ok and kind not in _EXPECTED]
    wrong = [messages.finding(kind, lang) for kind, ok in found.items() if ok is False]
    comma = messages.say("list", lang)
    said = messages.say("already", lang, list=comma.join(right)) if right else ""
    missing = messages.say("not-yet", lang, list=comma.join(wrong)) if wrong else ""
    space = messages.say("space", lang) if said and missing else ""
    return said + space + missing or messages.say("nothing-right", lang)


def kinds(answer: AnswerReport, lang: str) -> str:
    found = dict.fromkeys(messages.kind(item.code, item.details, lang) for item in answer.mistakes)
    key = "kind" if len(answer.mistakes) == 1 else "kinds"
    return messages.say(key, lang, kind=messages.say("joint", lang).join(found))


def message(answer: AnswerReport, lang: str) -> str:
    """Return the messages of all mistakes of one answer."""
    alone = len(answer.mistakes) == 1
    said = [describe(mistake, lang, alone) for mistake in answer.mistakes]
    return messages.say("space", lang).join(said)


def describe(mistake: Mistake, lang: str, alone: bool = True) -> str:
    return messages.describe(mistake.code, mistake.answer, mistake.details, lang, alone=alone)


def twins(answer: AnswerReport, lang: str) -> list[str]:
    """Return a sentence on other mistakes with the same numbers, if there are any."""
    codes = dict.fromkeys(code for mistake in answer.mistakes for code in mistake.alternatives)
    if not codes:
        return []
    shown = [
        messages.say("twin", lang, code=code, brief=brief(code, lang)) for code in list(codes)[:_SHOWN_TWINS]
    ]
    if len(codes) > _SHOWN_TWINS:
        shown.append(messages.say("more", lang, count=len(codes) - _SHOWN_TWINS))
    return [messages.say("also", lang, list=messages.say("list", lang).join(shown))]


def brief(codes: str, lang: str) -> str:
    """Return in one clause what a code says, or several joined by ``+``."""
    return messages.say("joint", lang).join(messages.brief(code, lang) for code in codes.split("+"))


def to_dict(report: Report, lang: str) -> dict[str, Any]:
    """Return the report as built-in types, with the keys that ``Report.to_json`` promises."""
    return {
        "exercise": report.exercise,
        "passed": report.passed,
        "score": report.score,
        "answers": [_answer_dict(answer, lang) for answer in report.answers],
    }


def _answer_dict(answer: AnswerReport, lang: str) -> dict[str, Any]:
    alone = len(answer.mistakes) == 1
    return {
        "name": answer.name,
        "passed": answer.passed,
        "findings": [
            {"kind": finding.kind, "ok": finding.ok, "details": dict(finding.details)}
            for finding in answer.findings
        ],
        "mistakes": [
            {"code": mistake.code, "message": describe(mistake, lang, alone)} for mistake in answer.mistakes
        ],
    }


def html(report: Report, lang: str) -> str:
    """Return the report as a short HTML fragment with every text escaped."""
    rows = []
    for answer in report.answers:
        mark = "✓" if answer.passed else "✗"
        said = sentences(report.exercise, answer, lang, NAMED)
        cells = "<br>".join(html_module.escape(sentence) for sentence in said)
        rows.append(
            f"<tr><td>{mark}</td><td><code>{html_module.escape(answer.name)}</code></td>"
            f'<td style="text-align:left">{cells}</td></tr>'
        )
    head = html_module.escape(" ".join(headline(report, lang)))
    return f'<div class="npreg-report"><p><b>{head}</b></p><table>{"".join(rows)}</table></div>'


def wrap(sentence: str, width: int, indent: str = "") -> list[str]:
    """Break a sentence into lines of at most ``width`` columns, wide characters counted as two.

    >>> wrap("the mean over the batch is missing", 20)
    ['the mean over the', 'batch is missing']
    >>> wrap("少了对批次求平均。", 10)
    ['少了对批次', '求平均。']
    """
    lines, rest = [], " ".join(sentence.split())
    while rest:
        end = _line_end(rest, width)
        lines.append(indent + rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return lines


def _line_end(rest: str, width: int) -> int:
    """Return where the first line of ``rest`` ends: at a space, or between two wide characters."""
    columns, last = 0, 0
    for position, letter in enumerate(rest):
        columns += 2 if _wide(letter) else 1
        if columns > width:
            return last or position
        following = rest[position + 1 : position + 2]
        if letter == " " or (_wide(letter) and following and following not in _NO_BREAK_BEFORE):
            last = position + 1
    return len(rest)


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"
