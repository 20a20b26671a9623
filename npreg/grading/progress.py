"""How far a run is: a bar with the time left where tqdm is installed, else a line now and then."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts finished entries on ``stream``; use it as a context manager and call ``step`` for every one."""

    def __init__(self, total: int, done: int = 0, *, stream: TextIO | None = None, shown: bool = True) -> None:
        self.total, self.done, self.resumed = total, done, done
        self.stream = sys.stderr if stream is None else stream
        self.shown = shown
        self.begun = self.last = time.monotonic()
        self.bar: Any = self._bar() if shown else None

    def _bar(self) -> Any:
        if not self.stream.isatty():
            return None
        try:
            tqdm: Callable[..., Any] = importlib.import_module("tqdm").tqdm
        except ImportError:
            return None
        return tqdm(total=self.total, initial=self.done, file=self.stream, unit="file")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self, name: str) -> None:
        """One more entry is finished."""
        self.done += 1
        if self.bar is not None:
            self.bar.update(1)
            return
        now = time.monotonic()
        if self.shown and (now - self.last >= SECONDS_BETWEEN_LINES or self.done == self.total):
            self.last = now
            print(self.line(now - self.begun, name), file=self.stream, flush=True)

    def line(self, seconds: float, name: str) -> str:
        """Return the plain line after so many seconds.

        >>> Progress(10, shown=False).line(0, "a.py")
        'graded 0 of 10: a.py'
        """
        fresh = self.done - self.resumed
        left = seconds / fresh * (self.total - self.done) if fresh else 0
        rest = f", about {left:.0f} s left" if left >= 1 else ""
        return f"graded {self.done} of {self.total}: {name}{rest}"
