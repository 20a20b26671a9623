"""From a wrong value to the name of the mistake: all explanations that fit every probe, and the simplest of
them.

Nothing is guessed: an explanation counts only when it gives the student's value on every fixed probe and,
checked afterwards, on the fresh ones. Explanations that fit are equal on every probe, so they are one class
of mistakes; the cheapest is named, the others are its alternatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from npreg.exercises.forward.derivatives import quantities_of, value_of
from npreg.exercises.forward.program import Array
from npreg.exercises.forward.tape import Edits, Tape, not_analytic
from npreg.exercises.forward.verdict import Reference, reference, resolution
from npreg.exercises.found import Fact, Found, Scale
from npreg.exercises.mistakes.bank import Bank, Pool
from npreg.exercises.mistakes.explanation import Base, Explanation, Make, Turn, asked, axes_subsets
from npreg.exercises.mistakes.preference import MORE, Kind, cost
from npreg.exercises.mistakes.terms import extra_terms, path_terms

CLOSE = 1e-9
TWINS, FAR = 6, 10


@dataclass(frozen=True)
class Diagnosis:
    """The codes of the mistake, the twins' codes, and what is known about it."""

    codes: tuple[str, ...]
    alternatives: tuple[str, ...] = ()
    found: Found = ()


def diagnose(
    bank: Bank,
    name: str,
    student: Sequence[Array],
    fresh: Sequence[Reference] = (),
    student_fresh: Sequence[Array] = (),
) -> Diagnosis | None:
    """Name the mistake in the answer ``name``, or return None.

    ``student`` are the student's values on the bank's probes (any shape), ``student_fresh`` those on
    ``fresh``.
    """
    tolerance = CLOSE if max(resolution(value) for value in student) < 1e-10 else 3e-4
    if not_analytic(bank.exercise):
        tolerance = max(tolerance, 1e-8)
    student = [np.real(value).astype(float) for value in student]
    if not all(np.all(np.isfinite(value)) and value.size for value in student):
        return None
    if _is_zero(bank, name, student):
        return None
    for found in _stages(bank, name, student, tolerance):
        confirmed = [e for e in found if e.codes and _holds(bank, name, e, fresh, student_fresh, tolerance)]
        if confirmed:
            return _name(confirmed, bank)
    if bank.finer is not None:
        again = [reference(bank.finer.exercise, at.tape.values) for at in fresh]
        return diagnose(bank.finer, name, student, again, student_fresh)
    return None


def _is_zero(bank: Bank, name: str, student: Sequence[Array]) -> bool:
    """Whether only zeros of the right shape came back: too many mistakes cancel to that to name one."""
    if tuple(value.shape for value in student) != bank.signature(name):
        return False
    pairs = zip(student, bank.references, strict=True)
    return all(np.max(np.abs(value)) <= 1e-13 * np.max(at.terms[name]) for value, at in pairs)


def _holds(
    bank: Bank,
    name: str,
    explanation: Explanation,
    fresh: Sequence[Reference],
    values: Sequence[Array],
    tolerance: float,
) -> bool:
    for there, value in zip(fresh, values, strict=True):
        at = quantities_of(bank.exercise, there.sizes, there.tape.values)
        given = np.real(value).astype(float)
        if not explanation.fits(given, there.right[name], there.tape, at, 100 * tolerance):
            return False
    return True


def _name(found: Sequence[Explanation], bank: Bank) -> Diagnosis:
    ordered = sorted(found, key=lambda e: e.cost)
    best = ordered[0]
    twins = [e.codes for e in ordered[1:] if e.codes != best.codes and e.cost < best.cost + FAR]
    alternatives = ["+".join(codes) for codes in twins]
    at = tuple(bank.quantities)
    known = tuple(replace(r, quantities=at) if isinstance(r, Scale) else r for r in best.found)
    return Diagnosis(best.codes, tuple(dict.fromkeys(alternatives))[:TWINS], known)


def _stages(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[list[Explanation]]:
    """Explanations from the simple to the far-fetched; a later stage only where the earlier had none."""
    right, given = bank.signature(name), tuple(value.shape for value in student)
    if bank.exercise.known and given != right:
        return
    if given == right:
        yield list(_same_shape(bank, name, student, tolerance))
        if bank.exercise.known:
            return
        yield list(_typed_in(bank, name, student, tolerance))
        yield list(_paired(bank, name, student, tolerance))
        return
    yield [
        *bank.pool(name, given).match(student, bank.table, tolerance),
        *_vanishing(bank, name, student),
        *_reshaped(bank, name, student, tolerance),
    ]
    yield list(_collapsed(bank, name, student, tolerance))


def _same_shape(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    answer = asked(bank.exercise, name)
    if answer.formula is not None:
        yield from _update(bank, name, student, tolerance)
        return
    yield from bank.pool(name, bank.signature(name)).match(student, bank.table, tolerance)
    if answer.order == 1:
        yield from path_terms(bank, name, student, tolerance)
        yield from extra_terms(bank, name, student, tolerance)


def _vanishing(bank: Bank, name: str, student: Sequence[Array]) -> Iterator[Explanation]:
    """Values that are zero but for rounding, where a known mistake gives zero."""
    largest = max(float(np.max(r.terms[name])) for r in bank.references)
    if all(np.max(np.abs(value)) <= 1e-12 * largest for value in student):
        for base in bank.pool(name, tuple(value.shape for value in student)).vanishing:
            yield Explanation(base.codes, cost(base.kinds), partial(_zero_of, base), base.found, _zero_for)


def _zero_of(base: Base, tape: Tape, at: Any) -> Array:
    return 0.0 * base.make(tape)


def _zero_for(value: Array, right: Array) -> Array:
    return np.zeros_like(value)


def _typed_in(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """A number typed in where a scalar input belongs: tau = 0.5 whatever tau is."""
    answer = asked(bank.exercise, name)
    if answer.order == 2:
        return
    for scalar in (s for s, given in bank.exercise.inputs.items() if not given.shape):
        at_zero, at_one = (_with_number(bank, name, scalar, number) for number in (0.0, 1.0))
        slopes = [one - zero for zero, one in zip(at_zero, at_one, strict=True)]
        if any(not np.all(np.isfinite(s)) or np.max(np.abs(s)) < 1e-9 for s in slopes):
            continue
        rests = [value - zero for value, zero in zip(student, at_zero, strict=True)]
        numbers = _ratios(rests, slopes, tolerance)
        typed = float(numbers[0])
        if not np.all(np.abs(numbers - typed) <= 1e-7 * abs(typed)) or typed in (0.0, 1.0):
            continue

        def predict(tape: Tape, at: Any, scalar: str = scalar, typed: float = typed) -> Array:
            return value_of(answer, tape.edited(_set(scalar, typed)))

        typed_in = Fact(value=typed, instead_of=scalar)
        yield Explanation(("global-or-hardcoded",), cost([Kind.TYPED_IN]), predict, (typed_in,))


def _with_number(bank: Bank, name: str, scalar: str, number: float) -> list[Array]:
    """The answer on every probe with this number in the place of a scalar input."""
    answer = asked(bank.exercise, name)

    def make(tape: Tape) -> Array:
        found: Array = tape.noted((name, scalar, number), lambda: value_of(answer, tape.edited(_set(scalar, number))))
        return found

    return [make(tape) for tape in bank.tapes]


def _set(name: str, number: float) -> Edits:
    return Edits(values=((name, lambda value, tape: np.full(value.shape, number)),))


def _paired(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    if asked(bank.exercise, name).formula is None:
        yield from bank.pair_pool(name).match(student, bank.table, tolerance)


def _update(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """An update is old plus step: the step is matched like a derivative, the old part may be absent."""
    wrt = asked(bank.exercise, name).wrt
    for source in bank.exercise.gradient_names.values():
        yield from _plain_quantity(bank, student, partial(_gradient, wrt=source), ("wrong-variable",), tolerance)
    yield from _plain_quantity(bank, student, partial(value_of, asked(bank.exercise, name)), (), tolerance)
    if all(np.max(np.abs(s - bank.offset(name, t))) < 1e-12 for s, t in zip(student, bank.tapes, strict=True)):
        absent = cost([Kind.PLAIN_GRADIENT])
        yield Explanation((f"missing-term:grad_{wrt}",), absent, lambda tape, at: bank.offset(name, tape))
    pool = bank.pool(name, bank.signature(name))
    for times, codes in ((1.0, ()), (0.0, (f"missing-term:{wrt}",)), (-1.0, (f"term-sign:{wrt}",))):

        def turn(value: Array, right: Array, times: float = times) -> Array:
            return value

        rest = [s - times * bank.offset(name, t) for s, t in zip(student, bank.tapes, strict=True)]
        for e in [
            *pool.match(rest, bank.table, tolerance),
            *(_scaled_old(bank, name, rest, tolerance) if times == 1 else ()),
        ]:

            def predict(tape: Any, at: Any, e: Explanation = e, times: float = times) -> Array:
                return np.asarray(e.predict(tape, at) + times * bank.offset(name, tape))

            e = _in_update(e, wrt) if times else e
            price = e.cost + 2 * MORE * len(codes)
            yield replace(e, codes=(*codes, *e.codes), cost=price, predict=predict)


def _gradient(tape: Tape, wrt: str) -> Array:
    return tape.sweep()[wrt]


def _plain_quantity(
    bank: Bank, student: Sequence[Array], make: Make, codes: tuple[str, ...], tolerance: float
) -> Iterator[Explanation]:
    """A multiple of the gradient itself, or of the right answer as a whole."""
    base = Base(codes, (Kind.PLAIN_GRADIENT if codes else Kind.RIGHT,), make)
    values = [base.make(tape) for tape in bank.tapes]
    if tuple(v.shape for v in values) == tuple(v.shape for v in student):
        for e in Pool([base], [values]).match(student, bank.table, tolerance):
            yield replace(e, cost=2.0 * e.cost)


def _scaled_old(bank: Bank, name: str, rest: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """The old parameter with a factor: w·(1 − 0.01) − …"""
    answer = asked(bank.exercise, name)
    step = [r.right[name] - bank.offset(name, r.tape) for r in bank.references]
    old = [np.asarray(bank.offset(name, tape)) for tape in bank.tapes]
    factor = bank.table.identify(_ratios([r - s for r, s in zip(rest, step, strict=True)], old, tolerance))
    if factor is None:
        return

    def predict(tape: Tape, at: Any) -> Array:
        offset = bank.offset(name, tape)
        return np.asarray(value_of(answer, tape) - offset + factor.value(at) * offset)

    code = f"term-factor:{answer.wrt}"
    yield Explanation((code,), cost([Kind.TERM], factor), predict, (Scale(code, factor),))


def _ratios(values: Sequence[Array], units: Sequence[Array], tolerance: float) -> Array:
    """The multiple of the unit that every value is (NaN where it is none)."""
    found = []
    for value, unit in zip(values, units, strict=True):
        ratio = float(np.vdot(unit, value) / np.vdot(unit, unit))
        off = np.max(np.abs(value - ratio * unit))
        found.append(ratio if off <= tolerance * np.max(np.abs(unit)) else np.nan)
    return np.array(found)


def _in_update(explanation: Explanation, wrt: str) -> Explanation:
    """A factor of the gradient is a factor of one term of the update."""

    def renamed(code: str) -> str:
        if code == "sign":
            return f"term-sign:grad_{wrt}"
        return f"term-factor:grad_{wrt}" if code.startswith("factor:") else code

    found = tuple(replace(r, code=renamed(r.code)) if isinstance(r, Scale) else r for r in explanation.found)
    return replace(explanation, codes=tuple(map(renamed, explanation.codes)), found=found)


def _reshaped(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """The right numbers in another shape, or what explains values of the right shape, in another."""
    turns: tuple[tuple[str, Turn], ...] = (
        ("transpose", lambda value, right: value.T),
        ("shape", lambda value, right: value.reshape(right.shape)),
    )
    for code, turn in turns:
        turned = _turn(bank, name, student, turn)
        flat = all(max(v.shape, default=1) == v.size for v in student)
        if turned is None or (code == "transpose" and flat):
            continue
        for e in _same_shape(bank, name, turned, tolerance):
            yield replace(e, codes=(code, *e.codes), cost=e.cost + MORE, turn=turn)


def _turn(bank: Bank, name: str, student: Sequence[Array], turn: Turn) -> list[Array] | None:
    turned = []
    for value, at in zip(student, bank.references, strict=True):
        right = at.right[name]
        if value.size != right.size:
            return None
        result = np.asarray(turn(value, right))
        if result.shape != right.shape:
            return None
        turned.append(result)
    return turned


def _collapsed(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """Values with an axis too many: summed over it they are explained."""
    for axes in axes_subsets(max(v.ndim for v in student)):
        for mean in (False, True):

            def turn(value: Array, right: Array, axes: Any = axes, mean: bool = mean) -> Array:
                total = value.mean(axis=axes) if mean else value.sum(axis=axes)
                return np.asarray(total).reshape(right.shape)

            try:
                turned = [turn(v, r.right[name]) for v, r in zip(student, bank.references, strict=True)]
            except (ValueError, IndexError):
                continue
            for e in _same_shape(bank, name, turned, tolerance):
                codes = e.codes if "broadcast" in e.codes else ("not-summed", *e.codes)
                updating = asked(bank.exercise, name).formula is not None and mean
                scales = [record.factor.codes for record in e.found if isinstance(record, Scale)]
                if updating and scales == [("factor:1/n",)]:
                    codes = ("not-summed",)
                yield replace(e, codes=codes, cost=e.cost + 3 * MORE, turn=turn)
