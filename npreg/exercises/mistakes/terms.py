"""Additive terms, one for each path from an input to the loss: absent, reversed, wrongly scaled, or one too many."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Edits, Tape
from npreg.exercises.found import ONE, Factor, Facts
from npreg.exercises.mistakes import changes
from npreg.exercises.mistakes.bank import Case, Explanation, combined
from npreg.exercises.mistakes.factors import scaled
from npreg.exercises.mistakes.mistake import REFUSED, Make, Mistake, derivative, known, origins, quantity, twins
from npreg.exercises.mistakes.preference import MORE, Kind, cost, factor_cost

Label = tuple[str, ...]
Term = tuple[str, Factor | None]
Named = tuple[tuple[str, ...], float, Facts, tuple[tuple[Factor | None, ...], ...]]
"""Codes, what they cost, what is known, and the factors of all terms with each of the mistakes alone."""
MOST = 50_000  # choices of a mistake for every term


def _paths(tape: Tape, wrt: str) -> dict[Label, Array]:
    """The contribution of every path to the derivative in `wrt`, by the steps on the path (loss first)."""
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


def _column(wrt: str, path: Label) -> Make:
    return lambda tape: np.asarray(tape.noted(("paths", wrt), lambda: _paths(tape, wrt))[path])


def path_terms(case: Case) -> Iterator[Explanation]:
    """Terms that are missing, reversed or wrongly scaled."""
    wrt, tapes, exercise = case.answer.wrt, case.bank.tapes, case.bank.exercise
    paths = {path: _column(wrt, path) for path in _paths(tapes[0], wrt)}
    every = {path: c for path, c in paths.items() if any(np.any(np.abs(c(tape)) > 1e-9) for tape in tapes)}
    joined = _one_of_twins(every, tapes)
    for columns in (joined, _by_summand(every, tapes[0]), *_by_setting(case)):
        factors = case.fit([*columns.values()]) if 2 <= len(columns) <= 6 else None
        if factors is None or (len(exercise.steps) == 1 and not all(factors)):  # rather a setting left out
            continue
        codes, price, found, alone = _term_codes(_terms(exercise, dict(zip(columns, factors, strict=True))))
        if columns is joined and len(joined) < len(every):
            price -= 3 * MORE  # half of w @ w is a factor rather than one w ignored
        if codes:
            make = combined([*columns.values()], factors)
            parts = tuple(combined([*columns.values()], one) for one in alone if len(one) == len(columns))
            yield Explanation(codes, price, make, found, parts=parts)
            shared = set.intersection(*map(set, columns))
            if any(tapes[0].values[a].dtype.kind == "b" for step in shared for a in exercise.arguments[step]):
                yield Explanation(("kink-threshold",), price + 3 * MORE, make)  # the paths are branches
        return


def _one_of_twins(columns: Mapping[Label, Make], tapes: Sequence[Tape]) -> dict[Label, Make]:
    """Paths that contribute the same on every probe, such as both of w @ w, as one term."""
    kept: dict[Label, list[Make]] = {}
    for path, column in columns.items():
        twins = (p for p, (first, *_) in kept.items() if all(np.allclose(first(t), column(t), 1e-12, 0) for t in tapes))
        kept.setdefault(next(twins, path), []).append(column)
    return {path: combined(same, [ONE] * len(same)) for path, same in kept.items()}


def _by_setting(case: Case) -> Iterator[dict[Label, Make]]:
    """The rest, and what a setting multiplies, such as a penalty, where a loss of one step shows no other terms."""
    exercise, wrt, tapes = case.bank.exercise, case.answer.wrt, case.bank.tapes
    for setting in exercise.settings if len(exercise.steps) == 1 else ():
        rest, whole, more = (derivative(wrt, Edits(values=((setting, edit),))) for edit in changes.TIMES)
        with suppress(*REFUSED):
            parts = [(rest(tape), whole(tape), more(tape)) for tape in tapes]
            if all(np.allclose(c - b, b - a, 1e-6, 1e-9 * np.max(np.abs(b))) for a, b, c in parts):
                yield {(exercise.loss,): rest, (exercise.loss, setting): combined([whole, rest], [ONE, Factor(-1)])}


def _by_summand(columns: Mapping[Label, Make], tape: Tape) -> dict[Label, Make]:
    """The paths through each of the numbers that the loss is a sum of, such as a penalty, as one term."""
    groups: dict[Label, list[Label]] = {}
    for length in range(2, 1 + max(map(len, columns), default=0)):
        groups = {}
        for path in columns:
            groups.setdefault(path[:length], []).append(path)
        if len(groups) > 1:
            break
    if any(tape.values[head[-1]].ndim for head in groups):
        return {}
    joint = {tuple(s for s in same[0] if all(s in path for path in same)): same for same in groups.values()}
    return {path: combined([columns[p] for p in same], [ONE] * len(same)) for path, same in joint.items()}


def _terms(exercise: Exercise, factors: dict[Label, Factor | None]) -> list[Term]:
    """A name for each path, a public step that not all share, and its factor; of one step with one factor once."""
    shared = set.intersection(*map(set, factors)) if factors else set()
    terms: dict[str, list[Term]] = {}
    for path, factor in factors.items():
        own = [step for step in path if step not in shared]
        public = [step for step in own if not step.startswith("_")]
        reached = [step for step in path if not step.startswith("_")]
        name = public[0] if public else (_summand(exercise, own[0]) if own else reached[-1])
        alone = [step for step in public if sum(step in other for other in factors) == 1]
        terms.setdefault(name, []).append((alone[0] if alone else name, factor))
    named: list[Term] = []
    for name, members in terms.items():
        factor = members[0][1]
        named += [(name, factor)] if all(factor == other for _, other in members) else members
    return named


def _summand(exercise: Exercise, step: str) -> str:
    """A name for what the loss adds up: its step, or, of what only the loss itself holds, the setting in it."""
    public = exercise.public(step)
    above = [s for s, names in exercise.arguments.items() if step in names and exercise.public(s) == public]
    settings = [n for s in (step, *above) for n in exercise.arguments[s] if n in exercise.settings]
    return settings[0] if settings and public == exercise.loss else public


def _term_codes(terms: Sequence[Term]) -> Named:
    """Codes relative to the factor that most terms share (1, where there is a choice)."""
    present = [factor for _, factor in terms if factor is not None]
    if not present or all(factor == present[0] for _, factor in terms):
        return (), 0.0, Facts(), ()
    typed = [f.hard_coded for f in present if not f.is_usual]
    if typed:
        return ("global-or-hardcoded",), cost([Kind.TERM]), typed[0] or Facts(), ()
    choices = present if len(present) == 1 else (ONE, *present)
    return min((_relative_codes(terms, common) for common in choices), key=lambda named: named[1])


def _relative_codes(terms: Sequence[Term], common: Factor) -> Named:
    alone = sum(factor is not None for _, factor in terms) == 1
    price = cost([Kind.TERM], common) + (0 if common == ONE or alone else MORE)
    codes, factors, each = list[str](), dict[str, Factor](), list[tuple[Factor | None, ...]]()
    for i, (name, factor) in enumerate(terms):
        relative = factor and factor * common.inverse
        if relative != ONE:
            each.append(tuple(relative if k == i else ONE for k in range(len(terms))))
        if factor is None:
            codes.append(f"missing-term:{name}")
            price += MORE / 2
        elif relative is not None and relative != ONE:
            kind = "term-sign" if relative == Factor(-1) else "term-factor"
            codes.append(f"{kind}:{name}")
            factors[codes[-1]] = relative
            price += MORE / 2 + (MORE if kind == "term-sign" else factor_cost(factor) + factor_cost(common))
    each += [(common,) * len(terms)] * len(common.codes)
    found = scaled(common)[1]
    found = found | Facts(factors={**found.get("factors", {}), **factors})
    return (*dict.fromkeys(codes), *common.codes), price, found, tuple(each)


def joined_terms(case: Case) -> Iterator[Explanation]:
    """A loss that is a sum of terms, such as a penalty: at most one mistake in each of them, and a factor on each."""
    exercise, wrt, tape = case.bank.exercise, case.answer.wrt, case.bank.tapes[0]
    terms = [term for step, term in tape.jacobians if step == exercise.loss and wrt in origins(exercise, term)]
    if not 2 <= len(terms) <= case.student[0].size:
        return
    sides = tape.noted(("joined", case.name), lambda: [list(_side(case, term, terms)) for term in terms])
    choices, flat = list(product(*sides)), case.student[0].ravel()
    matrices = np.array([[column for *_, column in choice] for choice in choices[:MOST]]).transpose(0, 2, 1)
    rests = np.einsum("kij,kj->ki", matrices, np.linalg.pinv(matrices) @ flat) - flat
    for i in np.flatnonzero(np.max(np.abs(rests), axis=1) <= 1e-6 * np.max(np.abs(flat))):
        mistakes, columns, _ = zip(*choices[i], strict=True)
        factors = case.fit(columns) or [None] * len(terms)
        judged = list(zip(factors, mistakes, strict=True))
        if any(factors) and all(f.is_usual if f else not m.codes for f, m in judged):
            every = sum(mistakes[1:], mistakes[0])
            free = [m.make is not None or any(kind.free_scale for kind in m.kinds) for m in mistakes]
            named = [ONE if unknown else factor for factor, unknown in zip(factors, free, strict=True)]
            pairs = [(_summand(exercise, term), factor) for term, factor in zip(terms, named, strict=True)]
            codes, price, found, alone = _term_codes(pairs)
            codes, found = (codes, found) if codes or named[0] is None else scaled(named[0])
            parts = tuple(combined(columns, one) for one in alone)
            if every.codes:  # one term as it is, the others right; in the order of the codes
                plain = [next(make for mistake, make, _ in side if not mistake.codes) for side in sides]
                wrong = [i for i, (f, m) in enumerate(judged) if m.codes or f != ONE]
                wrong.sort(key=lambda i: not judged[i][1].codes)
                ones = [ONE] * len(terms)
                parts = tuple(combined([*plain, columns[i], plain[i]], [*ones, factors[i], Factor(-1)]) for i in wrong)
            codes, price, found = (*every.codes, *codes), price + cost(every.kinds), every.found | found
            yield Explanation(codes, price, combined(columns, factors), found, parts=parts)


def _side(case: Case, term: str, terms: Sequence[str]) -> Iterator[tuple[Mistake, Make, Array]]:
    """What comes by one of the terms under every mistake in it, the simple ones first; and that on the first probe."""
    exercise, wrt, tape = case.bank.exercise, case.answer.wrt, case.bank.tapes[0]
    alone = Edits(jacobians=tuple(((exercise.loss, other), changes.ZERO) for other in terms if other != term))
    inside = {*origins(exercise, term), exercise.loss}
    mutations = [m for m in case.bank.pool(case.name).mistakes if m.make is None and m.edits.names <= inside]
    makes = [(mistake, derivative(wrt, mistake.edits + alone)) for mistake in mutations]
    makes += [(mistake, mistake.make) for mistake in _one_number(case, inside) if mistake.make is not None]
    seen: set[bytes | int] = set()
    for mistake, make in sorted(makes, key=lambda pair: cost(pair[0].kinds)):
        column = make(tape).ravel()
        size = np.linalg.norm(column)
        key = np.round(column / size, 8).tobytes() if mistake.make is None else id(mistake)
        if 1e-9 < size < np.inf and key not in seen:
            seen.add(key)
            yield mistake, make, column / size


def _one_number(case: Case, inside: set[str]) -> Iterator[Mistake]:
    """One number in every entry of a term's derivative: the penalty itself, one weight, a sum of weights, or none."""
    exercise, wrt, tape = case.bank.exercise, case.answer.wrt, case.bank.tapes[0]
    step = next(step for step, name in tape.jacobians if name == wrt and step in inside)
    meant = step if step in exercise.public_steps else wrt
    for name in exercise.public_steps:
        if name in inside and tape.values[name].shape == ():
            yield known(Kind.VALUE_FOR_TERM, "loss-for-derivative", _filled(wrt, name, np.sum))
    numbers = {f"{wrt}[{k}]": _filled(wrt, wrt, itemgetter(k)) for k in (0, 1, -1)}
    numbers |= {name: _filled(wrt, name, itemgetter(0)) for name in exercise.wanted if tape.values[name].shape == ()}
    for used, make in numbers.items():
        yield known(Kind.OTHER_BELOW, "wrong-variable", make, used=used, meant=meant)
    for name in dict.fromkeys((wrt, meant)):
        if tape.values[name].size > 1:
            yield known(Kind.AXIS, "axis", _filled(wrt, name, np.sum))
    yield known(Kind.LINK_MISSING, f"chain-missing:{exercise.public(step)}", _filled(wrt, wrt, lambda entries: 1.0))


def _filled(wrt: str, name: str, number: Callable[[Array], Any]) -> Make:
    return lambda tape: np.full(tape.values[wrt].shape, number(tape.values[name].ravel()))


def extra_terms(case: Case) -> Iterator[Explanation]:
    """One term too many: the right derivative plus a multiple of another quantity of its shape."""
    exercise, wrt, tapes = case.bank.exercise, case.answer.wrt, case.bank.tapes
    others = {name: quantity(name) for name in (wrt, *twins(tapes[0], wrt))}
    if not tapes[0].values[wrt].ndim:  # all weights added up
        others |= {name: _filled(wrt, name, np.sum) for name in exercise.wanted if name not in others}
    for other in (name for name, make in others.items() if all(np.any(make(tape)) for tape in tapes)):
        columns = [derivative(wrt), others[other]]
        for kept, added in _with_extra(case, columns):
            codes = _extra_codes(exercise, wrt, other, kept, added)
            price = cost([Kind.EXTRA_OWN if other == wrt else Kind.EXTRA], kept) + factor_cost(added)
            if codes == ("update-returned",):
                price = cost([Kind.UPDATE_BY_ONE if kept.magnitude_is_one else Kind.TERM])
            if codes:
                yield Explanation(codes, price, combined(columns, [kept, added]), scaled(kept)[1])


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
    if other == wrt and extra == ONE and gradient.sign < 0:
        return ("update-returned",)
    unusual = not gradient.is_usual or not (extra.is_usual or not extra.powers)
    if unusual or any(name == "n-1" for name, _ in extra.powers):
        return ()
    settings = {name for name, _ in extra.powers if name in exercise.settings}
    steps = [step for step, names in exercise.arguments.items() if settings.intersection(names)]
    named = [exercise.public(step) for step in steps if settings and exercise.public(step) != exercise.loss]
    term = named[0] if named else exercise.public(other)
    return (f"extra-term:{term}", *scaled(gradient)[0])
