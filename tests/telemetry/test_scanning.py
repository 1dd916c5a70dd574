"""Finding frames and text in files that begin, end or go on in the middle of one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.telemetry.frames import Frame, encode
from ninedoor.telemetry.gaps import Gap, marker
from ninedoor.telemetry.scanning import (
    CUT_BACK,
    CUT_FRONT,
    LINE_MAX,
    UNREADABLE,
    Content,
    Finding,
    Scanner,
    Skipped,
    Text,
)

FRAMES = [Frame("worker-1", "worker-heartbeat", seq, 1000 + seq, {"tick": seq}) for seq in range(5)]
BYTES = [encode(frame) for frame in FRAMES]
SIZE = len(BYTES[0])


def scan(*pieces: bytes) -> list[Finding]:
    scanner = Scanner()
    found = [finding for piece in pieces for finding in scanner.feed(piece)]
    return [*found, *scanner.end()]


def contents(*pieces: bytes) -> list[Content]:
    return [finding.content for finding in scan(*pieces)]


def test_frames_one_after_the_other() -> None:
    assert scan(b"".join(BYTES)) == [Finding(at * SIZE, frame) for at, frame in enumerate(FRAMES)]


@pytest.mark.parametrize("cut", [1, 5, 27, 60, SIZE - 1])
def test_a_first_frame_that_the_ring_has_cut_is_told_and_passed_over(cut: int) -> None:
    assert scan(b"".join(BYTES)[cut:])[:2] == [
        Finding(0, Skipped(SIZE - cut, CUT_FRONT)),
        Finding(SIZE - cut, FRAMES[1]),
    ]


def test_a_last_frame_that_is_not_all_there_is_told() -> None:
    assert contents(BYTES[0] + BYTES[1][:-1]) == [FRAMES[0], Skipped(SIZE - 1, CUT_BACK)]


def test_damage_between_frames_is_passed_over() -> None:
    damaged = BYTES[0] + b"\x00\x01\x02" + BYTES[1]

    assert contents(damaged) == [FRAMES[0], Skipped(3, UNREADABLE), FRAMES[1]]


def test_a_frame_that_is_none_after_all_is_told_with_the_reason() -> None:
    wrong = encode(FRAMES[0]._replace(role="worker-gpu")).replace(b"worker-gpu", b"worker-gup")

    (told, frame) = contents(wrong + BYTES[1])

    assert isinstance(told, Skipped)
    assert told.reason == "role 'worker-gup' is none of worker-heartbeat worker-gpu"
    assert frame == FRAMES[1]


def test_a_gap_is_found_between_a_frame_that_was_cut_and_the_rest_of_another() -> None:
    stream = BYTES[0] + BYTES[1][:40] + marker(Gap(500, 900)) + BYTES[2][30:] + BYTES[3]

    assert contents(stream) == [
        FRAMES[0],
        Skipped(40, CUT_BACK),
        Gap(500, 900),
        Skipped(SIZE - 30, CUT_FRONT),
        FRAMES[3],
    ]


def test_text_is_told_by_the_line() -> None:
    assert scan(b"heartbeat 1\r\nheartb\xc3\xa4t 2\n\nlast") == [
        Finding(0, Text("heartbeat 1")),
        Finding(13, Text("heartbät 2")),
        Finding(26, Text("last")),
    ]


def test_text_and_frames_may_follow_each_other() -> None:
    assert contents(b"old line\n" + BYTES[0] + b"new line\n") == [
        Text("old line"),
        FRAMES[0],
        Text("new line"),
    ]


def test_a_gap_in_text_is_found() -> None:
    assert contents(b"one\ntw" + marker(Gap(5, 20)) + b"ee\nfour\n") == [
        Text("one"),
        Text("tw"),
        Gap(5, 20),
        Text("ee"),
        Text("four"),
    ]


def test_what_is_neither_is_told_whole() -> None:
    assert contents(b"\x00\xff" * 10) == [Skipped(20, CUT_FRONT)]
    assert contents(b"escape \x1b[2J\n") == [Skipped(11, CUT_FRONT)]
    assert contents(b"") == []


def test_a_line_is_told_as_soon_as_it_is_there() -> None:
    scanner = Scanner()

    assert [finding.content for finding in scanner.feed(b"one\ntw")] == [Text("one")]
    assert [finding.content for finding in scanner.feed(b"o\n")] == [Text("two")]


def test_a_frame_is_told_as_soon_as_it_is_there() -> None:
    scanner = Scanner()

    assert list(scanner.feed(BYTES[0][:-1])) == []
    assert list(scanner.feed(BYTES[0][-1:])) == [Finding(0, FRAMES[0])]


def test_no_more_is_held_than_a_frame_or_a_line_may_have() -> None:
    scanner = Scanner()
    told = [finding for _ in range(40) for finding in scanner.feed(b"\x00" * 1000)]

    assert sum(finding.content.size for finding in told if isinstance(finding.content, Skipped)) > (
        40_000 - 2 * LINE_MAX
    )


STREAMS = st.lists(
    st.sampled_from(
        [*BYTES, BYTES[1][:50], BYTES[2][40:], b"text\n", b"\n", b"\x00\x01", b"[gap", marker(Gap(77, 99))]
    ),
    max_size=8,
).map(b"".join)


@given(STREAMS)
def test_however_the_bytes_come_the_frames_and_gaps_are_the_same(stream: bytes) -> None:
    def solid(found: list[Finding]) -> list[Finding]:
        return [finding for finding in found if isinstance(finding.content, Frame | Gap)]

    whole = solid(scan(stream))

    assert solid(scan(*(stream[at : at + 1] for at in range(len(stream))))) == whole
    assert solid(scan(*(stream[at : at + 37] for at in range(0, len(stream), 37)))) == whole


@given(st.binary(max_size=300))
def test_any_bytes_can_be_scanned_and_each_is_accounted_for_once(data: bytes) -> None:
    end = 0
    for offset, content in scan(data):
        assert offset >= end
        end = offset + (content.size if isinstance(content, Skipped) else 1)

    assert end <= len(data)
