"""Inputs that tell mistakes apart: the rules for sizes and numbers, drawn from a seed.

With n = 4, d = 2 the mistakes "n times", "d² times" and "four times" are one and the same number, with b = 0
a forgotten bias is no mistake at all. So sizes are distinct, coprime, not powers of two and not twice one
another; no number is zero; features have a mean that is not zero; and of many draws the one is taken whose
residuals have both signs, whose branches all occur, and whose steps are neither saturated nor huge.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from math import gcd, isqrt
from typing import Any

import numpy as np

from npreg.exercises.forward.program import Array, Exercise, Input

Probe = dict[str, Array]
BANK_SIZES = ((7, 3, 5), (9, 5, 7), (11, 7, 3), (10, 3, 7))
CHECK_SIZES = ((9, 7, 5), (7, 5, 3), (5, 3, 7))
BANK_SEED = 20240229
DRAWS = 40


def bank(exercise: Exercise) -> list[Probe]:
    """The fixed probes on which mistakes are told apart: always the same ones, so they are prepared once."""
    rng = np.random.default_rng(BANK_SEED)
    return [draw(exercise, dict(zip(exercise.symbols, sizes, strict=False)), rng) for sizes in BANK_SIZES]


def checks(exercise: Exercise) -> list[Probe]:
    """More fixed probes, on which an explanation is confirmed before it is named."""
    rng = np.random.default_rng(BANK_SEED + 1)
    return [draw(exercise, dict(zip(exercise.symbols, sizes, strict=False)), rng) for sizes in CHECK_SIZES]


def fresh(exercise: Exercise, seed: Any = None, count: int = 2) -> list[Probe]:
    """Probes drawn anew: the same seed gives the same probes, ``None`` fresh ones in every run."""
    rng = np.random.default_rng(seed)
    choices = good_sizes(len(exercise.symbols))
    picked: list[tuple[int, ...]] = []
    for sizes in rng.permutation(np.array(choices, dtype=int).reshape(len(choices), -1)).tolist():
        if all(sizes[:1] != other[:1] for other in picked) and len(picked) < count:
            picked.append(sizes)
    picked += [picked[0]] * (count - len(picked))
    return [draw(exercise, dict(zip(exercise.symbols, s, strict=True)), rng, draws=12) for s in picked]


def good_sizes(symbols: int) -> list[tuple[int, ...]]:
    """All sizes for so many symbols that obey the rules; the first symbol (n) is the largest.

    >>> good_sizes(2)[:4]
    [(5, 3), (7, 3), (7, 5), (9, 5)]
    """
    found = [sizes for sizes in permutations(range(3, 12), symbols) if sizes_are_good(sizes)]
    return sorted(sizes for sizes in found if not sizes or sizes[0] == max(sizes))


def sizes_are_good(sizes: tuple[int, ...]) -> bool:
    """Whether no two products of these sizes and small numbers coincide by accident."""
    for i, a in enumerate(sizes):
        if a & (a - 1) == 0 or (isqrt(a) ** 2 == a and isqrt(a) in sizes):
            return False
        for b in sizes[:i]:
            if gcd(a, b) > 1 or 2 * a == b or 2 * b == a or abs(a - b) == 1:
                return False
    return True


def sizes_of(exercise: Exercise, probe: Mapping[str, Array]) -> dict[str, int]:
    """The symbolic sizes of a probe, read off its shapes.

    Raises
    ------
    ValueError
        if an input has another shape than the exercise says, or a symbol would stand for two sizes.
    """
    sizes: dict[str, int] = {}
    for name, given in exercise.inputs.items():
        if name not in probe:
            raise ValueError(f"the probe lacks the input {name!r} of exercise {exercise.id!r}")
        shape = np.shape(probe[name])
        if len(shape) != len(given.shape):
            raise ValueError(f"input {name!r} must have the shape {given.shape}, got {shape}")
        for symbol, size in zip(given.shape, shape, strict=True):
            expected = sizes.setdefault(symbol, size) if isinstance(symbol, str) else symbol
            if size != expected:
                raise ValueError(
                    f"input {name!r} must have the shape {given.shape}, got {shape} with {sizes}"
                )
    return sizes


def draw(exercise: Exercise, sizes: Mapping[str, int], rng: np.random.Generator, draws: int = DRAWS) -> Probe:
    """The best of many draws of these sizes."""
    candidates = [_one_draw(exercise, sizes, rng) for _ in range(draws)]
    return max(candidates, key=lambda probe: _quality(exercise, probe))


def _one_draw(exercise: Exercise, sizes: Mapping[str, int], rng: np.random.Generator) -> Probe:
    probe: Probe = {}
    for name, given in exercise.inputs.items():
        shape = tuple(sizes[s] if isinstance(s, str) else s for s in given.shape)
        probe[name] = np.asarray(_numbers(given, shape, sizes, rng))
    return probe


def _numbers(given: Input, shape: tuple[int, ...], sizes: Mapping[str, int], rng: np.random.Generator) -> Any:
    if callable(given.draw):
        return given.draw(rng, shape)
    if given.draw == "positive":
        return rng.choice([rng.uniform(0.35, 0.8, shape), rng.uniform(1.2, 1.9, shape)])
    if given.draw == "fraction":
        return rng.choice([rng.uniform(0.15, 0.4, shape), rng.uniform(0.6, 0.85, shape)])
    if given.draw == "count":
        return rng.choice([c for c in (6, 13, 14, 15, 17, 18, 19) if _foreign(c, sizes)], shape)
    if given.draw == "labels":
        return (rng.permuted(np.arange(max(1, int(np.prod(shape))))) % 2).reshape(shape).astype(float)
    if given.draw == "one-hot":
        return np.eye(shape[1])[rng.permuted(np.arange(shape[0]) % shape[1])]
    sign = np.where(rng.random(shape) < 0.65, 1.0, -1.0)
    return sign * rng.uniform(0.15, 1.6, shape)


def _foreign(count: int, sizes: Mapping[str, int]) -> bool:
    return all(count not in (size, 2 * size, size - 1, size + 1) for size in sizes.values())


def _sharpness(exercise: Exercise, step: str, values: Mapping[str, Array]) -> float:
    """How many wrong thresholds this probe shows: the argument moved by a setting or 1, doubled or halved."""
    seen = {name: values[name] for name in exercise.arguments[step]}
    shown = 0
    for name, value in seen.items():
        shifts = [float(values[setting]) for setting in exercise.settings] + [1.0]
        moved = [value * 2, value / 2, *(value + by for by in shifts), *(value - by for by in shifts)]
        for other in moved:
            shown += not np.array_equal(exercise.steps[step](**{**seen, name: other}), values[step])
    return 0.5 * shown


def _quality(exercise: Exercise, probe: Probe) -> float:
    """How well a probe obeys the rules that only its computed steps can show."""
    values = exercise.forward(probe)
    score = 0.0
    for name in exercise.steps:
        value = values[name]
        if value.dtype.kind == "b":
            score += 4.0 * min(2, int(value.sum()), int((~value).sum())) if value.size > 1 else 0.0
            score += _sharpness(exercise, name, values)
            continue
        magnitude = np.abs(value)
        nonzero = magnitude[magnitude > 0]
        if nonzero.size == 0 or not np.all(np.isfinite(value)):
            return -np.inf
        score += min(0.0, np.log10(float(nonzero.min()) / 0.02)) - max(
            0.0, np.log10(float(magnitude.max()) / 8)
        )
        score -= 0.5 if np.any(np.abs(magnitude - 1) < 0.01) else 0.0
        if value.size > 1 and value.dtype.kind == "f":
            share = float(np.mean(value > 0))
            score += min(share, 1 - share)
    return score
