"""What the tests of several pages look at, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts import run


@pytest.fixture(scope="session")
def linear_regression(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the first example prints, and the folder in which it was run."""
    folder = tmp_path_factory.mktemp("linear_regression")
    done = run("linear_regression.py", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, folder
