"""The student's process, started by path: lock oneself in, say what is in force, run the answers, send plain records.

The request comes on standard input, the reply leaves through what was standard output; prints go to standard error.
"""

import builtins
import importlib
import os
import random
import sys
from types import ModuleType

HERE = os.path.dirname(os.path.abspath(__file__))
MOST_CHANGES = 1000  # of a file that are told of
LARGE = 2**16  # bytes; the answers of the course have a few hundred


def main(packages: str, standard: str = "") -> None:
    """Run one request from standard input to its last record."""
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if standard:  # import from there from now on, also below packages that are loaded already
        before = os.path.dirname(os.__file__)
        sys.path[:] = [standard, os.path.join(standard, "lib-dynload")]
        for module in list(sys.modules.values()):
            if getattr(module, "__path__", None):
                module.__path__ = [path.replace(before, standard, 1) for path in module.__path__]
    sys.path.append(packages)
    import numpy

    numpy.linalg.solve(numpy.eye(2), numpy.ones((2, 2)) @ numpy.ones(2))  # loads what its libraries load late

    room = sys.modules["_npreg_inside"] = ModuleType("_npreg_inside")  # the files beside this one, without npreg
    room.__path__ = [HERE]
    names = "wire", "locks", "constants", "answers", "variants"
    wire, locks, constants, answers, variants = (importlib.import_module(f"_npreg_inside.{name}") for name in names)
    settings, request = wire.read_frame(sys.stdin.buffer), wire.read_frame(sys.stdin.buffer)
    if not settings["keep_packages"]:
        sys.path.remove(packages)  # NumPy finds its own parts; nothing else is to be found there
    random.seed(0)  # a file that draws numbers draws the same ones when it is marked again
    numpy.random.seed(0)  # noqa: NPY002  (students' files use it)
    in_force = locks.lock(settings)
    locks.guard(settings["forbidden"], request["helpers"])
    for name in ("display", "get_ipython"):  # a notebook's own functions
        setattr(builtins, name, locks.StandIn("IPython"))
    wire.write_frame(reply, in_force)
    found = constants.complex_functions(request["source"], request["helpers"].values())
    wire.write_frame(reply, {"complex": found})

    def started(name: str) -> None:
        locks.StandIn.closed = True  # the file is loaded, the answers begin
        wire.write_frame(reply, {"started": name})

    message: object
    try:
        while "search" in request:  # until there is no other
            found = variants.search(request["source"], probes=request["probes"], **request["search"])
            wire.write_frame(reply, {"changes": found[:MOST_CHANGES]})
            request = wire.read_frame(sys.stdin.buffer)
        asked = {key: request[key] for key in ("source", "names", "probes", "optional")}
        outcome = answers.run(**asked, started=started)
        for record in (record for function in outcome["functions"].values() for record in function["runs"]):
            for key in ("value", "again", "free"):
                if getattr(record[key], "nbytes", 0) > LARGE:  # far more than any answer: its shape is wrong
                    record[key] = {"shape": list(record[key].shape)}
        message = {"outcome": outcome}
    except BaseException as error:  # KeyboardInterrupt, or a class that the student derived for this
        message = {"ended": type(error).__name__}
    wire.write_frame(reply, message)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
