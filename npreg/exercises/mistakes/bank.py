"""The values that known mistakes give on the fixed probes, prepared once for every exercise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np

from npreg.exercises.forward.probes import bank as bank_probes
from npreg.exercises.forward.probes import checks as check_probes
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import value_of
from npreg.exercises.forward.verdict import Reference, reference
from npreg.exercises.mistakes.explanation import Pool, quantities
from npreg.exercises.mistakes.factors import FactorTable
from npreg.exercises.mistakes.foreign import foreign_values
from npreg.exercises.mistakes.mistake import Mistake, asked, offset
from npreg.exercises.mistakes.mutations import every_mutation
from npreg.exercises.mistakes.preference import Kind, cost

Signature = tuple[tuple[int, ...], ...]
Valued = list[tuple[Mistake, list[Array]]]
MOST, MOST_PAIRS = 32, 400
RIGHT = Mistake((), (Kind.RIGHT,))
REFUSED = (ValueError, IndexError, TypeError, np.linalg.LinAlgError)


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
        self._made: dict[str, Valued] = {}

    @cached_property
    def finer(self) -> Bank | None:
        """The bank in which helpers are cut into steps, for what no helper as a whole explains."""
        finer = self.exercise.finer
        probes = [{name: tape.values[name] for name in self.exercise.inputs} for tape in self.tapes]
        return None if finer is None else Bank(finer, probes)

    def signature(self, name: str) -> Signature:
        """The right shapes of an answer on every probe."""
        return tuple(r.right[name].shape for r in self.references)

    def pool(self, name: str, signature: Signature | None = None, pairs: bool = False) -> Pool:
        """All single mistakes in this answer (or all pairs) with these shapes, by default the right ones.

        Where the shapes are not the right ones, a column of values is compared with the vector.
        """
        right = self.signature(name)
        signature = right if signature is None else signature
        key = (name, signature, pairs)
        if key not in self._pools:
            flat = _squeezed(signature)
            loose = flat != _squeezed(right)
            fitting = []
            for mistake, values in self._pairs.get(name, ()) if pairs else self._singles(name):
                shapes = tuple(a.shape for a in values)
                if shapes == signature or (loose and _squeezed(shapes) == flat):
                    fitting.append((mistake, values))
            self._pools[key] = Pool(name, fitting)
        return self._pools[key]

    def mistakes(self, name: str) -> list[Mistake]:
        """Every single mistake in this answer."""
        return [mistake for mistake, _ in self._singles(name) if mistake.codes]

    def _singles(self, name: str) -> Iterator[tuple[Mistake, list[Array]]]:
        """Mutations of an answer (made with those of the other answers) or of a step's derivative; other values."""
        if name not in self._made:
            answers = self.exercise.answers
            self._made |= self._evaluate([RIGHT, *self.mutations], answers if name in answers else (name,))
        yield from self._made[name]
        for mistake in () if self.exercise.known else foreign_values(self.exercise, name, self.tapes[0]):
            try:
                yield mistake, [np.asarray(mistake.value(name, tape), dtype=float) for tape in self.tapes]
            except REFUSED:
                continue

    @cached_property
    def mutations(self) -> list[Mistake]:
        """Every single mistake; of an exercise with helpers cut into steps, those inside of them.

        There no quantity is taken for another: nobody sees the names of what a helper computes.
        """
        found, visible = every_mutation(self.tapes[0]), self.exercise.known
        inside = [m for m in found if not m.edits.names <= visible and m.codes != ("wrong-variable",)]
        return inside if visible else found

    @cached_property
    def _pairs(self) -> dict[str, Valued]:
        """Pairs of frequent mistakes that differ from the right answer and from one another."""
        kept: dict[bytes, Mistake] = {}
        frequent = [m for m in every_mutation(self.tapes[0]) if all(kind.frequent for kind in m.kinds)]
        for mistake in sorted(frequent, key=lambda mistake: cost(mistake.kinds)):
            fingerprint = self._fingerprint(mistake)
            if fingerprint is not None and fingerprint != self._fingerprint(RIGHT):
                kept.setdefault(fingerprint, mistake)
        pairs = [a + b for a, b in combinations(list(kept.values())[:MOST], 2) if a.codes != b.codes]
        return self._evaluate(sorted(pairs, key=_everyday)[:MOST_PAIRS], self.exercise.answers)

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

    def _evaluate(self, mistakes: Iterable[Mistake], names: Iterable[str]) -> dict[str, Valued]:
        """The values of mistakes for several answers, each with one sweep a probe; equal ones once."""
        answers = {name: asked(self.exercise, name) for name in names if asked(self.exercise, name).order != 2}
        offsets = {name: [offset(name, tape) for tape in self.tapes] for name in answers}
        result: dict[str, Valued] = {name: [] for name in names}
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
    """Shapes without their ones."""
    return [tuple(size for size in shape if size != 1) for shape in shapes]


def _everyday(pair: Mistake) -> float:
    """Pairs in the order in which they are worth preparing: what is left out before what is turned round."""
    left_out = ("ignores", "chain-missing", "missing-term")
    return sum(0.0 if code.startswith(left_out) else 1.0 for code in pair.codes)
