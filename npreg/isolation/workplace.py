"""A folder for one run of the grader: all that is temporary is in it, and nothing is left, also after a kill.

The run holds a lock for as long as it lives; the next run removes the folders whose lock nobody holds.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from npreg.files import lock
from npreg.isolation.inside.limits import readable_by_others

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
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_uid == user and _is_abandoned(entry.path):
                        remove_tree(entry.path)


def _is_abandoned(folder: str) -> bool:
    """Whether nobody holds the folder's lock; raises ``OSError`` if somebody does."""
    try:
        descriptor = os.open(os.path.join(folder, LOCK), os.O_RDWR)
    except FileNotFoundError:
        return time.time() - os.stat(folder).st_mtime > YOUNG
    try:
        lock(descriptor)
    finally:
        os.close(descriptor)
    if os.name == "nt":
        os.unlink(os.path.join(folder, LOCK))  # refused while its run has it open
    return True


def reachable_python(place: str, packages: Path, numpy_only: bool) -> tuple[str, str] | None:
    """Return folders with Python's and NumPy's files that everybody may read; None if they already are.

    Where Python is installed below a private folder (``/root``), its files are linked, or copied, into
    ``place``, once for a run: a process that has given up the rights of root imports from there.
    """
    standard = Path(os.__file__).resolve().parent
    if readable_by_others(str(standard)) and readable_by_others(str(packages / "numpy")):
        return None
    copies = Path(place) / "python", Path(place) / "packages"
    shutil.copytree(standard, copies[0], copy_function=_link_or_copy, ignore=UNUSED, symlinks=False)
    dynamic = Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    if dynamic.is_dir() and not (copies[0] / "lib-dynload").exists():
        shutil.copytree(dynamic, copies[0] / "lib-dynload", copy_function=_link_or_copy)
    if numpy_only:
        for part in (packages / "numpy", packages / "numpy.libs"):
            if part.is_dir():
                shutil.copytree(part, copies[1] / part.name, copy_function=_link_or_copy, ignore=UNUSED)
    else:
        shutil.copytree(packages, copies[1], copy_function=_link_or_copy)
    for copy in copies:
        for folder, _, _ in os.walk(copy):
            os.chmod(folder, 0o755)
    return str(copies[0]), str(copies[1])


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
    token = secrets.token_hex(8)
    waiting, done = [folder], 0
    while done < len(waiting):
        top = waiting[done]
        done += 1
        with contextlib.suppress(OSError):
            os.chmod(top, 0o700)
            with os.scandir(top) as entries:
                content = list(entries)
            for number, entry in enumerate(content):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)  # a folder without permissions cannot be moved
                    waiting.append(os.path.join(folder, f"{token}-{done}-{number}"))
                    os.rename(entry.path, waiting[-1])
                else:
                    os.unlink(entry.path)
    for path in reversed(waiting):
        with contextlib.suppress(OSError):
            os.rmdir(path)
