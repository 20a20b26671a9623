"""The exact reference: least squares right to the last digit, and how far to trust it."""

from npreg.exact.least_squares import RankWarning, least_squares
from npreg.exact.result import LeastSquaresResult

__all__ = ["LeastSquaresResult", "RankWarning", "least_squares"]
