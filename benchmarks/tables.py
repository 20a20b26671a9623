"""What the benchmark scripts share: a machine's description, a quiet environment, tables between markers."""

from __future__ import annotations

import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
THREADS = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")


def environment() -> dict[str, str]:
    """For processes that measure: one BLAS thread, and the npreg of this folder."""
    threads = {f"{name}_NUM_THREADS": "1" for name in THREADS}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, **threads, "PYTHONPATH": path}


def machine(*packages: str) -> str:
    """Processor, system, and versions."""
    import numpy as np

    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    for name in packages:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{model}, {os.cpu_count()} cores, {platform.system()}; {', '.join(versions)}"


def between(text: str, name: str) -> str:
    """What stands between the markers of that name."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", text, re.DOTALL)
    if found is None:
        raise ValueError(f"there are no markers <!-- {name}: begin --> and <!-- {name}: end -->")
    return found[1]


def filled(text: str, name: str, new: str) -> str:
    """The text with `new` between the markers of that name."""
    old = between(text, name)
    begin = f"<!-- {name}: begin -->\n"
    return text.replace(f"{begin}{old}<!--", f"{begin}{new.rstrip()}\n<!--", 1)


def fill(page: Path, name: str, new: str) -> None:
    """Write `new` between the markers of that name; the page is written whole or not at all."""
    text = filled(page.read_text(encoding="utf-8"), name, new)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=page.parent, suffix=".partial", delete=False
    ) as file:
        file.write(text)
    os.chmod(file.name, page.stat().st_mode)
    os.replace(file.name, page)


def interleaved(calls: dict[Any, Callable[[], Any]], repeats: int, moment: float = 0.05) -> dict[Any, list[float]]:
    """Seconds a call, measured in turns A B C A B C …; a turn lasts `moment` seconds or one call."""
    seconds: dict[Any, list[float]] = {key: [] for key in calls}
    for call in calls.values():
        call()  # warm up
    for _ in range(repeats):
        for key, call in calls.items():
            start, runs = time.perf_counter(), 0
            while not runs or time.perf_counter() - start < moment:
                call()
                runs += 1
            seconds[key].append((time.perf_counter() - start) / runs)
    return seconds


def ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """The median over the turns of (time / base's time in the same turn)."""
    return statistics.median(a / b for a, b in zip(times, base, strict=True))


def rounded(value: float) -> str:
    """Two or three digits, as ratios deserve."""
    if value >= 20:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 3 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
