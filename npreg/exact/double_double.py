"""Sums and products in twice the working precision, from ordinary float64 operations alone.

A double-double is an unevaluated sum high + low of two float64 numbers with |low| ≤ eps |high|: about
32 decimal digits.  It rests on two facts of rounding to nearest: the rounding error of a sum, and that
of a product, are themselves float64 numbers, and a few more float64 operations find them.

    a + b = s + e    exactly, with s = fl(a + b)    (two_sum)
    a · b = p + e    exactly, with p = fl(a · b)    (two_product)

No wider type is used (`np.longdouble` is plain float64 on Windows and on Apple's processors).  Numbers
must stay away from overflow (|a| < 2⁹⁹⁶) and products from underflow; `least_squares` sees to that by
scaling with powers of two, which is exact.

Sources: Dekker, "A floating-point technique for extending the available precision", Numerische
Mathematik 18 (1971); Knuth, The Art of Computer Programming 2, section 4.2.2; Ogita, Rump and Oishi,
"Accurate sum and dot product", SIAM Journal on Scientific Computing 26 (2005).
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

# Numbers worked on at a time: a product's dozen intermediate arrays then stay in the processor's cache.
_BLOCK_ELEMENTS = 8192


class DoubleDouble(NamedTuple):
    """The array high + low, unevaluated; both parts have the same shape."""

    high: Array
    low: Array


def two_sum(a: Array, b: Array) -> DoubleDouble:
    """Add exactly: a + b = high + low with high = fl(a + b) (Knuth).

    >>> total = two_sum(np.float64(1e16), np.float64(1.0))
    >>> float(total.high), float(total.low)
    (1e+16, 1.0)
    """
    total = a + b
    b_seen = total - a
    return DoubleDouble(total, (a - (total - b_seen)) + (b - b_seen))


def two_product(a: Array, b: Array) -> DoubleDouble:
    """Multiply exactly: a · b = high + low with high = fl(a · b) (Dekker, by Veltkamp's splitting).

    >>> product = two_product(np.float64(2.0**53 - 1), np.float64(2.0**53 - 1))
    >>> int(product.high) + int(product.low) == (2**53 - 1) ** 2
    True
    """
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


def zeros(shape: tuple[int, ...]) -> DoubleDouble:
    """A double-double zero of the given shape."""
    return DoubleDouble(np.zeros(shape), np.zeros(shape))


def exactly(a: Array) -> DoubleDouble:
    """A float64 array as a double-double; the low part takes no memory."""
    return DoubleDouble(a, np.broadcast_to(0.0, a.shape))


def add(x: DoubleDouble, increment: Array) -> DoubleDouble:
    """`x` + `increment`, again with |low| ≤ eps |high|."""
    return add_both(x, exactly(increment))


def add_both(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """`x` + `y`, again with |low| ≤ eps |high|."""
    total, error = two_sum(x.high, y.high)
    return two_sum(total, error + (x.low + y.low))


def sum_rows(x: DoubleDouble) -> DoubleDouble:
    """The sum over axis 0, pairwise, carrying every rounding error along.

    >>> terms = np.array([1e16, 1.0, -1e16, 1.0])
    >>> float(terms.sum()), float(sum_rows(exactly(terms)).high)
    (1.0, 2.0)
    """
    high, low = x
    while len(high) > 1:
        half = len(high) // 2
        total, error = two_sum(high[:half], high[half : 2 * half])
        carried = error + (low[:half] + low[half : 2 * half])
        # The odd row out joins the next round.
        high = np.concatenate([total, high[2 * half :]])
        low = np.concatenate([carried, low[2 * half :]])
    return two_sum(high[0], low[0])


def square(x: DoubleDouble) -> DoubleDouble:
    """(high + low)², entry by entry."""
    product, error = two_product(x.high, x.high)
    return DoubleDouble(product, error + 2.0 * x.high * x.low)


def subtract_matmul(start: Array, A: DoubleDouble, x: DoubleDouble) -> DoubleDouble:
    """`start` − A x, with shapes (n, k), (n, p) and (p, k), the products and sums in double-double.

    >>> A = exactly(np.array([[1e16, 1.0, -1e16]]))
    >>> subtract_matmul(np.zeros((1, 1)), A, exactly(np.ones((3, 1)))).high
    array([[-1.]])
    """
    result = zeros(start.shape)
    block = max(1, _BLOCK_ELEMENTS // max(1, start.shape[1]))
    for first in range(0, len(start), block):
        rows = slice(first, first + block)
        high, low = start[rows], result.low[rows]
        for j in range(A.high.shape[1]):
            column, column_low = A.high[rows, j : j + 1], A.low[rows, j : j + 1]
            product, error = two_product(column, -x.high[j])
            high, rounding = two_sum(high, product)
            low = low + (rounding + (error - column * x.low[j] - column_low * x.high[j]))
        result.high[rows], result.low[rows] = two_sum(high, low)
    return result


def transposed_matmul(A: DoubleDouble, r: DoubleDouble) -> DoubleDouble:
    """Aᵀ r, with shapes (n, p) and (n, k), the products and sums in double-double.

    >>> A = exactly(np.array([[1e16], [1.0], [-1e16]]))
    >>> transposed_matmul(A, exactly(np.ones((3, 1)))).high
    array([[1.]])
    """
    result = zeros((A.high.shape[1], r.high.shape[1]))
    for j in range(A.high.shape[1]):
        column, column_low = A.high[:, j : j + 1], A.low[:, j : j + 1]
        product, error = two_product(column, r.high)
        total = sum_rows(DoubleDouble(product, error + column * r.low + column_low * r.high))
        result.high[j], result.low[j] = total
    return result
