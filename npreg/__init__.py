"""npreg: minibatch-SGD regression in pure NumPy, with gradients derived by hand.

The names of the notebook "linear regression from scratch" come first; `l.backward()` is two calls,
whose bodies are the derivation:

    for X, y in data_iter(batch_size, features, labels):
        y_hat = linreg(X, w, b)
        grad_w, grad_b = linreg_backward(X, squared_loss_grad(y_hat, y))
        sgd([w, b], [grad_w, grad_b], lr, batch_size)

What a section exports stands in its own `__all__`, and nowhere else.
"""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from npreg._version import __version__ as __version__
from npreg.arrays import DivergenceError as DivergenceError
from npreg.data import *
from npreg.exact import *
from npreg.learning_rate import *
from npreg.linear import *
from npreg.losses import *
from npreg.runs import *
from npreg.schedules import *
from npreg.sgd import *
from npreg.sweep import *
from npreg.train import *

if _TYPE_CHECKING:
    from npreg import dask as dask
    from npreg import differentiate as differentiate
    from npreg import exercises as exercises
    from npreg import gradcheck as gradcheck
    from npreg import plot as plot
    from npreg import sklearn as sklearn
    from npreg.gradcheck import assert_gradient as assert_gradient
    from npreg.gradcheck import check_gradient as check_gradient
    from npreg.plot import set_figsize as set_figsize
    from npreg.plot import use_svg_display as use_svg_display

# Opened on first use, with what is theirs: `import npreg` stays about as light as `import numpy`, and needs
# neither scikit-learn nor Dask.
_ROOMS = ("dask", "differentiate", "exercises", "gradcheck", "plot", "sklearn")
_THEIRS = {"assert_gradient": "gradcheck", "check_gradient": "gradcheck"}
_THEIRS |= {"set_figsize": "plot", "use_svg_display": "plot"}
_OWN = {name for name, value in globals().items() if name[0] != "_" and not isinstance(value, _ModuleType)}

__all__ = sorted({*_OWN, *_THEIRS, *_ROOMS, "__version__"} - {"dask", "sklearn"})


def __getattr__(name: str) -> _Any:
    if name in _ROOMS:
        return _import_module(f"npreg.{name}")
    if name in _THEIRS:
        return getattr(_import_module(f"npreg.{_THEIRS[name]}"), name)
    raise AttributeError(f"module 'npreg' has no attribute {name!r}")


def load_ipython_extension(shell: _Any) -> None:
    """Make the cell magic ``%%check`` known; ``%load_ext npreg`` calls it."""
    _import_module("npreg.exercises").load_ipython_extension(shell)


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS})
