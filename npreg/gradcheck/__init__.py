"""A gradient checker for any NumPy function of named arrays.

check        check_gradient, assert_gradient: what is called
forms        a function and its gradient as people have them
readings     which returned array belongs to which input
verdict      one gradient against its reference, entry by entry or along random directions
patterns     what a wrong gradient looks like: the negative, a factor, transposed
report       the result as text, HTML and built-in types
"""

from npreg.gradcheck.check import GradientError, assert_gradient, check_gradient
from npreg.gradcheck.report import EntryReport, GradientReport, InputReport

__all__ = [
    "EntryReport",
    "GradientError",
    "GradientReport",
    "InputReport",
    "assert_gradient",
    "check_gradient",
]
