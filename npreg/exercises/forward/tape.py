"""A forward program at one point: its values, dense local Jacobians, and the reverse sweep through them.

The one mechanism that serves the right derivative, the derivatives of every step, and every mutation: edit
values, Jacobians or upstream derivatives, then sweep once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from npreg import differentiate
from npreg.exercises.forward.probes import bank
from npreg.exercises.forward.program import Array, Exercise, Step
from npreg.exercises.forward.trace import Program

STEP = 1e-30
RECENT = 7
Edit = Callable[[Array, "Tape"], Array]
Edge = tuple[str, str]
Wrap = Callable[[Step], Step]
Change = Callable[[Array], Array]


@dataclass(frozen=True)
class Edits:
    """What to change before a sweep; keys are names, or edges ``(step, argument)``.

    ``values``: a quantity everywhere; ``uses``: what one step sees of a quantity; ``functions``: a step's
    function, wrapped; ``local``: what the derivative of one step (first edge) sees of one of its arguments,
    the forward values being untouched; ``jacobians``: a local Jacobian (rows: entries of the step, columns:
    entries of the argument); ``upstreams``: the derivative of the loss with respect to a step.
    """

    values: tuple[tuple[str, Edit], ...] = ()
    uses: tuple[tuple[Edge, Edit], ...] = ()
    functions: tuple[tuple[str, Wrap], ...] = ()
    local: tuple[tuple[Edge, str, Edit], ...] = ()
    jacobians: tuple[tuple[Edge, Edit], ...] = ()
    upstreams: tuple[tuple[str, Edit], ...] = ()

    def shape(self, groups: Mapping[str, Any]) -> tuple[Any, ...]:
        """The edits with names of steps replaced by their groups: equal for the same edit of another step."""

        def grouped(item: Any) -> Any:
            if isinstance(item, tuple):
                return tuple(map(grouped, item))
            return groups.get(item, item) if isinstance(item, str) else item

        return tuple(grouped(getattr(self, kind.name)) for kind in fields(self))

    @property
    def names(self) -> set[str]:
        """The inputs and steps that are edited."""
        edges = [edge for edge, _ in (*self.uses, *self.jacobians)] + [edge for edge, *_ in self.local]
        named = (*self.values, *self.functions, *self.upstreams)
        return {name for name, _ in named} | {name for edge in edges for name in edge}

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.values + other.values,
            self.uses + other.uses,
            self.functions + other.functions,
            self.local + other.local,
            self.jacobians + other.jacobians,
            self.upstreams + other.upstreams,
        )


@dataclass(frozen=True)
class Tape:
    """Values of inputs and steps, and the Jacobian of every step with respect to every active argument."""

    exercise: Exercise
    program: Program
    values: Mapping[str, Array]
    jacobians: Mapping[Edge, Array]
    upstream_edits: Mapping[str, Edit]
    unedited: Tape | None = None
    notes: dict[Any, Any] = field(default_factory=dict)

    @property
    def origin(self) -> Tape:
        """The tape before any edit."""
        return self if self.unedited is None else self.unedited

    def noted(self, key: Any, make: Callable[[], Any]) -> Any:
        """Something computed from this tape once."""
        if key not in self.notes:
            self.notes[key] = make()
        return self.notes[key]

    def sweep(self, absolute: bool = False) -> dict[str, Array]:
        """The derivative of the loss with respect to every active name, in the shape of its value.

        ``absolute``: with the absolute values of all that is added and multiplied, which bounds its rounding.
        """
        loss = self.program.loss
        upstream: dict[str, Array] = {loss: np.ones(self.values[loss].size)}
        for step in reversed(list(self.program.steps)):
            if step not in upstream:
                continue
            edit = self.upstream_edits.get(step)
            if edit is not None:
                given = upstream[step].reshape(self.values[step].shape)
                upstream[step] = np.broadcast_to(edit(given, self), given.shape).ravel()
            for name in self.program.arguments[step]:
                jacobian = self.jacobians.get((step, name))
                if jacobian is not None:
                    flow = upstream[step] @ (np.abs(jacobian) if absolute else jacobian)
                    upstream[name] = upstream[name] + flow if name in upstream else flow
        return {name: flow.reshape(self.values[name].shape) for name, flow in upstream.items()}

    def edited(self, edits: Edits) -> Tape:
        """A new tape with the edits made; what they do not reach is shared with this one."""
        values, jacobians = dict(self.values), dict(self.jacobians)
        changed = set()
        for name, edit in edits.values:
            if name in self.exercise.inputs:
                values[name] = edit(values[name], self)
                changed.add(name)
        if edits.values or edits.uses or edits.functions:
            self._replay(edits, values, jacobians, changed)
        for edge, name, edit in edits.local:
            seen = {a: values[a] for a in self.program.arguments[edge[0]]}
            seen[name] = edit(seen[name], self)
            jacobians[edge] = self._jacobian(edge, seen)
        for edge, edit in edits.jacobians:
            jacobians[edge] = edit(jacobians[edge], self)
        upstream_edits = {**self.upstream_edits, **dict(edits.upstreams)}
        return Tape(self.exercise, self.program, values, jacobians, upstream_edits, self.origin)

    def _replay(self, edits: Edits, values: dict[str, Array], jacobians: dict[Edge, Array], changed: set[str]) -> None:
        program = self.program
        on_steps = {name: edit for name, edit in edits.values if name in program.steps}
        on_uses, replaced = dict(edits.uses), dict(edits.functions)
        for step, names in program.arguments.items():
            touched = [a for a in names if a in changed or (step, a) in on_uses]
            if touched or step in replaced:
                seen = {a: values[a] for a in names}
                for a in names:
                    if (step, a) in on_uses:
                        seen[a] = on_uses[step, a](seen[a], self)
                function = program.steps[step]
                if step in replaced:
                    function = replaced[step](function)
                values[step] = np.asarray(function(**seen))
                changed.add(step)
                for a in names:
                    if (step, a) in jacobians:
                        jacobians[step, a] = (
                            local_jacobian(function, seen, a) if step in replaced else self._jacobian((step, a), seen)
                        )
            if step in on_steps:
                here = Tape(self.exercise, program, values, jacobians, {}, self.origin)
                values[step] = on_steps[step](values[step], here)
                changed.add(step)

    def _jacobian(self, edge: Edge, seen: Mapping[str, Any]) -> Array:
        return _jacobian(self.exercise, self.program, edge, seen)


def record(exercise: Exercise, inputs: Mapping[str, Array], change: Change = lambda value: value) -> Tape:
    """Run the program forward on the inputs and take every local Jacobian that a wanted derivative needs.

    ``change`` is applied to every number, given or computed.
    """
    program = exercise.trace(inputs)
    values = program.forward(inputs, change)
    jacobians = {}
    for step, name in _edges(exercise, program, values):
        seen = {a: values[a] for a in program.arguments[step]}
        jacobians[step, name] = _jacobian(exercise, program, (step, name), seen)
    return Tape(exercise, program, values, jacobians, {})


def shaking(rng: np.random.Generator, size: float) -> Change:
    """The change of every number relatively by ``size``, up or down at random."""

    def shake(value: Array) -> Array:
        signs = rng.choice([-1.0, 1.0], size=value.shape)
        return np.asarray(value * (1.0 + size * signs)) if value.dtype.kind in "fc" else value

    return shake


def branches_turn(
    exercise: Exercise, inputs: Mapping[str, Array], rng: np.random.Generator, size: float, tries: int = 16
) -> bool:
    """Whether a step of truth values turns when everything is changed relatively by ``size``."""
    program = exercise.trace(inputs)
    values = program.forward(inputs)
    conditions = [name for name in program.steps if values[name].dtype.kind == "b"]
    for _ in range(tries if conditions else 0):
        shaken = program.forward(inputs, shaking(rng, size))
        if any(np.any(shaken[name] != values[name]) for name in conditions):
            return True
    return False


def _edges(exercise: Exercise, program: Program, values: Mapping[str, Array]) -> Iterator[Edge]:
    """The edges that a wanted derivative flows through: from numbers to numbers."""
    active = program.active(exercise.wanted)
    for step, names in program.arguments.items():
        for name in names:
            if name in active and values[step].dtype.kind == values[name].dtype.kind == "f":
                yield step, name


@dataclass
class Pattern:
    """How to take the Jacobian of one edge, for arguments of these shapes, by few evaluations.

    Columns without a common row are moved together (a colour): ``seeds`` says which, ``rows`` and
    ``columns`` where the result belongs. ``recent`` holds Jacobians met before, with their slopes along
    ``probe``: a linear step has the same one again. Whatever is taken from here is checked along ``probe``.
    """

    seeds: Array
    rows: list[Array]
    columns: list[Array]
    probe: Array
    recent: list[tuple[Array, Array]] = field(default_factory=list)


def _jacobian(exercise: Exercise, program: Program, edge: Edge, seen: Mapping[str, Any]) -> Array:
    """The local Jacobian of an edge, by as few evaluations as its pattern allows."""
    key = (edge, tuple(value.shape for value in seen.values()))
    function, name = program.steps[edge[0]], edge[1]
    if edge in not_analytic(exercise):
        return by_differences(function, seen, name)
    pattern = exercise.notes.get(key)
    known = _by_pattern(function, seen, name, pattern) if pattern is not None else None
    if known is not None:
        return known
    jacobian = local_jacobian(function, seen, name)
    exercise.notes[key] = _colour(jacobian != 0 if pattern is None else np.ones(jacobian.shape, dtype=bool))
    return jacobian


def not_analytic(exercise: Exercise) -> frozenset[Edge]:
    """The edges on which the complex step is wrong or refused, found once on data drawn for the exercise."""
    if "not analytic" not in exercise.notes:
        probe = bank(exercise)[0]
        program = exercise.trace(probe)
        values = program.forward(probe)
        edges = _edges(exercise, program, values)
        exercise.notes["not analytic"] = frozenset(e for e in edges if not _analytic(program, e, values))
    found: frozenset[Edge] = exercise.notes["not analytic"]
    return found


def _analytic(program: Program, edge: Edge, values: Mapping[str, Array]) -> bool:
    seen = {a: values[a] for a in program.arguments[edge[0]]}
    return differentiate.derivative(program.steps[edge[0]], seen, edge[1]).method == "complex step"


def by_differences(function: Step, seen: Mapping[str, Any], name: str) -> Array:
    """The Jacobian of a step that the complex step cannot take."""
    jacobian = differentiate.jacobian(function, seen, name)
    return np.asarray(jacobian.reshape(-1, np.size(seen[name])))


def _colour(used: Array) -> Pattern:
    """Put columns together greedily, as long as no row would belong to two of them."""
    count = used.shape[1]
    clash = used.T.astype(np.float32) @ used > 0
    colours = np.zeros(count, dtype=int)
    for j in range(1, count):
        taken = set(colours[:j][clash[j, :j]].tolist())
        colours[j] = next(c for c in range(j + 1) if c not in taken)
    seeds = colours == np.arange(np.max(colours, initial=0) + 1)[:, None]
    places = [np.nonzero(used & seed) for seed in seeds]
    return Pattern(seeds, [r for r, _ in places], [c for _, c in places], np.cos(np.arange(count) + 0.5))


def _by_pattern(function: Step, seen: Mapping[str, Any], name: str, pattern: Pattern) -> Array | None:
    """The Jacobian by its pattern, or None where a check along one more direction contradicts the pattern."""
    slope = _slope(function, seen, name)
    along = slope(pattern.probe)
    for jacobian, known in pattern.recent:
        if (known == along).all():
            return jacobian
    jacobian = np.zeros((along.size, pattern.probe.size))
    for seed, rows, columns in zip(pattern.seeds, pattern.rows, pattern.columns, strict=True):
        jacobian[rows, columns] = slope(seed)[rows]
    error = np.abs(jacobian @ pattern.probe - along)
    if np.any(error > 1e-9 * (np.abs(jacobian) @ np.abs(pattern.probe))):
        return None
    pattern.recent = [(jacobian, along), *pattern.recent[:RECENT]]
    return jacobian


def local_jacobian(function: Step, seen: Mapping[str, Any], name: str) -> Array:
    """The derivative of one step's entries (rows) with respect to one argument's entries (columns)."""
    slope = _slope(function, seen, name)
    return np.stack([slope(unit) for unit in np.eye(np.size(seen[name]))], axis=1)


def _slope(function: Step, seen: Mapping[str, Any], name: str) -> Change:
    """The derivative along a direction in one argument, by the complex step."""
    point = np.asarray(seen[name], dtype=float)
    arguments = dict(seen)

    def slope(direction: Array) -> Array:
        arguments[name] = point + 1j * STEP * direction.reshape(point.shape)
        return np.imag(np.ravel(function(**arguments))) / STEP

    return slope
