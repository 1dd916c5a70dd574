"""Telemetry frames: exactly six keys, in their order, each of its type."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.manifest import frames as schema
from ninedoor.telemetry import cbor
from ninedoor.telemetry.cbor import CborError, CutShort
from ninedoor.telemetry.frames import (
    KEYS,
    PREFIX,
    ROLES,
    SCHEMA,
    Frame,
    decode,
    decode_all,
    encode,
    may_begin,
)

FRAME = Frame("worker-1", "worker-heartbeat", 3, 1000, {"tick": 3})
ENCODED = bytes.fromhex(
    "a6 66 736368656d61 72 74656c656d657472792d6672616d652f7631"
    "69 776f726b65725f6964 68 776f726b65722d31"
    "64 726f6c65 70 776f726b65722d686561727462656174"
    "63 736571 03 6a 656d69747465645f6d73 19 03e8"
    "67 7061796c6f6164 a1 64 7469636b 03"
)

FRAMES = st.builds(
    Frame,
    st.text(max_size=20),
    st.sampled_from(ROLES),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 64) - 1),
    st.dictionaries(st.text(max_size=8), st.integers(0, 99) | st.text(max_size=9), max_size=4),
)


def _with(**changes: Any) -> bytes:
    """The frame with other members; None leaves one out."""
    members: dict[str, Any] = dict(zip(KEYS, (SCHEMA, *FRAME), strict=True)) | changes
    return cbor.encode({key: value for key, value in members.items() if value is not None})


def test_the_example_of_the_format() -> None:
    assert encode(FRAME) == ENCODED
    assert decode(ENCODED) == (FRAME, len(ENCODED))


@given(FRAMES)
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    assert decode_all(encode(frame)) == [frame]


def test_the_documented_schema_is_this_one() -> None:
    assert schema.SCHEMA == SCHEMA
    assert tuple(field.name for field in schema.FIELDS) == KEYS


def test_every_frame_begins_alike() -> None:
    assert ENCODED.startswith(PREFIX)
    assert may_begin(b"xx" + ENCODED, 2)
    assert may_begin(b"xx" + ENCODED[:5], 2)
    assert not may_begin(b"xx" + ENCODED, 1)
    assert not may_begin(b"xx", 2)


def test_one_append_may_hold_several() -> None:
    later = FRAME._replace(seq=4)

    assert decode_all(encode(FRAME) + encode(later)) == [FRAME, later]
    assert decode_all(b"") == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"heartbeat 1\n", "not a map"),
        (b"telemetry\n", "the bytes end within a string"),
        (b"\x01", "not a map"),
        (_with(payload=None), "its keys are schema worker_id role seq emitted_ms, not " + " ".join(KEYS)),
        (_with(more=1), f"its keys are {' '.join(KEYS)} more, not {' '.join(KEYS)}"),
        (cbor.encode({}), f"its keys are none, not {' '.join(KEYS)}"),
        (_with(schema="telemetry-frame/v2"), "schema 'telemetry-frame/v2' is not telemetry-frame/v1"),
        (_with(worker_id=1), "worker_id is not a text string"),
        (_with(role=b"worker-gpu"), "role is not a text string"),
        (_with(role="queen"), "role 'queen' is none of worker-heartbeat worker-gpu"),
        (_with(seq=-1), "seq -1 is not a uint"),
        (_with(seq=True), "seq is not a uint"),
        (_with(emitted_ms=1.5), "emitted_ms is not a uint"),
        (_with(payload=[1]), "payload is not a map"),
        (ENCODED + b"\n", "not a map"),
    ],
)
def test_what_is_no_frame_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(CborError) as refused:
        decode_all(data)

    assert refused.value.reason == reason


def test_keys_in_another_order_are_no_frame() -> None:
    members = dict(zip(KEYS, (SCHEMA, *FRAME), strict=True))

    with pytest.raises(CborError, match="its keys are payload emitted_ms"):
        decode(cbor.encode(dict(reversed(members.items()))))


def test_a_frame_that_no_write_carries_is_refused() -> None:
    with pytest.raises(CborError, match="is over 8168"):
        decode(encode(FRAME._replace(payload={"a": "x" * 8100})))


def test_a_cut_frame_is_cut_short() -> None:
    for end in range(len(ENCODED)):
        with pytest.raises(CutShort):
            decode(ENCODED[:end])
