"""A gradient that somebody derived by hand against numerical derivatives, by a backward error."""

import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from npreg.arrays import as_count, as_nonnegative, as_rng, brief, check_finite
from npreg.differentiate.steps import along, as_float_inputs, as_values, call, copied, quiet
from npreg.gradcheck.forms import Form, contents, kind_of, mapped
from npreg.gradcheck.readings import Reading, Wanted, readings
from npreg.gradcheck.report import GradientReport, InputReport, Mistakes
from npreg.gradcheck.verdict import Question, judge
from npreg.isolation import keys_for, unguarded

UNREAD_CURE = "are parameters kept in self, or a global? Give the object's own method"


class GradientError(AssertionError):
    """A gradient is wrong; the message is the report, which is also in the attribute `report`."""

    def __init__(self, report: GradientReport) -> None:
        super().__init__(report)
        self.report = report


def assert_gradient(function: Callable[..., Any], gradient: Any, inputs: Mapping[str, Any], **options: Any) -> None:
    """Silent if the gradient is right; otherwise raise a `GradientError`, whose message is the report in 20 lines.

    Parameters are those of `check_gradient`.

    >>> assert_gradient(lambda w: np.sum(w**2), lambda w: 2 * w, {"w": np.array([3.0, 4.0])})
    """
    if not (report := check_gradient(function, gradient, inputs, **options)):
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

    docs/check_gradient.md shows the forms in which both are taken. The report is true in a condition if right.
    ValueError for non-finite inputs or function value, an unknown name in `wrt`, results that fit no input, or several;
    TypeError for inputs that are not real numbers, or a parameter that is no input.

    Parameters
    ----------
    function : callable, or object with `forward`
        Any NumPy function, called by keyword with those inputs that it names. Returns a number or an array,
        or a tuple with that first or last. Of an object's method, the object's `params` are inputs, too.
    gradient : callable, mapping name → callable or array, array, or object with `backward`
        Returns one array, several in any order, or a dict (w, dw, grad_w, dj_dw, w_grad). None or the function
        itself where that returns both.
    inputs : mapping name → array, or container of arrays
        Where to check. Never changed.
    wrt : str or sequence of str, optional
        The inputs (or containers of them, or attributes of the object) to differentiate by; by default those
        that the gradient's result names or fits. Integers are converted to float64.
    upstream : array, optional
        For a function that returns an array: check the gradient of Σ upstream · function; 1.0 means the sum.
        It is given to the gradient's parameter that is no input (upstream, dout, grad_output, gy), which gets
        random numbers otherwise. Without, a gradient of the input's shape is meant to be that of the sum;
        another must be the Jacobian, of the output's shape followed by the input's.
    tolerance : float
        In units of eps · Σ|terms|; eps is float32's where the inputs or the gradient are float32.
    max_entries, num_directions, rng : int, int, seed or numpy.random.Generator
        Inputs with more entries are checked along so many directions, which are drawn by `rng`.

    >>> X, y = np.array([[1.0, 2.0], [3.0, 5.0], [6.0, 1.0]]), np.array([1.0, 2.0, 4.0])
    >>> loss, inputs = lambda X, y, w: np.mean((X @ w - y) ** 2), {"X": X, "y": y, "w": np.array([0.5, 0.1])}
    >>> report = check_gradient(loss, lambda X, y, w: 2 * X.T @ (X @ w - y), inputs, wrt="w")
    >>> bool(report), [mistake.code for mistake in report.inputs[0].mistakes]
    (False, ['factor:n'])
    """
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs must be a mapping name → array, not {type(inputs).__name__}")
    if not callable(function) and not callable(getattr(function, "forward", None)):
        raise TypeError(f"function must be callable, or have a forward that is, not {brief(function)}")
    if not (wrt is None or isinstance(wrt, (str, list, tuple))) or not all(isinstance(name, str) for name in wrt or ()):
        raise TypeError(f"wrt must be a name or several, not {brief(wrt)}")
    asked = [wrt] if isinstance(wrt, str) else list(wrt or ())
    how: dict[str, Any] = {"tolerance": as_nonnegative(tolerance, "tolerance")}
    how["max_entries"] = as_count(max_entries, "max_entries", 1)
    how["num_directions"] = as_count(num_directions, "num_directions", 1)
    as_rng(rng)
    form = Form(function, gradient, inputs, asked)
    report = _checked(form, asked, upstream, rng, **how)
    if not report.passed and form.ambiguous:
        form.place = -1
        last = _checked(form, asked, upstream, rng, **how)
        report = last if last.passed else report
    ways = [[(part, []), unguarded(part)] if not report.passed else [] for part in (function, gradient)]
    for (one, first), (other, second) in itertools.product(*ways):
        free = report
        with suppress(ValueError):  # nothing keeps away from zero
            free = _checked(Form(one, other, inputs, asked), asked, upstream, rng, **how) if first or second else report
        if free is not report and not free.passed and report.order == free.order:
            naming = partial(_recognised, free.inputs[0].naming, report.inputs)
            report = replace(report, inputs=tuple(replace(one, naming=naming) for one in report.inputs))
        if free.passed:
            listed = ", ".join(f"{value:g}" for value in sorted({*first, *second}))
            said = f"guard: right but for the small constants that keep away from zero ({listed})"
            found = tuple(replace(one, facts=(said,)) for one in free.inputs)
            return replace(free, inputs=found, notes=(said, *free.notes))
    return report


def _recognised(free: Callable[[], Mistakes], reports: tuple[InputReport, ...]) -> Mistakes:
    """The mistakes found without small constants, and those found with them where these are not recognised."""
    found = {name: told for name, told in free().items() if told[0].code not in ("not-recognised", "non-finite")}
    return found if all(one.passed or one.name in found for one in reports) else {**reports[0].naming(), **found}


def _checked(form: Form, asked: list[str], upstream: Any, seed: Any, **how: Any) -> GradientReport:
    wanted, rng = _wanted(form, asked), np.random.default_rng(seed)
    names = [leaf for inside in wanted.values() for leaf in inside]
    given = _usable(form.leaves, names)
    base = as_float_inputs(given, names)
    with quiet():
        output = call(form.value, base)
        if output.dtype.kind == "c":
            raise TypeError("the function returned complex numbers; only real functions have a gradient here")
        check_finite(output, "the function's value", "it is not finite at these inputs; choose others")
        notes: list[str] = []
        if upstream is None and form.upstream()[1]:
            upstream = rng.normal(size=output.shape) if output.ndim else 1.0
            if output.ndim:
                notes.append("the gradient takes an upstream derivative; one was drawn at random")
        target, shape = form.value, output.shape
        if upstream is not None:
            target, shape = _contracted(form.value, upstream, output.shape), ()
        results, problems = _called(form, given, upstream)
        found = [r for result in results for r in readings(result, wanted, output, all_of_them=bool(asked))]
        if not found:
            raise _unreadable(results[0], wanted)
        if upstream is None and output.size > 1 and all(np.shape(g) == base[n].shape for n, g in found[0].items()):
            upstream, target, shape = 1.0, _contracted(form.value, 1.0, output.shape), ()
            notes.append(f"the function returns shape {output.shape}; upstream=1.0, the gradient of its sum, is meant")
        dtypes = [np.asarray(value).dtype for value in form.leaves.values() if kind_of(value) == "f"]
        dtype = min([np.dtype(np.float64), *dtypes], key=lambda dtype: dtype.itemsize)
        judged = partial(judge, Question(target, base, shape, dtype, rng=rng, **how))
        reports = _best(found, judged, bool(asked))
        unread = [report.name for report in reports if not report.kinks and _is_unread(report.name, target, base)]
    converted = [report.name for report in reports if kind_of(form.leaves[report.name]) in "iub"]
    if converted:
        notes.append(f"{', '.join(converted)} held integers; checked at the same values in float64")
    for name in sorted({report.precision for report in reports} - {"float64"}):
        notes.append(f"judged by {name}'s rounding, eps = {np.finfo(name).eps:.2g}; float64 inputs show more")
    if unread:
        notes.append(f"the function never uses {', '.join(unread)}: {UNREAD_CURE}")
    repeats = not any("again" in problem for problem in problems)  # else it is not the same on other numbers
    wrong = [report.name for report in reports if report.wrong and report.name not in unread and repeats]

    order = tuple(report.name for report in reports)

    @cache
    def named() -> Mistakes:
        from npreg.gradcheck.naming import named_mistakes

        return named_mistakes(form, wanted, given, upstream, order, wrong) if wrong else {}

    said = "the function does not depend on {0}: its value is the same whatever {0} is"
    facts = {r.name: (said.format(r.name),) for r in reports if r.name in unread and r.wrong}
    told = tuple(replace(one, naming=named, facts=facts.get(one.name, one.facts)) for one in reports)
    another = order if order != tuple(name for name in names if name in order) else ()
    return GradientReport(inputs=told, problems=tuple(problems), notes=tuple(notes), order=another)


def _best(found: list[Reading], judged: Callable[[str, Any], InputReport], asked: bool) -> list[InputReport]:
    """The verdict on the reading in which most is right; ValueError where that could be several."""
    values = {(name, id(value)): value for reading in found for name, value in reading.items()}
    verdict = cache(lambda name, at: judged(name, values[name, at]))
    best: list[InputReport] = []
    for reading in found:
        reports = [verdict(name, id(value)) for name, value in reading.items()]
        best = max(best, reports, key=lambda reports: sum(report.passed for report in reports)) or reports
        if all(report.passed for report in reports):
            break
    if not (asked or any(report.passed for report in best)) and len({frozenset(reading) for reading in found}) > 1:
        ways = " or ".join(dict.fromkeys(f"({', '.join(reading)})" for reading in found))
        raise ValueError(f"the result can be read as the gradient with respect to {ways}; say which with wrt=")
    return best


def _wanted(form: Form, asked: list[str]) -> Wanted:
    """The names that are or may be differentiated by, with the shapes of the inputs in each."""
    if not asked and isinstance(form.gradient, Mapping):
        every = [*form.tree, *form.leaves]
        known = [[name for name in every if keys_for(name, [key])] or [key] for key in form.gradient]
        asked = list(dict.fromkeys(itertools.chain(*known)))
    for kind in ("f", "iu"):
        every = [name for name in form.tree if any(kind_of(form.leaves[leaf]) in kind for leaf in form.inside(name))]
        asked = asked or every
    if not asked:
        raise ValueError("there is no floating input to differentiate by; give at least one")
    found = {name: form.inside(name) for name in asked}
    for name, inside in found.items():
        if not inside:
            raise ValueError(f"there is no input {name!r}; the inputs are {', '.join(form.leaves)}")
    return found


def _is_unread(name: str, function: Callable[..., Any], base: dict[str, Any]) -> bool:
    """Whether the function's value is the same whatever an input is, NaN included."""
    rng, x = np.random.default_rng(0), base[name]
    moves = [np.full(x.shape, np.nan), *((1 + np.abs(x)) * rng.normal(size=x.shape) for _ in range(3))]
    curves = [along(function, base, {name: move}) for move in moves]
    return x.size > 0 and all(np.array_equal(curve(0.0), curve(1.0)) for curve in curves)


def _usable(leaves: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Copies for the gradient: as they are, but what is differentiated by is floating; all finite."""
    result = dict(leaves)
    for name, value in leaves.items():
        if (kind := kind_of(value)) in "fiub":
            result[name] = np.array(value, dtype=np.float64 if name in names and kind != "f" else None)
            check_finite(result[name], f"input {name!r}", "give finite inputs")
    return result


def _contracted(function: Callable[..., Any], upstream: Any, shape: tuple[int, ...]) -> Callable[..., Any]:
    """The function Σ upstream · function, whose gradient a backward pass returns."""
    given = as_values(upstream, "upstream", np.float64)
    try:
        weights = np.broadcast_to(given, shape)
    except ValueError:
        said = f"upstream has shape {given.shape}, the function returns {shape}; they must be equal"
        raise ValueError(said) from None
    return lambda **arrays: np.sum(weights * np.asarray(function(**arrays)))


def _unreadable(result: Any, wanted: Wanted) -> Exception:
    """Why a result is no gradient with respect to these inputs, and what would be."""
    names = ", ".join(wanted)
    if result is None:
        return TypeError("the gradient function returned None; end it with return")
    if isinstance(result, Mapping):
        missing = next((n for n in wanted if not keys_for(n, list(map(str, result)))), names)
        given = f"the gradient returned {', '.join(map(str, result))}, but not {missing!r}"
        cure = f"name the keys after the inputs ({missing}, d{missing} or grad_{missing})"
        return ValueError(f"{given}; {cure}, or say with wrt= which are asked for")
    if isinstance(result, (tuple, list)):
        return ValueError(f"{len(result)} gradients for {len(wanted)} inputs ({names}); see wrt=")
    return ValueError(f"one gradient for {len(wanted)} inputs ({names}); say which it is with wrt=")


def _called(form: Form, given: dict[str, Any], upstream: Any) -> tuple[list[Any], list[str]]:
    """The gradient's results at copies of the inputs, and whether it leaves them alone and repeats itself."""
    copies = {name: copied(value) for name, value in given.items()}
    results = form.gradients(copies, upstream)
    first = mapped(results, lambda _, item: copied(item), lambda *_: False)  # for it may use its arrays again
    changed = [name for name, value in given.items() if not _equal(copies[name], value)]
    problems = [f"the gradient function changes its input {name!r}" for name in changed]
    again = form.gradients({name: copied(value) for name, value in given.items()}, upstream)
    if not _equal(first[0], again[0], slack=1e3):  # threads may sum in another order
        problems.append("the gradient function gives another result when called again with the same inputs")
    return first, problems


def _equal(one: Any, other: Any, slack: float = 0.0) -> bool:
    """Whether the arrays in two values agree, to so many roundings of the largest entry."""
    parts, others = contents(one), contents(other)
    if parts is not None or others is not None:
        pairs = zip((parts or {}).values(), (others or {}).values(), strict=False)
        return len(parts or ()) == len(others or ()) and all(_equal(*pair, slack) for pair in pairs)
    if kind_of(one) != "f" or np.shape(one) != np.shape(other):
        return kind_of(one) not in "fiub" or np.array_equal(one, other)
    array = np.asarray(one)
    top = float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
    return bool(np.allclose(array, other, rtol=0, atol=slack * np.finfo(array.dtype).eps * top, equal_nan=True))
