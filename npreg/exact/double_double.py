"""Sums and products in twice the working precision, from ordinary float64 operations alone.

A double-double is an unevaluated sum high + low of two float64 numbers with |low| ≤ eps |high|: about 32 decimal
digits.  The rounding error of a sum, and that of a product, are themselves float64 numbers.

Numbers must stay away from overflow and underflow; `least_squares` scales with powers of two, which is exact.

Sources: Dekker, Numerische Mathematik 18 (1971); Knuth, The Art of Computer Programming 2, section 4.2.2;
Ogita, Rump and Oishi, SIAM Journal on Scientific Computing 26 (2005).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class DoubleDouble:
    """The array high + low, unevaluated; both parts have the same shape."""

    high: Array
    low: Array

    def __getitem__(self, index: Any) -> "DoubleDouble":
        return DoubleDouble(self.high[index], self.low[index])

    def __add__(self, other: "DoubleDouble") -> "DoubleDouble":
        total = two_sum(self.high, other.high)
        return two_sum(total.high, total.low + (self.low + other.low))

    def __mul__(self, other: "DoubleDouble") -> "DoubleDouble":
        product = two_product(self.high, other.high)
        return DoubleDouble(product.high, product.low + self.high * other.low + self.low * other.high)

    def sum(self) -> "DoubleDouble":
        """The sum over axis 0, pairwise, carrying every rounding error along."""
        high, low = self.high, self.low
        while len(high) > 1:
            half = len(high) // 2
            total = two_sum(high[:half], high[half : 2 * half])
            carried = total.low + (low[:half] + low[half : 2 * half])
            # The odd row out joins the next round.
            high = np.concatenate([total.high, high[2 * half :]])
            low = np.concatenate([carried, low[2 * half :]])
        return two_sum(high[0], low[0])


def two_sum(a: Array, b: Array) -> DoubleDouble:
    """Add exactly: a + b = high + low with high = fl(a + b) (Knuth)."""
    total = a + b
    b_seen = total - a
    return DoubleDouble(total, (a - (total - b_seen)) + (b - b_seen))


def two_product(a: Array, b: Array) -> DoubleDouble:
    """Multiply exactly: a · b = high + low with high = fl(a · b) (Dekker, by Veltkamp's splitting)."""
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return DoubleDouble(product, error)


def _split(a: Array) -> tuple[Array, Array]:
    """Cut 53 bits into two halves of at most 26 bits whose products are exact (Veltkamp)."""
    shifted = 134217729.0 * a  # 2**27 + 1
    high = shifted - (shifted - a)
    return high, a - high


def exactly(a: Array) -> DoubleDouble:
    """A float64 array as a double-double; the low part takes no memory."""
    return DoubleDouble(a, np.broadcast_to(0.0, a.shape))


def subtract_matmul(start: Array, A: DoubleDouble, x: DoubleDouble) -> DoubleDouble:
    """`start` − A x, with shapes (n, k), (n, p) and (p, k), the products and sums in double-double."""
    high, low = start, np.zeros(start.shape)
    for j in range(A.high.shape[1]):
        term = A[:, j : j + 1] * x[j]
        total = two_sum(high, -term.high)
        high, low = total.high, low + (total.low - term.low)
    return two_sum(high, low)
