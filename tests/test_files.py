"""A file is there as a whole or not at all, as the umask says; a killed writer leaves nothing for good."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npreg import files
from npreg.files import atomic, claim, remove_parts, safe_file_name, write_text

WRITER = """
import sys, time
from npreg.files import atomic
with atomic(sys.argv[1]) as file:
    file.write("half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


def listing(folder):
    return sorted(os.listdir(folder))


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "below" / "file.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeError), atomic(path) as file:
        file.write("half" + 10**6 * "x" + str(b"\xff", "ascii"))
    assert path.read_text() == "old"
    assert listing(path.parent) == ["file.txt"]


@pytest.mark.parametrize("name", ["run.npz", "[a]*.npz", "王" * 80])
def test_bytes_and_text_appear_whole(name, tmp_path):
    path = tmp_path / name
    with atomic(path, binary=True) as file:
        file.write(b"\r\n\0")
        assert not path.exists()
    assert path.read_bytes() == b"\r\n\0"
    with pytest.raises(TypeError), atomic(path) as file:
        file.write("two") and file.write(b"no text")
    assert path.read_bytes() == b"\r\n\0"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_takes_nobodys_place(tmp_path):
    path = tmp_path / "file"
    write_text(path, "mine", new=True)
    with pytest.raises(FileExistsError, match="exists already"):
        write_text(path, "other", new=True)
    late = tmp_path / "late"
    with pytest.raises(FileExistsError, match="exists already"), atomic(late, new=True):
        late.write_text("somebody was faster")
    assert path.read_text() == "mine"
    assert listing(tmp_path) == ["file", "late"]


def test_a_link_stays_a_link(tmp_path):
    write_text(tmp_path / "file", "old")
    try:
        (tmp_path / "link").symlink_to(tmp_path / "file")
    except OSError:
        pytest.skip("no links on this system")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="no permission bits on this system")
def test_permissions_are_as_the_umask_says_and_stay(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "one")
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
        (tmp_path / "file").chmod(0o600)
        write_text(tmp_path / "file", "two")
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_what_a_killed_writer_leaves_is_removed_and_a_living_ones_part_is_not(tmp_path):
    path = tmp_path / "[a].npz"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout.readline() == "writing\n"
        writers[0].kill()
        writers[0].wait()
        assert len(listing(tmp_path)) == 2
        remove_parts(path)
        assert len(listing(tmp_path)) == 1
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
    others = [".a.npz.0123456789ab.part", ".[a].npz.notes.part"]
    for name in others:
        (tmp_path / name).touch()
    write_text(path, "whole")  # the next writer clears up
    assert listing(tmp_path) == sorted(["[a].npz", *others])
    remove_parts(tmp_path / "no such folder" / "file")


def test_a_file_that_somebody_locks_first_is_not_claimed(tmp_path, monkeypatch):
    """As one does who takes it for what a killed process has left."""
    met = []

    def lock(descriptor):
        met.append(os.fstat(descriptor).st_ino)
        if len(met) == 1:
            raise BlockingIOError

    monkeypatch.setattr(files, "lock", lock)
    descriptor, path = claim(tmp_path, "a.", ".part")
    os.close(descriptor)
    assert len(met) == 2
    assert path.stat().st_ino == met[1]


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*marks\.csv"):
        write_text(tmp_path / "marks.csv", "x")
    assert listing(tmp_path) == []
    if os.path.exists("/dev/full"):
        with pytest.raises(OSError, match="'/dev/full'"):
            write_text("/dev/full", "x")


@given(st.text(max_size=200))
def test_file_names_stay_in_their_folder(name):
    safe = safe_file_name(name)
    assert safe not in ("", ".", "..")
    assert os.path.basename(safe) == safe
    assert len(safe) <= 150
