"""How large the terms of a computation are: what its rounding is relative to.

    Σ_i |x_i ∂f/∂x_i| over all numbers x_i, given or computed on the way

It is measured, not derived: the inputs and the result of every NumPy operation are changed by random relative
amounts c_i·2⁻¹⁶ with c_i from a Cauchy distribution; the median over several draws of |Δf| estimates the sum,
usually within a factor of two.

Source: the median of Cauchy projections is the sum of absolute values: P. Indyk, "Stable distributions,
pseudorandom generators, embeddings, and data stream computation", J. ACM 53 (2006); random roundings:
D. S. Parker, "Monte Carlo arithmetic", UCLA CSD-970002 (1997).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from npreg.differentiate.differences import Array
from npreg.differentiate.steps import Function

__all__ = ["sizes_of"]

NUDGE = 2.0**-16  # relative change by which term sizes are measured
NUDGES = 7
STORE = 16_381
EXACT = {np.maximum, np.minimum, np.negative, np.positive, np.absolute, np.conjugate, np.sign}

Amounts: TypeAlias = Callable[[tuple[int, ...]], Array]


def sizes_of(
    value: Callable[[Function, Mapping[str, Any]], Array],
    function: Function,
    base: Mapping[str, Any],
    *,
    steps: bool = True,
) -> Array:
    """Σ|terms| of `value(function, base)`, something computed from a function and its inputs, in its shape.

    steps : whether to change the operations inside of `function`, too, and not the inputs alone.
    """
    amounts, start = _cauchy(), value(function, base)
    nudges = [_nudged(base, amounts) for _ in range(NUDGES)]
    try:
        moved = [value(_shaken(function, amounts) if steps else function, at) for at in nudges]
    except Exception:  # it does not take a subclass of arrays
        moved = [value(function, at) for at in nudges]
    change = np.nanmedian([np.abs(there - start) / NUDGE for there in moved], axis=0)
    return np.asarray(np.fmax(np.abs(start), change))


def _cauchy() -> Amounts:
    """Draws factors near 1: relative amounts from a Cauchy distribution, its tails cut."""
    place = 0

    def amounts(shape: tuple[int, ...]) -> Array:
        nonlocal place
        size = math.prod(shape)
        place = (place + size) % STORE
        return np.resize(_store()[place : place + max(size, 1)], shape)

    return amounts


@lru_cache(maxsize=1)
def _store() -> Array:
    """Many such factors; taken one after the other, at prime length they hardly ever meet again."""
    draws = np.random.default_rng(1).standard_cauchy(2 * STORE)
    return np.asarray(1 + NUDGE * np.clip(draws, -1024.0, 1024.0))


def _nudged(base: Mapping[str, Any], amounts: Amounts) -> dict[str, Any]:
    """All floating inputs changed relatively."""
    return {
        name: np.asarray(value * amounts(value.shape))
        if isinstance(value, np.ndarray) and value.dtype == np.float64
        else value
        for name, value in base.items()
    }


def _shaken(function: Function, amounts: Amounts) -> Function:
    """The function with every result of a NumPy operation changed relatively."""

    class Shaken(np.ndarray[Any, Any]):
        """Arrays that infect what is computed from them; real and imaginary parts are changed apart."""

        def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
            plain = [a.view(np.ndarray) if isinstance(a, Shaken) else a for a in args]
            out = options.get("out")
            if out is not None:
                options["out"] = tuple(o.view(np.ndarray) if isinstance(o, Shaken) else o for o in out)
            found = getattr(ufunc, method)(*plain, **options)
            if found is None or isinstance(found, tuple):
                return found
            result = np.asarray(found)
            if result.dtype.kind in "fc" and ufunc not in EXACT:
                parts = [result.real, result.imag] if result.dtype.kind == "c" else [result[...]]
                for part in parts:
                    part *= amounts(result.shape)
            return out[0] if out is not None else result.view(Shaken)

    def call(**inputs: Any) -> Any:
        kinds = {name: np.asarray(value).dtype.kind for name, value in inputs.items()}
        return np.asarray(
            function(**{n: np.array(v).view(Shaken) if kinds[n] in "fc" else v for n, v in inputs.items()})
        )

    return call
