"""A gradient checker for any NumPy function of named arrays.

check        check_gradient, assert_gradient: what is called
forms        a function and its gradient as people have them
guards       small constants that keep away from zero
naming       which mistake a wrong gradient holds
readings     which returned array belongs to which input
verdict      one gradient against its reference, entry by entry or along random directions
report       the result as text, HTML and built-in types
"""

from npreg.gradcheck.check import GradientError, assert_gradient, check_gradient
from npreg.gradcheck.report import EntryReport, GradientReport, InputReport, Mistake

__all__ = [
    "EntryReport",
    "GradientError",
    "GradientReport",
    "InputReport",
    "Mistake",
    "assert_gradient",
    "check_gradient",
]
