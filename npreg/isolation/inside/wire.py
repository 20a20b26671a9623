"""Messages between the grader and a student's process: one JSON value a line, arrays in base64, no pickle.

An array is ``{"<array>": [dtype, shape, entries]}``, in C order, little endian. Reading trusts nothing: lines are cut
at a length, commas (so the number of values) are counted before parsing, and entries must fill their shape exactly.
"""

import binascii
import json
import math
from typing import Any, BinaryIO

import numpy as np

DTYPES = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
ARRAY = "<array>"
MAX_AXES = 8
MAX_FRAME = 8 * 2**20
MAX_ITEMS = 100_000
MAX_DIGITS = 400


class WireError(ValueError):
    """The bytes are no message: cut short, too long, or of an unknown type."""


def encode(value: Any) -> bytes:
    """Encode built-in values and NumPy arrays (subclasses as plain ones); ``WireError`` for other types and dtypes."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_sent).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(str(error)) from None


def _sent(value: Any) -> dict[str, list[Any]]:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise WireError(f"a value of type {type(value).__name__} cannot be sent")
    array = np.array(value, subok=False, order="C")
    dtype = array.dtype.newbyteorder("<")
    if array.dtype.char in "gG":  # a long double travels as a double
        dtype = np.dtype("<c16" if dtype.kind == "c" else "<f8")
    if dtype.str not in DTYPES or array.ndim > MAX_AXES:
        raise WireError(f"an array of dtype {array.dtype} with {array.ndim} axes cannot be sent")
    entries = binascii.b2a_base64(array.astype(dtype, copy=False).tobytes(), newline=False)
    return {ARRAY: [dtype.str, list(array.shape), entries.decode("ascii")]}


def decode(content: bytes) -> Any:
    """Decode one value, arrays fresh and writable; ``WireError`` for anything that ``encode`` does not produce."""
    if content.count(b",") > MAX_ITEMS:
        raise WireError(f"more than {MAX_ITEMS} values")
    try:
        bounded: Any = {"parse_int": lambda x: int(_short(x)), "parse_float": lambda x: float(_short(x))}
        return json.loads(content.decode("utf-8"), object_hook=_received, **bounded)
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f"no message: {str(error)[:200]}") from None


def _short(digits: str) -> str:
    if len(digits) > MAX_DIGITS:
        raise WireError(f"a number of {len(digits)} digits")
    return digits


def _received(value: dict[str, Any]) -> Any:
    if ARRAY not in value:
        return value
    dtype, shape, entries = value[ARRAY]
    known = dtype in DTYPES and type(shape) is list and len(shape) <= MAX_AXES and type(entries) is str
    if not known or not all(type(axis) is int and 0 <= axis <= MAX_FRAME for axis in shape):
        raise WireError("an array of an unknown dtype or an impossible shape")
    content = binascii.a2b_base64(entries)
    if len(content) != math.prod(shape) * np.dtype(dtype).itemsize:
        raise WireError(f"{len(content)} bytes for an array of shape {shape} and dtype {dtype}")
    if dtype == "|b1":
        return np.ndarray(tuple(shape), np.uint8, content).astype(bool)
    return np.ndarray(tuple(shape), dtype, content).copy()


def write_frame(stream: BinaryIO, value: Any) -> None:
    """Write one value as a line and flush; raises ``WireError`` above ``MAX_FRAME`` bytes."""
    content = encode(value)
    if len(content) > MAX_FRAME:
        raise WireError(f"a message of {len(content)} bytes is too long")
    stream.write(content + b"\n")
    stream.flush()


def read_frame(stream: BinaryIO) -> Any:
    """Read one line; raises ``EOFError`` at the end of the stream and ``WireError`` for a broken one."""
    return value_of(stream.readline(MAX_FRAME + 1))


def value_of(line: bytes) -> Any:
    """Decode one line, with its end; raises as ``read_frame`` does."""
    if not line:
        raise EOFError("no further message")
    if not line.endswith(b"\n"):
        raise WireError("cut short" if len(line) <= MAX_FRAME else "a message is too long")
    return decode(line[:-1])
