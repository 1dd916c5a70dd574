"""Streams of bytes to frames, in every way a receive may cut them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import WireError
from ninedoor.limits import HEADER_BYTES, MSIZE_MAX
from ninedoor.wire.codec import decode_request, encode
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.messages import Tclunk, Tread, Twrite
from ninedoor.wire.types import Fid
from tests.strategies import cuts, requests

CLUNK = encode(1, Tclunk(Fid(1)))
READ = encode(2, Tread(Fid(1), 0, 8168))
LARGEST = encode(3, Twrite(Fid(1), 0, bytes(8169)))


def frames_of(reader: FrameReader, *pieces: bytes) -> list[bytes]:
    """All frames that come out while `pieces` are fed one after the other."""
    frames = []
    for piece in pieces:
        reader.feed(piece)
        frames += [buffer[start:end] for buffer, start, end in reader]
    return frames


def sized(size: int) -> bytes:
    return size.to_bytes(4, "little")


def test_whole_frames_come_out_in_order() -> None:
    assert frames_of(FrameReader(), CLUNK + READ + CLUNK) == [CLUNK, READ, CLUNK]


def test_frames_come_out_of_single_bytes() -> None:
    stream = CLUNK + LARGEST + READ

    assert frames_of(FrameReader(), *[bytes([byte]) for byte in stream]) == [CLUNK, LARGEST, READ]


def test_an_unfinished_frame_waits_for_its_end() -> None:
    reader = FrameReader()

    assert frames_of(reader, CLUNK + READ[:-1]) == [CLUNK]
    assert reader.buffered == len(READ) - 1
    assert frames_of(reader, READ[-1:]) == [READ]
    assert reader.buffered == 0


def test_nothing_in_nothing_out() -> None:
    reader = FrameReader()

    assert list(reader) == []
    assert frames_of(reader, b"", CLUNK[:5], b"", CLUNK[5:], b"") == [CLUNK]


@given(data=st.data(), messages=st.lists(requests, max_size=6))
def test_how_receives_cut_the_stream_changes_nothing(
    data: st.DataObject, messages: list[tuple[object]]
) -> None:
    frames = [frame for frame in (encode(1, message) for message in messages) if len(frame) <= MSIZE_MAX]
    reader = FrameReader()

    assert frames_of(reader, *data.draw(cuts(b"".join(frames)))) == frames
    assert reader.buffered == 0


def test_frames_of_one_receive_are_not_copied() -> None:
    received = CLUNK + READ
    reader = FrameReader()
    reader.feed(received)

    assert [(buffer is received, start, end) for buffer, start, end in reader] == [
        (True, 0, 11),
        (True, 11, 34),
    ]


def test_only_what_is_unfinished_is_held() -> None:
    reader = FrameReader()

    frames_of(reader, LARGEST * 3 + READ[:9])
    assert reader.buffer == READ[:9]
    frames_of(reader, READ[9:])
    assert reader.buffer == b""


@pytest.mark.parametrize("size", [0, 4, HEADER_BYTES - 1, MSIZE_MAX + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_size_is_refused_as_soon_as_it_is_readable(size: int) -> None:
    reader = FrameReader()

    assert frames_of(reader, CLUNK + sized(size)[:3]) == [CLUNK]
    reader.feed(sized(size)[3:])
    with pytest.raises(WireError, match=f"frame of {size} bytes, not 7 to 8192") as caught:
        list(reader)
    assert caught.value.tag is None


def test_frames_before_a_refused_size_still_come_out() -> None:
    reader = FrameReader()
    reader.feed(CLUNK + sized(6) + READ)
    frames = iter(reader)

    assert next(frames) == (CLUNK + sized(6) + READ, 0, len(CLUNK))
    with pytest.raises(WireError):
        next(frames)


def test_after_a_refused_size_everything_is_dropped() -> None:
    reader = FrameReader()
    reader.feed(sized(6) + READ)
    for _ in range(2):
        with pytest.raises(WireError, match="frame of 6 bytes"):
            list(reader)
        reader.feed(READ)
        assert reader.buffered == 0


def test_the_smallest_and_the_largest_frame_pass() -> None:
    smallest = sized(7) + b"\x79\x01\x00"

    assert len(LARGEST) == MSIZE_MAX
    assert frames_of(FrameReader(), smallest + LARGEST) == [smallest, LARGEST]


def test_a_lower_limit_holds_for_the_rest_of_the_same_receive() -> None:
    reader = FrameReader()
    reader.feed(LARGEST * 2)
    frames = iter(reader)
    next(frames)
    reader.limit = MSIZE_MAX - 1
    with pytest.raises(WireError, match="frame of 8192 bytes, not 7 to 8191"):
        next(frames)


def test_a_lower_limit_holds_for_an_unfinished_frame() -> None:
    reader = FrameReader()
    frames_of(reader, LARGEST[:-1])
    reader.limit = 256
    reader.feed(LARGEST[-1:])
    with pytest.raises(WireError):
        list(reader)


@pytest.mark.parametrize("taken", range(4))
def test_frames_left_untaken_come_out_later(taken: int) -> None:
    reader = FrameReader()
    reader.feed(CLUNK + READ + CLUNK + READ[:9])
    frames = iter(reader)
    first = [next(frames) for _ in range(taken)]

    assert reader.buffered == len(CLUNK + READ + CLUNK + READ[:9]) - sum(
        end - start for _, start, end in first
    )
    assert [*[CLUNK, READ, CLUNK][taken:], READ, LARGEST] == frames_of(reader, READ[9:] + LARGEST)


@pytest.mark.parametrize("taken", range(1, 4))
def test_feeding_while_iterating_loses_nothing(taken: int) -> None:
    reader = FrameReader()
    reader.feed(CLUNK + READ + CLUNK)
    frames = []
    for number, (buffer, start, end) in enumerate(reader, 1):
        frames.append(buffer[start:end])
        if number == taken:
            reader.feed(READ + CLUNK[:5])

    assert frames == [CLUNK, READ, CLUNK, READ]
    assert frames_of(reader, CLUNK[5:]) == [CLUNK]


def test_frames_can_be_cut_by_hand() -> None:
    reader = FrameReader()
    reader.feed(CLUNK + READ + CLUNK + READ[:9])

    assert reader.cut(len(CLUNK)) is True
    assert reader.buffer[reader.position :] == READ + CLUNK + READ[:9]
    assert frames_of(reader, b"") == [READ, CLUNK]
    assert reader.cut(0) is False
    assert reader.buffered == 9
    reader.feed(READ[9:] + sized(6))
    assert reader.cut(0) is True
    for _ in range(2):
        with pytest.raises(WireError, match="frame of 6 bytes"):
            reader.cut(len(READ))
    assert reader.buffered == 0


def test_what_comes_out_is_what_the_codec_takes() -> None:
    reader = FrameReader()
    reader.feed(CLUNK + READ)

    assert [decode_request(*frame) for frame in reader] == [
        (1, Tclunk(Fid(1))),
        (2, Tread(Fid(1), 0, 8168)),
    ]
