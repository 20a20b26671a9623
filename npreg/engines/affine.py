"""A run as a tree of affine maps: composed upwards, and states found on the way down.

Composing is associative, so neighbours can be composed in pairs, all pairs of a level by one NumPy call:

    1 2 3 4 5 6 7 8   →   12 34 56 78   →   1234 5678   →   12345678

Source: the scheme is the parallel prefix sum of G. E. Blelloch, Prefix sums and their applications (1990).
"""

from __future__ import annotations

import numpy as np

from npreg.arrays import FloatArray

FEW = 4  # maps that are applied one by one rather than composed further


def compose_all(maps: FloatArray, *, negated: bool = False, keep: list[FloatArray] | None = None) -> list[FloatArray]:
    """Compose affine maps (..., T, m, m + k) in time order until few are left, to be applied one after the other.

    A map of a state (m, k) is [A | c], and two neighbours compose to [A2 A1 | A2 c1 + c2]; `negated` ones are
    [−A | −c].  `keep` receives the maps of every level, those of the steps first, not negated.
    """
    m, few = maps.shape[-2], 1 if negated else FEW
    late: list[FloatArray] = []
    if keep is not None:
        maps, negated = -maps if negated else maps, False
        keep.append(maps)
    while maps.shape[-3] > few:
        pairs = maps.shape[-3] // 2
        first, second = maps[..., 0 : 2 * pairs : 2, :, :], maps[..., 1 : 2 * pairs : 2, :, :]
        composed = np.matmul(second[..., :m], first)
        combine = np.subtract if negated else np.add
        combine(composed[..., m:], second[..., m:], out=composed[..., m:])
        if maps.shape[-3] % 2:
            last = maps[..., -1:, :, :]
            late.append(-last if negated else last)
        maps, negated, few = composed, False, FEW
        if keep is not None:
            keep.append(maps)
    return [-maps if negated else maps, *reversed(late)]


def states_before(levels: list[FloatArray], state: FloatArray) -> FloatArray:
    """The states (T, m, k) before every step, from the first one and the levels (T_i, m, m + k) of `compose_all`.

    Goes down the tree: of each pair the first starts where the pair starts, and the second where the first ends.
    """
    m = len(state)
    states = np.empty((len(levels[-1]), *state.shape), state.dtype)
    for i, one in enumerate(levels[-1]):
        states[i] = state
        state = one[:, :m] @ state + one[:, m:]
    for maps in levels[-2::-1]:
        even = 2 * len(states)  # the last of an odd number was not composed
        finer = np.empty((len(maps), *state.shape), state.dtype)
        finer[:even:2] = states
        finer[1:even:2] = maps[:even:2, :, :m] @ states + maps[:even:2, :, m:]
        if even < len(maps):
            finer[-1] = maps[-2, :, :m] @ finer[-2] + maps[-2, :, m:]
        states = finer
    return states
