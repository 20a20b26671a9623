"""Double-double operations against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from npreg.exact.double_double import DoubleDouble, exactly, subtract_matmul, two_product, two_sum

# Far from overflow, and no product falls below the normal numbers.
floats = st.floats(-1e100, 1e100).filter(lambda v: v == 0.0 or abs(v) > 1e-100)
lists = st.lists(floats, min_size=1, max_size=40)


def exact(x):
    return Fraction(float(x.high)) + Fraction(float(x.low))


@given(floats, floats)
def test_sum_and_product_lose_nothing(a, b):
    a, b = np.float64(a), np.float64(b)
    assert exact(two_sum(a, b)) == Fraction(float(a)) + Fraction(float(b))
    assert exact(two_product(a, b)) == Fraction(float(a)) * Fraction(float(b))


@given(floats, floats, floats)
def test_add_keeps_the_parts_apart(a, b, c):
    x = two_sum(np.float64(a), np.float64(b))
    total = x + exactly(np.float64(c))
    error = abs(exact(total) - exact(x) - Fraction(c))
    assert error <= Fraction(2.0**-100) * (abs(exact(x)) + abs(Fraction(c)))
    assert abs(total.low) <= np.spacing(abs(total.high)) / 2


@given(lists)
def test_sums_carry_the_rounding_errors(values):
    terms = np.array(values)
    exact_sum = sum(map(Fraction, values))
    size = sum(abs(Fraction(v)) for v in values)
    assert abs(exact(exactly(terms).sum()) - exact_sum) <= Fraction(2.0**-98) * size
    squares = sum(Fraction(v) ** 2 for v in values)
    assert abs(exact((exactly(terms) * exactly(terms)).sum()) - squares) <= Fraction(2.0**-98) * squares


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 4), st.integers(1, 3))
def test_matrix_products(seed, n, p, k):
    rng = np.random.default_rng(seed)

    def random(*shape):
        high = rng.normal(size=shape) * 10.0 ** rng.integers(-8, 8, size=shape)
        return DoubleDouble(high, high * rng.normal(size=shape) * 1e-17)

    A, x, r, start = random(n, p), random(p, k), random(n, k), random(n, k).high
    product, transposed = subtract_matmul(start, A, x), [(A[:, i : i + 1] * r).sum() for i in range(p)]

    def at(array, *index):
        return Fraction(float(array.high[index])) + Fraction(float(array.low[index]))

    for i, j in np.ndindex(n, k):
        terms = [Fraction(float(start[i, j])), *(-at(A, i, m) * at(x, m, j) for m in range(p))]
        assert abs(at(product, i, j) - sum(terms)) <= Fraction(2.0**-98) * sum(map(abs, terms))
    for i, j in np.ndindex(p, k):
        terms = [at(A, m, i) * at(r, m, j) for m in range(n)]
        assert abs(at(transposed[i], j) - sum(terms)) <= Fraction(2.0**-98) * sum(map(abs, terms))
