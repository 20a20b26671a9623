"""Settings for the whole suite: hypothesis draws the same examples in every run, and is not timed."""

import gc
import signal

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
