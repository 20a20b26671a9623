"""The door: every array and number that enters npreg is looked at here, once."""

from npreg.arrays.data import Data, Kind, Rows, as_data, as_features, as_labels
from npreg.arrays.errors import DivergenceError, warn
from npreg.arrays.scalars import (
    as_batch_size,
    as_choice,
    as_count,
    as_flag,
    as_nonnegative,
    as_number,
    as_rng,
    brief,
)
from npreg.arrays.tables import FloatArray, as_array, as_float_array, check_finite

__all__ = [
    "Data",
    "DivergenceError",
    "FloatArray",
    "Kind",
    "Rows",
    "as_array",
    "as_batch_size",
    "as_choice",
    "as_count",
    "as_data",
    "as_features",
    "as_flag",
    "as_float_array",
    "as_labels",
    "as_nonnegative",
    "as_number",
    "as_rng",
    "brief",
    "check_finite",
    "warn",
]
