"""The student's process: lock oneself in, run the answers, send plain records; started by path.

The settings and the request (source, answers wanted, probes) come on standard input, and the reply leaves
through what was standard output; the student's own prints go to standard error. The first message says which
locks are in force and is sent before any student code runs. Then the name of every function follows as it
begins, so that a process that dies is understood, and the records. As one such process is started for every
file, it imports as little as it can.
"""

from __future__ import annotations

import builtins
import functools
import importlib.machinery
import os
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, BinaryIO

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/urandom")
MOST_CHANGES = 1000  # of a file that are told of
LARGE = 2**16  # bytes; the answers of the course have a few hundred


def load(path: str, name: str) -> ModuleType:
    """Import one file under a name of its own, without a package around it."""
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = path
    loader.exec_module(module)
    return module


def private_reply() -> BinaryIO:
    """Move standard output to a number of its own and let prints go where errors go."""
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return reply


def lock(settings: dict[str, Any], kernel: ModuleType, limits: ModuleType) -> dict[str, Any]:
    """Set every limit and lock that this system has, and say what is in force."""
    limits.drop_privileges(settings["uid"])
    in_force = limits.set_limits(
        memory=settings["memory"], cpu=settings["cpu"], file_size=settings["file_size"], processes=settings["processes"]
    )
    kernel.forbid_inspection()
    kernel.die_with_parent()
    landlock, seccomp = 0, False
    if settings["locks"]:
        readable = [*settings["readable"], os.path.dirname(os.__file__), *SYSTEM]
        landlock = kernel.restrict_files(readable, [os.getcwd(), "/dev/null"])
        seccomp = kernel.restrict_calls()
    return {
        "uid": os.getuid() if hasattr(os, "getuid") else -1,
        "limits": in_force,
        "landlock": landlock,
        "seccomp": seccomp,
        "processes": settings["processes"] or limits.can_start_processes(),
    }


def run(
    answers: ModuleType,
    search: Callable[..., Any],
    reply: BinaryIO,
    request: dict[str, Any],
    write_frame: Callable[[BinaryIO, Any], None],
    close_stand_ins: Callable[[], None],
) -> None:
    """Run the answers, or changes of one, and send what they returned; an ending by force is told by name."""

    def started(name: str) -> None:
        close_stand_ins()
        write_frame(reply, {"started": name})

    names, options = request["names"], {"optional": request["optional"], "filename": request["filename"]}
    try:
        if "search" in request:
            found = search(request["source"], probes=request["probes"], **request["search"])
            message: dict[str, Any] = {"changes": found[:MOST_CHANGES]}
        else:
            outcome = answers.run(request["source"], names, request["probes"], **options, started=started)
            message = {"outcome": slim(outcome)}
    except BaseException as error:  # KeyboardInterrupt, or a class that the student derived for this
        message = {"ended": type(error).__name__}
    write_frame(reply, message)


def slim(outcome: dict[str, Any]) -> dict[str, Any]:
    """Send only the shape of arrays far larger than any answer; the shape is what is wrong with them."""
    for function in outcome["functions"].values():
        for record in function["runs"]:
            for key in ("value", "again"):
                if getattr(record[key], "nbytes", 0) > LARGE:
                    record[key] = {"shape": list(record[key].shape)}
    return outcome


def move_python(standard: str) -> None:
    """Import from another folder from now on, also below packages that are loaded already."""
    before = os.path.dirname(os.__file__)
    sys.path[:] = [standard, os.path.join(standard, "lib-dynload")]
    for module in list(sys.modules.values()):
        if getattr(module, "__path__", None):
            module.__path__ = [path.replace(before, standard, 1) for path in module.__path__]


def main(packages: str, standard: str = "") -> None:
    """Run one request from standard input to its last record."""
    reply = private_reply()
    if standard:
        move_python(standard)
    sys.path.append(packages)
    import numpy

    numpy.linalg.solve(numpy.eye(2), numpy.ones((2, 2)) @ numpy.ones(2))  # loads what its libraries load late

    wire = load(os.path.join(HERE, "wire.py"), "_npreg_wire")
    kernel = load(os.path.join(HERE, "kernel.py"), "_npreg_kernel")
    limits = load(os.path.join(HERE, "limits.py"), "_npreg_limits")
    complex_use = load(os.path.join(HERE, "complex_use.py"), "_npreg_complex_use")
    stand_ins = load(os.path.join(HERE, "stand_ins.py"), "_npreg_stand_ins")
    answers = load(os.path.join(HERE, "answers.py"), "_npreg_answers")
    search: Callable[..., Any] = print
    settings = wire.read_frame(sys.stdin.buffer)
    request = wire.read_frame(sys.stdin.buffer)
    if "search" in request:
        edits = load(os.path.join(HERE, "edits.py"), "_npreg_edits")
        variants = load(os.path.join(HERE, "variants.py"), "_npreg_variants")
        search = functools.partial(variants.search, (answers, edits))
    if not settings["keep_packages"]:
        sys.path.remove(packages)  # NumPy finds its own parts; nothing else is to be found there
    random.seed(0)  # a file that draws numbers draws the same ones when it is marked again
    numpy.random.seed(0)  # noqa: NPY002  (students' files use it)
    in_force = lock(settings, kernel, limits)
    stand_ins.guard(settings["forbidden"])
    sys.meta_path.append(stand_ins.Helpers(request["helpers"]))
    for name in ("display", "get_ipython"):  # a notebook's own functions
        setattr(builtins, name, stand_ins.StandIn("IPython"))
    wire.write_frame(reply, in_force)
    names = complex_use.complex_functions(request["source"], request["helpers"].values())
    wire.write_frame(reply, {"complex": names})
    run(answers, search, reply, request, wire.write_frame, stand_ins.close)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
