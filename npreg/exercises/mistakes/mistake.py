"""A known mistake as a record, and what the rules that make them ask of a graph."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Answer, Array, Exercise, gradient
from npreg.exercises.forward.tape import Edits, Tape, apply_formula, value_of
from npreg.exercises.found import Facts
from npreg.exercises.mistakes.preference import Kind

Make = Callable[[Tape], Array]
REFUSED = (ValueError, LookupError, TypeError, np.linalg.LinAlgError)


@dataclass(frozen=True)
class Mistake:
    """Codes (none: the right answer), kinds, what to edit or else how to make the wrong value, and what is known."""

    codes: tuple[str, ...]
    kinds: tuple[Kind, ...]
    edits: Edits = field(default_factory=Edits)
    make: Make | None = field(default=None, repr=False)
    found: Facts = field(default_factory=Facts)
    halves: "tuple[Mistake, ...]" = ()

    def __add__(self, other: "Mistake") -> "Mistake":
        """Both mistakes at once."""
        codes = tuple(dict.fromkeys((*self.codes, *other.codes)))
        kinds, edits, found = self.kinds + other.kinds, self.edits + other.edits, self.found | other.found
        return Mistake(codes, kinds, edits, None, found, (self, other))

    def value(self, name: str, tape: Tape) -> Array:
        """What a student with this mistake returns as answer ``name``, less its ``offset``."""
        if self.make is not None:
            return np.asarray(self.make(tape))
        return np.asarray(value_of(asked(tape.exercise, name), tape.edited(self.edits)) - offset(name, tape))


RIGHT = Mistake((), (Kind.RIGHT,))


def asked(exercise: Exercise, name: str) -> Answer:
    """What a function of this name must return: an answer, or the derivative in a step."""
    return exercise.answers.get(name) or gradient(name.removeprefix("grad_"))


def offset(name: str, tape: Tape) -> Array:
    """The part of an update formula that no gradient enters: the old parameter; zero for a derivative."""
    answer = asked(tape.exercise, name)
    return np.zeros(()) if answer.formula is None else apply_formula(answer, tape, tape.sweep(), scale=0.0)


def quantity(name: str) -> Make:
    return lambda tape: np.asarray(tape.values[name] * 1.0)


def derivative(wrt: str, edits: Edits | None = None) -> Make:
    return lambda tape: (tape if edits is None else tape.edited(edits)).sweep()[wrt]


def known(kind: Kind, code: str, how: Edits | Make, **facts: Any) -> Mistake:
    """A single mistake, by the edits of the derivative or by the wrong value, and what is known of it."""
    edits, make = (how, None) if isinstance(how, Edits) else (Edits(), how)
    return Mistake((code,), (kind,), edits, make, facts)


def on_step(kind: Kind, tape: Tape, family: str, step: str, edits: Edits) -> Mistake:
    """A mistake in the chain at a step; of a hidden one, only the visible step around it is named."""
    public = tape.exercise.public(step)
    facts = {} if public == step else {"inside": public}
    return known(kind, f"{family}:{public}", edits, **facts)


def mixed_up(kind: Kind, tape: Tape, meant: str, used: str, edits: Edits) -> Mistake:
    """One quantity in the place of another."""
    return known(kind, "wrong-variable", edits, **told(tape.exercise, used=used, meant=meant))


def told(exercise: Exercise, **facts: str) -> dict[str, str]:
    """What is known of some quantities, if students see all of them (or what they are the derivatives in)."""
    visible = {*exercise.inputs, *exercise.public_steps, *exercise.answers}
    seen = all(name in visible or name.removeprefix("grad_") in visible for name in facts.values())
    return facts if seen else {}


def twins(tape: Tape, name: str) -> Iterator[str]:
    """Other quantities of the same shape."""
    same = (other for other, value in tape.values.items() if value.shape == tape.values[name].shape)
    return (other for other in same if other != name and tape.values[other].dtype.kind != "b")


def is_summand(tape: Tape, name: str) -> bool:
    """Whether a scalar step is made of it directly: the losses of the single examples."""
    return any(tape.values[step].ndim == 0 for step, argument in tape.jacobians if argument == name)


def origins(exercise: Exercise, name: str) -> list[str]:
    """The name itself and all steps and inputs that it depends on, in forward order."""
    found = {name}
    for step in reversed(list(exercise.steps)):
        if step in found:
            found.update(exercise.arguments[step])
    return [other for other in (*exercise.inputs, *exercise.steps) if other in found]
