"""Messages between the grader and a student's process: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npreg.isolation.executor import text_of
from npreg.isolation.inside import wire

DTYPES = st.sampled_from([np.dtype(name) for name in wire.DTYPES])
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
TEXTS = st.text(max_size=20)
PLAIN = st.none() | st.booleans() | st.integers(-(10**300), 10**300) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_plain_values_come_back(value):
    assert wire.decode(wire.encode(value)) == value


@given(ARRAYS)
def test_arrays_come_back_bit_for_bit(array):
    back = wire.decode(wire.encode(array))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()
    assert back.flags.owndata or back.base.flags.owndata
    assert back.flags.writeable


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_give_a_value_or_a_wire_error(content):
    with contextlib.suppress(wire.WireError):
        wire.decode(content)


@given(VALUES | ARRAYS, st.data())
def test_every_shortened_message_is_refused(value, data):
    stream = io.BytesIO()
    wire.write_frame(stream, value)
    content = stream.getvalue()
    with pytest.raises((wire.WireError, EOFError)):
        wire.read_frame(io.BytesIO(content[: data.draw(st.integers(0, len(content) - 1))]))
    with pytest.raises(wire.WireError, match="no message"):
        wire.decode(content[:-1] + b"N")


@pytest.mark.parametrize(
    "value",
    [
        object(),
        print,
        b"bytes",
        {(1, 2): "a pair as key"},
        {1.5},
        np.array([None]),
        np.array(["text"]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.zeros(2, dtype=[("a", float)]),
        np.zeros((1,) * 9),
    ],
)
def test_what_is_no_plain_value_is_not_sent(value):
    with pytest.raises(wire.WireError):
        wire.encode(value)


def test_what_is_nested_without_end_is_refused_on_both_sides():
    nested = [1.0]
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(wire.WireError):
        wire.encode(nested)
    with pytest.raises(wire.WireError):
        wire.decode(b"[" * 100_000 + b"]" * 100_000)


def test_a_number_of_too_many_digits_is_refused():
    with pytest.raises(wire.WireError, match="500 digits"):
        wire.decode(b"1" * 500)


class Liar(np.ndarray):
    """Lies about everything that Python asks it."""

    def __array_function__(self, *args, **kwargs):
        return np.zeros(3)

    def __array_ufunc__(self, *args, **kwargs):
        return np.zeros(3)

    def tobytes(self, order="C"):
        return bytes(24)

    def astype(self, *args, **kwargs):
        return np.zeros(3)


def test_a_subclass_is_sent_as_the_numbers_that_it_holds():
    back = wire.decode(wire.encode(np.array([1.0, 2.0, 3.0]).view(Liar)))
    assert type(back) is np.ndarray
    assert back.tolist() == [1.0, 2.0, 3.0]


def array(*parts: object) -> bytes:
    return json.dumps({wire.ARRAY: parts}).encode()


@pytest.mark.parametrize(
    "content",
    [
        array("<f8", [2**63], ""),
        array("<f8", [2**32, 2**32], ""),
        array("<f8", [0, 2**62], ""),
        array("<f8", [0, 2**22, 2**22, 2**22], ""),
        array("|O", [1], "AAAAAAAAAAA="),
        array("<M8[D]", [1], "AAAAAAAAAAA="),
        array(["<f8"], [1], "AAAAAAAAAAA="),
        array("<f8", [1] * 9, "AAAAAAAAAAA="),
        array("<f8", [-1], "AAAAAAAAAAA="),
        array("<f8", [True], "AAAAAAAAAAA="),
        array("<f8", [1.0], "AAAAAAAAAAA="),
        array("<f8", [2], "AAAAAAAAAAA="),
        array("<f8", [1], "A"),
        array("<f8", [1], "é"),
        array("<f8", [1], None),
        array("<f8", [1]),
        array(),
        b'{"<array>": 3}',
        b'"\xff"',
        b"[" + b"1," * 2**21 + b"1]",
        b"[" * 2**21,
        b'{"a":' * 10**6,
        b"{" + b",".join(b'"%d":1' % i for i in range(200_000)) + b"}",
        b"9" * 500,
        b"1." + b"9" * 10**6,
        b"--1",
        b"pickle",
        b"",
    ],
)
def test_impossible_messages_are_refused_without_much_memory(content):
    tracemalloc.start()
    with pytest.raises(wire.WireError):
        wire.decode(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20


def test_a_frame_too_long_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(wire, "MAX_FRAME", 2**16)

    class Endless(io.RawIOBase):
        def readline(self, count=-1):
            assert 0 < count <= wire.MAX_FRAME + 1
            return b"1" * count

    with pytest.raises(wire.WireError, match="too long"):
        wire.read_frame(Endless())
    with pytest.raises(wire.WireError, match="too long"):
        wire.write_frame(io.BytesIO(), np.zeros(wire.MAX_FRAME))


def test_frames_follow_each_other_and_end():
    stream = io.BytesIO()
    for value in ("one", {"two": 2}):
        wire.write_frame(stream, value)
    stream.seek(0)
    assert [wire.read_frame(stream), wire.read_frame(stream)] == ["one", {"two": 2}]
    with pytest.raises(EOFError):
        wire.read_frame(stream)
    with pytest.raises(wire.WireError, match="cut short"):
        wire.read_frame(io.BytesIO(stream.getvalue()[:5]))


def test_booleans_are_normal_again():
    content = array("|b1", [2], base64.b64encode(b"\x07\x00").decode())
    assert wire.decode(content).tobytes() == b"\x01\x00"


def test_half_a_character_becomes_one_that_can_be_written():
    assert wire.decode(wire.encode("\ud800")) == "?"
    assert text_of(wire.decode(b'"\\ud800"')) == "?"


def test_long_doubles_travel_as_doubles():
    assert wire.decode(wire.encode(np.longdouble(1.5))) == 1.5
