"""Is an answer right? A backward error per entry, and separate findings on what is right already.

An entry is right when its deviation is at most ``1e3 · eps · Σ|terms|``. That sum, large also near the optimum,
is measured: every input and step is changed relatively, up or down at random, and the answer's reaction is the size of
its terms. Where the derivative is zero whatever the data, its terms are those of the sweep.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.findings import Finding
from npreg.exercises.forward.probes import sizes_of
from npreg.exercises.forward.program import Answer, Array, Exercise
from npreg.exercises.forward.tape import Tape, not_analytic, record, value_of

ROUNDINGS = 1e3
SHAKES = 4
SHAKE = 2.0**-20
CLOSER = SHAKE**1.5
KNOWN_BY_DIFFERENCES = 1e-10
ZERO = 1e-13
Values = Mapping[str, Array]


@dataclass(frozen=True)
class Reference:
    """The right answers on one probe, and the size of the terms of every entry."""

    tape: Tape
    sizes: Mapping[str, int]
    swept: Values
    right: Values
    terms: Values
    kinks: Values

    def right_entries(self, name: str, value: Array) -> Array:
        """Per entry, whether a value is right; at a kink any subgradient is."""
        good = is_right(value, self.right[name], self.terms[name])
        if name in self.kinks:
            low, high = self.kinks[name]
            good |= (high > low) & (np.real(value) >= low) & (np.real(value) <= high)
        return good

    @property
    def given(self) -> dict[str, Array]:
        """What a student's function can name: inputs, public steps, derivatives that an update uses."""
        exercise = self.tape.exercise
        used = exercise.gradient_names if any(answer.formula for answer in exercise.answers.values()) else {}
        slopes = {name: self.swept[wrt] for name, wrt in used.items()}
        return {name: self.tape.values[name] for name in (*exercise.inputs, *exercise.public_steps)} | slopes


def reference(exercise: Exercise, probe: Mapping[str, Array]) -> Reference:
    """Compute the right answers on a probe, and how large their terms are; ValueError where it does not fit."""
    sizes, tape, rng = sizes_of(exercise, probe), record(exercise, probe), np.random.default_rng(0)
    swept, bound = tape.sweep(), tape.sweep(absolute=True)
    steps = {f"grad_{step}": Answer(step) for step in exercise.public_steps if step in swept}
    answers: dict[str, Answer] = {**exercise.answers, **steps}
    right = {name: value_of(answer, tape, swept) for name, answer in answers.items()}

    def moved(size: float) -> Values:
        there = record(exercise, probe, partial(_shaken, rng, size))
        swept = there.sweep()
        return {n: right[n] if a.order == 2 else value_of(a, there, swept) for n, a in answers.items()}

    shaken = [moved(SHAKE) for _ in range(SHAKES)]
    first = {name: np.max([np.abs(o[name] - value) for o in shaken], axis=0) for name, value in right.items()}
    kinks = _kinks(tape, right, moved, first, rng)
    known = KNOWN_BY_DIFFERENCES / (ROUNDINGS * np.finfo(float).eps) if not_analytic(exercise) else 0.0
    terms = {}
    for name, value in right.items():
        low, high = kinks.get(name, (value, value))
        answer, least = answers[name], known * np.max(np.abs(value), initial=0.0)
        terms[name] = np.maximum(np.abs(value), np.where(high > low, 0.0, first[name] / SHAKE))
        if answer.order == 2:
            least = np.max(np.abs(value))
        elif answer.order == 1 and answer.formula is None:
            least = np.maximum(least, np.where(np.abs(value) <= ZERO * bound[answer.wrt], bound[answer.wrt], 0.0))
        terms[name] = np.maximum(terms[name], least)
    return Reference(tape, sizes, swept, right, terms, kinks)


def _shaken(rng: "np.random.Generator", size: float, value: Array) -> Array:  # relatively, up or down at random
    signs = rng.choice([-1.0, 1.0], size=value.shape)
    return np.asarray(value * (1.0 + size * signs)) if value.dtype.kind in "fc" else value


def _kinks(
    tape: Tape, right: Values, moved: Callable[[float], Values], first: Values, rng: "np.random.Generator"
) -> dict[str, Array]:
    """Per answer at a kink, where a tiny move makes it jump as ``first``, the bounds of its one-sided derivatives."""
    steep = any(np.any(first[name] > 1e-3 * np.max(np.abs(value))) for name, value in right.items())
    conditions = [name for name in tape.program.steps if tape.values[name].dtype.kind == "b"]
    tries = (tape.program.forward(tape.values, partial(_shaken, rng, CLOSER)) for _ in range(16 if conditions else 0))
    if not steep and not any(np.any(there[name] != tape.values[name]) for there in tries for name in conditions):
        return {}
    closer, found = [moved(CLOSER) for _ in range(24)], {}
    for name, value in right.items():
        around = np.stack([value, *(other[name] for other in closer)])
        jump = np.max(np.abs(around - value), axis=0)
        at_kink = (jump > 0.1 * first[name]) & (jump > 1e-6 * np.max(np.abs(value)))
        if np.any(at_kink):
            bounds = np.stack([np.min(around, axis=0) - 1e-6 * jump, np.max(around, axis=0) + 1e-6 * jump])
            found[name] = np.where(at_kink, bounds, value)
    return found


def resolution(value: Array) -> float:
    """The relative rounding of the value's dtype: float16, float32 and complex64 count as what they are."""
    short = value.dtype.itemsize <= {"f": 4, "c": 8}.get(value.dtype.kind, 0)
    return float(np.finfo(value.dtype if short else float).eps)


@np.errstate(all="ignore")
def is_right(value: Array, right: Array, terms: Array) -> Array:
    """Per entry, whether the value is right; the shapes must agree."""
    deviation = np.abs(value.astype(complex if value.dtype.kind == "c" else float) - right)
    return np.asarray(deviation <= ROUNDINGS * resolution(value) * terms)


@np.errstate(all="ignore")
def value_findings(values: list[Array], references: list[Reference], name: str) -> tuple[bool, list[Finding]]:
    """Judge values of the right shape on all probes; an answer with a single entry has no direction (None)."""
    if not all(np.all(np.isfinite(value)) for value in values):
        return False, [Finding("finite", False)]
    at = list(zip(references, values, [np.real(value).astype(float) for value in values], strict=True))
    good = [reference.right_entries(name, value) for reference, value, _ in at]
    passed = all(np.all(entries) for entries in good)
    pairs = [(real, reference.right[name]) for reference, _, real in at]
    cosines = [float(np.vdot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b) or 1.0)) for a, b in pairs]
    positive = passed or all(cosine > 0 for cosine in cosines)
    parallel = passed or (all(abs(abs(c) - 1) < 1e-9 for c in cosines) and len({c > 0 for c in cosines}) == 1)
    as_long = passed or (not positive and all(np.all(r.right_entries(name, -real)) for r, _, real in at))
    several = any(reference.right[name].size > 1 for reference in references)
    details: dict[str, Any] = {}
    if not passed:  # where and how far they are off, on the first probe on which they are
        place = next(i for i, entries in enumerate(good) if not np.all(entries))
        there, entries = references[place], np.argwhere(~good[place]).tolist()
        off = np.abs(at[place][2] - there.right[name]) / there.terms[name]
        deviation = float(np.max(off, where=np.isfinite(off), initial=0.0))
        details = {"entries": entries[:10], "wrong": len(entries), "size": int(there.right[name].size)}
        details |= {"deviation": deviation, "sizes": dict(there.sizes)}
    findings = [
        Finding("finite", True),
        Finding("direction", parallel if several else passed or None),
        Finding("sign", positive if parallel else None),
        Finding("scale", as_long if parallel else None),
        Finding("value", passed, details),
    ]
    if passed and any(name in reference.kinks for reference in references):
        findings.append(Finding("kink", True))
    return passed, findings
