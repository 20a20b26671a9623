"""One gradient against its numerical reference, entry by entry or along random directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate.differences import Array, Derivative, real
from npreg.differentiate.rounding import term_sizes
from npreg.differentiate.schemes import derivative, directional
from npreg.differentiate.steps import call, natural_scale, random_direction
from npreg.gradcheck.patterns import patterns, shape_pattern
from npreg.gradcheck.report import EntryReport, InputReport

__all__ = ["Target", "judge"]

ROWS = 8
TRUST = 5.0  # how often its own estimate the error of a difference may be


@dataclass(frozen=True)
class Target:
    """The function whose gradient is judged, where, and the shape of what it returns."""

    function: Callable[..., Any]
    inputs: dict[str, Any]
    output: tuple[int, ...]


@dataclass(frozen=True)
class _Comparison:
    """Values against references; arrays of one shape."""

    got: Array
    reference: Derivative
    allowed: Array

    @property
    def off_by(self) -> Array:
        """The distance to the interval of subgradients, a single point away from kinks."""
        below, above = self.reference.lower - self.got, self.got - self.reference.upper
        return np.asarray(np.maximum(np.maximum(below, above), 0.0))

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """NaN, and what has no finite reference, counts as wrong."""
        return np.asarray(~((self.off_by <= self.allowed) & np.isfinite(self.allowed)))

    def rows(self, label: Callable[[tuple[int, ...]], str]) -> Iterator[EntryReport]:
        """The wrong entries, the worst first."""
        excess = np.where(self.wrong, self.off_by / np.maximum(self.allowed, 1e-300), -1.0)
        for flat in np.argsort(-np.nan_to_num(excess, nan=np.inf).ravel(), kind="stable")[:ROWS]:
            index = tuple(int(i) for i in np.unravel_index(flat, excess.shape))
            if self.wrong[index]:
                yield EntryReport(
                    label(index),
                    float(self.got[index]),
                    float(self.reference.lower[index]),
                    float(self.reference.upper[index]),
                    float(self.off_by[index]),
                    float(self.allowed[index]),
                )


def judge(
    target: Target,
    name: str,
    answer: NDArray[Any],
    budget: float,
    precision: str,
    num_directions: int,
    rng: np.random.Generator,
) -> InputReport:
    """The verdict on the gradient with respect to one input.

    Parameters
    ----------
    target, name : the function and the input
    answer : the gradient to judge
    budget : float
        tolerance · eps: an entry may be off by budget · Σ|terms|.
    precision : str
        The dtype that eps belongs to, for the report.
    num_directions : int
        0 to look at every entry.
    rng : numpy.random.Generator
        For the directions.
    """
    got = np.asarray(answer, dtype=np.float64)
    shape = target.inputs[name].shape
    expected = target.output + shape
    scalar = int(np.prod(target.output)) == 1
    if scalar and got.shape == shape:
        got = got.reshape(expected)
    elif not scalar and got.shape != expected:
        raise ValueError(
            f"the function returns shape {target.output}, so its Jacobian for {name!r} has shape {expected}, "
            f"not {got.shape}; to check a gradient of shape {shape}, give upstream= "
            "(1.0 for the gradient of the sum)"
        )
    if num_directions and got.shape == expected:
        return _by_directions(target, name, got, budget, precision, num_directions, rng)
    return _by_entries(target, name, got, budget, precision)


def _by_entries(target: Target, name: str, got: Array, budget: float, precision: str) -> InputReport:
    reference = derivative(target.function, target.inputs, name)
    analytic = reference.method == "complex step"
    sizes = term_sizes(target.function, target.inputs, name, analytic=analytic)
    sizes = np.maximum(sizes, np.maximum(np.abs(reference.lower), np.abs(reference.upper)))
    doubt = TRUST * reference.error
    allowed = np.where(_unknown(target, name, doubt, sizes), np.inf, budget * sizes + doubt)
    x = target.inputs[name]
    if got.shape != reference.value.shape:
        only = (0,) * len(target.output)
        message = shape_pattern(got, reference.value[only], allowed[only])
        total = int(reference.value.size)
        return InputReport(
            name, x.shape, False, "entries", total, total, 0, reference.method, precision, 0.0, (message,)
        )
    compared = _Comparison(got, reference, allowed)
    wrong = compared.wrong
    found: list[str] = []
    if wrong.any():
        same = x.reshape(got.shape) if x.size == got.size else None
        middle = np.clip(got, reference.lower, reference.upper)  # at a kink, the nearest right value
        right = np.where(reference.kink, middle, reference.value)
        found = patterns(got, right, allowed, same, _lengths(target.inputs))
        unknown = int(np.sum(~np.isfinite(allowed)))
        if unknown:
            found.append(f"{unknown} of {got.size} entries have no derivative that differences can find here")
    return InputReport(
        name,
        x.shape,
        not wrong.any(),
        "entries",
        int(got.size),
        int(wrong.sum()),
        int(reference.kink.sum()),
        reference.method,
        precision,
        _accuracy(reference, sizes),
        tuple(found),
        tuple(compared.rows(lambda index: str(list(index)) if index else "value")),
    )


def _unknown(target: Target, name: str, error: Array, sizes: Array) -> NDArray[np.bool_]:
    """Where the reference's error is as large as all there is to see, so that anything would be accepted."""
    doubtful = np.asarray(~(error <= 0.1 * sizes) & (error > 0))
    if not doubtful.any():
        return doubtful
    scale = natural_scale(target.function, target.inputs, name)
    start = real(call(target.function, target.inputs))
    for index in {tuple(place[len(target.output) :]) for place in np.argwhere(doubtful)}:
        move = np.zeros_like(scale)
        move[index] = 0.25 * scale[index]
        moved = [target.inputs[name] + move, target.inputs[name] - move]
        seen = [np.abs(real(call(target.function, {**target.inputs, name: x})) - start) for x in moved]
        slope = np.nan_to_num(np.maximum(*seen) / move[index])
        doubtful[(..., *index)] &= ~(error[(..., *index)] <= 0.1 * slope)
    return doubtful


def _by_directions(
    target: Target,
    name: str,
    got: Array,
    budget: float,
    precision: str,
    num_directions: int,
    rng: np.random.Generator,
) -> InputReport:
    scale = natural_scale(target.function, target.inputs, name)
    along = _Along(target, name, got, budget, scale, rng)
    moves = [random_direction(scale, rng) for _ in range(num_directions)]
    compared = along.compare(moves)
    wrong = compared.wrong.any(axis=tuple(range(1, compared.wrong.ndim)))
    found: list[str] = []
    rows: list[EntryReport] = []
    if wrong.any():
        found = patterns(
            compared.got, compared.reference.value, compared.allowed, None, _lengths(target.inputs)
        )
        culprit = along.culprit(moves[int(np.argmax(wrong))])
        one = np.zeros(scale.shape)
        one[culprit] = scale[culprit]
        entry = along.compare([one])
        rows += [
            EntryReport(
                str(list(culprit)),
                *(float(v) / float(scale[culprit]) for v in _worst(entry)),
            )
        ]
        rows += compared.rows(lambda index: f"direction {index[0] + 1}")
    return InputReport(
        name,
        target.inputs[name].shape,
        not wrong.any(),
        "random directions",
        num_directions,
        int(wrong.sum()),
        int(compared.reference.kink.any(axis=tuple(range(1, compared.wrong.ndim))).sum()),
        along.method,
        precision,
        _accuracy(compared.reference, np.broadcast_to(along.size, compared.got.shape)),
        tuple(found),
        tuple(rows[:ROWS]),
    )


def _accuracy(reference: Derivative, sizes: Array) -> float:
    top = float(np.max(sizes, initial=0.0))
    ratio = TRUST * reference.error / np.where(sizes > 0, sizes, top or 1.0)
    return float(np.max(np.nan_to_num(ratio, nan=np.inf), initial=0.0))


def _worst(compared: _Comparison) -> tuple[float, float, float, float, float]:
    place = np.unravel_index(
        int(np.argmax(np.nan_to_num(compared.off_by - compared.allowed, nan=np.inf))), compared.got.shape
    )
    reference = compared.reference
    arrays = (compared.got, reference.lower, reference.upper, compared.off_by, compared.allowed)
    a, b, c, d, e = (float(array[place]) for array in arrays)
    return a, b, c, d, e


class _Along:
    """Directional derivatives of the gradient to judge and of the function, compared."""

    def __init__(
        self, target: Target, name: str, got: Array, budget: float, scale: Array, rng: np.random.Generator
    ) -> None:
        self.target, self.name, self.got, self.budget = target, name, got, budget
        probe = {name: random_direction(scale, rng)}
        self.method = directional(target.function, target.inputs, probe).method
        self.analytic = self.method == "complex step"
        self.size = term_sizes(target.function, target.inputs, probe, analytic=self.analytic)

    def compare(self, moves: list[Array]) -> _Comparison:
        """One row per direction."""
        parts = [
            directional(self.target.function, self.target.inputs, {self.name: move}, analytic=self.analytic)
            for move in moves
        ]
        fields = [np.stack([part[k] for part in parts]) for k in range(5)]
        reference = Derivative(
            fields[0], fields[1], fields[2], fields[3], fields[4].astype(bool), self.method
        )
        got = np.stack([np.tensordot(self.got, move, move.ndim) for move in moves])
        # Rounding errors of the entries meet random signs here, so they add up like a random walk.
        own = np.stack([np.sqrt(np.tensordot(self.got**2, move**2, move.ndim)) for move in moves])
        allowed = self.budget * (self.size + own) + TRUST * reference.error
        return _Comparison(got, reference, allowed)

    def culprit(self, move: Array) -> tuple[int, ...]:
        """One wrong entry, found by halving a direction in which the gradient is wrong."""
        candidates = np.arange(move.size)
        while len(candidates) > 1:
            half = candidates[: len(candidates) // 2]
            masked = np.zeros(move.size)
            masked[half] = move.ravel()[half]
            wrong = bool(self.compare([masked.reshape(move.shape)]).wrong.any())
            candidates = half if wrong else candidates[len(half) :]
        return tuple(int(i) for i in np.unravel_index(candidates[0], move.shape))


def _lengths(inputs: dict[str, Any]) -> dict[str, int]:
    return {
        f"{name}.shape[{axis}]": length
        for name, value in inputs.items()
        if isinstance(value, np.ndarray)
        for axis, length in enumerate(value.shape)
    }
