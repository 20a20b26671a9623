"""A file is there whole or not at all, with the mode that the umask says, and nothing is left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from npreg.files import atomic, remove_parts


@pytest.mark.parametrize("name", ["run.npz", "[a]*.npz", "王" * 80])
def test_bytes_and_text_appear_whole(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with atomic(path, binary=True) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    with pytest.raises(TypeError), atomic(path) as file:
        file.write("two") and file.write(b"no text")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no umask on this system")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mode_is_as_the_umask_says(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        with atomic(tmp_path / "file", binary=True) as file:
            file.write(b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~mask


def test_only_parts_of_this_file_are_removed(tmp_path: Path) -> None:
    own, others = ".[a].npz.0123456789ab.part", [".a.npz.0123456789ab.part", ".[a].npz.notes.part", "[a].npz"]
    for name in (own, *others):
        (tmp_path / name).touch()
    remove_parts(tmp_path / "[a].npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
