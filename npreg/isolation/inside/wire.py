"""Messages between the grader and a student's process: one JSON value a line, arrays in base64, no pickle.

An array is ``{"array": [dtype, shape, entries]}`` with its entries in C order, little endian. Reading trusts
nothing: lines are cut at a length, commas (so the number of values) are counted before anything is parsed,
dtypes come from a list, nesting, digits and axes are bounded, and entries must fill their shape exactly.
"""

from __future__ import annotations

import binascii
import json
import math
from typing import Any, BinaryIO

import numpy as np

DTYPES = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
MAX_DEPTH = 8
MAX_AXES = 8
MAX_FRAME = 8 * 2**20
MAX_ITEMS = 100_000
MAX_DIGITS = 400


class WireError(ValueError):
    """The bytes are no message: cut short, too long, of an unknown type, or nested too deeply."""


def encode(value: Any) -> bytes:
    """Encode built-in values and NumPy arrays; array subclasses are sent as the plain buffer they hold.

    Raises ``WireError`` for any other type, for dtypes outside the list (object, text, dates) and for
    integers of more than 400 digits.

    >>> decode(encode({"w": [1, 2.5, None, "é"]}))
    {'w': [1, 2.5, None, 'é']}
    >>> decode(encode(np.arange(3.0)))
    array([0., 1., 2.])
    """
    return json.dumps(_sent(value, 0), ensure_ascii=False).encode("utf-8", "replace")


def _sent(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise WireError(f"nested more than {MAX_DEPTH} deep")
    if value is None or type(value) in (bool, float, str):
        return value
    if type(value) is int and value.bit_length() < 3 * MAX_DIGITS:
        return value
    if type(value) in (list, tuple):
        return [_sent(item, depth + 1) for item in value]
    if type(value) is dict and all(type(key) is str and key != "array" for key in value):
        return {key: _sent(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return {"array": _sent_array(np.array(value, subok=False, order="C"))}
    raise WireError(f"a value of type {type(value).__name__} cannot be sent")


def _sent_array(array: np.ndarray[Any, Any]) -> list[Any]:
    dtype = array.dtype.newbyteorder("<")
    if array.dtype.char in "gG":  # a long double travels as a double
        dtype = np.dtype("<c16" if dtype.kind == "c" else "<f8")
    if dtype.str not in DTYPES or array.ndim > MAX_AXES:
        raise WireError(f"an array of dtype {array.dtype} with {array.ndim} axes cannot be sent")
    entries = binascii.b2a_base64(array.astype(dtype, copy=False).tobytes(), newline=False)
    return [dtype.str, list(array.shape), entries.decode("ascii")]


def decode(content: bytes) -> Any:
    """Decode one value; arrays are fresh, writable and own their memory.

    Raises ``WireError`` for anything that ``encode`` does not produce.
    """
    if content.count(b",") > MAX_ITEMS:
        raise WireError(f"more than {MAX_ITEMS} values")
    try:
        text = content.decode("utf-8")
        bounded: Any = {"parse_int": lambda x: int(_short(x)), "parse_float": lambda x: float(_short(x))}
        parsed = json.loads(text, **bounded)
        return _received(parsed, 0)
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f"no message: {str(error)[:200]}") from None


def _short(digits: str) -> str:
    if len(digits) > MAX_DIGITS:
        raise WireError(f"a number of {len(digits)} digits")
    return digits


def _received(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise WireError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # halves of characters cannot be written to a file
    if isinstance(value, list):
        return [_received(item, depth + 1) for item in value]
    if isinstance(value, dict):
        if "array" in value:
            return _received_array(*value["array"])
        return {_received(key, depth): _received(item, depth + 1) for key, item in value.items()}
    return value


def _received_array(dtype: Any, shape: Any, entries: Any) -> np.ndarray[Any, Any]:
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
