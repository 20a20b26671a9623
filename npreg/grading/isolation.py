"""Choose the strongest isolation that works here, by trying it, and say what it stops and what not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from npreg.grading.sandbox import Sandbox, find_bwrap
from npreg.grading.worker import Run, run_once

WAYS = ("auto", "bwrap", "plain")
_TRIAL = {
    "source": "def grad_w(x): return 2 * x * (x @ x)",
    "names": ["grad_w"],
    "optional": [],
    "filename": "<trial>",
    "probes": [{"x": np.arange(3.0)}],
}


class NoIsolation(RuntimeError):
    """A student's process cannot be run here as asked for."""


def choose(sandbox: Sandbox, way: str = "auto") -> tuple[Sandbox, Mapping[str, Any]]:
    """Return the sandbox to use and what it said to be in force in a trial run.

    ``way`` is ``"bwrap"`` (must work), ``"plain"`` (without it) or ``"auto"`` (with it if it works).

    Raises ``NoIsolation`` with what the trial said if nothing works, ``ValueError`` for another ``way``.
    """
    if way not in WAYS:
        raise ValueError(f"the isolation is one of {', '.join(WAYS)}, not {way!r}")
    program = None if way == "plain" else find_bwrap()
    if way == "bwrap" and program is None:
        raise NoIsolation("bwrap is not installed: install bubblewrap, or grade with the isolation 'auto'")
    run = Run()
    for candidate in (program, None) if program else (None,):
        chosen = dataclasses.replace(sandbox, bwrap=candidate)
        run = run_once(chosen, _TRIAL)
        if run.ending == "finished":
            return chosen, run.isolation
        if way == "bwrap":
            raise NoIsolation(f"bwrap does not work here: {run.detail.strip() or run.ending}")
    raise NoIsolation(
        f"a student's process does not run here ({run.ending}): {run.detail.strip()[-300:] or 'no message'}. "
        f"If memory is short, allow more of it"
    )


def describe(in_force: Mapping[str, Any]) -> list[str]:
    """Return, line by line, what is stopped and by what, and openly what is not.

    >>> describe({"limits": ["RLIMIT_AS"], "processes": False})[0]
    'own process, cleared environment, empty folder, wall clock'
    """
    lines = ["own process, cleared environment, empty folder, wall clock"]
    lines += _walls(in_force)
    limits = in_force.get("limits", ())
    for name, words in (
        ("RLIMIT_AS", "memory"),
        ("RLIMIT_CPU", "processor time"),
        ("RLIMIT_FSIZE", "file size"),
    ):
        lines.append(f"{words} limited" if name in limits else f"NOT limited: {words}")
    blocked = in_force.get("processes") is False
    lines.append("no new processes or threads" if blocked else "NOT stopped: starting other processes")
    return lines


def _walls(in_force: Mapping[str, Any]) -> list[str]:
    bwrap, landlock, seccomp = in_force.get("bwrap"), in_force.get("landlock", 0), in_force.get("seccomp")
    lines = []
    if bwrap:
        lines.append("bwrap: no network, no files but Python's and NumPy's, no other processes in sight")
    if landlock:
        lines.append(
            f"Landlock (version {landlock}): only Python's files to read, only its own folder to write"
        )
    if seccomp:
        lines.append("seccomp: no sockets, no processes, no signals to others")
    if in_force.get("uid", -1) == 0:
        lines.append("NOT dropped: the rights of root")
    if not (bwrap or landlock):
        lines.append("NOT stopped: reading and changing files that the user may read and change")
    if not (bwrap or seccomp):
        lines.append("NOT stopped: the network")
    if not (bwrap or seccomp or landlock >= 6 or in_force.get("uid", -1) >= 64_000):
        lines.append("NOT stopped: signals to the user's other processes")
    return lines
