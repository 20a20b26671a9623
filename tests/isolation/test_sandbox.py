"""The pure parts of the isolation: the command, the user, the environment, endings in words."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from npreg.isolation import Isolated, Limits, Sandbox, executor, sandbox
from npreg.isolation.executor import Run
from npreg.isolation.inside.constants import complex_functions
from npreg.isolation.inside.locks import Finder, Forbidden, StandIn
from npreg.isolation.sandbox import readable_by_others

POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX users and signals")


def test_the_environment_holds_nothing_of_the_teachers(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    variables = sandbox.environment("/place")
    assert variables["HOME"] == variables["TMPDIR"] == "/place"
    assert not {"SECRET", "PYTHONPATH", "USER"} & variables.keys()
    assert variables["OPENBLAS_NUM_THREADS"] == "1"


@POSIX
def test_parallel_processes_have_users_of_their_own(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    users = [sandbox.unprivileged_user(slot) for slot in range(20)]
    assert len(set(users)) == 20
    assert min(users) >= sandbox.FIRST_UID
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert sandbox.unprivileged_user(0) is None


def test_what_is_allowed_is_not_forbidden_and_its_packages_are_kept():
    settings = Sandbox(allowed=("torch", "scipy"))._settings(None)
    assert settings["keep_packages"]
    assert "torch" not in settings["forbidden"]
    assert "jax" in settings["forbidden"]
    assert str(sandbox.PACKAGES) in settings["readable"]
    plain = Sandbox()._settings(None)
    assert not plain["keep_packages"]
    assert str(sandbox.PACKAGES) not in plain["readable"]


def test_bwrap_is_told_to_close_every_door():
    command = Sandbox(Limits(folder_size=77))._bwrap("/usr/bin/bwrap", None)
    for option in ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--remount-ro"):
        assert option in command
    assert command[command.index("--size") + 1] == "77"
    assert "CAP_SETUID" not in command
    assert "CAP_SETUID" in Sandbox()._bwrap("/usr/bin/bwrap", 64_001)
    bound = {command[i + 1] for i, word in enumerate(command) if word == "--ro-bind-try"}
    assert str(Path.home()) not in bound
    assert str(sandbox.INSIDE) in bound


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"seconds": -1}, {"memory": 2**20}])
def test_limits_that_cannot_be(wrong):
    with pytest.raises(ValueError, match="seconds must be positive and memory at least 64 MB"):
        Limits(**wrong)


@POSIX
@pytest.mark.parametrize(
    ("code", "ending", "detail"),
    [
        (0, "ended-itself", "exit 0"),
        (3, "ended-itself", "exit 3"),
        (-signal.SIGSEGV, "crashed", "SIGSEGV"),
        (128 + signal.SIGSEGV, "crashed", "SIGSEGV"),
        (-signal.SIGKILL, "killed", ""),
        (-getattr(signal, "SIGXCPU", 24), "time-limit", ""),
        (executor.WINDOWS_FAULT + 5, "crashed", "0xc0000005"),
    ],
)
def test_an_exit_status_in_words(code, ending, detail):
    run = Run(isolation={"uid": 1}, ending="closed")
    executor._explain_exit(run, SimpleNamespace(wait=lambda seconds: code))
    assert (run.ending, run.detail) == (ending, detail)
    early = Run(ending="closed")
    executor._explain_exit(early, SimpleNamespace(wait=lambda seconds: code))
    assert early.ending == "failed-to-start"


def ok(value: float) -> dict:
    run = {"value": np.array(value), "again": np.array(value), "type": "float", "problem": None}
    runs = [{**run, "error": None, "changed": [], "stdout": ""}]
    return {"defined": True, "parameters": [], "globals": [], "line": 1, "runs": runs}


def test_a_function_that_kills_its_process_costs_itself_alone(monkeypatch):
    """Played without processes: `b` ends the first, the optional `c` the second, the third answers."""
    asked = []

    def play(file, request):
        asked.append((request["names"], request["optional"]))
        if len(asked) < 3:
            return Run(at_work="b" if len(asked) == 1 else "c", ending="time-limit", isolation={"uid": 1})
        return Run({"error": None, "stdout": "hello", "functions": {"a": ok(1.0)}}, "a", "finished")

    monkeypatch.setattr(Isolated, "run_once", play)
    ran = Isolated(Sandbox(), "").run(["a", "b"], [{}], ["c"])
    assert asked == [(["a", "b"], ["c"]), (["a"], ["c"]), (["a"], [])]
    assert ran.endings == {"b": ("time-limit", ""), "c": ("time-limit", "")}
    assert list(ran.outcome["functions"]) == ["a", "b"]
    assert ran.outcome["functions"]["b"]["runs"][0]["error"]["kind"] == "time-limit"
    assert ran.outcome["stdout"] == "hello"
    assert ran.isolation == {"uid": 1}


def test_a_file_that_never_comes_to_its_functions_costs_them_all(monkeypatch):
    played = Run(ending="crashed", detail="SIGSEGV", isolation={"uid": 1})
    monkeypatch.setattr(Isolated, "run_once", lambda *args: played)
    ran = Isolated(Sandbox(), "").run(["a", "b"], [{}, {}])
    assert ran.endings == {"": ("crashed", "SIGSEGV")}
    assert ran.outcome["error"]["kind"] == "crashed"
    assert [len(f["runs"]) for f in ran.outcome["functions"].values()] == [2, 2]


@POSIX
def test_a_folder_that_others_may_not_enter_is_not_readable_by_them(tmp_path):
    (tmp_path / "in").mkdir()
    for mode, readable in ((0o755, True), (0o750, False), (0o751, False)):
        (tmp_path / "in").chmod(mode)
        before = readable_by_others(str(tmp_path))
        assert readable_by_others(str(tmp_path / "in")) == (readable and before)


def test_stand_ins_swallow_everything_until_they_are_closed(monkeypatch):
    spec = Finder(["torch"], {}).find_spec("torch.nn")
    assert Finder(["torch"], {}).find_spec("torchlike") is None
    torch = spec.loader.create_module(spec)
    fig, ax = torch.subplots(1, 2)
    ax[0].plot(fig + 1)
    assert torch.compile(len) is len
    monkeypatch.setattr(StandIn, "closed", False)
    StandIn.closed = True
    for use in (lambda: torch.tensor(1), lambda: torch @ 1, lambda: np.array(torch)):
        with pytest.raises(Forbidden) as refused:
            use()
        assert refused.value.package == "torch"
    plot, tqdm = (
        Finder([name], {}).create_module(Finder([name], {}).find_spec(name)) for name in ("matplotlib", "tqdm")
    )
    plot.show()  # what only shows things may go on doing nothing
    assert list(tqdm.tqdm([3, 4], leave=False)) == [3, 4]
    assert [*tqdm.trange(2)] == [0, 1]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(w): return w + 1j", ["f"]),
        ("def f(w): return g(w)\ndef g(w): return complex(w, 1)", ["f", "g"]),
        ("def f(w): return w\nx = 1j", ["x"]),  # a name that others may use
        ("def f(:", []),
    ],
)
def test_functions_that_work_with_complex_numbers(source, found):
    assert complex_functions(source) == found


def test_this_interpreters_python_is_found():
    assert os.path.exists(sandbox.base_executable())
    assert (sandbox.PACKAGES / "numpy").is_dir()
    assert sys.platform.startswith("linux") or sandbox.find_bwrap() is None
