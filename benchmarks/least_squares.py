"""Time and memory of `npreg.least_squares` next to `numpy.linalg.lstsq`, each in a process of its own.

    python benchmarks/least_squares.py [--rows 500000] [--offset 0]

n rows of 20 normal columns and an intercept; with --offset, a number added to every column, which makes the
condition number large.  Memory is what the call adds to the process's private memory at its highest (Linux).
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np


def private() -> float:
    """The process's private memory, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def one(which: str, rows: int, offset: float) -> None:
    """Print seconds, MB and condition number of one call."""
    import npreg

    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, 20))
    X += offset
    y = X @ np.arange(20.0) + rng.standard_normal(rows)
    calls = {
        "`lstsq`": lambda: np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[3][[0, -1]],
        "`npreg.least_squares`": lambda: np.array([npreg.least_squares(X, y).condition_number, 1.0]),
    }
    before, highest, done = private(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.005):
            highest = max(highest, private())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    largest, smallest = calls[which]()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    print(seconds, max(0.0, highest - before), largest / smallest)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--offset", type=float, default=0.0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.rows, options.offset)
        return
    print(f"| {options.rows} × 20 | seconds | times `lstsq` | MB beyond the data | condition number |")
    print("|---|---:|---:|---:|---:|")
    base = None
    for which in ("`lstsq`", "`npreg.least_squares`"):
        command = [sys.executable, __file__, "--one", which]
        command += ["--rows", str(options.rows), "--offset", str(options.offset)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, memory, condition = map(float, printed.split())
        base = base or seconds
        print(f"| {which} | {seconds:.2f} | {seconds / base:.1f} | {memory:.0f} | {condition:.1g} |")


if __name__ == "__main__":
    main()
