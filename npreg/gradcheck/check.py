"""Check a gradient that somebody derived by hand against numerical derivatives.

The verdict is entry by entry, by a backward error:

    |got − derivative| ≤ tolerance · eps · Σ|terms| + the reference's own error

so a right gradient passes also at the optimum, where its terms cancel, and a wrong one does not pass because
the gradient happens to be small there. At a kink every subgradient is right.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate.steps import as_float_inputs, call, quiet
from npreg.gradcheck.report import GradientReport
from npreg.gradcheck.verdict import Question, judge

__all__ = ["GradientError", "GradientReport", "assert_gradient", "check_gradient"]


class GradientError(AssertionError):
    """A gradient is wrong; the message is the report, which is also in the attribute `report`."""

    def __init__(self, report: GradientReport) -> None:
        super().__init__(str(report))
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return GradientError, (self.report,)


def assert_gradient(
    function: Callable[..., Any], gradient: Any, inputs: Mapping[str, Any], **options: Any
) -> None:
    """Silent if the gradient is right; otherwise raise.

    Parameters are those of `check_gradient`.

    Raises
    ------
    GradientError
        An AssertionError whose message is the report in at most 20 lines.

    >>> assert_gradient(lambda w: np.sum(w**2), lambda w: 2 * w, {"w": np.array([3.0, 4.0])})
    """
    report = check_gradient(function, gradient, inputs, **options)
    if not report.passed:
        raise GradientError(report)


def check_gradient(
    function: Callable[..., Any],
    gradient: Any,
    inputs: Mapping[str, Any],
    *,
    wrt: str | list[str] | tuple[str, ...] | None = None,
    upstream: Any = None,
    tolerance: float = 1e3,
    max_entries: int = 300,
    num_directions: int = 6,
    rng: Any = 0,
) -> GradientReport:
    """Compare a gradient with numerical derivatives of the function it should belong to.

        right if |got − derivative| ≤ tolerance · eps · Σ|terms| + error of the reference

    Parameters
    ----------
    function : callable
        Any NumPy function, called by keyword: `function(**inputs)`; returns a number or an array.
    gradient : callable, mapping or array
        A callable is called by keyword with those inputs that it names as parameters, and returns one array,
        a tuple (in the order of `wrt`) or a dict by name. Or a mapping name → callable or array; or an array.
    inputs : mapping name → array
        Where to check. Never changed.
    wrt : str or sequence of str, optional
        The inputs to differentiate by; by default the gradient mapping's names, or else every floating input.
        Integers are converted to float64.
    upstream : array, optional
        Needed for a function that returns an array: check the gradient of Σ upstream · function. It
        broadcasts, so 1.0 means the sum. A gradient callable with a parameter `upstream` is given it. Without
        `upstream` the gradient must be the Jacobian, of the output's shape followed by the input's.
    tolerance : float
        In units of eps · Σ|terms|; eps is float32's where the inputs or the gradient are float32.
    max_entries : int
        Inputs with more entries are checked along random directions.
    num_directions : int
        How many.
    rng : seed or numpy.random.Generator
        For the directions, as `np.random.default_rng` takes it.

    Returns
    -------
    GradientReport
        True in a condition if right; prints itself.

    Raises
    ------
    ValueError
        Non-finite inputs or function value, an unknown name in `wrt`, or results that fit no input.
    TypeError
        Inputs that are not real numbers.

    >>> def loss(X, y, w):
    ...     return np.mean((X @ w - y) ** 2)
    >>> def grad_w(X, y, w):
    ...     return 2 * X.T @ (X @ w - y)
    >>> X, y = np.array([[1.0, 2.0], [3.0, 5.0], [6.0, 1.0]]), np.array([1.0, 2.0, 4.0])
    >>> inputs = {"X": X, "y": y, "w": np.array([0.5, 0.1])}
    >>> print(check_gradient(loss, grad_w, inputs, wrt="w"))
    The gradient with respect to w is wrong.
    w (2,): wrong (2 entries, complex step, float64)
      exactly 3 (X.shape[0] = 3) times the right gradient
      entry    got  expected  off by  allowed
        [0]  -11.4      -3.8     7.6  ...
        [1]     -3        -1       2  ...
    >>> check_gradient(loss, lambda X, y, w: grad_w(X, y, w) / 3, inputs, wrt="w").passed
    True
    """
    names = _names(gradient, inputs, wrt)
    given = _usable(inputs, names)
    base = as_float_inputs(given, names)
    rng = np.random.default_rng(rng)
    with quiet():
        function, output = _target(function, base, upstream)
        answers, problems = _answers(gradient, given, names, upstream)
        reports = []
        for name in names:
            precision = _precision(inputs, answers[name])
            asked = Question(
                function=function,
                inputs=base,
                output=output,
                name=name,
                budget=tolerance * float(np.finfo(precision).eps),
                precision=precision.name,
                directions=num_directions if base[name].size > max_entries else 0,
                rng=rng,
            )
            reports.append(judge(asked, answers[name]))
    return GradientReport(tuple(reports), tuple(problems), tuple(_notes(inputs, answers, names)))


def _names(gradient: Any, inputs: Mapping[str, Any], wrt: Any) -> list[str]:
    """The inputs to differentiate by."""
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs must be a mapping name → array, not {type(inputs).__name__}")
    if wrt is not None:
        names = [wrt] if isinstance(wrt, str) else list(wrt)
    elif isinstance(gradient, Mapping):
        names = list(gradient)
    else:
        kinds = {name: np.asarray(value).dtype.kind for name, value in inputs.items()}
        names = [name for name, kind in kinds.items() if kind == "f"]
        names = names or [name for name, kind in kinds.items() if kind in "iu"]
    unknown = [name for name in names if name not in inputs]
    if unknown:
        raise ValueError(f"there is no input {unknown[0]!r}; the inputs are {', '.join(inputs)}")
    if not names:
        raise ValueError("there is no floating input to differentiate by; give at least one")
    return names


def _usable(inputs: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Copies for the gradient: as they are, but what is differentiated by is floating; all finite."""
    result: dict[str, Any] = {}
    for name, value in inputs.items():
        array = np.asarray(value)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"input {name!r} is {array[where]} at {list(where)}; give finite inputs")
        if name in names and array.dtype.kind in "iub":
            array = array.astype(np.float64)
        result[name] = array.copy() if array.dtype.kind in "fiub" else value
    return result


def _target(
    function: Callable[..., Any], base: dict[str, Any], upstream: Any
) -> tuple[Callable[..., Any], tuple[int, ...]]:
    """The function to differentiate, contracted with `upstream` if there is one, and its output's shape."""
    output = call(function, base)
    if output.dtype.kind == "c":
        raise TypeError("the function returned complex numbers; only real functions have a gradient here")
    if not np.isfinite(output).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(output))[0])
        where = f" at {list(first)}" if first else ""
        raise ValueError(f"the function is {output[first]}{where}, not finite at these inputs; choose others")
    if upstream is None:
        return function, output.shape
    weights = np.asarray(upstream, dtype=np.float64)
    try:
        weights = np.broadcast_to(weights, output.shape)
    except ValueError:
        raise ValueError(
            f"upstream has shape {weights.shape}, the function returns {output.shape}; they must be equal"
        ) from None

    def contracted(**arrays: Any) -> Any:
        return np.sum(weights * np.asarray(function(**arrays)))

    return contracted, ()


def _answers(
    gradient: Any, given: dict[str, Any], names: list[str], upstream: Any
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The gradients to judge, by name, and what is wrong with how they were computed."""
    if not callable(gradient) and not isinstance(gradient, Mapping):
        return _by_name(gradient, names), []
    if callable(gradient):
        values, problems = _called(gradient, given, upstream)
        return _by_name(values, names), problems
    missing = [name for name in names if name not in gradient]
    if missing:
        raise ValueError(f"there is no gradient for {missing[0]!r}; given are {', '.join(gradient)}")
    answers, problems = {}, []
    for name in names:
        value = gradient[name]
        if callable(value):
            value, trouble = _called(value, given, upstream)
            problems += [f"{name}: {text}" for text in trouble]
        answers[name] = _array(value, name)
    return answers, problems


def _by_name(values: Any, names: list[str]) -> dict[str, NDArray[Any]]:
    if isinstance(values, Mapping):
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(f"the gradient returned {', '.join(map(str, values))}, but not {missing[0]!r}")
        return {name: _array(values[name], name) for name in names}
    if not isinstance(values, tuple):
        if len(names) > 1:
            raise ValueError(
                f"one gradient for {len(names)} inputs ({', '.join(names)}); say which it is with wrt="
            )
        values = (values,)
    if len(values) != len(names):
        raise ValueError(f"{len(values)} gradients for {len(names)} inputs ({', '.join(names)}); see wrt=")
    return {name: _array(value, name) for name, value in zip(names, values, strict=True)}


def _array(value: Any, name: str) -> NDArray[Any]:
    array = np.array(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"the gradient for {name!r} must hold real numbers, not {array.dtype} ({value!r:.40})"
        )
    return array


def _called(gradient: Callable[..., Any], given: dict[str, Any], upstream: Any) -> tuple[Any, list[str]]:
    """The gradient's value at copies of the inputs, and whether it leaves them alone and repeats itself."""
    available = given if upstream is None else {**given, "upstream": upstream}
    accepted = _accepted(gradient, available, given)
    arguments = {name: _copy(available[name]) for name in accepted}
    first = _frozen(gradient(**arguments))
    problems = [
        f"the gradient function changes its input {name!r}"
        for name in accepted
        if not _same(arguments[name], available[name])
    ]
    second = _frozen(gradient(**{name: _copy(available[name]) for name in accepted}))
    if not _repeats(first, second):
        problems.append("the gradient function gives another result when called again with the same inputs")
    return first, problems


def _accepted(gradient: Callable[..., Any], available: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """The names that the gradient takes by keyword; all of the inputs if that cannot be told."""
    try:
        parameters = inspect.signature(gradient).parameters
    except (TypeError, ValueError):
        return list(given)
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return list(given) + [name for name in available if name not in given and name in parameters]
    needed = [p for p in parameters.values() if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    for parameter in needed:
        if parameter.name not in available or parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(
                f"the gradient function needs {parameter.name!r}, but is called with the inputs by their "
                f"names ({', '.join(available)}); wrap it, for example lambda {next(iter(available))}: ..."
            )
    return [name for name in available if name in parameters]


def _copy(value: Any) -> Any:
    """A copy to hand out; numbers as NumPy scalars, as users would pass them."""
    return value.copy()[()] if isinstance(value, np.ndarray) else value


def _frozen(value: Any) -> Any:
    """Copies of the arrays in a result, which the function may use again."""
    if isinstance(value, Mapping):
        return {name: _frozen(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_frozen(item) for item in value)
    return np.array(value)


def _same(left: Any, right: Any) -> bool:
    return not isinstance(right, np.ndarray) or np.array_equal(left, right, equal_nan=True)


def _repeats(first: Any, second: Any) -> bool:
    """Whether two results agree to rounding; threads may sum in another order."""
    if isinstance(first, Mapping):
        return set(first) == set(second) and all(_repeats(first[name], second[name]) for name in first)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(_repeats, first, second))
    if first.dtype.kind != "f" or first.shape != second.shape:
        return bool(np.array_equal(first, second))
    slack = (
        1e3 * float(np.finfo(first.dtype).eps) * np.max(np.abs(first), initial=0.0, where=np.isfinite(first))
    )
    return bool(np.allclose(first, second, rtol=0, atol=float(slack), equal_nan=True))


def _precision(inputs: Mapping[str, Any], answer: NDArray[Any]) -> np.dtype[Any]:
    """The coarsest floating dtype among the inputs and the gradient, float64 at best."""
    dtypes = [np.asarray(value).dtype for value in (*inputs.values(), answer)]
    floating = [dtype for dtype in dtypes if dtype.kind == "f"]
    return min([np.dtype(np.float64), *floating], key=lambda dtype: dtype.itemsize)


def _notes(inputs: Mapping[str, Any], answers: dict[str, NDArray[Any]], names: list[str]) -> list[str]:
    notes = []
    converted = [name for name in names if np.asarray(inputs[name]).dtype.kind in "iub"]
    if converted:
        notes.append(f"{', '.join(converted)} held integers; checked at the same values in float64")
    coarse = {_precision(inputs, answers[name]).name for name in names} - {"float64"}
    for name in sorted(coarse):
        notes.append(f"judged by {name}'s rounding, eps = {np.finfo(name).eps:.2g}; float64 inputs show more")
    return notes
