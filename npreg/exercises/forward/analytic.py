"""NumPy functions that are not analytic, so that Im f(x + i·h) / h is not f′(x), in one that is, the same on reals."""

from typing import Any

import numpy as np


def _abs(x: Any) -> Any:
    return np.where(np.real(x) > 0, x, -x)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **bounds: Any) -> Any:
    low, high = bounds.get("min", a_min), bounds.get("max", a_max)
    raised = x if low is None else np.where(np.real(x) < np.real(low), low, x)
    return raised if high is None else np.where(np.real(raised) > np.real(high), high, raised)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    vector = axis is None or isinstance(axis, int)
    if (ord is None and vector) or (ord == 2 and (np.ndim(x) == 1 or isinstance(axis, int))):
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    return np.linalg.norm(x, ord, axis, keepdims)


def _var(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, **how: Any) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    total = np.sum(centred * centred, axis=axis, **how)
    return total / (np.size(x) / np.size(total) - ddof)


def _logaddexp(a: Any, b: Any) -> Any:
    larger = np.where(np.real(a) > np.real(b), a, b)
    return larger + np.log(np.exp(a - larger) + np.exp(b - larger))


ANALYTIC: dict[Any, Any] = {
    np.abs: _abs,
    np.fabs: _abs,
    np.sign: lambda x: np.sign(np.real(x)),
    np.clip: _clip,
    np.linalg.norm: _norm,
    np.var: _var,
    np.std: lambda *args, **how: np.sqrt(_var(*args, **how)),
    np.hypot: lambda a, b: np.sqrt(a * a + b * b),
    np.logaddexp: _logaddexp,
}

# max(a, b) is a where a > b, else b: a step of truth values shows which branch is taken
PIECES: dict[Any, Any] = {np.maximum: np.greater, np.fmax: np.greater, np.minimum: np.less, np.fmin: np.less}
