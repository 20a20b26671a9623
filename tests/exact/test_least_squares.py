"""`least_squares` against exact rational arithmetic, NIST's certified values, and the laws of the problem."""

from __future__ import annotations

import json
import math
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npreg.exact import double_double, sums
from npreg.exact.double_double import DoubleDouble
from npreg.exact.least_squares import SQUARED_CONDITION, RankWarning, least_squares

exact = sys.modules["npreg.exact.least_squares"]  # the attribute of the room is the function

EPS = np.finfo(np.float64).eps


# --- exact rational arithmetic ----------------------------------------------------------------------------


def solve_exactly(X, y, intercept):
    """Coefficients, diagonal of (AᵀA)⁻¹, RSS, total sums of squares, as fractions; None if singular."""
    A = [[Fraction(1)] * intercept + [Fraction(v) for v in row] for row in X]
    y = [Fraction(v) for v in y]
    n, p = len(A), len(A[0])
    table = [  # AᵀA | Aᵀy | identity, brought to identity | solution | inverse by Gauss and Jordan
        [sum(row[i] * row[j] for row in A) for j in range(p)]
        + [sum(row[i] * v for row, v in zip(A, y, strict=True))]
        + [Fraction(i == j) for j in range(p)]
        for i in range(p)
    ]
    for c in range(p):
        if table[c][c] == 0:  # AᵀA is positive semidefinite: a zero pivot means a singular matrix
            return None
        table[c] = [v / table[c][c] for v in table[c]]
        for r in set(range(p)) - {c}:
            table[r] = [a - table[r][c] * b for a, b in zip(table[r], table[c], strict=True)]
    x = [row[p] for row in table]
    rss = sum((v - sum(a * b for a, b in zip(row, x, strict=True))) ** 2 for row, v in zip(A, y, strict=True))
    mean = sum(y) / n
    return (x, [table[i][p + 1 + i] for i in range(p)], rss, sum((v - mean) ** 2 for v in y), sum(v * v for v in y))


def assert_exact(X, y, intercept):
    """Coefficients must be correctly rounded, everything else right to a few units in the last place."""
    solution = solve_exactly(X, y, intercept)
    if solution is None:
        with pytest.warns(RankWarning, match=r"all zeros|is constant|linear combination"):
            fit = least_squares(X, y, fit_intercept=intercept)
        assert fit.rank < X.shape[1] + intercept
        return
    x, inverse, rss, total_centered, total_uncentered = solution
    fit = least_squares(X, y, fit_intercept=intercept)
    found = [*fit.b] * intercept + [*fit.w[:, 0]]
    lengths = [math.sqrt(sum(v * v for v in column)) for column in np.c_[np.ones((len(X), int(intercept))), X].T]
    scale = max(abs(v) * length for v, length in zip(x, lengths, strict=True))
    for value, exact, length in zip(found, x, lengths, strict=True):
        # Where the exact coefficient is 0, what is left is the rounding of double-double.
        allowed = Fraction(math.ulp(exact)) * Fraction(51, 100) + Fraction(scale / length * 1e-24)
        assert abs(Fraction(float(value)) - exact) <= allowed

    degrees_of_freedom = len(X) - len(x)
    assert (fit.rank, fit.degrees_of_freedom) == (len(x), degrees_of_freedom)
    noise = 1e-19 * math.sqrt(total_uncentered)  # what is left of a residual that is exactly 0
    if degrees_of_freedom:
        sd = math.sqrt(rss / degrees_of_freedom)
        stderr = [sd * math.sqrt(v) for v in inverse]
        found = [*fit.b_stderr] * intercept + [*fit.w_stderr[:, 0]]
        np.testing.assert_allclose(fit.residual_sd, sd, rtol=8 * EPS, atol=noise)
        for value, exact, variance in zip(found, stderr, inverse, strict=True):
            np.testing.assert_allclose(value, exact, rtol=16 * EPS, atol=noise * math.sqrt(variance))
    for value, total in ((fit.r2_centered, total_centered), (fit.r2_uncentered, total_uncentered)):
        exact = float(1 - rss / total) if total else float(rss == 0)
        np.testing.assert_allclose(value, exact, rtol=8 * EPS, atol=1e-24)


@st.composite
def ill_conditioned(draw):
    """Small integer problems whose columns are huge multiples of others plus little."""
    n = draw(st.integers(3, 8))
    d = draw(st.integers(1, min(4, n - 1)))
    small = st.lists(st.integers(-9, 9), min_size=n, max_size=n)
    columns = [draw(small) for _ in range(d)]
    for j in range(1, d):
        factor = draw(st.sampled_from([0, 1, 10**3, 10**6, 10**9]))
        columns[j] = [v + factor * u for v, u in zip(columns[j], columns[j - 1], strict=True)]
    X = np.array(columns, dtype=float).T
    offset = draw(st.sampled_from([0, 1947, 10**6]))
    y = np.array(draw(st.lists(st.integers(-(10**6), 10**6), min_size=n, max_size=n)), dtype=float)
    return X + offset, y, draw(st.booleans())


def condition_number(X, intercept):
    A = np.c_[np.ones((len(X), int(intercept))), X]
    lengths = np.linalg.norm(A, axis=0)
    return np.linalg.cond(A / np.where(lengths, lengths, 1))


@settings(deadline=None, max_examples=100)
@given(ill_conditioned())
def test_is_exact_arithmetic_rounded(problem):
    X, y, intercept = problem
    # Between 1e12 and exact dependence lies what is refused though it has an exact solution.
    if condition_number(X, intercept) < 1e12 or solve_exactly(X, y, intercept) is None:
        assert_exact(X, y, intercept)


HARD = (  # condition number 5e8
    np.array([[1.0, 1e6 + 1], [2.0, 2e6 - 1], [3.0, 3e6 + 2], [5.0, 5e6], [7.0, 7e6 + 1]]) * [1.0, 1e3] + 1e6,
    np.array([1.0, -3.0, 2.0, 8.0, 1.0]),
)


def test_the_hard_problem_passes():
    assert condition_number(HARD[0], True) > 1e8
    assert_exact(*HARD, intercept=True)


def plain_product(a, b):
    return DoubleDouble(a * b, np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b))))


def plain_sum(a, b):
    return DoubleDouble(a + b, np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b))))


SLICES = sums._slices


def two_slices(A):
    slices = SLICES(A)
    slices[:, 2 * A.high.shape[1] :] = 0
    return slices


def one_round(gradient_at, W, x, rate):
    found = gradient_at(x)
    x = DoubleDouble(x.high + W @ (W.T @ found.high[:-1]), x.low)
    return x, gradient_at(x)[-1]


def unwhitened(data, extent, W):
    return np.eye(W.shape[1])


ORDINARY = np.arange(24.0).reshape(8, 3) % 7 / 3 + 1000.0, np.array([2.0, 7, 1, 8, 2, 8, 1, 8]) / 7 + 1e5


def test_the_ordinary_problem_is_solved_from_moments():
    assert 100 < condition_number(ORDINARY[0], True) < SQUARED_CONDITION
    assert_exact(*ORDINARY, intercept=True)


@pytest.mark.parametrize(
    ("problem", "owner", "name", "mistake"),
    [
        (HARD, double_double, "two_product", plain_product),
        (HARD, double_double, "two_sum", plain_sum),
        (HARD, exact, "_refine", one_round),
        (HARD, exact, "whitened", unwhitened),
        (ORDINARY, sums, "_slices", two_slices),
        (ORDINARY, sums.Extent, "label_mean", property(lambda extent: np.zeros(1) + 0.0)),
        (ORDINARY, double_double, "two_sum", plain_sum),
    ],
)
def test_the_exact_reference_sees_planted_mistakes(monkeypatch, problem, owner, name, mistake):
    monkeypatch.setattr(owner, name, mistake)
    with pytest.raises(AssertionError):
        assert_exact(*problem, intercept=True)


# --- NIST's certified data sets ---------------------------------------------------------------------------

NIST = json.loads((Path(__file__).parents[1] / "data" / "nist" / "linear.json").read_text(encoding="utf-8"))
DEGREES = {"Pontius": 2, "Filip": 10}


def wampler(name):
    """Wampler's sets follow formulas: a polynomial in 0, 1, ..., 20, and a disturbance orthogonal to it."""
    x = [Fraction(i) for i in range(21)]
    if name == "Wampler2":
        return x, [sum((v / 10) ** k for k in range(6)) for v in x]
    quarter = [-2048, 2048, -2048]
    disturbance = [759, *quarter, 2523, *quarter, 1838, *quarter, 1838, *quarter, 2523, *quarter, 759]
    size = {"Wampler1": 0, "Wampler3": 1, "Wampler4": 100, "Wampler5": 10_000}[name]
    return x, [sum(v**k for k in range(6)) + size * e for v, e in zip(x, disturbance, strict=True)]


def nist_problem(name):
    """Columns as fractions of the float64 data, labels, and whether there is an intercept."""
    if name.startswith("Wampler"):
        x, y = wampler(name)
        return [[v**k for v in x] for k in range(1, 6)], np.array(y, dtype=float), True
    columns = [[Fraction(v) for v in column] for column in NIST[name]["x"]]
    if name in DEGREES:
        columns = [[v**k for v in columns[0]] for k in range(1, DEGREES[name] + 1)]
    return columns, np.array(NIST[name]["y"]), not name.startswith("NoInt")


def digits(found, certified):
    found, certified = np.atleast_1d(found), np.atleast_1d(certified)
    error = np.abs(found - certified) / np.where(certified == 0, 1, np.abs(certified))
    return -np.log10(np.maximum(error, 1e-16)).min()


def nist_digits(name, fit, intercept):
    """Digits of the coefficients, and the least digits of standard errors, residual sd and R²."""
    certified = NIST[name]
    coefficients, stderr = (
        np.r_[b, w[:, 0]] if intercept else w[:, 0] for w, b in ((fit.w, fit.b), (fit.w_stderr, fit.b_stderr))
    )
    others = [
        digits(stderr, np.array(certified["stderr"])),
        digits(fit.residual_sd, certified["residual_sd"]),
        digits(fit.r2_centered if intercept else fit.r2_uncentered, certified["r2"]),
    ]
    return digits(coefficients, np.array(certified["coefficients"])), min(others)


@pytest.mark.parametrize("name", [name for name in NIST if name != "source"])
def test_nist(name):
    columns, labels, intercept = nist_problem(name)
    fit = least_squares(np.array(columns, dtype=float).T, labels, fit_intercept=intercept)
    of_coefficients, of_others = nist_digits(name, fit, intercept)
    assert of_coefficients >= (7.5 if name == "Filip" else 13.0)
    assert of_others >= (7.5 if name == "Filip" else 13.7)


def test_filip_lacks_only_the_digits_that_its_powers_lost_in_rounding():
    columns, labels, _ = nist_problem("Filip")
    rounded = np.array(columns, dtype=float).T
    low = [[float(v - Fraction(float(v))) for v in column] for column in columns]
    fit = least_squares(rounded, labels, features_low=np.array(low).T)
    assert min(nist_digits("Filip", fit, True)) >= 13.9


def test_filip_is_solved_exactly_for_the_powers_as_rounded():
    columns, labels, _ = nist_problem("Filip")
    rounded = np.array(columns, dtype=float).T
    exact = solve_exactly(rounded.tolist(), labels.tolist(), True)[0]
    fit = least_squares(rounded, labels)
    for found, value in zip([*fit.b, *fit.w[:, 0]], exact, strict=True):
        assert abs(Fraction(float(found)) - value) <= 0.51 * Fraction(math.ulp(value))


# --- laws of the problem ----------------------------------------------------------------------------------


@st.composite
def well_posed(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    d = draw(st.integers(1, 5))
    k = draw(st.integers(1, 3))
    n = d + 2 + draw(st.integers(0, 40))
    spread = 10.0 ** draw(st.integers(-6, 6))
    return rng.normal(size=(n, d)) * spread + draw(st.sampled_from([0.0, 1e3])), rng.normal(size=(n, k)), rng


def numbers(fit):
    return [fit.w, fit.b, fit.w_stderr, fit.b_stderr, fit.residual_sd, fit.r2_centered, fit.r2_uncentered]


@settings(deadline=None, max_examples=25)
@given(well_posed(), st.booleans())
def test_the_order_of_the_rows_does_not_matter(problem, intercept):
    X, y, rng = problem
    order = rng.permutation(len(X))
    fit, permuted = (least_squares(a, b, fit_intercept=intercept) for a, b in ((X, y), (X[order], y[order])))
    for first, second in zip(numbers(fit), numbers(permuted), strict=True):
        np.testing.assert_allclose(first, second, rtol=16 * EPS, atol=1e-24)


@settings(deadline=None, max_examples=25)
@given(well_posed(), st.lists(st.integers(-400, 400), min_size=6, max_size=6))
def test_units_that_are_powers_of_two_change_no_bit(problem, exponents):
    X, y, _ = problem
    e, label_unit = np.array(exponents[: X.shape[1]]), exponents[-1] // 4
    fit = least_squares(X, y)
    scaled = least_squares(np.ldexp(X, e), np.ldexp(y, label_unit))
    np.testing.assert_array_equal(np.ldexp(scaled.w, e[:, None] - label_unit), fit.w)
    np.testing.assert_array_equal(np.ldexp(scaled.w_stderr, e[:, None] - label_unit), fit.w_stderr)
    np.testing.assert_array_equal(np.ldexp(scaled.b, -label_unit), fit.b)
    np.testing.assert_array_equal(np.ldexp(scaled.residual_sd, -label_unit), fit.residual_sd)
    np.testing.assert_array_equal(scaled.r2_centered, fit.r2_centered)
    assert scaled.condition_number == pytest.approx(fit.condition_number, rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(well_posed(), st.integers(-3, 3), st.data())
def test_a_multiple_of_a_column_added_to_the_labels_shifts_its_coefficient(problem, multiple, data):
    X, y, _ = problem
    X, y = np.round(X * 2**10) / 2**10, np.round(y * 2**10) / 2**10  # so that the sum below is exact
    if np.any(np.ptp(X, axis=0) == 0):
        X = X + np.vander(np.arange(len(X)), X.shape[1] + 1)[:, :-1]
    if condition_number(X, True) > 1e8:
        return
    j = data.draw(st.integers(0, X.shape[1] - 1))
    fit, shifted = least_squares(X, y), least_squares(X, y + multiple * X[:, [j]])
    expected = fit.w.copy()
    expected[j] += multiple
    scale = np.abs(expected).max(axis=0) + np.abs(fit.b)
    np.testing.assert_allclose(shifted.w, expected, rtol=1e-12, atol=1e-12 * scale.max())
    np.testing.assert_allclose(shifted.residual_sd, fit.residual_sd, rtol=1e-12)
    np.testing.assert_allclose(shifted.w_stderr, fit.w_stderr, rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(well_posed(), st.booleans())
def test_several_outputs_are_several_problems(problem, intercept):
    X, y, _ = problem
    together = least_squares(X, y, fit_intercept=intercept)
    assert together.w.shape == (X.shape[1], y.shape[1])
    assert together.b.shape == together.residual_sd.shape == together.r2_centered.shape == (y.shape[1],)
    for output in range(y.shape[1]):
        alone = least_squares(X, y[:, output], fit_intercept=intercept)
        for both, one in zip(numbers(together), numbers(alone), strict=True):
            np.testing.assert_allclose(both[..., [output]], one, rtol=8 * EPS, atol=1e-24)


def test_rows_given_twice_keep_the_coefficients():
    X, y = HARD
    fit, twice = least_squares(X, y), least_squares(np.tile(X, (2, 1)), np.tile(y, 2))
    np.testing.assert_allclose(twice.w, fit.w, rtol=2 * EPS)
    np.testing.assert_allclose(twice.residual_sd**2 * 7, fit.residual_sd**2 * 2 * 2, rtol=16 * EPS)


# --- dtypes, edges, errors --------------------------------------------------------------------------------


def test_float32_is_computed_in_float64_and_returned_in_float32():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)).astype(np.float32), rng.normal(size=50).astype(np.float32)
    fit = least_squares(X, y)
    wide = least_squares(X.astype(np.float64), y.astype(np.float64))
    for narrow, full in zip(numbers(fit), numbers(wide), strict=True):
        assert narrow.dtype == np.float32
        np.testing.assert_array_equal(narrow, full.astype(np.float32))
    assert least_squares(X, y.astype(np.float64)).w.dtype == np.float64
    assert least_squares([[1], [2], [4]], [1, 2, 3]).w.dtype == np.float64


def test_inputs_are_not_changed():
    X, y = HARD[0].copy(), HARD[1].copy()
    low = np.zeros_like(X)
    for array in (X, y, low):
        array.flags.writeable = False
    least_squares(X, y, features_low=low)
    np.testing.assert_array_equal(X, HARD[0])
    np.testing.assert_array_equal(y, HARD[1])


def test_as_many_parameters_as_rows_leave_nothing_to_estimate_the_noise_from():
    fit = least_squares([[1.0, 2.0], [2.0, 1.0], [4.0, 4.0]], [1.0, 2.0, 4.0])
    assert fit.degrees_of_freedom == 0
    np.testing.assert_allclose(fit.w, [[1.0], [0.0]], rtol=0, atol=1e-24)
    assert np.isinf(fit.residual_sd).all()
    assert np.isinf(fit.w_stderr).all()
    assert fit.r2_centered == 1.0


@pytest.mark.parametrize(
    ("labels", "intercept", "centered", "uncentered"),
    [
        ([0.1, 0.1, 0.1, 0.1], True, 1.0, 1.0),  # constant labels, a perfect fit
        ([0.1, 0.1, 0.1, 0.1], False, 0.0, 5 / 6),  # constant labels, not fitted
        ([0.0, 0.0, 0.0, 0.0], True, 1.0, 1.0),
        ([0.0, 0.0, 0.0, 0.0], False, 1.0, 1.0),
    ],
)
def test_labels_without_variance(labels, intercept, centered, uncentered):
    fit = least_squares([[1.0], [2.0], [3.0], [4.0]], labels, fit_intercept=intercept)
    np.testing.assert_allclose([fit.r2_centered[0], fit.r2_uncentered[0]], [centered, uncentered], rtol=1e-15)


@pytest.mark.parametrize("unit", [1e-320, 1e-300, 1e-150, 1e150, 1e300])
def test_units_near_the_ends_of_the_range(unit):
    X, y = np.array([[1.0], [2.0], [4.0]]) * unit, [1.0, 2.0, 3.0]
    if unit == 1e-320:  # the coefficient is beyond 1.8e308
        with pytest.raises(ValueError, match="coefficient is beyond the range of float64"):
            least_squares(X, y)
        return
    with np.errstate(all="raise"):
        fit = least_squares(X, y)
    np.testing.assert_allclose(fit.w * unit, 9 / 14, rtol=1e-14)
    np.testing.assert_allclose(fit.w_stderr * unit, np.sqrt(3) / 14, rtol=1e-14)


def test_many_rows_of_dummies_with_an_intercept_are_still_seen_as_dependent():
    X = np.repeat(np.eye(3), 100_000, axis=0)
    with pytest.warns(RankWarning, match="column 2 is a linear combination of columns 0 and 1 and the intercept"):
        least_squares(X, np.arange(len(X)))


def columns(*values):
    return np.array(values, dtype=float).T


A, B, C = [1, 2, 4, 8, 3], [3, 1, 4, 1, 5], [2, 7, 1, 8, 2]
Y = np.array([1.0, 2.0, 3.0, 4.0, 6.0])


@pytest.mark.parametrize(
    ("X", "intercept", "message"),
    [
        (columns(A, [0] * 5), True, "features column 1 is all zeros"),
        (columns([0] * 5, A), False, "features column 0 is all zeros"),
        (columns(A, [7] * 5), True, "features column 1 is constant, which is what the intercept is for"),
        (columns(A, B, np.add(A, B)), True, r"column 2 is a linear combination of columns 0 and 1 \("),
        (columns(A, np.multiply(A, 0.1), B), False, r"column 1 is a linear combination of column 0 \("),
        (columns(A, B, np.add(A, 5)), True, "column 2 .* of column 0 and the intercept .* or pass fit_intercept=False"),
        (columns(A, B, C, A), True, r"column 3 is a linear combination of column 0 \("),
        (columns(A, B, np.multiply(A, 1 + 1e-15)), True, r"column 2 .* of column 0 \(to rounding\)"),
    ],
)
def test_a_dependent_column_is_named(X, intercept, message):
    with pytest.warns(RankWarning, match=message):
        fit = least_squares(X, Y, fit_intercept=intercept)
    A = np.c_[np.ones((len(X), int(intercept))), X]
    assert fit.rank == np.linalg.matrix_rank(A)
    centred, y = (v - v.mean(axis=0) if intercept else v for v in (X, Y))
    w = np.linalg.pinv(centred, rcond=1e-12) @ y
    np.testing.assert_allclose(fit.w[:, 0], w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fit.b, Y.mean() - X.mean(axis=0) @ w if intercept else 0, atol=1e-12)


def test_a_long_dependence_is_cut_short():
    X = np.random.default_rng(0).normal(size=(20, 10))
    X[:, 9] = X[:, :9].sum(axis=1)
    with pytest.warns(RankWarning, match=r"column 9 .* of columns 0, 1, 2, 3, 4 and 4 more "):
        least_squares(X, X[:, 0])


GOOD = columns(A, B)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((GOOD, Y[:4]), ValueError, r"(?s)\(4,\).*\(5, 2\)"),
        ((GOOD, np.ones((5, 1, 1))), ValueError, r"\(5, 1, 1\)"),
        ((GOOD[:, 0], Y), ValueError, r"\(5,\).*reshape"),
        ((np.empty((0, 2)), []), ValueError, r"empty"),
        ((np.empty((5, 0)), Y), ValueError, r"empty"),
        ((np.where(GOOD == 8, np.nan, GOOD), Y), ValueError, "features has nan at row 3, column 0"),
        ((GOOD, [1, 2, np.inf, 4, 5]), ValueError, "labels has inf at row 2"),
        ((GOOD + 1j, Y), TypeError, "complex"),
        (([["a", "b"]], [1.0]), TypeError, "numbers"),
        ((GOOD.astype(np.float32) * 1e-30, Y.astype(np.float32) * 1e30), ValueError, "range of float32"),
    ],
)
def test_bad_data_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        least_squares(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"intercept": "no"}, TypeError, "intercept must be True or False, not 'no'"),
        ({"features_low": np.zeros((2, 5))}, ValueError, r"features_low of shape \(2, 5\).*\(5, 2\)"),
        ({"features_low": np.full((5, 2), np.nan)}, ValueError, "features_low has nan at row 0, column 0"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        least_squares(GOOD, Y, **options)


def test_features_low_need_not_be_small():
    fit = least_squares(GOOD, Y)
    split = least_squares(GOOD - 1e5, Y, features_low=np.full_like(GOOD, 1e5))
    np.testing.assert_array_equal(split.w, fit.w)


def test_the_example_in_the_documentation_runs():
    page = (Path(__file__).parents[2] / "docs" / "least_squares.md").read_text(encoding="utf-8")
    names = {}
    exec(page.split("```python\n")[1].split("```")[0], names)
    assert names["fit"].rank == 11
    assert np.abs(names["features_low"]).max() > 0


any_floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1.0, -1.0, 5e-324, 1e-308, 1.7e308, -1.7e308]),
)


@settings(deadline=None, max_examples=100)
@given(st.data(), st.integers(1, 6), st.integers(1, 3), st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_any_numbers_give_finite_results_or_a_value_error(data, n, d, intercept, dtype):
    numbers_drawn = data.draw(st.lists(any_floats, min_size=n * (d + 1), max_size=n * (d + 1)))
    with np.errstate(over="ignore"):
        table = np.array(numbers_drawn).astype(dtype).reshape(n, d + 1)
    try:
        fit = least_squares(table[:, :d], table[:, d], fit_intercept=intercept)
    except (ValueError, RankWarning):
        return
    assert np.isfinite(fit.w).all()
    assert np.isfinite(fit.b).all()
    assert np.isfinite([fit.r2_centered, fit.r2_uncentered]).all()
    assert np.isfinite(fit.condition_number)
    assert (np.isfinite(fit.w_stderr) == (fit.degrees_of_freedom > 0)).all()
    assert (np.isfinite(fit.residual_sd) == (fit.degrees_of_freedom > 0)).all()
