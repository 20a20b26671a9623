"""The door: every array and number that enters npreg is looked at here, once."""

from npreg.arrays.data import (
    Data,
    Kind,
    Rows,
    as_data,
    as_features,
    as_pair,
    as_rows_of,
    as_weights,
    check_rows,
    column_name,
)
from npreg.arrays.errors import DivergenceError, warn
from npreg.arrays.scalars import as_batch_size, as_choice, as_count, as_flag, as_nonnegative, as_number, as_rng, brief
from npreg.arrays.tables import FloatArray, Names, as_array, as_float_array, check_finite, is_table

__all__ = [
    "Data",
    "DivergenceError",
    "FloatArray",
    "Kind",
    "Names",
    "Rows",
    "as_array",
    "as_batch_size",
    "as_choice",
    "as_count",
    "as_data",
    "as_features",
    "as_flag",
    "as_float_array",
    "as_nonnegative",
    "as_number",
    "as_pair",
    "as_rng",
    "as_rows_of",
    "as_weights",
    "brief",
    "check_finite",
    "check_rows",
    "column_name",
    "is_table",
    "warn",
]
