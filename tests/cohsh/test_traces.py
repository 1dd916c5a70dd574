"""The trace file: a round trip, a recording of the original's, and every way to be none."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohsh.traces import MAGIC, Trace, TraceError, decode, encode

SAMPLE = Path(__file__).parents[1] / "data" / "cohsh" / "sample.trace"
"""Recorded by the original: another dialect of 9P, the same file format."""

MOST = 1 << 20

frames = st.binary(max_size=64)
traces = st.builds(
    Trace,
    st.lists(st.tuples(frames, frames), max_size=4).map(tuple),
    st.lists(st.text(max_size=20), max_size=4).map(tuple),
)


@given(traces)
def test_what_was_written_is_read(trace: Trace) -> None:
    assert decode(encode(trace, MOST), MOST) == trace


def test_a_recording_of_the_original_is_read_and_written_alike() -> None:
    data = SAMPLE.read_bytes()
    trace = decode(data, MOST)

    assert len(data) == 977
    assert len(trace.frames) == 14
    assert (trace.acks[0], trace.acks[4]) == ("OK ATTACH role=queen", "OK QUIT")
    assert encode(trace, MOST) == data


@pytest.mark.parametrize("at", range(0, 977, 31))
def test_a_changed_byte_is_noticed_wherever_it_is(at: int) -> None:
    data = bytearray(SAMPLE.read_bytes())
    data[at] ^= 1

    with pytest.raises(TraceError, match=r"trace hash mismatch|does not begin with COHTRACE"):
        decode(bytes(data), MOST)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    sealed = MAGIC + body + hashlib.sha256(MAGIC + body).digest()
    for data in (body, MAGIC + body, sealed):
        try:
            trace = decode(data, MOST)
        except TraceError:
            continue
        assert encode(trace, MOST) == data


def sealed(frames: int, acks: int, rest: bytes) -> bytes:
    body = MAGIC + frames.to_bytes(4, "little") + acks.to_bytes(4, "little") + rest
    return body + hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (sealed(1, 0, b""), "less than its head says"),
        (sealed(0, 0, b"\1\0\0\0x"), "more than its head says"),
        (sealed(0, 1, b"\5\0\0\0x"), "a piece of 5 bytes where 1 are left"),
        (sealed(0, 1, b"\1\0"), "ends inside a length"),
        (sealed(0, 1, b"\1\0\0\0\xff"), "not UTF-8"),
        (sealed(0, 1, b"\1\1\0\0" + bytes(257)), "a piece of 257 bytes, over 256"),
        (bytes(MOST + 1), f"trace of {MOST + 1} bytes, over {MOST}"),
    ],
)
def test_what_is_no_trace_says_why(data: bytes, why: str) -> None:
    with pytest.raises(TraceError, match=why):
        decode(data, MOST)


def test_what_does_not_fit_is_not_written() -> None:
    with pytest.raises(TraceError, match="frame of 8193 bytes, over 8192"):
        encode(Trace(((b"", bytes(8193)),), ()), MOST)
    size = len(encode(Trace((), ("x",)), MOST))
    with pytest.raises(TraceError, match=f"trace of {size} bytes, over {size - 1}: record a shorter session"):
        encode(Trace((), ("x",)), size - 1)
