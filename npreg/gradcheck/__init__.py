"""A gradient checker for any NumPy function of named arrays: `check` is what is called, `report` what it returns."""

from npreg.gradcheck.check import GradientError, assert_gradient, check_gradient
from npreg.gradcheck.report import GradientReport, InputReport, Mistake

__all__ = ["GradientError", "GradientReport", "InputReport", "Mistake", "assert_gradient", "check_gradient"]
