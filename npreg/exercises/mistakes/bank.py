"""The values that known mistakes give on the fixed probes, prepared once an exercise, and what explains an answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from itertools import combinations
from typing import Any

import numpy as np

from npreg.exercises.forward.probes import bank as bank_probes
from npreg.exercises.forward.probes import checks as check_probes
from npreg.exercises.forward.program import Answer, Array, Exercise
from npreg.exercises.forward.tape import Tape, value_of
from npreg.exercises.forward.verdict import Reference, reference
from npreg.exercises.found import ONE, Factor, Facts
from npreg.exercises.mistakes import backward, forward
from npreg.exercises.mistakes.factors import FactorTable, quantities, scaled
from npreg.exercises.mistakes.foreign import foreign_values
from npreg.exercises.mistakes.mistake import REFUSED, RIGHT, Make, Mistake, asked, offset
from npreg.exercises.mistakes.preference import Kind, cost

Signature = tuple[tuple[int, ...], ...]
Valued = tuple[Mistake, list[Array]]
Turn = Callable[[Array, Array], Array]
SIGNLESS = frozenset({"wrong-variable", "loss-for-derivative"})
MOST, MOST_PAIRS = 32, 400
LEFT_OUT = ("ignores", "chain-missing", "missing-term")  # of which pairs are prepared first

RULES = (
    *(forward.inputs, forward.uses, forward.updated_inputs, forward.branches, forward.broadcasts),
    *(backward.links, backward.elsewhere, backward.flows, backward.short_forms),
    *(forward.of_one_argument, forward.products_and_scales, forward.whole_for_part),
)
"""No rule knows an exercise: each looks at the graph (names, shapes, local Jacobians) and yields mistakes as edits."""


@np.errstate(all="ignore")
def every_mutation(tape: Tape) -> list[Mistake]:
    """All single mistakes for the exercise of a tape; what is made in one round of a loop is also made in all."""
    found = [mistake for rule in RULES for mistake in rule(tape)]
    rounds, alike = tape.program.rounds, dict[Any, list[Mistake]]()
    for mistake in found:
        if not rounds.keys().isdisjoint(mistake.edits.names):
            alike.setdefault((mistake.kinds, mistake.edits.shape(rounds)), []).append(mistake)
    for first, *others in alike.values():
        if others:
            edits = sum((mistake.edits for mistake in others), first.edits)
            found.append(replace(others[-1], edits=edits))
    return found


class Pool:
    """Mistakes with values of one shape, in rows, so that an answer is compared with all of them at once."""

    def __init__(self, candidates: Iterable[Valued]) -> None:
        self.mistakes: list[Mistake] = []
        self.vanishing: list[Mistake] = []  # zero by their nature, as the sum of a row of P − Y
        rows = []
        for mistake, arrays in candidates:
            sizes = [np.max(np.abs(array), initial=0.0) for array in arrays]
            shown = sum(size > 1e-12 for size in sizes)
            if not shown:
                self.vanishing.append(mistake)
            if shown >= min(3, len(sizes)) and np.all(np.isfinite(sizes)):  # 0 or 1 can add up to 0 on a probe
                self.mistakes.append(mistake)
                rows.append(np.concatenate([np.ravel(array) for array in arrays]))
        self.matrix = np.array(rows, dtype=float)


class Bank:
    """Everything about one exercise that does not depend on the student: references, mistakes, factor table."""

    def __init__(self, exercise: Exercise, probes: Sequence[dict[str, Array]] | None = None) -> None:
        self.exercise = exercise
        given, checks = (bank_probes(exercise), check_probes(exercise)) if probes is None else (probes, ())
        self.references: list[Reference] = [reference(exercise, probe) for probe in given]
        self.checks: list[Reference] = [reference(exercise, probe) for probe in checks]
        self.tapes = [r.tape for r in self.references]
        self.quantities = [quantities(tape) for tape in self.tapes]
        self.table = FactorTable(self.quantities, [*exercise.symbols, "n-1"])
        self._pools: dict[tuple[str, Signature, bool], Pool] = {}
        self._made: dict[str, list[Valued]] = {}

    @cached_property
    def finer(self) -> "Bank | None":
        """The bank in which helpers are cut into steps, for what no helper as a whole explains."""
        finer = self.exercise.finer
        probes = [{name: tape.values[name] for name in self.exercise.inputs} for tape in self.tapes]
        if finer is None:
            return None
        finer.notes.update({key: at for key, at in self.exercise.notes.items() if key == "until"})
        return Bank(finer, probes)

    def signature(self, name: str) -> Signature:
        """The right shapes of an answer on every probe."""
        return tuple(r.right[name].shape for r in self.references)

    def pool(self, name: str, signature: Signature | None = None, pairs: bool = False) -> Pool:
        """All single mistakes (or pairs) with these shapes, by default the right ones, else a column is a vector."""
        right = self.signature(name)
        signature = signature or right
        key = (name, signature, pairs)
        if key not in self._pools:
            flat = _squeezed(signature)
            loose = flat != _squeezed(right)
            every = self._pairs.get(name, ()) if pairs else self._singles(name)
            shaped = ((one, tuple(value.shape for value in one[1])) for one in every)
            fits = (one for one, shapes in shaped if shapes == signature or (loose and _squeezed(shapes) == flat))
            self._pools[key] = Pool(fits)
        return self._pools[key]

    def mistakes(self, name: str) -> list[Mistake]:
        """Every single mistake in this answer."""
        return [mistake for mistake, _ in self._singles(name) if mistake.codes]

    def _singles(self, name: str) -> Iterator[Valued]:
        """Mutations of an answer (made with those of the other answers) or of a step's derivative; other values."""
        if name not in self._made:
            answers, mutations, visible = self.exercise.answers, every_mutation(self.tapes[0]), self.exercise.known
            if visible:  # only what is inside of helpers; there nobody sees that one quantity is taken for another
                inside = (m for m in mutations if not m.edits.names <= visible)
                mutations = [m for m in inside if m.codes != ("wrong-variable",)]
            self._made |= self._evaluate([RIGHT, *mutations], answers if name in answers else (name,))
        yield from self._made[name]
        for mistake in () if self.exercise.known else foreign_values(self.exercise, name, self.tapes[0]):
            with suppress(*REFUSED):
                yield mistake, [np.asarray(mistake.value(name, tape), dtype=float) for tape in self.tapes]

    @cached_property
    def _pairs(self) -> dict[str, list[Valued]]:
        """Pairs of frequent mistakes that differ from the right answer and from one another."""
        kept: dict[bytes | None, Mistake] = {}
        frequent = [m for m in every_mutation(self.tapes[0]) if all(kind.frequent for kind in m.kinds)]
        for mistake in sorted(frequent, key=lambda m: (m.kinds[0] is not Kind.TERM_LOST, cost(m.kinds))):
            kept.setdefault(self._fingerprint(mistake), mistake)
        for fingerprint in (None, self._fingerprint(RIGHT)):
            kept.pop(fingerprint, None)
        pairs = [a + b for a, b in combinations(list(kept.values())[:MOST], 2) if a.codes != b.codes]
        pairs.sort(key=lambda pair: sum(not code.startswith(LEFT_OUT) for code in pair.codes))
        return self._evaluate(pairs[:MOST_PAIRS], self.exercise.answers)

    def _fingerprint(self, mistake: Mistake) -> bytes | None:
        """What the mistake does to the directions of all derivatives on the first probe, in short."""
        with np.errstate(all="ignore"), suppress(*REFUSED):
            swept = self.tapes[0].edited(mistake.edits).sweep()
            vectors = [np.ravel(swept[wrt]) for wrt in self.exercise.wanted if wrt in swept]
            flat = np.concatenate([v / (np.linalg.norm(v) + 1e-300) if v.size > 1 else v for v in vectors])
            if np.all(np.isfinite(flat)) and np.any(flat):
                return np.round(flat, 8).tobytes()
        return None

    def _evaluate(self, mistakes: Iterable[Mistake], names: Iterable[str]) -> dict[str, list[Valued]]:
        """The values of mistakes for several answers, each with one sweep a probe; equal ones once."""
        answers = {name: asked(self.exercise, name) for name in names if asked(self.exercise, name).order != 2}
        offsets = {name: [offset(name, tape) for tape in self.tapes] for name in answers}
        result: dict[str, list[Valued]] = {name: [] for name in names}
        seen = set()
        for mistake in mistakes:
            with np.errstate(all="ignore"), suppress(*REFUSED):
                edited = [tape.edited(mistake.edits) for tape in self.tapes]
                swept = [tape.sweep() for tape in edited]
                for name, answer in answers.items():
                    made = [value_of(answer, tape, flow) for tape, flow in zip(edited, swept, strict=True)]
                    values = [np.asarray(v - old) for v, old in zip(made, offsets[name], strict=True)]
                    key = (name, mistake.codes, b"".join(v.tobytes() for v in values))
                    if key not in seen:
                        seen.add(key)
                        result[name].append((mistake, values))
        return result


@lru_cache(maxsize=64)
def bank_of(exercise: Exercise) -> Bank:
    """The bank of an exercise, made at first use and kept; one that cannot be differentiated is refused."""
    return Bank(exercise)


def _squeezed(shapes: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [tuple(size for size in shape if size != 1) for shape in shapes]


@dataclass(frozen=True)
class Explanation:
    """What equals the student's value, once `turn(value, right)` brought that into its shape, on every fixed probe."""

    codes: tuple[str, ...]
    cost: float
    make: Make = field(repr=False)
    found: Facts = field(default_factory=Facts)
    turn: Turn = field(default=lambda value, right: value, repr=False)
    parts: tuple[Make, ...] = field(default=(), repr=False)  # the values with one of two mistakes alone
    alternatives: tuple[str, ...] = ()  # the codes of its twins

    def fits(self, value: Array, name: str, at: Reference, close: float) -> bool:
        """Whether it also explains the student's value on another probe."""
        right = at.right[name]
        with suppress(*REFUSED):
            turned, predicted = np.asarray(self.turn(value, right)), np.asarray(self.make(at.tape))
            off = np.abs(turned - predicted.reshape(turned.shape))
            size = max(float(np.max(np.abs(array), initial=0.0)) for array in (turned, predicted, right))
            return bool(np.max(off, initial=0.0) <= close * size)
        return False


def combined(columns: Sequence[Make], factors: Sequence[Factor | None]) -> Make:
    """The sum of columns with their factors."""
    pairs = [(factor, column) for factor, column in zip(factors, columns, strict=True) if factor is not None]
    return lambda tape: np.asarray(sum(factor.value(quantities(tape)) * column(tape) for factor, column in pairs))


@dataclass(frozen=True)
class Case:
    """A wrong answer: the student's values on the bank's probes, and how close an explanation must come to them."""

    bank: Bank
    name: str
    student: Sequence[Array]
    tolerance: float

    @property
    def answer(self) -> Answer:
        return asked(self.bank.exercise, self.name)

    @property
    def shapes(self) -> Signature:
        return tuple(value.shape for value in self.student)

    @property
    def has_shape(self) -> bool:
        """Whether the shapes are the right ones."""
        return self.shapes == self.bank.signature(self.name)

    def factor(self, coefficients: Array) -> Factor | None:
        """The factor with these values on the probes."""
        return self.bank.table.identify(coefficients, max(self.tolerance, 1e-7))

    def without(self, make: Make, times: Factor | None) -> "Case":
        """The same of what is left when something is taken away."""
        taken = combined([make], [times])
        return replace(self, student=[v - taken(t) for v, t in zip(self.student, self.bank.tapes, strict=True)])

    def match(self, pool: Pool) -> Iterator[Explanation]:
        """Every mistake in the pool that gives the student's values up to a factor."""
        if not pool.mistakes:
            return
        parts = np.split(pool.matrix, np.cumsum([value.size for value in self.student])[:-1], axis=1)
        coefficients, close = [], np.ones(len(pool.mistakes), dtype=bool)
        for part, flat in zip(parts, map(np.ravel, self.student), strict=True):
            scale = np.einsum("ij,ij->i", part, part)
            c = part @ flat / np.where(scale > 0, scale, np.inf)
            error = np.max(np.abs(flat - c[:, None] * part), axis=1)
            close &= error <= self.tolerance * max(np.max(np.abs(flat)), 1e-300)
            coefficients.append(c)
        measured = np.stack(coefficients, axis=1)
        blank = np.array([np.max(np.abs(value)) <= 1e-12 for value in self.student])
        if np.any(blank) and not np.all(blank):  # 0 on both sides says nothing about the factor
            measured[:, blank] = measured[:, [int(np.argmin(blank))]]
        for i in np.flatnonzero(close):
            mistake, factor = pool.mistakes[i], self.factor(measured[i])
            if factor is not None and (factor.is_usual or not mistake.codes):
                codes, found = scaled(factor)
                if any(kind.free_scale for kind in mistake.kinds):
                    signed = factor.sign < 0 and SIGNLESS.isdisjoint(mistake.codes)
                    codes, found = ("sign",) if signed else (), Facts()
                halves = [(half, ONE) for half in mistake.halves]
                if codes and not halves:
                    first = (mistake, ONE) if mistake.codes else (RIGHT, Factor(factor.sign))
                    halves = [first, (RIGHT, factor if mistake.codes else replace(factor, sign=1))]
                make, *alone = (combined([partial(m.value, self.name)], [f]) for m, f in [(mistake, factor), *halves])
                price, facts = cost(mistake.kinds, factor), mistake.found | found
                yield Explanation((*mistake.codes, *codes), price, make, facts, parts=tuple(alone))

    def fit(self, columns: Sequence[Make]) -> list[Factor | None] | None:
        """The factor of every column (None for 0), or None where the columns do not make the student's value."""
        measured = []
        for value, tape in zip(self.student, self.bank.tapes, strict=True):
            matrix = np.stack([np.ravel(column(tape)) for column in columns], axis=1)
            flat, sizes = value.ravel(), np.linalg.norm(matrix, axis=0)
            if len(flat) < len(columns) or not np.all((sizes > 1e-12) & (sizes < np.inf)):
                return None
            if np.linalg.matrix_rank(matrix / sizes, tol=1e-6) < len(columns):
                return None
            c = np.linalg.lstsq(matrix / sizes, flat, rcond=None)[0] / sizes
            if np.max(np.abs(matrix @ c - flat)) > self.tolerance * np.max(np.abs(flat)):
                return None
            measured.append(np.where(np.abs(c) * sizes < 1e-8 * np.max(np.abs(flat)), 0.0, c))
        rows = np.transpose(measured)
        found = [self.factor(row) if np.any(row) else None for row in rows]
        return None if any(f is None and np.any(row) for f, row in zip(found, rows, strict=True)) else found
