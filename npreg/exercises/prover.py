"""The prover: do the probes of an exercise tell every pair of known mistakes apart?

Every known mistake of every answer is evaluated on the probes: the right answer times the usual factors, and
every mutation of the forward program. Two that have the same values there are looked at on many other probes.
If they agree on those, too, they are one formula under two names (twins), and no data could tell them apart;
if not, it is these probes that cannot, and they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from npreg.exercises.forward.derivatives import quantities_of
from npreg.exercises.forward.probes import Probe, draw, fresh
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.recorder import Stop
from npreg.exercises.forward.verdict import Reference, reference
from npreg.exercises.found import CONSTANTS, Factor
from npreg.exercises.mistakes.bank import Bank, bank_of
from npreg.exercises.mistakes.explanation import Base
from npreg.exercises.mistakes.preference import cost, factor_cost
from npreg.exercises.words import say, wrap

EQUAL = 1e-9
WITNESSES = 4
WITNESS_SEED = 7
RIGHT = "right"
_SHOWN = 20

Make = Callable[[Reference], Array]


@dataclass(frozen=True)
class Pair:
    """Two mistakes (codes, joined by ``+``; or ``"right"``) with the same values in the answer ``answer``."""

    answer: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.answer}: {self.first} = {self.second}"


@dataclass(frozen=True)
class Proof:
    """What the prover found: pairs that these probes cannot tell apart (``confused``), and ``twins``.

    ``mistakes`` counts the known mistakes over all answers, ``sizes`` are those of the probes; ``stopped`` is
    where the loss could not be followed.
    """

    exercise: str
    mistakes: int
    sizes: tuple[Mapping[str, int], ...]
    confused: tuple[Pair, ...]
    twins: tuple[Pair, ...]
    stopped: Stop | None = None

    @property
    def passed(self) -> bool:
        """Whether all pairs are told apart, except for twins."""
        return not self.confused

    def text(self, lang: str = "en", *, twins: bool = False) -> str:
        """Return the proof in words: what cannot be told apart, and the twins where they are asked for."""
        unique = {tuple(size.items()): size for size in self.sizes if size}.values()
        sizes = "; ".join(", ".join(f"{k} = {v}" for k, v in size.items()) for size in unique)
        key = "proved" if self.passed else "not-proved"
        key += "" if sizes else "-scalar"
        values = {"exercise": self.exercise, "mistakes": self.mistakes, "twins": len(self.twins)}
        lines = [say(key, lang, sizes=sizes, **values)]
        lines += _listed(self.confused, lang)
        if self.stopped is not None:
            why = say(f"stop-{self.stopped.kind}", lang)
            line, code = self.stopped.line, self.stopped.code
            lines += ["", *wrap(say("stopped", lang, line=line, code=code, why=why))]
        if twins:
            lines += ["", say("proof-twins", lang), *_grouped(self.twins)]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Known:
    """A mistake by its codes, how far-fetched it is, and what it makes of a probe."""

    codes: str
    cost: float
    make: Make

    def values(self, references: Sequence[Reference]) -> list[Array] | None:
        """Return its values on probes; None where it cannot be made."""
        try:
            with np.errstate(all="ignore"):
                return [np.asarray(self.make(at), dtype=float) for at in references]
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
            return None


def prove(exercise: Exercise, probes: Sequence[Probe] | None = None) -> Proof:
    """Show that probes tell every pair of known mistakes of an exercise apart, or name the pairs they cannot.

    Parameters
    ----------
    exercise : the exercise
    probes : mappings from the names of the inputs to arrays; by default those on which mistakes are named

    Raises
    ------
    ValueError
        if a probe does not fit the exercise.

    >>> from npreg.exercises.course import load
    >>> exercise = load("minibatch-mean")
    >>> prove(exercise).passed
    True
    >>> bad = prove(exercise, probes_of_sizes(exercise, [{"n": 4, "d": 2}]))
    >>> bad.passed, Pair("grad_w", "factor:2", "factor:d") in bad.confused
    (False, True)
    """
    bank = bank_of(exercise)
    fixed = [*bank.references, *bank.checks]
    given = fixed if probes is None else [reference(exercise, probe) for probe in probes]
    witnesses = [*fixed, *(reference(exercise, p) for p in fresh(exercise, WITNESS_SEED, WITNESSES))]
    confused: list[tuple[float, Pair]] = []
    twins: list[tuple[float, Pair]] = []
    total = 0
    for name in exercise.answers:
        known = list(known_mistakes(bank, name, given))
        total += len({mistake.codes for mistake in known}) - 1
        for group in _groups(known, given):
            apart, same = _split(name, group, witnesses)
            confused += apart
            twins += same
    sizes = tuple(dict(r.sizes) for r in given)
    stopped = exercise.program.stopped
    return Proof(exercise.id, total, sizes, _simplest_first(confused), _simplest_first(twins), stopped)


def probes_of_sizes(exercise: Exercise, sizes: Sequence[Mapping[str, int]], seed: int = 0) -> list[Probe]:
    """Draw one probe for each of the given sizes.

    Raises
    ------
    ValueError
        if a symbol has no size, or there is no such symbol.
    """
    for size in sizes:
        if any(number < 1 for number in size.values()):
            raise ValueError(f"sizes are whole numbers of at least 1, not {dict(size)}")
        if set(size) != set(exercise.symbols):
            raise ValueError(
                f"exercise {exercise.id!r} needs sizes for {', '.join(exercise.symbols) or 'nothing'}; "
                f"got {', '.join(size) or 'none'}"
            )
    rng = np.random.default_rng(seed)
    return [draw(exercise, dict(size), rng) for size in sizes]


def known_mistakes(bank: Bank, name: str, given: Sequence[Reference]) -> Iterator[Known]:
    """The right answer, its factors, and every mutation, the simple ones first."""
    yield Known(RIGHT, 0.0, lambda at: at.right[name])
    if bank.exercise.answers[name].formula is None:
        for factor in _factors(bank):
            yield Known("+".join(factor.codes), factor_cost(factor), _times(factor, name))
    for base in bank.bases(name):
        yield Known("+".join(base.codes), cost(base.kinds), _wrong(bank, base, name))


def _times(factor: Factor, name: str) -> Make:
    return lambda at: np.asarray(factor.value(_quantities(at)) * at.right[name])


def _wrong(bank: Bank, base: Base, name: str) -> Make:
    return lambda at: bank.value(base, name, at.tape)


def _factors(bank: Bank) -> Iterator[Factor]:
    """The factors that come up in practice: a constant, and at most two sizes or settings."""
    for powers in bank.table.powers:
        used = tuple((name, power) for name, power in powers if power)
        if len(used) <= 2 and "n-1" not in dict(used):
            for constant in CONSTANTS[:5]:
                if used or constant != 1:
                    yield Factor(1, constant, used)
    yield Factor(-1)


def _quantities(at: Reference) -> dict[str, float]:
    return quantities_of(at.tape.exercise, at.sizes, at.tape.values)


def _groups(known: Sequence[Known], given: Sequence[Reference]) -> Iterator[list[Known]]:
    """Groups of two or more with the same shapes and values on the given probes."""
    by_shape: dict[tuple[tuple[int, ...], ...], list[tuple[Known, Array]]] = {}
    for mistake in known:
        values = mistake.values(given)
        if values is not None and all(np.all(np.isfinite(value)) for value in values):
            flat = np.concatenate([value.ravel() for value in values])
            by_shape.setdefault(tuple(value.shape for value in values), []).append((mistake, flat))
    for members in by_shape.values():
        rows = np.stack([flat for _, flat in members])
        for places in _equal_rows(rows):
            if len({members[i][0].codes for i in places}) > 1:
                yield sorted((members[i][0] for i in places), key=lambda mistake: mistake.cost)


def _equal_rows(rows: Array) -> Iterator[list[int]]:
    """Sets of rows that are equal to rounding, found as neighbours in a random direction."""
    direction = np.random.default_rng(0).uniform(0.5, 1.5, rows.shape[1])
    size = np.max(np.abs(rows), axis=1)
    position = rows @ direction
    order = np.argsort(position, kind="stable")
    left = list(order)
    while left:
        first = left.pop(0)
        near = list(_near(left, position, position[first], size[first] * rows.shape[1]))
        same = [i for i in near if np.max(np.abs(rows[i] - rows[first])) <= EQUAL * max(size[first], size[i])]
        if same:
            taken = set(same)
            left = [i for i in left if i not in taken]
            yield [first, *same]


def _near(left: Sequence[int], position: Array, start: float, size: float) -> Iterator[int]:
    for i in left:
        if position[i] - start > 2 * EQUAL * size:
            return
        yield i


def _split(
    name: str, group: Sequence[Known], witnesses: Sequence[Reference]
) -> tuple[list[tuple[float, Pair]], list[tuple[float, Pair]]]:
    """Sort a group by its values on the witnesses: pairs of different classes, and pairs within a class."""
    classes: list[tuple[list[Array], list[Known]]] = []
    for mistake in group:
        values = mistake.values(witnesses)
        if values is None:
            continue
        for others, members in classes:
            if _equal(values, others):
                members.append(mistake)
                break
        else:
            classes.append((values, [mistake]))
    apart = combinations([members[0] for _, members in classes], 2)
    same = ((members[0], other) for _, members in classes for other in members[1:])
    return list(_pairs(name, apart)), list(_pairs(name, same))


def _pairs(name: str, pairs: Iterable[tuple[Known, Known]]) -> Iterator[tuple[float, Pair]]:
    for first, second in pairs:
        if first.codes != second.codes:
            yield first.cost + second.cost, Pair(name, first.codes, second.codes)


def _equal(values: Sequence[Array], others: Sequence[Array]) -> bool:
    for value, other in zip(values, others, strict=True):
        if value.shape != other.shape:
            return False
        size = max(float(np.max(np.abs(value), initial=0.0)), float(np.max(np.abs(other), initial=0.0)))
        if not np.max(np.abs(value - other), initial=0.0) <= max(1e-7 * size, 1e-12):  # zero to rounding
            return False
    return True


def _simplest_first(pairs: Sequence[tuple[float, Pair]]) -> tuple[Pair, ...]:
    return tuple(dict.fromkeys(pair for _, pair in sorted(pairs, key=lambda item: item[0])))


def _grouped(pairs: Sequence[Pair]) -> Iterator[str]:
    """Formulas with all their names, a line each; those that are right need no name."""
    groups: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        groups.setdefault((pair.answer, pair.first), []).append(pair.second)
    for (answer, first), others in groups.items():
        if first != RIGHT:
            yield f"    {answer}: {' = '.join([first, *others])}"


def _listed(pairs: Sequence[Pair], lang: str, shown: int = _SHOWN) -> list[str]:
    lines = [f"    {pair}" for pair in pairs[:shown]]
    if len(pairs) > shown:
        lines.append("    " + say("more", lang, count=len(pairs) - shown))
    return lines
