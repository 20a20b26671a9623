"""Inputs that tell mistakes apart: the best of many draws from a seed.
No number is zero, for with b = 0 a forgotten bias is no mistake at all, nor is the mean of features; residuals have
both signs, all branches occur, and no step is saturated or huge. For sizes see `inputs`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from npreg.arrays import as_rng
from npreg.exercises.forward.inputs import BANK_SIZES, CHECK_SIZES
from npreg.exercises.forward.program import Array, Exercise

Probe = dict[str, Array]
BANK_SEED = 20240229
DRAWS = 40


def bank(exercise: Exercise, seed: int = BANK_SEED, starts: Sequence[Sequence[int]] = BANK_SIZES) -> list[Probe]:
    """The fixed probes on which mistakes are told apart: always the same ones, so they are prepared once."""
    rng = np.random.default_rng(seed)
    return [draw(exercise, exercise.sizes(start), rng) for start in starts]


def checks(exercise: Exercise) -> list[Probe]:
    """More fixed probes, on which an explanation is confirmed before it is named."""
    return bank(exercise, BANK_SEED + 1, CHECK_SIZES)


def fresh(exercise: Exercise, seed: Any = None, count: int = 2) -> list[Probe]:
    """Probes drawn anew: the same seed gives the same probes, ``None`` fresh ones in every run."""
    rng = as_rng(seed, "seed")
    firsts = np.resize(rng.permutation((7, 9, 10, 11)), count).tolist()
    starts = [(first, *rng.permutation((3, 5, 7)).tolist()) for first in firsts]
    return [draw(exercise, exercise.sizes(start), rng, draws=12) for start in starts]


def sizes_of(exercise: Exercise, probe: Mapping[str, Array]) -> dict[str, int]:
    """The symbolic sizes of a probe, read off its shapes; ValueError where they contradict the exercise."""
    sizes: dict[str, int] = {}
    for name, given in exercise.inputs.items():
        if name not in probe:
            raise ValueError(f"the probe lacks the input {name!r} of exercise {exercise.id!r}")
        shape = np.shape(probe[name])
        found = zip(given.shape, shape, strict=False)
        same = all(size == (sizes.setdefault(s, size) if isinstance(s, str) else s) for s, size in found)
        if len(shape) != len(given.shape) or not same:
            raise ValueError(f"input {name!r} must have the shape {given.shape}, got {shape} with {sizes}")
    return sizes


def quantities_of(exercise: Exercise, sizes: Mapping[str, int], probe: Mapping[str, Array]) -> dict[str, float]:
    """Everything that can be a factor on this probe: the sizes, n − 1, and the settings."""
    found = {name: float(size) for name, size in sizes.items()}
    if sizes.get("n", 0) > 2:
        found["n-1"] = sizes["n"] - 1.0
    return found | {name: float(probe[name]) for name in exercise.settings}


def draw(exercise: Exercise, sizes: Mapping[str, int], rng: "np.random.Generator", draws: int = DRAWS) -> Probe:
    exercise.program  # noqa: B018 - an exercise that cannot be used is refused here
    candidates = [exercise.example(sizes, rng) for _ in range(draws)]
    return max(candidates, key=lambda probe: _quality(exercise, probe))


def _quality(exercise: Exercise, probe: Probe) -> float:
    program, score = exercise.trace(probe), 0.0
    values = program.forward(probe)
    shifts = [by * sign for by in (1.0, *(float(values[s]) for s in exercise.settings)) for sign in (1, -1)]
    for name, step in program.steps.items():
        value, seen = values[name], program.seen(name, values)
        if value.dtype.kind == "b":
            score += 4.0 * min(2, int(value.sum()), int((~value).sum())) if value.size > 1 else 0.0
            for argument, x in seen.items():  # a probe that shows wrong thresholds is better
                moved = (step(**{**seen, argument: other}) for other in (x * 2, x / 2, *(x + by for by in shifts)))
                score += 0.5 * sum(not np.array_equal(other, value) for other in moved)
        if value.dtype.kind == "f":
            magnitude = np.abs(value)
            if not magnitude.any() or not np.isfinite(value).all():
                return -np.inf
            smallest = float(magnitude[magnitude > 0].min())
            score += min(0.0, np.log10(smallest / 0.02)) - max(0.0, np.log10(float(magnitude.max()) / 8))
            score -= 0.5 if (np.abs(magnitude - 1) < 0.01).any() else 0.0
            share = np.count_nonzero(value > 0) / value.size if value.size > 1 else 0.0
            score += min(share, 1 - share)
    return score
