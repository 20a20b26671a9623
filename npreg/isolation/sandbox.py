"""How a student's process is shut in on this machine: by bwrap, as another user, with locks, in a folder of the run."""

import contextlib
import os
import secrets
import shutil
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from npreg.files import claim, remove_abandoned
from npreg.isolation.inside.locks import SYSTEM

PACKAGES = Path(np.__file__).resolve().parents[1]
INSIDE = Path(__file__).with_name("inside")
_FORBIDDEN = """npreg torch jax jaxlib autograd tensorflow keras sympy numdifftools algopy casadi theano pytensor
    aesara tinygrad mlx cupy chainer mxnet paddle"""
FORBIDDEN = tuple(_FORBIDDEN.split())
"""Packages with which a derivative can be had without deriving it."""
FIRST_UID = 64_000
FOLDER = "/answers"
WAYS = ("auto", "bwrap", "plain")
PREFIX = "npreg-run-"
LOCK = ".lock"  # at the end of the name of its file
UNUSED = ("test", "tests", "idlelib", "turtledemo", "ensurepip", "site-packages")
Trial = Callable[["Sandbox"], tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Limits:
    """What one student's process, which starts no other, may use: seconds (wall clock, processor) and bytes."""

    seconds: float = 10.0
    memory: int = 256 * 2**20  # of address space
    output: int = 2**20  # that is printed
    file_size: int = 2**20
    folder_size: int = 8 * 2**20  # of all files together (with ``bwrap`` only)

    def __post_init__(self) -> None:
        if not self.seconds > 0 or self.memory < 64 * 2**20:
            given = f"{self.seconds} and {self.memory / 2**20:g} MB"
            raise ValueError(f"seconds must be positive and memory at least 64 MB, not {given}")


@dataclass(frozen=True)
class Sandbox:
    """The isolation for a whole run; ``room`` prepares one process's share of it."""

    limits: Limits = field(default_factory=Limits)
    bwrap: str | None = None  # the path of bubblewrap
    forbidden: tuple[str, ...] = FORBIDDEN  # packages whose imports are refused
    allowed: tuple[str, ...] = ()  # but for these, whose folder stays visible
    locks: bool = True  # Landlock and seccomp; an old kernel does without
    drop: bool = True  # the user's rights, where that is root
    home: str | None = None  # of a user's own file, which works there, with all packages, within limits alone
    # Of one run alone, which decides nothing: its ``workplace``, with copies of Python's and NumPy's files.
    place: str | None = field(default=None, compare=False, repr=False)
    python: tuple[str, str] | None = field(default=None, compare=False, repr=False)

    @contextlib.contextmanager
    def room(self, slot: int = 0) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Prepare an empty folder: how to start a process, and its settings; ``slot`` keeps parallel users apart."""
        uid = unprivileged_user(slot) if self.drop and self.home is None else None
        folder = tempfile.mkdtemp(prefix="npreg-file-", dir=self.place)
        try:
            if uid is not None:
                os.chown(folder, uid, uid)
            standard, installed = self.python or ("", str(PACKAGES))
            command = [] if self.bwrap is None else self._bwrap(self.bwrap, uid)
            command += [base_executable(), "-I", "-S", "-B", "-X", "utf8", str(INSIDE / "main.py"), installed, standard]
            variables = environment(folder if self.bwrap is None else FOLDER)
            yield {"args": command, "cwd": self.home or folder, "env": variables}, self._settings(uid)
        finally:
            remove_tree(folder)

    def _settings(self, uid: int | None) -> dict[str, Any]:
        limits = {"RLIMIT_AS": self.limits.memory, "RLIMIT_CPU": int(self.limits.seconds) + 1}
        limits |= {"RLIMIT_FSIZE": self.limits.file_size, "RLIMIT_NOFILE": 64}
        limits |= dict.fromkeys(("RLIMIT_CORE", "RLIMIT_MSGQUEUE", "RLIMIT_MEMLOCK"), 0)
        limits |= {} if self.home else {"RLIMIT_NPROC": 0}  # one's own file may start processes and threads
        forbidden = [name for name in self.forbidden if name not in self.allowed]
        packages = {"keep_packages": bool(self.allowed or self.home), "forbidden": forbidden}
        readable, locks = [str(path) for path in self._readable()], self.locks and self.home is None
        return {**packages, "readable": readable, "uid": uid, "locks": locks, "limits": limits}

    def _readable(self) -> list[Path]:
        """Folders with NumPy's files; all installed packages only if some of them are allowed."""
        prefix = Path(sys.base_prefix).resolve()  # beside Python there may be libraries that it needs, all of conda's
        conda = (prefix / "conda-meta").is_dir()
        libraries = [prefix / "lib"] if conda else sorted((prefix / "lib").glob("libpython*"))
        parts = ("",) if self.allowed else ("numpy", "numpy.libs")
        found = [Path(path) for path in self.python or map(PACKAGES.joinpath, parts)]
        return [path for path in found if path.exists()] + libraries

    def _bwrap(self, program: str, uid: int | None) -> list[str]:
        command = [program, "--die-with-parent", "--cap-drop", "ALL"]
        command += [f"--unshare-{space}" for space in ("ipc", "pid", "net", "uts")]
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if uid is not None else []
        standard = Path(os.__file__).resolve().parent
        for path in (INSIDE, Path(base_executable()), standard, *self._readable(), *map(Path, SYSTEM[:-1])):
            for parent in reversed(path.parents[:-1]):
                command += ["--perms", "0755", "--dir", str(parent)]
            command += ["--ro-bind-try", str(path), str(path)]
        for device in ("/dev/null", "/dev/urandom"):
            command += ["--dev-bind", device, device]
        command += f"--perms 1777 --size {self.limits.folder_size} --tmpfs {FOLDER}".split()
        return [*command, "--remount-ro", "/", "--chdir", FOLDER, "--"]


def find_bwrap() -> str | None:
    """Return the path of bubblewrap if it is installed on this Linux machine; it may still not work there."""
    return shutil.which("bwrap") if sys.platform.startswith("linux") else None


def unprivileged_user(slot: int) -> int | None:
    """Return a user number that nobody has, for a grader that runs as root; None for any other user."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    return FIRST_UID + (os.getpid() % 50) * 20 + slot % 20


def environment(folder: str) -> dict[str, str]:
    """Return the whole environment of a student's process: nothing of the teacher's."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "VECLIB", "NUMEXPR")}
    windows = {"SYSTEMROOT": os.environ.get("SYSTEMROOT", "")} if sys.platform == "win32" else {}
    return {"HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8", "PATH": "", **threads, **windows}


def base_executable() -> str:
    """Return the Python behind a virtual environment: it runs without any of the environment's packages."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


class NoIsolation(RuntimeError):
    """A student's process cannot be run here as asked for."""


def choose(sandbox: Sandbox, way: str, trial: Trial) -> tuple[Sandbox, Mapping[str, Any]]:
    """Return the sandbox to use and what it said to be in force in a trial run.

    ``way`` is ``"bwrap"`` (must work), ``"plain"`` (without it) or ``"auto"`` (with it if it works). Keeping the rights
    of root comes last. ``trial`` returns what is wrong in a sandbox ("" if nothing) and what was in force.
    """
    if way not in WAYS:
        raise ValueError(f"the isolation is one of {', '.join(WAYS)}, not {way!r}")
    program = None if way == "plain" else find_bwrap()
    if way == "bwrap" and program is None:
        raise NoIsolation("bwrap is not installed: install bubblewrap, or grade with --isolation auto")
    candidates = [replace(sandbox, bwrap=program)] if program else []
    if way != "bwrap":
        candidates += [replace(sandbox, bwrap=None, drop=drop) for drop in (True, False) if drop <= sandbox.drop]
    for chosen in candidates:
        if chosen.drop and not chosen.bwrap and sandbox.place is not None and unprivileged_user(0) is not None:
            chosen = replace(chosen, python=reachable_python(sandbox.place, PACKAGES, not sandbox.allowed))
        problem, in_force = trial(chosen)
        if not problem:
            return chosen, in_force
    failed = f"bwrap does not work here: {problem}; grade with --isolation auto"
    raise NoIsolation(failed if way == "bwrap" else problem)


def protections(in_force: Mapping[str, Any]) -> list[str]:
    """Return what is stopped, and what is not, as names: ``"seccomp"``, ``"memory"`` or ``"no-memory"``, ..."""
    bwrap, landlock, seccomp = in_force.get("bwrap"), in_force.get("landlock", 0), in_force.get("seccomp")
    uid, limits = in_force.get("uid", -1), in_force.get("limits", ())
    seen = {"always": True, "bwrap": bwrap, "landlock": landlock, "seccomp": seccomp, "root": uid == 0}
    seen |= {"files": not (bwrap or landlock), "network": not (bwrap or seccomp)}
    seen["signals"] = not (bwrap or seccomp or landlock >= 6 or uid >= FIRST_UID)
    stopped = {"memory": "RLIMIT_AS" in limits, "time": "RLIMIT_CPU" in limits, "sizes": "RLIMIT_FSIZE" in limits}
    stopped["processes"] = in_force.get("processes") is False
    applying = [name for name, applies in seen.items() if applies]
    return applying + [name if holds else f"no-{name}" for name, holds in stopped.items()]


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """Make a folder that others may pass through, but not list; remove those of runs that were killed."""
    temporary = Path(tempfile.gettempdir()).absolute()
    remove_litter(temporary)
    # The lock is beside the folder, there before it and after it: no kill leaves a folder without one.
    descriptor, held = claim(temporary, PREFIX, LOCK)
    folder = str(held.with_suffix(""))
    try:
        with os.fdopen(descriptor):
            try:
                os.mkdir(folder, 0o700)
                os.chmod(folder, 0o711)
                yield folder
            finally:
                remove_tree(folder)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(held)


def remove_litter(place: Path) -> None:
    """Remove the folders that killed runs of this user have left in ``place``, then the lock of each."""
    own = getattr(os, "getuid", lambda: 0)()

    def remove_folder(path: Path) -> None:
        folder = path.with_suffix("")
        kinds = {path: stat.S_ISREG, folder: stat.S_ISDIR}
        there = [(part.lstat(), kind) for part, kind in kinds.items() if os.path.lexists(part)]
        if not all(kind(status.st_mode) and status.st_uid == own for status, kind in there):
            raise PermissionError
        remove_tree(str(folder))
        if folder.exists():
            raise PermissionError

    remove_abandoned(place.glob(f"{PREFIX}*{LOCK}"), remove_folder)


def reachable_python(place: str, packages: Path, numpy_only: bool) -> tuple[str, str] | None:
    """Folders in ``place`` with Python's and NumPy's files for whom these cannot be read (in ``/root``); else None."""
    standard, dynamic = Path(os.__file__).resolve().parent, Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    if readable_by_others(standard) and readable_by_others(packages / "numpy"):
        return None
    copies = Path(place) / "python", Path(place) / "packages"
    parts = {copies[0]: standard, copies[0] / "lib-dynload": dynamic}
    parts |= {copies[1] / part: packages / part for part in (("numpy", "numpy.libs") if numpy_only else ("",))}
    for target, source in parts.items():
        unused = shutil.ignore_patterns(*(UNUSED if target != copies[1] else ()))
        if source.is_dir() and not target.exists():
            shutil.copytree(source, target, copy_function=_link_or_copy, ignore=unused)
    for folder in (folder for copy in copies for folder, _, _ in os.walk(copy)):
        os.chmod(folder, 0o755)
    return str(copies[0]), str(copies[1])


def readable_by_others(path: str | Path) -> bool:
    """Whether an unprivileged user can reach ``path``: every folder on the way lets others pass."""
    path = Path(path).absolute()
    try:
        return path.exists() and all(p.stat().st_mode & 0o005 == 0o005 for p in (path, *path.parents) if p.is_dir())
    except OSError:
        return False


def _link_or_copy(source: str, target: str) -> None:
    """A hard link where that gives a file that everybody may read, else a copy as old as it, which Python looks at."""
    if os.stat(source).st_mode & 0o004 and not os.path.islink(source):
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)
    os.chmod(target, 0o644)


def remove_tree(folder: str) -> None:
    """Delete a folder whatever is in it: locked folders, links, nesting deeper than recursion allows."""
    waiting = [folder]
    for top in waiting:  # which grows
        with contextlib.suppress(OSError):
            os.chmod(top, 0o700)
            for entry in list(os.scandir(top)):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)  # a folder without permissions cannot be moved
                    waiting.append(os.path.join(folder, secrets.token_hex(8)))
                    os.rename(entry.path, waiting[-1])  # up into the outermost one: no path is ever long
                else:
                    os.unlink(entry.path)
    for path in reversed(waiting):
        with contextlib.suppress(OSError):
            os.rmdir(path)
