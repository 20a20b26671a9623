"""A forward program at one point: its values, dense local Jacobians, and the reverse sweep through them.

It serves the right derivative, those of every step, and every mutation: edit what is there, then sweep once.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npreg import differentiate
from npreg.exercises.forward.probes import bank
from npreg.exercises.forward.program import Answer, Array, Exercise, Step, parameters
from npreg.exercises.forward.trace import Change, Program

STEP = 1e-30
RECENT = 8
Edit = Callable[[Array, "Tape"], Array]
Edge = tuple[str, str]
Wrap = Callable[[Step], Step]


@dataclass(frozen=True)
class Edits:
    """What to change before a sweep; keys are names, or edges ``(step, argument)``."""

    values: tuple[tuple[str, Edit], ...] = ()  # a quantity everywhere
    uses: tuple[tuple[Edge, Edit], ...] = ()  # what one step sees of it
    functions: tuple[tuple[str, Wrap], ...] = ()  # a step's function, wrapped
    local: tuple[tuple[Edge, str, Edit], ...] = ()  # what the derivative of one step alone sees of an argument
    jacobians: tuple[tuple[Edge, Edit], ...] = ()  # a local one, whose rows are entries of the step
    upstreams: tuple[tuple[str, Edit], ...] = ()  # the loss's derivative in a step

    def shape(self, groups: Mapping[str, Any]) -> Any:
        """The edits with names of steps replaced by their groups: equal for the same edit of another step."""

        def grouped(item: Any) -> Any:
            if isinstance(item, tuple):
                return tuple(map(grouped, item))
            return groups.get(item, item) if isinstance(item, str) else item

        return grouped(tuple(vars(self).values()))

    @property
    def names(self) -> set[str]:
        keys = [key for changes in vars(self).values() for *keys, _ in changes for key in keys]
        return {name for key in keys for name in ([key] if isinstance(key, str) else key)}

    def __add__(self, other: "Edits") -> "Edits":
        return Edits(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class Tape:
    """Values of inputs and steps, and the Jacobian of every step with respect to every active argument."""

    exercise: Exercise
    program: Program
    values: Mapping[str, Array]
    jacobians: Mapping[Edge, Array]
    upstream_edits: Mapping[str, Edit]
    unedited: "Tape | None" = None
    notes: dict[Any, Any] = field(default_factory=dict)

    @property
    def origin(self) -> "Tape":
        return self if self.unedited is None else self.unedited

    def noted(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self.notes:
            self.notes[key] = make()
        return self.notes[key]

    def sweep(self, absolute: bool = False) -> dict[str, Array]:
        """The derivative of the loss in every active name; ``absolute``: of all that is added, bounding rounding."""
        loss = self.program.loss
        upstream: dict[str, Array] = {loss: np.ones(self.values[loss].size)}
        for step in (step for step in reversed(list(self.program.steps)) if step in upstream):
            if step in self.upstream_edits:
                given = upstream[step].reshape(self.values[step].shape)
                upstream[step] = np.broadcast_to(self.upstream_edits[step](given, self), given.shape).ravel()
            for name in (name for name in self.program.arguments[step] if (step, name) in self.jacobians):
                jacobian = self.jacobians[step, name]
                flow = upstream[step] @ (np.abs(jacobian) if absolute else jacobian)
                upstream[name] = upstream[name] + flow if name in upstream else flow
        return {name: flow.reshape(self.values[name].shape) for name, flow in upstream.items()}

    def edited(self, edits: Edits) -> "Tape":
        """A new tape with the edits made; what they do not reach is shared with this one."""
        program, values, jacobians = self.program, dict(self.values), dict(self.jacobians)
        upstream_edits = {**self.upstream_edits, **dict(edits.upstreams)}
        edited = Tape(self.exercise, program, values, jacobians, upstream_edits, self.origin)
        on_values, on_uses, wraps = dict(edits.values), dict(edits.uses), dict(edits.functions)
        changed = on_values.keys() & self.exercise.inputs.keys()
        for name, edit in edits.values:
            values[name] = edit(values[name], self) if name in changed else values[name]
        for step, names in program.arguments.items():
            if step in wraps or any(a in changed or (step, a) in on_uses for a in names):
                changed.add(step)
                seen = {a: on_uses[step, a](values[a], self) if (step, a) in on_uses else values[a] for a in names}
                function = wraps[step](program.steps[step]) if step in wraps else program.steps[step]
                values[step] = np.asarray(function(**seen))
                edges = [(step, a) for a in names if (step, a) in jacobians]
                jacobians |= {edge: _jacobian(self.exercise, function, edge, seen) for edge in edges}
            if step in on_values:
                changed.add(step)
                values[step] = on_values[step](values[step], edited)
        for edge, name, edit in edits.local:
            seen = program.seen(edge[0], {**values, name: edit(values[name], self)})
            jacobians[edge] = _jacobian(self.exercise, program.steps[edge[0]], edge, seen)
        for edge, edit in edits.jacobians:
            jacobians[edge] = edit(jacobians[edge], self)
        return edited


def record(exercise: Exercise, inputs: Mapping[str, Array], change: Change = lambda value: value) -> Tape:
    """Run the program, every number changed, and take every local Jacobian that a wanted derivative needs."""
    program = exercise.trace(inputs)
    values = program.forward(inputs, change)
    edges, steps = _edges(exercise, program, values), program.steps
    jacobians = {(s, a): _jacobian(exercise, steps[s], (s, a), program.seen(s, values)) for s, a in edges}
    return Tape(exercise, program, values, jacobians, {})


def _edges(exercise: Exercise, program: Program, values: Mapping[str, Array]) -> list[Edge]:
    """The edges that a wanted derivative flows through: from numbers to numbers."""
    active, numbers = program.active(exercise.wanted), {name for name, v in values.items() if v.dtype.kind == "f"}
    used = program.arguments
    return [(step, name) for step in used if step in numbers for name in used[step] if name in active & numbers]


def not_analytic(exercise: Exercise) -> frozenset[Edge]:
    """The edges on which the complex step is wrong or refused, found once on data drawn for the exercise."""
    if "not analytic" not in exercise.notes:
        probe = bank(exercise)[0]
        program, values = exercise.trace(probe), exercise.forward(probe)
        calls = {(s, a): (program.steps[s], program.seen(s, values), a) for s, a in _edges(exercise, program, values)}
        found = (edge for edge, call in calls.items() if differentiate.derivative(*call).method != "complex step")
        exercise.notes["not analytic"] = frozenset(found)
    return exercise.notes["not analytic"]  # type: ignore[no-any-return]


def _jacobian(exercise: Exercise, function: Step, edge: Edge, seen: Mapping[str, Any]) -> Array:
    """The derivative of one step's entries (rows) in an argument's (columns), or one met before with its slope."""
    point = np.asarray(seen[edge[1]], dtype=float)
    if time.monotonic() > exercise.notes.get("until", np.inf):
        raise TimeoutError("the search takes too long; give fewer numbers")
    if edge in not_analytic(exercise):
        return differentiate.jacobian(function, seen, edge[1]).reshape(-1, point.size)
    arguments = dict(seen)

    def slope(direction: Array) -> Array:
        arguments[edge[1]] = point + 1j * STEP * direction.reshape(point.shape)
        return np.imag(np.ravel(function(**arguments))) / STEP

    recent: list[tuple[Array, Array]] = exercise.notes.setdefault((edge, *map(np.shape, seen.values())), [])
    along = slope(np.cos(np.arange(point.size) + 0.5))
    for jacobian, known in recent:
        if known.shape == along.shape and (known == along).all():
            return jacobian
    jacobian = np.stack([slope(unit) for unit in np.eye(point.size)], axis=1)
    recent[:] = [(jacobian, along), *recent[: RECENT - 1]]
    return jacobian


def value_of(answer: Answer, tape: Tape, swept: Mapping[str, Array] | None = None) -> Array:
    """The value that the answer asks for, under whatever edits the tape carries."""
    if answer.order == 0:
        return tape.values[tape.program.loss]
    if answer.order == 2:
        return _second_derivative(tape, answer.wrt)
    derivatives = tape.sweep() if swept is None else swept
    return derivatives[answer.wrt] if answer.formula is None else apply_formula(answer, tape, derivatives)


def apply_formula(answer: Answer, tape: Tape, derivatives: Mapping[str, Array], scale: float = 1.0) -> Array:
    """An update formula with the derivatives it names, multiplied by ``scale``."""
    assert answer.formula is not None
    names = tape.exercise.gradient_names.items()
    given = {**tape.values, **{name: scale * derivatives[wrt] for name, wrt in names if wrt in derivatives}}
    return np.asarray(answer.formula(**{name: given[name] for name in parameters(answer.formula)}))


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
