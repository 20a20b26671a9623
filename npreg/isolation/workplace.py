"""A folder for all that is temporary in one run, with a lock; the next run removes those whose lock nobody holds."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from npreg.files import lock

PREFIX = "npreg-run-"
LOCK = ".lock"  # at the end of the name of its file
UNUSED = ("test", "tests", "idlelib", "turtledemo", "ensurepip", "site-packages")


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """Make a folder that others may pass through, but not list; remove those of runs that were killed."""
    remove_litter(tempfile.gettempdir())
    while True:
        folder = os.path.join(os.path.abspath(tempfile.gettempdir()), PREFIX + secrets.token_hex(8))
        # The lock is beside the folder, there before it and after it: no kill leaves a folder without one.
        try:
            with open(folder + LOCK, "xb") as file:
                try:
                    lock(file.fileno())
                    os.stat(file.name)
                except OSError:
                    continue  # a run that starts just now took it for a killed one's
                try:
                    os.mkdir(folder, 0o700)
                    os.chmod(folder, 0o711)
                    yield folder
                finally:
                    remove_tree(folder)
            return
        finally:
            with contextlib.suppress(OSError):
                os.unlink(folder + LOCK)


def remove_litter(place: str) -> None:
    """Remove the folders that killed runs of this user have left in ``place``, then the lock of each."""
    for path in Path(place).glob(f"{PREFIX}*{LOCK}"):
        folder = path.with_suffix("")
        if not all(_own(part, kind) for part, kind in ((path, stat.S_ISREG), (folder, stat.S_ISDIR))):
            continue
        with contextlib.suppress(OSError):  # such as a lock that somebody holds
            os.replace(path, path)  # refused on Windows while its run has it open
            with open(path, "r+b") as file:
                lock(file.fileno())
                remove_tree(str(folder))
            if not folder.exists():
                path.unlink()


def _own(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether ``path`` is this user's and of that kind, or is not there."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return True
    return kind(status.st_mode) and status.st_uid == getattr(os, "getuid", lambda: 0)()


def reachable_python(place: str, packages: Path, numpy_only: bool) -> tuple[str, str] | None:
    """Folders in ``place`` with Python's and NumPy's files for whom these cannot be read (in ``/root``); else None."""
    standard, dynamic = Path(os.__file__).resolve().parent, Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    if readable_by_others(standard) and readable_by_others(packages / "numpy"):
        return None
    copies = Path(place) / "python", Path(place) / "packages"
    parts = [(standard, copies[0]), (dynamic, copies[0] / "lib-dynload")]
    parts += [(packages / part, copies[1] / part) for part in (("numpy", "numpy.libs") if numpy_only else ("",))]
    for source, target in parts:
        unused = shutil.ignore_patterns(*(UNUSED if target not in copies[1:] else ()))
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
    """A hard link where that gives a file that everybody may read, else a copy."""
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
