"""Limits that a process sets on itself before it runs a student's code: memory, time, files, processes, user.

Every limit is a hard one, so an unprivileged process cannot raise it again. What a system does not know
(``resource`` is missing on Windows, macOS ignores the memory limit) is left out, and said in the answer.
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


def set_limits(memory: int, cpu: int, file_size: int, processes: bool = False) -> list[str]:
    """Set the hard limits (bytes of address space, seconds, bytes of a file, whether new processes and threads
    may start) and return the names of those that are in force.
    """
    if resource is None:
        return []
    wanted = {
        "RLIMIT_AS": memory,
        "RLIMIT_CPU": cpu,
        "RLIMIT_FSIZE": file_size,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
        **({} if processes else {"RLIMIT_NPROC": 0}),
    }
    done = []
    for name, value in wanted.items():
        with contextlib.suppress(AttributeError, OSError, ValueError):
            limit = getattr(resource, name)
            hard = resource.getrlimit(limit)[1]
            most = value + (name == "RLIMIT_CPU")  # the first stop says why, the second cannot be caught
            pair = (value, most) if hard == resource.RLIM_INFINITY else (min(value, hard), min(most, hard))
            resource.setrlimit(limit, pair)
            done.append(name)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file too long raises OSError instead of killing
    return done


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
