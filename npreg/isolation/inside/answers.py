"""Run a student's file: what every answer returned, as plain records, without judging it.

What stands for an answer that no function is named after, a method or one of several results, is found out.
"""

import ast
import contextlib
import dis
import inspect
import io
import linecache
import re
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from . import constants

FILENAME = "<answers>"
MOST_TRIED = 10
_BEFORE = r"(?:d|g|grad|gradient|nabla|delta|d_?(?:j|l|c|e|f|loss|cost)_d|partial)_?"
_AFTER = r"_?(?:g|d|grad|grads|gradient|delta|bar)"
_GRADIENT = re.compile(r"grad|backward|backprop|deriv", re.IGNORECASE)
_STDOUT_LIMIT = 2000
_VALUE_LIMIT = 1_000_000
_REFUSALS = (SystemExit, Exception, GeneratorExit)
NO_RUN: dict[str, Any] = dict.fromkeys(("value", "again", "free", "problem", "error"))
NO_RUN |= {"type": "", "changed": [], "stdout": ""}
Probe = Mapping[str, np.ndarray]


def run(
    source: str | Mapping[str, Any],
    names: Sequence[str],
    probes: Sequence[Probe],
    *,
    optional: Sequence[str] = (),
    started: Callable[[str], object] = lambda name: None,
) -> dict[str, Any]:
    """Call every answer function of a file on every probe, twice; nothing but KeyboardInterrupt is raised.

    ``source`` is the text of the student's file, or a mapping from names to functions (those of a notebook). A probe
    maps names of inputs **and** forward steps to arrays; a function gets, as fresh copies, those that its parameters
    name. ``optional`` functions are run where the file defines them (``grad_<step>``); ``started`` is called with the
    name of every function before it runs.

    Returned are ``error``, None or why the file could not be run; ``stdout``, what running it printed; ``functions``,
    by name: ``globals``, module-level data that it reads, ``guards``, constants as in log(p + 1e-7), and ``runs``,
    one per probe: ``value`` and ``again``, what two calls with equal arguments returned, as plain arrays, or None;
    ``problem``, None, ``"not-implemented"``, ``"no-return"``, ``"raises"`` or ``"dtype"`` (not numbers); ``changed``,
    the arguments that the call changed; ``free``, what is returned with the guards at zero, or None.

    >>> probe = {"x": np.array(2.0), "r": np.array(3.0)}
    >>> outcome = run("def grad_w(x, r): return x * r", ["grad_w"], [probe])
    >>> float(outcome["functions"]["grad_w"]["runs"][0]["value"])
    6.0
    """
    output = io.StringIO()
    with quiet(output):
        namespace, error = load(source)
    functions, others = {}, dict[str, str]()
    if error is None and not any(name.partition("[")[0] in namespace for name in names):
        started(names[0])
        with quiet(output):
            others = other_names(namespace, names, (*names, *optional), probes)
    for name in [*names, *(name for name in optional if name in namespace)]:
        started(name)
        functions[name] = _run_function(namespace, others.get(name, name), probes)
    return {"error": error, "stdout": output.getvalue()[:_STDOUT_LIMIT], "functions": functions}


@contextlib.contextmanager
def quiet(output: io.StringIO) -> Iterator[None]:
    """Catch what the student's code prints, warns and reads, and put everything back."""
    stdin, sys.stdin = sys.stdin, io.StringIO()
    argv, sys.argv = sys.argv, [FILENAME]
    try:
        out, err = contextlib.redirect_stdout(output), contextlib.redirect_stderr(output)
        with out, err, warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdin, sys.argv = stdin, argv


def load(source: str | Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    if not isinstance(source, str):
        return dict(source), None
    namespace: dict[str, Any] = {"__name__": "answers", "__file__": FILENAME, "__builtins__": __builtins__}
    linecache.cache[FILENAME] = (len(source), None, source.splitlines(True), FILENAME)
    try:
        exec(compile(source, FILENAME, "exec", dont_inherit=True), namespace)
    except _REFUSALS as error:
        return namespace, _describe(error)
    return namespace, None


def _describe(error: BaseException, default: int | None = None) -> dict[str, Any]:
    """An exception as kind, message and the last line of the student's file that it passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILENAME]
    line = lines[-1] if lines else getattr(error, "lineno", None) if isinstance(error, SyntaxError) else default
    message = ""
    with contextlib.suppress(Exception):
        message = str(error)[:500]
    package = str(error.name) if isinstance(error, ImportError) and error.name else None
    return {"kind": type(error).__name__, "message": message, "line": line, "package": package}


def _run_function(namespace: dict[str, Any], name: str, probes: Sequence[Probe]) -> dict[str, Any]:
    plain, part = name.removesuffix("]").partition("[")[::2]
    function = bound(namespace, plain)
    if not callable(function):
        missing = {"problem": "not-implemented" if function is None else "dtype", "type": type(function).__name__}
        facts = {"defined": False, "parameters": [], "globals": [], "name": name, "line": None, "guards": []}
        return {**facts, "runs": [{**NO_RUN, **missing} for _ in probes]}
    code = getattr(function, "__code__", None)
    line = code.co_firstlineno if isinstance(code, types.CodeType) and code.co_filename == FILENAME else None
    runs = [_run_once(namespace, plain, part, probe, line) for probe in probes]
    free, guards = function, list[float]()
    with contextlib.suppress(*_REFUSALS):
        free, guards = constants.unguarded(function) if plain in namespace else (function, [])
    for run, probe in zip(runs, probes, strict=True) if guards else ():
        run["free"] = _run_once({**namespace, plain: free}, plain, part, probe, line)["value"]
    facts = {"defined": True, "parameters": parameters(function), "globals": sorted(_data_globals(function, namespace))}
    return {**facts, "name": name, "line": getattr(code, "co_firstlineno", None), "guards": guards, "runs": runs}


def _run_once(namespace: Mapping[str, Any], name: str, part: str, probe: Probe, line: int | None) -> dict[str, Any]:
    output, record = io.StringIO(), dict(NO_RUN)
    with quiet(output):
        try:
            function = bound(namespace, name, probe)
            given = arguments(function, probe, namespace)
            record.update(as_value(picked(function(**given), part)))
            if record["problem"] == "no-return" and _is_stub(function):
                record["problem"] = "not-implemented"
            record["stdout"] = output.getvalue()[:_STDOUT_LIMIT]
            pairs = {key: (value, probe[key]) for key, value in given.items() if key in probe}
            same = {key: np.array_equal(a, b, equal_nan=b.dtype.kind in "fc") for key, (a, b) in pairs.items()}
            record["changed"] = [key for key in same if not same[key]]
            record["again"] = as_value(picked(called(namespace, name, probe), part))["value"]
        except _REFUSALS as error:
            record["problem"] = "not-implemented" if isinstance(error, NotImplementedError) else "raises"
            record["error"] = _describe(error, line)
    record["stdout"] = record["stdout"] or output.getvalue()[:_STDOUT_LIMIT]
    return record


def called(namespace: Mapping[str, Any], name: str, probe: Probe) -> Any:
    function = bound(namespace, name, probe)
    return function(**arguments(function, probe, namespace))


def _is_stub(function: Callable[..., Any]) -> bool:
    """Whether a function's body is `...`, `pass` or a docstring alone."""
    code = getattr(function, "__code__", None)
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return isinstance(code, types.CodeType) and {step.opname for step in dis.get_instructions(code)} <= idle


def parameters(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters; none where they cannot be known."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def arguments(
    function: Callable[..., Any], probe: Probe, namespace: Mapping[str, Any], depth: int = 0
) -> dict[str, Any]:
    """Copies of what the parameters name; a parameter ``grad_r`` may also name a function of the file."""
    found: dict[str, Any] = {}
    for key, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            found.update({name: copied(value) for name, value in probe.items() if name not in found})
        elif parameter.kind is parameter.VAR_POSITIONAL:
            continue
        elif key in probe:
            found[key] = copied(probe[key])
        elif parameter.default is not parameter.empty:
            continue
        elif key.startswith("grad_") and callable(namespace.get(key)) and depth < 10:
            found[key] = namespace[key](**arguments(namespace[key], probe, namespace, depth + 1))
        else:
            known = ", ".join(probe)
            raise TypeError(f"the parameter {key!r} names nothing that is given; known names are {known}")
    return found


def copied(value: np.ndarray) -> Any:
    """A fresh copy; a scalar is given as a NumPy scalar, a whole one as an `int`, so that it acts like a number."""
    return value.copy() if value.ndim else value.item() if value.dtype.kind in "iu" else value[()]


def as_value(result: Any) -> dict[str, Any]:
    """The returned object as a plain array, with its type in words and what is wrong with it."""
    record: dict[str, Any] = {"value": None, "type": type(result).__name__, "problem": "dtype"}
    if result is None or result is NotImplemented or result is ...:
        return {**record, "problem": "no-return" if result is None else "not-implemented"}
    try:
        value = np.array(result)
    except _REFUSALS:
        return record
    if isinstance(result, np.ndarray):
        record["type"] = f"{value.dtype} array {value.shape}"
    elif isinstance(result, np.generic):
        record["type"] = str(value.dtype)
    fits = value.dtype.kind in "biufc" and value.size <= _VALUE_LIMIT
    return {**record, "value": value, "problem": None} if fits else record


def _data_globals(function: Callable[..., Any], namespace: Mapping[str, Any]) -> set[str]:
    """Names of module-level data that the function, or a function of the file that it calls, reads."""
    namespace = getattr(function, "__globals__", namespace)
    found, seen, waiting = set[str](), set[int](), [getattr(function, "__code__", None)]
    for code in waiting:  # which grows
        if not isinstance(code, types.CodeType) or id(code) in seen:
            continue
        seen.add(id(code))
        waiting.extend(code.co_consts)
        read = (step for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
        for name in (str(step.argval) for step in read):
            value = namespace.get(name)
            if isinstance(value, types.FunctionType):
                waiting.append(value.__code__)
            elif isinstance(value, (int, float, complex, list, tuple, dict, np.ndarray, np.generic)):
                found.add(name)
    return found


def keys_for(name: str, keys: Sequence[str]) -> list[str]:
    """The keys under which a gradient with respect to a name is found, the decorated ones first."""
    word = re.escape(name)
    pattern = f"{_BEFORE}{word}|{word}{_AFTER}"
    found = [key for flag in (0, re.IGNORECASE) for key in keys if re.fullmatch(pattern, key, flag)]
    return list(dict.fromkeys([*found, *(key for key in keys if key == name)]))


def is_gradient(name: str, value: Any) -> bool:
    """Whether this may stand for answers: a class, or a function with a name such as `compute_gradient`."""
    return isinstance(value, type) or (isinstance(value, types.FunctionType) and bool(_GRADIENT.search(name)))


def bound(namespace: Mapping[str, Any], name: str, probe: Probe | None = None) -> Any:
    """A function, or ``Class.method``: of an object made of what a probe gives, or as it stands."""
    owner, _, method = name.rpartition(".")
    kind = namespace.get(owner)
    if not isinstance(kind, type):
        return namespace.get(name)
    return getattr(kind if probe is None else kind(**arguments(kind, probe, namespace)), method, None)


def picked(result: Any, part: str) -> Any:
    """One of several results, by its place or key; "" is all. A function that returns something else is told."""
    if not part or result is None:
        return result
    if isinstance(result, Mapping) and part in result:
        return result[part]
    if not part.isdigit() or not isinstance(result, (tuple, list)) or len(result) <= int(part):
        which = f"result {int(part) + 1}" if part.isdigit() else f"the result {part!r}"
        raise TypeError(f"it must return several results, {which} of which is asked for, not {type(result).__name__}")
    return result[int(part)]


def other_names(
    namespace: Mapping[str, Any], missing: Sequence[str], known: Iterable[str], probes: Sequence[Probe]
) -> dict[str, str]:
    """What stands for answers that no function is named after, where only one reading is possible.

    Such as ``gradient[1]``, ``gradient[dw]``, ``Model.grad_w`` or ``Model.backward[0]``; a name that is only misspelt
    is told instead. `known` are the names that mean something else.
    """
    here = {key: value for key, value in namespace.items() if key not in {*known} and not key.startswith("_")}
    classes = [(key, value) for key, value in here.items() if isinstance(value, type) and key == value.__name__]
    methods = [(key, name, value) for key, one in classes for name, value in vars(one).items() if name[0] != "_"]
    defined = [key for key, value in here.items() if isinstance(value, types.FunctionType)]
    defined += [f"{key}.{name}" for key, name, value in methods if isinstance(value, types.FunctionType)]
    wanted, found = {name: name.removeprefix("grad_") for name in missing}, dict[str, str]()
    for name in missing:
        own = [one for one in defined if one.endswith(f".{name}")]
        if len(own) == 1 and _first(namespace, own[0], probes) is not None:
            found[name] = own[0]
    rest = {name: wrt for name, wrt in wanted.items() if name not in found and wrt in probes[0]}
    others = [one for one in defined if one not in found.values() and _GRADIENT.search(one)][:MOST_TRIED]
    results = {one: result for one in others if rest and (result := _first(namespace, one, probes)) is not None}
    if len(results) == 1:
        ((one, (result, probe)),) = results.items()
        parts = _parts(result, list(rest.values()), probe, bound(namespace, one))
        found |= {name: f"{one}{parts[wrt]}" for name, wrt in rest.items() if parts}
    return found


def _first(namespace: Mapping[str, Any], name: str, probes: Sequence[Probe]) -> tuple[Any, Probe] | None:
    """What a function returns, on a probe whose arrays differ in shape as far as any do; None where it cannot."""
    probe = max(probes, key=lambda probe: len({np.shape(value) for value in probe.values()}))
    try:
        result = called(namespace, name, probe)
    except (SystemExit, Exception, GeneratorExit):
        return None
    return None if result is None else (result, probe)


def _parts(result: Any, wanted: Sequence[str], probe: Probe, function: Any) -> dict[str, str] | None:
    """Which part of a result is the gradient with respect to each: by key, by the names returned, or by shape."""
    if isinstance(result, Mapping):
        keys = {wrt: keys_for(wrt, [key for key in result if isinstance(key, str)])[:1] for wrt in wanted}
        return {wrt: f"[{key[0]}]" for wrt, key in keys.items()} if all(keys.values()) else None
    if not isinstance(result, (tuple, list)):
        return {wanted[0]: ""} if len(wanted) == 1 else None
    named = [[name for name in names if name not in wanted] for names in _returned(function, len(result))]  # dw, not w
    fits = {wrt: [i for i, names in enumerate(named) if keys_for(wrt, names)] for wrt in wanted}
    if any(len(places) != 1 for places in fits.values()):
        shapes = [np.shape(item) if isinstance(item, (np.ndarray, np.generic, float, int)) else None for item in result]
        fits = {wrt: [i for i, shape in enumerate(shapes) if shape == probe[wrt].shape] for wrt in wanted}
    places = [place for found in fits.values() for place in found]
    if any(len(found) != 1 for found in fits.values()) or len(set(places)) < len(wanted):
        return None
    return {wrt: f"[{found[0]}]" for wrt, found in fits.items()}


def _returned(function: Any, count: int) -> list[list[str]]:
    """The names in each of the results that a function's `return` lists."""
    returns = [node.value for node in ast.walk(constants.tree_of(function)) if isinstance(node, ast.Return)]
    listed = [value.elts for value in returns if isinstance(value, (ast.Tuple, ast.List))]
    fitting = [items for items in listed if len(items) == count] or [[ast.Constant(0)] * count]
    return [[n.id for n in ast.walk(item) if isinstance(n, ast.Name)] for item in fitting[-1]]
