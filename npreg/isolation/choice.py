"""Choose the strongest isolation that works here, by trying it, and say what it stops and what not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from npreg.isolation.sandbox import FIRST_UID, Sandbox, find_bwrap
from npreg.isolation.worker import Run, run_once

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

    ``way`` is ``"bwrap"`` (must work), ``"plain"`` (without it) or ``"auto"`` (with it if it works). Keeping
    the rights of root comes last, for containers whose root may not change the user.

    Raises ``NoIsolation`` with what the trial said if nothing works, ``ValueError`` for another ``way``.
    """
    if way not in WAYS:
        raise ValueError(f"the isolation is one of {', '.join(WAYS)}, not {way!r}")
    program = None if way == "plain" else find_bwrap()
    if way == "bwrap" and program is None:
        raise NoIsolation("bwrap is not installed: install bubblewrap, or grade with the isolation 'auto'")
    run = Run()
    candidates: list[tuple[str | None, bool]] = [(program, sandbox.drop)] if program else []
    candidates += [(None, drop) for drop in (True, False) if drop <= sandbox.drop]
    for candidate, drop in candidates:
        chosen = dataclasses.replace(sandbox, bwrap=candidate, drop=drop)
        run = run_once(chosen, _TRIAL)
        if run.ending == "finished":
            return chosen, run.isolation
        if way == "bwrap":
            raise NoIsolation(f"bwrap does not work here: {run.detail.strip() or run.ending}")
    raise NoIsolation(
        f"a student's process does not run here ({run.ending}): {run.detail.strip()[-300:] or 'no message'}. "
        f"If memory is short, allow more of it"
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
