"""A picture: the error of a numerical derivative against its step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from npreg.differentiate.differences import Array, real
from npreg.differentiate.schemes import directional
from npreg.differentiate.steps import as_float_inputs, call, natural_scale, quiet, random_direction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_step_size"]

STEPS = 10.0 ** np.arange(0.0, -16.1, -0.25)


def plot_step_size(
    function: Callable[..., Any],
    inputs: Mapping[str, Any],
    name: str,
    *,
    ax: Axes | None = None,
    rng: Any = 0,
) -> Axes:
    """Plot the error of one-sided, central and complex steps against the step, along a random direction.

        one-sided   (f(x + hv) − f(x)) / h          error ~ h + eps/h     best near h = 1e-8
        central     (f(x + hv) − f(x − hv)) / 2h    error ~ h² + eps/h    best near h = 1e-5
        complex     Im f(x + ihv) / h               error ~ h²            where the function is analytic

    Parameters
    ----------
    function, inputs, name
        As for `npreg.differentiate.schemes.jacobian`; an array is summed.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    rng : seed or numpy.random.Generator
        For the direction.

    Returns
    -------
    matplotlib.axes.Axes

    >>> ax = plot_step_size(lambda x: np.exp(x), {"x": 1.0}, "x")
    >>> [line.get_label() for line in ax.get_lines()]
    ['one-sided', 'central', 'complex']
    """
    curves = _errors(function, inputs, name, np.random.default_rng(rng))
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(5, 3.5))[1]
    for (label, errors), marker in zip(curves.items(), "osv", strict=False):
        ax.loglog(STEPS, np.maximum(errors, 1e-17), marker + "-", markersize=3, linewidth=1, label=label)
    ax.set_xlabel("step, relative to the input")
    ax.set_ylabel("relative error of the derivative")
    ax.set_title(f"derivative with respect to {name}")
    ax.grid(True, which="major", alpha=0.3)
    ax.legend()
    return ax


def _errors(
    function: Callable[..., Any], inputs: Mapping[str, Any], name: str, rng: np.random.Generator
) -> dict[str, Array]:
    base = as_float_inputs(inputs, [name])

    def total(**arrays: Any) -> Any:
        return np.sum(np.asarray(function(**arrays)))

    with quiet():
        move = random_direction(natural_scale(total, base, name), rng)
        truth = float(directional(total, base, {name: move}).value)

        def at(t: complex) -> Any:
            return call(total, {**base, name: np.asarray(base[name] + t * move)})

        def slope(left: float, right: float) -> float:
            return float(real(at(right)) - real(at(left))) / (right - left)

        curves = {"one-sided": [slope(0.0, h) for h in STEPS], "central": [slope(-h, h) for h in STEPS]}
        with contextlib.suppress(Exception):  # a function that takes no complex numbers has no such curve
            curves["complex"] = [float(at(1j * h).imag / h) for h in STEPS]
    scale = abs(truth) or 1.0
    return {label: np.abs(np.array(values) - truth) / scale for label, values in curves.items()}
