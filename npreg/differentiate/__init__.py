"""Numerical derivatives of NumPy functions of named arrays, with an honest error for every entry.

schemes       jacobian, gradient, derivative, directional: what is called
rounding      term_sizes: the yardstick for a derivative's rounding
differences   one derivative from function values alone, its error, and kinks
steps         how a function is called, and how large a step is
"""

from npreg.differentiate.rounding import term_sizes
from npreg.differentiate.schemes import (
    Derivative,
    derivative,
    directional,
    gradient,
    jacobian,
)

__all__ = ["Derivative", "derivative", "directional", "gradient", "jacobian", "term_sizes"]
