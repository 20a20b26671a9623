"""An exercise: a forward computation as small named steps, and the derivatives asked for.

A teacher writes only this. The parameters of a step are names of inputs or of earlier steps, so the names
are the graph. Steps whose name starts with ``_`` are internal: they make the graph finer for the diagnosis,
students never see them, and messages speak of the public step that they lead to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Step = Callable[..., Any]
Text = Mapping[str, str]


@dataclass(frozen=True)
class Input:
    """An input: its symbolic shape and how its probes are drawn.

    ``draw`` is ``"real"``, ``"positive"`` (a hyperparameter such as lam), ``"fraction"`` (strictly between
    0 and 1, not ½), ``"count"`` (a whole number that differs from every size), ``"labels"`` (floats 0 and
    1), ``"one-hot"`` (rows with a single 1), or a function ``(rng, shape) -> array``.
    """

    shape: tuple[str | int, ...] = ()
    draw: str | Callable[[np.random.Generator, tuple[int, ...]], Array] = "real"

    @property
    def is_setting(self) -> bool:
        """Whether it is a scalar setting (lam, lr), which can turn up as a factor."""
        return not self.shape and self.draw in ("positive", "fraction", "count")


def real(*shape: str | int) -> Input:
    """Real numbers of either sign; ``real("n", "d")`` is a matrix, ``real()`` a scalar."""
    return Input(shape)


def positive(*shape: str | int) -> Input:
    """Positive numbers: ``lam``, ``delta``, ``lr``."""
    return Input(shape, "positive")


def fraction(*shape: str | int) -> Input:
    """Numbers strictly between 0 and 1, never ½: ``tau``."""
    return Input(shape, "fraction")


def count(*shape: str | int) -> Input:
    """Whole numbers that differ from every size: ``batch_size``."""
    return Input(shape, "count")


def labels(*shape: str | int) -> Input:
    """Labels 0.0 and 1.0, both present."""
    return Input(shape, "labels")


def one_hot(*shape: str | int) -> Input:
    """Rows of zeros with a single 1.0."""
    return Input(shape, "one-hot")


@dataclass(frozen=True)
class Answer:
    """What a student's function must return; made by ``gradient``, ``hessian`` and ``update``."""

    wrt: str = ""
    order: int = 1
    formula: Step | None = None


def gradient(wrt: str) -> Answer:
    """The derivative of the last step with respect to the input ``wrt``, in the shape of that input."""
    return Answer(wrt)


def hessian(wrt: str) -> Answer:
    """The second derivative of the last step with respect to the vector ``wrt``, a square matrix."""
    return Answer(wrt, order=2)


def update(wrt: str, formula: Step) -> Answer:
    """A formula that may name derivatives: ``lambda w, grad_w, lr: w - lr * grad_w`` for the new ``w``."""
    return Answer(wrt, formula=formula)


@dataclass(frozen=True, eq=False)
class Exercise:
    """A forward program with the derivatives asked for, and the words around it.

    Parameters
    ----------
    id : the exercise's name in commands and files
    inputs : from name to ``Input``; a symbolic size such as ``"n"`` is the same number everywhere
    steps : from name to function, in forward order; the last one is the loss
    answers : from the name of a student's function to what it must return
    title, statement : words in ``"en"`` and ``"zh"``: what to derive, and why it matters
    reading : where in ``docs/derivation.md`` the rule needed is explained (an anchor)
    mistakes : a teacher's own mistakes, see ``OwnMistake``
    solution : text shown for ``--solution``; None means that this file does not allow it

    Raises
    ------
    ValueError
        if a step names something that comes later or does not exist, an answer has no such input, a
        mistake no such answer, or the id cannot name a file.
    TypeError
        if an input or an answer is not made by ``real``, ``gradient`` and their like.
    """

    id: str
    inputs: Mapping[str, Input]
    steps: Mapping[str, Step]
    answers: Mapping[str, Answer]
    title: Text = field(default_factory=dict)
    statement: Text = field(default_factory=dict)
    reading: str = ""
    mistakes: Sequence[OwnMistake] = ()
    solution: str | None = None
    notes: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._check_kinds()
        known = set(self.inputs)
        for name, step in self.steps.items():
            missing = [a for a in parameters(step) if a not in known]
            if missing:
                raise ValueError(
                    f"exercise {self.id!r}: step {name!r} names {missing[0]!r}, which is no input "
                    f"and no earlier step; known there: {', '.join(sorted(known))}"
                )
            if name in known:
                raise ValueError(f"exercise {self.id!r}: the name {name!r} is used twice")
            known.add(name)
        if not self.steps:
            raise ValueError(f"exercise {self.id!r} has no steps; the last one must be the loss")
        for name, answer in self.answers.items():
            if answer.wrt not in self.inputs:
                raise ValueError(
                    f"exercise {self.id!r}: {name!r} asks for a derivative in {answer.wrt!r}, no input; "
                    f"inputs are {', '.join(self.inputs)}"
                )

    def _check_kinds(self) -> None:
        """Names in the place of objects, and other slips of a teacher's first exercise."""
        here = f"exercise {self.id!r}"
        if not self.id.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"{here}: an id is made of letters, digits and hyphens, for it names files")
        for what, given, kind, cure in (
            ("inputs", self.inputs, Input, 'real("n", "d")'),
            ("answers", self.answers, Answer, 'gradient("w")'),
        ):
            if not isinstance(given, Mapping):
                raise TypeError(f"{here}: {what} must be a dict from names to such as {cure}, not {given!r}")
            for name, value in given.items():
                if not isinstance(value, kind):
                    raise TypeError(f"{here}: {what}[{name!r}] must be such as {cure}, not {value!r}")
        for mistake in self.mistakes:
            if mistake.answer not in self.answers:
                raise ValueError(
                    f"{here}: the mistake {mistake.code!r} is one of {mistake.answer!r}, no answer; "
                    f"answers are {', '.join(self.answers)}"
                )

    @cached_property
    def arguments(self) -> dict[str, tuple[str, ...]]:
        """The names that each step uses."""
        return {name: parameters(step) for name, step in self.steps.items()}

    @cached_property
    def loss(self) -> str:
        """The name of the last step."""
        return list(self.steps)[-1]

    @cached_property
    def public_steps(self) -> tuple[str, ...]:
        """The steps that students see."""
        return tuple(name for name in self.steps if not name.startswith("_"))

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbolic sizes, in order of appearance."""
        return tuple(dict.fromkeys(s for i in self.inputs.values() for s in i.shape if isinstance(s, str)))

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """Scalar inputs that can turn up as a factor."""
        return tuple(name for name, i in self.inputs.items() if i.is_setting)

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """The inputs that a derivative is asked for."""
        return tuple(dict.fromkeys(answer.wrt for answer in self.answers.values()))

    @cached_property
    def active(self) -> frozenset[str]:
        """The wanted inputs, and all steps that depend on them."""
        found = set(self.wanted)
        for name in self.steps:
            if found.intersection(self.arguments[name]):
                found.add(name)
        return frozenset(found)

    @cached_property
    def gradient_names(self) -> dict[str, str]:
        """Derivatives that a formula may name: ``grad_w`` for the derivative in ``w``."""
        return {f"grad_{wrt}": wrt for wrt in self.wanted}

    def public(self, name: str) -> str:
        """The name that messages use for a step: of an internal step, the next public one.

        >>> steps = {"_wx": lambda w, x: w * x, "y_hat": lambda _wx: _wx}
        >>> Exercise("e", {"w": real(), "x": real()}, steps, {"grad_w": gradient("w")}).public("_wx")
        'y_hat'
        """
        names = [*self.inputs, *self.steps]
        following = names[names.index(name) :]
        return next((other for other in following if not other.startswith("_")), name)

    def forward(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Compute every step from the inputs; returns inputs and steps by name."""
        values: dict[str, Array] = {name: np.asarray(inputs[name]) for name in self.inputs}
        for name, step in self.steps.items():
            values[name] = np.asarray(step(**{a: values[a] for a in self.arguments[name]}))
        return values


def parameters(function: Step) -> tuple[str, ...]:
    """The parameter names of a function.

    >>> parameters(lambda X, w, b: X @ w + b)
    ('X', 'w', 'b')
    """
    return tuple(inspect.signature(function).parameters)


@dataclass(frozen=True)
class OwnMistake:
    """A teacher's own mistake: a wrong ``function`` for the answer named ``answer``, and what to say about
    it.

    ``function`` takes inputs and forward steps by name, as a student's answer does. ``message`` has a text
    per language. The mistake is reported with ``code``, multiplied by any factor.
    """

    answer: str
    code: str
    function: Step
    message: Text
