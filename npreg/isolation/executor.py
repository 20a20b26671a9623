"""Somebody's answers run in a process of their own, watched and ended from outside, which never holds the reference."""

import contextlib
import math
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import numpy as np

from npreg.isolation.inside import wire
from npreg.isolation.inside.answers import NO_RUN
from npreg.isolation.sandbox import Sandbox

Watch = Callable[[float, str], None]
Probes = Sequence[Mapping[str, np.ndarray[Any, Any]]]
Events = queue.SimpleQueue[tuple[str, Any]]
START_SECONDS = 60.0
TURN = 0.2
SHORTEST = 2**16  # bytes that a message counts at least
WINDOWS_FAULT = 0xC0000000
PROBLEMS = ("not-implemented", "no-return", "raises", "dtype")
LONGEST_TEXT = 2000
MOST_ENTRIES = 1_000_000
MOST_ITEMS = 10_000


@dataclass
class Ran:
    """What came of a file: ``outcome`` as of ``run_answers``, and what was in force before any of its code ran."""

    outcome: dict[str, Any]
    endings: dict[str, tuple[str, str]] = field(default_factory=dict)  # function, or "": a reason's code and detail
    isolation: dict[str, Any] = field(default_factory=dict)
    complex: list[str] = field(default_factory=list)  # functions that work with complex numbers


@dataclass
class Run:
    """How one process ended: its ``answer``, checked, or None and why; ``isolation`` and ``complex`` as of ``Ran``."""

    answer: Any = None
    at_work: str = ""
    ending: str = "failed-to-start"
    detail: str = ""
    isolation: dict[str, Any] = field(default_factory=dict)
    complex: list[str] | None = None


@dataclass(frozen=True)
class Isolated:
    """Somebody's file, run in processes of its own.

    ``helpers`` are modules of the file's own folder, as name and source; ``slot`` keeps parallel users apart; ``watch``
    is called with the seconds since the start and the function at work ("" while loading), and may raise to end it.
    """

    sandbox: Sandbox
    source: str
    helpers: Mapping[str, str] = field(default_factory=dict)
    slot: int = 0
    watch: Watch | None = None

    def run(self, names: Sequence[str], probes: Probes, optional: Sequence[str] = ()) -> Ran:
        """Run answers as ``run_answers`` does; again, without a function that its process died in."""
        request = self._request(probes, names=list(names), optional=list(optional))
        ran = Ran({"error": None, "stdout": "", "functions": {}})
        dead: dict[str, dict[str, Any]] = {}
        while request["names"]:
            run = self.run_once(request)
            ran.isolation, ran.complex = run.isolation or ran.isolation, run.complex or ran.complex
            if run.answer is not None:
                ran.outcome = run.answer
                break
            culprit = run.at_work if run.at_work in (*request["names"], *request["optional"]) else ""
            ran.endings[culprit] = (run.ending, run.detail)
            error = {"kind": run.ending, "message": run.detail, "line": None, "package": None}
            ran.outcome["error"] = ran.outcome["error"] if culprit else error
            function = {"defined": True, "parameters": [], "globals": [], "line": None}
            for name in (name for name in request["names"] if culprit in ("", name)):
                runs = [{**NO_RUN, "problem": "raises", "error": error} for _ in probes]
                dead[name] = {**function, "name": name, "runs": runs}
            for key in ("names", "optional"):
                request[key] = [name for name in request[key] if culprit not in ("", name)]
        functions = {**ran.outcome["functions"], **dead}
        ran.outcome["functions"] = {name: functions[name] for name in (*names, *optional) if name in functions}
        return ran

    def run_once(self, request: Mapping[str, Any]) -> Run:
        """Run one request in a fresh process and return how it ended; nothing of it is left afterwards."""
        with self._process() as ask:
            return ask(request)

    @contextlib.contextmanager
    def searching(self, seconds: float) -> Iterator[Callable[..., list[dict[str, Any]]]]:
        """Give what runs small changes of the file as ``search_changes`` does, in one process for all searches.

        Where it dies, the search is made once more in another, and then finds nothing.
        """
        with contextlib.ExitStack() as running:
            ask: Callable[..., Run] | None = None

            def search(name: str, *, probes: Probes, **options: Any) -> list[dict[str, Any]]:
                nonlocal ask
                request = self._request(probes, search={"name": name, "seconds": seconds, **options})
                run = ask(request) if ask else Run()
                if run.answer is None:
                    running.close()
                    ask = running.enter_context(self._process())
                    run = ask(request)
                ask = None if run.answer is None else ask  # what has ended answers no other search
                return run.answer or []

            yield search

    def _request(self, probes: Probes, **more: Any) -> dict[str, Any]:
        given = [{name: np.asarray(value) for name, value in probe.items()} for probe in probes]
        return {"source": self.source, "helpers": dict(self.helpers), "probes": given, **more}

    @contextlib.contextmanager
    def _process(self) -> Iterator[Callable[..., Run]]:
        """Start a process, and give what sends it a request and returns its answer; after a search it takes another."""
        events, printed, isolation, limits = Events(), list[bytes](), dict[str, Any](), self.sandbox.limits
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # on Windows, where there are no sessions
        with self.sandbox.room(self.slot) as (start, settings):
            try:
                process = subprocess.Popen(**start, **pipes, start_new_session=True, creationflags=group)
            except OSError as error:
                failed = Run(detail=str(error))
                yield lambda request: failed
                return
            readers = [
                threading.Thread(target=_read_messages, args=(process.stdout, events), daemon=True),
                threading.Thread(target=_drain, args=(process.stderr, events, printed, limits.output), daemon=True),
            ]

            def ask(request: Mapping[str, Any]) -> Run:
                run, stdin = Run(isolation=isolation), cast(BinaryIO, process.stdin)
                with contextlib.suppress(OSError, ValueError):
                    for message in [request] if isolation else [settings, request]:
                        wire.write_frame(stdin, message)
                    if "search" not in request:
                        stdin.close()
                _collect(run, events, request, limits.seconds, self.watch)
                if run.ending == "closed":
                    readers[1].join(2)
                    run.detail = b"".join(printed).decode("utf-8", "replace")
                    _explain_exit(run, process)
                isolation.setdefault("bwrap", self.sandbox.bwrap is not None)
                return run

            try:
                for reader in readers:
                    reader.start()
                yield ask
            finally:
                with contextlib.suppress(OSError, AttributeError):
                    os.killpg(process.pid, signal.SIGKILL)
                with contextlib.suppress(OSError), process:  # whose pipes are closed in the end
                    process.kill()
                    process.wait()
                for reader in readers:
                    reader.join(5)


def _read_messages(stream: Any, events: Events) -> None:
    """Pass every message on; the first that is none, or more than an answer needs, ends the reading."""
    left = 2 * wire.MAX_FRAME
    with contextlib.suppress(OSError, ValueError):
        try:
            while True:
                line = stream.readline(min(max(left, 0), wire.MAX_FRAME) + 1)
                left -= max(len(line), SHORTEST)
                events.put(("message", wire.value_of(line)))
        except (EOFError, wire.WireError) as error:
            events.put(("closed" if isinstance(error, EOFError) else "garbled", None))


def _drain(stream: Any, events: Events, printed: list[bytes], limit: int) -> None:
    """Read what the student's code prints past the checker, and report when it is too much."""
    total = 0
    with contextlib.suppress(OSError, ValueError):
        while piece := stream.read1(2**16):
            printed += [piece[:2000]] if total < 2000 else []
            total += len(piece)
            if total > limit:
                events.put(("output-limit", None))
                return


def _collect(run: Run, events: Events, request: Mapping[str, Any], seconds: float, watch: Watch | None) -> None:
    """Collect messages until the answer, the end, or the deadline; the first message starts the clock."""
    begun, allowed = time.monotonic(), seconds if run.isolation else START_SECONDS
    while True:
        left = begun + allowed - time.monotonic()
        try:  # in short turns, so that an interruption from the keyboard is answered on every system
            kind, content = events.get(timeout=min(max(left, 0), TURN))
        except queue.Empty:
            if watch is not None:
                watch(time.monotonic() - begun, run.at_work)
            if left > 0:
                continue
            kind = "time-limit" if run.isolation else "failed-to-start"
        if kind != "message":
            run.ending = kind
            return
        if not run.isolation:
            run.isolation.update(content)
            begun, allowed = time.monotonic(), seconds
        elif _take(run, content, request):
            return


def _take(run: Run, message: Any, request: Mapping[str, Any]) -> bool:
    """Take in one message of the running process: whether it was the last."""
    try:
        ((kind, told),) = checked(message, dict).items()
        if kind == "complex" and run.complex is None:
            run.complex = checked(told, [text_of])
            return False
        if kind == "started":
            run.at_work = text_of(told)
            return False
        run.ending = "finished"
        if kind == "ended":
            run.detail = text_of(told)[:100]
            run.ending = "memory-limit" if run.detail == "MemoryError" else "ended-itself"
        elif "search" in request:
            run.answer = checked_changes(message["changes"], request)
        else:
            run.answer = checked_outcome(message["outcome"], request)
    except (KeyError, TypeError, ValueError) as error:
        run.ending, run.detail = "garbled", str(error)
    return True


def _explain_exit(run: Run, process: subprocess.Popen[bytes]) -> None:
    try:
        code = process.wait(2)
    except subprocess.TimeoutExpired:
        run.ending = "garbled"
        return
    number = -code if code < 0 else code - 128
    if not run.isolation:
        run.ending = "failed-to-start"
    elif number in (getattr(signal, "SIGXCPU", None), getattr(signal, "SIGKILL", None)):
        run.ending = "time-limit" if number == signal.SIGXCPU else "killed"
    elif code >= WINDOWS_FAULT:
        run.ending, run.detail = "crashed", f"{code:#x}"
    elif 0 < number < 65:
        known = {int(one): one.name for one in signal.Signals}
        run.ending, run.detail = "crashed", known.get(number, f"signal {number}")
    else:
        run.ending, run.detail = "ended-itself", f"exit {code}"


def checked_outcome(outcome: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """Rebuild the records of ``answers.run``."""
    given = checked(checked(outcome, dict)["functions"], dict)
    names = [*request["names"], *(name for name in request["optional"] if name in given)]
    functions = {name: checked(given[name], FUNCTION) for name in names}
    for runs in (function["runs"] for function in functions.values()):
        if len(runs) != len(request["probes"]):
            raise ValueError(f"{len(runs)} runs, not {len(request['probes'])}")
        for run in runs:
            if run["problem"] not in PROBLEMS and (run["problem"] is not None or run["value"] is None):
                raise ValueError(f"neither a value nor a problem: {run['problem']}")
    return {**checked(outcome, {"error": (ERROR,), "stdout": text_of}), "functions": functions}


def checked_changes(changes: Any, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rebuild what ``variants.search`` returned, with the lines of the file where they are."""
    found, lines = checked(changes, [CHANGE]), ["", *request["source"].splitlines()]
    for change in found:
        values, place = change["values"], change["place"]
        if len(values) != len(request["probes"]) or len(place) != 4 or not all(0 <= n < MOST_ENTRIES for n in place):
            raise ValueError(f"{len(values)} values, or no place: {place}")
    inside = (change for change in found if 0 < change["place"][0] < len(lines))
    return [{**change, "cell": None, "text": lines[change["place"][0]][:200]} for change in inside]


def checked(value: Any, wanted: Any) -> Any:
    """A value rebuilt as a type, a function, {field: wanted}, [wanted] or, where None will do, (wanted,) says.

    The process may be in a student's hands: anything unexpected is a ``ValueError`` or ``KeyError``.
    """
    if isinstance(wanted, tuple):
        return None if value is None else checked(value, *wanted)
    if isinstance(wanted, dict):
        return {key: checked(checked(value, dict)[key], field) for key, field in wanted.items()}
    if isinstance(wanted, list):
        return [checked(item, *wanted) for item in checked(value, list)[:MOST_ITEMS]]
    if not isinstance(wanted, type):
        return wanted(value)
    if type(value) is not wanted:
        raise ValueError(f"{wanted.__name__} expected, not {type(value).__name__}")
    return value


def text_of(text: Any) -> str:
    """Text of a bounded length; halves of characters cannot be written to a file."""
    return str(checked(text, str))[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _line(number: Any) -> int:
    return min(max(int(checked(number, int)), 0), MOST_ENTRIES)


def _array(value: Any) -> Any:
    """A numeric array as it is; of one too large to be sent, its shape filled with zeros."""
    if isinstance(value, dict):
        shape = checked(value["shape"], [int])
        if len(shape) > 8 or min(shape, default=1) < 0 or math.prod(shape) > MOST_ENTRIES:
            raise ValueError("an impossible shape")
        return np.broadcast_to(np.float64(0.0), shape)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        raise ValueError("a value that is no numeric array")
    return value


ERROR = {"kind": text_of, "message": text_of, "line": (_line,), "package": (text_of,)}
RUN = {**dict.fromkeys(("value", "again", "free"), (_array,)), "type": text_of, "problem": (text_of,)}
RUN |= {"error": (ERROR,), "changed": [text_of], "stdout": text_of}
FUNCTION = {"defined": bool, "name": text_of, "parameters": [text_of], "globals": [text_of]}
FUNCTION |= {"guards": [float], "line": (_line,), "runs": [RUN]}
CHANGE = {"id": int, "kind": text_of, "cost": float, "place": [int], "also": [int], "values": [np.ndarray]}
