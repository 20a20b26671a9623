"""The values that known mistakes give on the fixed probes, prepared once an exercise, to be compared with answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from npreg.exercises.forward.probes import bank as bank_probes
from npreg.exercises.forward.probes import checks as check_probes
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Tape, value_of
from npreg.exercises.forward.verdict import Reference, reference
from npreg.exercises.mistakes import backward, forward
from npreg.exercises.mistakes.factors import FactorTable, quantities
from npreg.exercises.mistakes.foreign import foreign_values
from npreg.exercises.mistakes.mistake import REFUSED, RIGHT, Mistake, asked, offset
from npreg.exercises.mistakes.preference import Kind, cost

Signature = tuple[tuple[int, ...], ...]
Valued = tuple[Mistake, list[Array]]
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
    def finer(self) -> Bank | None:
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
            try:
                yield mistake, [np.asarray(mistake.value(name, tape), dtype=float) for tape in self.tapes]
            except REFUSED:
                continue

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
        try:
            with np.errstate(all="ignore"):
                swept = self.tapes[0].edited(mistake.edits).sweep()
        except REFUSED:
            return None
        vectors = [np.ravel(swept[wrt]) for wrt in self.exercise.wanted if wrt in swept]
        flat = np.concatenate([v / (np.linalg.norm(v) + 1e-300) if v.size > 1 else v for v in vectors])
        return np.round(flat, 8).tobytes() if np.all(np.isfinite(flat)) and np.any(flat) else None

    def _evaluate(self, mistakes: Iterable[Mistake], names: Iterable[str]) -> dict[str, list[Valued]]:
        """The values of mistakes for several answers, each with one sweep a probe; equal ones once."""
        answers = {name: asked(self.exercise, name) for name in names if asked(self.exercise, name).order != 2}
        offsets = {name: [offset(name, tape) for tape in self.tapes] for name in answers}
        result: dict[str, list[Valued]] = {name: [] for name in names}
        seen = set()
        for mistake in mistakes:
            try:
                with np.errstate(all="ignore"):
                    edited = [tape.edited(mistake.edits) for tape in self.tapes]
                    swept = [tape.sweep() for tape in edited]
                    for name, answer in answers.items():
                        made = [value_of(answer, tape, flow) for tape, flow in zip(edited, swept, strict=True)]
                        values = [np.asarray(v - old) for v, old in zip(made, offsets[name], strict=True)]
                        key = (name, mistake.codes, b"".join(v.tobytes() for v in values))
                        if key not in seen:
                            seen.add(key)
                            result[name].append((mistake, values))
            except REFUSED:
                continue
        return result


@lru_cache(maxsize=64)
def bank_of(exercise: Exercise) -> Bank:
    """The bank of an exercise, made at first use and kept; one that cannot be differentiated is refused."""
    return Bank(exercise)


def _squeezed(shapes: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [tuple(size for size in shape if size != 1) for shape in shapes]
