"""From a wrong value to the name of the mistake: the cheapest explanation that gives it on every probe."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from npreg.exercises.forward.program import Answer, Array
from npreg.exercises.forward.tape import Edits, not_analytic, value_of
from npreg.exercises.forward.verdict import Reference, reference, resolution
from npreg.exercises.found import ONE, Factor, Facts
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.bank import Bank, Case, Explanation, Pool, Turn, combined
from npreg.exercises.mistakes.foreign import axes_subsets
from npreg.exercises.mistakes.mistake import REFUSED, RIGHT, Make, Mistake, derivative, known, offset, quantity
from npreg.exercises.mistakes.preference import MORE, Kind, cost
from npreg.exercises.mistakes.terms import extra_terms, joined_terms, path_terms

CLOSE = 1e-9
TWINS, FAR = 6, 10


def diagnose(bank: Bank, name: str, values: Sequence[Array], fresh: Sequence[Reference] = ()) -> Explanation | None:
    """The mistake in an answer by its values (of any shape) on the bank's probes and on fresh ones, with its twins."""
    student, student_fresh = values[: len(bank.references)], values[len(bank.references) :]
    tolerance = CLOSE if max(resolution(value) for value in student) < 1e-10 else 3e-4
    if not_analytic(bank.exercise):
        tolerance = max(tolerance, 1e-8)
    case = Case(bank, name, [np.real(value).astype(float) for value in student], tolerance)
    if not all(np.all(np.isfinite(value)) and value.size for value in case.student):
        return None
    pairs = zip(case.student, bank.references, strict=True)
    if case.has_shape and all(np.max(np.abs(value)) <= 1e-13 * np.max(at.terms[name]) for value, at in pairs):
        return None  # too many mistakes cancel to nothing but zeros to name one
    later = [(at, np.real(value).astype(float)) for at, value in zip(fresh, student_fresh, strict=True)]
    for stage in _stages(case):
        found = [e for e in stage if e.codes and all(e.fits(value, name, at, 100 * tolerance) for at, value in later)]
        if found:
            best, *others = sorted(found, key=lambda e: e.cost)
            twins = ["+".join(e.codes) for e in others if e.codes != best.codes and e.cost < best.cost + FAR]
            found_on = best.found | Facts(quantities=bank.quantities)
            return replace(best, found=found_on, alternatives=tuple(dict.fromkeys(twins))[:TWINS])
    if bank.finer is not None:
        return diagnose(bank.finer, name, values, [reference(bank.finer.exercise, at.tape.values) for at in fresh])
    return None


def _stages(case: Case) -> Iterator[Iterator[Explanation]]:
    """Explanations from the simple to the far-fetched; a later stage only where the earlier had none."""
    helpers = bool(case.bank.exercise.known)
    if case.has_shape:
        yield _same_shape(case)
        if not helpers:
            yield _typed_in(case)
            if case.answer.formula is None:
                yield joined_terms(case)
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
    yield from _from_another(case)
    largest = max(float(np.max(r.terms[case.name])) for r in case.bank.references)
    if all(np.max(np.abs(value)) <= 1e-12 * largest for value in case.student):  # zero but for rounding
        for mistake in pool.vanishing:
            zero = combined([partial(mistake.value, case.name)], [Factor(constant=0.0)])
            yield Explanation(mistake.codes, cost(mistake.kinds), zero, mistake.found, lambda value, right: 0 * value)
    if any(max(value.shape, default=1) < value.size for value in case.student):
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
            parts = (lambda tape: np.zeros(0), e.make)  # the shape alone is wrong in no array of the right one
            yield replace(e, codes=(*codes, *e.codes), cost=e.cost + price, turn=turn, parts=parts)


def _collapsed(case: Case) -> Iterator[Explanation]:
    """Values with an axis too many: summed over it they are explained."""
    for axes, mean in product(axes_subsets(max(v.ndim for v in case.student)), (False, True)):
        for e in _turned(case, partial(_summed, axes=axes, mean=mean), ("not-summed",), 3 * MORE):
            scales = [factor.codes for factor in e.found.get("factors", {}).values()]
            if "broadcast" in e.codes:
                e = replace(e, codes=e.codes[1:])
            elif case.answer.formula is not None and mean and scales == [("factor:1/n",)]:
                e = replace(e, codes=e.codes[:1])
            yield e


def _summed(value: Array, right: Array, axes: tuple[int, ...], mean: bool) -> Array:
    total = value.mean(axis=axes) if mean else value.sum(axis=axes)
    return np.asarray(total).reshape(right.shape)


def _typed_in(case: Case) -> Iterator[Explanation]:
    """A number typed in where a scalar input belongs: tau = 0.5 whatever tau is."""
    for scalar in (s for s, given in case.bank.exercise.inputs.items() if not given.shape and case.answer.order == 1):
        zero, one = (_with_number(case.answer, scalar, number) for number in (0.0, 1.0))
        with suppress(*REFUSED):  # an index, or what has a logarithm, cannot be 0
            (factor,) = case.without(zero, ONE).fit([combined([one, zero], [ONE, Factor(-1)])]) or (None,)
            if factor is not None and not factor.powers and factor != ONE:
                typed = factor.sign * float(factor.constant)
                found, make = Facts(value=typed, instead_of=scalar), _with_number(case.answer, scalar, typed)
                yield Explanation(("global-or-hardcoded",), cost([Kind.TYPED_IN]), make, found)


def _with_number(answer: Answer, scalar: str, number: float) -> Make:
    edits = Edits(values=((scalar, changes.plain(partial(np.full_like, fill_value=number, dtype=float))),))
    key = (answer.wrt, answer.formula, scalar, number)
    return lambda tape: np.asarray(tape.noted(key, lambda: value_of(answer, tape.edited(edits))))


def _update(case: Case) -> Iterator[Explanation]:
    """An update is old plus step: the step is matched like a derivative, the old part may be absent or scaled."""
    bank, answer = case.bank, case.answer
    old, right, gradient = partial(offset, case.name), partial(RIGHT.value, case.name), f"grad_{answer.wrt}"
    for wrt in bank.exercise.wanted:
        returned = {"used": f"grad_{wrt}", "meant": case.name}
        yield from _multiple(case, known(Kind.PLAIN_GRADIENT, "wrong-variable", derivative(wrt), **returned))
    yield from _from_another(case)
    yield from _multiple(case, replace(RIGHT, make=partial(value_of, answer)))
    if all(np.max(np.abs(rest)) < 1e-12 for rest in case.without(old, ONE).student):
        yield Explanation((f"missing-term:{gradient}",), cost([Kind.PLAIN_GRADIENT]), old)
    absent, reversed_ = (f"missing-term:{answer.wrt}",), (f"term-sign:{answer.wrt}",)
    for times, codes in ((ONE, ()), (None, absent), (Factor(-1), reversed_)):
        rest = case.without(old, times)
        for e in rest.match(bank.pool(case.name)):
            e = _in_update(e, gradient) if times is not None else e
            make, price = combined([e.make, old], [ONE, times]), e.cost + 2 * MORE * len(codes)
            halves: tuple[Make, ...] = (right, e.make) if codes else e.parts
            parts = tuple(combined([part, old], [ONE, times if part is not e.make else ONE]) for part in halves)
            yield replace(e, codes=(*codes, *e.codes), cost=price, make=make, parts=parts)
    (factor,) = case.without(partial(value_of, answer), ONE).fit([old]) or (None,)  # w·(1 − 0.01) − …
    if factor is not None:
        code, make = f"term-factor:{answer.wrt}", combined([partial(value_of, answer), old], [ONE, factor])
        yield Explanation((code,), cost([Kind.TERM], factor), make, Facts(factors={code: factor}))


def _from_another(case: Case) -> Iterator[Explanation]:
    """An update of another parameter: b − lr·grad_w."""
    wrt = case.answer.wrt
    for other in case.bank.exercise.wanted if case.answer.formula is not None else ():
        made = combined([partial(RIGHT.value, case.name), quantity(other)], [ONE, ONE])
        if other != wrt:
            yield from _multiple(case, known(Kind.WRONG_QUANTITY, "wrong-variable", made, used=other, meant=wrt))


def _multiple(case: Case, mistake: Mistake) -> Iterator[Explanation]:
    """A multiple of the gradient itself, or of the right answer as a whole."""
    with suppress(*REFUSED):  # a parameter of another shape may not go with this step
        values = [mistake.value(case.name, tape) for tape in case.bank.tapes]
        if tuple(value.shape for value in values) == case.shapes:
            yield from (replace(e, cost=2.0 * e.cost) for e in case.match(Pool([(mistake, values)])))


def _in_update(explanation: Explanation, gradient: str) -> Explanation:
    """A factor of the gradient is a factor of one term of the update."""
    scales = [code for code in explanation.codes if code.startswith(("sign", "factor:"))]
    names = {code: f"term-{code.partition(':')[0]}:{gradient}" for code in scales}
    factors = {names.get(code, code): factor for code, factor in explanation.found.get("factors", {}).items()}
    codes = tuple(names.get(code, code) for code in explanation.codes)
    return replace(explanation, codes=codes, found=explanation.found | Facts(factors=factors))
