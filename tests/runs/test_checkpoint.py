"""A checkpoint resumes with the same bits, or is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import npreg
from npreg.runs.checkpoint import FORMAT, load, save


def data(n=203, d=3, k=1, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = (X @ rng.standard_normal((d, k)) + 1 + 0.1 * rng.standard_normal((n, k))).astype(dtype)
    return X, y


def same_bits(a, b):
    for name in ("w", "b", "losses"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name
    assert (a.num_steps, a.stopped, a.best_epoch) == (b.num_steps, b.stopped, b.best_epoch)
    if a.trajectory is not None:
        assert a.trajectory.w.tobytes() == b.trajectory.w.tobytes()
    if a.validation_losses is not None:
        assert a.validation_losses.tobytes() == b.validation_losses.tobytes()


class Interrupted(Exception):
    """Stands for whatever ends a process."""


def interrupted_run(monkeypatch, after, path, X, y, **settings):
    """A run that dies right after it has written its checkpoint `after` times."""
    import npreg.runs.saver

    written = []

    def save_and_die(*args):
        save(*args)
        written.append(1)
        if len(written) == after:
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(npreg.runs.saver, "save", save_and_die)
        with pytest.raises(Interrupted):
            npreg.train(X, y, checkpoint=path, **settings)


CASES = {
    "moments": {"engine": "moments"},
    "tight": {"engine": "tight"},
    "loop": {"engine": "loop"},
    "momentum": {"rule": "momentum", "lr": 0.003},
    "momentum in the loop": {"rule": "nesterov", "lr": 0.003, "engine": "loop"},
    "averaged": {"average": 0.6},
    "recorded": {"record": "step"},
    "recorded epochs": {"record": "epoch"},
    "standardized": {"standardize": True},
    "validation": {"validation": 0.2, "patience": 2},
    "schedule": {"schedule": npreg.InverseScaling()},
    "huber": {"loss": npreg.LOSSES["huber"].bind(delta=0.3)},
    "l1": {"l1": 0.01},
    "blocks": {"block_rows": 50},
    "blocks by the loop": {"block_rows": 50, "engine": "loop"},
}


@pytest.mark.parametrize("every", [None, 1, 7])
@pytest.mark.parametrize("case", CASES)
def test_resuming_gives_the_same_bits(case, every, tmp_path, monkeypatch):
    X, y = data()
    settings = {"rng": 1, "num_epochs": 4, "checkpoint_every": every, **CASES[case]}
    whole = npreg.train(X, y, checkpoint=tmp_path / "whole.npz", **settings)
    plain = npreg.train(X, y, **{**settings, "checkpoint_every": None})
    assert whole.w.tobytes() == plain.w.tobytes()
    for after in (1, 3):
        path = tmp_path / f"{after}.npz"
        interrupted_run(monkeypatch, after, path, X, y, **settings)
        same_bits(npreg.train(X, y, checkpoint=path, resume=True, **settings), whole)
        assert not list(tmp_path.glob("*.part"))


def test_a_finished_run_is_returned_and_can_be_prolonged(tmp_path):
    X, y = data()
    path = tmp_path / "run.npz"
    first = npreg.train(X, y, rng=1, num_epochs=2, checkpoint=path)
    same_bits(npreg.train(X, y, rng=1, num_epochs=2, checkpoint=path, resume=True), first)
    longer = npreg.train(X, y, rng=1, num_epochs=5, checkpoint=path, resume=True)
    same_bits(longer, npreg.train(X, y, rng=1, num_epochs=5))


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_generator_resumes(kind, tmp_path, monkeypatch):
    X, y = data()
    path = tmp_path / "run.npz"
    settings = {"num_epochs": 3, "checkpoint_every": 5}
    whole = npreg.train(X, y, rng=np.random.Generator(kind(3)), num_epochs=3)
    interrupted_run(monkeypatch, 3, path, X, y, rng=np.random.Generator(kind(3)), **settings)
    resumed = npreg.train(X, y, rng=np.random.Generator(kind(99)), checkpoint=path, resume=True, **settings)
    same_bits(resumed, whole)


def test_another_kind_of_generator_is_refused(tmp_path):
    X, y = data()
    npreg.train(X, y, rng=1, num_epochs=1, checkpoint=tmp_path / "run.npz")
    with pytest.raises(npreg.CheckpointError, match="PCG64 generator, not MT19937"):
        npreg.train(
            X,
            y,
            rng=np.random.Generator(np.random.MT19937(1)),
            checkpoint=tmp_path / "run.npz",
            resume=True,
        )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"lr": 0.02}, "lr was 0.03, now it is 0.02"),
        ({"batch_size": 20}, "batch_size was 10, now it is 20"),
        ({"loss": "huber"}, "loss was"),
        ({"l2": 0.1}, "l2 was"),
        ({"rule": "momentum"}, "rule was"),
        ({"standardize": True}, "data was"),
        ({"schedule": npreg.Cosine(3)}, "schedule was"),
        ({"average": 0.5}, "average was"),
    ],
)
def test_other_settings_are_refused(change, name, tmp_path):
    X, y = data()
    npreg.train(X, y, rng=1, num_epochs=1, checkpoint=tmp_path / "run.npz")
    with pytest.raises(npreg.CheckpointError, match=name):
        npreg.train(X, y, **{"rng": 1, "checkpoint": tmp_path / "run.npz", "resume": True, **change})


def test_other_data_are_refused(tmp_path):
    X, y = data()
    npreg.train(X, y, rng=1, num_epochs=1, checkpoint=tmp_path / "run.npz")
    with pytest.raises(npreg.CheckpointError, match="data was"):
        npreg.train(X, y + 1, rng=1, checkpoint=tmp_path / "run.npz", resume=True)


def checkpoint_file(tmp_path):
    path = tmp_path / "run.npz"
    npreg.train(*data(), rng=1, num_epochs=1, checkpoint=path)
    return path


def resume(path):
    return npreg.train(*data(), rng=1, num_epochs=2, checkpoint=path, resume=True)


def test_truncated_files_are_refused(tmp_path):
    path = checkpoint_file(tmp_path)
    whole = path.read_bytes()
    for length in [0, 1, 10, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(npreg.CheckpointError):
            resume(path)
        assert path.read_bytes() == whole[:length]


def test_changed_files_are_refused(tmp_path):
    path = checkpoint_file(tmp_path)
    meta, arrays = load(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 97)):
        changed = bytearray(whole)
        changed[place] ^= 0x40
        path.write_bytes(bytes(changed))
        try:
            found_meta, found = load(path)
        except npreg.CheckpointError:
            continue
        # Padding and time stamps of the container may change without the contents changing.
        assert found_meta == meta
        assert all(found[name].tobytes() == arrays[name].tobytes() for name in arrays)


def rewrite(path, edit):
    with np.load(path) as file:
        contents = {name: file[name] for name in file.files}
    edit(contents)
    np.savez(path, **contents)


def test_tampered_parameters_are_refused(tmp_path):
    path = checkpoint_file(tmp_path)

    def edit(contents):
        contents["array_theta"] = contents["array_theta"] + 1

    rewrite(path, edit)
    with pytest.raises(npreg.CheckpointError, match="checksum does not match"):
        resume(path)


def test_newer_and_foreign_files_are_refused(tmp_path):
    path = checkpoint_file(tmp_path)

    def newer(contents):
        meta = json.loads(contents["meta"].tobytes())
        meta["format"], meta["npreg"] = FORMAT + 1, "9.9"
        contents["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)

    rewrite(path, newer)
    with pytest.raises(npreg.CheckpointError, match=r"written by npreg 9\.9 in format"):
        resume(path)
    np.savez(path, x=np.ones(3))
    with pytest.raises(npreg.CheckpointError, match="no checkpoint of npreg"):
        resume(path)
    path.write_text("hello")
    with pytest.raises(npreg.CheckpointError, match=r"not a whole .npz file \(it is no archive\)"):
        resume(path)
    for array in (np.array([{}], dtype=object), np.ones(3)):
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=True)
        with pytest.raises(npreg.CheckpointError):
            resume(path)
    save(path, {"settings": {}}, {"theta": np.ones(3)})
    with pytest.raises(npreg.CheckpointError, match="another run"):
        resume(path)


def test_an_existing_file_is_not_overwritten(tmp_path):
    path = checkpoint_file(tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="resume=True continues it"):
        npreg.train(*data(), rng=1, checkpoint=path)
    assert path.read_bytes() == before


def test_arguments_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        npreg.train(*data(), checkpoint=tmp_path / "missing" / "run.npz")
    with pytest.raises(ValueError, match="need checkpoint"):
        npreg.train(*data(), resume=True)
    with pytest.raises(ValueError, match="at least 1"):
        npreg.train(*data(), checkpoint=tmp_path / "run.npz", checkpoint_every=0)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = checkpoint_file(tmp_path)
    before = path.read_bytes()

    def full_disk(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="no space"):
        resume(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


SCRIPT = textwrap.dedent(
    """
    import os
    import sys
    import numpy as np
    import npreg
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 3000, dtype=np.float64, rng=0)
    result = npreg.train(
        X, y, rng=1, num_epochs=12, engine="tight", checkpoint=sys.argv[1], checkpoint_every=20, resume=True
    )
    np.savez(sys.argv[2] + ".part.npz", w=result.w, b=result.b, losses=result.losses)
    os.replace(sys.argv[2] + ".part.npz", sys.argv[2])  # the kill may come now, too
    """
)


def kill_and_resume(tmp_path, times, seed):
    root = Path(npreg.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1"}
    script, path, result = tmp_path / "run.py", tmp_path / "run.npz", tmp_path / "result.npz"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(path), str(result)]
    rng = np.random.default_rng(seed)
    killed = 0
    while killed < times and not result.exists():
        process = subprocess.Popen(command, env=environment)
        if path.exists():
            before = path.read_bytes()
            deadline = time.monotonic() + 30
            while path.read_bytes() == before and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)  # killed while it works, not while Python starts
        time.sleep(rng.uniform(0.0, 0.05 if path.exists() else 0.3))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        if path.exists():
            load(path)  # whole, whenever the process died
    if not result.exists():
        subprocess.run(command, env=environment, check=True)
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 3000, dtype=np.float64, rng=0)
    whole = npreg.train(X, y, rng=1, num_epochs=12, engine="tight")
    with np.load(result) as found:
        for name in ("w", "b", "losses"):
            assert found[name].tobytes() == getattr(whole, name).tobytes()
    return killed


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_killed_and_resumed(tmp_path):
    assert kill_and_resume(tmp_path, times=3, seed=0) >= 1


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_killed_at_a_hundred_random_moments(tmp_path):
    killed = 0
    for seed in range(100):
        folder = tmp_path / str(seed)
        folder.mkdir()
        killed += kill_and_resume(folder, times=5, seed=seed)
        if killed >= 100:
            return
    raise AssertionError(f"only {killed} processes were killed")
