"""A run as a tree of affine maps: composed upwards, and states found on the way down.

Composing is associative, so neighbours can be composed in pairs, all pairs of a level by one NumPy call:

    1 2 3 4 5 6 7 8   →   12 34 56 78   →   1234 5678   →   12345678

Source: the scheme is the parallel prefix sum of G. E. Blelloch, Prefix sums and their applications (1990).
"""

from __future__ import annotations

import numpy as np

from npreg.arrays import FloatArray

__all__ = ["compose_all", "states_before"]

FEW = 4  # maps that are applied one by one rather than composed further


def compose_all(maps: FloatArray, *, negated: bool = False, keep: list[FloatArray] | None = None) -> list[FloatArray]:
    """Compose affine maps in time order until few are left; returns these, in time order.

    A map of a state (m, k) is stored as [A | c], shape (m, m + k), and two neighbours compose to

        [A2 A1 | A2 c1 + c2]

    Parameters
    ----------
    maps : (..., T, m, m + k)
        T steps on the third axis from the end.
    negated : bool
        The maps are [−A | −c]; the signs cancel in the first composition.
    keep : list, optional
        Receives the maps of every level, the given ones first.

    Returns
    -------
    list of (..., t, m, m + k), to be applied one after the other
    """
    m = maps.shape[-2]
    late: list[FloatArray] = []
    if keep is not None:
        keep.append(maps)
    while maps.shape[-3] > FEW or (negated and maps.shape[-3] > 1):
        pairs = maps.shape[-3] // 2
        first, second = maps[..., 0 : 2 * pairs : 2, :, :], maps[..., 1 : 2 * pairs : 2, :, :]
        composed = np.matmul(second[..., :m], first)
        combine = np.subtract if negated else np.add
        combine(composed[..., m:], second[..., m:], out=composed[..., m:])
        if maps.shape[-3] % 2:
            last = maps[..., -1:, :, :]
            late.append(-last if negated else last)
        maps, negated = composed, False
        if keep is not None:
            keep.append(maps)
    return [-maps if negated else maps, *reversed(late)]


def states_before(levels: list[FloatArray], state: FloatArray, *, negated: bool) -> FloatArray:
    """The state before every step, given the one before the first and the levels of `compose_all`.

    Goes down the tree: of each pair the first starts where the pair starts, and the second where the
    first ends.

    Parameters
    ----------
    levels : list of (T_i, m, m + k), T_0 steps first
    state : (m, k)

    Returns
    -------
    (T_0, m, k)
    """
    m = len(state)

    def apply(maps: FloatArray, states: FloatArray, sign: float) -> FloatArray:
        return sign * (maps[..., :m] @ states + maps[..., m:])

    states = np.empty((len(levels[-1]), *state.shape), state.dtype)
    sign = -1.0 if negated and len(levels) == 1 else 1.0
    for i, one in enumerate(levels[-1]):
        states[i] = state
        state = apply(one, state, sign)
    for level in range(len(levels) - 2, -1, -1):
        maps = levels[level]
        sign = -1.0 if negated and level == 0 else 1.0
        finer = np.empty((len(maps), *states.shape[1:]), states.dtype)
        pairs = len(maps) // 2
        finer[0 : 2 * pairs : 2] = states[:pairs]
        finer[1 : 2 * pairs : 2] = apply(maps[0 : 2 * pairs : 2], states[:pairs], sign)
        if len(maps) % 2:
            finer[-1] = apply(maps[-2], finer[-2], sign) if pairs else states[0]
        states = finer
    return states
