"""The teacher's preview: what students read for the commonest mistakes, and what is found by differences."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from npreg.exercises.findings import AnswerReport
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import not_analytic
from npreg.exercises.forward.verdict import KNOWN_BY_DIFFERENCES
from npreg.exercises.judge import Questions, judge, questions_of
from npreg.exercises.prover import RIGHT, known_mistakes
from npreg.exercises.words import say, wrap

COUNT = 20
WIDTH = 88
FACTORS = 3  # so many in a turn: they are the most frequent of all


def preview(exercise: Exercise, lang: str = "en", count: int = COUNT) -> Iterator[str]:
    """Yield what students read for the commonest mistakes, each kind of mistake once before any comes again.

    A last line says which steps are differentiated numerically, and how exactly and fast answers are judged.
    """
    questions = questions_of(exercise, seed=0)
    right = {name: [at.right[name] for at in questions.judged] for name in exercise.answers}
    begun = time.perf_counter()
    judge(questions, _outcome(questions, right), lang)
    seconds = time.perf_counter() - begun
    said: set[str] = set()
    for name, values in _commonest(questions):
        report = judge(questions, _outcome(questions, {**right, name: values}), lang)
        answer = next(answer for answer in report.answers if answer.name == name)
        message = answer.message(lang)
        if not answer.passed and message not in said:
            said.add(message)
            yield "\n".join([_heading(answer), *wrap(message, WIDTH, "    ")])
        if len(said) == count:
            break
    steps = sorted({edge[0].lstrip("_") for edge in not_analytic(exercise)})
    exact = KNOWN_BY_DIFFERENCES if steps else 1e3 * np.finfo(float).eps
    key = "preview-differences" if steps else "preview-exact"
    yield say(key, lang, steps=", ".join(steps), exact=f"{exact:.0e}", seconds=f"{seconds:.2g}")


def _heading(answer: AnswerReport) -> str:
    return f"{answer.name}  [{', '.join(mistake.code for mistake in answer.mistakes)}]"


def _commonest(questions: Questions) -> Iterator[tuple[str, list[Array]]]:
    """Names of answers with wrong values on all probes: of every family of codes the simplest first."""
    found, seen = [], Counter[tuple[str, str]]()
    for name in questions.names:
        known = known_mistakes(questions.bank, name, questions.judged)
        for mistake in sorted(known, key=lambda known: (known.cost, len(known.codes))):
            family = mistake.codes.partition(":")[0]
            if mistake.codes != RIGHT and "+" not in mistake.codes:
                turn = seen[name, family] // (FACTORS if family == "factor" else 1)
                found.append((turn, mistake.cost, len(mistake.codes), name, mistake))
                seen[name, family] += 1
    for *_, name, mistake in sorted(found, key=lambda item: item[:4]):
        values = mistake.values(questions.judged)
        if values is not None:
            yield name, values


def _outcome(questions: Questions, values: Mapping[str, list[Array]]) -> dict[str, Any]:
    """The records of a file whose functions return these values."""
    blank: dict[str, Any] = {"problem": None, "error": None, "changed": [], "stdout": "", "type": ""}
    functions = {
        name: {
            "defined": True,
            "parameters": list(questions.bank.exercise.inputs),
            "globals": [],
            "line": None,
            "runs": [{**blank, "value": value, "again": value} for value in values[name]],
        }
        for name in questions.names
    }
    return {"error": None, "stdout": "", "functions": functions}
