"""One gradient against its numerical reference, entry by entry or along random directions.

right        |got − derivative| ≤ budget · Σ|terms| + the reference's own error
wrong        otherwise
not judged   the reference is not known there: anything would be right
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate.differences import Array, Derivative, real
from npreg.differentiate.schemes import EPS, UNSEEN, Move, column_sizes, columns, one_by_one, one_entry, value_rounding
from npreg.differentiate.steps import along, call, natural_scale, random_direction
from npreg.gradcheck.report import EntryReport, InputReport

__all__ = ["Question", "judge"]

ROWS = 8
TRUST = 5.0  # how often its own estimate the error of a difference may be


@dataclass(frozen=True)
class Question:
    """What is judged: a function's gradient with respect to one input, and by which rounding.

    function, inputs : where the derivative is taken
    output : the shape of what the function returns
    name : the input
    budget : tolerance · eps: an entry may be off by budget · Σ|terms|
    precision : the dtype that eps belongs to, for the report
    directions : so many random directions, or 0 to look at every entry
    rng : for the directions
    """

    function: Callable[..., Any]
    inputs: dict[str, Any]
    output: tuple[int, ...]
    name: str
    budget: float
    precision: str
    directions: int
    rng: np.random.Generator

    @property
    def x(self) -> Array:
        """The input itself."""
        return np.asarray(self.inputs[self.name])

    @property
    def scale(self) -> Array:
        """The size of a step that counts as 1."""
        return natural_scale(self.function, self.inputs, self.name)


def judge(asked: Question, answer: NDArray[Any]) -> InputReport:
    """The verdict on a gradient.

    Raises
    ------
    ValueError
        The function returns an array, and the answer has not the shape of its Jacobian.
    """
    got, shape = np.asarray(answer, dtype=np.float64), asked.x.shape
    expected = asked.output + shape
    scalar = math.prod(asked.output) == 1
    if not scalar and got.shape != expected:
        raise ValueError(
            f"the function returns shape {asked.output}, so its Jacobian for {asked.name!r} has shape "
            f"{expected}, not {got.shape}; to check a gradient of shape {shape}, give upstream= "
            "(1.0 for the gradient of the sum)"
        )
    scale = asked.scale
    shaped = got.shape in (shape, expected)
    got = got.reshape((*asked.output, -1)) if shaped else np.zeros((*asked.output, scale.size))
    if asked.directions and shaped:
        return _by_directions(asked, got, scale)
    compared = _compared(asked, one_by_one(asked.name, scale), scale.ravel(), got)
    if not shaped:
        message = f"shape {np.shape(answer)}, but the input has shape {shape}"
        report = compared.report(asked, "entries", [message], [])
        return replace(report, passed=False, wrong=int(got.size), unknown=0, kinks=0)

    def label(index: tuple[int, ...]) -> str:
        at = (*index[:-1], *map(int, np.unravel_index(index[-1], shape)))
        return str(list(at)) if at else "value"

    return compared.report(asked, "entries", _plain_facts(compared), list(compared.rows(label)))


@dataclass(frozen=True)
class _Comparison:
    """Values against references, arrays of one shape; `allowed` is NaN where the reference is not known."""

    got: Array
    reference: Derivative
    allowed: Array
    accuracy: float

    @property
    def off_by(self) -> Array:
        """The distance to the interval of subgradients, a single point away from kinks."""
        below, above = self.reference.lower - self.got, self.got - self.reference.upper
        return np.asarray(np.maximum(np.maximum(below, above), 0.0))

    @property
    def unknown(self) -> NDArray[np.bool_]:
        return np.isnan(self.allowed)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """NaN counts as wrong."""
        return np.asarray(~(self.off_by <= self.allowed) & ~self.unknown)

    def entry(self, where: str, index: tuple[int, ...], unit: float = 1.0) -> EntryReport:
        """One row of the report's table."""
        fields = (self.got, self.reference.lower, self.reference.upper, self.off_by, self.allowed)
        got, lower, upper, off_by, allowed = (float(field[index]) / unit for field in fields)
        return EntryReport(where=where, got=got, lower=lower, upper=upper, off_by=off_by, allowed=allowed)

    def rows(self, label: Callable[[tuple[int, ...]], str]) -> Iterator[EntryReport]:
        """The wrong entries, the worst first."""
        excess = np.where(self.wrong, self.off_by / np.maximum(self.allowed, 1e-300), -1.0)
        for flat in np.argsort(-np.nan_to_num(excess, nan=np.inf).ravel(), kind="stable")[:ROWS]:
            index = tuple(int(i) for i in np.unravel_index(flat, excess.shape))
            if self.wrong[index]:
                yield self.entry(label(index), index)

    def report(self, asked: Question, checked: str, found: list[str], rows: list[EntryReport]) -> InputReport:
        """The verdict; a random direction counts as one, whatever the function returns."""
        axes = tuple(range(len(asked.output))) if checked == "random directions" else ()
        wrong, unknown, kinks = (
            int(np.sum(np.any(where, axis=axes) if axes else where))
            for where in (self.wrong, self.unknown, self.reference.kink)
        )
        return InputReport(
            name=asked.name,
            shape=asked.x.shape,
            passed=not (wrong or unknown),
            checked=checked,
            total=self.got.shape[-1] if axes else int(self.got.size),
            wrong=wrong,
            unknown=unknown,
            kinks=kinks,
            method=self.reference.method,
            precision=asked.precision,
            accuracy=self.accuracy,
            facts=tuple(found),
            worst=tuple(rows[:ROWS]),
        )


def _compared(asked: Question, moves: list[Move], steps: Array, got: Array, own: Any = 0.0) -> _Comparison:
    """Values against derivatives along moves, which are columns at the end, with what each may be off by.

    steps : how far the input goes where it is moved by 1
    own : what the terms' size is larger by
    """
    function, inputs = asked.function, asked.inputs
    reference = columns(function, inputs, moves).each(np.asarray, over=steps)
    sizes = column_sizes(function, inputs, moves, reference.method == "complex step") / steps + own
    doubt = TRUST * reference.error
    sizes = np.maximum(sizes, np.maximum(np.abs(reference.lower), np.abs(reference.upper)))
    top = float(np.max(sizes, initial=0.0))
    ratio = doubt / np.where(sizes > 0, sizes, top or 1.0)
    accuracy = float(np.max(np.nan_to_num(ratio, nan=np.inf), initial=0.0))
    unknown = np.asarray(~(doubt <= 0.1 * sizes) & (doubt > 0))
    level = np.max(np.abs(real(call(function, inputs))), initial=0.0)
    if unknown.any() or np.any(np.abs(reference.value) * steps <= 1e-7 * level):
        noise = value_rounding(function, inputs, {asked.name: asked.scale})[..., None] / steps
        # Where the derivative cannot be told from zero, all that is left of it is rounding of the function.
        zero = ~reference.kink & (np.abs(reference.value) <= np.maximum(doubt, UNSEEN * noise))
        sizes = np.where(zero & (sizes < 1e-6 * noise / EPS), noise / EPS, sizes)
        unknown &= ~(zero & (doubt <= UNSEEN * noise))
    for place in map(tuple, np.argwhere(unknown)):
        seen = _steepest(asked, moves[place[-1]])[place[:-1]] / steps[place[-1]]
        unknown[place] = not doubt[place] <= 0.1 * seen
    return _Comparison(got, reference, np.where(unknown, np.nan, asked.budget * sizes + doubt), accuracy)


def _steepest(asked: Question, move: Move) -> Array:
    """How fast the function changes along a move, at a large step to both sides."""
    curve = along(asked.function, asked.inputs, move)
    ends = [np.abs(real(curve(t)) - real(curve(0.0))) / 0.25 for t in (0.25, -0.25)]
    return np.nan_to_num(np.maximum(*ends))


def _by_directions(asked: Question, got: Array, scale: Array) -> InputReport:
    def compare(moves: list[Array]) -> _Comparison:
        flat = np.stack([move.ravel() for move in moves], axis=-1)
        # Rounding errors of the entries meet random signs here, so they add up like a random walk.
        own = np.sqrt(got**2 @ flat**2)
        return _compared(asked, [{asked.name: m} for m in moves], np.ones(len(moves)), got @ flat, own)

    moves = [random_direction(scale, asked.rng) for _ in range(asked.directions)]
    compared = compare(moves)
    wrong = compared.wrong.any(axis=tuple(range(len(asked.output))))
    rows: list[EntryReport] = []
    if wrong.any():
        culprit = _culprit(compare, moves[int(np.argmax(wrong))])
        one = compare([one_entry(scale, culprit)])
        excess = np.nan_to_num(one.off_by - one.allowed, nan=np.inf)
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(excess)), one.got.shape))
        rows = [one.entry(str(list(culprit)), place, unit=float(scale[culprit]))]
        rows += compared.rows(lambda index: f"direction {index[-1] + 1}")
    return compared.report(asked, "random directions", _plain_facts(compared), rows)


def _culprit(compare: Callable[[list[Array]], _Comparison], move: Array) -> tuple[int, ...]:
    """One wrong entry, found by halving a direction in which the gradient is wrong."""
    candidates = np.arange(move.size)
    while len(candidates) > 1:
        half = candidates[: len(candidates) // 2]
        masked = np.zeros(move.size)
        masked[half] = move.ravel()[half]
        wrong = bool(compare([masked.reshape(move.shape)]).wrong.any())
        candidates = half if wrong else candidates[len(half) :]
    return tuple(int(i) for i in np.unravel_index(candidates[0], move.shape))


def _plain_facts(compared: _Comparison) -> list[str]:
    """What the numbers show by themselves."""
    bad = ~np.isfinite(compared.got)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        place = f" at {list(first)}" if first else ""
        return [f"{int(bad.sum())} of {bad.size} entries are not finite: {compared.got[first]}{place}"]
    return ["zero everywhere"] if compared.wrong.any() and not compared.got.any() else []
