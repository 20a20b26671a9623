"""Additive terms: which term of the derivative is absent, reversed, wrongly scaled, or one too many.

A derivative is the sum over all paths from its input to the loss; each path is a column. The student's value is
fitted as a combination of columns, and every coefficient must be 0 or a factor on all probes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np

from npreg.exercises.forward.program import Answer, Array, Exercise
from npreg.exercises.forward.tape import Tape
from npreg.exercises.found import ONE, Fact, Factor, Found, Scale
from npreg.exercises.mistakes.bank import Bank
from npreg.exercises.mistakes.explanation import Explanation, Pool, quantities, scaled
from npreg.exercises.mistakes.mistake import Make, asked
from npreg.exercises.mistakes.preference import MORE, Kind, cost, factor_cost

Label = tuple[str, ...]
Named = tuple[tuple[str, ...], float, Found]
Factors = list[Factor | None]


@dataclass(frozen=True)
class Case:
    """A wrong answer: the student's values on the bank's probes, and how close an explanation must come to them."""

    bank: Bank
    name: str
    student: Sequence[Array]
    tolerance: float

    @property
    def answer(self) -> Answer:
        """What is asked for."""
        return asked(self.bank.exercise, self.name)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the student's values."""
        return tuple(value.shape for value in self.student)

    @property
    def has_shape(self) -> bool:
        """Whether they are the right ones."""
        return self.shapes == self.bank.signature(self.name)

    def match(self, pool: Pool) -> Iterator[Explanation]:
        """Every mistake in the pool that gives the student's values up to a factor."""
        return pool.match(self.student, self.bank.table, self.tolerance)

    def fit(self, columns: Sequence[Make]) -> Factors | None:
        """The factor of every column (None for 0), or None where the columns do not make the student's value."""
        measured = []
        for value, tape in zip(self.student, self.bank.tapes, strict=True):
            matrix = np.stack([np.ravel(column(tape)) for column in columns], axis=1)
            flat, sizes = value.ravel(), np.linalg.norm(matrix, axis=0)
            if len(flat) < len(columns) or np.any(sizes < 1e-12):
                return None
            if np.linalg.matrix_rank(matrix / sizes, tol=1e-6) < len(columns):
                return None
            c = np.linalg.lstsq(matrix / sizes, flat, rcond=None)[0] / sizes
            if np.max(np.abs(matrix @ c - flat)) > self.tolerance * np.max(np.abs(flat)):
                return None
            measured.append(np.where(np.abs(c) * sizes < 1e-8 * np.max(np.abs(flat)), 0.0, c))
        found: Factors = []
        for row in np.stack(measured, axis=1):
            factor = self.factor(row) if np.any(row) else None
            if factor is None and np.any(row):
                return None
            found.append(factor)
        return found

    def factor(self, coefficients: Array) -> Factor | None:
        """The factor with these values on the probes."""
        return self.bank.table.identify(coefficients, max(self.tolerance, 1e-7))


def combined(columns: Sequence[Make], factors: Factors) -> Make:
    """The sum of columns with their factors."""

    def make(tape: Tape) -> Array:
        at = quantities(tape)
        pairs = zip(factors, columns, strict=True)
        return np.asarray(sum(factor.value(at) * column(tape) for factor, column in pairs if factor is not None))

    return make


def _paths(tape: Tape, wrt: str) -> dict[Label, Array]:
    """The contribution of every path to the derivative in ``wrt``, by the steps on the path (loss first)."""
    columns: dict[Label, Array] = {}

    def walk(step: str, flow: Array, path: Label) -> None:
        for name in tape.exercise.arguments.get(step, ()):
            jacobian = tape.jacobians.get((step, name))
            if jacobian is not None and np.any(jacobian):
                if name == wrt:
                    columns[path] = (flow @ jacobian).reshape(tape.values[wrt].shape)
                else:
                    walk(name, flow @ jacobian, (*path, name))

    loss = tape.exercise.loss
    walk(loss, np.ones(tape.values[loss].size), (loss,))
    return columns


def _column(tape: Tape, wrt: str, path: Label) -> Array:
    column: Array = tape.noted(("paths", wrt), lambda: _paths(tape, wrt))[path]
    return column


def path_terms(case: Case) -> Iterator[Explanation]:
    """Terms that are missing, reversed or wrongly scaled; a value in the place of a term's derivative."""
    wrt, tapes, exercise = case.answer.wrt, case.bank.tapes, case.bank.exercise
    paths = [path for path in _paths(tapes[0], wrt) if any(np.any(np.abs(_column(t, wrt, path)) > 1e-9) for t in tapes)]
    if not 2 <= len(paths) <= 6:
        return
    columns = [partial(_column, wrt=wrt, path=path) for path in paths]
    yield from _value_for_term(case, paths, columns)
    factors = case.fit(columns)
    codes, price, found = ((), 0.0, ()) if factors is None else _term_codes(_terms(exercise, paths, factors))
    if factors is not None and codes:
        yield Explanation(codes, price, combined(columns, factors), found)
        if _are_branches(case.bank, paths):
            yield Explanation(("kink-threshold",), price + 3 * MORE, combined(columns, factors))


def _are_branches(bank: Bank, paths: Sequence[Label]) -> bool:
    """Whether the paths are the branches of a piecewise step."""
    values, arguments = bank.tapes[0].values, bank.exercise.arguments
    shared = set(paths[0]).intersection(*paths)
    return any(values[a].dtype.kind == "b" for step in shared for a in arguments[step])


def _terms(exercise: Exercise, paths: Sequence[Label], factors: Factors) -> list[tuple[str, Factor | None]]:
    """A name for each path, a public step that not all share, and its factor.

    Paths through one step are one term where they have the same factor, else each is named by a step of its own.
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
    return named


def _term_codes(terms: Sequence[tuple[str, Factor | None]]) -> Named:
    """Codes relative to the factor that most terms share (1, where there is a choice)."""
    present = [factor for _, factor in terms if factor is not None]
    if not present or all(factor == present[0] for _, factor in terms):
        return (), 0.0, ()
    typed = [f.hard_coded for f in present if not f.is_usual]
    if typed:
        return ("global-or-hardcoded",), cost([Kind.TERM]), tuple(t for t in typed[:1] if t is not None)
    choices = present if len(present) == 1 else (ONE, *present)
    return min((_relative_codes(terms, common) for common in choices), key=lambda named: named[1])


def _relative_codes(terms: Sequence[tuple[str, Factor | None]], common: Factor) -> Named:
    alone = sum(factor is not None for _, factor in terms) == 1
    price = cost([Kind.TERM], common) + (0 if common.is_one or alone else MORE)
    found: list[Fact | Scale] = list(scaled(common)[1])
    codes = []
    for name, factor in terms:
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


def _value_for_term(case: Case, paths: Sequence[Label], columns: Sequence[Make]) -> Iterator[Explanation]:
    """The value of a term in the place of its derivative: the penalty itself added to every entry."""
    bank = case.bank
    scalars = [step for step in bank.exercise.public_steps if bank.tapes[0].values[step].shape == ()]
    for path, column in zip(paths, columns, strict=True):
        rest = combined([other for other in columns if other is not column], [ONE] * (len(columns) - 1))
        for term in (step for step in scalars if step in path):
            pair: list[Make] = [rest, partial(_filled, term=term, like=column)]
            kept, added = case.fit(pair) or (None, None)
            if kept is not None and added is not None and kept.is_usual:
                codes = ("loss-for-derivative", *kept.codes)
                made = combined(pair, [kept, added])
                yield Explanation(codes, cost([Kind.VALUE_FOR_TERM], kept), made, scaled(kept)[1])


def _filled(tape: Tape, term: str, like: Make) -> Array:
    return np.full(like(tape).shape, tape.values[term])


def extra_terms(case: Case) -> Iterator[Explanation]:
    """One term too many: the right derivative plus a multiple of another quantity of its shape."""
    exercise, wrt, tapes = case.bank.exercise, case.answer.wrt, case.bank.tapes
    others = [n for n, v in tapes[0].values.items() if v.shape == tapes[0].values[wrt].shape and v.dtype.kind != "b"]
    for other in sorted(others, key=lambda n: n != wrt):
        if not all(np.any(tape.values[other]) for tape in tapes):
            continue
        columns: list[Make] = [partial(derivative, wrt=wrt), partial(_quantity, name=other)]
        for kept, added in _with_extra(case, columns):
            codes = _extra_codes(exercise, wrt, other, kept, added)
            price = cost([Kind.EXTRA_OWN if other == wrt else Kind.EXTRA], kept) + factor_cost(added)
            if codes == ("update-returned",):
                price = cost([Kind.UPDATE_BY_ONE if kept.magnitude_is_one else Kind.UPDATE])
            if codes:
                yield Explanation(codes, price, combined(columns, [kept, added]), scaled(kept)[1])


def derivative(tape: Tape, wrt: str) -> Array:
    return tape.sweep()[wrt]


def _quantity(tape: Tape, name: str) -> Array:
    return tape.values[name]


def _with_extra(case: Case, columns: Sequence[Make]) -> Iterator[tuple[Factor, Factor]]:
    """The factors of the derivative and of the extra term; of single numbers, those where one of them is common."""
    bank = case.bank
    if case.student[0].size > 1:
        kept, added = case.fit(columns) or (None, None)
        if kept is not None and added is not None:
            yield kept, added
        return
    right, extra = (np.array([column(tape).item() for tape in bank.tapes]) for column in columns)
    student = np.array([value.item() for value in case.student])
    for sign in (1, -1):
        factor = case.factor((student - sign * extra) / right)
        if factor is not None:
            yield factor, Factor(sign)
    usual = [Factor(1, Fraction(c)) for c in ("1", "2", "1/2")]
    usual += [Factor(powers=(("n", Fraction(power)),)) for power in (1, -1) if "n" in bank.exercise.symbols]
    for sign, magnitude in product((1, -1), usual):
        common = Factor(sign) * magnitude
        factor = case.factor((student - [common.value(at) for at in bank.quantities] * right) / extra)
        if factor is not None and factor.is_usual:
            yield common, factor


def _extra_codes(exercise: Exercise, wrt: str, other: str, gradient: Factor, extra: Factor) -> tuple[str, ...]:
    if other == wrt and extra.is_one and gradient.sign < 0:
        return ("update-returned",)
    unusual = not gradient.is_usual or not (extra.is_usual or not extra.powers)
    if unusual or any(name == "n-1" for name, _ in extra.powers):
        return ()
    settings = {name for name, _ in extra.powers if name in exercise.settings}
    steps = [step for step, names in exercise.arguments.items() if settings.intersection(names)]
    term = exercise.public(steps[0]) if settings and steps else exercise.public(other)
    return (f"extra-term:{term}", *scaled(gradient)[0])
