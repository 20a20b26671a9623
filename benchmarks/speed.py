"""Minibatch SGD on the squared loss: npreg next to its peers, in one run, as ratios.

    python benchmarks/speed.py                  the whole table (about ten minutes) into benchmarks/README.md
    python benchmarks/speed.py --print --only 0,3 --repeats 3      some shapes, to the screen

What is compared is the call that a user of each library would write, with its own shuffling, for three
epochs (one for peers that need seconds):

    notebook     the PyTorch loop of the notebook: data_iter, linreg, squared_loss, backward, sgd
    torch.nn     torch.nn.Linear, MSELoss and optim.SGD on shuffled index batches
    numpy        the same loop in hand-written NumPy, without any check
    sklearn      SGDRegressor(penalty=None, learning_rate="constant"): steps once per row, not per minibatch
    jax          lax.scan over the minibatches of an epoch, compiled (compilation not counted)
    numba        a compiled loop over rows and features: the same run, the practical limit of compiled code
    auto, loop, tight, moments     npreg.train(engine=...), with validation, shuffling, the epoch's loss

Every peer is a process of its own, and the processes take turns: A B C A B C …, so that a machine whose
speed drifts drifts for all.  A cell is the median over the turns of (peer's time / npreg's time in the
same turn).  One BLAS thread; npreg, as always, draws the next shuffle on a second thread from 50 000
rows on, and the peers may do what they do.  A peer that is not installed leaves its column empty.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

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
THREADS = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
HERE = Path(__file__).resolve().parent


# --- the peers: each returns a function that makes one run of so many epochs ---


def make_data(n, d, dtype):
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = (X @ np.linspace(-1, 1, d).astype(dtype) + 4.2 + 0.01 * rng.standard_normal(n)).astype(dtype)
    return X, y


def learning_rate(d):
    return 0.03 if d <= 20 else 0.3 / d


def notebook(X, y, batch_size, lr):
    import random

    import torch

    torch.set_num_threads(1)
    features, labels = torch.from_numpy(X), torch.from_numpy(y)

    def data_iter():
        indices = list(range(len(features)))
        random.shuffle(indices)
        for i in range(0, len(indices), batch_size):
            j = torch.tensor(indices[i : i + batch_size])
            yield features[j], labels[j]

    def linreg(X, w, b):
        return torch.matmul(X, w) + b

    def squared_loss(y_hat, y):
        return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2

    def sgd(params):
        with torch.no_grad():
            for param in params:
                param -= lr * param.grad / batch_size
                param.grad.zero_()

    def run(epochs):
        w = torch.normal(0, 0.01, (X.shape[1], 1), dtype=features.dtype, requires_grad=True)
        b = torch.zeros(1, dtype=features.dtype, requires_grad=True)
        for _ in range(epochs):
            for X_t, y_t in data_iter():
                squared_loss(linreg(X_t, w, b), y_t).sum().backward()
                sgd([w, b])
            with torch.no_grad():
                float(squared_loss(linreg(features, w, b), labels).mean())

    return run


def torch_nn(X, y, batch_size, lr):
    import torch

    torch.set_num_threads(1)
    features, labels = torch.from_numpy(X), torch.from_numpy(y)[:, None]

    def run(epochs):
        net = torch.nn.Linear(X.shape[1], 1, dtype=features.dtype)
        loss = torch.nn.MSELoss()
        optimizer = torch.optim.SGD(net.parameters(), lr=lr / 2)
        for _ in range(epochs):
            for rows in torch.randperm(len(features)).split(batch_size):
                optimizer.zero_grad()
                loss(net(features[rows]), labels[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                float(loss(net(features), labels))

    return run


def numpy_loop(X, y, batch_size, lr):
    import numpy as np

    def run(epochs):
        rng = np.random.default_rng(0)
        w, b = 0.01 * rng.standard_normal(X.shape[1]).astype(X.dtype), X.dtype.type(0)
        for _ in range(epochs):
            order = rng.permutation(len(X))
            for start in range(0, len(X), batch_size):
                rows = order[start : start + batch_size]
                X_t = X[rows]
                r = X_t @ w + b - y[rows]
                w -= lr / batch_size * (X_t.T @ r)
                b -= lr / batch_size * r.sum()
            float(((X @ w + b - y) ** 2).mean() / 2)

    return run


def sklearn(X, y, batch_size, lr):
    from sklearn.linear_model import SGDRegressor

    def run(epochs):
        SGDRegressor(
            penalty=None,
            learning_rate="constant",
            eta0=lr / batch_size,
            max_iter=epochs,
            tol=None,
            random_state=0,
        ).fit(X, y)

    return run


def jax_scan(X, y, batch_size, lr):
    import jax
    import jax.numpy as jnp
    import numpy as np

    jax.config.update("jax_enable_x64", X.dtype == np.float64)
    jax.config.update("jax_platforms", "cpu")
    features, labels = jnp.asarray(X), jnp.asarray(y)
    whole = len(X) // batch_size * batch_size

    @jax.jit
    def epoch(params, order):
        def step(params, rows):
            w, b = params
            X_t = features[rows]
            r = X_t @ w + b - labels[rows]
            return (w - lr / batch_size * (X_t.T @ r), b - lr / batch_size * r.sum()), None

        params, _ = jax.lax.scan(step, params, order[:whole].reshape(-1, batch_size))
        if whole < len(X):
            params, _ = step(params, order[whole:])
        w, b = params
        return params, ((features @ w + b - labels) ** 2).mean() / 2

    def run(epochs):
        key = jax.random.PRNGKey(0)
        params = jnp.zeros(X.shape[1], features.dtype), jnp.zeros((), features.dtype)
        for _ in range(epochs):
            key, use = jax.random.split(key)
            params, loss = epoch(params, jax.random.permutation(use, len(X)))
            float(loss)

    return run


def numba_loop(X, y, batch_size, lr):
    import numba
    import numpy as np

    @numba.njit
    def epoch(X, y, w, b, order, batch_size, lr):
        n, d = X.shape
        gradient = np.empty_like(w)
        for start in range(0, n, batch_size):
            gradient[:] = 0
            total = b * 0
            for i in order[start : start + batch_size]:
                r = b - y[i]
                for j in range(d):
                    r += X[i, j] * w[j]
                for j in range(d):
                    gradient[j] += r * X[i, j]
                total += r
            for j in range(d):
                w[j] -= lr * gradient[j] / batch_size
            b -= lr * total / batch_size
        return b

    @numba.njit
    def mean_loss(X, y, w, b):
        total = 0.0
        for i in range(len(X)):
            r = b - y[i]
            for j in range(X.shape[1]):
                r += X[i, j] * w[j]
            total += r * r
        return total / (2 * len(X))

    def run(epochs):
        rng = np.random.default_rng(0)
        w, b = 0.01 * rng.standard_normal(X.shape[1]).astype(X.dtype), X.dtype.type(0)
        for _ in range(epochs):
            b = X.dtype.type(epoch(X, y, w, b, rng.permutation(len(X)), batch_size, X.dtype.type(lr)))
            mean_loss(X, y, w, b)

    return run


def npreg_engine(engine):
    def prepare(X, y, batch_size, lr):
        import npreg

        if engine == "moments" and X.shape[1] > 32:
            raise ImportError("moments of so many features cost more than they save")

        def run(epochs):
            npreg.train(X, y, batch_size=batch_size, lr=lr, num_epochs=epochs, rng=0, engine=engine)

        return run

    return prepare


MAKERS = {
    "notebook": notebook,
    "torch.nn": torch_nn,
    "numpy": numpy_loop,
    "sklearn": sklearn,
    "jax": jax_scan,
    "numba": numba_loop,
    **{engine: npreg_engine(engine) for engine in ("loop", "tight", "moments", "auto")},
}


# --- one process a peer ---


def worker(peer, n, d, batch_size, dtype):
    """Prepare, say so, then make one timed run for every line on standard input."""
    import resource

    epochs = 1 if peer in SLOW and n >= 100_000 else EPOCHS
    try:
        X, y = make_data(n, d, dtype)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run = MAKERS[peer](X, y, batch_size, learning_rate(d))
        run(1)  # warm up: imports, compilation
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
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(json.dumps({"seconds": seconds, "extra_mib": peak / 1024}), flush=True)


def measure(shape, dtype, peers, repeats):
    """Seconds an epoch and extra peak memory of every peer, turn by turn."""
    environment = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in THREADS}}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), environment.get("PYTHONPATH", "")])
    processes, seconds, extra = {}, {}, {}
    for peer in peers:
        command = [sys.executable, __file__, "--worker", peer, *map(str, shape), dtype]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        answer = json.loads(process.stdout.readline() or '{"missing": "it failed"}')
        if "missing" in answer:
            print(f"  {peer}: left out ({answer['missing']})", file=sys.stderr)
            process.communicate()
            continue
        processes[peer], seconds[peer] = process, []
    for _ in range(repeats):
        for peer, process in processes.items():
            process.stdin.write("run\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            seconds[peer].append(answer["seconds"])
            extra[peer] = answer["extra_mib"]
    for process in processes.values():
        process.communicate()
    return seconds, extra


# --- tables ---


def ratio(seconds, peer, base="auto"):
    if peer not in seconds:
        return ""
    value = statistics.median(a / b for a, b in zip(seconds[peer], seconds[base], strict=True))
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 3 else f"{value:.2f}"


def table(results, peers):
    shown = [peer for peer in peers if peer != "auto"]
    lines = [
        f"| rows, features, batch | {' | '.join(shown)} | npreg, ms an epoch |",
        "|---|" + "---|" * (len(shown) + 1),
    ]
    for (n, d, b), (seconds, _) in results.items():
        cells = [ratio(seconds, peer) for peer in shown]
        milliseconds = 1e3 * statistics.median(seconds["auto"])
        lines.append(f"| {n:,}, {d}, {b} | {' | '.join(cells)} | {milliseconds:.3g} |")
    return "\n".join(lines)


def memory_table(results, peers):
    lines = [f"| rows, features, batch | data | {' | '.join(peers)} |", "|---|" + "---|" * (len(peers) + 1)]
    for (n, d, b), (_, extra) in results.items():
        data = n * (d + 1) * 8 / 2**20
        cells = [f"{extra[peer]:.0f}" if peer in extra else "" for peer in peers]
        lines.append(f"| {n:,}, {d}, {b} | {data:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine():
    import numpy as np

    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    for name in ("torch", "scikit-learn", "jax", "numba"):
        from importlib.metadata import PackageNotFoundError, version

        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{model}, {os.cpu_count()} cores, {platform.system()}; {', '.join(versions)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", nargs=5, metavar=("PEER", "N", "D", "B", "DTYPE"), help=argparse.SUPPRESS)
    parser.add_argument("--only", help="shapes by number, such as 0,3")
    parser.add_argument("--peers", help="peers by name, such as sklearn,numba")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--dtypes", default="float64,float32")
    parser.add_argument("--print", action="store_true", help="print the tables, and leave README.md alone")
    options = parser.parse_args()
    if options.worker:
        peer, n, d, b, dtype = options.worker
        worker(peer, int(n), int(d), int(b), dtype)
        return
    shapes = [SHAPES[int(i)] for i in options.only.split(",")] if options.only else SHAPES
    peers = [*options.peers.split(","), "auto"] if options.peers else PEERS
    parts = []
    for dtype in options.dtypes.split(","):
        results = {}
        for shape in shapes:
            print(f"{dtype} {shape}", file=sys.stderr, flush=True)
            repeats = max(3, options.repeats // 2) if shape[0] >= 1_000_000 else options.repeats
            results[shape] = measure(shape, dtype, peers, repeats)
            print(table({shape: results[shape]}, peers).splitlines()[-1], file=sys.stderr, flush=True)
        parts.append(f"### {dtype}\n\n{table(results, peers)}\n")
        if dtype == "float64":
            memory = memory_table(results, peers)
            parts.append(
                f"Memory beyond the data at the peak, MiB (data: features and labels):\n\n{memory}\n"
            )
    text = f"Measured on: {machine()}.\n\n" + "\n".join(parts)
    if options.print:
        print(text)
        return
    target = HERE / "README.md"
    old = target.read_text(encoding="utf-8")
    begin, end = "<!-- speed: begin -->\n", "<!-- speed: end -->"
    head, rest = old.split(begin)
    target.write_text(head + begin + text + end + rest.split(end)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
