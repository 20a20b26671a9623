"""Files that are there as a whole or not at all: the one place that writes files.

A file is written as a part (`.name.….part`) beside the place that it will take, and takes it in one step. A
writer that is killed leaves its part behind; the next writer of the same file removes it.
"""

import contextlib
import glob
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str], *, binary: bool = False, new: bool = False) -> Iterator[IO[Any]]:
    """Open a file, of text or bytes, that takes the place of `path` only when everything has been written.

    Until then, and if anything goes wrong, the old file stays as it was. Missing folders are made; links are
    followed; a new file's permissions are as the umask says, a replaced one's stay. A device or a pipe
    (`/dev/stdout`) is no file that could be replaced: it is written to. FileExistsError if there is something at
    `path` and it is to be `new`, OSError as of `open`.
    """
    text: dict[str, Any] = {"encoding": "utf-8", "newline": "\n", "errors": "backslashreplace"}
    mode, options = ("wb", {}) if binary else ("w", text)
    try:
        if is_device(path):
            with open(path, mode, **options) as file:
                yield file
            return
        if new and os.path.lexists(path):
            raise FileExistsError(f"{os.fspath(path)} exists already")
        goal = Path(os.path.realpath(path))
        goal.parent.mkdir(parents=True, exist_ok=True)
        remove_parts(goal)
        # Not `tempfile`: its files can be read by nobody else, also after they are renamed.
        descriptor, part = claim(goal.parent, f".{goal.name[:50]}.", ".part")
        try:
            with os.fdopen(descriptor, mode, **options) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                with contextlib.suppress(OSError):
                    os.chmod(part, stat.S_IMODE(os.stat(goal).st_mode))
                if os.name != "nt":
                    _take_place(part, goal, new)  # while the part is still locked: nobody removes it
            if os.name == "nt":  # where an open file cannot be moved
                _take_place(part, goal, new)
        finally:
            with contextlib.suppress(OSError):  # as it has taken its place
                os.unlink(part)
    except OSError as error:
        raise named(error, path) from None


def remove_parts(path: str | os.PathLike[str]) -> None:
    """Remove the parts that killed writers of `path` have left; one that is being written stays."""
    path = Path(os.path.realpath(path))
    remove_abandoned(path.parent.glob(f".{glob.escape(path.name[:50])}.{'[0-9a-f]' * 12}.part"))


def named(error: OSError, path: str | os.PathLike[str]) -> OSError:
    """Return the same error with the name of the file that was to be written: a full disk gives none."""
    if isinstance(error, FileExistsError) or error.errno is None:
        return error
    return OSError(error.errno, error.strerror, os.fspath(path))


def claim(folder: Path, before: str, after: str) -> tuple[int, Path]:
    """Make a file with 12 random digits in its name, locked for as long as it is open: it is in use so long."""
    while True:
        path = folder / f"{before}{os.urandom(6).hex()}{after}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            lock(descriptor)
            is_free = path.exists()
        except OSError as error:  # on a file system without locks nobody's files are removed
            is_free = not isinstance(error, BlockingIOError)
        if is_free:
            return descriptor, path
        os.close(descriptor)  # taken for a killed one's before it was locked


def remove_abandoned(paths: Iterable[Path], before: Callable[[Path], object] = lambda path: None) -> None:
    """Remove those of the files of `claim` that are no longer in use, each after `before`, unless it says `OSError`."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.replace(path, path)  # refused on Windows while somebody has it open
            descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                lock(descriptor)
                before(path)
                if os.name != "nt":
                    path.unlink()  # while it is locked: nobody else takes it for one of its own
            finally:
                os.close(descriptor)
            if os.name == "nt":
                path.unlink()


def lock(descriptor: int) -> None:
    """Lock an open file for as long as it is open, where the system can; OSError if another process holds it."""
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _take_place(part: Path, path: Path, new: bool) -> None:
    """Give a finished part its name in one step; with `new` it fails where the name is taken."""
    if not new:
        os.replace(part, path)
    elif os.name == "nt":
        os.rename(part, path)
    else:
        try:
            os.link(part, path)
            os.unlink(part)
        except OSError:
            if os.path.lexists(path):
                raise FileExistsError(f"{path} exists already") from None
            os.rename(part, path)  # a file system without hard links


def is_device(path: str | os.PathLike[str]) -> bool:
    """Whether there is something at `path` that is neither a file nor a folder."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def write_text(path: str | os.PathLike[str], text: str, *, new: bool = False) -> None:
    """Write a whole text file in UTF-8, as `atomic` does."""
    with atomic(path, new=new) as file:
        file.write(text)


def strict_json(value: Mapping[str, Any], indent: int | None = None) -> str:
    """JSON that every parser reads; ValueError for NaN and infinities."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, indent=indent)


def safe_file_name(name: str) -> str:
    """Return a name that can be a file's on every system; anything doubtful becomes an underscore.

    >>> safe_file_name("../Zoë 王.py"), safe_file_name("..")
    ('.._Zoë 王.py', '__')
    """
    safe = "".join("_" if letter in '/\\:*?"<>|' or not letter.isprintable() else letter for letter in name)
    return safe[:150] if safe.strip(". ") else "_" * max(len(safe), 1)
