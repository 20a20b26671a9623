"""From a wrong value to the name of the mistake: all explanations that fit every probe, and the simplest of them.

Nothing is guessed: an explanation counts only when it gives the student's value on every fixed probe and, checked
afterwards, on the fresh ones. Explanations that fit are equal on every probe, so they are one class of mistakes; the
cheapest is named, the others are its alternatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from npreg.exercises.forward.program import Answer, Array
from npreg.exercises.forward.tape import Edits, Tape, not_analytic, value_of
from npreg.exercises.forward.verdict import Reference, reference, resolution
from npreg.exercises.found import Fact, Found, Scale
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.bank import Bank
from npreg.exercises.mistakes.explanation import Explanation, Pool, Turn, quantities
from npreg.exercises.mistakes.foreign import axes_subsets
from npreg.exercises.mistakes.mistake import Make, Mistake, offset
from npreg.exercises.mistakes.preference import MORE, Kind, cost
from npreg.exercises.mistakes.terms import Case, derivative, extra_terms, path_terms

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

    ``student`` are the student's values on the bank's probes (any shape), ``student_fresh`` those on ``fresh``.
    """
    tolerance = CLOSE if max(resolution(value) for value in student) < 1e-10 else 3e-4
    if not_analytic(bank.exercise):
        tolerance = max(tolerance, 1e-8)
    case = Case(bank, name, [np.real(value).astype(float) for value in student], tolerance)
    if not all(np.all(np.isfinite(value)) and value.size for value in case.student) or _is_zero(case):
        return None
    later = [(at, np.real(value).astype(float)) for at, value in zip(fresh, student_fresh, strict=True)]
    for stage in _stages(case):
        found = [
            e
            for e in stage
            if e.codes and all(e.fits(value, at.right[name], at.tape, 100 * tolerance) for at, value in later)
        ]
        if found:
            return _simplest(found, bank)
    if bank.finer is not None:
        again = [reference(bank.finer.exercise, at.tape.values) for at in fresh]
        return diagnose(bank.finer, name, case.student, again, student_fresh)
    return None


def _is_zero(case: Case) -> bool:
    """Whether only zeros of the right shape came back: too many mistakes cancel to that to name one."""
    pairs = zip(case.student, case.bank.references, strict=True)
    return case.has_shape and all(np.max(np.abs(v)) <= 1e-13 * np.max(at.terms[case.name]) for v, at in pairs)


def _simplest(found: Sequence[Explanation], bank: Bank) -> Diagnosis:
    best, *others = sorted(found, key=lambda e: e.cost)
    twins = ["+".join(e.codes) for e in others if e.codes != best.codes and e.cost < best.cost + FAR]
    at = tuple(bank.quantities)
    known = tuple(replace(r, quantities=at) if isinstance(r, Scale) else r for r in best.found)
    return Diagnosis(best.codes, tuple(dict.fromkeys(twins))[:TWINS], known)


def _stages(case: Case) -> Iterator[Iterator[Explanation]]:
    """Explanations from the simple to the far-fetched; a later stage only where the earlier had none."""
    helpers = bool(case.bank.exercise.known)
    if case.has_shape:
        yield _same_shape(case)
        if not helpers:
            yield _typed_in(case)
            if case.answer.formula is None:
                yield case.match(case.bank.pool(case.name, pairs=True))
    elif not helpers:
        yield _other_shape(case)
        yield _collapsed(case)


def _same_shape(case: Case) -> Iterator[Explanation]:
    if case.answer.formula is not None:
        yield from _update(case)
        return
    yield from case.match(case.bank.pool(case.name))
    if case.answer.order == 1:
        yield from path_terms(case)
        yield from extra_terms(case)


def _other_shape(case: Case) -> Iterator[Explanation]:
    """A mistake with values of this shape; the right numbers, or what explains them, in another shape."""
    pool = case.bank.pool(case.name, case.shapes)
    yield from case.match(pool)
    largest = max(float(np.max(r.terms[case.name])) for r in case.bank.references)
    if all(np.max(np.abs(value)) <= 1e-12 * largest for value in case.student):  # zero but for rounding
        for mistake in pool.vanishing:
            zero = partial(_zero_of, mistake=mistake, name=case.name)
            yield Explanation(mistake.codes, cost(mistake.kinds), zero, mistake.found, _zeros)
    flat = all(max(v.shape, default=1) == v.size for v in case.student)
    if not flat:
        yield from _turned(case, lambda value, right: value.T, ("transpose",), MORE)
    yield from _turned(case, lambda value, right: value.reshape(right.shape), ("shape",), MORE)


def _turned(case: Case, turn: Turn, codes: tuple[str, ...], price: float) -> Iterator[Explanation]:
    """What explains the student's values when they are brought into the right shape."""
    rights = [at.right[case.name] for at in case.bank.references]
    try:
        turned = [np.asarray(turn(value, right)) for value, right in zip(case.student, rights, strict=True)]
    except (ValueError, IndexError):
        return
    if all(value.shape == right.shape for value, right in zip(turned, rights, strict=True)):
        for e in _same_shape(replace(case, student=turned)):
            yield replace(e, codes=(*codes, *e.codes), cost=e.cost + price, turn=turn)


def _collapsed(case: Case) -> Iterator[Explanation]:
    """Values with an axis too many: summed over it they are explained."""
    for axes, mean in product(axes_subsets(max(v.ndim for v in case.student)), (False, True)):
        for e in _turned(case, partial(_summed, axes=axes, mean=mean), ("not-summed",), 3 * MORE):
            scales = [record.factor.codes for record in e.found if isinstance(record, Scale)]
            if "broadcast" in e.codes:
                e = replace(e, codes=e.codes[1:])
            elif case.answer.formula is not None and mean and scales == [("factor:1/n",)]:
                e = replace(e, codes=e.codes[:1])
            yield e


def _summed(value: Array, right: Array, axes: tuple[int, ...], mean: bool) -> Array:
    total = value.mean(axis=axes) if mean else value.sum(axis=axes)
    return np.asarray(total).reshape(right.shape)


def _zero_of(tape: Tape, mistake: Mistake, name: str) -> Array:
    return 0.0 * mistake.value(name, tape)


def _zeros(value: Array, right: Array) -> Array:
    return np.zeros_like(value)


def _typed_in(case: Case) -> Iterator[Explanation]:
    """A number typed in where a scalar input belongs: tau = 0.5 whatever tau is."""
    if case.answer.order == 2:
        return
    for scalar in (s for s, given in case.bank.exercise.inputs.items() if not given.shape):
        given = partial(_with_number, answer=case.answer, scalar=scalar)
        keys = [(case.name, scalar, number) for number in (0.0, 1.0)]
        at_zero, at_one = ([t.noted(key, partial(given, t, number=key[-1])) for t in case.bank.tapes] for key in keys)
        slopes = [one - zero for zero, one in zip(at_zero, at_one, strict=True)]
        if any(not np.all(np.isfinite(s)) or np.max(np.abs(s)) < 1e-9 for s in slopes):
            continue
        rests = [value - zero for value, zero in zip(case.student, at_zero, strict=True)]
        numbers = _ratios(rests, slopes, case.tolerance)
        typed = float(numbers[0])
        if np.all(np.abs(numbers - typed) <= 1e-7 * abs(typed)) and typed not in (0.0, 1.0):
            found = (Fact(value=typed, instead_of=scalar),)
            yield Explanation(("global-or-hardcoded",), cost([Kind.TYPED_IN]), partial(given, number=typed), found)


def _with_number(tape: Tape, answer: Answer, scalar: str, number: float) -> Array:
    """The answer with this number in the place of a scalar input."""
    edits = Edits(values=((scalar, changes.plain(partial(np.full_like, fill_value=number, dtype=float))),))
    return value_of(answer, tape.edited(edits))


def _ratios(values: Sequence[Array], units: Sequence[Array], tolerance: float) -> Array:
    """The multiple of the unit that every value is (NaN where it is none)."""
    found = []
    for value, unit in zip(values, units, strict=True):
        ratio = float(np.vdot(unit, value) / np.vdot(unit, unit))
        off = np.max(np.abs(value - ratio * unit))
        found.append(ratio if off <= tolerance * np.max(np.abs(unit)) else np.nan)
    return np.array(found)


def _update(case: Case) -> Iterator[Explanation]:
    """An update is old plus step: the step is matched like a derivative, the old part may be absent or scaled."""
    bank, answer, tapes = case.bank, case.answer, case.bank.tapes
    old, gradient = partial(offset, case.name), f"grad_{answer.wrt}"
    olds = [old(tape) for tape in tapes]
    for wrt in bank.exercise.gradient_names.values():
        yield from _multiple(case, ("wrong-variable",), Kind.PLAIN_GRADIENT, partial(derivative, wrt=wrt))
    yield from _multiple(case, (), Kind.RIGHT, partial(value_of, answer))
    if all(np.max(np.abs(s - o)) < 1e-12 for s, o in zip(case.student, olds, strict=True)):
        yield Explanation((f"missing-term:{gradient}",), cost([Kind.PLAIN_GRADIENT]), old)
    for times, codes in ((1.0, ()), (0.0, (f"missing-term:{answer.wrt}",)), (-1.0, (f"term-sign:{answer.wrt}",))):
        rest = [s - times * o for s, o in zip(case.student, olds, strict=True)]
        for e in replace(case, student=rest).match(bank.pool(case.name)):
            e = _in_update(e, gradient) if times else e
            price = e.cost + 2 * MORE * len(codes)
            yield replace(e, codes=(*codes, *e.codes), cost=price, make=_plus(e.make, old, times))
    steps = [at.right[case.name] - o for at, o in zip(bank.references, olds, strict=True)]
    extra = [s - o - step for s, o, step in zip(case.student, olds, steps, strict=True)]
    factor = bank.table.identify(_ratios(extra, olds, case.tolerance))  # w·(1 − 0.01) − …
    if factor is not None:
        code = f"term-factor:{answer.wrt}"
        scaled = _plus(partial(value_of, answer), lambda tape: factor.value(quantities(tape)) * old(tape), 1.0)
        yield Explanation((code,), cost([Kind.TERM], factor), scaled, (Scale(code, factor),))


def _plus(make: Make, other: Make, times: float) -> Make:
    return lambda tape: np.asarray(make(tape) + times * other(tape))


def _multiple(case: Case, codes: tuple[str, ...], kind: Kind, make: Make) -> Iterator[Explanation]:
    """A multiple of the gradient itself, or of the right answer as a whole."""
    values = [make(tape) for tape in case.bank.tapes]
    if tuple(value.shape for value in values) == case.shapes:
        for e in case.match(Pool(case.name, [(Mistake(codes, (kind,), make=make), values)])):
            yield replace(e, cost=2.0 * e.cost)


def _in_update(explanation: Explanation, gradient: str) -> Explanation:
    """A factor of the gradient is a factor of one term of the update."""

    def renamed(code: str) -> str:
        return f"term-{code.partition(':')[0]}:{gradient}" if code == "sign" or code.startswith("factor:") else code

    found = tuple(replace(r, code=renamed(r.code)) if isinstance(r, Scale) else r for r in explanation.found)
    return replace(explanation, codes=tuple(map(renamed, explanation.codes)), found=found)
