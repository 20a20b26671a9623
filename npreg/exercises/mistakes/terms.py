"""Additive terms: which term of the derivative is absent, reversed, wrongly scaled, or one too many.

A derivative is the sum over all paths from its input to the loss; each path is a column. The student's
value is fitted as a combination of the columns, and every coefficient must be 0 or a factor on all probes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Tape
from npreg.exercises.found import ONE, Fact, Factor, Found, Scale
from npreg.exercises.mistakes.bank import Bank
from npreg.exercises.mistakes.explanation import Explanation, asked, scaled
from npreg.exercises.mistakes.preference import MORE, Kind, cost, factor_cost

Label = tuple[str, ...]
Named = tuple[tuple[str, ...], float, Found]


def path_columns(tape: Tape, wrt: str) -> dict[Label, Array]:
    """The contribution of every path to the derivative in ``wrt``, by the steps on the path (loss first)."""
    columns: dict[Label, Array] = {}

    def walk(step: str, flow: Array, path: Label) -> None:
        for name in tape.exercise.arguments.get(step, ()):
            jacobian = tape.jacobians.get((step, name))
            if jacobian is None or not np.any(jacobian):
                continue
            arrived = flow @ jacobian
            if name == wrt:
                columns[path] = arrived.reshape(tape.values[wrt].shape)
            else:
                walk(name, arrived, (*path, name))

    loss = tape.exercise.loss
    walk(loss, np.ones(tape.values[loss].size), (loss,))
    return columns


def named_terms(
    exercise: Exercise, paths: Sequence[Label], factors: Sequence[Factor | None]
) -> tuple[list[str], list[Factor | None]]:
    """A name for each path, a public step that not all share, and its factor; paths through one step are one
    term where they have the same factor, else each is named by a step of its own.
    """
    shared = set(paths[0]).intersection(*paths)
    terms: dict[str, list[tuple[str, Factor | None]]] = {}
    for path, factor in zip(paths, factors, strict=True):
        own = [step for step in path if step not in shared]
        public = [step for step in own if not step.startswith("_")]
        reached = [step for step in path if not step.startswith("_")]
        name = public[0] if public else (exercise.public(own[0]) if own else reached[-1])
        alone = [step for step in public if sum(step in other for other in paths) == 1]
        terms.setdefault(name, []).append((alone[0] if alone else name, factor))
    named = []
    for name, members in terms.items():
        one = all(factor == members[0][1] for _, factor in members)
        named += [(name, members[0][1])] if one else members
    return [name for name, _ in named], [factor for _, factor in named]


def path_terms(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """Terms that are missing, reversed or wrongly scaled."""
    wrt = asked(bank.exercise, name).wrt
    columns = [path_columns(tape, wrt) for tape in bank.tapes]
    paths = [path for path in columns[0] if any(np.any(np.abs(c[path]) > 1e-9) for c in columns)]
    if not 2 <= len(paths) <= 6:
        return
    factors = _fit(bank, student, [[c[path] for path in paths] for c in columns], tolerance)
    if factors is None:
        return

    def predict(tape: Tape, quantities: Mapping[str, float]) -> Array:
        there = path_columns(tape, wrt)
        return _combine(factors, [there[path] for path in paths], quantities)

    codes, price, found = _term_codes(*named_terms(bank.exercise, paths, factors))
    if codes:
        yield Explanation(codes, price, predict, found)
        if _branches(bank, paths):
            yield Explanation(("kink-threshold",), price + 3 * MORE, predict)


def _combine(factors: Sequence[Factor | None], columns: Sequence[Array], at: Mapping[str, float]) -> Array:
    return np.asarray(sum(f.value(at) * c for f, c in zip(factors, columns, strict=True) if f is not None))


def _branches(bank: Bank, paths: Sequence[Label]) -> bool:
    """Whether the paths are the branches of a piecewise step."""
    shared = [step for step in paths[0] if all(step in path for path in paths)]
    values, arguments = bank.tapes[0].values, bank.exercise.arguments
    return any(values[a].dtype.kind == "b" for step in shared for a in arguments[step])


def _fit(
    bank: Bank, student: Sequence[Array], columns: Sequence[Sequence[Array]], tolerance: float
) -> list[Factor | None] | None:
    """The factor of every column (None for 0), or None where the columns do not make the student's value."""
    measured = []
    for value, there in zip(student, columns, strict=True):
        matrix = np.stack([column.ravel() for column in there], axis=1)
        flat = value.ravel()
        if len(flat) < matrix.shape[1]:
            return None
        sizes = np.linalg.norm(matrix, axis=0)
        if np.any(sizes < 1e-12) or np.linalg.matrix_rank(matrix / sizes, tol=1e-6) < matrix.shape[1]:
            return None
        c = np.linalg.lstsq(matrix / sizes, flat, rcond=None)[0] / sizes
        if np.max(np.abs(matrix @ c - flat)) > tolerance * np.max(np.abs(flat)):
            return None
        measured.append(np.where(np.abs(c) * sizes < 1e-8 * np.max(np.abs(flat)), 0.0, c))
    return _factors(bank, np.stack(measured, axis=1), tolerance)


def _factors(bank: Bank, coefficients: Array, tolerance: float) -> list[Factor | None] | None:
    found: list[Factor | None] = []
    for row in coefficients:
        if not np.any(row):
            found.append(None)
            continue
        factor = bank.table.identify(row, max(tolerance, 1e-7))
        if factor is None:
            return None
        found.append(factor)
    return found


def _term_codes(names: list[str], factors: list[Factor | None]) -> Named:
    """Codes relative to the factor that most terms share (1, where there is a choice)."""
    present = [f for f in factors if f is not None]
    if not present or all(f == present[0] for f in factors):
        return (), 0.0, ()
    typed = [f.hard_coded for f in present if not f.is_usual]
    if typed:
        return ("global-or-hardcoded",), cost([Kind.TERM]), tuple(t for t in typed[:1] if t is not None)
    choices = present if len(present) == 1 else (ONE, *present)
    return min((_relative_codes(names, factors, common) for common in choices), key=lambda r: r[1])


def _relative_codes(names: list[str], factors: list[Factor | None], common: Factor) -> Named:
    alone = sum(factor is not None for factor in factors) == 1
    price = cost([Kind.TERM], common) + (0 if common.is_one or alone else MORE)
    found: list[Fact | Scale] = list(scaled(common)[1])
    codes = []
    for name, factor in zip(names, factors, strict=True):
        if factor is None:
            codes.append(f"missing-term:{name}")
            price += MORE / 2
        elif factor != common:
            relative = factor * common.inverse
            kind = "term-sign" if relative == Factor(-1) else "term-factor"
            codes.append(f"{kind}:{name}")
            found.append(Scale(codes[-1], relative))
            price += MORE / 2 + (MORE if kind == "term-sign" else factor_cost(factor) + factor_cost(common))
    return (*dict.fromkeys(codes), *common.codes), price, tuple(found)


def extra_terms(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """One term too many: the right derivative plus a multiple of another quantity of its shape."""
    wrt = asked(bank.exercise, name).wrt
    right = [r.right[name] for r in bank.references]
    shape = right[0].shape
    values = bank.tapes[0].values
    others = [n for n, v in values.items() if v.shape == shape and v.dtype.kind != "b"]
    yield from _value_for_term(bank, name, student, tolerance)
    for other in sorted(others, key=lambda n: n != wrt):
        extra = [tape.values[other] for tape in bank.tapes]
        if any(not np.any(e) for e in extra):
            continue
        for factors in _with_extra(bank, student, right, extra, tolerance):
            codes = _extra_codes(bank.exercise, wrt, other, factors)
            if codes is None:
                continue

            def predict(
                tape: Tape, at: Mapping[str, float], other: str = other, f: tuple[Factor, Factor] = factors
            ) -> Array:
                return np.asarray(f[0].value(at) * tape.sweep()[wrt] + f[1].value(at) * tape.values[other])

            kind = Kind.EXTRA_OWN if other == wrt else Kind.EXTRA
            price = cost([kind], factors[0]) + factor_cost(factors[1])
            if codes == ("update-returned",):
                price = cost([Kind.UPDATE_BY_ONE if factors[0].magnitude_is_one else Kind.UPDATE])
            yield Explanation(codes, price, predict, scaled(factors[0])[1])


def _value_for_term(bank: Bank, name: str, student: Sequence[Array], tolerance: float) -> Iterator[Explanation]:
    """The value of a term in the place of its derivative: the penalty itself added to every entry."""
    wrt = asked(bank.exercise, name).wrt
    columns = [path_columns(tape, wrt) for tape in bank.tapes]
    paths = list(columns[0])
    if not 2 <= len(paths) <= 6:
        return
    terms = [step for step in bank.exercise.public_steps if bank.tapes[0].values[step].shape == ()]
    for path in paths:
        rest = [sum(c[p] for p in paths if p != path) + np.zeros_like(c[path]) for c in columns]
        for term in terms:
            extra = [np.full(r.shape, t.values[term]) for r, t in zip(rest, bank.tapes, strict=True)]
            factors = _fit(bank, student, list(zip(rest, extra, strict=True)), tolerance)
            if factors is None or term not in path:
                continue
            kept, added = factors
            if kept is None or added is None or not kept.is_usual:
                continue

            predict = partial(_with_value, wrt=wrt, path=path, term=term, kept=kept, added=added)
            price = cost([Kind.VALUE_FOR_TERM], kept)
            yield Explanation(("loss-for-derivative", *kept.codes), price, predict, scaled(kept)[1])


def _with_value(
    tape: Tape, at: Mapping[str, float], wrt: str, path: Label, term: str, kept: Factor, added: Factor
) -> Array:
    others = [column for other, column in path_columns(tape, wrt).items() if other != path]
    return np.asarray(kept.value(at) * sum(others) + added.value(at) * tape.values[term])


def _with_extra(
    bank: Bank, student: Sequence[Array], right: Sequence[Array], extra: Sequence[Array], tolerance: float
) -> Iterator[tuple[Factor, Factor]]:
    if right[0].size > 1:
        factors = _fit(bank, student, list(zip(right, extra, strict=True)), tolerance)
        if factors is not None and factors[0] is not None and factors[1] is not None:
            yield factors[0], factors[1]
        return
    s, g, e = (np.array([float(v.ravel()[0]) for v in values]) for values in (student, right, extra))
    allowed = max(tolerance, 1e-7)
    for sign in (1, -1):
        factor = bank.table.identify((s - sign * e) / g, allowed)
        if factor is not None:
            yield factor, Factor(sign)
    for kept in _usual_factors(bank):
        factor = bank.table.identify((s - np.array([kept.value(at) for at in bank.quantities]) * g) / e, allowed)
        if factor is not None and factor.is_usual:
            yield kept, factor


def _usual_factors(bank: Bank) -> list[Factor]:
    """1, 2, ½, n and 1/n, of either sign."""
    one = Fraction(1)
    found = [Factor(sign, constant) for sign in (1, -1) for constant in (one, one * 2, one / 2)]
    if "n" in bank.exercise.symbols:
        found += [Factor(sign, one, (("n", power),)) for sign in (1, -1) for power in (one, -one)]
    return found


def _extra_codes(exercise: Exercise, wrt: str, other: str, factors: tuple[Factor, Factor]) -> tuple[str, ...] | None:
    gradient, extra = factors
    if other == wrt and extra.is_one and gradient.sign < 0:
        return ("update-returned",)
    if not gradient.is_usual or not (extra.is_usual or not extra.powers):
        return None
    if any(name == "n-1" for name, _ in extra.powers):
        return None
    settings = {name for name, _ in extra.powers if name in exercise.settings}
    steps = [step for step, names in exercise.arguments.items() if settings.intersection(names)]
    term = exercise.public(steps[0]) if settings and steps else exercise.public(other)
    return (f"extra-term:{term}", *scaled(gradient)[0])
