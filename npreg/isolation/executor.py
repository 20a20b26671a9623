"""Somebody's answers run in a process of their own, watched and ended from outside, which never holds the reference."""

from __future__ import annotations

import contextlib
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
from npreg.isolation.outcome import checked_changes, checked_outcome, text_of
from npreg.isolation.sandbox import Sandbox

Watch = Callable[[float, str], None]
Probes = Sequence[Mapping[str, np.ndarray[Any, Any]]]
Events = queue.SimpleQueue[tuple[str, Any]]
START_SECONDS = 60.0
TURN = 0.2
SHORTEST = 2**16  # bytes that a message counts at least
WINDOWS_FAULT = 0xC0000000


@dataclass
class Ran:
    """What came of a file: ``outcome`` as of ``run_answers``, and what was in force before any of its code ran."""

    outcome: dict[str, Any]
    endings: dict[str, tuple[str, str]] = field(default_factory=dict)  # function, or "": a reason's code and detail
    isolation: dict[str, Any] = field(default_factory=dict)
    complex: list[str] = field(default_factory=list)  # functions that work with complex numbers


def run_isolated(
    sandbox: Sandbox,
    source: str,
    names: Sequence[str],
    probes: Probes,
    *,
    optional: Sequence[str] = (),
    helpers: Mapping[str, str] | None = None,
    slot: int = 0,
    watch: Watch | None = None,
) -> Ran:
    """Run answers as ``run_answers`` does, in a process of their own; again, without a function that it died in.

    ``helpers`` are modules of the file's own folder, as name and source; ``slot`` keeps parallel users apart; ``watch``
    is called with the seconds since the start and the function at work ("" while loading), and may raise to end it.
    """
    request = _request(source, probes, helpers, names=list(names), optional=list(optional))
    ran = Ran({"error": None, "stdout": "", "functions": {}})
    dead: dict[str, dict[str, Any]] = {}
    while request["names"]:
        run = run_once(sandbox, request, slot, watch)
        ran.isolation, ran.complex = run.isolation or ran.isolation, run.complex or ran.complex
        if run.answer is not None:
            ran.outcome = run.answer
            break
        culprit = run.at_work if run.at_work in (*request["names"], *request["optional"]) else ""
        ran.endings[culprit] = (run.ending, run.detail)
        error = {"kind": run.ending, "message": run.detail, "line": None, "package": None}
        ran.outcome["error"] = ran.outcome["error"] if culprit else error
        died = {**NO_RUN, "problem": "raises", "error": error}
        function = {"defined": True, "parameters": [], "globals": [], "line": None}
        for name in (name for name in request["names"] if culprit in ("", name)):
            dead[name] = {**function, "name": name, "runs": [dict(died) for _ in probes]}
        for key in ("names", "optional"):
            request[key] = [name for name in request[key] if culprit not in ("", name)]
    functions = {**ran.outcome["functions"], **dead}
    ran.outcome["functions"] = {name: functions[name] for name in (*names, *optional) if name in functions}
    return ran


@contextlib.contextmanager
def search_isolated(
    sandbox: Sandbox,
    source: str,
    *,
    helpers: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    slot: int = 0,
    **always: Any,
) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Give what runs small changes of a file as ``search_changes`` does, in one process of its own for all searches.

    It starts with the first search; where it dies, the search is made once more in another, and then finds nothing.
    """
    with contextlib.ExitStack() as running:
        ask: Callable[..., Run] | None = None

        def search(name: str, *, probes: Probes, **options: Any) -> list[dict[str, Any]]:
            nonlocal ask
            request = _request(source, probes, helpers, search={"name": name, **always, **options})
            run = Run() if ask is None else ask(request, watch)
            if run.answer is None:
                running.close()
                ask = running.enter_context(_process(sandbox, slot))
                run = ask(request, watch)
            ask = None if run.answer is None else ask  # what has ended answers no other search
            lines = ["", *source.splitlines()]
            return [
                {**c, "text": lines[c["place"][0]][:200]} for c in run.answer or () if 0 < c["place"][0] < len(lines)
            ]

        yield search


def _request(source: str, probes: Probes, helpers: Mapping[str, str] | None, **more: Any) -> dict[str, Any]:
    given = [{name: np.asarray(value) for name, value in probe.items()} for probe in probes]
    return {"source": source, "helpers": dict(helpers or {}), "probes": given, **more}


@dataclass
class Run:
    """How one process ended: its ``answer``, checked, or None and why; ``isolation`` and ``complex`` as of ``Ran``."""

    answer: Any = None
    at_work: str = ""
    ending: str = "failed-to-start"
    detail: str = ""
    isolation: dict[str, Any] = field(default_factory=dict)
    complex: list[str] | None = None


def run_once(sandbox: Sandbox, request: Mapping[str, Any], slot: int = 0, watch: Watch | None = None) -> Run:
    """Run one request in a fresh process and return how it ended; nothing of it is left afterwards."""
    with _process(sandbox, slot) as ask:
        return ask(request, watch)


@contextlib.contextmanager
def _process(sandbox: Sandbox, slot: int) -> Iterator[Callable[..., Run]]:
    """Start a process, and give what sends it a request and returns its answer; after a search it takes another."""
    events, printed, isolation = Events(), list[bytes](), dict[str, Any]()
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # on Windows, where there are no sessions
    with sandbox.room(slot) as (start, settings):
        try:
            process = subprocess.Popen(**start, **pipes, start_new_session=True, creationflags=group)
        except OSError as error:
            failed = Run(detail=str(error))
            yield lambda request, watch: failed
            return
        readers = [
            threading.Thread(target=_read_messages, args=(process.stdout, events), daemon=True),
            threading.Thread(target=_drain, args=(process.stderr, events, printed, sandbox.limits.output), daemon=True),
        ]

        def ask(request: Mapping[str, Any], watch: Watch | None) -> Run:
            run, stdin = Run(isolation=isolation), cast(BinaryIO, process.stdin)
            with contextlib.suppress(OSError, ValueError):
                if not isolation:
                    wire.write_frame(stdin, settings)
                wire.write_frame(stdin, dict(request))
                if "search" not in request:
                    stdin.close()
            _collect(run, events, request, sandbox.limits.seconds, watch)
            if run.ending == "closed":
                readers[1].join(2)
                run.detail = b"".join(printed).decode("utf-8", "replace")
                _explain_exit(run, process)
            isolation.update(run.isolation)
            run.isolation.setdefault("bwrap", sandbox.bwrap is not None)
            return run

        try:
            for reader in readers:
                reader.start()
            yield ask
        finally:
            _kill(process)
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
            run.isolation, begun, allowed = dict(content), time.monotonic(), seconds
        elif _take(run, content, request):
            return


def _take(run: Run, content: Any, request: Mapping[str, Any]) -> bool:
    """Take in one message of the running process: whether it was the last."""
    try:
        if type(content) is not dict:
            raise TypeError(f"a message that is a {type(content).__name__}")
        if "complex" in content and run.complex is None:
            run.complex = [text_of(name) for name in content["complex"]]
            return False
        if "started" in content:
            run.at_work = text_of(content["started"])
            return False
        run.ending = "finished"
        if "ended" in content:
            run.detail = text_of(content["ended"])[:100]
            run.ending = "memory-limit" if run.detail == "MemoryError" else "ended-itself"
        elif "search" in request:
            run.answer = checked_changes(content["changes"], len(request["probes"]))
        else:
            run.answer = checked_outcome(content["outcome"], request)
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


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()
    for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
        with contextlib.suppress(OSError):
            stream.close()
