"""Choose the strongest isolation that works here, by trying it, and say what it stops and what not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npreg.isolation.executor import run_isolated
from npreg.isolation.sandbox import FIRST_UID, Sandbox, find_bwrap

WAYS = ("auto", "bwrap", "plain")
Trial = Callable[[Sandbox], tuple[str, Mapping[str, Any]]]


class NoIsolation(RuntimeError):
    """A student's process cannot be run here as asked for."""


def _small_file(sandbox: Sandbox) -> tuple[str, Mapping[str, Any]]:
    ran = run_isolated(sandbox, "def f(x): return 2 * x", ["f"], [{"x": np.arange(3.0)}])
    said = (f"a process does not run here ({code}): {detail.strip()[-300:]}" for code, detail in ran.endings.values())
    return "".join(said), ran.isolation


def choose(sandbox: Sandbox, way: str = "auto", trial: Trial = _small_file) -> tuple[Sandbox, Mapping[str, Any]]:
    """Return the sandbox to use and what it said to be in force in a trial run.

    ``way`` is ``"bwrap"`` (must work), ``"plain"`` (without it) or ``"auto"`` (with it if it works). Keeping
    the rights of root comes last, for containers whose root may not change the user. ``trial`` runs something
    in a sandbox, and returns what is wrong ("" if nothing) and what was in force.

    Raises ``NoIsolation`` with what the last trial said if nothing works, ``ValueError`` for another ``way``.
    """
    if way not in WAYS:
        raise ValueError(f"the isolation is one of {', '.join(WAYS)}, not {way!r}")
    program = None if way == "plain" else find_bwrap()
    if way == "bwrap" and program is None:
        raise NoIsolation("bwrap is not installed: install bubblewrap, or grade with --isolation auto")
    candidates: list[tuple[str | None, bool]] = [(program, sandbox.drop)] if program else []
    if way != "bwrap":
        candidates += [(None, drop) for drop in (True, False) if drop <= sandbox.drop]
    for bwrap, drop in candidates:
        chosen = dataclasses.replace(sandbox, bwrap=bwrap, drop=drop).prepared()
        problem, in_force = trial(chosen)
        if not problem:
            return chosen, in_force
    raise NoIsolation(
        f"bwrap does not work here: {problem}; grade with --isolation auto" if way == "bwrap" else problem
    )


def protections(in_force: Mapping[str, Any]) -> list[str]:
    """Return what is stopped, and what is not, as names: ``"seccomp"``, ``"memory"`` or ``"no-memory"``, ...

    >>> protections({"limits": ["RLIMIT_AS"], "processes": False})[:2]
    ['always', 'files']
    """
    bwrap, landlock, seccomp = in_force.get("bwrap"), in_force.get("landlock", 0), in_force.get("seccomp")
    uid, limits = in_force.get("uid", -1), in_force.get("limits", ())
    seen = {
        "always": True,
        "bwrap": bwrap,
        "landlock": landlock,
        "seccomp": seccomp,
        "root": uid == 0,
        "files": not (bwrap or landlock),
        "network": not (bwrap or seccomp),
        "signals": not (bwrap or seccomp or landlock >= 6 or uid >= FIRST_UID),
    }
    for name, limit in (("memory", "RLIMIT_AS"), ("time", "RLIMIT_CPU"), ("sizes", "RLIMIT_FSIZE")):
        seen |= {name: limit in limits, f"no-{name}": limit not in limits}
    blocked = in_force.get("processes") is False
    seen |= {"processes": blocked, "no-processes": not blocked}
    return [name for name, applies in seen.items() if applies]
