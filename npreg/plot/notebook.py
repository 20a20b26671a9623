"""The notebook's pictures: SVG, a figure's size, one feature against the label."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays import as_count, as_data, as_float_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_DOTS = 500  # from which an SVG file holds them as one picture: it would grow by 100 bytes a dot


def use_svg_display() -> None:
    """Show pictures as SVG in a notebook; outside of IPython nothing happens.

    >>> use_svg_display()
    """
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("svg")  # type: ignore[no-untyped-call]


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the size of the figures to come, two positive numbers of inches, and show them as SVG.

    >>> import matplotlib
    >>> with matplotlib.rc_context():  # only to leave the settings as they are
    ...     set_figsize((4, 3))
    ...     matplotlib.rcParams["figure.figsize"]
    [4.0, 3.0]
    """
    size = as_float_array(figsize, "figsize")
    if size.shape != (2,) or not (np.isfinite(size).all() and (size > 0).all()):
        raise ValueError(f"figsize must be (width, height) in inches, both positive, not {figsize!r}")
    use_svg_display()
    import matplotlib

    matplotlib.rcParams["figure.figsize"] = size.tolist()


def scatter(
    features: ArrayLike, labels: ArrayLike, column: int = 1, *, output: int = 0, ax: Axes | None = None
) -> Axes:
    """One feature against the label, a dot a row.

    `column` is that of `features` (n, d), counted from 0 (so 1 is the second, as in the notebook), `output` that of
    `labels` (n, k).

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()  # leave out `ax` to draw in a new figure of pyplot
    >>> scatter([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0], ax=ax).get_xlabel()
    'feature 1'
    """
    X, y, _ = as_data(features, labels)
    column, output = column_of(column, X.shape, "column", "features"), column_of(output, y.shape, "output", "labels")
    ax = axes_or_new(ax)
    ax.scatter(X[:, column], y[:, output], s=1, rasterized=len(X) > MANY_DOTS)
    ax.set_xlabel(f"feature {column}")
    ax.set_ylabel("label" if y.shape[1] == 1 else f"label {output}")
    return ax


def axes_or_new(ax: Axes | None) -> Axes:
    """The Axes given, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def column_of(value: Any, shape: tuple[int, ...], name: str, owner: str) -> int:
    """The number of a column that is there."""
    index = as_count(value, name, 0)
    if index >= shape[1]:
        raise ValueError(
            f"there is no {name} {index} in {owner} of shape {shape}; "
            + (f"columns are counted from 0 to {shape[1] - 1}" if shape[1] > 1 else f"take {name}=0")
        )
    return index
