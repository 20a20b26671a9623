"""A gradient checker for any NumPy function of named arrays: `check` is what is called, `report` what it returns.

In between: `forms` (a function and its gradient as people have them), `readings` (which returned array belongs to
which input), `verdict`, and `naming` (which mistake it is).
"""

from npreg.gradcheck.check import GradientError, assert_gradient, check_gradient
from npreg.gradcheck.report import GradientReport, InputReport, Mistake

__all__ = ["GradientError", "GradientReport", "InputReport", "Mistake", "assert_gradient", "check_gradient"]
