"""Padding is taken off exactly, and never from what was not padded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.castool.padding import MAGIC, exact_size, padding, tail_bytes

SIZES = st.integers(1, 300)


@given(st.binary(max_size=1000), SIZES)
def test_padding_fills_chunks_and_tells_the_length(payload: bytes, chunk_bytes: int) -> None:
    padded = payload + padding(len(payload), chunk_bytes)

    assert len(padded) % chunk_bytes == 0
    assert len(padded) - len(payload) <= tail_bytes(chunk_bytes)
    assert exact_size(len(padded), chunk_bytes, padded[-tail_bytes(chunk_bytes) :]) == len(payload)


@given(st.binary(max_size=1000), SIZES)
def test_a_padded_payload_is_padded_again(payload: bytes, chunk_bytes: int) -> None:
    once = payload + padding(len(payload), chunk_bytes)
    twice = once + padding(len(once), chunk_bytes)

    assert exact_size(len(twice), chunk_bytes, twice[-tail_bytes(chunk_bytes) :]) == len(once)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"x" * 128,
        bytes(112) + MAGIC + bytes(7) + b"\x80",
        bytes(111) + b"x" + MAGIC + bytes(8),
        bytes(112) + MAGIC + b"\xff" * 8,
    ],
    ids=["empty", "plain", "length of all", "something else before it", "a length beyond all"],
)
def test_what_is_not_padding_is_not_taken_for_it(payload: bytes) -> None:
    assert exact_size(len(payload), 128, payload[-tail_bytes(128) :]) is None
