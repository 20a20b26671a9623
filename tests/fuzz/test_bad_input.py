"""What comes in wrong is refused at the door, with an error that says what it was and what to do about it.

Each row of a table is one mistake; it is tried on every public function that takes such an argument.
"""

from __future__ import annotations

import decimal
import re

import numpy as np
import pytest

import npreg

X = np.arange(12.0).reshape(6, 2) / 10
Y = np.arange(6.0)
X.flags.writeable = Y.flags.writeable = False  # whatever happens, nothing is written into what came in
W, B = np.ones((2, 1)), np.zeros(1)


def with_nan(array, place, value=np.nan):
    array = np.array(array)
    array[place] = value
    return array


def refused(error, text, call, *args, **kwargs):
    """The call raises exactly this error, with this text (plain, not a pattern) in its message."""
    with pytest.raises(error, match=re.escape(text)) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is error


# --- features and labels ----------------------------------------------------------------------------------

TAKE_DATA = {
    "train": lambda X, y: npreg.train(X, y, rng=0),
    "train, other loss": lambda X, y: npreg.train(X, y, loss="huber", rng=0),
    "train, no epoch": lambda X, y: npreg.train(X, y, num_epochs=0, rng=0),
    "train, validation": lambda X_, y_: npreg.train(X, Y, validation=(X_, y_), rng=0),
    "sweep": lambda X, y: npreg.sweep(X, y, lrs=[0.1], rng=0),
    "data_iter": lambda X, y: npreg.data_iter(2, X, y, rng=0),
    "least_squares": npreg.least_squares,
    "read blocks": lambda X, y: npreg.train(npreg.RowBlocks(lambda i: (X, y), rows=[6]), rng=0),
}
TAKE_FEATURES = {**TAKE_DATA, "max_learning_rate": lambda X, y: npreg.max_learning_rate(X, 2)}

FIRST = "convert it to numbers first, for example with np.asarray"
FEATURES = {
    "1-D": (X[:, 0], ValueError, "must be 2-D (rows, columns), not of shape (6,); features.reshape(-1, 1)"),
    "3-D": (X[None], ValueError, "must be 2-D (rows, columns), not of shape (1, 6, 2); one row an example"),
    "a number": (1.0, ValueError, "must be 2-D (rows, columns), not of shape ()"),
    "no rows": (X[:0], ValueError, "is empty: shape (0, 2); at least one row and one column are needed"),
    "no columns": (X[:, :0], ValueError, "is empty: shape (6, 0); at least one row and one column"),
    "empty list": ([], ValueError, "must be 2-D (rows, columns), not of shape (0,)"),
    "NaN": (with_nan(X, (3, 1)), ValueError, "has nan at row 3, column 1, counted from 0 (1 such value in all)"),
    "inf": (with_nan(X, (2, 0), np.inf), ValueError, "has inf at row 2, column 0"),
    "-inf": (with_nan(X, ([5, 4], [0, 1]), -np.inf), ValueError, "-inf at row 4, column 1, counted from 0 (2"),
    "NaN, float32": (with_nan(X, (0, 1)).astype("f4"), ValueError, "has nan at row 0, column 1"),
    "complex": (X + 1j, TypeError, "is complex (complex128); take its real part, features.real"),
    "object": (X.astype(object), TypeError, f"has dtype object; {FIRST}(features, dtype=float)"),
    "None inside": (
        [[1, 2], [3, None], *[[5, 6]] * 4],
        TypeError,
        f"has dtype object, with None at row 1, column 1; {FIRST}",
    ),
    "Decimal": ([[decimal.Decimal(1)]] * 6, TypeError, "with Decimal('1') at row 0, column 0"),
    "text": ([["1", "2"]] * 6, TypeError, f"holds text (dtype <U1); {FIRST}(features, dtype=float)"),
    "bytes": (np.full((6, 2), b"1"), TypeError, "holds text (dtype |S1)"),
    "dates": (np.zeros((6, 2), "datetime64[D]"), TypeError, "dtype datetime64[D]; make numbers of times"),
    "times": (np.zeros((6, 2), "timedelta64[s]"), TypeError, "dtype timedelta64[s]; make numbers of times"),
    "records": (np.zeros((6, 2), [("a", float)]), TypeError, "has dtype [('a', '<f8')]; numbers"),
    "ragged": ([[1, 2], [3]] * 3, TypeError, "no rectangular array of numbers: its rows are of different len"),
    "None": (None, TypeError, "must be an array of numbers, not NoneType"),
    "dict": ({"a": 1}, TypeError, "must be an array of numbers, not dict"),
    "a name": ("data.csv", TypeError, "must be an array of numbers, not str"),
    "generator": ((row for row in X), TypeError, "must be an array of numbers, not generator"),
    "masked": (np.ma.masked_greater(X, 0.5), ValueError, "has masked entries; remove or fill these rows first"),
}
LABELS = {
    "too short": (Y[:5], ValueError, "(5,) do not fit features of shape (6, 2); needed is (6,), or (6, k)"),
    "too long": (np.arange(7.0), ValueError, "(7,) do not fit features of shape (6, 2); needed is (6,)"),
    "a row": (Y[None], ValueError, "(1, 6) do not fit features of shape (6, 2)"),
    "cure of a row": (Y[None], ValueError, "labels.reshape(-1) makes it so"),
    "3-D": (Y[:, None, None], ValueError, "(6, 1, 1) do not fit features of shape (6, 2)"),
    "a number": (3.0, ValueError, "() do not fit features of shape (6, 2)"),
    "no outputs": (np.ones((6, 0)), ValueError, "(6, 0) do not fit features of shape (6, 2)"),
    "empty": ([], ValueError, "(0,) do not fit features of shape (6, 2)"),
    "NaN": (with_nan(Y, 4), ValueError, "labels has nan at row 4, counted from 0 (1 such value in all)"),
    "inf, 2 outputs": (with_nan(np.ones((6, 2)), (1, 1), np.inf), ValueError, "labels has inf at row 1, column 1"),
    "complex": (Y + 0j, TypeError, "labels is complex (complex128); take its real part, labels.real"),
    "text": (list("abcdef"), TypeError, "labels holds text (dtype <U1)"),
    "None inside": ([0, 1, None, 3, 4, 5], TypeError, "labels has dtype object, with None at row 2"),
    "dates": (Y.astype("datetime64[s]"), TypeError, "labels has dtype datetime64[s]"),
    "ragged": ([[1], [2, 3], [1], [1], [1], [1]], TypeError, "labels is no rectangular array"),
    "set": ({1, 2, 3, 4, 5, 6}, TypeError, "labels must be an array of numbers, not set"),
    "masked": (np.ma.masked_equal(Y, 2), ValueError, "labels has masked entries"),
}


@pytest.mark.parametrize("where", TAKE_FEATURES)
@pytest.mark.parametrize("case", FEATURES)
def test_features(case, where):
    features, error, text = FEATURES[case]
    if case == "Decimal":
        features = np.array(features)
    refused(error, text, TAKE_FEATURES[where], features, Y)


@pytest.mark.parametrize("where", TAKE_DATA)
@pytest.mark.parametrize("case", LABELS)
def test_labels(case, where):
    labels, error, text = LABELS[case]
    refused(error, text, TAKE_DATA[where], X, labels)


@pytest.mark.parametrize("case", FEATURES)
def test_features_cut_into_blocks(case):
    """The same mistakes in arrays that are read block by block: the block is named, rows count from there."""
    features, error, _ = FEATURES[case]
    error = (ValueError, TypeError) if case == "a number" else error
    pattern = r"block \d+: features|features (is empty|must be an array)|do not fit features of shape"
    if case == "a name":  # of a file, here
        error, pattern = FileNotFoundError, r"data\.csv"
    with pytest.raises(error, match=pattern):
        npreg.train(npreg.RowBlocks.of(features, Y, 3), rng=0)


def test_blocks_say_which():
    refused(
        ValueError,
        "block 1: features has nan at row 0, column 1",
        npreg.train,
        npreg.RowBlocks.of(with_nan(X, (3, 1)), Y, 3),
    )
    refused(
        ValueError,
        "labels of shape (5,) do not fit features of shape (6, 2); needed are 6 rows",
        npreg.RowBlocks.of,
        X,
        Y[:5],
        3,
    )
    refused(
        ValueError,
        "block 1 has 3 rows, not the 4 that were announced",
        npreg.train,
        npreg.RowBlocks(lambda i: (X[:3], Y[:3]), rows=[3, 4]),
    )
    refused(
        ValueError,
        "block 1 has 1 features, 1 outputs and dtype float64; block 0 has 2, 1 and float64",
        npreg.train,
        npreg.RowBlocks(lambda i: (X[:, i:], Y), rows=[6, 6]),
    )
    refused(
        TypeError, "block 0: read must return (features, labels)", npreg.train, npreg.RowBlocks(lambda i: X, rows=[6])
    )
    refused(TypeError, "read must be a function of a block's number, not 3", npreg.RowBlocks, 3, rows=[6])
    refused(TypeError, "rows must be a sequence", npreg.RowBlocks, print, rows=6)
    refused(ValueError, "rows is empty", npreg.RowBlocks, print, rows=[])
    refused(ValueError, "rows must be at least 1, not 0", npreg.RowBlocks, print, rows=[3, 0])
    blocks = npreg.RowBlocks(lambda i: (X, Y), rows=[6])
    refused(TypeError, "RowBlocks bring their own labels", npreg.train, blocks, Y)
    refused(
        ValueError,
        "validation must be (features, labels) or RowBlocks, not a fraction",
        npreg.train,
        blocks,
        validation=0.5,
    )


def test_features_too_large_to_square():
    refused(ValueError, "features reach 1.1e+200 (column 1)", npreg.train, X * 1e200, Y)
    refused(ValueError, "scale column 1", npreg.max_learning_rate, X * 1e200, 2)


def test_labels_are_needed():
    refused(TypeError, "labels are missing", npreg.train, X)


# --- what is accepted -------------------------------------------------------------------------------------

ACCEPTED = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(a.tolist()),
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "longdouble": lambda a: a.astype(np.longdouble),
    "int": lambda a: a.astype(np.int64),
    "uint8": lambda a: a.astype(np.uint8),
    "bool": lambda a: a > 2,
    "big endian": lambda a: a.astype(">f8"),
    "Fortran order": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed": lambda a: a[::-1][::-1],
    "masked nowhere": np.ma.array,
}


@pytest.mark.parametrize("convert", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(convert):
    """Whatever np.asarray makes real numbers of is the same as that array; dtypes as promised."""
    features, labels = np.arange(12.0).reshape(6, 2) % 5, np.arange(6.0)
    X, y = convert(features), convert(labels)
    dtype = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
    expected = npreg.train(np.asarray(X, dtype), np.asarray(y, dtype), rng=0)
    got = npreg.train(X, y, rng=0)
    assert got.w.dtype == dtype
    np.testing.assert_array_equal(got.w, expected.w)
    np.testing.assert_array_equal(got.b, expected.b)
    swept = npreg.sweep(X, y, lrs=[0.03], rng=0)
    np.testing.assert_allclose(swept.w[0], expected.w, rtol=1e-6)
    (X_all, y_all), rows = next(npreg.data_iter(6, X, y, rng=1)), np.random.default_rng(1).permutation(6)
    np.testing.assert_array_equal(X_all, np.asarray(X, float)[rows])
    np.testing.assert_array_equal(y_all, np.asarray(y, float)[rows])
    assert npreg.max_learning_rate(X, 2) == npreg.max_learning_rate(np.asarray(X, dtype), 2)


def test_mixed_dtypes():
    """float64 wins over float32, either wins over integers."""
    for X_dtype, y_dtype, result in [
        ("f4", "f4", "f4"),
        ("f4", "f8", "f8"),
        ("f8", "f4", "f8"),
        ("f4", "i8", "f4"),
        ("i8", "f4", "f4"),
        ("?", "?", "f8"),
    ]:
        run = npreg.train(np.ones((3, 1)).astype(X_dtype), np.ones(3).astype(y_dtype), rng=0)
        assert run.w.dtype == run.b.dtype == np.dtype(result)


def test_pandas():
    pd = pytest.importorskip("pandas")
    expected = npreg.train(X, Y, rng=0)
    index = [0.5, 2.5, 1.5, 7.0, 8.0, 9.0]
    frame, series = pd.DataFrame(X, columns=["a", "b"], index=index), pd.Series(Y, index=index)
    for labels in (series, series.to_frame()):
        got = npreg.train(frame, labels, rng=0)
        np.testing.assert_array_equal(got.w, expected.w)
    blocks = npreg.train(npreg.RowBlocks.of(frame, series, 4), rng=0)
    np.testing.assert_array_equal(blocks.w, npreg.train(npreg.RowBlocks.of(X, Y, 4), rng=0).w)
    swept = npreg.sweep(frame, series, lrs=[0.03], rng=0)
    np.testing.assert_allclose(swept.w[0], expected.w, rtol=1e-12)
    frame.loc[2.5, "b"] = np.nan
    refused(ValueError, "features has nan at column 'b', row 1, counted", npreg.train, frame, series)
    words = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Series(["x", "y"], dtype=object)})
    refused(TypeError, "features column 'b' has dtype object, with 'x' at row 0", npreg.train, words, [1, 2])


# --- counts and numbers -----------------------------------------------------------------------------------

COUNTS = {
    "float": (2.0, TypeError, "must be a whole number, not 2.0"),
    "half": (2.5, TypeError, "must be a whole number, not 2.5"),
    "bool": (True, TypeError, "must be a whole number, not True"),
    "text": ("3", TypeError, "must be a whole number, not '3'"),
    "None": (None, TypeError, "must be a whole number, not None"),
    "NaN": (np.nan, TypeError, "must be a whole number, not nan"),
    "array": (np.array([2]), TypeError, "must be a whole number, not array([2])"),
}
BATCH_SIZES = {
    **COUNTS,
    "zero": (0, ValueError, "batch_size must be at least 1, not 0"),
    "negative": (-3, ValueError, "batch_size must be at least 1, not -3"),
}
TAKE_BATCH_SIZE = {
    "train": lambda B: npreg.train(X, Y, batch_size=B),
    "train, no epoch": lambda B: npreg.train(X, Y, batch_size=B, num_epochs=0),
    "sweep": lambda B: npreg.sweep(X, Y, lrs=[0.1], batch_size=B),
    "data_iter": lambda B: npreg.data_iter(B, X, Y),
    "sgd": lambda B: npreg.sgd([W], [W], 0.1, B),
    "max_learning_rate": lambda B: npreg.max_learning_rate(X, B),
}


@pytest.mark.parametrize("where", TAKE_BATCH_SIZE)
@pytest.mark.parametrize("case", BATCH_SIZES)
def test_batch_size(case, where):
    value, error, text = BATCH_SIZES[case]
    if value is None and where == "sgd":  # the notebook's own line has one argument less
        text = "the gradients come second"
    refused(error, text, TAKE_BATCH_SIZE[where], value)


@pytest.mark.parametrize("where", TAKE_BATCH_SIZE)
def test_numpy_integers_are_batch_sizes(where):
    TAKE_BATCH_SIZE[where](np.int64(3))


TAKE_COUNT = {
    ("num_epochs", 0): lambda v: npreg.train(X, Y, num_epochs=v),
    ("num_epochs", 1): lambda v: npreg.sweep(X, Y, lrs=[0.1], num_epochs=v),
    ("patience", 1): lambda v: npreg.EarlyStopping(v),
    ("block_rows", 1): lambda v: npreg.RowBlocks.of(X, Y, v),
    ("num_examples", 1): lambda v: npreg.synthetic_data([1.0], 0.0, v),
    ("num_inputs", 1): lambda v: npreg.init_params(v),
    ("num_outputs", 1): lambda v: npreg.init_params(2, num_outputs=v),
}


@pytest.mark.parametrize(("name", "least"), TAKE_COUNT)
def test_counts(name, least):
    call = TAKE_COUNT[name, least]
    for value, error, text in COUNTS.values():
        if not (value is None and (name, least) == ("num_epochs", 0)):  # the default: 3, or "auto"
            refused(error, f"{name} {text}", call, value)
    refused(ValueError, f"{name} must be at least {least}, not {least - 1}", call, least - 1)
    refused(ValueError, f"{name} must be at least {least}, not -5", call, -5)


NUMBERS = {
    "negative": (-0.5, ValueError, "must be finite and not negative, not -0.5"),
    "NaN": (np.nan, ValueError, "must be finite and not negative, not nan"),
    "inf": (np.inf, ValueError, "must be finite and not negative, not inf"),
    "bool": (True, TypeError, "must be a number, not True"),
    "None": (None, TypeError, "must be a number, not None"),
    "complex": (1j, TypeError, "must be a number, not 1j"),
    "list": ([0.1], TypeError, "must be a number, not [0.1]"),
    "array": (np.array([0.1]), TypeError, "must be a number, not array([0.1])"),
    "text": ("0.1", TypeError, "must be a number, not '0.1'"),
}
TAKE_NUMBER = {
    "lr, train": lambda v: npreg.train(X, Y, lr=v),
    "lr, no epoch": lambda v: npreg.train(X, Y, lr=v, num_epochs=0),
    "lr, sgd": lambda v: npreg.sgd([W], [W], v, 10),
    "l2, train": lambda v: npreg.train(X, Y, l2=v),
    "l2, max_learning_rate": lambda v: npreg.max_learning_rate(X, 2, l2=v),
    "l1": lambda v: npreg.train(X, Y, l1=v),
    "tol": lambda v: npreg.EarlyStopping(1, v),
    "average": lambda v: npreg.train(X, Y, average=v),
    "noise": lambda v: npreg.synthetic_data([1.0], 0.0, 3, noise=v),
    "scale": lambda v: npreg.init_params(3, scale=v),
}


@pytest.mark.parametrize("where", TAKE_NUMBER)
@pytest.mark.parametrize("case", NUMBERS)
def test_numbers(case, where):
    if (case, where) == ("None", "average"):
        return  # None is its default: 0, or what lr="auto" brings along
    value, error, text = NUMBERS[case]
    if case == "text" and where.startswith("lr") and where != "lr, sgd":
        error, text = ValueError, "must be a number or \"auto\", not '0.1'"
    refused(error, f"{where.split(',')[0]} {text}", TAKE_NUMBER[where], value)


def test_settings_of_a_sweep():
    for name in ("lrs", "l2"):
        for value, error, text in [
            (-1, ValueError, "must be finite and not negative, but has -1"),
            ([0.1, np.nan], ValueError, "must be finite and not negative, but has nan"),
            ([np.inf], ValueError, "must be finite and not negative, but has inf"),
            ([], ValueError, "must be a number or a sequence of them, not of shape (0,)"),
            ([[0.1]], ValueError, "must be a number or a sequence of them, not of shape (1, 1)"),
            (["a"], TypeError, "holds text"),
            ([0.1, [1]], TypeError, "rows are of different lengths"),
        ]:
            refused(
                error, f"{name} {text}" if "rows" not in text else text, npreg.sweep, X, Y, **{"lrs": 0.1, name: value}
            )


# --- other arguments of train -----------------------------------------------------------------------------

OPTIONS = {
    "average 1": ({"average": 1}, ValueError, "average must be in [0, 1), the part of the epochs"),
    "engine": ({"engine": "fast"}, ValueError, 'engine must be "auto", "loop", "tight" or "moments", not'),
    "loss name": ({"loss": "mse"}, ValueError, "there are squared, absolute, huber, log_cosh, quantile, or give"),
    "loss elsewhere": ({"loss": "mae"}, ValueError, "or give (value, grad); did you mean 'absolute'?"),
    "loss number": ({"loss": 3}, TypeError, "loss must be one of 'squared', 'absolute'"),
    "loss value alone": ({"loss": np.abs}, TypeError, "a value alone is not enough, its derivative is needed"),
    "rule name": ({"rule": "lbfgs"}, ValueError, "there is no rule 'lbfgs'; there are sgd"),
    "rule class": ({"rule": npreg.SGD}, TypeError, "rule must be one of 'sgd', 'momentum', 'nesterov'"),
    "schedule": ({"lr": (0.03, 0.9)}, TypeError, "schedule must be a function of the epochs done, not 0.9"),
    "schedule < 0": ({"lr": (0.03, lambda t: -1)}, ValueError, "the schedule returned -1.0 at epoch 0"),
    "schedule NaN": ({"lr": (0.03, lambda t: np.nan)}, ValueError, "the schedule returned nan at epoch 0"),
    "three rates": ({"lr": (0.03, None, 1)}, ValueError, 'lr must be a number or "auto", or a pair'),
    "callbacks text": ({"callbacks": "step"}, TypeError, "callbacks must be a function of one Progress, or several"),
    "schedule text": ({"lr": (0.03, lambda t: "a")}, TypeError, "what the schedule returns must be a number"),
    "callbacks": ({"callbacks": 3}, TypeError, "callbacks must be a function of one Progress, or several"),
    "callbacks inside": ({"callbacks": [print, 3]}, TypeError, "callbacks must be a function"),
    "weights short": ({"sample_weight": [1, 2]}, ValueError, "(2,) does not fit features of 6 rows; needed is (6,)"),
    "weights column": ({"sample_weight": Y[:, None]}, ValueError, "of shape (6, 1) does not fit"),
    "weights negative": ({"sample_weight": -Y}, ValueError, "sample_weight has -5 in row 5"),
    "weights zero": ({"sample_weight": 0 * Y}, ValueError, "sample_weight is zero in every row"),
    "weights NaN": ({"sample_weight": with_nan(Y, 1)}, ValueError, "sample_weight has nan at row 1"),
    "weights text": ({"sample_weight": list("abcdef")}, TypeError, "sample_weight holds text"),
    "validation 0": ({"validation": 0}, ValueError, "validation = 0 of 6 rows would hold out 0"),
    "validation 1": ({"validation": 1.0}, ValueError, "would hold out 6; at least one row must be on each side"),
    "validation text": ({"validation": "x"}, TypeError, "validation must be a number, not 'x'"),
    "validation one": ({"validation": (X,)}, ValueError, "a fraction of the rows, or RowBlocks, not a tuple of 1"),
    "validation width": (
        {"validation": (X[:, :1], Y)},
        ValueError,
        "features of 1 columns and labels of 1 do not fit 2",
    ),
    "w length": (
        {"w": np.ones(3)},
        ValueError,
        "w of shape (3,) does not fit 2 features and 1 outputs; needed is (2, 1)",
    ),
    "w row": ({"w": np.ones((1, 2))}, ValueError, "w of shape (1, 2) does not fit 2 features"),
    "w NaN": ({"w": [1, np.nan]}, ValueError, "w has nan at row 1"),
    "w text": ({"w": "ab"}, TypeError, "w must be an array of numbers, not str"),
    "b length": ({"b": np.ones(2)}, ValueError, "b of shape (2,) does not fit"),
    "b NaN": ({"b": np.nan}, ValueError, "b is nan; start from finite parameters"),
    "rng text": ({"rng": "seed"}, TypeError, "rng must be None, a whole number that is not negative"),
    "rng negative": ({"rng": -1}, ValueError, "rng must be None, a whole number that is not negative"),
    "moments, huber": ({"engine": "moments", "loss": "huber"}, ValueError, 'engine="moments" is for the squared'),
    "moments, l1": ({"engine": "moments", "l1": 0.1}, ValueError, "needs steps that are affine maps"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options(case):
    options, error, text = OPTIONS[case]
    refused(error, text, npreg.train, X, Y, **options)


def test_rng_everywhere():
    for call in (
        lambda rng: npreg.sweep(X, Y, lrs=[0.1], rng=rng),
        lambda rng: npreg.data_iter(2, X, Y, rng=rng),
        lambda rng: npreg.synthetic_data([1.0], 0.0, 3, rng=rng),
        lambda rng: npreg.init_params(2, rng=rng),
    ):
        refused(TypeError, "rng must be None, a whole number", call, "seed")
        refused(ValueError, "rng must be None, a whole number", call, -1)


def test_rules_and_losses_have_parameters_in_range():
    for beta in (1, -0.1, np.nan):
        refused(ValueError, "beta must be in [0, 1), not", npreg.Momentum, beta)
    refused(TypeError, "beta must be a number, not 'a'", npreg.Nesterov, "a")
    for call in (npreg.huber_loss, npreg.huber_loss_grad):
        for delta in (0, -1, np.nan, np.inf):
            refused(ValueError, "delta must be between 0 and inf, both excluded, not", call, W, W, delta)
        refused(TypeError, "delta must be a number, not 'a'", call, W, W, "a")
    for call in (npreg.quantile_loss, npreg.quantile_loss_grad):
        for tau in (0, 1, -1, np.nan):
            refused(ValueError, "tau must be between 0 and 1, both excluded, not", call, W, W, tau)
        refused(TypeError, "tau must be a number, not None", call, W, W, None)
    refused(ValueError, "delta must be between 0 and inf", npreg.LOSSES["huber"].bind, delta=0)
    refused(TypeError, "the huber loss has no parameter 'tau'; it has ['delta']", npreg.LOSSES["huber"].bind, tau=0.5)


# --- the functions of the notebook ------------------------------------------------------------------------

VALUES_AND_GRADS = [getattr(npreg, f"{name}_loss{suffix}") for name in npreg.LOSSES for suffix in ("", "_grad")]


@pytest.mark.parametrize("function", VALUES_AND_GRADS, ids=lambda function: function.__name__)
def test_losses_never_broadcast(function):
    y_hat = Y[:, None]
    assert function(y_hat, Y).shape == (6, 1)
    assert function(y_hat, y_hat).shape == (6, 1)
    assert function(Y, Y).shape == (6,)
    for a, b in [
        (y_hat, Y[:5]),
        (y_hat, Y[None]),
        (y_hat, 1.0),
        (1.0, y_hat),
        (np.ones((6, 2)), Y),
        (np.ones((6, 6)), Y),
        (np.ones((6, 2)), y_hat),
        (np.ones((6, 2)), np.ones((2, 6))),
    ]:
        shapes = f"y_hat of shape {np.shape(a)} and y of shape {np.shape(b)} do not fit; needed are equal shapes"
        refused(ValueError, shapes, function, a, b)
    refused(TypeError, "y_hat holds text", function, np.array(["a"]), np.array([1.0]))
    refused(TypeError, "y is complex", function, np.array([1.0]), np.array([1j]))
    refused(TypeError, "y has dtype object", function, np.array([1.0]), np.array([1.0], object))


@pytest.mark.parametrize("function", VALUES_AND_GRADS, ids=lambda function: function.__name__)
def test_losses_of_small_integers_do_not_overflow(function):
    y_hat, y = np.array([[1], [255]], np.uint8), np.array([255, 1], np.uint8)
    np.testing.assert_array_equal(function(y_hat, y), function(y_hat.astype(float), y.astype(float)))
    yes_no = np.array([[True], [False]])
    np.testing.assert_array_equal(function(yes_no, ~yes_no), function(yes_no.astype(float), 1.0 - yes_no))


def test_linreg():
    for shapes in [
        ((6, 2), (2,), (1,)),
        ((6, 2), (2, 1), ()),
        ((2,), (2, 1), (1,)),
        ((6, 2), (1, 2), (1,)),
        ((6, 2), (2, 1), (1, 1)),
        ((6, 2), (2, 1), (2,)),
        ((6, 2), (2, 1), (6,)),
        ((6, 2), (2, 3), (1,)),
    ]:
        arrays = [np.ones(shape) for shape in shapes]
        text = "X of shape {}, w of shape {} and b of shape {} do not fit; needed are (n, d), (d, k) and (k,)"
        refused(ValueError, text.format(*shapes), npreg.linreg, *arrays)
    refused(TypeError, "X holds text", npreg.linreg, X.astype(str), W, B)
    refused(TypeError, "w is complex", npreg.linreg, X, W + 1j, B)
    refused(TypeError, "b has dtype object", npreg.linreg, X, W, B.astype(object))
    np.testing.assert_array_equal(npreg.linreg([[1, 2]], [[3], [4]], [5]), [[16.0]])
    big = npreg.linreg(np.array([[100]], np.int8), np.array([[100]], np.int8), np.array([100], np.int8))
    np.testing.assert_array_equal(big, [[10100.0]])


def test_linreg_backward():
    for a, b in [((6, 2), (6,)), ((6, 2), (5, 1)), ((2,), (6, 1)), ((6, 2), (1, 6)), ((6, 2), ())]:
        text = f"X of shape {a} and grad_y_hat of shape {b} do not fit; needed are (n, d) and (n, k)"
        refused(ValueError, text, npreg.linreg_backward, np.ones(a), np.ones(b))
    refused(TypeError, "grad_y_hat is complex", npreg.linreg_backward, X, Y[:, None] + 1j)
    refused(TypeError, "X holds text", npreg.linreg_backward, X.astype(str), Y[:, None])


def test_predict():
    run = npreg.train(X, Y, rng=0)
    for predict in (run.predict, npreg.least_squares(X**2, Y).predict):
        refused(ValueError, "features of shape (6, 1) do not fit; needed is (n, 2)", predict, X[:, :1])
        refused(ValueError, "of shape (2,) do not fit; needed is (n, 2); one row is np.reshape(", predict, X[0])
    assert run.predict(np.reshape(X[0], (1, 2))).shape == (1, 1)
    refused(TypeError, "features holds text", run.predict, X.astype(str))


READ_ONLY = np.ones((2, 1))
READ_ONLY.flags.writeable = False
SGD_CALLS = {
    "numbers of them": ([W], [W, B], ValueError, "1 params and 2 grads do not match"),
    "swapped": ([W, B], [B, W], ValueError, "params[0] of shape (2, 1) and grads[0] of shape (1,) do not match"),
    "would broadcast": ([W], [np.ones((2, 2))], ValueError, "(2, 1) and grads[0] of shape (2, 2) do not match"),
    "scalar": ([W], [1.0], ValueError, "(2, 1) and grads[0] of shape () do not match"),
    "list": ([[1.0]], [[1.0]], TypeError, "params[0] must be a float array to be updated in place, not list"),
    "int": ([np.ones(2, int)], [np.ones(2)], TypeError, "must be a float array to be updated in place, not int64"),
    "second int": ([W, np.ones(2, "i4")], [W, np.ones(2)], TypeError, "params[1] must be a float array"),
    "second read-only": ([W, READ_ONLY], [W, W], ValueError, "params[1] is read-only"),
    "second complex": ([W, B], [W, B + 1j], TypeError, "grads[1] is complex (complex128)"),
    "second object": ([W, B], [W, B.astype(object)], TypeError, "grads[1] has dtype object"),
    "second text": ([W, B], [W, np.array(["a"])], TypeError, "grads[1] holds text"),
}


@pytest.mark.parametrize("case", SGD_CALLS)
def test_sgd_changes_nothing_when_it_refuses(case):
    params, grads, error, text = SGD_CALLS[case]
    before = [np.array(param) for param in params]
    refused(error, text, npreg.sgd, params, grads, 0.1, 10)
    for param, old in zip(params, before, strict=True):
        np.testing.assert_array_equal(param, old)


def test_synthetic_data():
    refused(ValueError, "w must be of shape (d,) or (d, k), not ()", npreg.synthetic_data, 1.0, 0.0, 3)
    refused(ValueError, "w must be of shape (d,) or (d, k), not (0,)", npreg.synthetic_data, [], 0.0, 3)
    refused(ValueError, "b of shape (2,) does not fit w of shape (1,)", npreg.synthetic_data, [1.0], [0.0, 1.0], 3)
    refused(ValueError, "w has nan at row 0", npreg.synthetic_data, [np.nan], 0.0, 3)
    refused(ValueError, "b is inf", npreg.synthetic_data, [1.0], np.inf, 3)
    refused(TypeError, "dtype must be float32 or float64, not int64", npreg.synthetic_data, [1.0], 0.0, 3, dtype="i8")
    refused(TypeError, "dtype must be float32 or float64, not float16", npreg.init_params, 3, dtype=np.float16)


def test_inputs_are_never_changed():
    """X and Y are read-only throughout this file; here everything that could be written to is compared."""
    for options in [
        {},
        {"engine": "loop"},
        {"engine": "tight"},
        {"engine": "moments"},
        {"loss": "huber"},
        {"standardize": True},
        {"validation": 0.5},
        {"l1": 0.1, "rule": "momentum"},
        {"batch_size": 6},
    ]:
        for dtype in (np.float32, np.float64):
            given = {
                "features": X.astype(dtype),
                "labels": Y.astype(dtype),
                "sample_weight": np.ones(6),
                "w": np.full((2, 1), 0.5),
                "b": np.full(1, 0.5),
            }
            kept = {name: array.copy() for name, array in given.items()}
            npreg.train(**given, rng=0, **options)
            for name, array in given.items():
                np.testing.assert_array_equal(array, kept[name], err_msg=name)
    kept = X.copy(), Y.copy()
    npreg.sweep(X, Y, lrs=[0.1, 0.2], l2=[0, 1], rng=0)
    npreg.max_learning_rate(X, 2, sample_weight=Y)
    for X_batch, y_batch in npreg.data_iter(3, X, Y, rng=0):
        X_batch[:] = y_batch[:] = 7  # a minibatch is a copy
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(Y, kept[1])
