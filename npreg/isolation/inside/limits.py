"""Limits that a process sets on itself before it runs a student's code: memory, time, files, processes, user.

Every limit is set as a hard limit, so an unprivileged process cannot raise it again. What a system does not
know (``resource`` is missing on Windows, macOS ignores the memory limit) is left out, and said in the answer.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
from typing import Any

resource: Any = None
with contextlib.suppress(ImportError):  # before the user changes, who may not reach Python's folder
    resource = importlib.import_module("resource")

OPEN_FILES = 64


def drop_privileges(uid: int | None) -> None:
    """Become the user ``uid`` for good, with its own group and no others; ``None`` stays as it is.

    Raises ``PermissionError`` if it does not work: a student's code must not run as root by accident.
    """
    if uid is None or not hasattr(os, "setuid"):
        return
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    with contextlib.suppress(PermissionError):
        os.setuid(0)
    users = {os.getuid(), os.geteuid(), os.getgid(), os.getegid()}
    if users != {uid}:
        raise PermissionError(f"still user and group {users} after changing to {uid}")


def set_limits(*, memory: int, cpu: int, file_size: int, processes: bool = False) -> list[str]:
    """Set the hard limits and return the names of those that are in force.

    Parameters: ``memory`` (address space) and ``file_size`` in bytes, ``cpu`` in seconds; ``processes``
    allows new processes and threads.
    """
    if resource is None:
        return []
    wanted = {
        "RLIMIT_AS": (memory, memory),
        "RLIMIT_CPU": (cpu, cpu + 1),  # the first stop says why, the second cannot be caught
        "RLIMIT_FSIZE": (file_size, file_size),
        "RLIMIT_NOFILE": (OPEN_FILES, OPEN_FILES),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_MSGQUEUE": (0, 0),
        "RLIMIT_MEMLOCK": (0, 0),
    }
    if not processes:
        wanted["RLIMIT_NPROC"] = (0, 0)
    done = []
    for name, pair in wanted.items():
        if hasattr(resource, name) and _set(getattr(resource, name), pair):
            done.append(name)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file too long raises OSError instead of killing
    return done


def _set(name: int, pair: tuple[int, int]) -> bool:
    hard = resource.getrlimit(name)[1]
    if hard != resource.RLIM_INFINITY:
        pair = (min(pair[0], hard), min(pair[1], hard))
    try:
        resource.setrlimit(name, pair)
    except (OSError, ValueError):
        return False
    return True


def can_start_processes() -> bool | None:
    """Try to start a process: whether it worked; ``None`` on a system without fork."""
    if not hasattr(os, "fork"):
        return None
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True


def readable_by_others(path: str) -> bool:
    """Whether an unprivileged user can reach ``path``: every folder above it lets others pass.

    >>> readable_by_others("/no such file")
    False
    """
    while True:
        try:
            if os.stat(path).st_mode & 0o005 != 0o005 and os.path.isdir(path):
                return False
        except OSError:
            return False
        parent = os.path.dirname(path)
        if parent == path:
            return True
        path = parent
