"""Numerical derivatives of NumPy functions of named arrays, with an honest error for every entry."""

from npreg.differentiate.schemes import Derivative, derivative, directional, gradient, jacobian, term_sizes

__all__ = ["Derivative", "derivative", "directional", "gradient", "jacobian", "term_sizes"]
