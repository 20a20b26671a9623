"""An exercise: a loss function, the inputs it is drawn for, and the derivatives asked for.

The loss is a plain NumPy function; the local variables that it assigns are the steps that students see.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from npreg.exercises.forward.inputs import BANK_SIZES, completed
from npreg.exercises.forward.inputs import Array as Array
from npreg.exercises.forward.inputs import Input as Input
from npreg.exercises.forward.trace import NotALoss, Program, code_of, scalar_of, stop_in, trace, whole
from npreg.exercises.forward.trace import parameters as parameters
from npreg.exercises.report import UnusableFile

_CHOICES = 60
Step = Callable[..., Any]
Text = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What a student's function must return; made by ``gradient``, ``hessian`` and ``update``."""

    wrt: str = ""
    order: int = 1
    formula: Step | None = None


def gradient(wrt: str) -> Answer:
    """The derivative of the last step with respect to the input ``wrt``, in the shape of that input."""
    return Answer(wrt)


def value() -> Answer:
    """The loss itself, as one of several results of a function."""
    return Answer(order=0)


def gradients(*wrt: str) -> dict[str, Answer]:
    """Answers ``grad_w``, ``grad_b``, … for the derivatives in these inputs."""
    return {f"grad_{name}": gradient(name) for name in wrt}


def hessian(wrt: str) -> Answer:
    """The second derivative of the last step with respect to the vector ``wrt``, a square matrix."""
    return Answer(wrt, order=2)


def update(wrt: str, formula: Step) -> Answer:
    """A formula that may name derivatives: ``lambda w, grad_w, lr: w - lr * grad_w`` for the new ``w``."""
    return Answer(wrt, formula=formula)


def _of_program(name: str) -> Any:
    return property(lambda exercise: getattr(exercise.program, name))


@dataclass(frozen=True, eq=False)
class Exercise:
    """A loss function with the derivatives asked for, and the words around it.

    Parameters
    ----------
    function : the loss, a plain NumPy function whose parameters are names of inputs
    inputs : from name to ``Input``; a symbolic size such as ``"n"`` is the same number everywhere
    answers : from the name of a student's function to what it must return, or to several such in a tuple;
        these are then answers ``name[0]``, ``name[1]``, …
    id : the exercise's name in commands and files; by default the function's, with hyphens
    title, statement : words in ``"en"`` and ``"zh"``: what to derive, and why it matters
    mistakes : a teacher's own mistakes, see ``OwnMistake``
    solution : text shown for ``--solution``; None means that this file does not allow it
    known : of an exercise in which helpers are cut into steps (``finer``), what is as it was

    Raises
    ------
    ValueError
        if a name is none of an input or an answer, or the id cannot name a file.
    TypeError
        if the loss is no function, an input not made by ``real`` or its like, an answer not by ``gradient``.

    >>> def loss(w, x, y):
    ...     y_hat = w * x
    ...     return (y_hat - y) ** 2
    >>> Exercise(loss, {"w": Input(), "x": Input(), "y": Input()}, {"grad_w": gradient("w")}).public_steps
    ('y_hat', 'loss')
    """

    function: Step
    inputs: Mapping[str, Input]
    answers: Mapping[str, Any]
    id: str = ""
    title: Text = field(default_factory=dict)
    statement: Text = field(default_factory=dict)
    mistakes: "Sequence[OwnMistake]" = ()
    solution: str | None = None
    known: frozenset[str] = frozenset()
    notes: dict[Any, Any] = field(default_factory=dict, repr=False, init=False)

    steps: ClassVar[Mapping[str, Step]] = _of_program("steps")
    arguments: ClassVar[Mapping[str, tuple[str, ...]]] = _of_program("arguments")
    loss: ClassVar[str] = _of_program("loss")
    public_steps: ClassVar[tuple[str, ...]] = _of_program("public_steps")
    public: ClassVar[Any] = _of_program("public")

    def __new__(cls, function: Any = None, *args: Any, **kwargs: Any) -> "Exercise":
        """Refuse what exercises were made of before: a dictionary of steps."""
        if "steps" in kwargs or not callable(function):
            such = "def loss(X, y, w): r = X @ w - y; return np.mean(r**2), for Exercise(loss, inputs, answers)"
            cure = f"write its steps as the lines of a loss function, {such}"
            seen = f"its local variables are the steps that students see. Got {function!r}"
            raise TypeError(f"an exercise is made from a function: {cure}; {seen}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        if not self.id:
            name = getattr(self.function, "__name__", "").strip("<>").replace("_", "-")
            object.__setattr__(self, "id", "exercise" if name == "lambda" else name or "exercise")
        if isinstance(self.answers, Mapping):
            flat: dict[str, Any] = {}
            for name, answer in self.answers.items():
                several = isinstance(answer, (tuple, list))
                flat |= {f"{name}[{i}]": part for i, part in enumerate(answer)} if several else {name: answer}
            object.__setattr__(self, "answers", flat)
        for kind, why in self._slips():
            raise kind(f"exercise {self.id!r}: {why}")

    def _slips(self) -> Iterator[tuple[type[Exception], str]]:
        """What a teacher's first exercise may have wrong: names in the place of objects, and unknown names."""
        if not self.id.replace("-", "").replace("_", "").isalnum():
            yield ValueError, "an id is made of letters, digits and hyphens, for it names files"
        for what, kind, cure in (("inputs", Input, 'real("n", "d")'), ("answers", Answer, 'gradient("w")')):
            given = getattr(self, what)
            if not isinstance(given, Mapping):
                yield TypeError, f"{what} must be a dict from names to such as {cure}, not {given!r}"
            for name, value in given.items():
                if not isinstance(value, kind):
                    yield TypeError, f"{what}[{name!r}] must be such as {cure}, not {value!r}"
        if not self.answers:
            yield ValueError, "it asks for no answers; give some, such as {'grad_w': gradient('w')}"
        inputs, answers = (f"; {what} are {', '.join(getattr(self, what))}" for what in ("inputs", "answers"))
        for name, parameter in inspect.signature(self.function).parameters.items():
            named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if name not in self.inputs and named and parameter.default is parameter.empty:
                yield ValueError, f"the loss has the parameter {name!r}, which is no input{inputs}"
        for name, answer in self.answers.items():
            if answer.wrt not in self.inputs and answer.order:
                yield ValueError, f"{name!r} asks for a derivative in {answer.wrt!r}, no input{inputs}"
        for mistake in self.mistakes:
            if mistake.answer not in self.answers:
                yield ValueError, f"the mistake {mistake.code!r} is one of {mistake.answer!r}, no answer{answers}"

    def trace(self, inputs: Mapping[str, Any]) -> Program:
        """The forward program on inputs of these shapes; UnusableFile where the loss is no scalar on them."""
        key = tuple((np.shape(inputs[name]), np.asarray(inputs[name]).dtype.kind) for name in self.inputs)
        program: Program | None = self.notes.get("whole") or self.notes.get(key)
        if program is None:
            given = {name: inputs[name] for name in self.inputs}
            try:
                program = trace(self.function, given, self.wanted)
            except (Exception, SystemExit) as error:
                place = stop_in(code_of(self.function), "error", error)
                line = f" in line {place.line}, `{place.code}`" if place.line else ""
                shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in given.items())
                why = f"the loss stops{line} ({type(error).__name__}: {error}) on inputs of the shapes {shapes}"
                raise self._refusal(str(error) if isinstance(error, NotALoss) else why) from error
            program = program.parts or program if self.known else program
            if not program.frozen:
                self.notes[key] = program
        return program

    @cached_property
    def finer(self) -> "Exercise | None":
        """The same exercise with the insides of helpers as steps, or None where there are none."""
        if self.program.parts is None:
            return None
        finer = self.program.parts.arguments
        same = (step for step, names in self.arguments.items() if finer.get(step) == names)
        return replace(self, known=frozenset((*self.inputs, *same)))

    @cached_property
    def program(self) -> Program:
        """The forward program on inputs drawn for it: which steps there are does not depend on sizes."""
        rng = np.random.default_rng(0)
        probe, other = (self.example(self.sizes(start), rng) for start in BANK_SIZES[:2])
        first, second = self.trace(probe), self.trace(other)
        with np.errstate(all="ignore"):
            loss = first.forward(probe)[first.loss]
        if not np.isfinite(loss):
            raise self._refusal(f"the loss is {loss}, not a finite number, on data drawn for it")
        known = {*self.inputs, *first.steps, *self.gradient_names}
        for name, answer in self.answers.items():
            for parameter in parameters(answer.formula) if answer.formula is not None else ():
                if parameter not in known:
                    raise self._refusal(f"the formula of {name!r} names {parameter!r}, which is not known")
        if first.arguments == second.arguments:
            return first
        stopped = first.stopped or second.stopped or stop_in(code_of(self.function), "loop")
        self.notes.clear()
        self.notes["whole"] = whole(self.function, tuple(self.inputs), stopped)
        return self.trace(probe)

    def sizes(self, start: Sequence[int]) -> dict[str, int]:
        """Good sizes that begin like ``start``, or else the first on which the loss can be computed."""
        fixed = [s for i in self.inputs.values() for s in i.shape if isinstance(s, int)]
        choices = islice(completed(start, len(self.symbols), fixed), _CHOICES)
        named = [dict(zip(self.symbols, sizes, strict=True)) for sizes in choices]
        return next(filter(self.works_on, named), named[0])

    def works_on(self, sizes: Mapping[str, int]) -> bool:
        """Whether the loss gives a finite number on inputs drawn with these sizes."""
        try:
            given = self.named(self.example(sizes, np.random.default_rng(0)))
            with np.errstate(all="ignore"):
                return bool(np.all(np.isfinite(scalar_of(self.function(**given)))))
        except (Exception, SystemExit):
            return False

    def named(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Copies of the inputs that the loss names."""
        return {name: np.array(inputs[name])[()] for name in parameters(self.function) if name in self.inputs}

    def example(self, sizes: Mapping[str, int], rng: "np.random.Generator", *, whole: bool = False) -> dict[str, Array]:
        """Inputs of these sizes, drawn at random, or small whole numbers to redo on paper."""
        drawn = {}
        for name, given in self.inputs.items():
            try:
                numbers = given.numbers(sizes, rng, whole)
            except Exception as error:
                raise self._refusal(f"the input {name!r} cannot be drawn ({error})") from error
            drawn[name] = numbers.astype(float) if name in self.wanted else numbers
        return drawn

    def forward(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return self.trace(inputs).forward(inputs)

    def _refusal(self, why: str) -> UnusableFile:
        return UnusableFile("exercise", name=repr(self.id), why=why)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s for i in self.inputs.values() for s in i.shape if isinstance(s, str)))

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """Scalar inputs that can turn up as a factor: given, and positive however they are drawn."""
        return tuple(n for n, i in self.inputs.items() if i.is_setting(own=n not in self.wanted))

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(answer.wrt for answer in self.answers.values() if answer.order))

    @property
    def functions(self) -> dict[str, list[Answer]]:
        plain = {name: name.partition("[")[0] for name in self.answers}
        return {name: [a for part, a in self.answers.items() if plain[part] == name] for name in plain.values()}

    @cached_property
    def active(self) -> frozenset[str]:
        return self.program.active(self.wanted)

    @cached_property
    def gradient_names(self) -> dict[str, str]:
        return {f"grad_{wrt}": wrt for wrt in self.wanted}


@dataclass(frozen=True)
class OwnMistake:
    """A teacher's own mistake: a wrong ``function`` for the answer named ``answer``, and what to say about it.

    ``function`` takes inputs and forward steps by name, as a student's answer does; ``message`` has a text per
    language. The mistake is reported with ``code``, multiplied by any factor.
    """

    answer: str
    code: str
    function: Step
    message: Text
