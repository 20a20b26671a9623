"""Minibatch SGD on the squared loss: npreg next to its peers, in one run, as ratios.

    python benchmarks/speed.py                  the whole table (about ten minutes) into benchmarks/README.md
    python benchmarks/speed.py --only 0,3       some shapes again; the others stay as measured before
    python benchmarks/speed.py --print --only 0,3 --repeats 3      some shapes, to the screen
    python benchmarks/speed.py --readme         copy rows from benchmarks/README.md into the two READMEs

What is compared is the call that a user of each library would write (`peers.py` has them all), with its own
shuffling and the loss after each epoch, for three epochs (one for peers that need seconds).

Every peer is a process of its own, and the processes take turns: A B C A B C …, so that a machine whose
speed drifts drifts for all.  A cell is the median over the turns of (peer's time / npreg's time in the
same turn).  One BLAS thread; npreg, as always, draws the next shuffle on a second thread from 50 000
rows on, and the peers may do what they do.  A peer that is not installed, or fails, leaves its cell empty.
All times are kept in benchmarks/speed.json, those of another machine or other versions are dropped.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from peers import MAKERS, learning_rate, make_data
from tables import HERE, ROOT, between, environment, fill, machine, ratio, rounded

SHAPES = [
    (1_000, 2, 10),
    (100_000, 2, 10),
    (1_000_000, 2, 10),
    (100_000, 8, 10),
    (100_000, 20, 10),
    (20_000, 100, 10),
    (20_000, 100, 64),
    (10_000, 1000, 32),
    (100_000, 20, 256),
]
PEERS = ["notebook", "torch.nn", "numpy", "sklearn", "jax", "numba", "loop", "tight", "moments", "auto"]
SLOW = {"notebook", "torch.nn", "loop", "numpy", "jax"}
EPOCHS = 3
MOMENT = 0.1  # seconds
STORE = HERE / "speed.json"

# What the READMEs show: a column of the table, and its title there.
SHOWN = {
    "README.md": {
        "rows, features, batch": "rows, features, batch",
        "notebook": "the notebook's PyTorch loop",
        "sklearn": "scikit-learn `SGDRegressor`",
        "numba": "a loop compiled by numba",
        "loop": 'npreg\'s own plain loop, `engine="loop"`',
    },
    "README.zh-CN.md": {
        "rows, features, batch": "行数、特征数、批量",
        "notebook": "笔记本的 PyTorch 循环",
        "sklearn": "scikit-learn `SGDRegressor`",
        "numba": "numba 编译的循环",
        "loop": 'npreg 自己的普通循环 `engine="loop"`',
    },
}


# --- one process a peer ---


def worker(peer: str, n: int, d: int, batch_size: int, dtype: str) -> None:
    """Prepare, say so, then make one timed run for every line on standard input."""
    epochs = 1 if peer in SLOW and n >= 100_000 else EPOCHS
    try:
        tiny = make_data(4 * batch_size, d, dtype)
        MAKERS[peer](*tiny, batch_size, learning_rate(d))(1)  # imports, and what a library sets up once
        X, y = make_data(n, d, dtype)
        memory = Memory()
        run = MAKERS[peer](X, y, batch_size, learning_rate(d))
        run(1)  # warm up: compilation
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({"ready": peer}), flush=True)
    for _ in sys.stdin:
        # A turn of short runs lasts a moment, or it would measure how a processor wakes up.
        start, runs = time.perf_counter(), 0
        while not runs or time.perf_counter() - start < MOMENT:
            run(epochs)
            runs += 1
        seconds = (time.perf_counter() - start) / (runs * epochs)
        print(json.dumps({"seconds": seconds, "extra_mib": memory.extra()}), flush=True)


class Memory:
    """What a process needs at its peak beyond what it has now, in MiB; None where a system does not tell."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):  # elsewhere, what imports needed at their peak hides some of it
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
        self.before = self.peak()

    def peak(self) -> float | None:
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        with contextlib.suppress(ImportError):
            import resource

            unit = 2**20 if sys.platform == "darwin" else 2**10
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        return None

    def extra(self) -> float | None:
        peak = self.peak()
        return None if peak is None or self.before is None else peak - self.before


class Process:
    """A peer's process."""

    def __init__(self, peer: str, shape: tuple[int, int, int], dtype: str) -> None:
        self.peer = peer
        command = [sys.executable, str(HERE / "speed.py"), "--worker", peer, *map(str, shape), dtype]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment(),
        )

    def answer(self) -> dict | None:
        """The next answer; None, and a word on why, from a peer that is missing or has failed."""
        try:
            found = json.loads(self.process.stdout.readline())
            why = found.get("missing")
        except json.JSONDecodeError:
            said = self.close().strip().splitlines()
            found, why = None, said[-1] if said else "it ended without a word"
        if why is None:
            return found
        print(f"  {self.peer}: left out ({why})", file=sys.stderr)
        self.close()
        return None

    def turn(self) -> dict | None:
        try:
            self.process.stdin.write("run\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def close(self) -> str:
        """End the process; returns what it wrote to standard error."""
        return self.process.communicate()[1] if not self.process.stdin.closed else ""


def measure(shape, dtype, peers, repeats):
    """Seconds an epoch, turn by turn, and extra peak memory of every peer that lasts to the end."""
    processes, seconds, extra = {}, {}, {}
    try:
        for peer in peers:
            process = Process(peer, shape, dtype)
            if process.answer() is not None:
                processes[peer], seconds[peer] = process, []
        for _ in range(repeats):
            for peer, process in list(processes.items()):
                answer = process.turn()
                if answer is None:
                    del processes[peer], seconds[peer]
                    extra.pop(peer, None)
                    continue
                seconds[peer].append(answer["seconds"])
                extra[peer] = answer["extra_mib"]
    finally:
        for process in processes.values():
            process.close()
    return seconds, extra


# --- tables ---


def cell(seconds, peer, base="auto"):
    return rounded(ratio(seconds[peer], seconds[base])) if peer in seconds and base in seconds else ""


def table(results, peers):
    shown = [peer for peer in peers if peer != "auto"]
    lines = [
        f"| rows, features, batch | {' | '.join(shown)} | npreg, ms an epoch |",
        "|---|" + "---|" * (len(shown) + 1),
    ]
    for (n, d, b), (seconds, _) in results.items():
        cells = [cell(seconds, peer) for peer in shown]
        milliseconds = f"{1e3 * statistics.median(seconds['auto']):.3g}" if "auto" in seconds else ""
        lines.append(f"| {n:,}, {d}, {b} | {' | '.join(cells)} | {milliseconds} |")
    return "\n".join(lines)


def memory_table(results, peers):
    lines = [f"| rows, features, batch | data | {' | '.join(peers)} |", "|---|" + "---|" * (len(peers) + 1)]
    for (n, d, b), (_, extra) in results.items():
        data = n * (d + 1) * 8 / 2**20
        cells = ["" if extra.get(peer) is None else f"{extra[peer]:.0f}" for peer in peers]
        lines.append(f"| {n:,}, {d}, {b} | {data:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def about_the_loop(results):
    """A sentence on the plain loop next to the notebook's, where both were measured."""
    for (n, d, b), (seconds, _) in results.items():
        times = cell(seconds, "notebook", "loop")
        if times:
            return (
                f'The plain loop, `engine="loop"`, is {times} times as fast as the notebook\'s PyTorch loop '
                f"at {n:,} rows, {d} features, minibatches of {b}.\n\n"
            )
    return ""


def readme_table(page: str, name: str) -> str:
    """The first table of benchmarks/README.md, with the columns that a README shows, under its titles."""
    lines = between(page, "speed").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([text.strip() for text in line.strip("|").split("|")])
    columns = [rows[0].index(column) for column in SHOWN[name]]
    body = [[row[column] for column in columns] for row in rows[2:]]
    titles = list(SHOWN[name].values())
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, ["---"] * len(titles), *body]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", nargs=5, metavar=("PEER", "N", "D", "B", "DTYPE"), help=argparse.SUPPRESS)
    parser.add_argument("--only", help="shapes by number, such as 0,3")
    parser.add_argument("--peers", help="peers by name, such as sklearn,numba")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--dtypes", default="float64,float32")
    parser.add_argument("--print", action="store_true", help="print the tables, and leave the pages alone")
    parser.add_argument("--readme", action="store_true", help="only copy the table into the READMEs")
    options = parser.parse_args()
    if options.worker:
        peer, n, d, b, dtype = options.worker
        worker(peer, int(n), int(d), int(b), dtype)
        return
    if not options.readme:
        text = measured(options)
        if options.print:
            print(text)
            return
        fill(HERE / "README.md", "speed", text)
    page = (HERE / "README.md").read_text(encoding="utf-8")
    for name in SHOWN:
        fill(ROOT / name, "speed", readme_table(page, name))


def measured(options: argparse.Namespace) -> str:
    """Measure, and return all that goes between the markers."""
    numbers = [int(i) for i in options.only.split(",")] if options.only else list(range(len(SHAPES)))
    peers = [*options.peers.split(","), "auto"] if options.peers else PEERS
    here = machine("torch", "scikit-learn", "jax", "numba")
    kept = {} if options.print else load(here)
    for dtype in options.dtypes.split(","):
        for shape in (SHAPES[i] for i in numbers):
            print(f"{dtype} {shape}", file=sys.stderr, flush=True)
            repeats = max(3, options.repeats // 2) if shape[0] >= 1_000_000 else options.repeats
            found = kept.setdefault(dtype, {})[shape] = measure(shape, dtype, peers, repeats)
            print(table({shape: found}, peers).splitlines()[-1], file=sys.stderr, flush=True)
            if not options.print:
                save(here, kept)
    return page(here, kept, peers)


def page(here, kept, peers):
    """The tables of all that is kept, in the order of SHAPES."""
    parts = []
    for dtype in ("float64", "float32"):
        results = {shape: kept[dtype][shape] for shape in SHAPES if shape in kept.get(dtype, {})}
        if not results:
            continue
        parts.append(f"### {dtype}\n\n{table(results, peers)}\n\n{about_the_loop(results)}")
        if dtype == "float64":
            parts.append(
                "Memory at the peak beyond the imported library and the data, MiB (data: features and "
                f"labels):\n\n{memory_table(results, peers)}\n\n"
            )
    return "".join(parts) + f"Measured on: {here}.\n"


def load(here: str) -> dict:
    """What was measured before on this machine with these versions."""
    if not STORE.exists():
        return {}
    stored = json.loads(STORE.read_text(encoding="utf-8"))
    if stored["machine"] != here:
        return {}
    kept = {}
    for dtype, shape, seconds, extra in stored["results"]:
        kept.setdefault(dtype, {})[tuple(shape)] = seconds, extra
    return kept


def save(here: str, kept: dict) -> None:
    """Keep all times, with four digits."""
    lines = []
    for dtype, results in kept.items():
        for shape, (seconds, extra) in results.items():
            times = {peer: [float(f"{t:.4g}") for t in found] for peer, found in seconds.items()}
            memory = {peer: value and round(value, 1) for peer, value in extra.items()}
            lines.append(json.dumps([dtype, shape, times, memory]))
    text = f'{{"machine": {json.dumps(here)}, "results": [\n' + ",\n".join(lines) + "\n]}\n"
    partial = STORE.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(STORE)


if __name__ == "__main__":
    main()
