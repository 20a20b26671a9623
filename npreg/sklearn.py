"""npreg behind scikit-learn's interface, an adapter: `python -m pip install ".[sklearn]"` in a clone."""

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

try:
    from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_array, check_is_fitted, check_X_y, validate_data
except ImportError as error:
    raise ImportError(
        'npreg.sklearn needs scikit-learn 1.6 or newer; in a clone: python -m pip install ".[sklearn]"'
    ) from error

from npreg import arrays
from npreg.arrays import FloatArray, Rows
from npreg.arrays.sparse import as_sparse
from npreg.learning_rate import LearningRateWarning, rate_bound, steepest_slope
from npreg.losses import Loss, LossName
from npreg.runs.callbacks import ProgressBar
from npreg.runs.feeds import ArrayFeed, as_feed
from npreg.runs.plan import EarlyStopping, RuleName, ScheduleName
from npreg.runs.scaling import ColumnMoments
from npreg.schedules import as_schedule
from npreg.sgd import SGD, Rule, Schedule, as_rule
from npreg.train import TrainResult, train

__all__ = ["MinibatchSGDRegressor"]

ACCEPTED: dict[str, Any] = {"dtype": [np.float64, np.float32], "accept_sparse": ["csr", "csc"]}

STREAM_FRACTION = 0.3  # of the stable rate, in partial_fit: nothing is averaged that would take out noise


class MinibatchSGDRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear regression by minibatch stochastic gradient descent, as a scikit-learn estimator.

        minimises   mean loss(X coef_ᵀ + intercept_, y)  +  l2/2 Σ coef_²  +  l1 Σ |coef_|

    The defaults take raw columns: on 20 real data sets they predict held-out rows as well as exact
    least squares (docs/real_data.md in npreg's repository).  All settings mean what they mean in `npreg.train`, and
    a fit is the run that `train` makes from parameters of 0.

    Parameters
    ----------
    loss, l2, l1, lr, schedule, rule, average, standardize, fit_intercept, shuffle
        As in `npreg.train`, which takes the schedule as `lr=(lr, schedule)`.
    batch_size : int, or None for all rows
        Rows a minibatch.  With None, weights are exact: a row of weight 2 counts as that row twice, and
        one of weight 0 as none.  With minibatches this holds in expectation.
    max_iter : int, or None
        Epochs.  None: as many as are needed, but no fewer than 10 or 5000 steps, as `num_epochs="auto"` of
        `npreg.train`; what has not arrived then ends in a ConvergenceWarning.
    early_stopping : bool
        Hold out `validation_fraction` of the rows, stop when their mean loss no longer improves, and keep the
        best epoch's parameters.
    n_iter_no_change, tol : int, and float ≥ 0, optional
        Stop after so many epochs without an improvement of more than `tol`, with early_stopping (or validation rows
        given to `fit`) of the held-out rows' loss, else, where `tol` is given, of the training loss.
    random_state : int, RandomState instance or None
        Decides the order of rows; with an int the same run as `train(rng=random_state)`.  None draws from
        NumPy's global RandomState.
    warm_start : bool
        Start a further fit from the parameters of the last one.
    verbose, progress : bool
        Print the mean loss after each epoch, of many epochs after about twenty; show a progress bar (needs tqdm).

    Attributes
    ----------
    coef_ : (n_features_in_,), or (k, n_features_in_) where y is (n, k)
    intercept_ : float, or (k,)
    lr_, n_iter_, n_steps_ : float, int, int
        The learning rate that was used, epochs made, and steps made, those of `partial_fit` included.
    excess_loss_, converged_ : float and bool, or None
        How far the loss is above the least possible, and whether that is near enough; as of `npreg.train`.
    losses_, validation_losses_ : (n_iter_,), the latter None without `early_stopping`
        The mean loss after each epoch, without penalties.
    n_features_in_, feature_names_in_ : int and (n_features_in_,)
        Names where X has columns whose names are all strings.

    >>> from npreg.sklearn import MinibatchSGDRegressor
    >>> X = np.array([[1900.0, 2.0], [1950.0, 5.0], [2000.0, 3.0], [2050.0, 4.0]])
    >>> model = MinibatchSGDRegressor(random_state=0).fit(X, X @ [0.01, 2.0] + 1.0)
    >>> model.coef_, float(model.intercept_)
    (array([0.01, 2.  ]), 1.00)
    """

    def __init__(
        self,
        loss: LossName | Loss = "squared",
        *,
        l2: float = 0.0,
        l1: float = 0.0,
        batch_size: int | None = 10,
        lr: float | Literal["auto"] = "auto",
        schedule: ScheduleName | Schedule | None = None,
        max_iter: int | None = None,
        rule: RuleName | Rule = "sgd",
        average: float = 0.5,
        standardize: bool = True,
        fit_intercept: bool = True,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        progress: bool = False,
    ) -> None:
        self.__dict__.update((name, value) for name, value in locals().items() if name != "self")

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> "MinibatchSGDRegressor":
        """Train on all rows.

        ValueError or TypeError for settings and data that `npreg.train` refuses, DivergenceError where the run
        diverges; the estimator is then left as it was.

        Parameters
        ----------
        X : (n, d), sparse matrix, or RowBlocks
            float32 is kept; everything else becomes float64.  Sparse columns are scaled, not centred.
        y : (n,), or (n, k) for k outputs; RowBlocks bring it, and weights, along
        sample_weight : (n,), optional
        X_val, y_val : (m, d) and (m,) or (m, k), optional
            Rows to watch in the place of a held-out part: the best epoch's parameters are kept, and with
            early_stopping the fit stops.
        """
        data: Any = X
        if not isinstance(data, Rows):
            data, labels = self._validated(X, y, reset=True)
            n = len(data)
        elif y is not None or sample_weight is not None or self.batch_size is None:
            raise TypeError("RowBlocks bring their own y and sample_weight, and need a number as batch_size")
        else:  # labels are those of the first rows, for their shape
            facts = as_feed(data).facts
            validate_data(self, facts.sample.X, reset=True, skip_check_array=True)
            labels, n = facts.sample.y[:, 0] if facts.num_outputs == 1 else facts.sample.y, facts.num_rows
        if (X_val is None) != (y_val is None):
            raise TypeError("X_val and y_val come together; give both, or neither")
        validation: Any = self.validation_fraction if self.early_stopping else None
        if X_val is not None:
            validation = _dense_or_rows(self._as_array(X_val, reset=False)), y_val
        patience = arrays.as_count(self.n_iter_no_change, "n_iter_no_change", 1)
        tol = 0.0 if self.tol is None else arrays.as_nonnegative(self.tol, "tol")
        result = train(
            data,
            None if isinstance(data, Rows) else labels,
            batch_size=n if self.batch_size is None else arrays.as_batch_size(self.batch_size),
            lr=self.lr if self.schedule is None else (self.lr, self.schedule),
            num_epochs="auto" if self.max_iter is None else arrays.as_count(self.max_iter, "max_iter", 1),
            rule=self.rule,
            average=self.average,
            standardize=self.standardize,
            sample_weight=arrays.as_weights(sample_weight, n, X),
            shuffle=self.shuffle,
            validation=validation,
            callbacks=ProgressBar() if self.progress else (),
            stop=EarlyStopping(patience, tol) if self.early_stopping or self.tol is not None else None,
            rng=_generator(self.random_state),
            verbose=bool(self.verbose),
            **self._objective(self._start(labels, keep=self.warm_start and hasattr(self, "coef_"))),
        )
        return self._keep(result, result.num_steps, _Stream(as_rule(self.rule)), flat=labels.ndim == 1)

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "MinibatchSGDRegressor":
        """Make exactly one step, on the minibatch that consists of the rows given.

            coef_, intercept_ −= lr · rule(mean gradient over these rows + penalty)

        The mean is over the rows given (by weight, where there are weights), whatever their number: that
        is the nominal batch size here, not `batch_size`.  The rule's state (momentum) is kept from call
        to call, and `schedule` is called with the number of calls before this one.

        With lr="auto" the step is made on columns standardised by all rows that have come so far (unless
        `standardize=False`), at 0.3 of the rate that is stable for these rows and for those of calls
        before on average (of more than 64 rows a call: of a sample).  With a number nothing is standardised
        (put a fitted `StandardScaler` before).  Nothing is averaged or held out: that is of `fit` alone.
        X is (m, d), y (m,) or (m, k), sample_weight (m,); errors as of `fit`.

        >>> model = MinibatchSGDRegressor(lr=0.1).partial_fit([[1.0], [3.0]], [1.0, 2.0])
        >>> model.coef_, float(model.intercept_)
        (array([0.35]), 0.15)
        """
        first = not hasattr(self, "coef_")
        data, labels = self._validated(X, y, reset=first)
        weights = arrays.as_weights(sample_weight, len(data), X)
        weights = None if weights is None else weights / weights.mean()
        rule, schedule = as_rule(self.rule), as_schedule(self.schedule, self.max_iter or 1000)
        stream = copy.copy(getattr(self, "_stream", _Stream(rule)))
        stream.inner, stream.state = rule, stream.state if stream.inner == rule else None
        theta = self._start(labels, keep=not first)
        feed = ArrayFeed(arrays.as_data(data, labels, weights, sparse=True))
        lr, scaling = self.lr, None
        if isinstance(lr, str):
            if self.standardize:
                columns = ColumnMoments.of(feed.data)
                stream.columns = columns if stream.columns is None else stream.columns + columns
                scaling = stream.columns.scaling()
                feed, theta = feed.scaled(scaling), scaling.enter(theta)
            steepest = stream.slope(feed.data.X, weights)
            feed.facts.norms = steepest, steepest  # all that a step on all rows is asked about
            lr = STREAM_FRACTION * rate_bound(1, 1, 0.0, steepest, self.l2, rule)
        has_state = type(rule) is not SGD
        with warnings.catch_warnings():
            if has_state:  # the bound is that of steps without a past
                warnings.simplefilter("ignore", LearningRateWarning)
            result = train(
                feed,
                batch_size=len(data),
                lr=lr if schedule is None else (lr, lambda _: schedule(float(stream.calls))),
                rule=stream if has_state else rule,
                num_epochs=1,
                standardize=False,
                average=0.0,
                rng=0,
                **self._objective(theta),
            )
        if scaling is not None:
            theta = scaling.leave(np.vstack([result.w, result.b]))
            result = replace(result, w=theta[:-1], b=theta[-1])
        stream.calls += 1
        flat = labels.ndim == 1 if first else self.coef_.ndim == 1
        return self._keep(result, getattr(self, "n_steps_", 0) + 1, stream, flat=flat)

    def predict(self, X: ArrayLike) -> FloatArray:
        """X coef_ᵀ + intercept_, of shape (n,) or (n, k), as the y of `fit`."""
        check_is_fitted(self)
        return np.asarray(_dense_or_rows(self._as_array(X, reset=False)).dot(self.coef_.T) + self.intercept_)

    def _as_array(self, X: ArrayLike, *, reset: bool) -> Any:
        """Features as an array or sparse matrix: tables by npreg's door, everything else by scikit-learn's."""
        if not arrays.is_table(X):
            return validate_data(self, X, reset=reset, **ACCEPTED)
        array = arrays.as_float_array(X, "X")
        # scikit-learn looks at names and the number of columns.
        validate_data(self, array if isinstance(X, np.ndarray) else X, skip_check_array=True, reset=reset)
        return check_array(array, estimator=self, **ACCEPTED)

    def _validated(self, X: ArrayLike, y: Any, *, reset: bool) -> tuple[FloatArray, FloatArray]:
        """Features, and labels in their dtype."""
        arrays.check_rows(X, y, "y")
        y = arrays.as_float_array(y, "y") if arrays.is_table(y) else y
        options = {**ACCEPTED, "y_numeric": True, "multi_output": True}
        data, labels = check_X_y(self._as_array(X, reset=reset), y, estimator=self, **options)
        with np.errstate(over="ignore"):  # labels beyond float32 become inf, which train refuses
            return _dense_or_rows(data), labels.astype(data.dtype, copy=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _objective(self, theta: FloatArray) -> dict[str, Any]:
        """What every run minimises, and from where."""
        names = "loss", "l2", "l1", "fit_intercept"
        return {**{name: getattr(self, name) for name in names}, "w": theta[:-1], "b": theta[-1]}

    def _start(self, y: FloatArray, *, keep: bool) -> FloatArray:
        """Parameters (w; b) to start from: the present ones, or 0."""
        if keep:
            return np.vstack([np.atleast_2d(self.coef_).T, np.atleast_1d(self.intercept_)])
        return np.zeros((self.n_features_in_ + 1, 1 if y.ndim == 1 else y.shape[1]))

    def _keep(self, result: TrainResult, steps: int, stream: "_Stream", *, flat: bool) -> "MinibatchSGDRegressor":
        """Take over what a run has learned."""
        self.coef_ = result.w[:, 0] if flat else result.w.T
        self.intercept_ = result.b[0] if flat else result.b
        self.lr_ = result.lr
        self.losses_, self.validation_losses_ = result.losses, result.validation_losses
        self.n_iter_, self.n_steps_, self._stream = len(result.losses), steps, stream
        self.excess_loss_, self.converged_ = result.excess_loss, result.converged
        return self


def _dense_or_rows(X: Any) -> Any:
    sparse = as_sparse(X, "X")
    return np.asarray(X) if sparse is None else sparse


@dataclass
class _Stream:
    """What `partial_fit` keeps between calls, besides parameters: a rule whose state outlives a run, and more."""

    inner: Rule
    state: list[FloatArray] | None = None
    calls: int = 0
    steepest: float = 0.0
    columns: ColumnMoments | None = None

    def init(self, params: Sequence[FloatArray]) -> list[FloatArray]:
        self.state = self.inner.init(params) if self.state is None else [part.copy() for part in self.state]
        return self.state

    def update(self, grads: list[FloatArray], state: list[FloatArray]) -> list[FloatArray]:
        return self.inner.update(grads, state)

    def slope(self, X: FloatArray, weights: FloatArray | None) -> float:
        """The steepest slope of these rows, or of those of the calls before on average."""
        some = slice(None, None, -(-len(X) // 64))
        steepest = steepest_slope(X[some], None if weights is None else weights[some])
        self.steepest += (steepest - self.steepest) / (self.calls + 1)
        return max(steepest, self.steepest)


def _generator(random_state: Any) -> "np.random.Generator":
    """A Generator from scikit-learn's kind of random state, the same one for the same state."""
    if isinstance(random_state, (int, np.integer)) and 0 <= random_state < 2**32:
        return np.random.default_rng(random_state)
    state = check_random_state(random_state)  # refuses what scikit-learn refuses, such as -1
    return np.random.default_rng(state.randint(2**32, size=4, dtype=np.uint32))
