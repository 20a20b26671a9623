"""Training on files that are larger than the memory the process may have.

    python benchmarks/out_of_core.py [--rows 1000000,10000000] [--print]

Features (8 columns) and labels are float64 `np.memmap`s in a temporary folder, removed at the end; ten
million rows take 720 MB of disk.  For each size a process of its own trains three epochs on minibatches of
10, `train(RowBlocks.of(features, labels, 10_000))`.

Its private memory is *limited*: RLIMIT_DATA lets it allocate LIMIT MiB beyond what it has after its imports,
and one byte more is a MemoryError.  And it is *seen*: RssAnon of /proc/self/status, looked at every two
milliseconds, is what it really holds; pages of the file that the system keeps in its cache are not among
it.  Needs Linux.  The table goes between the markers of benchmarks/README.md, or to the screen with --print.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from tables import HERE, environment, fill, machine, rounded

NUM_FEATURES, BLOCK_ROWS, BATCH_SIZE, EPOCHS = 8, 10_000, 10, 3
LIMIT = 16  # MiB
TRUE_W, TRUE_B = np.linspace(-2, 2, NUM_FEATURES), 4.2


def write(folder: Path, num_rows: int) -> int:
    """Write features and labels, a block at a time; returns bytes."""
    rng = np.random.default_rng(0)
    shapes = {"features": (num_rows, NUM_FEATURES), "labels": (num_rows,)}
    files = {name: np.memmap(folder / name, np.float64, "w+", shape=shape) for name, shape in shapes.items()}
    for start in range(0, num_rows, 100_000):
        X = rng.standard_normal((min(100_000, num_rows - start), NUM_FEATURES))
        files["features"][start : start + len(X)] = X
        files["labels"][start : start + len(X)] = X @ TRUE_W + TRUE_B + 0.01 * rng.standard_normal(len(X))
    for file in files.values():
        file.flush()
    return sum(file.nbytes for file in files.values())


class Watch:
    """The largest private memory that was seen, in MiB, by a thread that keeps looking."""

    def __init__(self) -> None:
        self.peak, self.done = 0.0, False
        threading.stack_size(2**20)  # it counts, too
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self) -> None:
        while not self.done:
            self.peak = max(self.peak, status("RssAnon"))
            time.sleep(0.002)

    def stop(self) -> float:
        self.done = True
        self.thread.join()
        return self.peak


def status(field: str) -> float:
    """A field of /proc/self/status, in MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"/proc/self/status has no {field}; this script needs Linux")


def worker(folder: Path, num_rows: int) -> None:
    """Train within the limit, and print what was seen."""
    import resource

    import npreg

    features = np.memmap(folder / "features", np.float64, "r", shape=(num_rows, NUM_FEATURES))
    labels = np.memmap(folder / "labels", np.float64, "r", shape=(num_rows,))
    # What is set up once, whatever the data, such as the BLAS's buffer (tens of MiB of address space).
    npreg.train(np.ones((100, NUM_FEATURES)), np.ones(100), rng=0)
    np.ones((200, 200)) @ np.ones((200, 200))
    before = status("RssAnon")
    allowed = int((status("VmData") + LIMIT) * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    try:
        np.ones((LIMIT + 1) * 2**17)
        raise SystemExit("the limit does not hold; this kernel's RLIMIT_DATA leaves out mappings")
    except MemoryError:
        pass
    watch, start = Watch(), time.perf_counter()
    result = npreg.train(
        npreg.RowBlocks.of(features, labels, BLOCK_ROWS), batch_size=BATCH_SIZE, num_epochs=EPOCHS, rng=0
    )
    seconds = time.perf_counter() - start
    found = {
        "allowed": allowed / 2**20,
        "before": before,
        "peak": watch.stop(),
        "seconds": seconds / EPOCHS,
        "engine": result.engine,
        "error": float(max(np.abs(result.w[:, 0] - TRUE_W).max(), abs(result.b[0] - TRUE_B))),
    }
    print(json.dumps(found))


def measure(num_rows: int) -> dict[str, float]:
    """Write the files, train in another process, remove the files."""
    with tempfile.TemporaryDirectory(prefix="npreg-out-of-core-") as name:
        needed = num_rows * (NUM_FEATURES + 1) * 8
        free = shutil.disk_usage(name).free
        if free < needed + 2**30:
            raise SystemExit(
                f"{num_rows:,} rows need {needed / 1e6:.0f} MB of disk (and 1 GB to spare), "
                f"but {name} has {free / 1e6:.0f} MB; set TMPDIR, or take fewer --rows"
            )
        size = write(Path(name), num_rows)
        command = [sys.executable, __file__, "--worker", name, str(num_rows)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{num_rows:,} rows: {done.stderr.strip()}")
        return {"file": size / 2**20, **json.loads(done.stdout)}


def table(results: dict[int, dict[str, float]]) -> str:
    """What is held, next to the size of the file."""
    first = next(iter(results.values()))
    lines = [
        "| rows | files, MiB | private, MiB | of it the run's | allowed | files / private | time an epoch |",
        "|---|---|---|---|---|---|---|",
    ]
    for num_rows, found in results.items():
        private, own = found["peak"], found["peak"] - found["before"]
        lines.append(
            f"| {num_rows:,} | {found['file']:.0f} | {private:.1f} | {own:.1f} | {found['allowed']:.0f} "
            f"| {rounded(found['file'] / private)} | {rounded(found['seconds'] / first['seconds'])} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", nargs=2, metavar=("FOLDER", "N"), help=argparse.SUPPRESS)
    parser.add_argument("--rows", default="1000000,10000000", help="numbers of rows (%(default)s)")
    parser.add_argument("--print", action="store_true", help="print the table, and leave README.md alone")
    options = parser.parse_args()
    if options.worker:
        worker(Path(options.worker[0]), int(options.worker[1]))
        return
    if not os.path.exists("/proc/self/status"):
        raise SystemExit("this script needs Linux")
    results = {int(rows): measure(int(rows)) for rows in options.rows.split(",")}
    worst = max(found["error"] for found in results.values())
    text = (
        f"{NUM_FEATURES} features, float64, minibatches of {BATCH_SIZE}, {EPOCHS} epochs, "
        f"blocks of {BLOCK_ROWS} rows, engine {next(iter(results.values()))['engine']}; allowed to allocate "
        f"{LIMIT} MiB beyond the imports. Learned parameters are within {worst:.0e} of the true ones.\n\n"
        f"{table(results)}\n\nMeasured on: {machine()}.\n"
    )
    if options.print:
        print(text)
    else:
        fill(HERE / "README.md", "out of core", text)


if __name__ == "__main__":
    main()
