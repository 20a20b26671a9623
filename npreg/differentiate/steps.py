"""A function of named arrays as numerical derivatives see it: its calls, its rounding, and how large a step is.

The rounding is relative to Σ_i |x_i ∂f/∂x_i| over all numbers x_i, given or computed on the way. It is measured: all
are changed relatively by c_i·2⁻¹⁶, c_i from a Cauchy distribution; the median of |Δf| over several draws is that sum.

Source: P. Indyk, "Stable distributions, pseudorandom generators, embeddings, and data stream computation", J. ACM 53
(2006), for the median; D. S. Parker, "Monte Carlo arithmetic", UCLA CSD-970002 (1997), for random roundings.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from npreg.arrays import brief

Array: TypeAlias = NDArray[np.float64]
Curve: TypeAlias = Callable[[complex], NDArray[Any]]
Function: TypeAlias = Callable[..., Any]
Measured: TypeAlias = Callable[[Function, Mapping[str, Any]], Array]
NUDGE = 2.0**-16
NUDGES = 7
EXACT = {np.maximum, np.minimum, np.negative, np.positive, np.absolute, np.conjugate, np.sign}


def real(value: NDArray[Any]) -> Array:
    return np.asarray(value.real, dtype=np.float64)


def as_float_inputs(inputs: Mapping[str, Any], varied: list[str]) -> dict[str, Any]:
    """The inputs with every floating array, and every varied one, as a float64 copy; varied ones must be real."""
    dtypes = {name: as_values(value, f"input {name!r}").dtype for name, value in inputs.items()}
    for name in varied:
        if dtypes[name].kind not in "fiub":
            raise TypeError(f"input {name!r} must hold real numbers, not {dtypes[name]}")
    floats = {name for name, dtype in dtypes.items() if dtype.kind == "f" or name in varied}
    return {name: np.array(v, dtype=np.float64) if name in floats else v for name, v in inputs.items()}


def as_values(value: Any, what: str, dtype: Any = None) -> NDArray[Any]:
    try:
        return np.asarray(value, dtype)
    except Exception as error:  # whatever somebody's __array__ raises
        raise TypeError(f"{what} must be an array of numbers, not {brief(value)} ({error})") from None


@contextmanager
def quiet() -> Iterator[None]:
    """No NumPy or Python warning leaves; a dropped imaginary part is an error that ends the complex step."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        yield


def call(function: Function, inputs: Mapping[str, Any]) -> NDArray[Any]:
    """The function's value at copies of the inputs; 0-d arrays are handed over as NumPy scalars."""
    result = np.asarray(function(**{name: copied(value) for name, value in inputs.items()}))
    if result.dtype.kind not in "fiubc":
        raise TypeError(f"the function must return one array or number, not {result.dtype} data")
    return result


def copied(value: Any) -> Any:
    """A copy to hand out; numbers as NumPy scalars, as users would pass them."""
    return value.copy()[()] if isinstance(value, np.ndarray) else value


def along(function: Function, inputs: Mapping[str, Any], moves: Mapping[str, Array]) -> Curve:
    """t → function(inputs + t · moves); NaN where a real t leaves the function's domain."""

    def at(t: complex) -> NDArray[Any]:
        moved = {name: np.asarray(inputs[name] + t * move) for name, move in moves.items()}
        try:
            return call(function, {**inputs, **moved})
        except Exception:
            if t == 0 or np.iscomplexobj(t):
                raise
            return np.full(call(function, inputs).shape, np.nan)  # outside of the function's domain

    return at


def sizes_of(value: Measured, function: Function, base: Mapping[str, Any], *, steps: bool = True) -> Array:
    """Σ|terms| of `value(function, base)`, in its shape; with `steps` of the operations inside of `function`, too."""
    rng, start = np.random.default_rng(1), value(function, base)
    floats = {name: x for name, x in base.items() if isinstance(x, np.ndarray) and x.dtype == float}
    nudges = [{**base, **{name: x * _near_one(rng, x.shape) for name, x in floats.items()}} for _ in range(NUDGES)]
    try:
        moved = [value(_shaken(function, rng) if steps else function, at) for at in nudges]
    except Exception:  # it does not take a subclass of arrays
        moved = [value(function, at) for at in nudges]
    change = np.nanmedian([np.abs(there - start) / NUDGE for there in moved], axis=0)
    return np.asarray(np.fmax(np.abs(start), change))


def _near_one(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    return np.asarray(1 + NUDGE * rng.standard_cauchy(shape).clip(-1024.0, 1024.0))


def _shaken(function: Function, rng: "np.random.Generator") -> Function:
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
                for part in [result.real, result.imag] if result.dtype.kind == "c" else [result[...]]:
                    part *= _near_one(rng, result.shape)
            return out[0] if out is not None else result.view(Shaken)

    def shaken(value: Any) -> Any:
        return np.array(value).view(Shaken) if np.asarray(value).dtype.kind in "fc" else value

    return lambda **inputs: np.asarray(function(**{name: shaken(value) for name, value in inputs.items()}))


def natural_scale(function: Function, inputs: Mapping[str, Any], name: str) -> Array:
    """The size of a step that counts as 1 for each entry of an input: a power of two near max(|x|, rms(x)).

    Where such steps leave the function's domain, each entry is measured by itself, so that it keeps its sign. An
    input of zeros gets the largest power of ten along which the function changes visibly, and by less than half.
    """
    x: Array = inputs[name]
    size = np.abs(x)
    top = float(size.max(initial=0.0))
    if top == 0.0:
        return np.full(x.shape, _zero_scale(function, inputs, name))
    rms = top * float(np.sqrt(np.mean((size / top) ** 2)))
    scale = _power_of_two(np.maximum(size, rms))
    curve = along(function, inputs, {name: scale})
    if all(np.isfinite(curve(t)).all() for t in (0.5, -0.5)):
        return scale
    return _power_of_two(np.where(size > 0, size / 2, rms))


def _power_of_two(size: Array | float) -> Array:
    return np.asarray(2.0 ** np.round(np.log2(size)))


def _zero_scale(function: Function, inputs: Mapping[str, Any], name: str) -> float:
    start = real(call(function, inputs))
    size = float(np.max(np.abs(start), initial=0.0))
    floats = [np.max(np.abs(v), initial=0.0) for v in inputs.values() if np.asarray(v).dtype.kind == "f"]
    largest = int(np.log10(max(floats) or 1.0)) + 4  # beyond, the other inputs are lost in rounding
    curve = along(function, inputs, {name: np.ones_like(inputs[name])})
    for exponent in range(largest, largest - 25, -2):
        change = float(np.max(np.abs(real(curve(10.0**exponent)) - start), initial=0.0))
        if 1e-9 * size < change <= 0.5 * size:
            return float(_power_of_two(10.0**exponent))
    return 1.0


def random_direction(scale: Array, rng: "np.random.Generator") -> Array:
    """A random direction of magnitudes 1 to 2 times `scale` and random signs."""
    signs = rng.choice([-1.0, 1.0], size=scale.shape)
    # 20 bits keep x ± h·v exact for h a power of two down to 2⁻³², yet errors of several entries do not cancel.
    return np.asarray(scale * signs * (1.0 + rng.integers(0, 2**20, size=scale.shape) / 2.0**20))
