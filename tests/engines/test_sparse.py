"""Sparse features: the run of the same numbers in an array, at a cost in proportion to stored entries."""

from __future__ import annotations

import numpy as np
import pytest

import npreg
import npreg.arrays.sparse
from npreg.arrays.sparse import SparseRows, as_sparse

sparse = pytest.importorskip("scipy.sparse")

RNG = np.random.default_rng(0)
N, D = 300, 40
DENSE = np.where(RNG.random((N, D)) < 0.1, RNG.standard_normal((N, D)), 0.0)
DENSE[[5, 6, 9]] = 0  # rows without entries, each a minibatch where these have one row
DENSE[:, 7] = 0  # a column without
Y = DENSE @ RNG.standard_normal(D) + 1 + 0.1 * RNG.standard_normal(N)
WEIGHTS = RNG.uniform(0.5, 2, N)
FORMS = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "csr array": sparse.csr_array}


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    monkeypatch.setattr(npreg.arrays.sparse, "DENSE_BYTES", 0)


OPTIONS = {
    "plain": {},
    "loop": {"engine": "loop"},
    "moments": {"engine": "moments"},
    "l2": {"l2": 0.1},
    "strong l2": {"l2": 20.0, "lr": 0.05},
    "huber": {"loss": "huber"},
    "absolute": {"loss": "absolute", "l2": 0.1},
    "average": {"average": 0.5, "num_epochs": 4},
    "average and l2": {"average": 0.5, "l2": 0.1},
    "weights": {"sample_weight": WEIGHTS},
    "momentum": {"rule": "momentum", "lr": 0.003},
    "l1": {"l1": 0.01},
    "no intercept": {"fit_intercept": False},
    "every step": {"callbacks": npreg.Record("step"), "l2": 0.1},
    "schedule": {"lr": (0.03, "cosine")},
    "validation": {"validation": 0.2},
    "auto": {"lr": "auto", "standardize": False},
    "batches": {"batch_size": 7},
    "whole": {"batch_size": 500},
    "single rows": {"batch_size": 1, "l2": 0.1},
}


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", OPTIONS)
def test_the_run_of_an_array(case, dtype):
    features, labels = DENSE.astype(dtype), Y.astype(dtype)
    options = {"rng": 1, **OPTIONS[case]}
    expected = npreg.train(features, labels, **options)
    run = npreg.train(sparse.csr_matrix(features), labels, **options)
    tolerance = 1e-9 if dtype == np.float64 else 2e-3
    assert run.w.dtype == dtype
    np.testing.assert_allclose(run.w, expected.w, atol=tolerance)
    np.testing.assert_allclose(run.losses, expected.losses, rtol=10 * tolerance)
    if expected.trajectory is not None:
        np.testing.assert_allclose(run.trajectory.w, expected.trajectory.w, atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
def test_forms(form):
    matrix = FORMS[form](DENSE)
    before = matrix.copy()
    run = npreg.train(matrix, np.column_stack([Y, -Y]), rng=1)
    assert abs(matrix - before).sum() == 0
    both = npreg.train(DENSE, np.column_stack([Y, -Y]), rng=1)
    np.testing.assert_allclose(run.w, both.w, atol=1e-12)
    np.testing.assert_allclose(run.predict(matrix), DENSE @ run.w + run.b, atol=1e-12)
    whole = sparse.csr_matrix((np.ones(4), [1, 1, 0, 2], [0, 3, 4]), (2, 3))  # an entry twice
    np.testing.assert_array_equal(np.asarray(as_sparse(whole, "X")), [[1, 2, 0], [0, 0, 1]])


def test_columns_are_scaled_and_not_centred():
    sd = DENSE.std(axis=0)
    sd[sd == 0] = 1
    zeros = {"w": np.zeros((D, 1)), "b": [0.0], "rng": 1}
    for weights in (None, WEIGHTS):
        if weights is not None:
            mean = np.average(DENSE, axis=0, weights=weights)
            sd = np.sqrt(np.average((DENSE - mean) ** 2, axis=0, weights=weights))
            sd[sd == 0] = 1
        expected = npreg.train(DENSE / sd, Y, sample_weight=weights, **zeros)
        run = npreg.train(sparse.csr_matrix(DENSE), Y, standardize=True, sample_weight=weights, **zeros)
        np.testing.assert_allclose(run.w[:, 0], expected.w[:, 0] / sd, atol=1e-12)
        np.testing.assert_allclose(run.b, expected.b, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"sample_weight": WEIGHTS}, {"batch_size": 3}], ids=str)
def test_sweep_and_bound(options):
    settings = {"lrs": [0.01, 0.1], "l2": [0, 0.3], "rng": 1, **options}
    expected, found = npreg.sweep(DENSE, Y, **settings), npreg.sweep(sparse.csc_matrix(DENSE), Y, **settings)
    np.testing.assert_allclose(found.w, expected.w, atol=1e-10)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-8)
    np.testing.assert_allclose(found.bound, expected.bound, rtol=1e-10)


def test_rows():
    rows = as_sparse(sparse.csr_matrix(DENSE), "X")
    assert isinstance(rows, SparseRows)
    for some in (slice(3, 50), slice(0, 0), slice(None, None, 7), np.array([4, 5, 5, 299])):
        np.testing.assert_array_equal(np.asarray(rows[some]), DENSE[some])
    np.testing.assert_allclose(rows[10:90].dot(np.ones((D, 2))), DENSE[10:90].dot(np.ones((D, 2))))
    np.testing.assert_allclose(rows[10:90].squares_of_rows(), (DENSE[10:90] ** 2).sum(axis=1))
    np.testing.assert_array_equal(np.asarray(rows.subset(np.array([9, 5]))), DENSE[[9, 5]])


def test_blocks_of_rows():
    blocks = npreg.RowBlocks.of(sparse.csr_matrix(DENSE), Y, 100)
    found, expected = (npreg.train(each, rng=1) for each in (blocks, npreg.RowBlocks.of(DENSE, Y, 100)))
    np.testing.assert_allclose(found.w, expected.w, atol=1e-12)


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
def test_what_is_refused():
    bad = sparse.csr_matrix(DENSE)
    bad.data[3] = np.nan
    with pytest.raises(ValueError, match="the stored entries of features has nan"):
        npreg.train(bad, Y)
    with pytest.raises(TypeError, match="complex128; real numbers are needed"):
        npreg.train(sparse.csr_matrix(DENSE * 1j), Y)
    with pytest.raises(ValueError, match="do not fit features of shape"):
        npreg.train(sparse.csr_matrix(DENSE), Y[:-1])
    with pytest.raises(TypeError, match=r"is a sparse matrix; .* features = features.toarray"):
        npreg.least_squares(sparse.csr_matrix(DENSE), Y)
    with pytest.raises(npreg.DivergenceError):
        npreg.train(sparse.csr_matrix(DENSE), Y, lr=1e3, num_epochs=20)


def test_a_matrix_without_entries():
    run = npreg.train(sparse.csr_matrix((N, D)), Y, rng=1, num_epochs=20)
    assert not run.predict(sparse.csr_matrix((3, D)))[:, 0].max() - run.b[0]
    assert abs(run.b[0] - Y.mean()) < 0.1


def test_last_step_of_a_pipeline():
    pytest.importorskip("sklearn")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    from npreg.sklearn import MinibatchSGDRegressor

    rng = np.random.default_rng(0)
    codes = rng.integers(0, 30, (2000, 3))
    y = codes[:, 0] * 0.3 - (codes[:, 1] % 5) + 0.1 * rng.standard_normal(2000)
    model = make_pipeline(OneHotEncoder(), MinibatchSGDRegressor(random_state=0)).fit(codes, y)
    assert model.score(codes, y) > 0.99
    words = [f"word{i}" for i in range(50)]
    texts = [" ".join(rng.choice(words, 8)) for _ in range(500)]
    lengths = np.array([text.count("1") for text in texts], float)
    features = TfidfVectorizer().fit_transform(texts)
    exact = Ridge(1e-3).fit(features, lengths).score(features, lengths)
    model = make_pipeline(TfidfVectorizer(), MinibatchSGDRegressor(random_state=0)).fit(texts, lengths)
    assert model.score(texts, lengths) > exact - 0.02
    model[-1].partial_fit(features, lengths)


def test_wide_matrices_take_no_room():
    """100,000 columns, ten entries a row: as an array 8 GB."""
    rng = np.random.default_rng(0)
    n, d = 10_000, 100_000
    columns = rng.integers(0, d, n * 10)
    matrix = sparse.csr_matrix((np.ones(n * 10), columns, np.arange(0, 10 * n + 1, 10)), (n, d))
    labels = matrix @ rng.standard_normal(d)
    run = npreg.train(matrix, labels, rng=0, lr=0.1, num_epochs=2)
    assert run.losses[-1] < 0.9 * np.var(labels) / 2
