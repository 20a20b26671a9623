"""What gradient checkers accept: the same right and wrong gradients near and far from the optimum.

    python benchmarks/compare_checkers.py            prints the page
    python benchmarks/compare_checkers.py --write    writes docs/checkers.md

Other checkers are optional; the column of one that is not installed stays empty. Each is called with its own
defaults, in float64, on the mean squared error as a function of w. See the page for the rules.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import npreg

PAGE = Path(__file__).resolve().parent.parent / "docs" / "checkers.md"
DISTANCES = (0.5, 1e-3, 1e-6, 1e-9, 0.0)
SEEDS = 4
Problem = dict[str, Any]


def problem(kind: str, distance: float, seed: int) -> Problem:
    """Data and parameters at a relative distance from the optimum: of an exact fit, or of least squares."""
    rng = np.random.default_rng(seed)
    n, d = 11, 3
    X, b = rng.normal(size=(n, d)) + 0.7, 0.6
    w = rng.normal(size=d) + 1.0
    y = X @ w + b
    if kind == "noisy":
        y = y + rng.normal(size=n)
        w = np.linalg.lstsq(X, y - b, rcond=None)[0]
    return {"X": X, "y": y, "w": w * (1 + distance * rng.choice([-1.0, 1.0], d)), "b": b}


def loss(X: Any, y: Any, w: Any, b: Any) -> Any:
    return np.mean((X @ w + b - y) ** 2)


def right(X: Any, y: Any, w: Any, b: Any) -> Any:
    return 2 / len(y) * X.T @ (X @ w + b - y)


def one_wrong(X: Any, y: Any, w: Any, b: Any) -> Any:
    return right(X, y, w, b) * np.array([1.0, 1.001, 1.0])


GRADIENTS: dict[str, Callable[..., Any]] = {
    "right": right,
    "right, summed in a loop": lambda X, y, w, b: sum(2 * X[i] * (X[i] @ w + b - y[i]) / len(y) for i in range(len(y))),
    "right, multiplied out": lambda X, y, w, b: 2 / len(y) * (X.T @ X @ w + b * X.sum(axis=0) - X.T @ y),
    "1/n missing": lambda X, y, w, b: len(y) * right(X, y, w, b),
    "factor 2 missing": lambda X, y, w, b: right(X, y, w, b) / 2,
    "1/n twice": lambda X, y, w, b: right(X, y, w, b) / len(y),
    "d for n": lambda X, y, w, b: right(X, y, w, b) * len(y) / len(w),
    "sign": lambda X, y, w, b: -right(X, y, w, b),
    "learning rate folded in": lambda X, y, w, b: 0.1 * right(X, y, w, b),
    "factor 1 + 1e-3": lambda X, y, w, b: 1.001 * right(X, y, w, b),
    "one entry off by 1e-3": one_wrong,
    "zero": lambda X, y, w, b: np.zeros_like(w),
    "reversed": lambda X, y, w, b: right(X, y, w, b)[::-1].copy(),
    "X forgotten": lambda X, y, w, b: np.full(len(w), 2 * np.mean(X @ w + b - y)),
    "product of means": lambda X, y, w, b: 2 * X.mean(axis=0) * np.mean(X @ w + b - y),
    "last example only": lambda X, y, w, b: 2 / len(y) * X[-1] * (X[-1] @ w + b - y[-1]),
    "first example left out": lambda X, y, w, b: 2 / len(y) * X[1:].T @ (X[1:] @ w + b - y[1:]),
    "square kept": lambda X, y, w, b: 2 / len(y) * X.T @ (X @ w + b - y) ** 2,
    "absolute residual": lambda X, y, w, b: 2 / len(y) * X.T @ np.abs(X @ w + b - y),
    "bias forgotten": lambda X, y, w, b: 2 / len(y) * X.T @ (X @ w - y),
    "penalty 1e-6·w added": lambda X, y, w, b: right(X, y, w, b) + 1e-6 * w,
    "1e-9 added": lambda X, y, w, b: right(X, y, w, b) + 1e-9,
}
RIGHT = [name for name in GRADIENTS if name.startswith("right")]
WRONG = [name for name in GRADIENTS if name not in RIGHT]


def centred(z: Any) -> Any:
    return z - z.mean(axis=0)


def batch_norm(z: Any) -> Any:
    return centred(z) / np.sqrt(np.mean(centred(z) ** 2, axis=0) + 1e-5)


def batch_norm_back(z: Any, upstream: Any) -> Any:
    h = batch_norm(z)
    inner = centred(upstream) - h * np.mean(upstream * h, axis=0)
    return inner / np.sqrt(np.mean(centred(z) ** 2, axis=0) + 1e-5)


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_back(p: Any, upstream: Any) -> Any:
    return p * (upstream - np.sum(upstream * p, axis=-1, keepdims=True))


# losses whose derivative in w is zero whatever the numbers are, and what a backward pass gives for it
ZEROS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "a bias in front of batch norm": (
        lambda X, y, w, b: np.sum(y[:, None] * batch_norm(X + w)),
        lambda X, y, w, b: batch_norm_back(X + w, y[:, None] + 0 * X).sum(axis=0),
    ),
    "a bias in front of centring": (
        lambda X, y, w, b: np.sum(centred(X + w) ** 2),
        lambda X, y, w, b: 2 * centred(X + w).sum(axis=0),
    ),
    "the sum of a softmax": (
        lambda X, y, w, b: np.sum(softmax(w)),
        lambda X, y, w, b: softmax_back(softmax(w), np.ones_like(w)),
    ),
    "the bias of attention's keys": (
        lambda X, y, w, b: np.sum(y[:, None] * (softmax(X @ (X + w).T) @ X)),
        lambda X, y, w, b: (softmax_back(softmax(X @ (X + w).T), (y[:, None] + 0 * X) @ X.T).T @ X).sum(axis=0),
    ),
}


def bound(p: Problem, gradient: Callable[..., Any]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Loss and gradient as functions of w alone."""
    rest = {name: value for name, value in p.items() if name not in ("w", "loss")}
    return lambda w: p.get("loss", loss)(w=w, **rest), lambda w: gradient(w=w, **rest)


def by_npreg(p: Problem, gradient: Callable[..., Any]) -> bool:
    inputs = {name: value for name, value in p.items() if name != "loss"}
    return npreg.check_gradient(p.get("loss", loss), gradient, inputs, wrt="w").passed


def by_scipy(p: Problem, gradient: Callable[..., Any]) -> bool:
    from scipy.optimize import check_grad

    value, slope = bound(p, gradient)
    return bool(check_grad(value, slope, p["w"]) < 1e-6)


def by_jax(p: Problem, gradient: Callable[..., Any]) -> bool:
    import jax

    jax.config.update("jax_enable_x64", True)
    from jax.test_util import check_grads

    plain, slope = bound(p, gradient)
    number, shape = (jax.ShapeDtypeStruct(s, np.float64) for s in ((), p["w"].shape))

    @jax.custom_vjp
    def value(w: Any) -> Any:
        return jax.pure_callback(lambda w: np.asarray(plain(np.asarray(w))), number, w)

    def backward(w: Any, upstream: Any) -> Any:
        return (upstream * jax.pure_callback(lambda w: np.asarray(slope(np.asarray(w))), shape, w),)

    value.defvjp(lambda w: (value(w), w), backward)
    return not raises(lambda: check_grads(value, (p["w"],), order=1, modes=("rev",)))


def by_autograd(p: Problem, gradient: Callable[..., Any]) -> bool:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    value, slope = bound(p, gradient)
    wrapped = primitive(value)
    defvjp(wrapped, lambda answer, w: lambda upstream: upstream * slope(w))
    return not raises(lambda: check_grads(wrapped, modes=["rev"], order=1)(p["w"]))


def by_torch(p: Problem, gradient: Callable[..., Any]) -> bool:
    import torch

    value, slope = bound(p, gradient)

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, w: Any) -> Any:
            ctx.save_for_backward(w)
            return torch.tensor(value(w.detach().numpy()))

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            (w,) = ctx.saved_tensors
            return upstream * torch.from_numpy(np.asarray(slope(w.detach().numpy())))

    w = torch.tensor(p["w"], requires_grad=True)
    return bool(torch.autograd.gradcheck(Wrapped.apply, (w,), raise_exception=False))


def by_cs231n(p: Problem, gradient: Callable[..., Any]) -> bool:
    value, slope = bound(p, gradient)
    got, w, h = slope(p["w"]), p["w"], 1e-5
    steps = h * np.eye(len(w))
    numeric = np.array([(value(w + step) - value(w - step)) / (2 * h) for step in steps])
    size = np.maximum(np.abs(got), np.abs(numeric))
    return bool(np.all(np.abs(got - numeric) <= 1e-7 * size))


def raises(call: Callable[[], Any]) -> bool:
    """Whether a checker that speaks by exceptions objects."""
    try:
        call()
    except (AssertionError, ValueError, ZeroDivisionError):
        return True
    return False


# heading, package (None: written out here), checker
CHECKERS: list[tuple[str, str | None, Callable[[Problem, Callable[..., Any]], bool]]] = [
    ("npreg", None, by_npreg),
    ("SciPy", "scipy", by_scipy),
    ("JAX", "jax", by_jax),
    ("autograd", "autograd", by_autograd),
    ("torch", "torch", by_torch),
    ("CS231n", None, by_cs231n),
]


def version(package: str) -> str | None:
    """The installed version; None where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def judge(checker: Callable[..., bool], kind: str, distance: float) -> dict[str, int]:
    """How often each gradient is accepted, over the seeds."""
    accepted = dict.fromkeys(GRADIENTS, 0)
    for seed in range(SEEDS):
        p = problem(kind, distance, seed)
        for name, gradient in GRADIENTS.items():
            np.random.seed(seed)  # autograd draws its direction from the global generator  # noqa: NPY002
            with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
                warnings.simplefilter("ignore")
                accepted[name] += checker(p, gradient)
    return accepted


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def tables() -> tuple[str, str]:
    """The summary over all settings, and gradient by gradient the one at 1e-6 from an exact fit."""
    head = [heading for heading, _, _ in CHECKERS]
    installed = [package is None or version(package) is not None for _, package, _ in CHECKERS]
    summary = [row(["optimum", "distance", *head]), row(["---", "---:", *["---:"] * len(head)])]
    detail: dict[str, list[str]] = {name: [] for name in GRADIENTS}
    for kind in ("exact", "noisy"):
        for distance in DISTANCES:
            cells = []
            for (_, _, checker), here in zip(CHECKERS, installed, strict=True):
                accepted = judge(checker, kind, distance) if here else {}
                cells.append(counts(accepted) if here else "")
                if kind == "exact" and distance == 1e-6:
                    for name in GRADIENTS:
                        detail[name].append(verdict(accepted[name]) if here else "")
            summary.append(row([kind, f"{distance:g}", *cells]))
    lines = [row(["gradient", *head]), row(["---", *["---"] * len(head)])]
    lines += [row([name, *cells]) for name, cells in detail.items()]
    return "\n".join(summary), "\n".join(lines)


def zeros() -> str:
    """How often right gradients of zero are accepted, exact or rounded, and a wrong one."""
    rows = [row(["loss", "gradient", *[heading for heading, _, _ in CHECKERS]])]
    rows.append(row(["---", "---", *["---"] * len(CHECKERS)]))
    for name, (value, right_gradient) in ZEROS.items():
        tried: dict[str, Callable[..., Any]] = {
            "right, with rounding": right_gradient,
            "right, zeros": lambda X, y, w, b: np.zeros_like(w),
            "1e-7 added": lambda X, y, w, b, g=right_gradient: g(X, y, w, b) + 1e-7,
        }
        for what, gradient in tried.items():
            cells = []
            for _, package, checker in CHECKERS:
                here = package is None or version(package) is not None
                cells.append(verdict(accepts(checker, gradient, value)) if here else "")
            rows.append(row([name, what, *cells]))
    return "\n".join(rows)


def accepts(checker: Callable[..., bool], gradient: Callable[..., Any], value: Callable[..., Any]) -> int:
    """How often a gradient of this loss is accepted, over the seeds."""
    times = 0
    for seed in range(SEEDS):
        np.random.seed(seed)  # autograd draws its direction from the global generator  # noqa: NPY002
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            times += checker({**problem("noisy", 0.5, seed), "loss": value}, gradient)
    return times


def counts(accepted: dict[str, int]) -> str:
    wrong = sum(accepted[name] for name in WRONG)
    refused = sum(SEEDS - accepted[name] for name in RIGHT)
    return f"{wrong} / {refused}"


def verdict(times: int) -> str:
    return {0: "rejects", SEEDS: "accepts"}.get(times, f"accepts {times} of {SEEDS}")


RULES = {
    "npreg": "per entry, off by at most 1e3·eps·Σ\\|terms\\|",
    "SciPy": "`check_grad`, the norm of the difference to forward differences; accepted here below 1e-6",
    "JAX": "`check_grads`, reverse mode, order 1, default tolerances",
    "autograd": "HIPS's `check_grads`, reverse mode, order 1: 1e-6, absolute or relative, along a direction",
    "torch": "`gradcheck`: `allclose` with atol 1e-5, rtol 1e-3",
    "CS231n": "central differences with h = 1e-5, relative error of each entry at most 1e-7",
}

TEXT = """# What gradient checkers accept

The same gradients of a mean squared error, {num_right} right and {num_wrong} wrong ones, far from the optimum
and near it, given to npreg's `check_gradient` and to five other rules, each with its own defaults in float64:

{rules}

[CS231n's notes](https://cs231n.github.io/neural-networks-3/#gradcheck) call 1e-7 a relative error to be happy
with. The data are {seeds} random draws of 11 examples with 3 features. The optimum is an exact fit (all
residuals vanish) or that of noisy labels (residuals near 1, whose products with the features cancel); every
parameter is off by the distance, relatively, up or down.

## Wrong gradients accepted / right gradients rejected

Of {total_wrong} wrong and {total_right} right ones in each cell:

{summary}

At distance 0 the right gradient is zero up to rounding: every multiple of it is as right, and what is left to
reject are additions. At 1e-9, a factor 1.001 is a difference of 1e-12 of the terms, within an order of
magnitude of what rounding allows. There nobody can tell such gradients apart: check at generic points, too.

## At 1e-6 from an exact fit

{detail}

## Where the derivative is zero whatever the numbers are

A bias that a later step takes out again changes nothing. A backward pass then returns rounding errors, which
are as right as zeros are:

{zeros}

Written by `python benchmarks/compare_checkers.py --write`.
"""


def page() -> str:
    summary, detail = tables()
    rules = [row(["checker", "version", "rule"]), row(["---", "---", "---"])]
    for heading, package, _ in CHECKERS:
        number = (version(package) or "not installed") if package else "–"
        rules.append(row([heading, npreg.__version__ if heading == "npreg" else number, RULES[heading]]))
    return TEXT.format(
        rules="\n".join(rules),
        summary=summary,
        detail=detail,
        zeros=zeros(),
        seeds=SEEDS,
        num_right=len(RIGHT),
        num_wrong=len(WRONG),
        total_right=len(RIGHT) * SEEDS,
        total_wrong=len(WRONG) * SEEDS,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/checkers.md instead of printing it")
    text = page()
    if parser.parse_args().write:
        temporary = PAGE.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, PAGE)
    else:
        print(text)


if __name__ == "__main__":
    main()
