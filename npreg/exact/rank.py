"""Which columns are combinations of others, and the inverse of R, or of as much of it as there is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npreg.arrays import Names, column_name
from npreg.exact.double_double import Array
from npreg.exact.sums import Exponents

EPS = float(np.finfo(np.float64).eps)


class Inverse(NamedTuple):
    """W with x = W Wᵀ Aᵀy: R⁻¹, or (p, rank) where columns are dependent; then also which, in words."""

    W: Array
    condition_number: float
    dependence: str = ""


def inverse_of(R: Array, num_rows: int, intercept: bool, exponents: Exponents, names: Names) -> Inverse:
    """The inverse of R, whose columns were scaled by `exponents`; of dependent ones that for the least Σ w²."""
    p = R.shape[1]
    R = np.vstack([R, np.zeros((max(p - len(R), 0), p))])
    lengths = np.linalg.norm(R, axis=0)
    lengths[lengths == 0.0] = 1.0
    scaled = R / lengths
    # Smaller singular values are noise: measured up to a million rows.
    tolerance = (10 * p + np.sqrt(num_rows)) * EPS
    values = np.linalg.svd(scaled, compute_uv=False)
    if values[-1] > tolerance:
        return Inverse(np.asarray(np.linalg.solve(R, np.eye(p)), np.float64), float(values[0] / values[-1]))
    first = int(intercept)
    # Without the first row and column, R is that of the features around their means.
    _, sizes, Vt = np.linalg.svd(scaled[first:, first:])
    kept = sizes > tolerance
    to_w = (Vt[kept].T / sizes[kept]) / lengths[first:, None]
    units = exponents[first:, None] - exponents[first:].max()
    null = np.linalg.qr(np.ldexp(Vt[~kept].T / lengths[first:, None], -units))[0]  # in the features' own units
    raw = np.ldexp(to_w, -units)
    to_w = np.ldexp(raw - null @ (null.T @ raw), units)
    if intercept:
        to_w = np.block([[1 / R[:1, :1], -(R[:1, 1:] @ to_w) / R[0, 0]], [np.zeros((p - 1, 1)), to_w]])
    return Inverse(to_w, float("inf"), _dependence(scaled, tolerance, intercept, names))


def _dependence(R: Array, tolerance: float, intercept: bool, names: Names) -> str:
    """Name the first column that is a combination of those before it, and the cure."""
    # The smallest singular value only falls as columns join: bisect.
    independent, dependent = 0, len(R)
    while dependent - independent > 1:
        middle = (independent + dependent) // 2
        if np.linalg.svd(R[:middle, :middle], compute_uv=False)[-1] > tolerance:
            independent = middle
        else:
            dependent = middle
    combination = np.linalg.svd(R[:dependent, :dependent])[2][-1]
    involved = [int(j) - intercept for j in np.flatnonzero(np.abs(combination) > 1e-6)]
    culprit, others = involved[-1], involved[:-1]  # −1 stands for the intercept
    column = f"features column {column_name(names, culprit)}"
    if not others:
        return f"{column} is all zeros, so its coefficient is not determined; drop it"
    if others == [-1]:
        return f"{column} is constant, which is what the intercept is for; drop it or pass fit_intercept=False"
    listed = [column_name(names, j) for j in others if j >= 0]
    if len(listed) > 6:
        listed = [*listed[:5], f"{len(listed) - 5} more"]
    text = ", ".join(listed[:-1]) + " and " * (len(listed) > 1) + listed[-1]
    cure = "drop it"
    if others[0] == -1:
        text, cure = f"{text} and the intercept", "drop it or pass fit_intercept=False"
    what = f"{column} is a linear combination of column{'s' * (len(listed) > 1)} {text} (to rounding)"
    return f"{what}, so the coefficients are not determined; {cure}"
