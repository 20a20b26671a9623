"""Runs the scripts of ``examples/`` as a newcomer does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run an example in another folder, with the npreg of this clone and warnings as errors.

    All but the deprecations that other packages cause among themselves.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    environment.pop("MPLBACKEND", None)
    filters = "error", "ignore::DeprecationWarning", "error::DeprecationWarning:__main__"
    options = [option for each in filters for option in ("-W", each)]
    command = [sys.executable, *options, str(ROOT / "examples" / script), *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
