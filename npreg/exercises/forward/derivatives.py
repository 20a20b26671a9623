"""What an answer function must return on a probe, and what it would return under a mutation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from npreg.exercises.forward.program import Answer, Array, Exercise, parameters
from npreg.exercises.forward.tape import Tape, record


def value_of(answer: Answer, tape: Tape, swept: Mapping[str, Array] | None = None) -> Array:
    """The value that the answer asks for, under whatever edits the tape carries."""
    if answer.order == 0:
        return tape.values[tape.program.loss]
    if answer.order == 2:
        return _second_derivative(tape, answer.wrt)
    derivatives = tape.sweep() if swept is None else swept
    if answer.formula is None:
        return derivatives[answer.wrt]
    return apply_formula(answer, tape, derivatives)


def apply_formula(answer: Answer, tape: Tape, derivatives: Mapping[str, Array], scale: float = 1.0) -> Array:
    """An update formula with the derivatives it names, multiplied by ``scale``."""
    assert answer.formula is not None
    names = tape.exercise.gradient_names
    given = {
        name: scale * derivatives[names[name]] if name in names else tape.values[name]
        for name in parameters(answer.formula)
    }
    return np.asarray(answer.formula(**given))


def _second_derivative(tape: Tape, wrt: str) -> Array:
    """Fourth-order central differences of the swept gradient; exact up to rounding for a quadratic loss."""
    point = np.asarray(tape.values[wrt], dtype=float)
    inputs = {name: tape.values[name] for name in tape.exercise.inputs}

    def rise(move: Array) -> Array:
        above, below = (record(tape.exercise, {**inputs, wrt: point + m}).sweep()[wrt] for m in (move, -move))
        return np.ravel(above - below)

    steps = np.diag(2.0 ** np.round(np.log2(np.maximum(np.abs(point.ravel()), 1.0)))) / 64
    moves = steps.reshape(-1, *point.shape)
    return np.stack([(8 * rise(move / 2) - rise(move)) / (6 * move.sum()) for move in moves], axis=1)


def quantities_of(exercise: Exercise, sizes: Mapping[str, int], probe: Mapping[str, Array]) -> dict[str, float]:
    """Everything that can be a factor on this probe: the sizes, n − 1, and the settings."""
    found = {name: float(size) for name, size in sizes.items()}
    if sizes.get("n", 0) > 2:
        found["n-1"] = sizes["n"] - 1.0
    return found | {name: float(probe[name]) for name in exercise.settings}
