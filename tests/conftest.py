"""Settings for the whole suite: hypothesis draws the same examples in every run, and is not timed."""

import gc
import signal

import pytest
from hypothesis import settings

# A shell that starts a suite in the background has it, and all that it starts, ignore interruptions.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("npreg", deadline=None, derandomize=True)
settings.load_profile("npreg")


def pytest_collection_finish() -> None:
    """All that is loaded by now stays; the garbage collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="session")
def linear_regression(tmp_path_factory):
    """What README's first example prints, and the folder in which it was run: several pages look at them."""
    from scripts import run  # of tests/claims, whose tests ask for it

    folder = tmp_path_factory.mktemp("linear_regression")
    done = run("linear_regression.py", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, folder
