"""A file that is known to be right is graded first: where it gets no full marks, no student is blamed for it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from npreg.exercises.course import load
from npreg.exercises.forward.probes import fresh
from npreg.exercises.judge import judge, questions_of
from npreg.isolation import Sandbox, run_isolated
from npreg.isolation.sandbox import base_executable

SECONDS = 60.0
CURE = """nothing was graded, for students would be blamed for it. Use a Python that every user may read (not
one below /root), start npreg as another user, or allow more --memory"""
# Modules that open windows or browsers, print, or belong to Python's own tests.
UNUSED = "antigravity this idlelib tkinter _tkinter turtle turtledemo lib2to3 ensurepip test __main__"
KNOWN_RIGHT = """
import importlib
import numpy as np
import numpy.ma, numpy.testing, numpy.lib.stride_tricks
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except BaseException:
        print(name)
größe_法 = np.fft.ifft(np.fft.fft(np.arange(4.0))) + np.linalg.solve(np.eye(4) * 1j, np.ones(4)) * 1j
assert np.allclose(größe_法, np.arange(4) + 1)
assert np.allclose(np.linalg.svd(np.random.default_rng(0).normal(size=(5, 3)) @ np.eye(3))[2].shape, (3, 3))
assert np.polynomial.Polynomial([1.0, 2.0])(3.0) == 7 and np.ma.masked_array([1.0, 2.0], [0, 1]).sum() == 1

def grad_w(X, r):
    δ = np.einsum("ij,i->j", X, r)
    return δ / len(X)

grad_b = lambda r: float(np.mean(r))
"""

_passed: dict[Any, Mapping[str, Any]] = {}


def known_right(sandbox: Sandbox) -> tuple[str, Mapping[str, Any]]:
    """Grade the known right file, once in a process: what is wrong ("" if nothing), and what was in force."""
    asked = (sandbox.anywhere(), base_executable())
    if asked not in _passed:
        problem, in_force = _tried(sandbox, standard_modules())
        if problem:
            return f"{problem}; {CURE}", in_force
        _passed[asked] = in_force
    return "", _passed[asked]


def _tried(sandbox: Sandbox, modules: Sequence[str]) -> tuple[str, Mapping[str, Any]]:
    limits = replace(sandbox.limits, seconds=max(SECONDS, sandbox.limits.seconds))
    exercise = load("minibatch-mean")
    questions = questions_of(exercise, fresh(exercise, 0))
    source = KNOWN_RIGHT.format(modules=list(modules))
    ran = run_isolated(replace(sandbox, limits=limits), source, questions.names, questions.probes)
    error, printed = ran.outcome["error"], ran.outcome["stdout"].split()
    said = "; ".join(f"{code} {detail.strip()[-300:]}".strip() for code, detail in ran.endings.values())
    if not said and error is not None:
        said = f"{error['kind']}: {error['message']}"
    missing = [name for name in printed if name in modules and _imports_outside(name)]  # else this Python lacks it
    if not said and missing:
        said = f"ImportError: cannot import {', '.join(missing)}"
    if not said and not judge(questions, ran.outcome).passed:
        said = "its answers were judged wrong"
    problem = f"a file that is known to be right does not get full marks in the isolation here ({said})"
    return problem if said else "", ran.isolation


def standard_modules() -> list[str]:
    """The modules of the standard library that this Python has, but those that nobody needs here."""
    names = sorted(sys.stdlib_module_names - set(UNUSED.split()))
    return [name for name in names if importlib.util.find_spec(name) is not None]


def _imports_outside(name: str) -> bool:
    command = [base_executable(), "-I", "-S", "-W", "ignore", "-c", f"import {name}"]
    return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False).returncode == 0
