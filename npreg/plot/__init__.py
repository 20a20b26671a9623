"""Pictures of data, of losses, and of the way parameters take; matplotlib is imported on first use.

Every function draws on the Axes `ax` that it is given, or on those of a new figure, and returns them: `plt.show()`
and `ax.figure.savefig(...)` are the caller's.  What cannot be drawn is refused, with a ValueError or TypeError as of
`train` for the same arguments, before a figure is made.
"""

from npreg.plot.pictures import loss_curve, scatter, set_figsize, sweep_curve, use_svg_display
from npreg.plot.surface import loss_surface

__all__ = ["loss_curve", "loss_surface", "scatter", "set_figsize", "sweep_curve", "use_svg_display"]
