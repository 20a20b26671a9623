"""One gradient against its numerical reference, entry by entry or along random directions."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate.schemes import EPS, UNSEEN, Derivative, Move, column_sizes, columns, one_by_one, value_rounding
from npreg.differentiate.steps import Array, along, call, natural_scale, random_direction, real
from npreg.gradcheck.report import EntryReport, InputReport

ROWS = 8
TRUST = 5.0  # how often its own estimate the error of a difference may be
Index = tuple[int, ...]


@dataclass(frozen=True)
class Question:
    """What is judged: gradients of a function at these inputs."""

    function: Callable[..., Any]
    inputs: dict[str, Any]
    output: Index  # the shape of what it returns
    dtype: np.dtype[Any]  # the coarsest floating one of inputs and gradient
    tolerance: float  # an entry may be off by this times eps · Σ|terms|
    max_entries: int  # inputs with more are looked at along so many random directions
    num_directions: int
    rng: "np.random.Generator"


def judge(asked: Question, name: str, value: Any) -> InputReport:
    """The verdict on a gradient with respect to an input, which must be real and fit what the function returns."""
    answer, shape = np.array(value), np.shape(asked.inputs[name])
    if answer.dtype.kind not in "fiub":
        raise TypeError(f"the gradient for {name!r} must hold real numbers, not {answer.dtype} ({value!r:.40})")
    expected = asked.output + shape
    if math.prod(asked.output) != 1 and answer.shape != expected:
        why = f"the function returns shape {asked.output}, so its Jacobian for {name!r} has shape {expected}"
        cure = f"to check a gradient of shape {shape}, give upstream= (1.0 for the gradient of the sum)"
        raise ValueError(f"{why}, not {answer.shape}; {cure}")
    coarser = answer.dtype.kind == "f" and answer.dtype.itemsize < asked.dtype.itemsize
    asked = replace(asked, dtype=answer.dtype) if coarser else asked
    scale, shaped = natural_scale(asked.function, asked.inputs, name), answer.shape in (shape, expected)
    flat = (*asked.output, scale.size)
    got = answer.astype(np.float64).reshape(flat) if shaped else np.zeros(flat)
    if shaped and scale.size > asked.max_entries:
        return _by_directions(asked, name, got, scale)
    compared = _compared(asked, name, one_by_one(name, scale), scale, got)
    if shaped:
        return compared.report(compared.rows(lambda flat: _place(flat, expected)))
    said = (f"shape {answer.shape}, but the input has shape {shape}",)
    return replace(compared.report([]), passed=False, wrong=got.size, unknown=0, kinks=0, facts=said)


def _place(flat: int, shape: Index) -> str:
    return str([int(i) for i in np.unravel_index(flat, shape)]) if shape else "value"


@dataclass(frozen=True)
class _Comparison:
    """Values against references, arrays of one shape; `allowed` is NaN where the reference is not known."""

    asked: Question
    name: str
    got: Array
    reference: Derivative
    allowed: Array
    accuracy: float

    @property
    def off_by(self) -> Array:
        """The distance to the interval of subgradients, a single point away from kinks."""
        return np.asarray(np.abs(self.got - np.clip(self.got, self.reference.lower, self.reference.upper)))

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """NaN counts as wrong."""
        return np.asarray(~(self.off_by <= self.allowed) & ~np.isnan(self.allowed))

    def entry(self, where: str, flat: int, unit: float = 1.0) -> EntryReport:
        fields = (self.got, self.reference.lower, self.reference.upper, self.off_by, self.allowed)
        return EntryReport(where, *(float(field.flat[flat]) / unit for field in fields))

    def rows(self, label: Callable[[int], str]) -> list[EntryReport]:
        """The wrong entries, the worst first."""
        wrong = self.wrong.ravel()
        excess = np.where(wrong, (self.off_by / np.maximum(self.allowed, 1e-300)).ravel(), -1.0)
        worst = np.argsort(-np.nan_to_num(excess, nan=np.inf), kind="stable")[:ROWS].tolist()
        return [self.entry(label(flat), flat) for flat in worst if wrong[flat]]

    def report(self, rows: Sequence[EntryReport], directions: bool = False) -> InputReport:
        """The verdict; a random direction counts as one, whatever the function returns."""
        axes = tuple(range(len(self.asked.output))) if directions else ()
        where = (self.wrong, np.isnan(self.allowed), self.reference.kink)
        wrong, unknown, kinks = (int(np.sum(np.any(each, axis=axes))) for each in where)
        facts, bad = [], ~np.isfinite(self.got)
        if bad.any():
            first = np.argwhere(bad)[0].tolist()
            facts = [f"{int(bad.sum())} of {bad.size} entries are not finite: {self.got[tuple(first)]} at {first}"]
        elif wrong and not self.got.any():
            facts = ["zero everywhere"]
        about = self.name, np.shape(self.asked.inputs[self.name]), not (wrong or unknown)
        checked, total = ("random directions", self.got.shape[-1]) if directions else ("entries", int(self.got.size))
        how = self.reference.method, self.asked.dtype.name, self.accuracy
        return InputReport(*about, checked, total, wrong, unknown, kinks, *how, tuple(facts), tuple(rows)[:ROWS])


def _compared(asked: Question, name: str, moves: list[Move], scale: Array, got: Array, own: Any = None) -> _Comparison:
    """Values against derivatives along moves, the last axis: entries, or directions with their `own` size of terms."""
    function, inputs = asked.function, asked.inputs
    steps = scale.ravel() if own is None else np.ones(len(moves))
    reference = columns(function, inputs, moves).each(np.asarray, over=steps)
    sizes = column_sizes(function, inputs, moves, reference.method == "complex step") / steps
    sizes = sizes if own is None else sizes + own
    doubt = TRUST * reference.error
    sizes = np.maximum(sizes, np.maximum(np.abs(reference.lower), np.abs(reference.upper)))
    ratio = doubt / np.where(sizes > 0, sizes, float(np.max(sizes, initial=0.0)) or 1.0)
    accuracy = float(np.max(np.nan_to_num(ratio, nan=np.inf), initial=0.0))
    unknown = np.asarray(~(doubt <= 0.1 * sizes) & (doubt > 0))
    level = np.max(np.abs(real(call(function, inputs))), initial=0.0)
    if unknown.any() or np.any(np.abs(reference.value) * steps <= 1e-7 * level):
        noise = value_rounding(function, inputs, {name: scale})[..., None] / steps
        # Where the derivative cannot be told from zero, all that is left of it is rounding of the function.
        zero = ~reference.kink & (np.abs(reference.value) <= np.maximum(doubt, UNSEEN * noise))
        sizes = np.where(zero & (sizes < 1e-6 * noise / EPS), noise / EPS, sizes)
        unknown &= ~(zero & (doubt <= UNSEEN * noise))
    for place in map(tuple, np.argwhere(unknown)):
        # how fast the function changes along the move, at a large step to both sides
        curve = along(function, inputs, moves[place[-1]])
        ends = [np.abs(real(curve(t)) - real(curve(0.0))) / 0.25 for t in (0.25, -0.25)]
        seen = np.nan_to_num(np.maximum(*ends))[place[:-1]] / steps[place[-1]]
        unknown[place] = not doubt[place] <= 0.1 * seen
    allowed = asked.tolerance * float(np.finfo(asked.dtype).eps) * sizes + doubt
    return _Comparison(asked, name, got, reference, np.where(unknown, np.nan, allowed), accuracy)


def _by_directions(asked: Question, name: str, got: Array, scale: Array) -> InputReport:
    def compare(moves: list[Array]) -> _Comparison:
        flat = np.stack([move.ravel() for move in moves], axis=-1)
        # Rounding errors of the entries meet random signs here, so they add up like a random walk.
        own = np.sqrt(got**2 @ flat**2)
        return _compared(asked, name, [{name: move} for move in moves], scale, got @ flat, own)

    moves = [random_direction(scale, asked.rng) for _ in range(asked.num_directions)]
    compared = compare(moves)
    wrong = compared.wrong.any(axis=tuple(range(len(asked.output))))
    rows: list[EntryReport] = []
    if wrong.any():
        # one wrong entry, found by halving a direction in which the gradient is wrong
        move, places = moves[int(np.argmax(wrong))], np.arange(scale.size).reshape(scale.shape)
        candidates = places.ravel()
        while len(candidates) > 1:
            half = candidates[: len(candidates) // 2]
            seen = compare([np.where(np.isin(places, half), move, 0.0)]).wrong.any()
            candidates = half if seen else candidates[len(half) :]
        one = compare([np.where(places == candidates[0], scale, 0.0)])
        excess = np.nan_to_num(one.off_by - one.allowed, nan=np.inf)
        where, unit = _place(candidates[0], scale.shape), float(scale.flat[candidates[0]])
        rows = [one.entry(where, int(np.argmax(excess)), unit)]
        rows += compared.rows(lambda flat: f"direction {flat % len(moves) + 1}")
    return compared.report(rows, directions=True)
