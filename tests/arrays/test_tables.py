"""Tables that people bring: what is taken, what is refused, and that every cure in an error is one."""

from __future__ import annotations

import datetime
import decimal
import re
import types

import numpy as np
import pytest

import npreg
from npreg.arrays import as_data, as_float_array

pd = pytest.importorskip("pandas")

N = 40
RNG = np.random.default_rng(0)
AGE, BIG, YES = RNG.normal(40, 9, N).round(1), RNG.integers(0, 9, N), RNG.random(N) < 0.4
Y = AGE - 2.0 * BIG + 3 * YES
NAMES = ("age", "big", "yes")


def refusal(call, *args, error=TypeError):
    """What the call says when it refuses, "" if it does not."""
    try:
        call(*args)
    except error as refused:
        return str(refused)
    return ""


def frame(**more):
    return pd.DataFrame({"age": AGE, "big": BIG, "yes": YES, **more})


# --- dtypes and copies ------------------------------------------------------------------------------------


def test_a_frame_of_floats_is_not_copied():
    given = pd.DataFrame(RNG.standard_normal((5, 2)), columns=["a", "b"])
    assert np.shares_memory(as_float_array(given, "x"), given.to_numpy())


@pytest.mark.parametrize(
    ("columns", "dtype"),
    [
        ({"a": "float32", "b": "bool"}, "float32"),
        ({"a": "Float32", "b": "boolean"}, "float64"),  # a boolean column that might miss values
        ({"a": "float32", "b": "float64"}, "float64"),
        ({"a": "int8", "b": "bool"}, "float64"),
    ],
)
def test_dtypes_of_mixed_columns(columns, dtype):
    given = pd.DataFrame({"a": [1, 2, 0], "b": [True, False, True]}).astype(columns)
    assert as_data(given, [1, 2, 3]).X.dtype == dtype


def test_the_dtype_of_a_frame_counts_like_that_of_an_array():
    X, y = np.ones((3, 1)), np.ones(3)
    for X_dtype, y_dtype, result in [("f4", "f4", "f4"), ("f8", "f4", "f8"), ("f4", "f8", "f8"), ("i8", "f4", "f4")]:
        data = as_data(pd.DataFrame(X.astype(X_dtype)), pd.Series(y.astype(y_dtype)))
        assert data.X.dtype == data.y.dtype == np.dtype(result)


# --- names ------------------------------------------------------------------------------------------------


def test_names_are_kept_and_predict_goes_by_them():
    for fit in (npreg.train(frame(), Y, lr="auto", rng=0), npreg.least_squares(frame(), Y)):
        assert fit.feature_names == NAMES
        expected = fit.predict(frame())
        np.testing.assert_array_equal(fit.predict(frame()[["yes", "age", "big"]]), expected)
        np.testing.assert_array_equal(fit.predict(frame().to_numpy(float)), expected)  # no names: by position
        with pytest.raises(ValueError, match=r"lack columns 'yes', which were learned from; there are 'age', 'big'$"):
            fit.predict(frame()[["age", "big"]])
        with pytest.raises(ValueError, match="lack columns 'age'"):
            fit.predict(frame().rename(columns={"age": "Age"}))
        with pytest.raises(ValueError, match="takes them alone") as caught:
            fit.predict(frame(more=1.0))
        cure = re.search(r": (features\[.*\]) takes", str(caught.value))[1]
        np.testing.assert_array_equal(fit.predict(eval(cure, {"features": frame(more=1.0), "result": fit})), expected)


def test_columns_that_are_only_counted_have_no_names():
    given = pd.DataFrame(frame().to_numpy(float))
    fit = npreg.least_squares(given, Y)
    assert fit.feature_names is None
    np.testing.assert_array_equal(fit.predict(given[[2, 0, 1]]), fit.predict(given))
    np.testing.assert_array_equal(fit.predict(given.rename(columns=str)), fit.predict(given))


def test_names_survive_pickling_and_blocks():
    import dataclasses
    import pickle

    data = as_data(frame(), Y)
    again = pickle.loads(pickle.dumps(data))
    assert (type(again), again.names) == (type(data), NAMES)
    assert data.head(3).names == dataclasses.replace(data, X=data.X).names == NAMES
    blocks = npreg.RowBlocks.of(frame(), Y, block_rows=15)
    assert blocks[1].names == NAMES
    assert npreg.train(blocks, lr="auto", rng=0, num_epochs=1).feature_names == NAMES
    mixed = npreg.RowBlocks(lambda i: (frame()[list(NAMES) if i else ["age", "yes", "big"]], Y), rows=[N, N])
    with pytest.raises(ValueError, match="block 1 has columns 'age', 'big', 'yes'; block 0 has 'age', 'yes', 'big'"):
        npreg.train(mixed, lr="auto", rng=0)


def test_validation_rows_go_by_names():
    options = {"lr": "auto", "rng": 0, "num_epochs": 3}
    expected = npreg.train(frame(), Y, validation=(frame(), Y), **options)
    got = npreg.train(frame(), Y, validation=(frame()[["yes", "big", "age"]], Y), **options)
    np.testing.assert_allclose(got.validation_losses, expected.validation_losses, rtol=1e-12)
    with pytest.raises(ValueError, match="lack columns 'age'"):
        npreg.train(frame(), Y, validation=(frame().rename(columns={"age": "x"}), Y), **options)


def test_errors_name_the_column():
    given = frame()
    given.loc[38, "age"] = np.nan
    for call in (npreg.train, npreg.least_squares, lambda X, y: npreg.sweep(X, y, lrs=[0.1])):
        with pytest.raises(ValueError, match="features has nan at column 'age', row 38, counted from 0"):
            call(given, Y)
    with pytest.warns(npreg.LearningRateWarning, match="scale column 'age'"), pytest.raises(npreg.DivergenceError):
        npreg.train(frame(), Y, lr=1.0, rng=0, num_epochs=50)


# --- rows that belong together ----------------------------------------------------------------------------


def test_an_index_that_does_not_match_is_refused():
    given, labels = frame(), pd.Series(Y)
    order = RNG.permutation(N)
    calls = {
        "labels": lambda other: npreg.train(given, other, rng=0, lr="auto"),
        "labels ": lambda other: npreg.least_squares(given, other),
        "labels  ": lambda other: npreg.sweep(given, other, lrs=[1e-5], rng=0),
        "labels   ": lambda other: list(npreg.data_iter(3, given, other, rng=0)),
        "sample_weight": lambda other: npreg.train(given, Y, sample_weight=other.abs(), rng=0, lr="auto"),
    }
    for name, call in calls.items():
        name = name.strip()
        for other in (labels[order], labels.set_axis(range(1, N + 1))):
            with pytest.raises(ValueError, match=f"{name} have another index than features") as caught:
                call(other)
            space = {name: other, "features": given}
            exec(re.search(rf"{name} = \S+", str(caught.value))[0], space)
            call(pd.Series(space[name]).set_axis(given.index))
        call(labels)
    npreg.least_squares(given.set_axis([0.5, *range(1, N)]), Y)  # an array has no index


# --- cures ------------------------------------------------------------------------------------------------

DAYS = [datetime.date(2020, 1, 1) + datetime.timedelta(int(i)) for i in range(N)]
WORDS = ["Torgersen" if yes else "Biscoe" for yes in YES]
COLUMNS = {
    "text": WORDS,
    "text of numbers": [str(value) for value in BIG],
    "objects": np.array([*AGE[:-1], decimal.Decimal("1.5")], object),
    "dates": np.array(DAYS, "datetime64[ms]"),
    "times": np.array(DAYS, "datetime64[ms]") - np.datetime64("2019-01-01"),
    "complex": BIG + 0j,
    "date objects": np.array(DAYS, object),
    "sets": np.array([{1}] * N, object),
}
ONLY_PANDAS = {
    "categories": pd.Categorical(WORDS),
    "numbers as categories": pd.Categorical(BIG),
    "with a time zone": pd.Series(np.array(DAYS, "datetime64[ns]")).dt.tz_localize("UTC"),
    "periods": pd.period_range("2020", periods=N, freq="D"),
}


def structured(column):
    column = np.asarray(column)
    table = np.zeros(N, [("age", float), ("odd one", column.dtype)])
    table["age"], table["odd one"] = AGE, column
    return table


def as_library_has_it(column):
    """Objects as lists, Decimals for any of them: polars and Arrow have columns for these."""
    array = np.asarray(column)
    if array.dtype.kind == "c" or isinstance(array.flat[0], set):
        pytest.skip("polars and Arrow have no columns of complex numbers, nor of sets")
    if array.dtype == object and isinstance(array[0], float):
        return [decimal.Decimal(str(value)) for value in array]
    return array.tolist() if array.dtype == object else array


def polars_frame(column):
    return pytest.importorskip("polars").DataFrame({"age": AGE, "odd one": as_library_has_it(column)})


def arrow_table(column):
    return pytest.importorskip("pyarrow").table({"age": AGE, "odd one": as_library_has_it(column)})


MAKERS = {
    "pandas": lambda column: pd.DataFrame({"age": AGE, "odd one": column}),
    "structured": structured,
    "polars": polars_frame,
    "Arrow": arrow_table,
    "rows": lambda column: [list(row) for row in zip(AGE, column, strict=True)],
}
CALLS = {
    "train": lambda X: npreg.train(X, Y, lr="auto", rng=0, num_epochs=1),
    "validation": lambda X: npreg.train(AGE[:, None], Y, validation=(X, Y), lr="auto", rng=0),
    "sweep": lambda X: npreg.sweep(X, Y, lrs=[1e-6], rng=0),
    "least_squares": lambda X: npreg.least_squares(X, Y),
    "max_learning_rate": lambda X: npreg.max_learning_rate(X, 2),
    "data_iter": lambda X: npreg.data_iter(2, X, Y, rng=0),
    "predict": lambda X: npreg.least_squares(AGE[:, None], Y).predict(X),
    "blocks": lambda X: npreg.train(npreg.RowBlocks(lambda i: (X, Y), rows=[N]), lr="auto", rng=0),
}


def mended(name, values, message):
    """The values after the line of code that ends an error's text."""
    space = {name: values, "pandas": pd, "np": np}
    code = re.search(rf"{name}(\[[^\]]+\])? = .*?$", message)
    if code is None:
        code = re.search(rf"np\.asarray\({name}, dtype=float\)$|\S+\.real$|\(\S+ - .*$", message)
        return eval(code[0], space)
    exec(code[0], space)
    return space[name]


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("content", [*COLUMNS, *ONLY_PANDAS])
def test_columns_that_are_no_numbers_are_refused_with_a_cure(content, maker):
    if content in ONLY_PANDAS and maker != "pandas":
        return
    features, steps = MAKERS[maker]({**COLUMNS, **ONLY_PANDAS}[content]), 0
    while (message := refusal(as_data, features, Y)) and steps < 4:
        for where, call in CALLS.items():
            assert refusal(call, features).endswith(message), where
        features = mended("features", features, message)
        steps += 1
    assert 1 <= steps <= 3, message
    expected = {"sets": 1, "periods": 1, "numbers as categories": len({*BIG})}.get(content, 2)
    assert len(npreg.least_squares(features, Y).w) == expected


@pytest.mark.parametrize("content", ["text", "text of numbers", "dates", "times", "complex", "objects"])
@pytest.mark.parametrize("form", [np.array, list, pd.Series])
def test_labels_that_are_no_numbers(content, form):
    labels, steps = form(COLUMNS[content]), 0
    while (message := refusal(as_data, AGE[:, None], labels)) and steps < 3:
        labels = mended("labels", labels, message)
        steps += 1
    assert 1 <= steps <= 2, message
    assert as_data(AGE[:, None], labels).y.shape == (N, 1)


def test_rows_with_something_missing_can_be_removed():
    holes = AGE.copy()
    holes[[3, 17]] = np.nan
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    masked = np.ma.masked_invalid(np.c_[holes, BIG])
    for given in (
        np.c_[holes, BIG],
        np.c_[holes, BIG].tolist(),
        masked,
        frame().assign(age=holes),
        frame().assign(age=pd.array(holes, "Float64")).convert_dtypes(),
        frame().assign(age=holes).astype({"age": "float64[pyarrow]"}),
        pl.DataFrame({"age": holes, "big": BIG}).fill_nan(None),
        pa.table({"age": pa.array(holes, from_pandas=True), "big": BIG}),
    ):
        with pytest.raises(ValueError, match=r"nan at .*row 3|has masked entries") as caught:
            as_data(given, Y)
        space = {"features": given, "np": np}
        exec(re.search(r"keep = .*(?= tells)", str(caught.value))[0], space)
        keep = np.asarray(space["keep"])
        assert keep.sum() == N - 2
        rows = given.filter(keep) if hasattr(given, "filter") and not hasattr(given, "iloc") else None
        rows = np.asarray(given)[keep] if isinstance(given, list) else given[keep] if rows is None else rows
        assert as_data(rows, Y[keep]).X.shape[0] == N - 2
    with pytest.raises(ValueError, match="labels has masked entries") as caught:
        as_data(np.ones((N, 1)), np.ma.masked_invalid(holes))


def test_one_column_and_labels_in_a_row():
    for given in (AGE, AGE.tolist(), pd.Series(AGE)):
        with pytest.raises(ValueError, match="must be 2-D") as caught:
            as_data(given, Y)
        cure = re.search(r"; (\S.*) makes one column", str(caught.value))[1]
        assert as_data(eval(cure, {"features": given, "np": np}), Y).X.shape == (N, 1)
    with pytest.warns(PendingDeprecationWarning):
        row = np.matrix(Y)
    for labels in (Y[None], row, [Y.tolist()], pd.DataFrame(Y[None])):
        with pytest.raises(ValueError, match="makes it so") as caught:
            as_data(AGE[:, None], labels)
        cure = re.search(r"; (\S+) makes it so", str(caught.value))[1]
        assert as_data(AGE[:, None], eval(cure, {"labels": labels, "np": np})).y.shape == (N, 1)


def test_what_has_to_be_fetched_first():
    scipy = pytest.importorskip("scipy.sparse")
    pl, dask = pytest.importorskip("polars"), pytest.importorskip("dask.array")
    given = np.c_[AGE, BIG]
    for features, word in (
        (scipy.csr_matrix(given), "sparse"),
        (pl.LazyFrame({"age": AGE, "big": BIG}), "lazy"),
        (dask.from_array(given), "Dask"),
    ):
        with pytest.raises(TypeError, match=word) as caught:
            npreg.least_squares(features, Y)
        space = {"features": features}
        exec(re.search(r"features = .*", str(caught.value))[0], space)
        np.testing.assert_array_equal(as_data(space["features"], Y).X, given)


def test_what_will_not_become_an_array():
    tensor = types.SimpleNamespace()

    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("call detach() first")

    for value, text in ((Tensor(), "cannot be read as an array: call detach"), (tensor, "not SimpleNamespace")):
        with pytest.raises(TypeError, match=text):
            as_float_array(value, "features")
