"""The tree of affine maps against applying them one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from npreg.engines.moments import compose_all, states_before


def apply_one_by_one(maps, state):
    states = [state]
    m = len(state)
    for one in maps:
        states.append(one[:, :m] @ states[-1] + one[:, m:])
    return states


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("negated", [False, True])
def test_composed_maps_and_states(steps, outputs, negated):
    rng = np.random.default_rng(steps)
    m = 3
    maps = 0.5 * rng.standard_normal((steps, m, m + outputs))
    state = rng.standard_normal((m, outputs))
    expected = apply_one_by_one(maps, state)
    levels: list[np.ndarray] = []
    given = -maps if negated else maps.copy()
    end = state
    for part in compose_all(given, negated=negated, keep=levels):
        for one in part:
            end = one[:, :m] @ end + one[:, m:]
    np.testing.assert_allclose(end, expected[-1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(states_before(levels, state), expected[:-1], rtol=1e-12, atol=1e-13)


def test_several_runs_at_once_have_the_same_bits():
    rng = np.random.default_rng(0)
    maps = 0.5 * rng.standard_normal((5, 37, 3, 4))
    together = compose_all(maps)
    for run in range(5):
        for part, alone in zip(together, compose_all(maps[run]), strict=True):
            assert part[run].tobytes() == alone.tobytes()
