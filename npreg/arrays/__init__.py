"""The door: every array and number that enters npreg is looked at here, once."""

from npreg.arrays.data import Data, Kind, Rows, as_data, as_features, as_pair, as_rows_of, as_weights, check_rows
from npreg.arrays.errors import DivergenceError, warn
from npreg.arrays.scalars import as_batch_size, as_choice, as_count, as_flag, as_nonnegative, as_number, as_rng, brief
from npreg.arrays.tables import FloatArray, Names, as_array, as_float_array, check_finite, column_name, is_table

__all__ = ["Data", "Kind", "Rows", "as_data", "as_features", "as_pair", "as_rows_of", "as_weights", "check_rows"]
__all__ += ["DivergenceError", "as_batch_size", "as_choice", "as_count", "as_flag", "column_name", "warn"]
__all__ += ["as_nonnegative", "as_number", "as_rng", "brief"]
__all__ += ["FloatArray", "Names", "as_array", "as_float_array", "check_finite", "is_table"]
