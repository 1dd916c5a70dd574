"""CBOR: one encoding for each value, and no bytes that could surprise whoever decodes them."""

import math
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.telemetry.cbor import CborError, CutShort, decode, encode

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: _depth(value) <= limits.CBOR_DEPTH_MAX)


def _depth(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + _depth(member) for member in members), default=0)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    encoded = encode(value)

    assert decode(encoded) == (value, len(encoded))


@given(VALUES)
def test_others_read_what_is_encoded(value: Any) -> None:
    assert cbor2.loads(encode(value)) == value


@given(VALUES)
def test_a_value_that_is_cut_anywhere_is_cut_short(value: Any) -> None:
    encoded = encode(value)
    for end in range(len(encoded)):
        with pytest.raises(CutShort):
            decode(encoded[:end])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_in_its_one_encoding_or_refused(data: bytes) -> None:
    try:
        value, end = decode(data)
    except CborError:
        return

    assert encode(value) == data[:end]


def test_what_follows_a_value_is_left_alone() -> None:
    assert decode(b"\x00\x01\x02", 1) == (1, 2)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        # RFC 8949, appendix A
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (1000, "1903e8"),
        (1000000, "1a000f4240"),
        (18446744073709551615, "1bffffffffffffffff"),
        (-18446744073709551616, "3bffffffffffffffff"),
        (-1, "20"),
        (1.0, "f93c00"),
        (1.1, "fb3ff199999999999a"),
        (65504.0, "f97bff"),
        (100000.0, "fa47c35000"),
        (-4.1, "fbc010666666666666"),
        (math.inf, "f97c00"),
        (False, "f4"),
        (True, "f5"),
        (None, "f6"),
        (b"\x01\x02\x03\x04", "4401020304"),
        ("ü", "62c3bc"),
        ([1, [2, 3]], "8201820203"),
        ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    ],
)
def test_the_examples_of_the_standard(value: Any, encoded: str) -> None:
    assert encode(value).hex() == encoded
    assert decode(bytes.fromhex(encoded))[0] == value


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("1800", "0 is not in its shortest form"),
        ("1817", "23 is not in its shortest form"),
        ("1900ff", "255 is not in its shortest form"),
        ("1a0000ffff", "65535 is not in its shortest form"),
        ("1b00000000ffffffff", "4294967295 is not in its shortest form"),
        ("780161", "1 is not in its shortest form"),
        ("fa3f800000", "1.0 is not in its shortest form"),
        ("fb3ff0000000000000", "1.0 is not in its shortest form"),
        ("f97e01", "nan is not in its shortest form"),
        ("9f01ff", "indefinite lengths are not used"),
        ("5f4101ff", "indefinite lengths are not used"),
        ("bf616101ff", "indefinite lengths are not used"),
        ("1c", "reserved code 28"),
        ("c001", "tags are not used"),
        ("f7", "simple value 23 is not used"),
        ("f820", "simple value 24 is not used"),
        ("ff", "simple value 31 is not used"),
        ("61ff", "text is not UTF-8 at byte 1"),
        ("a10102", "map key 1 is not text"),
        ("a2616101616102", "map key 'a' appears twice"),
        ("81" * 9 + "00", "nested deeper than 8"),
        ("5bffffffffffffffff", "length 18446744073709551615 is over 8168"),
        ("9a7fffffff", "length 2147483647 is over 8168"),
    ],
)
def test_what_has_no_place_in_telemetry_is_refused(encoded: str, reason: str) -> None:
    with pytest.raises(CborError) as refused:
        decode(bytes.fromhex(encoded))

    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1 << 64, f"integer {1 << 64} is outside -2^64..2^64-1"),
        ({1: 2}, "map key 1 is not text"),
        ({1, 2}, "a set has no encoding"),
        ("\ud800", r"text '\ud800' is not Unicode"),
        ([[[[[[[[[0]]]]]]]]], "nested deeper than 8"),
    ],
)
def test_what_has_no_encoding_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(CborError) as refused:
        encode(value)

    assert refused.value.reason == reason


def test_not_a_number_has_one_encoding() -> None:
    assert encode(math.nan).hex() == "f97e00"
    assert math.isnan(decode(b"\xf9\x7e\x00")[0])
