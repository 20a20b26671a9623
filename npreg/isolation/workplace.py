"""A folder for one run of the grader: all that is temporary is in it, and nothing is left, also after a kill.

The run holds a lock for as long as it lives; the next run removes the folders whose lock nobody holds.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from npreg.files import lock

PREFIX = "npreg-run-"
LOCK = ".lock"
UNUSED = shutil.ignore_patterns("test", "tests", "idlelib", "turtledemo", "ensurepip", "site-packages")
YOUNG = 60.0  # seconds in which a folder may still be without its lock


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """Make a folder that others may pass through, but not list; remove those of runs that were killed."""
    remove_litter(tempfile.gettempdir())
    folder = tempfile.mkdtemp(prefix=PREFIX)
    try:
        os.chmod(folder, 0o711)
        with open(os.path.join(folder, LOCK), "wb") as file:
            lock(file.fileno())
            yield folder
    finally:
        remove_tree(folder)


def remove_litter(place: str) -> None:
    """Remove the folders that killed runs of this user have left in ``place``."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    for folder in Path(place).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == user and _is_abandoned(folder):
                remove_tree(str(folder))


def _is_abandoned(folder: Path) -> bool:
    """Whether nobody holds the folder's lock; raises ``OSError`` if somebody does."""
    try:
        with open(folder / LOCK, "r+b") as file:
            lock(file.fileno())
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > YOUNG
    if os.name == "nt":
        os.unlink(folder / LOCK)  # refused while its run has it open
    return True


def reachable_python(place: str, packages: Path, numpy_only: bool) -> tuple[str, str] | None:
    """Return folders with Python's and NumPy's files that everybody may read; None if they already are.

    Where Python is installed below a private folder (``/root``), its files are linked, or copied, into
    ``place``, once for a run: a process that has given up the rights of root imports from there.
    """
    standard, dynamic = Path(os.__file__).resolve().parent, Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    if readable_by_others(standard) and readable_by_others(packages / "numpy"):
        return None
    copies = Path(place) / "python", Path(place) / "packages"
    _copy(standard, copies[0], UNUSED)
    if not (copies[0] / "lib-dynload").exists():
        _copy(dynamic, copies[0] / "lib-dynload")
    for part in ("numpy", "numpy.libs") if numpy_only else ("",):
        _copy(packages / part, copies[1] / part, UNUSED if numpy_only else None)
    for folder in (folder for copy in copies for folder, _, _ in os.walk(copy)):
        os.chmod(folder, 0o755)
    return str(copies[0]), str(copies[1])


def readable_by_others(path: str | Path) -> bool:
    """Whether an unprivileged user can reach ``path``: every folder on the way lets others pass.

    >>> readable_by_others("/no such file")
    False
    """
    path = Path(path).absolute()
    try:
        return path.exists() and all(p.stat().st_mode & 0o005 == 0o005 for p in (path, *path.parents) if p.is_dir())
    except OSError:
        return False


def _copy(source: Path, target: Path, ignore: Any = None) -> None:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_or_copy, ignore=ignore)


def _link_or_copy(source: str, target: str) -> None:
    """A hard link where that gives a file that everybody may read, else a copy."""
    if os.stat(source).st_mode & 0o004 and not os.path.islink(source):
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)
    os.chmod(target, 0o644)


def remove_tree(folder: str) -> None:
    """Delete a folder whatever is in it: locked folders, links, nesting deeper than recursion allows.

    Every inner folder is first moved up into the outermost one, so that no path is ever long.
    """
    waiting = [folder]
    for top in waiting:  # which grows
        with contextlib.suppress(OSError):
            os.chmod(top, 0o700)
            for entry in list(os.scandir(top)):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)  # a folder without permissions cannot be moved
                    waiting.append(os.path.join(folder, secrets.token_hex(8)))
                    os.rename(entry.path, waiting[-1])
                else:
                    os.unlink(entry.path)
    for path in reversed(waiting):
        with contextlib.suppress(OSError):
            os.rmdir(path)
