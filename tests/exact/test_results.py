"""Weights, row blocks, and what statistics packages say: t, p, intervals, summary; memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import npreg
from npreg.exact.result import quantile, two_sided

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(5, [1, 2, 3], (N, 3))
Y = X @ [1.0, -2.0, 0.1] + 3 + RNG.normal(0, 2, N)
WEIGHTS = RNG.integers(0, 5, N).astype(float)


def numbers(fit):
    names = "w b w_stderr b_stderr residual_sd r2_centered r2_uncentered w_t b_t w_p b_p"
    return {name: getattr(fit, name) for name in names.split()}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS + 0.5])
def test_what_statsmodels_says(fit_intercept, weights):
    api = pytest.importorskip("statsmodels.api")
    A = np.column_stack([X, np.ones(N)]) if fit_intercept else X
    theirs = api.OLS(Y, A).fit() if weights is None else api.WLS(Y, A, weights=weights).fit()
    ours = npreg.least_squares(X, Y, fit_intercept=fit_intercept, sample_weight=weights)
    intervals = ours.confidence_interval(0.9)
    for found, expected in (
        ((ours.w, ours.b), theirs.params),
        ((ours.w_stderr, ours.b_stderr), theirs.bse),
        ((ours.w_t, ours.b_t), theirs.tvalues),
        ((ours.w_p, ours.b_p), theirs.pvalues),
        ([ends[..., 0] for ends in intervals], theirs.conf_int(0.1)[:, 0]),
        ([ends[..., 1] for ends in intervals], theirs.conf_int(0.1)[:, 1]),
    ):
        together = np.concatenate([np.ravel(part) for part in found])[: A.shape[1]]
        np.testing.assert_allclose(together, expected, rtol=1e-9)
    assert ours.degrees_of_freedom == theirs.df_resid
    assert (ours.r2_centered if fit_intercept else ours.r2_uncentered)[0] == pytest.approx(theirs.rsquared, rel=1e-12)


def test_student_t_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    for freedom in (1, 2, 3.5, 10, 57, 1000, 1e6):
        for t in (0.0, 1e-8, 0.3, 1.0, 1.96, 4.0, 40.0, 1e4):
            expected = 2 * stats.t.sf(t, freedom)
            np.testing.assert_allclose(two_sided(t, freedom), expected, rtol=1e-8, atol=1e-300)
            assert two_sided(-t, freedom) == two_sided(t, freedom)
        for level in (0.1, 0.5, 0.95, 0.999):
            expected = stats.t.ppf((1 + level) / 2, freedom)
            np.testing.assert_allclose(quantile(level, freedom), expected, rtol=1e-8)
    assert np.isnan(two_sided(np.nan, 3))
    assert two_sided(np.inf, 3) == 0.0
    assert quantile(0.95, 0) == np.inf


def test_a_whole_weight_is_that_many_rows():
    ours = npreg.least_squares(X, Y, sample_weight=WEIGHTS)
    rows = np.repeat(np.arange(N), WEIGHTS.astype(int))
    repeated = npreg.least_squares(X[rows], Y[rows])
    np.testing.assert_allclose(ours.w, repeated.w, rtol=1e-14)
    np.testing.assert_allclose(ours.r2_centered, repeated.r2_centered, rtol=1e-13)
    assert ours.degrees_of_freedom == np.count_nonzero(WEIGHTS) - 4  # not as many as copies
    kept = WEIGHTS > 0
    for weights in (WEIGHTS * 1e-200, WEIGHTS * 3.0):  # only ratios matter, and rows of weight 0 are none
        fewer = npreg.least_squares(X[kept], Y[kept], sample_weight=weights[kept])
        for found in (npreg.least_squares(X, Y, sample_weight=weights), fewer):
            for name, value in numbers(found).items():
                np.testing.assert_allclose(value, numbers(ours)[name], rtol=1e-12, err_msg=name)


def test_weights_are_exact_too():
    """Ill-conditioned with weights: as without them on rows that are multiplied by whole roots."""
    roots = RNG.integers(1, 9, N).astype(float)
    near = np.column_stack([X[:, 0], X[:, 0] + 2.0**-20 * np.round(X[:, 1])])
    near = np.round(near * 2**30) / 2**30
    labels = np.round(Y * 2**20) / 2**20
    ours = npreg.least_squares(near, labels, fit_intercept=False, sample_weight=roots**2)
    by_hand = npreg.least_squares(near * roots[:, None], labels * roots, fit_intercept=False)
    assert ours.condition_number > 1e5
    np.testing.assert_allclose(ours.w, by_hand.w, rtol=1e-15)
    np.testing.assert_allclose(ours.w_stderr, by_hand.w_stderr, rtol=1e-12)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("offset", [0.0, 1e7])
def test_row_blocks_give_the_same(weights, offset):
    whole = npreg.least_squares(X + offset, Y, sample_weight=weights)
    blocks = npreg.RowBlocks.of(X + offset, Y, block_rows=13, sample_weight=weights)
    for name, value in numbers(npreg.least_squares(blocks)).items():
        np.testing.assert_allclose(value, numbers(whole)[name], rtol=1e-13, err_msg=name)
    with pytest.raises(TypeError, match="RowBlocks bring their own labels"):
        npreg.least_squares(blocks, Y)


def test_later_blocks_may_be_much_larger():
    rows = np.concatenate([X * 1e-250, X * 1e250])
    labels = np.concatenate([Y, X @ [1.0, 2.0, 3.0]])
    blocks = npreg.RowBlocks.of(rows, labels, block_rows=N)
    np.testing.assert_allclose(npreg.least_squares(blocks, fit_intercept=False).w[:, 0] * 1e250, [1, 2, 3], rtol=1e-12)


def test_fewer_rows_than_columns():
    with pytest.warns(npreg.RankWarning, match="2 rows do not determine 4 parameters"):
        fit = npreg.least_squares(X[:2], Y[:2])
    np.testing.assert_allclose(fit.predict(X[:2])[:, 0], Y[:2])
    centred = X[:2] - X[:2].mean(axis=0)
    np.testing.assert_allclose(fit.w[:, 0], np.linalg.pinv(centred) @ (Y[:2] - Y[:2].mean()), rtol=1e-9)
    assert fit.degrees_of_freedom == 0
    assert np.isnan(fit.w_p).all()


def test_dependent_columns_in_other_units():
    """Of all solutions the one of least Σ w² in the features' own units, whatever these are."""
    table = np.column_stack([X, X[:, 0] * 1e6, np.ones(N)])
    with pytest.warns(npreg.RankWarning, match="column 3 is a linear combination of column 0"):
        fit = npreg.least_squares(table, Y)
    assert fit.rank == 4
    alone = npreg.least_squares(table[:, 1:4], Y).w[2, 0]
    np.testing.assert_allclose(fit.w[[0, 3], 0], [alone * 1e-6, alone], rtol=1e-9, atol=1e-14)
    assert abs(fit.w[4, 0]) < 1e-12
    np.testing.assert_allclose(fit.predict(table), npreg.least_squares(X, Y).predict(X), rtol=1e-10)


def test_memory_stays_small():
    features, labels = np.ones((40_000, 20)), np.ones(40_000)
    features[:, 1:] = RNG.standard_normal((40_000, 19))
    tracemalloc.start()
    npreg.least_squares(features, labels, fit_intercept=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < features.nbytes / 2


def test_summary_of_several_outputs_names_columns():
    pd = pytest.importorskip("pandas")
    fit = npreg.least_squares(pd.DataFrame(X, columns=["age", "size", "a rather long name"]), np.column_stack([Y, -Y]))
    text = fit.summary(0.99)
    assert text.count("intercept") == 2
    assert "99 % interval" in text
    assert "a rather long name" in text
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        fit.summary(95)
