"""Do an exercise's probes tell known mistakes apart? Those that agree on many others, too, are one formula (twins)."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np

from npreg.exercises.findings import AnswerReport
from npreg.exercises.forward.probes import Probe, draw, fresh
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.recorder import Stop
from npreg.exercises.forward.tape import Tape, not_analytic, value_of
from npreg.exercises.forward.verdict import KNOWN_BY_DIFFERENCES, Reference, reference
from npreg.exercises.found import CONSTANTS, ONE, Factor
from npreg.exercises.judge import Questions, judge_one, questions_of
from npreg.exercises.mistakes.bank import Bank, Explanation, bank_of, combined
from npreg.exercises.mistakes.mistake import REFUSED, Mistake, offset
from npreg.exercises.mistakes.preference import cost, factor_cost
from npreg.exercises.words import say, wrap

EQUAL, ONE_FORMULA = 1e-9, 1e-7  # how close the same values are, on the probes and on all others
WITNESSES = 4
WITNESS_SEED = 7
RIGHT = "right"
SHOWN = 20
WIDTH = 88
FACTORS = 3  # so many in a turn of the preview: they are the most frequent of all


Equals = tuple[str, Explanation, Explanation]


class Pair(NamedTuple):
    """Two mistakes (codes, joined by ``+``; or ``"right"``) with the same values in the answer `answer`."""

    answer: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.answer}: {self.first} = {self.second}"


class Proof(NamedTuple):
    """Pairs that these probes cannot tell apart (`confused`), `twins`, and where the loss could not be followed."""

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
        """The proof in words: what cannot be told apart, and the twins where they are asked for."""
        unique = {tuple(size.items()): size for size in self.sizes if size}.values()
        sizes = "; ".join(", ".join(f"{k} = {v}" for k, v in size.items()) for size in unique)
        key = ("proved" if self.passed else "not-proved") + ("" if sizes else "-scalar")
        lines = [say(key, lang, sizes=sizes, exercise=self.exercise, mistakes=self.mistakes, twins=len(self.twins))]
        lines += [f"    {pair}" for pair in self.confused[:SHOWN]]
        if len(self.confused) > SHOWN:
            lines.append("    " + say("more", lang, count=len(self.confused) - SHOWN))
        if self.stopped is not None:
            why, line, code = say(f"stop-{self.stopped.kind}", lang), self.stopped.line, self.stopped.code
            lines += ["", *wrap(say("stopped", lang, line=line, code=code, why=why))]
        if twins:
            names: dict[tuple[str, str], list[str]] = {}
            for pair in self.twins:
                names.setdefault((pair.answer, pair.first), [pair.first]).append(pair.second)
            lines += ["", say("proof-twins", lang)]
            lines += [f"    {answer}: {' = '.join(same)}" for (answer, first), same in names.items() if first != RIGHT]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def prove(exercise: Exercise, probes: Sequence[Probe] | None = None) -> Proof:
    """Show that probes (by default those on which mistakes are named) tell all known mistakes apart, or name the
    pairs that they cannot; a ValueError if one does not fit the exercise.
    """
    bank = bank_of(exercise)
    fixed = [*bank.references, *bank.checks]
    given = fixed if probes is None else [reference(exercise, probe) for probe in probes]
    witnesses = [*fixed, *(reference(exercise, p) for p in fresh(exercise, WITNESS_SEED, WITNESSES))]
    confused, twins, total = list[Equals](), list[Equals](), 0
    for name in exercise.answers:
        known = list(known_mistakes(bank, name))
        total += len({mistake.codes for mistake in known}) - 1
        for group in _same(known, given, EQUAL):
            if len({mistake.codes for mistake in group}) > 1:
                formulas = list(_same(group, witnesses, ONE_FORMULA))
                confused += [(name, *pair) for pair in combinations((formula[0] for formula in formulas), 2)]
                twins += [(name, formula[0], other) for formula in formulas for other in formula[1:]]
    sizes = tuple(dict(r.sizes) for r in given)
    return Proof(exercise.id, total, sizes, _pairs(confused), _pairs(twins), exercise.program.stopped)


def probes_of_sizes(exercise: Exercise, sizes: Sequence[Mapping[str, int]], seed: int = 0) -> list[Probe]:
    """One probe for each of the given sizes; a ValueError where a symbol has no size, or there is no such symbol."""
    for size in sizes:
        if any(number < 1 for number in size.values()):
            raise ValueError(f"sizes are whole numbers of at least 1, not {dict(size)}")
        if set(size) != set(exercise.symbols):
            wanted, got = ", ".join(exercise.symbols) or "nothing", ", ".join(size) or "none"
            raise ValueError(f"exercise {exercise.id!r} needs sizes for {wanted}; got {got}")
    rng = np.random.default_rng(seed)
    return [draw(exercise, dict(size), rng) for size in sizes]


def known_mistakes(bank: Bank, name: str) -> Iterator[Explanation]:
    """The right answer, its factors that come up in practice, and every mutation, with what they make of a probe."""
    answer = bank.exercise.answers[name]

    def right(tape: Tape) -> Array:
        return np.asarray(tape.noted(("right", name), lambda: value_of(answer, tape)))

    def mutated(mistake: Mistake, tape: Tape) -> Array:
        return np.asarray(mistake.value(name, tape) + offset(name, tape), dtype=float)

    yield Explanation((RIGHT,), 0.0, right)
    if answer.formula is None:
        powers = (tuple((size, power) for size, power in row if power) for row in bank.table.powers)
        few = [used for used in powers if len(used) <= 2 and "n-1" not in dict(used)]
        factors = (Factor(1, constant, used) for used in few for constant in CONSTANTS[:5])
        for factor in (*(factor for factor in factors if factor != ONE), Factor(-1)):
            yield Explanation(factor.codes, factor_cost(factor), combined([right], [factor]))
    for mistake in bank.mistakes(name):
        yield Explanation(mistake.codes, cost(mistake.kinds), partial(mutated, mistake))


def _values(known: Explanation, references: Sequence[Reference]) -> list[Array]:
    """What a mistake makes of probes, nothing where it cannot be made."""
    with np.errstate(all="ignore"), suppress(*REFUSED):
        return [known.make(at.tape) for at in references]
    return []


def _same(known: Sequence[Explanation], references: Sequence[Reference], close: float) -> Iterator[list[Explanation]]:
    """The mistakes in groups of the same shapes and values, the simplest of each first; zero up to rounding is zero."""
    by_shape: dict[tuple[tuple[int, ...], ...], list[tuple[Explanation, Array]]] = {}
    for mistake in sorted(known, key=lambda mistake: mistake.cost):
        values = _values(mistake, references)
        if values:
            flat = np.concatenate([value.ravel() for value in values])
            by_shape.setdefault(tuple(value.shape for value in values), []).append((mistake, flat))
    for members in by_shape.values():
        rows = np.stack([flat for _, flat in members])
        size, left = np.max(np.abs(rows), axis=1, initial=0.0), np.arange(len(rows))
        while left.size:
            first = left[0]
            with np.errstate(invalid="ignore"):
                apart = np.max(np.abs(rows[left] - rows[first]), axis=1, initial=0.0)
                same = apart <= np.maximum(close * np.maximum(size[left], size[first]), 1e-12)
            same[0] = True
            yield [members[i][0] for i in left[same]]
            left = left[~same]


def _pairs(found: Sequence[Equals]) -> tuple[Pair, ...]:
    """Pairs of different codes, each once, the simplest first."""
    ranked = sorted(found, key=lambda pair: pair[1].cost + pair[2].cost)
    pairs = [Pair(name, "+".join(a.codes), "+".join(b.codes)) for name, a, b in ranked if a.codes != b.codes]
    return tuple(dict.fromkeys(pairs))


def preview(exercise: Exercise, lang: str = "en", count: int = 20) -> Iterator[str]:
    """What students read for the commonest mistakes, each kind once before any comes again; then how exact it is."""
    questions = questions_of(exercise, seed=0)

    def judged(name: str, values: Sequence[Array]) -> AnswerReport:
        runs = [{"problem": None, "value": value, "again": value, "changed": (), "free": None} for value in values]
        return judge_one(questions, name, {"runs": runs, "guards": (), "globals": (), "parameters": ()})

    begun = time.perf_counter()
    for name in questions.names:
        judged(name, [at.right[name] for at in questions.judged])
    seconds = time.perf_counter() - begun
    said: set[str] = set()
    for name, values in _commonest(questions):
        with np.errstate(all="ignore"):
            answer = judged(name, values)
        message = answer.message(lang)
        if not answer.passed and message not in said:
            said.add(message)
            yield "\n".join([f"{name}  [{', '.join(answer.codes)}]", *wrap(message, WIDTH, "    ")])
        if len(said) == count:
            break
    steps = sorted({edge[0].lstrip("_") for edge in not_analytic(exercise)})
    exact = KNOWN_BY_DIFFERENCES if steps else 1e3 * np.finfo(float).eps
    key = "preview-differences" if steps else "preview-exact"
    yield say(key, lang, steps=", ".join(steps), exact=f"{exact:.0e}", seconds=f"{seconds:.2g}")


def _commonest(questions: Questions) -> Iterator[tuple[str, list[Array]]]:
    """Names of answers with wrong values on all probes: of every family of codes the simplest first."""
    found, seen = [], Counter[tuple[str, str]]()
    for name in questions.names:
        _, *wrong = known_mistakes(questions.bank, name)
        single = (known for known in wrong if len(known.codes) == 1)
        for mistake in sorted(single, key=lambda known: (known.cost, len(known.codes[0]))):
            family = mistake.codes[0].partition(":")[0]
            turn = seen[name, family] // (FACTORS if family == "factor" else 1)
            found.append((turn, mistake.cost, len(mistake.codes[0]), name, mistake))
            seen[name, family] += 1
    for *_, name, mistake in sorted(found, key=lambda item: item[:4]):
        values = _values(mistake, questions.judged)
        if values:
            yield name, values
