"""Check a gradient that somebody derived by hand against numerical derivatives.

The verdict is entry by entry, by a backward error:

    |got − derivative| ≤ tolerance · eps · Σ|terms| + the reference's own error

so a right gradient passes also at the optimum, where its terms cancel, and a wrong one does not pass because
the gradient happens to be small there. At a kink every subgradient is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npreg.differentiate.steps import along, as_float_inputs, call, quiet
from npreg.gradcheck.forms import Form, copied, kind_of
from npreg.gradcheck.guards import unguarded
from npreg.gradcheck.readings import Reading, Wanted, keys_for, readings
from npreg.gradcheck.report import GradientReport, InputReport, Mistake
from npreg.gradcheck.verdict import Question, judge

__all__ = ["GradientError", "GradientReport", "assert_gradient", "check_gradient"]


UNREAD = "the function does not depend on {}: its value is the same whatever {} is"
UNREAD_CURE = "are parameters kept in self, or a global? Give the object's own method"


class GradientError(AssertionError):
    """A gradient is wrong; the message is the report, which is also in the attribute `report`."""

    def __init__(self, report: GradientReport) -> None:
        super().__init__(str(report))
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return GradientError, (self.report,)


def assert_gradient(function: Callable[..., Any], gradient: Any, inputs: Mapping[str, Any], **options: Any) -> None:
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
    function: Any,
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

    Function and gradient are taken in the form they have (docs/check_gradient.md shows each): apart or as one
    function; results as an array, tuple, list or dict; parameters among the inputs or in an object.

    Parameters
    ----------
    function : callable, or object with `forward`
        Any NumPy function, called by keyword with those inputs that it names. Returns a number or an array,
        or a tuple with that first or last. Of an object's method, the object's `params` are inputs, too.
    gradient : callable, mapping or array, or object with `backward`; None or the function itself for both
        Returns one array, several in any order, or a dict (w, dw, grad_w, dj_dw, w_grad). Or a mapping
        name → callable or array; or an array.
    inputs : mapping name → array, or container of arrays
        Where to check. Never changed.
    wrt : str or sequence of str, optional
        The inputs (or containers of them, or attributes of the object) to differentiate by; by default those
        that the gradient's result names or fits. Integers are converted to float64.
    upstream : array, optional
        For a function that returns an array: check the gradient of Σ upstream · function. It broadcasts, so
        1.0 means the sum. The gradient's parameter that is no input (upstream, dout, grad_output, gy) is
        given it; if it has one and nothing is given here, numbers drawn at random. Without, the gradient must
        be the Jacobian, of the output's shape followed by the input's.
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
        Non-finite inputs or function value, an unknown name in `wrt`, results that fit no input, or several.
    TypeError
        Inputs that are not real numbers, or a parameter that is no input.

    >>> def loss(X, y, w):
    ...     return np.mean((X @ w - y) ** 2)
    >>> def grad_w(X, y, w):
    ...     return 2 * X.T @ (X @ w - y)
    >>> X, y = np.array([[1.0, 2.0], [3.0, 5.0], [6.0, 1.0]]), np.array([1.0, 2.0, 4.0])
    >>> inputs = {"X": X, "y": y, "w": np.array([0.5, 0.1])}
    >>> report = check_gradient(loss, grad_w, inputs, wrt="w")
    >>> print(report)  # doctest: +ELLIPSIS
    The gradient with respect to w is wrong.
    w (2,): wrong (2 entries, complex step, float64)
      Direction right. Your gradient is exactly n times too large (7× at n = 7, ...
    >>> [mistake.code for mistake in report.inputs[0].mistakes]
    ['factor:n']
    >>> check_gradient(loss, lambda X, y, w: grad_w(X, y, w) / 3, inputs, wrt="w").passed
    True
    """
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs must be a mapping name → array, not {type(inputs).__name__}")
    asked = [wrt] if isinstance(wrt, str) else list(wrt or ())
    form = Form(function, gradient, inputs, asked)
    how: Any = {"tolerance": tolerance, "max_entries": max_entries, "num_directions": num_directions}
    report = _checked(form, asked, upstream, np.random.default_rng(rng), **how)
    if not report.passed and form.ambiguous:
        form.place = -1
        last = _checked(form, asked, upstream, np.random.default_rng(rng), **how)
        report = last if last.passed else report
    bare = {} if report.passed else {"function": unguarded(function), "gradient": unguarded(gradient)}
    for which in (("function",), ("gradient",), ("function", "gradient")):
        freed = {name: bare[name] for name in which if bare.get(name)}
        if len(freed) == len(which):
            parts = {"function": function, "gradient": gradient, **{k: f[0] for k, f in freed.items() if f}}
            form = Form(parts["function"], parts["gradient"], inputs, asked)
            free = _checked(form, asked, upstream, np.random.default_rng(rng), **how)
            if free.passed:
                return _with_guards(free, sorted({value for f in freed.values() if f for value in f[1]}))
    return report


def _with_guards(report: GradientReport, guards: list[float]) -> GradientReport:
    """A report that is right once small constants are 0, with that as a finding of its own."""
    listed = ", ".join(f"{value:g}" for value in guards)
    said = f"guard: right but for the small constants that keep away from zero ({listed})"
    inputs = tuple(replace(one, facts=(said,)) for one in report.inputs)
    return replace(report, inputs=inputs, notes=(said, *report.notes))


def _checked(
    form: Form,
    asked: list[str],
    upstream: Any,
    rng: np.random.Generator,
    *,
    tolerance: float,
    max_entries: int,
    num_directions: int,
) -> GradientReport:
    wanted = _wanted(form, asked)
    names = [leaf for inside in wanted.values() for leaf in inside]
    given = _usable(form.leaves, names)
    base = as_float_inputs(given, names)
    with quiet():
        output = _output(form, base)
        notes: list[str] = []
        if upstream is None and form.upstream()[1]:
            upstream = rng.normal(size=output.shape) if output.ndim else 1.0
            if output.ndim:
                notes.append("the gradient takes an upstream derivative; one was drawn at random")
        target = form.value if upstream is None else _contracted(form.value, upstream, output.shape)
        results, problems = _called(form, given, upstream)
        found = [r for result in results for r in readings(result, wanted, output, all_of_them=bool(asked))]
        if results[0] is None and not found:
            raise TypeError("the gradient function returned None; end it with return")
        if not found:
            raise ValueError(_unreadable(results[0], wanted))

        def judged(name: str, value: Any) -> InputReport:
            answer = _array(value, name)
            precision = _precision(form.leaves.values(), answer)
            question = Question(
                function=target,
                inputs=base,
                output=output.shape if upstream is None else (),
                name=name,
                budget=tolerance * float(np.finfo(precision).eps),
                precision=precision.name,
                directions=num_directions if base[name].size > max_entries else 0,
                rng=rng,
            )
            return judge(question, answer)

        reading, reports = _best(found, judged, bool(asked))
    notes += _notes(form.leaves, reports)
    unread = [report.name for report in reports if not report.kinks and _is_unread(report.name, target, base)]
    if unread:
        reports = tuple(
            replace(r, facts=(UNREAD.format(r.name, r.name),)) if r.name in unread and r.wrong else r for r in reports
        )
        notes.append(f"the function never uses {', '.join(unread)}: {UNREAD_CURE}")
    order = tuple(reading) if list(reading) != [name for name in names if name in reading] else ()
    wrong = [report.name for report in reports if report.wrong and report.name not in unread]
    parts = form.gradient.values() if isinstance(form.gradient, Mapping) else [form.backward()]
    if wrong and all(map(callable, parts)):
        look = lru_cache(maxsize=1)(partial(_named, form, wanted, given, upstream, tuple(reading), wrong))

        def naming(name: str) -> tuple[Mistake, ...]:
            return look().get(name, ())

        reports = tuple(replace(r, naming=partial(naming, r.name)) if r.name in wrong else r for r in reports)
    return GradientReport(inputs=reports, problems=tuple(problems), notes=tuple(notes), order=order)


def _named(
    form: Form, wanted: Wanted, given: dict[str, Any], upstream: Any, order: tuple[str, ...], wrong: list[str]
) -> dict[str, tuple[Mistake, ...]]:
    """The mistakes by input, found on other numbers, too."""
    from npreg.gradcheck.naming import Subject, named

    takes = upstream is not None and form.upstream()[0]
    inputs = dict(given)
    if takes:
        inputs["upstream"] = np.broadcast_to(upstream, call(form.value, given).shape).astype(float)

    def value(**at: Any) -> Any:
        weights = at.pop("upstream") if takes else 1.0 if upstream is None else upstream
        found = form.value(**at)
        return found if upstream is None else np.sum(weights * found)

    def gradient(at: Mapping[str, Any], name: str) -> Any:
        leaves = {key: item for key, item in at.items() if key in form.leaves}
        loss = form.value(**leaves)
        shapes = {key: {leaf: np.shape(leaves[leaf]) for leaf in inside} for key, inside in wanted.items()}
        results = form.gradients(leaves, at.get("upstream", upstream))
        found = [r for result in results for r in readings(result, shapes, loss, all_of_them=False)]
        return next(r[name] for r in found if tuple(r) == order)

    if takes:
        other = {**inputs, "upstream": 3 * inputs["upstream"]}
        ignoring = [name for name in wrong if np.array_equal(gradient(other, name), gradient(inputs, name))]
        if ignoring:
            said = "The upstream derivative is not used: the result is the same whatever it is."
            return dict.fromkeys(ignoring, (Mistake("ignores:upstream", said),))
    source = getattr(form.function, "forward", form.function)
    return named(Subject(value, source, {name: partial(gradient, name=name) for name in wrong}, inputs))


def _best(
    found: list[Reading], judged: Callable[[str, Any], InputReport], asked: bool
) -> tuple[Reading, tuple[InputReport, ...]]:
    """The reading in which most is right, and the verdict on it.

    Raises
    ------
    ValueError
        Several readings fit, nothing is right in any, and `wrt` does not say which it is.
    """
    verdicts: dict[tuple[str, int], InputReport] = {}
    best: list[tuple[int, Reading, tuple[InputReport, ...]]] = []
    for reading in found:
        for name, value in reading.items():
            if (name, id(value)) not in verdicts:
                verdicts[name, id(value)] = judged(name, value)
        reports = tuple(verdicts[name, id(value)] for name, value in reading.items())
        best.append((sum(report.passed for report in reports), reading, reports))
        if best[-1][0] == len(reports):
            break
    score, reading, reports = max(best, key=lambda item: item[0])
    if not score and not asked and len({frozenset(r) for r in found}) > 1:
        ways = " or ".join(dict.fromkeys(f"({', '.join(r)})" for r in found))
        raise ValueError(f"the result can be read as the gradient with respect to {ways}; say which with wrt=")
    return reading, reports


def _wanted(form: Form, asked: list[str]) -> dict[str, dict[str, tuple[int, ...]]]:
    """The names that are or may be differentiated by, with the shapes of the inputs in each."""
    kinds = {name: kind_of(value) for name, value in form.leaves.items()}
    if not asked and isinstance(form.gradient, Mapping):
        asked = [n for key in form.gradient for n in [*form.tree, *form.leaves] if keys_for(n, [key])]
        unknown = [key for key in form.gradient if not any(keys_for(name, [key]) for name in asked)]
        asked = list(dict.fromkeys([*asked, *unknown]))
    for kind in ("f", "iu") if not asked else ():
        asked = [name for name in form.tree if any(kinds[leaf] in kind for leaf in form.inside(name))]
        if asked:
            break
    found = {name: form.inside(name) for name in asked}
    unknown = [name for name, inside in found.items() if not inside]
    if unknown:
        raise ValueError(f"there is no input {unknown[0]!r}; the inputs are {', '.join(form.leaves)}")
    if not found:
        raise ValueError("there is no floating input to differentiate by; give at least one")
    return found


def _is_unread(name: str, function: Callable[..., Any], base: dict[str, Any]) -> bool:
    """Whether the function's value is the same whatever an input is, NaN included."""
    rng, x = np.random.default_rng(0), base[name]
    moves = [np.full(x.shape, np.nan), *((1 + np.abs(x)) * rng.normal(size=x.shape) for _ in range(3))]
    with quiet():
        curves = [along(function, base, {name: move}) for move in moves]
        return x.size > 0 and all(np.array_equal(curve(0.0), curve(1.0)) for curve in curves)


def _usable(leaves: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Copies for the gradient: as they are, but what is differentiated by is floating; all finite."""
    result: dict[str, Any] = {}
    for name, value in leaves.items():
        if kind_of(value) not in "fiub":
            result[name] = value
            continue
        array = np.array(value)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"input {name!r} is {array[where]} at {list(where)}; give finite inputs")
        result[name] = array.astype(np.float64) if name in names and array.dtype.kind in "iub" else array
    return result


def _output(form: Form, base: dict[str, Any]) -> NDArray[Any]:
    """The function's value, which must be finite and real."""
    output = call(form.value, base)
    if output.dtype.kind == "c":
        raise TypeError("the function returned complex numbers; only real functions have a gradient here")
    if not np.isfinite(output).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(output))[0])
        where = f" at {list(first)}" if first else ""
        raise ValueError(f"the function is {output[first]}{where}, not finite at these inputs; choose others")
    return output


def _contracted(function: Callable[..., Any], upstream: Any, shape: tuple[int, ...]) -> Callable[..., Any]:
    """The function Σ upstream · function, whose gradient a backward pass returns."""
    weights = np.asarray(upstream, dtype=np.float64)
    try:
        weights = np.broadcast_to(weights, shape)
    except ValueError:
        raise ValueError(
            f"upstream has shape {weights.shape}, the function returns {shape}; they must be equal"
        ) from None
    return lambda **arrays: np.sum(weights * np.asarray(function(**arrays)))


def _unreadable(result: Any, wanted: Mapping[str, Any]) -> str:
    """Why a result is no gradient with respect to these inputs, and what would be."""
    names = ", ".join(wanted)
    if isinstance(result, Mapping):
        missing = next((n for n in wanted if not keys_for(n, list(map(str, result)))), names)
        return (
            f"the gradient returned {', '.join(map(str, result))}, but not {missing!r}; name the keys after "
            f"the inputs ({missing}, d{missing} or grad_{missing}), or say with wrt= which are asked for"
        )
    if isinstance(result, (tuple, list)):
        return f"{len(result)} gradients for {len(wanted)} inputs ({names}); see wrt="
    return f"one gradient for {len(wanted)} inputs ({names}); say which it is with wrt="


def _array(value: Any, name: str) -> NDArray[Any]:
    array = np.array(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"the gradient for {name!r} must hold real numbers, not {array.dtype} ({value!r:.40})")
    return array


def _called(form: Form, given: dict[str, Any], upstream: Any) -> tuple[list[Any], list[str]]:
    """The gradient's results at copies of the inputs, and whether it leaves them alone and repeats itself."""
    copies = {name: copied(value) for name, value in given.items()}
    first = _frozen(form.gradients(copies, upstream))
    problems = [
        f"the gradient function changes its input {name!r}"
        for name, value in given.items()
        if not _same(copies[name], value)
    ]
    again = form.gradients({name: copied(value) for name, value in given.items()}, upstream)
    pair = [_arrays(first[0]), _arrays(again[0])]
    if len(pair[0]) != len(pair[1]) or not all(map(_repeats, *pair)):
        problems.append("the gradient function gives another result when called again with the same inputs")
    return first, problems


def _same(left: Any, right: Any) -> bool:
    return not isinstance(right, np.ndarray) or np.array_equal(left, right, equal_nan=True)


def _frozen(result: Any) -> Any:
    """Copies of the arrays in a result, which the function may use again."""
    if isinstance(result, Mapping):
        return {name: _frozen(item) for name, item in result.items()}
    if isinstance(result, (tuple, list)):
        return (tuple if isinstance(result, tuple) else list)(map(_frozen, result))
    return result.copy() if isinstance(result, np.ndarray) else result


def _arrays(result: Any) -> list[NDArray[Any]]:
    """The arrays of numbers in a result, in order."""
    items = list(result.values()) if isinstance(result, Mapping) else result
    if isinstance(items, (tuple, list)):
        return [array for item in items for array in _arrays(item)]
    return [np.asarray(result)] if kind_of(result) in "fiub" else []


def _repeats(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two results agree to rounding; threads may sum in another order."""
    if first.dtype.kind != "f" or first.shape != second.shape:
        return bool(np.array_equal(first, second))
    top = np.max(np.abs(first), initial=0.0, where=np.isfinite(first))
    slack = 1e3 * float(np.finfo(first.dtype).eps) * float(top)
    return bool(np.allclose(first, second, rtol=0, atol=slack, equal_nan=True))


def _precision(values: Iterable[Any], answer: NDArray[Any]) -> np.dtype[Any]:
    """The coarsest floating dtype among the inputs and the gradient, float64 at best."""
    dtypes = [np.asarray(value).dtype for value in (*values, answer) if kind_of(value) == "f"]
    return min([np.dtype(np.float64), *dtypes], key=lambda dtype: dtype.itemsize)


def _notes(leaves: Mapping[str, Any], reports: Iterable[InputReport]) -> list[str]:
    notes = []
    converted = [report.name for report in reports if kind_of(leaves[report.name]) in "iub"]
    if converted:
        notes.append(f"{', '.join(converted)} held integers; checked at the same values in float64")
    for name in sorted({report.precision for report in reports} - {"float64"}):
        notes.append(f"judged by {name}'s rounding, eps = {np.finfo(name).eps:.2g}; float64 inputs show more")
    return notes
