"""A run's folder: gone afterwards, also after a kill; and a Python in it that everybody can reach."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

from npreg.isolation import workplace as workplace_of_a_run
from npreg.isolation.sandbox import reachable_python, remove_litter

RUN = """
import time
from npreg.isolation import workplace
with workplace() as place:
    print(place, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_nothing_is_left_of_it(temporary):
    with workplace_of_a_run() as place:
        (temporary / place / "file").write_text("x")
        remove_litter(temporary)
        assert os.path.exists(place)
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_run_is_removed_by_the_next_and_a_living_ones_is_not(temporary):
    runs = [subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        places = [run.stdout.readline().strip() for run in runs]
        runs[0].kill()
        runs[0].wait()
        os.mkdir(os.path.join(places[0], "npreg-file-x"))
        os.chmod(os.path.join(places[0], "npreg-file-x"), 0)
        with workplace_of_a_run():
            assert [os.path.exists(place) for place in places] == [False, True]
    finally:
        for run in runs:
            run.kill()
            run.wait()
            run.stdout.close()
    remove_litter(temporary)
    assert list(temporary.iterdir()) == []


def test_a_run_killed_at_any_moment_leaves_nothing_after_the_next(temporary, monkeypatch):
    """Each call into the system is the last one of a run in turn; what it leaves, one run removes."""

    class Killed(BaseException):
        pass

    def run(number):
        count = iter(range(number))

        def counted(function):
            def call(*arguments, **options):
                if next(count, None) is None:
                    raise Killed
                return function(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            for name in ("mkdir", "chmod", "unlink", "rmdir", "rename"):
                patch.setattr(os, name, counted(getattr(os, name)))
            with workplace_of_a_run() as place:
                for name in ("a", "b"):
                    (temporary / place / name).mkdir()

    for number in range(200):
        (temporary / "npreg-run-x.lock").touch()  # of one killed before
        (temporary / "npreg-run-x" / "a").mkdir(parents=True)
        try:
            run(number)
        except Killed:
            run(200)  # as soon as the other is gone
            assert list(temporary.iterdir()) == [], number
        else:
            break
    assert 5 < number < 199


def test_what_belongs_to_another_or_is_no_folder_is_left_alone(temporary):
    (temporary / "outside").mkdir()
    (temporary / "npreg-run-a.lock").touch()
    (temporary / "npreg-run-a").symlink_to("outside", target_is_directory=True)
    (temporary / "npreg-run-b.lock").mkdir()
    before = sorted(os.listdir(temporary))
    remove_litter(temporary)
    assert sorted(os.listdir(temporary)) == before


@pytest.mark.skipif(os.name == "nt", reason="no permission bits on this system")
def test_a_python_below_a_private_folder_is_made_reachable(tmp_path, monkeypatch):
    private = tmp_path / "private"
    standard, packages = private / "lib" / "python3", private / "site"
    (packages / "numpy" / "linalg").mkdir(parents=True)
    (packages / "numpy" / "linalg" / "__init__.py").write_text("")
    (packages / "secret").mkdir()
    (standard / "test").mkdir(parents=True)
    (standard / "os.py").write_text("")
    (standard / "closed.py").write_text("")
    (standard / "closed.py").chmod(0o600)
    private.chmod(0o700)
    monkeypatch.setattr(os, "__file__", str(standard / "os.py"))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(standard))
    place = tmp_path / "place"
    place.mkdir()
    python, copied = reachable_python(str(place), packages, True)
    assert sorted(os.listdir(python)) == ["closed.py", "os.py"]
    assert os.listdir(copied) == ["numpy"]
    for folder, _, files in os.walk(place):
        for name in files:
            assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) & 0o004
    assert stat.S_IMODE(os.stat(standard / "closed.py").st_mode) == 0o600
    shutil.rmtree(place)
    assert (standard / "os.py").exists()
