"""Messages between the grader and a student's process: plain values in a plain binary format, no pickle.

A frame is a length (4 bytes, little endian) and one encoded value. A value is a tag byte and its content:

    N none   T true   F false
    I int    (length, decimal digits)      D float (8 bytes)        S text (length, UTF-8)
    L list   (count, values)               M mapping (count, text and value in turn)
    A array  (dtype code, number of axes, axes as 8 bytes each, entries in C order, little endian)

Decoding trusts nothing: every length is compared with the bytes that are there before anything is allocated,
dtypes come from a short list, nesting and sizes are bounded, and what is left over is an error.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np

DTYPES = {
    code: np.dtype(name)
    for code, name in {
        b"?": "bool",
        b"b": "int8",
        b"h": "<i2",
        b"i": "<i4",
        b"q": "<i8",
        b"B": "uint8",
        b"H": "<u2",
        b"I": "<u4",
        b"Q": "<u8",
        b"e": "<f2",
        b"f": "<f4",
        b"d": "<f8",
        b"F": "<c8",
        b"D": "<c16",
    }.items()
}
CODES = {dtype: code for code, dtype in DTYPES.items()}

MAX_DEPTH = 8
MAX_AXES = 8
MAX_FRAME = 4 * 2**20
MAX_ITEMS = 100_000
MAX_DIGITS = 400


class WireError(ValueError):
    """The bytes are no message: cut short, too long, of an unknown type, or nested too deeply."""


def encode(value: Any, depth: int = 0) -> bytes:
    """Encode built-in values and NumPy arrays; array subclasses are sent as the plain buffer they hold.

    Raises ``WireError`` for any other type, for dtypes outside the list (object, text, dates) and for
    integers of more than 400 digits.

    >>> decode(encode({"w": [1, 2.5, None, "é"]}))
    {'w': [1, 2.5, None, 'é']}
    >>> decode(encode(np.arange(3.0)))
    array([0., 1., 2.])
    """
    if depth > MAX_DEPTH:
        raise WireError(f"nested more than {MAX_DEPTH} deep")
    if value is None:
        return b"N"
    if value is True or value is False:
        return b"T" if value else b"F"
    if type(value) is int:
        return _encode_int(value)
    if type(value) is float:
        return b"D" + struct.pack("<d", value)
    if type(value) is str:
        return b"S" + _sized(value.encode("utf-8", "replace"))
    if type(value) in (list, tuple):
        items = b"".join(encode(item, depth + 1) for item in value)
        return b"L" + struct.pack("<I", len(value)) + items
    if type(value) is dict:
        pairs = b"".join(_sized(_key(key)) + encode(item, depth + 1) for key, item in value.items())
        return b"M" + struct.pack("<I", len(value)) + pairs
    if isinstance(value, (np.ndarray, np.generic)):
        return _encode_array(np.array(value, subok=False, order="C"))
    raise WireError(f"a value of type {type(value).__name__} cannot be sent")


def _encode_int(value: int) -> bytes:
    if value.bit_length() > 3 * MAX_DIGITS:
        raise WireError(f"an integer of {value.bit_length()} bits cannot be sent")
    return b"I" + _sized(b"%d" % value)


def _key(key: Any) -> bytes:
    if type(key) is not str:
        raise WireError(f"a mapping's key must be text, not {type(key).__name__}")
    return key.encode("utf-8", "replace")


def _sized(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content


def _encode_array(array: np.ndarray[Any, Any]) -> bytes:
    dtype = array.dtype
    if dtype in (np.dtype("longdouble"), np.dtype("clongdouble")) and dtype.newbyteorder("<") not in CODES:
        dtype = np.dtype("<c16" if dtype.kind == "c" else "<f8")
    dtype = dtype.newbyteorder("<")
    code = CODES.get(dtype)
    if code is None:
        raise WireError(f"an array of dtype {array.dtype} cannot be sent")
    if array.ndim > MAX_AXES:
        raise WireError(f"an array with {array.ndim} axes cannot be sent")
    shape = struct.pack(f"<{array.ndim}Q", *array.shape)
    return b"A" + code + bytes([array.ndim]) + shape + array.astype(dtype, copy=False).tobytes()


def decode(content: bytes) -> Any:
    """Decode one value that fills ``content`` exactly; arrays are fresh, writable and own their memory.

    Raises ``WireError`` for anything that ``encode`` does not produce.
    """
    cursor = _Cursor(memoryview(content))
    value = cursor.value(0)
    if cursor.position != len(content):
        raise WireError(f"{len(content) - cursor.position} bytes are left over")
    return value


class _Cursor:
    """Reads a message from the front; every read is checked against what is left."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.position = 0
        self.items = 0

    def take(self, count: int) -> memoryview:
        end = self.position + count
        if end > len(self.content):
            raise WireError(f"cut short: {count} bytes wanted, {len(self.content) - self.position} left")
        piece = self.content[self.position : end]
        self.position = end
        return piece

    def length(self) -> int:
        return int(struct.unpack("<I", self.take(4))[0])

    def text(self) -> str:
        try:
            return str(self.take(self.length()), "utf-8")
        except UnicodeDecodeError:
            raise WireError("text that is not UTF-8") from None

    def value(self, depth: int) -> Any:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise WireError(f"nested more than {MAX_DEPTH} deep, or more than {MAX_ITEMS} values")
        tag = bytes(self.take(1))
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag == b"I":
            return self.integer()
        if tag == b"D":
            return float(struct.unpack("<d", self.take(8))[0])
        if tag == b"S":
            return self.text()
        if tag == b"L":
            return [self.value(depth + 1) for _ in range(self.length())]
        if tag == b"M":
            return {self.text(): self.value(depth + 1) for _ in range(self.length())}
        if tag == b"A":
            return self.array()
        raise WireError(f"unknown tag {tag!r}")

    def integer(self) -> int:
        digits = bytes(self.take(self.length()))
        if len(digits) > MAX_DIGITS or not digits.removeprefix(b"-").isdigit():
            raise WireError("an integer that is none")
        return int(digits)

    def array(self) -> np.ndarray[Any, Any]:
        dtype = DTYPES.get(bytes(self.take(1)))
        axes = self.take(1)[0]
        if dtype is None or axes > MAX_AXES:
            raise WireError("an array of an unknown dtype or with too many axes")
        shape = struct.unpack(f"<{axes}Q", self.take(8 * axes))
        size = 1
        for axis in shape:
            size *= axis
        if max(shape, default=0) > MAX_FRAME:
            raise WireError(f"an array of impossible shape {shape}")
        entries = np.frombuffer(self.take(size * dtype.itemsize), dtype=np.uint8)
        flat = entries.astype(bool) if dtype.kind == "b" else entries.copy().view(dtype)
        return flat.reshape(shape)


_CONSTANTS = {b"N": None, b"T": True, b"F": False}


def write_frame(stream: BinaryIO, value: Any) -> None:
    """Write one value as a frame and flush; raises ``WireError`` above ``MAX_FRAME`` bytes."""
    content = encode(value)
    if len(content) > MAX_FRAME:
        raise WireError(f"a message of {len(content)} bytes is too long")
    stream.write(struct.pack("<I", len(content)) + content)
    stream.flush()


def read_frame(stream: BinaryIO) -> Any:
    """Read one frame; raises ``EOFError`` at the end of the stream and ``WireError`` for a broken one."""
    head = _exactly(stream, 4)
    if not head:
        raise EOFError("no further message")
    if len(head) < 4:
        raise WireError("cut short")
    (length,) = struct.unpack("<I", head)
    if length > MAX_FRAME:
        raise WireError(f"a message of {length} bytes is too long")
    content = _exactly(stream, length)
    if len(content) < length:
        raise WireError("cut short")
    return decode(content)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    pieces = []
    while count:
        piece = stream.read(min(count, 2**16))
        if not piece:
            break
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
