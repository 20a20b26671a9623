"""The class report's pictures: inline SVG drawn by matplotlib, which is imported only when one is drawn."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIGHT, WRONG, MUTED = "#2e7d4f", "#b3422f", "#5b6570"
BINS = 10


def draw_answers(names: Sequence[str], right: Sequence[int], total: int, ax: Axes | None = None) -> Axes:
    """Draw how many of ``total`` submissions got each answer, one bar per answer; return the Axes.

    Parameters: ``names`` and ``right`` (counts) of equal length; ``ax`` is drawn on if given.
    """
    ax = _axes(ax, height=0.7 + 0.45 * len(names))
    rows = range(len(names))
    ax.barh(rows, [total] * len(names), color="#e4e7ea", height=0.6)
    ax.barh(rows, right, color=RIGHT, height=0.6)
    for row, count in zip(rows, right, strict=True):
        inside = total and count / total > 0.25
        ax.annotate(
            f"{count}",
            (count, row),
            xytext=(-6 if inside else 6, 0),
            textcoords="offset points",
            ha="right" if inside else "left",
            va="center",
            color="white" if inside else "black",
        )
    ax.set_yticks(rows, list(names))
    ax.set_xlim(0, max(total, 1))
    ax.invert_yaxis()
    ax.locator_params(axis="x", integer=True, nbins=6)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(left=False)
    return ax


def draw_scores(scores: Sequence[float], ax: Axes | None = None, xlabel: str = "", ylabel: str = "") -> Axes:
    """Draw the distribution of scores in 0..1 in ten classes; return the Axes."""
    ax = _axes(ax, height=2.2)
    counts = score_counts(scores)
    middles = [(number + 0.5) / BINS for number in range(BINS)]
    bars = ax.bar(middles, counts, width=0.09, color=MUTED)
    ax.bar_label(bars, [str(count) if count else "" for count in counts], padding=2)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, max([1, *counts]) * 1.15)
    ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
    ax.set_yticks([])
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def score_counts(scores: Sequence[float]) -> list[int]:
    """Return how many scores lie in each tenth; 1 belongs to the last.

    >>> score_counts([0.0, 0.5, 1.0])
    [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    """
    counts = [0] * BINS
    for score in scores:
        counts[min(int(score * BINS + 1e-9), BINS - 1)] += 1
    return counts


def _axes(ax: Axes | None, height: float) -> Axes:
    if ax is not None:
        return ax
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure.subplots()


def to_svg(ax: Axes, label: str, name: str) -> str:
    """Return the picture as an ``<svg>`` element; ``label`` is read aloud, ``name`` keeps ids apart."""
    import matplotlib

    figure: Any = ax.figure
    figure.patch.set_alpha(0)
    ax.patch.set_alpha(0)
    buffer = io.StringIO()
    looks: Any = {"svg.hashsalt": f"npreg-{name}", "svg.fonttype": "none"}
    with matplotlib.rc_context(looks), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the browser draws the text, with its own fonts
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()
