"""Calls with arguments good, odd and absurd, and what is asked of each of them; for the tests in `fuzz/`.

Whatever is given, a function returns a right result or raises a documented exception *on purpose*: the
innermost frame of the traceback is a `raise` statement of npreg.  Nothing given is changed, finite input never makes
a NaN, no NumPy warning escapes, and nothing hangs.
"""

from __future__ import annotations

import copy
import dataclasses
import linecache
import math
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.linalg import LinAlgError

import npreg
from npreg import DivergenceError, LearningRateWarning

Draw = Callable[[st.SearchStrategy[Any]], Any]
DOCUMENTED = (ValueError, TypeError, DivergenceError)
SECONDS = 30  # a call on these few rows takes milliseconds
LARGEST = float(np.finfo(float).max)
MODERATE = 1e150  # products of two such numbers, and sums of them, are floats
LIMITS = {np.dtype(np.float32): 1e15, np.dtype(np.float16): 10.0}  # the same in these


def nothing(*_: Any) -> float:
    return 1.0


class Number:
    """Something that says it is a number."""

    def __float__(self) -> float:
        return 0.5


class Liar:
    """Something that says so, and is none."""

    def __float__(self) -> float:
        raise RuntimeError("not now")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("not now")


JUNK: list[Any] = [
    Number(),
    Liar(),
    [Number(), 1.0],
    np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], [[False, True], [False, False]]),
    os.curdir,
    "",
    [np.ones(2), np.ones((2, 2))],
    None,
    "text",
    "1.0",
    b"x",
    True,
    np.True_,
    0,
    -1,
    3,
    1.5,
    -0.0,
    5e-324,
    1e-300,
    1e300,
    10**400,
    2**63,
    math.nan,
    math.inf,
    1j,
    Fraction(1, 3),
    Decimal("0.5"),
    np.float32(2),
    np.int8(3),
    np.uint64(2**64 - 1),
    np.float16(1),
    np.datetime64("2020-01-01"),
    [],
    [[]],
    [1, 2, 3],
    [[1.0], [2.0, 3.0]],
    [None, 1.0],
    ["a", "b"],
    (),
    (1,),
    {},
    {1.0, 2.0},
    object(),
    nothing,
    slice(3),
    np.zeros(()),
    np.zeros(0),
    np.zeros((0, 3)),
    np.zeros((3, 0)),
    np.ones(1),
    np.ones((1, 1)),
    np.ones((2, 2, 2)),
    np.array(["1", "2"]),
    np.array([1 + 2j, 3]),
    np.array([1, 2.5, None], object),
    np.array([1.0, 2.0, 3.0], object),
    np.array([math.nan, 1.0, math.inf]),
    np.array(["2020-01-01"], "datetime64[D]"),
    np.array([(1, 2.0)], [("a", int), ("b", float)]),
    np.ma.masked_array([1.0, 2.0], [True, False]),
    np.ones((1, 2)).view(np.matrix),
    np.ones((2, 2), np.longdouble),
    np.array([[200, 100]], np.uint8),
    np.ones(3, ">f8"),
    np.random.RandomState(0),
    np.random.PCG64(0),
    10**9,
]

junk = st.sampled_from(range(len(JUNK))).map(lambda i: copy.deepcopy(JUNK[i]))  # sgd changes its params
extremes = st.sampled_from([0.0, -0.0, 5e-324, 1e-310, 1e-300, 1e-160, 1e-20, 1e20, 1e38, 1e150, 1e200, 1e300])
numbers = st.one_of(st.floats(-10, 10), st.integers(-3, 3).map(float), extremes, extremes.map(lambda x: -x))
sizes = st.sampled_from([1, 1, 1e-3, 1e3, 1e-150, 1e-300, 1e150, 1e300])
dtypes = st.sampled_from(["f8"] * 6 + ["f4"] * 4 + ["f2", "i8", "i1", "u1", "?", ">f8", ">f4", "g"])


@st.composite
def arrays(draw: Draw, *shape: int, wild: bool = True) -> Any:
    """Mostly an array of this shape: of ordinary numbers, of one size, or with extreme entries."""
    kind = draw(st.integers(0, 9))
    if wild and kind == 9:
        return draw(junk)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.standard_normal(shape)
    if kind <= 2:
        values = np.round(values, 1)
    elif wild and kind <= 4:
        values *= draw(sizes)
    elif wild and kind == 5 and len(shape) == 2:
        values *= [draw(sizes) for _ in range(shape[1])]
    elif wild and kind <= 7 and values.size:
        for _ in range(draw(st.integers(1, 4))):
            values.reshape(-1)[draw(st.integers(0, values.size - 1))] = draw(numbers)
    elif kind == 8:
        values[...] = draw(numbers) if wild else 2.0
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = values.astype(draw(dtypes)) if wild else values
    form = draw(st.integers(0, 11)) if wild else 0
    if form == 9:
        return array.tolist()
    if form == 10:
        return np.asfortranarray(array)[::-1]
    if form == 11:
        array.flags.writeable = False
    return array


@st.composite
def spoiled(draw: Draw, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, and sometimes one or two of them replaced by junk."""
    result = dict(arguments)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        result[draw(st.sampled_from(sorted(arguments)))] = draw(junk)
    return result


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from arrays_in(part)
    elif isinstance(value, dict):
        yield from arrays_in(list(value.values()))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from arrays_in([getattr(value, f.name) for f in dataclasses.fields(value)])
    elif isinstance(value, (float, np.floating)):
        yield np.asarray(value)


def is_below(value: Any, limit: float) -> bool:
    """Whether all numbers in it are finite and no larger; for moderate ones, in the sense of their dtype."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = list(arrays_in(to_arrays(value)))
            if limit < LARGEST:
                limit = min([limit, *(LIMITS.get(a.dtype.newbyteorder("="), limit) for a in found)])
            return all(bool((np.abs(a.astype(float)) <= limit).all()) for a in found)
    except (TypeError, ValueError):
        return False


def to_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: to_arrays(part) for key, part in value.items()}
    if isinstance(value, (int, float, list, np.generic)):
        try:
            return np.asarray(value, float)
        except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is a Liar's
            return value
    return value


class OwnError(ValueError):
    """What somebody's own function raises; npreg hands it on."""


def raised_on_purpose(error: BaseException) -> bool:
    """Whether the innermost frame stands at a raise statement (NumPy's own C functions have no frames)."""
    if isinstance(error, OwnError):
        return True
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    source = linecache.getline(frame.f_code.co_filename, line).strip()
    inside = f"{os.sep}npreg{os.sep}" in frame.f_code.co_filename
    return inside and source.startswith("raise ")


@contextmanager
def no_hang() -> Iterator[None]:
    if not hasattr(signal, "SIGALRM"):  # Windows
        yield
        return

    def stop(*_: Any) -> None:
        raise AssertionError(f"no answer within {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return True


FAILED = object()


def call(
    function: Callable[..., Any],
    arguments: dict[str, Any],
    *,
    low_level: bool = False,
    changes: str = "",
    ours: bool = True,
    nan: bool = False,
) -> Any:
    """Call it and look at everything but the numbers; FAILED where it raised a documented exception.

    With `ours=False` another library may have raised it; with `nan` there may be NaN in the result.
    """
    documented = DOCUMENTED if ours else (*DOCUMENTED, OverflowError)
    containers = {key: a for key, a in arguments.items() if isinstance(a, (np.ndarray, list, tuple))}
    before = copy.deepcopy(containers)
    tame = is_below(arguments, MODERATE if low_level else LARGEST)
    try:
        with no_hang(), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", LearningRateWarning)
            warnings.simplefilter("ignore", npreg.RankWarning)
            warnings.simplefilter("ignore", npreg.ConvergenceWarning)
            if (low_level or not ours) and not tame:
                warnings.simplefilter("ignore", RuntimeWarning)
            result = function(**arguments)
    except documented as error:
        if (ours and not raised_on_purpose(error)) or not str(error) or isinstance(error, LinAlgError):
            raise AssertionError("raised by accident, not by a check") from error
        result = FAILED
    for key, old in before.items():
        assert key == changes or same(old, arguments[key]), f"{key} was changed"
    if result is not FAILED and tame and not nan:
        for array in arrays_in(result):
            assert not np.isnan(array.astype(float)).any(), f"NaN in {result!r}"
    return result


def fuzzed(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[[settings], None]]:
    """A property, to be run with any settings."""
    return lambda body: lambda profile: profile(given(*strategies)(body))()


def is_huge(count: Any, limit: int = 10**6) -> bool:
    """A count that rightly ends in MemoryError, or never."""
    return isinstance(count, (int, np.integer)) and not isinstance(count, bool) and int(count) > limit


def run(fuzzed: Callable[[settings], None], examples: int) -> None:
    """A property with so many examples."""
    # Shrinking a failure of functions that take data one by one is slow; explaining is slower.
    profile = settings(
        max_examples=examples,
        derandomize=True,  # a red run is one that everybody sees; set this to False to search on
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    fuzzed(profile)
