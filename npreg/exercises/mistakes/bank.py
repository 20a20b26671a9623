"""The values that known mistakes give on the fixed probes, prepared once and matched against an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np

from npreg.exercises.forward.derivatives import apply_formula, quantities_of, value_of
from npreg.exercises.forward.probes import bank as bank_probes
from npreg.exercises.forward.probes import checks as check_probes
from npreg.exercises.forward.program import Answer, Array, Exercise
from npreg.exercises.forward.tape import Edits, Tape
from npreg.exercises.forward.verdict import Reference, reference
from npreg.exercises.found import Factor
from npreg.exercises.mistakes import mutations
from npreg.exercises.mistakes.explanation import Base, Explanation, asked, scaled
from npreg.exercises.mistakes.factors import FactorTable
from npreg.exercises.mistakes.mutations import Mutation
from npreg.exercises.mistakes.preference import Kind, cost
from npreg.exercises.mistakes.shapes import foreign_bases

Signature = tuple[tuple[int, ...], ...]
MOST, MOST_PAIRS = 32, 400
SIGNLESS = frozenset({"wrong-variable", "loss-for-derivative"})
NONE = Mutation((), Edits(), (Kind.RIGHT,))


class Pool:
    """Bases of one shape, side by side, so that one answer is compared with all of them at once."""

    def __init__(self, bases: Sequence[Base], values: Sequence[Sequence[Array]]) -> None:
        keep = [i for i, arrays in enumerate(values) if _useful(arrays)]
        self.vanishing = [b for b, arrays in zip(bases, values, strict=True) if _vanishes(arrays)]
        self.bases = [bases[i] for i in keep]
        rows = [np.concatenate([np.ravel(array) for array in values[i]]) for i in keep]
        self.matrix = np.stack(rows).astype(float) if rows else np.zeros((0, 0))

    def match(self, student: Sequence[Array], table: FactorTable, tolerance: float) -> Iterator[Explanation]:
        """Every base that is the student's value up to a factor."""
        if not self.bases:
            return
        ends = np.cumsum([value.size for value in student])
        coefficients, close = [], np.ones(len(self.bases), dtype=bool)
        for value, end in zip(student, ends, strict=True):
            part, flat = self.matrix[:, end - value.size : end], np.ravel(value)
            scale = np.einsum("ij,ij->i", part, part)
            c = part @ flat / np.where(scale > 0, scale, np.inf)
            error = np.max(np.abs(flat - c[:, None] * part), axis=1)
            close &= error <= tolerance * max(np.max(np.abs(flat)), 1e-300)
            coefficients.append(c)
        measured = np.stack(coefficients, axis=1)
        blank = np.array([np.max(np.abs(value)) <= 1e-12 for value in student])
        if np.any(blank) and not np.all(blank):  # 0 on both sides says nothing about the factor
            measured[:, blank] = measured[:, [int(np.argmin(blank))]]
        allowed = max(tolerance, 1e-8)
        for i in np.flatnonzero(close & table.possible(measured, allowed)):
            factor = table.identify(measured[i], allowed)
            if factor is not None:
                yield from _explain(self.bases[i], factor)


def _squeezed(shapes: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Shapes without their ones: a column of values is compared with the vector."""
    return [tuple(size for size in shape if size != 1) for shape in shapes]


def _vanishes(arrays: Sequence[Array]) -> bool:
    """Whether it is zero by its nature, as the sum of a row of P − Y: only rounding is left."""
    return all(np.max(np.abs(a), initial=0.0) <= 1e-12 for a in arrays)


def _useful(arrays: Sequence[Array]) -> bool:
    """Whether there is something to compare; decisions of 0 or 1 can add up to 0 on a probe or two."""
    some = [bool(np.any(np.abs(a) > 1e-12)) for a in arrays]
    return all(np.all(np.isfinite(a)) for a in arrays) and sum(some) >= min(3, len(arrays))


def _explain(base: Base, factor: Factor) -> Iterator[Explanation]:
    if base.codes and not factor.is_usual:
        return

    def predict(tape: Tape, quantities: Mapping[str, float]) -> Array:
        return factor.value(quantities) * base.make(tape)

    price = cost(base.kinds, factor)
    if base.free_scale:
        sign = ("sign",) if factor.sign < 0 and not SIGNLESS.intersection(base.codes) else ()
        yield Explanation((*base.codes, *sign), price, predict, base.found)
        return
    codes, found = scaled(factor)
    yield Explanation((*base.codes, *codes), price, predict, base.found + found)


class Bank:
    """Everything about one exercise that does not depend on the student: references, bases, factor table."""

    def __init__(self, exercise: Exercise, probes: Sequence[dict[str, Array]] | None = None) -> None:
        self.exercise = exercise
        given = bank_probes(exercise) if probes is None else probes
        self.references: list[Reference] = [reference(exercise, probe) for probe in given]
        self.checks: list[Reference] = (
            [] if probes is not None else [reference(exercise, probe) for probe in check_probes(exercise)]
        )
        self.tapes = [r.tape for r in self.references]
        self.quantities = [quantities_of(exercise, r.sizes, r.tape.values) for r in self.references]
        self.table = FactorTable(self.quantities, [*exercise.symbols, "n-1"])
        self._pools: dict[tuple[str, Signature], Pool] = {}
        self._pair_pools: dict[str, Pool] = {}
        self._made: dict[str, list[tuple[Base, list[Array]]]] = {}

    @cached_property
    def finer(self) -> Bank | None:
        """The bank in which helpers are cut into steps, for what no helper as a whole explains."""
        finer = self.exercise.finer
        probes = [{name: tape.values[name] for name in self.exercise.inputs} for tape in self.tapes]
        return None if finer is None else Bank(finer, probes)

    def signature(self, name: str) -> Signature:
        """The right shapes of an answer on every probe."""
        return tuple(r.right[name].shape for r in self.references)

    def offset(self, name: str, tape: Tape) -> Array:
        """The part of an update formula that no gradient enters: the old parameter; zero for a derivative."""
        answer = asked(self.exercise, name)
        if answer.formula is None:
            return np.zeros(())
        return apply_formula(answer, tape, tape.sweep(), scale=0.0)

    def pool(self, name: str, signature: Signature) -> Pool:
        """All bases for this answer with these shapes."""
        key = (name, signature)
        if key not in self._pools:
            everything = [*self._mutated(name), *self._foreign(name)]
            flat = _squeezed(signature)
            loose = flat != _squeezed(self.signature(name))
            fitting = [
                (base, values)
                for base, values in everything
                if tuple(a.shape for a in values) == signature or (loose and _squeezed(a.shape for a in values) == flat)
            ]
            self._pools[key] = Pool([b for b, _ in fitting], [v for _, v in fitting])
        return self._pools[key]

    def bases(self, name: str) -> list[Base]:
        """Every single wrong value for this answer."""
        return [base for base, _ in [*self._mutated(name), *self._foreign(name)] if base.codes]

    def value(self, base: Base, name: str, tape: Tape) -> Array:
        """What a student with this mistake returns on a tape."""
        return np.asarray(base.make(tape) + self.offset(name, tape))

    def pair_pool(self, name: str) -> Pool:
        """Bases of two mistakes at once, in the right shape."""
        if name not in self._pair_pools:
            self._pair_pools[name] = self._make_pair_pool(name)
        return self._pair_pools[name]

    def _make_pair_pool(self, name: str) -> Pool:
        fitting = [(b, v) for b, v in self._pairs.get(name, ()) if tuple(a.shape for a in v) == self.signature(name)]
        return Pool([b for b, _ in fitting], [v for _, v in fitting])

    @cached_property
    def mutations(self) -> list[Mutation]:
        """Every single mistake; of an exercise with helpers cut into steps, those inside of them.

        There no quantity is taken for another: nobody sees the names of what a helper computes.
        """
        found, known = mutations.every_mutation(self.tapes[0]), self.exercise.known
        inside = (m for m in found if not m.edits.names <= known and m.codes != ("wrong-variable",))
        return list(inside) if known else found

    def _mutated(self, name: str) -> list[tuple[Base, list[Array]]]:
        """All mutations of an answer (made with those of the other answers), or of a step's derivative."""
        if name not in self._made:
            answers = self.exercise.answers
            self._made |= self._evaluate([NONE, *self.mutations], answers if name in answers else (name,))
        return self._made[name]

    @cached_property
    def _pairs(self) -> dict[str, list[tuple[Base, list[Array]]]]:
        """Pairs of frequent mistakes that differ from the right answer and from one another."""
        kept: dict[bytes, Mutation] = {}
        for mutation in mutations.frequent_mutations(self.tapes[0]):
            fingerprint = self._fingerprint(mutation)
            if fingerprint is not None and fingerprint != self._fingerprint(NONE):
                kept.setdefault(fingerprint, mutation)
        chosen = list(kept.values())[:MOST]
        pairs = [a + b for i, a in enumerate(chosen) for b in chosen[i + 1 :] if a.codes != b.codes]
        return self._evaluate(sorted(pairs, key=_everyday)[:MOST_PAIRS], self.exercise.answers)

    def _fingerprint(self, mutation: Mutation) -> bytes | None:
        """What the mutation does to the directions of all derivatives on the first probe, in short."""
        try:
            with np.errstate(all="ignore"):
                swept = self.tapes[0].edited(mutation.edits).sweep()
        except (ValueError, IndexError, TypeError):
            return None
        vectors = [np.ravel(swept[wrt]) for wrt in self.exercise.wanted if wrt in swept]
        flat = np.concatenate([v / (np.linalg.norm(v) + 1e-300) if v.size > 1 else v for v in vectors])
        return np.round(flat, 8).tobytes() if np.all(np.isfinite(flat)) and np.any(flat) else None

    def _evaluate(self, found: Sequence[Mutation], names: Iterable[str]) -> dict[str, list[tuple[Base, list[Array]]]]:
        answers = {name: asked(self.exercise, name) for name in names}
        result: dict[str, list[tuple[Base, list[Array]]]] = {name: [] for name in answers}
        offsets = {name: [self.offset(name, tape) for tape in self.tapes] for name in answers}
        seen: dict[str, set[bytes]] = {name: set() for name in answers}
        for mutation in found:
            try:
                with np.errstate(all="ignore"):
                    edited = [tape.edited(mutation.edits) for tape in self.tapes]
                    swept = [tape.sweep() for tape in edited]
                    for name, answer in answers.items():
                        if answer.order == 2:
                            continue
                        values = [
                            np.asarray(value_of(answer, tape, flow) - offset)
                            for tape, flow, offset in zip(edited, swept, offsets[name], strict=True)
                        ]
                        key = repr(mutation.codes).encode() + b"".join(v.tobytes() for v in values)
                        if key not in seen[name]:
                            seen[name].add(key)
                            result[name].append((self._base(name, answer, mutation), values))
            except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
                continue
        return result

    def _base(self, name: str, answer: Answer, mutation: Mutation) -> Base:
        def make(tape: Tape) -> Array:
            return np.asarray(value_of(answer, tape.edited(mutation.edits)) - self.offset(name, tape))

        return Base(mutation.codes, mutation.kinds, make, mutation.found)

    def _foreign(self, name: str) -> Iterator[tuple[Base, list[Array]]]:
        for base in () if self.exercise.known else foreign_bases(self.exercise, name, self.tapes[0]):
            try:
                yield base, [np.asarray(base.make(tape), dtype=float) for tape in self.tapes]
            except (ValueError, IndexError, TypeError):
                continue


@lru_cache(maxsize=64)
def bank_of(exercise: Exercise) -> Bank:
    """The bank of an exercise, made at first use and kept; one that cannot be differentiated is refused."""
    return Bank(exercise)


def _everyday(pair: Mutation) -> float:
    """Pairs in the order in which they are worth preparing: what is left out before what is turned round."""
    left_out = ("ignores", "chain-missing", "missing-term")
    return sum(0.0 if code.startswith(left_out) else 1.0 for code in pair.codes)
