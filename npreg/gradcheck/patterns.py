"""What a wrong gradient looks like next to the right one: the negative, a factor, transposed, ...

Only patterns that hold in every entry, to the tolerance of the check, are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from npreg.differentiate.differences import Array

__all__ = ["patterns", "shape_pattern"]


def patterns(
    got: Array, right: Array, allowed: Array, x: Array | None, lengths: Mapping[str, int]
) -> list[str]:
    """The patterns that explain every entry of a wrong gradient, most telling first.

    Parameters
    ----------
    got, right, allowed : one shape
        The gradient, the reference, and the deviation each entry is allowed.
    x : the same shape, or None
        The input itself, to recognise a penalty's gradient.
    lengths : mapping
        Names such as "X.shape[0]" → lengths, by which a factor may be explained.
    """
    found = []
    bad = ~np.isfinite(got)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        place = f" at {list(first)}" if first else ""
        return [f"{int(bad.sum())} of {got.size} entries are not finite: {got[first]}{place}"]
    if not got.any():
        return ["zero everywhere"]
    if _close(got, -right, allowed):
        found.append("exactly the negative of the right gradient")
    else:
        found += list(_factor(got, right, allowed, lengths))
    if _is_transposed(got, right, allowed):
        found.append("the right values, transposed")
    if not found and x is not None:
        found += list(_penalty(got - right, x, allowed))
    wrong = np.abs(got - right) > allowed
    if not found and right.size > 3 and wrong.sum() <= right.size // 4:
        found.append(f"the other {int(right.size - wrong.sum())} entries are right")
    return found


def shape_pattern(got: Array, right: Array, allowed: Array) -> str:
    """What a gradient of the wrong shape holds."""
    message = f"shape {got.shape}, but the input has shape {right.shape}"
    if got.shape == right.shape[::-1] and _close(got.T, right, allowed):
        return message + ": the right values, transposed"
    if got.size == right.size and _close(got.reshape(right.shape), right, allowed):
        return message + ": the right values, to be reshaped"
    for axis in range(got.ndim):
        total = got.sum(axis=axis)
        if total.shape == right.shape and _close(total, right, allowed * max(1, got.shape[axis])):
            return message + f": right after summing over axis {axis}"
    return message


def _close(a: Array, b: Array, allowed: Array) -> bool:
    return bool(np.all(np.abs(a - b) <= allowed))


def _is_transposed(got: Array, right: Array, allowed: Array) -> bool:
    if got.ndim != 2 or got.shape[0] != got.shape[1] or got.shape[0] < 2:
        return False
    return _close(got.T, right, allowed) and not _close(got, right, allowed)


def _factor(got: Array, right: Array, allowed: Array, lengths: Mapping[str, int]) -> Iterator[str]:
    strength = np.abs(right) / np.maximum(allowed, np.finfo(float).tiny)
    best = np.unravel_index(int(np.argmax(strength)), right.shape)
    if not strength[best] > 10:  # the right gradient is lost in rounding, and so is every ratio to it
        return
    factor = float(got[best] / right[best])
    doubt = (1 + abs(factor)) / float(strength[best])
    if abs(factor - 1) <= 4 * doubt:
        return
    if abs(factor) <= doubt or not _close(got, factor * right, 2 * allowed * (1 + abs(factor))):
        return
    for name, value in _names(lengths):
        if abs(abs(factor) - value) <= 4 * doubt + 1e-15 * value:
            sign = "−" if factor < 0 else ""
            yield f"exactly {sign}{name} times the right gradient"
            return
    if right.size > 1:
        yield f"{factor:.10g} times the right gradient, in every entry"


def _names(lengths: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    """Factors that mistakes make: small ones, lengths of axes with or without a 2, their quotients."""
    for text, value in (("2", 2.0), ("1/2", 0.5), ("4", 4.0), ("1/4", 0.25)):
        yield text, value
    known = {length: name for name, length in reversed(list(lengths.items())) if length > 2}
    for n, name in known.items():
        for text, value in (("{n}", n), ("1/{n}", 1 / n), ("{n}/2", n / 2), ("2/{n}", 2 / n)):
            yield text.format(n=n) + f" ({name} = {n})", value
        yield f"{2 * n} (2·{name}, {name} = {n})", 2.0 * n
        yield f"1/{2 * n} (1/(2·{name}), {name} = {n})", 1 / (2 * n)
    for n, name in known.items():
        for m, other in known.items():
            if n != m:
                yield f"{n}/{m} ({name}/{other})", n / m


def _penalty(difference: Array, x: Array, allowed: Array) -> Iterator[str]:
    if x.size < 2 or not x.any():
        return
    factor = float(np.sum(difference * x) / np.sum(x * x))
    if abs(factor) * float(np.max(np.abs(x) / allowed)) > 10 and _close(difference, factor * x, 2 * allowed):
        yield f"off by {factor:.6g} times the input itself, like the gradient of a penalty"
