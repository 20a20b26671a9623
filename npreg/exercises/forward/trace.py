"""From a plain NumPy loss function to its forward program: named steps, found by running it once.

The local variables that the function assigns are the steps that people see, the last the loss; what lies between them
is internal (`_1`, `_2`, …). A helper with one argument (`sigmoid`, `softmax`) is one step; `parts` is the same program
with the insides of helpers as steps. Sizes read off the inputs are constants: a program holds for these shapes.
"""

import inspect
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import CodeType
from typing import Any

import numpy as np

from npreg.exercises.forward.recorder import Array, Node, Recorder, Stop, Traced, called, named, run

Change = Callable[[Array], Array]
SCALES = (np.multiply, np.divide, np.negative)
SHIFTS = (np.add, np.subtract, np.negative)
TURNS = (np.transpose, named("T"), named("transpose"))


class NotALoss(ValueError):
    """A function whose result is no scalar, or depends on no input."""


@dataclass(frozen=True, eq=False)
class Program:
    """A forward computation as steps: functions whose arguments are inputs or earlier steps."""

    inputs: tuple[str, ...]
    steps: Mapping[str, Callable[..., Any]]  # by name, in forward order; the last is the loss
    arguments: Mapping[str, tuple[str, ...]]
    stopped: Stop | None = None  # where following ended; the loss is then a single step
    frozen: bool = False  # whether numbers of inputs, not only their shapes, are constants of this program
    parts: "Program | None" = field(default=None, repr=False)  # with the insides of helpers as steps, if there are any
    rounds: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of steps in a loop, their place in the code

    @cached_property
    def loss(self) -> str:
        return list(self.steps)[-1]

    @cached_property
    def public_steps(self) -> tuple[str, ...]:
        return tuple(name for name in self.steps if not name.startswith("_"))

    def public(self, name: str) -> str:
        """The name that messages use for a step: of an internal step, the next public one that uses it."""
        reached = self.active([name])
        return next((s for s in (name, *self.steps) if s in reached and not s.startswith("_")), name)

    def active(self, wanted: Sequence[str]) -> frozenset[str]:
        """These inputs or steps, and all steps that depend on them."""
        found = set(wanted)
        for name in self.steps:
            if found.intersection(self.arguments[name]):
                found.add(name)
        return frozenset(found)

    def seen(self, step: str, values: Mapping[str, Array]) -> dict[str, Array]:
        return {name: values[name] for name in self.arguments[step]}

    def forward(self, inputs: Mapping[str, Any], change: Change = lambda value: value) -> dict[str, Array]:
        """Compute every step from the inputs, each number changed; returns inputs and steps by name."""
        values: dict[str, Array] = {name: change(np.asarray(inputs[name])) for name in self.inputs}
        for name, step in self.steps.items():
            values[name] = change(np.asarray(step(**self.seen(name, values))))
        return values


def trace(function: Callable[..., Any], inputs: Mapping[str, Any], wanted: Sequence[str]) -> Program:
    """The forward program of a loss, to be differentiated in ``wanted``; raises NotALoss, and what the loss raises."""
    names = tuple(inputs)
    used = [name for name in parameters(function) if name in inputs]
    recorder = Recorder(code_of(function))
    traced = {name: recorder.add(None, (), (), np.array(inputs[name]), name in wanted) for name in names}
    out: Any = None
    stopped = None
    with np.errstate(all="ignore"):
        try:
            out = scalar_of(run(function, {name: traced[name] for name in used}))
            recorder.read_names()
        except (Exception, SystemExit) as error:
            stopped = stop_in(recorder.code, "error", error)
        plain = function(**{name: np.array(inputs[name])[()] for name in used})
    expected, stopped = scalar_of(plain), recorder.stop or stopped
    if expected is None or np.size(expected) != 1 or np.asarray(expected).dtype.kind not in "fiu":
        kind = "nothing: end it with return" if plain is None else f"a {type(plain).__name__} without one"
        several = plain is None or isinstance(plain, (tuple, list, dict))
        told = f"the function returns {kind}" if several else f"it has the shape {np.shape(plain)}"
        raise NotALoss(f"the loss must be a scalar; {told}")
    if stopped is None:
        if not isinstance(out, Traced):
            raise NotALoss("the loss depends on none of the inputs")
        if out.ndim or recorder.nodes[out._at].function is None:
            out = out.reshape(())
        graph = _Graph(recorder, names, out._at)
        program = graph.program(folded=True)
        with np.errstate(all="ignore"):
            found = program.forward(inputs)[program.loss]
        if np.allclose(found, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
            parts = graph.program(folded=False) if graph.helpers else None
            return replace(program, frozen=recorder.frozen, parts=parts)
        stopped = stop_in(recorder.code, "changed")
    return whole(function, names, stopped)


def whole(function: Callable[..., Any], names: tuple[str, ...], stopped: Stop) -> Program:
    """A function that cannot be followed as a program of one step."""
    steps = {"loss": lambda **seen: np.reshape(scalar_of(function(**seen)), ())}
    return Program(names, steps, {"loss": tuple(name for name in parameters(function) if name in names)}, stopped)


def scalar_of(result: Any) -> Any:
    """The loss in what a function returns: the result itself, or the first scalar of several results."""
    if not isinstance(result, (tuple, list)):
        return result
    return next((item for item in result if np.size(item) == 1 and not isinstance(item, dict)), None)


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def code_of(function: Any) -> CodeType | None:
    """The code whose local variables are read: of a wrapped or bound function, its own."""
    function = inspect.unwrap(function)
    if isinstance(function, partial):
        return code_of(function.func)
    function = getattr(function, "__func__", function)
    found: CodeType | None = getattr(function, "__code__", None)
    return found or getattr(type(function).__call__, "__code__", None)


def stop_in(code: CodeType | None, kind: str, error: BaseException | None = None) -> Stop:
    """An end of following in the first line of a function, or in its last one that an exception passed through."""
    if code is None:
        return Stop(kind)
    frames = traceback.extract_tb(error.__traceback__) if error is not None else ()
    passed = [f.lineno or 0 for f in frames if (f.filename, f.name) == (code.co_filename, code.co_name)]
    return Stop(kind, code.co_filename, code.co_firstlineno if error is None else [0, *passed][-1])


class _Graph:
    """The recorded nodes, and which of them make one step together."""

    def __init__(self, recorder: Recorder, inputs: tuple[str, ...], out: int) -> None:
        self.nodes, self.inputs, self.out = recorder.nodes, inputs, out
        needed = {out}
        for at in range(out, -1, -1):
            needed.update(self.nodes[at].sources if at in needed else ())
        self.live = sorted({*range(len(inputs)), *needed})
        self.users = {at: [user for user in self.live if at in self.nodes[user].sources] for at in self.live}
        self.names = dict(enumerate(inputs)) | self._named(recorder.assigned)
        self.names.setdefault(out, "total_loss" if "loss" in self.names.values() else "loss")
        self.owner = {at: self._owner(at) for at in self.live}
        self.helpers = dict(self._helpers())
        self.count = 0

    def _named(self, assigned: Iterable[tuple[str, int]]) -> dict[int, str]:
        """Names of nodes; a variable assigned several times is x_1, x_2, …, and x in the end."""
        first: dict[int, str] = {}
        for name, at in assigned:
            if at in self.live and at >= len(self.inputs):
                first.setdefault(at, name)
        names, known, count = {}, {*self.inputs, *first.values()}, Counter[str]()
        for at, name in first.items():
            count[name] += 1
            last = count[name] == list(first.values()).count(name) and name not in self.inputs
            names[at] = name if last else _free(f"{name}_{count[name]}", known)
            known.add(names[at])
        return names

    def _owner(self, at: int) -> int:
        """The node whose step this one belongs to: itself, or its only user if still, scaled, shifted or turned."""
        users, node = self.users[at], self.nodes[at]
        if at in self.names or len(users) != 1:
            return at
        user, sources = self.nodes[users[0]], node.sources
        beside = [self.nodes[s] for s in user.sources if s != at]
        scaled = user.function in SCALES and not any(s.active or s.value.size > 1 for s in beside)
        one_quantity = len(sources) == 1 and (sources[0] in self.names or len(self.users[sources[0]]) > 1)
        shifted = node.function in SHIFTS and one_quantity and not any(isinstance(a, np.ndarray) for a in node.given[0])
        # no derivative flows through it, and it has the shape of what it comes from
        still = not node.active and all(node.value.shape == self.nodes[s].value.shape for s in sources)
        return users[0] if scaled or shifted or still or node.function in TURNS else at

    def _helpers(self) -> Iterator[tuple[int, int]]:
        """Nodes inside helpers of one argument and one result, with the node of that result."""
        calls = dict.fromkeys(call for at in self.live for call in self.nodes[at].calls)
        inside = [{at for at in self.live if call in self.nodes[at].calls} for call in calls]
        done: set[int] = set()
        for members in sorted(inside, key=len, reverse=True):
            given = {s for at in members for s in self.nodes[at].sources} - members
            results = {at for at in members if at == self.out or not members.issuperset(self.users[at])}
            if len(members) > 1 and len(given) == 1 == len(results) and not members & done:
                done |= members
                yield from ((at, min(results)) for at in members)

    def _top(self, at: int, folded: bool) -> int:
        above = self.helpers.get(at, at) if folded else at
        above = self.owner[above] if above == at else above
        return at if above == at else self._top(above, folded)

    def program(self, folded: bool) -> Program:
        groups: dict[int, list[int]] = {}
        for at in self.live[len(self.inputs) :]:
            groups.setdefault(self._top(at, folded), []).append(at)
        names, steps, arguments = self.names, {}, {}
        for at, members in sorted(groups.items()):
            if at not in names:
                self.count += 1
                names[at] = _free(f"_{self.count}", set(names.values()))
            entering = dict.fromkeys(s for m in members for s in self.nodes[m].sources if s not in members)
            steps[names[at]] = _step([(m, self.nodes[m]) for m in members], {names[s]: s for s in entering})
            arguments[names[at]] = tuple(names[s] for s in entering)
        spots = {names[at]: self.nodes[at].spot for at in groups}
        count = Counter(spots.values())
        rounds = {name: spot for name, spot in spots.items() if count[spot] > 1}
        return Program(self.inputs, steps, arguments, rounds=rounds)


def _free(name: str, taken: set[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _step(nodes: Sequence[tuple[int, Node]], entering: Mapping[str, int]) -> Callable[..., Any]:

    def step(**seen: Any) -> Any:
        values = {entering[name]: value for name, value in seen.items()}
        for at, node in nodes:
            values[at] = called(node.function, node.given, values)
        return values[nodes[-1][0]]

    return step
