"""A checkpoint resumes with the same bits, or is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import npreg
from npreg import Checkpoint, CheckpointError
from npreg.runs.checkpoint import FORMAT, State

load = State.load


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


def interrupted_run(monkeypatch, after, checkpoint, *rows, **settings):
    """A run that dies right after it has written its checkpoint `after` times."""
    save, written = State.save, []

    def save_and_die(state, path):
        save(state, path)
        written.append(1)
        if len(written) == after:
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(State, "save", save_and_die)
        with pytest.raises(Interrupted):
            npreg.train(*rows, checkpoint=checkpoint, **settings)


CASES = {
    "moments": {"engine": "moments"},
    "tight": {"engine": "tight"},
    "loop": {"engine": "loop"},
    "momentum": {"rule": "momentum", "lr": 0.003},
    "momentum in the loop": {"rule": "nesterov", "lr": 0.003, "engine": "loop"},
    "auto": {"lr": "auto"},
    "averaged": {"average": 0.6},
    "recorded": {"callbacks": npreg.Record("step")},
    "recorded epochs": {"callbacks": npreg.Record("epoch")},
    "standardized": {"standardize": True},
    "validation": {"validation": 0.2, "stop": npreg.EarlyStopping(2)},
    "schedule": {"lr": (0.03, npreg.InverseScaling())},
    "huber": {"loss": npreg.LOSSES["huber"].bind(delta=0.3)},
    "l1": {"l1": 0.01},
}


@pytest.mark.parametrize("every", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", CASES)
def test_resuming_gives_the_same_bits(case, every, tmp_path, monkeypatch):
    settings = {"rng": 1, "num_epochs": 5, **CASES[case]}
    plain = npreg.train(*data(), **settings)
    for after in (1, 2):
        path = tmp_path / f"{after}.npz"
        interrupted_run(monkeypatch, after, Checkpoint(path, every=every), *data(), **settings)
        assert len(load(path).arrays["losses"]) == after * every
        same_bits(npreg.train(*data(), checkpoint=npreg.Checkpoint(path, resume=True), **settings), plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.npz", "2.npz"]


@pytest.mark.parametrize("engine", ["loop", "moments"])
@pytest.mark.parametrize("every", [1, "block"])
def test_row_blocks_resume_after_epochs_and_after_blocks(engine, every, tmp_path, monkeypatch):
    blocks = npreg.RowBlocks.of(*data(), 50)
    settings = {"rng": 1, "num_epochs": 3, "engine": engine}
    plain = npreg.train(blocks, **settings)
    for after in (1, 3) if every == 1 else (1, 5, 7, 13):
        path = tmp_path / f"{after}.npz"
        interrupted_run(monkeypatch, after, Checkpoint(path, every=every), blocks, **settings)
        found = load(path)
        assert len(found.arrays["losses"]) == (after // 5 if every == "block" else after)
        assert found.meta["blocks_done"] == (after % 5 if every == "block" else 0)
        same_bits(npreg.train(blocks, checkpoint=npreg.Checkpoint(path, resume=True), **settings), plain)


def test_arrays_in_memory_have_no_blocks(tmp_path):
    with pytest.raises(ValueError, match=r'every="block" needs row blocks, RowBlocks.of'):
        npreg.train(*data(), checkpoint=Checkpoint(tmp_path / "run.npz", every="block"))


@pytest.mark.parametrize("case", CASES)
def test_a_finished_run_is_returned_and_can_be_prolonged(case, tmp_path):
    """To the bits of a run that was as long from the start; where these are others, it is said why."""
    path, settings = tmp_path / "run.npz", {"rng": 1, **CASES[case]}
    first = npreg.train(*data(), num_epochs=4, checkpoint=path, **settings)
    same_bits(npreg.train(*data(), num_epochs=4, checkpoint=npreg.Checkpoint(path, resume=True), **settings), first)
    if case in ("averaged", "auto"):
        with pytest.raises(CheckpointError, match=r"averages from epoch . of 4 on, and has done 4"):
            npreg.train(*data(), num_epochs=9, checkpoint=npreg.Checkpoint(path, resume=True), **settings)
        return
    longer = npreg.train(*data(), num_epochs=9, checkpoint=npreg.Checkpoint(path, resume=True), **settings)
    if case == "validation" and first.stopped == "patience":
        return same_bits(longer, first)
    same_bits(longer, npreg.train(*data(), num_epochs=9, **settings))
    with pytest.raises(CheckpointError, match="has done 9 epochs, more than num_epochs=2; give 9 or more"):
        npreg.train(*data(), num_epochs=2, checkpoint=npreg.Checkpoint(path, resume=True), **settings)


def test_auto_without_an_average_is_prolonged(tmp_path):
    settings = {"rng": 1, "lr": ("auto", npreg.Cosine(9)), "average": 0}
    npreg.train(*data(), num_epochs=4, checkpoint=tmp_path / "run.npz", **settings)
    longer = npreg.train(
        *data(), num_epochs=9, checkpoint=npreg.Checkpoint(tmp_path / "run.npz", resume=True), **settings
    )
    same_bits(longer, npreg.train(*data(), num_epochs=9, **settings))


def test_a_run_interrupted_before_its_average_began_is_prolonged(tmp_path, monkeypatch):
    settings = {"rng": 1, "average": 0.5}
    interrupted_run(monkeypatch, 2, tmp_path / "run.npz", *data(), num_epochs=4, **settings)
    longer = npreg.train(
        *data(), num_epochs=9, checkpoint=npreg.Checkpoint(tmp_path / "run.npz", resume=True), **settings
    )
    same_bits(longer, npreg.train(*data(), num_epochs=9, **settings))


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_generator_resumes(kind, tmp_path, monkeypatch):
    X, y = data()
    path = tmp_path / "run.npz"
    whole = npreg.train(X, y, rng=np.random.Generator(kind(3)), num_epochs=4)
    interrupted_run(monkeypatch, 3, path, X, y, rng=np.random.Generator(kind(3)), num_epochs=4)
    resumed = npreg.train(
        X, y, rng=np.random.Generator(kind(99)), num_epochs=4, checkpoint=npreg.Checkpoint(path, resume=True)
    )
    same_bits(resumed, whole)


def checkpoint_file(tmp_path, **settings):
    path = tmp_path / "run.npz"
    npreg.train(*data(), **{"rng": 1, "num_epochs": 1, **settings}, checkpoint=path)
    return path


def resume(path, **settings):
    return npreg.train(
        *data(), **{"rng": 1, "num_epochs": 2, **settings}, checkpoint=npreg.Checkpoint(path, resume=True)
    )


# --- another run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"lr": 0.02}, "lr was 0.03, now it is 0.02"),
        ({"batch_size": 20}, "batch_size was 10, now it is 20"),
        ({"loss": "huber"}, "loss was squared, now it is huber"),
        ({"l2": 0.1}, "l2 was 0.0, now it is 0.1"),
        ({"rule": "momentum"}, r"rule was SGD\(\), now it is Momentum\(beta=0.9\)"),
        ({"standardize": True}, "standardize was False, now it is True"),
        ({"lr": (0.03, npreg.Cosine(3))}, r"schedule was None, now it is Cosine\(num_epochs=3, final=0.0\)"),
        ({"average": 0.5}, "average was 0.0, now it is 0.5"),
        ({"stop": npreg.EarlyStopping(3)}, r"stop was None, now it is EarlyStopping\(patience=3, tol=0.0\)"),
        ({"engine": "loop"}, "engine was moments, now it is loop"),
        ({"callbacks": npreg.Record("step")}, "record was None, now it is step"),
        ({"w": np.ones((3, 1))}, "w was None"),
        ({"rng": 2}, "rng was 1, now it is 2"),
        ({"validation": 0.5}, "the validation rows have changed"),
        ({"validation": data()}, "the validation rows have changed"),
        ({"rng": np.random.Generator(np.random.MT19937(1))}, "PCG64 generator, not MT19937"),
    ],
)
def test_another_run_is_refused_in_words(change, text, tmp_path):
    path = checkpoint_file(tmp_path)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=text):
        resume(path, **change)
    assert path.read_bytes() == before
    resume(path, rng=None)  # a seed need not be given again


def test_other_data_are_refused(tmp_path):
    path = checkpoint_file(tmp_path)
    X, y = data()
    for rows in ((X, y + 1), (X[:-1], y[:-1])):
        with pytest.raises(CheckpointError, match="the data have changed; give the same data"):
            npreg.train(*rows, rng=1, checkpoint=npreg.Checkpoint(path, resume=True))


OWN = """
import functools, sys, numpy as np, npreg
CAP = 1.0
@functools.cache
def cached(t): return min(CAP, (t + 1) / 3)
def decay(rate, t): return 1 / (1 + rate * t)
class Warmup:
    __slots__ = ("epochs",)
    def __init__(self): self.epochs = {"warm": 3}
    def __call__(self, t): return min(CAP, (t + 1) / self.epochs["warm"])
class Clip:
    def init(self, params): return []
    def update(self, grads, state): return [np.clip(g, -CAP, CAP) for g in grads]
def value(y_hat, y): return (y_hat - y) ** 2
def grad(y_hat, y): return 2 * (y_hat - y)
def closed(over): return lambda t: over / (over + t)
kinds = {
    "object": dict(lr=(0.03, Warmup())),
    "method": dict(lr=(0.03, Warmup().__call__)),
    "partial": dict(lr=(0.03, functools.partial(decay, 0.1))),
    "closure": dict(lr=(0.03, closed(3))),
    "cached": dict(lr=(0.03, cached)),
    "rule": dict(rule=Clip()),
    "loss": dict(loss=(value, grad)),
    "bound": dict(loss=npreg.LOSSES["huber"].bind(delta=2)),
}
X = np.random.default_rng(0).standard_normal((50, 2))
for kind, options in kinds.items():
    npreg.train(X, X @ [1., 2.], rng=0, num_epochs=int(sys.argv[2]),
        checkpoint=npreg.Checkpoint(sys.argv[1] + kind, resume=True), **options)
"""


def test_own_callables_are_known_again_in_another_process(tmp_path):
    """And where a global, a default, a method or the code of one has changed, another process says so."""
    root = Path(npreg.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1"}

    def run(code, epochs):
        command = [sys.executable, "-W", "ignore", "-c", code, f"{tmp_path}{os.sep}", epochs]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr

    assert run(OWN, "1") == ""
    assert run(OWN, "2") == ""
    assert "object is the checkpoint of another run: schedule was" in run(OWN.replace("CAP = 1.0", "CAP = 0.5"), "3")


def scaled(factor):
    return lambda t: factor


class Tables:
    def __init__(self):
        self.table = np.array([1.0, 0.5])

    def __call__(self, t):
        return self.table[min(int(t), 1)]


def tables(last):
    found = Tables()
    found.table[1] = last
    return found


OTHER = {
    "a lambda's code": (lambda t: 1 / (1 + t), lambda t: 1 / (2 + t)),
    "what a lambda closes over": (scaled(1.0), scaled(0.5)),
    "an array of an object": (tables(0.5), tables(0.25)),
    "a default": (lambda t, k=1: k, lambda t, k=2: k),
    "an inner function": (lambda t: sum(1 for _ in [t]), lambda t: sum(1.0 for _ in [t])),
}


@pytest.mark.parametrize("case", OTHER)
def test_changed_code_and_values_are_refused(case, tmp_path):
    before, after = OTHER[case]
    path = checkpoint_file(tmp_path, lr=(0.03, before))
    with pytest.raises(CheckpointError, match=r"schedule was .* as now, but its code or its values have changed"):
        resume(path, lr=(0.03, after))
    resume(path, lr=(0.03, before))


def test_a_changed_loss_is_refused(tmp_path):
    grad = npreg.squared_loss_grad
    path = checkpoint_file(tmp_path, loss=(lambda y_hat, y: (y_hat - y) ** 2 / 2, grad))
    with pytest.raises(CheckpointError, match=r"loss was .* its code or its values have changed"):
        resume(path, loss=(lambda y_hat, y: 0.5 * (y_hat - y) ** 2, grad))


def test_what_cannot_be_known_again_is_said_at_the_start_with_a_cure(tmp_path):
    @dataclass
    class Noisy:
        rng: object

        def __call__(self, t):
            return 1.0

    schedule, path = Noisy(np.random.default_rng(0)), tmp_path / "run.npz"
    with pytest.raises(TypeError, match=r"know schedule again .* give schedule an attribute checkpoint_name"):
        npreg.train(*data(), rng=1, checkpoint=path, lr=(0.03, schedule))
    assert not list(tmp_path.iterdir())
    schedule.checkpoint_name = "noisy 1"
    checkpoint_file(tmp_path, lr=(0.03, schedule))
    resume(path, lr=(0.03, schedule))
    schedule.checkpoint_name = "noisy 2"
    with pytest.raises(CheckpointError, match="schedule was noisy 1, now it is noisy 2"):
        resume(path, lr=(0.03, schedule))


# --- damaged files ------------------------------------------------------------------------------------------


def test_truncated_files_are_refused(tmp_path):
    path = checkpoint_file(tmp_path)
    whole = path.read_bytes()
    for length in [0, 1, 10, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            resume(path)
        assert path.read_bytes() == whole[:length]


def test_changed_files_are_refused(tmp_path):
    path = str(checkpoint_file(tmp_path))
    state = load(path)
    whole = Path(path).read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 97)):
        changed = bytearray(whole)
        changed[place] ^= 0x40
        Path(path).write_bytes(bytes(changed))
        try:
            found = load(path)
        except CheckpointError:
            continue
        # Padding and time stamps of the container may change without the contents changing.
        assert found.meta == state.meta
        assert all(found.arrays[name].tobytes() == state.arrays[name].tobytes() for name in state.arrays)


def rewritten(path, name, value):
    """The same file with another value under a name; None removes it."""
    state = load(str(path))
    meta, arrays = dict(state.meta), dict(state.arrays)
    where = arrays if name in arrays else meta
    where[name] = value
    if value is None:
        del where[name]
    State(meta, arrays).save(str(path))


WRONG = {
    "steps_done": [0, 22, 10**30, "21", None],
    "best_epoch": [0, 3, None],
    "stopped": ["bored", 3, None],
    "num_epochs": [0, -3, True, None],
    "rng": [{}, [], None, {"bit_generator": "PCG64"}, {"bit_generator": "PCG64", "state": {"state": -1, "inc": "a"}}],
    "settings": [[], None, {}],
    "theta": [np.ones((3, 1)), np.ones((4, 1), np.float32), np.full((4, 1), np.nan), np.array("text"), None],
    "good": [np.ones(4), None],
    "best": [np.full((4, 1), np.inf), None],
    "epoch_start": [np.ones((4, 2)), None],
    "blocks_done": [1, None],
    "losses": [np.ones((1, 1)), np.array([np.nan]), np.array([1]), None],
    "validation_losses": [np.ones(3), np.ones(0), np.array([np.nan]), None],
    "epoch_ends": [np.ones((1, 4, 1)), np.ones((0, 4, 1)), None],
    "rule_0": [np.ones(3), np.ones((3, 1), np.float32), None],
    "tail_sum": [np.ones(()), None],
    "tail_count": [np.array(1.0), np.ones(2), None],
    "path": [np.ones((1, 3, 1)), np.ones((2, 4, 1)), None],
}


@pytest.mark.parametrize("name", WRONG)
def test_every_field_is_looked_at(name, tmp_path):
    """A value that cannot be ends in an error that names the field; nothing else is changed."""
    settings = {
        "callbacks": npreg.Record("step" if name == "path" else "epoch"),
        "rule": "momentum",
        "average": 0.5,
        "validation": 0.2,
        "lr": 0.003,
        "num_epochs": 2,
    }
    path = checkpoint_file(tmp_path, **settings)
    whole = path.read_bytes()
    done = load(str(path))
    assert name in {**done.meta, **done.arrays}
    for value in WRONG[name]:
        path.write_bytes(whole)
        rewritten(path, name, value)
        rng = np.random.default_rng(1)
        with pytest.raises(CheckpointError, match=name if name != "settings" else "setting"):
            resume(path, **{**settings, "rng": rng})
    path.write_bytes(whole)
    resume(path, **settings)


def test_every_field_of_the_file_is_among_those_looked_at(tmp_path):
    state = load(str(checkpoint_file(tmp_path, rule="momentum", average=0.5, callbacks=npreg.Record("step"))))
    fields = {*state.meta, *state.arrays} - {"format", "npreg", "rule_1", "rate", "decay", "beta"}
    assert fields == {*WRONG}


def test_the_rate_of_auto_is_looked_at(tmp_path):
    path = checkpoint_file(tmp_path, lr="auto")
    whole = path.read_bytes()
    for value in (-1.0, float("nan"), "0.1", None):
        for name in ("rate", "decay"):
            path.write_bytes(whole)
            rewritten(path, name, value)
            with pytest.raises(CheckpointError, match=name):
                resume(path, lr="auto", num_epochs=1)


def test_how_many_blocks_are_done_is_looked_at(tmp_path, monkeypatch):
    path, blocks = tmp_path / "run.npz", npreg.RowBlocks.of(*data(), 50)
    interrupted_run(monkeypatch, 1, Checkpoint(path, every="block"), blocks, rng=1)
    for value in (5, -1, "1", None):
        rewritten(path, "blocks_done", value)
        with pytest.raises(CheckpointError, match="blocks_done is"):
            npreg.train(blocks, rng=1, checkpoint=Checkpoint(path, resume=True))


def test_newer_older_and_foreign_files_are_refused(tmp_path):
    path = checkpoint_file(tmp_path)
    for version in (FORMAT + 1, FORMAT - 1):
        with np.load(path) as file:
            contents = dict(file)
        meta = json.loads(contents["meta"].tobytes())
        meta["format"], meta["npreg"] = version, "9.9"
        contents["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
        np.savez(path, **contents)
        with pytest.raises(CheckpointError, match=rf"written by npreg 9\.9 in format {version}"):
            resume(path)
    np.savez(path, x=np.ones(3))
    with pytest.raises(CheckpointError, match="no checkpoint of npreg"):
        resume(path)
    path.write_text("hello")
    with pytest.raises(CheckpointError, match=r"not a whole .npz file \(it is no archive\)"):
        resume(path)
    for array in (np.array([{}], dtype=object), np.ones(3)):
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=True)
        with pytest.raises(CheckpointError):
            resume(path)


# --- the file -----------------------------------------------------------------------------------------------


def test_an_existing_file_is_not_overwritten(tmp_path):
    path = checkpoint_file(tmp_path)
    before = path.read_bytes()
    with pytest.raises(
        FileExistsError, match=r"Checkpoint\(path, resume=True\) continues it, and another path begins anew"
    ):
        npreg.train(*data(), rng=1, checkpoint=path)
    assert path.read_bytes() == before


BAD = {
    "missing": (ValueError, "there is no folder .*missing for the checkpoint run.npz"),
    "empty": (ValueError, 'checkpoint is an empty path; give the path of a file, such as "run.npz"'),
    "folder": (ValueError, "is a folder; give the path of a file in it"),
    "number": (TypeError, "checkpoint must be a path or an npreg.Checkpoint, not 3"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_file_is_refused_without_advice_to_remove_anything(case, tmp_path):
    folder = tmp_path / "missing" / "run.npz"
    checkpoint = {"missing": folder, "empty": "", "folder": tmp_path, "number": 3}[case]
    error, text = BAD[case]
    with pytest.raises(error, match=text) as caught:
        npreg.train(*data(), checkpoint=checkpoint)
    assert "remove" not in str(caught.value)


def test_arguments_that_do_not_fit():
    for every, error in ((0, ValueError), ("day", TypeError), (1.5, TypeError)):
        with pytest.raises(error, match='every, a number of epochs unless it is "block", must be'):
            Checkpoint("run.npz", every=every)
    with pytest.raises(TypeError, match="resume must be True or False"):
        Checkpoint("run.npz", resume="yes")


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


@pytest.mark.skipif(sys.platform == "win32", reason="there is no umask on this system")
def test_the_mode_is_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        assert checkpoint_file(tmp_path).stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


def test_two_runs_that_write_one_file_at_once(tmp_path):
    """The second is refused, by whatever path; afterwards the file is free, and there is no litter."""
    path, begun, go_on = tmp_path / "run.npz", threading.Event(), threading.Event()

    def wait(progress):
        begun.set()
        assert go_on.wait(30)

    first = threading.Thread(target=npreg.train, args=data(), kwargs={"rng": 1, "checkpoint": path, "callbacks": wait})
    first.start()
    try:
        assert begun.wait(30)
        for other in (path, f"{tmp_path}{os.sep}.{os.sep}run.npz"):
            with pytest.raises(CheckpointError, match="is being written by another run; wait until"):
                npreg.train(*data(), rng=1, checkpoint=npreg.Checkpoint(other, resume=True))
    finally:
        go_on.set()
        first.join()
    assert len(resume(path, num_epochs=3).losses) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


SCRIPT = textwrap.dedent(
    """
    import os
    import sys
    import numpy as np
    import npreg
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 300, dtype=np.float64, rng=0)
    checkpoint = npreg.Checkpoint(sys.argv[1], resume=True)
    result = npreg.train(X, y, rng=1, num_epochs=150, engine="tight", checkpoint=checkpoint)
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
            load(str(path))  # whole, whenever the process died
    if not result.exists():
        subprocess.run(command, env=environment, check=True)
    X, y = npreg.synthetic_data([2, -3.4], 4.2, 300, dtype=np.float64, rng=0)
    whole = npreg.train(X, y, rng=1, num_epochs=150, engine="tight")
    with np.load(result) as found:
        for name in ("w", "b", "losses"):
            assert found[name].tobytes() == getattr(whole, name).tobytes()
    left = {p.name for p in tmp_path.iterdir()} - {"result.npz.part.npz"}
    assert left == {"run.py", "run.npz", "result.npz"}, "the last run takes away what killed ones have left"
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
