"""Run a student's file: what every answer function returned, as plain records, without judging it."""

from __future__ import annotations

import contextlib
import dis
import inspect
import io
import linecache
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import constants, readings

FILENAME = "<answers>"
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

    ``source`` is the text of the student's file, or a mapping from names to functions (those of a notebook);
    ``name[1]`` in ``names`` is the second of several results. A probe maps names of inputs **and** forward steps to
    arrays; a function gets, as fresh copies, the ones that its parameters name. ``optional`` functions are run where
    the file defines them (``grad_<step>``); ``started`` is called with the name of every function before it runs.

    Returned are ``error``: None, or ``{"kind", "message", "line", "package"}`` where the file itself could not be run
    (``package`` is what an ImportError is about); ``stdout``: what running the file printed; ``functions``: from every
    name to ``{"defined", "parameters", "globals", "line", "guards", "runs"}``, where ``globals`` are the names of
    module-level data that the function reads, and ``guards`` constants as in log(p + 1e-7). ``runs`` holds one record
    per probe: ``value`` and ``again``, what two calls with equal arguments returned, as plain arrays, or None;
    ``type``, in words; ``problem``, None, ``"not-implemented"``, ``"no-return"``, ``"raises"`` or ``"dtype"`` (not
    numbers); ``error``, as of the file; ``changed``, the arguments that the call changed; ``free``, what is returned
    with the guards at zero, or None; and ``stdout``.

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
            call = partial(called, namespace)
            others = readings.other_names(namespace, names, (*names, *optional), probes, call)
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
    function = readings.bound(namespace, plain)
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
            function = of_probe(namespace, name, probe)
            given = arguments(function, probe, namespace)
            record.update(as_value(readings.picked(function(**given), part)))
            if record["problem"] == "no-return" and _is_stub(function):
                record["problem"] = "not-implemented"
            record["stdout"] = output.getvalue()[:_STDOUT_LIMIT]
            pairs = {key: (value, probe[key]) for key, value in given.items() if key in probe}
            same = {key: np.array_equal(a, b, equal_nan=b.dtype.kind in "fc") for key, (a, b) in pairs.items()}
            record["changed"] = [key for key in same if not same[key]]
            record["again"] = as_value(readings.picked(called(namespace, name, probe), part))["value"]
        except _REFUSALS as error:
            record["problem"] = "not-implemented" if isinstance(error, NotImplementedError) else "raises"
            record["error"] = _describe(error, line)
    record["stdout"] = record["stdout"] or output.getvalue()[:_STDOUT_LIMIT]
    return record


def of_probe(namespace: Mapping[str, Any], name: str, probe: Probe) -> Any:
    """A function by its name, or a method of an object that is made of what a probe gives."""
    return readings.bound(namespace, name, lambda owner: owner(**arguments(owner, probe, namespace)))


def called(namespace: Mapping[str, Any], name: str, probe: Probe) -> Any:
    function = of_probe(namespace, name, probe)
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
