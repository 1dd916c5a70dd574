"""Whatever the bytes are, decoding gives a message that encodes to the same bytes, or WireError.

A small run of fixed seeds; each failure becomes a case of tests/corpus/frames.txt.
"""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import WireError
from ninedoor.wire.codec import decode_dirents, decode_reply, decode_request, encode, encode_dirents
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.messages import REPLIES
from tests.mutate import mutate, request_frames, resized, sample, stream

REQUEST_FRAMES = request_frames()
REPLY_FRAMES = [encode(1, sample(message)) for message in REPLIES.values()]


def check_frame(frame: bytes) -> int:
    """Decode `frame` both ways; returns how many of the two took it."""
    taken = 0
    for decode in (decode_request, decode_reply):
        try:
            tag, message = decode(frame, 0, len(frame))
        except WireError:
            continue
        assert encode(tag, message) == frame
        taken += 1
    return taken


@pytest.mark.parametrize("seed", range(4))
def test_mutated_frames_decode_or_raise_wire_error(seed: int) -> None:
    random = Random(seed)
    taken = sum(check_frame(mutate(random, REQUEST_FRAMES + REPLY_FRAMES)) for _ in range(2000))

    # Damage that never decodes, or always does, would test half of the rule.
    assert 100 < taken < 1900


@given(body=st.binary(max_size=80))
def test_any_bytes_behind_a_sound_size_decode_or_raise_wire_error(body: bytes) -> None:
    check_frame(resized(bytes(4) + body))


@given(data=st.binary(max_size=120))
def test_any_directory_data_decodes_or_raises_wire_error(data: bytes) -> None:
    try:
        entries = decode_dirents(data)
    except WireError:
        return
    assert encode_dirents(entries, len(data)) == data


def check_stream(data: bytes) -> WireError | None:
    """Cut and decode all of `data`; returns why the stream ended, None when it did not."""
    reader = FrameReader()
    reader.feed(data)
    try:
        for buffer, start, end in reader:
            check_frame(buffer[start:end])
    except WireError as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(4))
def test_mutated_streams_are_cut_to_their_end_or_refused_without_a_tag(seed: int) -> None:
    random = Random(seed)
    ends = [check_stream(stream(random, REQUEST_FRAMES, 8)) for _ in range(100)]

    refusals = [error for error in ends if error is not None]
    assert 0 < len(refusals) < 100
    assert {error.tag for error in refusals} == {None}


def test_a_seed_is_a_whole_run() -> None:
    assert stream(Random(7), REQUEST_FRAMES, 50) == stream(Random(7), REQUEST_FRAMES, 50)
    assert stream(Random(7), REQUEST_FRAMES, 50) != stream(Random(8), REQUEST_FRAMES, 50)
