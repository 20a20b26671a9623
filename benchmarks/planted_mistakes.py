"""How many planted mistakes the checker names, and points at in the code: every single one and every pair.

    python benchmarks/planted_mistakes.py [EXERCISE ...] [--pairs 200] [--seconds 1]

Right answers in six styles (vector, loop, einsum, helper functions, class, notebook) are the ground; a
mistake is a piece of text in them replaced by another, with the codes that are fair names for it.  A plant
that leaves the answer right, or that does not run, is left out.  For each exercise it is counted how many
wrong answers are

    both       named fairly, and marked on the line where the mistake was planted
    named      named fairly, without a place (or with another place that is as good)
    placed     not recognised, but marked on the planted line
    neither    not recognised, without a place
    wrong      named otherwise

A pair counts as named where each of its two mistakes is, or where their product is one factor.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np

from npreg.exercises import check
from npreg.exercises.report import AnswerReport, UnusableFile

RESULTS = ("both", "named", "placed", "neither", "wrong")


@dataclass(frozen=True)
class Plant:
    """Text that is replaced, and the fair names for what comes of it (patterns of codes)."""

    old: str
    new: str
    fair: tuple[str, ...]


# Files with right answers, as vectors and as loops; the other styles are made of the vectors.
RIGHT = {
    ("minibatch-mean", "vector"): """
def grad_w(X, y, w, b):
    r = X @ w + b - y
    return X.T @ r / len(y)
def grad_b(X, y, w, b):
    r = X @ w + b - y
    return r.sum() / len(y)
""",
    ("minibatch-mean", "loop"): """
def grad_w(X, y, w, b):
    g = np.zeros(len(w))
    for i in range(len(y)):
        r = X[i] @ w + b - y[i]
        g += r * X[i]
    return g / len(y)
def grad_b(X, y, w, b):
    g = 0.0
    for i in range(len(y)):
        r = X[i] @ w + b - y[i]
        g += r
    return g / len(y)
""",
    ("ridge", "vector"): """
def grad_w(X, y, w, b, lam):
    r = X @ w + b - y
    return X.T @ r / len(y) + lam * w
def grad_b(X, y, w, b, lam):
    r = X @ w + b - y
    return r.sum() / len(y)
""",
    ("ridge", "loop"): """
def grad_w(X, y, w, b, lam):
    g = np.zeros(len(w))
    for i in range(len(y)):
        r = X[i] @ w + b - y[i]
        g += r * X[i]
    return g / len(y) + lam * w
def grad_b(X, y, w, b, lam):
    g = 0.0
    for i in range(len(y)):
        r = X[i] @ w + b - y[i]
        g += r
    return g / len(y)
""",
    ("logistic", "vector"): """
def grad_w(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    r = p - y
    return X.T @ r / len(y)
def grad_b(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    r = p - y
    return r.sum() / len(y)
""",
    ("softmax", "vector"): """
def grad_W(X, Y, W, b):
    E = np.exp(X @ W + b)
    P = E / E.sum(axis=1, keepdims=True)
    R = P - Y
    return X.T @ R / len(Y)
def grad_b(X, Y, W, b):
    E = np.exp(X @ W + b)
    P = E / E.sum(axis=1, keepdims=True)
    R = P - Y
    return R.sum(axis=0) / len(Y)
""",
    ("hidden-layer", "vector"): """
def grad_W1(X, y, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    r = H @ w2 + b2 - y
    return X.T @ (np.outer(r, w2) * (1 - H**2)) / len(y)
def grad_b1(X, y, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    r = H @ w2 + b2 - y
    return (np.outer(r, w2) * (1 - H**2)).sum(axis=0) / len(y)
def grad_w2(X, y, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    r = H @ w2 + b2 - y
    return H.T @ r / len(y)
def grad_b2(X, y, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    r = H @ w2 + b2 - y
    return r.sum() / len(y)
""",
}
SCALE = ("factor:*", "term-factor:*")
PLANTS = (
    Plant(" / len(y)", "", SCALE),
    Plant(" / len(Y)", "", SCALE),
    Plant(" / X.shape[0]", "", SCALE),
    Plant(" / self.n", "", SCALE),
    Plant("X.shape[0]", "X.shape[1]", SCALE),
    Plant(" / len(y)", " / len(w)", SCALE),
    Plant(" / len(y)", " * 2 / len(y)", SCALE),
    Plant(" / len(y)", " / (2 * len(y))", SCALE),
    Plant("+ b - y", "- y", ("ignores:b",)),
    Plant("+ b - y", "- b - y", ("term-sign:b",)),
    Plant("+ b - y", "+ b + y", ("term-sign:y",)),
    Plant("X @ w + b - y", "y - X @ w - b", ("sign", "term-sign:data")),
    Plant("y_hat - y", "y - y_hat", ("sign",)),
    Plant("p - y", "y - p", ("sign",)),
    Plant("P - Y", "Y - P", ("sign",)),
    Plant("lam * w", "2 * lam * w", SCALE),
    Plant("+ lam * w", "- lam * w", ("term-sign:penalty",)),
    Plant(" + lam * w", "", ("missing-term:penalty",)),
    Plant("lam * w", "lam * np.sign(w)", ("*",)),
    Plant("g += r", "g = r", ("last-only", "factor:*", "term-*", "*")),
    Plant("range(len(y))", "range(1, len(y))", ("off-by-one", "*")),
    Plant("range(len(y))", "range(len(y) - 1)", ("off-by-one", "*")),
    Plant("1 - H**2", "1 - H", ("chain-at:*", "chain-*")),
    Plant(" * (1 - H**2)", "", ("chain-missing:*",)),
    Plant("np.tanh(X @ W1 + b1)", "X @ W1 + b1", ("chain-*", "*")),
    Plant("axis=1, keepdims=True", "axis=0, keepdims=True", ("axis",)),
    Plant(".sum(axis=0)", ".sum(axis=1)", ("axis", "not-summed")),
    Plant("np.exp(-(", "np.exp((", ("*",)),
    Plant("np.exp(-z)", "np.exp(z)", ("*",)),
    Plant(" @ r", " @ r**2", ("loss-for-derivative", "chain-*")),
    Plant('"nd,n->d"', '"nd,n->n"', ("axis",)),
    Plant("r.sum()", "r", ("not-summed",)),
)


def styles(source: str) -> dict[str, str]:
    """The same answers in other words: sums as einsum, residuals by a helper, in a class, in a notebook."""
    einsum = re.sub(r"\bX @ (w|W1?)\b", r'np.einsum("nd,d...->n...", X, \1)', source)
    einsum = re.sub(r"\bX\.T @ ([rR])\b", r'np.einsum("nd,n...->d...", X, \1)', einsum)
    helper = source
    for name in ("r", "R"):
        found = re.search(rf"^def \w+\((.*)\):\n((?:    .*\n)*?)    {name} = (.*)\n", source, re.MULTILINE)
        if found:
            arguments, before, value = found.groups()
            helper = helper.replace(f"    {name} = {value}\n", f"    {name} = residual({arguments})\n")
            helper = f"\ndef residual({arguments}):\n{before}    return {value}{helper}"
    names = re.findall(r"^def (\w+)", source, re.MULTILINE)
    methods = source.replace("\ndef ", "\n@staticmethod\ndef ")
    in_class = "\nclass Answers:" + textwrap.indent(methods, "    ")
    in_class += "".join(f"{name} = Answers.{name}\n" for name in names)
    notebook = "\nprint('exercise')\nscale = 1.0" + re.sub(
        r"(^def .*\n)", r"\1    # my answer\n    print('called')\n", source, flags=re.MULTILINE
    )
    return {"einsum": einsum, "helper": helper, "class": in_class, "notebook": notebook}


def planted(source: str, plant: Plant) -> Iterator[tuple[str, int]]:
    """The file with the mistake in each place where it can be, and the line of it."""
    at = source.find(plant.old)
    while at >= 0:
        changed = source[:at] + plant.new + source[at + len(plant.old) :]
        if changed != source:
            yield changed, source.count("\n", 0, at) + 1
        at = source.find(plant.old, at + 1)


def files(source: str, pairs: int) -> Iterator[tuple[str, list[int], list[Plant]]]:
    """The file with one mistake, then with two."""
    rng = np.random.default_rng(0)
    for plant in PLANTS:
        for changed, line in planted(source, plant):
            yield changed, [line], [plant]
    doubles = [
        (twice, [first, second], [one, other])
        for one, other in itertools.permutations(PLANTS, 2)
        for changed, first in itertools.islice(planted(source, one), 1)
        for twice, second in itertools.islice(planted(changed, other), 1)
    ]
    for i in rng.permutation(len(doubles))[:pairs]:
        yield doubles[i]


def result(answer: AnswerReport, lines: list[int], plants: list[Plant]) -> str:
    """What became of one wrong answer."""
    codes = [mistake.code for mistake in answer.mistakes]
    fair = [any(fnmatch(code, pattern) for plant in plants for pattern in plant.fair) for code in codes]
    marked = {m.place.line for m in answer.mistakes if m.place is not None}
    placed = bool(marked & set(lines))
    if codes == ["not-recognised"]:
        return "placed" if placed else "neither"
    if not all(fair):
        return "wrong"
    return "both" if placed else "named"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exercises", nargs="*", metavar="EXERCISE")
    parser.add_argument("--pairs", type=int, default=40, help="files with two mistakes (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="for a place (%(default)s)")
    parser.add_argument("--show", action="store_true", help="print what is not both named and placed")
    options = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    times = []
    ground = dict(RIGHT)
    for (exercise, style), source in RIGHT.items():
        if style == "vector":
            ground |= {(exercise, other): text for other, text in styles(source).items() if text != source}
    for (exercise, style), source in ground.items():
        if options.exercises and exercise not in options.exercises:
            continue
        source = "import numpy as np" + source
        if not check(source, exercise, seed=0).passed:
            raise SystemExit(f"the right answers of {exercise} in the style {style} are wrong:\n{source}")
        for changed, lines, plants in files(source, options.pairs):
            start = time.perf_counter()
            try:
                report = check(changed, exercise, seed=0, seconds=options.seconds)
            except UnusableFile:  # two plants that make no Python together
                continue
            times.append(time.perf_counter() - start)
            for answer in report.answers:
                if answer.passed or any(m.code in ("raises", "shape") for m in answer.mistakes):
                    continue
                found = result(answer, lines, plants)
                counts.setdefault(f"{exercise}, {len(plants)}", Counter())[found] += 1
                if options.show and found in ("wrong", "neither"):
                    planned = "; ".join(f"{plant.old} -> {plant.new}" for plant in plants)
                    said = [mistake.code for mistake in answer.mistakes]
                    print(f"{found}: {exercise} {style} {answer.name}: {planned}: {said}")
    print(f"| exercise, mistakes | {' | '.join(RESULTS)} | named or placed |")
    print("|---|" + "---:|" * (len(RESULTS) + 1))
    for name, count in counts.items():
        told = 1 - (count["neither"] + count["wrong"]) / count.total()
        print(f"| {name} | {' | '.join(str(count[r]) for r in RESULTS)} | {told:.1%} |")
    print(f"\nmedian {statistics.median(times):.2f} s a file, longest {max(times):.2f} s")


if __name__ == "__main__":
    main()
