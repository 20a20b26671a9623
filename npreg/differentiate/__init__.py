"""Numerical derivatives of NumPy functions of named arrays, with an honest error for every entry.

schemes       jacobian, gradient, derivative, directional, term_sizes: what is called
rounding      how large the terms of a computation are
differences   one derivative from function values alone, its error, and kinks
steps         how a function is called, and how large a step is
"""

from npreg.differentiate.schemes import Derivative, derivative, directional, gradient, jacobian, term_sizes

__all__ = ["Derivative", "derivative", "directional", "gradient", "jacobian", "term_sizes"]
