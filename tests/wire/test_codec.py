"""Whole frames: the corpus, every message of the table, the header, and Treaddir records."""

import re
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import WireError
from ninedoor.limits import HEADER_BYTES, READ_OVERHEAD, STRING_MAX, WRITE_OVERHEAD
from ninedoor.wire.codec import (
    UnknownMessage,
    decode_dirents,
    decode_reply,
    decode_request,
    encode,
    encode_dirents,
)
from ninedoor.wire.messages import (
    MESSAGES,
    NUMBERS,
    REPLIES,
    REQUESTS,
    Message,
    Rclunk,
    Rgetattr,
    Rread,
    Rwrite,
    Tclunk,
    Tflush,
    Tversion,
    Twalk,
    Twrite,
)
from ninedoor.wire.types import Dirent, Fid, Qid, Tag
from tests.mutate import boundary_frames, sample
from tests.strategies import dirents, messages, tags

CORPUS = Path(__file__).parent.parent / "corpus" / "frames.txt"
every_message = pytest.mark.parametrize("message", [pytest.param(kind, id=kind.__name__) for kind in NUMBERS])


class Case(NamedTuple):
    """One case of the corpus: a frame and the line that says what comes of it."""

    name: str
    frame: bytes
    outcome: str


def read_corpus() -> list[Case]:
    cases = []
    for block in CORPUS.read_text().split("\n== ")[1:]:
        name, text, outcome = block.rstrip("\n").split("\n")
        digits = re.sub(r'"([^"]*)"', lambda quoted: quoted[1].encode().hex(), text)
        cases.append(Case(name, bytes.fromhex(digits), outcome))
    return cases


def decode(direction: str, frame: bytes) -> tuple[Tag, Message]:
    decode_frame = decode_request if direction == "request" else decode_reply
    return decode_frame(frame, 0, len(frame))


def direction_of(kind: type[Message]) -> str:
    return "request" if kind in REQUESTS.values() else "reply"


def outcome(direction: str, frame: bytes) -> str:
    """What comes of `frame`, as the corpus writes it."""
    try:
        tag, message = decode(direction, frame)
    except WireError as error:
        return f"{direction} {'-' if error.tag is None else error.tag} ! {error.reason}"
    return f"{direction} {tag} {message}"


@pytest.mark.parametrize("case", read_corpus(), ids=lambda case: case.name)
def test_corpus(case: Case) -> None:
    direction, _, what = case.outcome.split(" ", 2)

    assert outcome(direction, case.frame) == case.outcome
    assert what.startswith("!") or encode(*decode(direction, case.frame)) == case.frame


def test_corpus_names_are_unique() -> None:
    names = [case.name for case in read_corpus()]

    assert len(names) == len(set(names))


@given(tag=tags, message=messages)
def test_every_message_comes_back_as_it_went(tag: int, message: Message) -> None:
    frame = encode(tag, message)

    assert int.from_bytes(frame[:4], "little") == len(frame)
    decoded = decode(direction_of(type(message)), frame)
    assert decoded == (tag, message)
    assert type(decoded[1]) is type(message)


@given(message=messages, before=st.binary(max_size=9), after=st.binary(max_size=40))
def test_neighbours_in_the_buffer_change_nothing(message: Message, before: bytes, after: bytes) -> None:
    frame = encode(1, message)
    decode_frame = decode_request if type(message) in REQUESTS.values() else decode_reply
    start, end = len(before), len(before) + len(frame)

    assert decode_frame(before + frame + after, start, end) == (1, message)


@every_message
def test_boundary_damage_is_refused_with_the_tag_where_the_header_holds(message: type[Message]) -> None:
    frame = encode(0x1234, sample(message))
    for damaged in boundary_frames(frame, Random(message.__name__)):
        with pytest.raises(WireError) as caught:
            decode(direction_of(message), damaged)
        header_holds = len(damaged) >= HEADER_BYTES and int.from_bytes(damaged[:4], "little") == len(damaged)
        assert caught.value.tag == (0x1234 if header_holds else None), damaged.hex()


@every_message
def test_a_span_that_ends_early_is_refused_though_the_bytes_are_there(message: type[Message]) -> None:
    frame = encode(1, sample(message))
    decode_frame = decode_request if message in REQUESTS.values() else decode_reply
    for end in range(len(frame)):
        with pytest.raises(WireError):
            decode_frame(end.to_bytes(4, "little") + frame[4:] + frame, 0, end)


def test_every_other_type_number_is_unknown_and_keeps_its_tag() -> None:
    for known, decode_frame in ((REQUESTS, decode_request), (REPLIES, decode_reply)):
        for number in set(range(256)) - set(known):
            with pytest.raises(UnknownMessage) as caught:
                decode_frame(bytes([9, 0, 0, 0, number, 0x34, 0x12, 0, 0]), 0, 9)
            assert (caught.value.number, caught.value.tag) == (number, 0x1234)


def test_the_table_pairs_each_request_with_the_next_number() -> None:
    assert {number + 1 for number in REQUESTS} | {7} == set(REPLIES)
    assert set(MESSAGES) == set(REQUESTS) | set(REPLIES)


def test_overheads_of_the_limits_are_those_of_the_frames() -> None:
    assert len(encode(1, Rread(b""))) == READ_OVERHEAD
    assert len(encode(1, Twrite(Fid(1), 0, b""))) == WRITE_OVERHEAD
    assert len(encode(1, Rclunk())) == HEADER_BYTES


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        (0x10000, Tclunk(Fid(1))),
        (-1, Tclunk(Fid(1))),
        (1, Tclunk(Fid(1 << 32))),
        (1, Tclunk(Fid(-1))),
        (1, Tflush(Tag(0x10000))),
        (1, Rwrite(1 << 32)),
        (1, Twrite(Fid(1), 1 << 64, b"")),
        (1, Tversion(-1, "9P2000.L")),
        (1, Tversion(8192, "9" * (STRING_MAX + 1))),
        (1, Tversion(8192, "\udc80")),
        (1, Twalk(Fid(1), Fid(2), ("a",) * 17)),
        (1, Rgetattr(0, Qid(0x100, 0, 0), *[0] * 18)),
    ],
)
def test_our_own_value_out_of_range_is_a_value_error(tag: int, message: Message) -> None:
    with pytest.raises(ValueError, match=r"does not fit|over|surrogates"):
        encode(tag, message)


def test_what_is_no_message_does_not_encode() -> None:
    with pytest.raises(TypeError, match="Qid is not a 9P message"):
        encode(1, Qid(0, 0, 0))


ENTRIES = (
    Dirent(Qid(0x80, 0, 1), 1, 4, "proc"),
    Dirent(Qid(0x40, 2, 3), 0xFFFFFFFFFFFFFFFF, 8, "é"),
    Dirent(Qid(0x00, 0, 2), 3, 8, ""),
)
RECORDS = bytes.fromhex(
    "80 00000000 0100000000000000 0100000000000000 04 0400 70726f63"
    "40 02000000 0300000000000000 ffffffffffffffff 08 0200 c3a9"
    "00 00000000 0200000000000000 0300000000000000 08 0000"
)


def test_directory_records_lie_as_the_protocol_page_says() -> None:
    assert encode_dirents(ENTRIES, 8192) == RECORDS
    assert decode_dirents(RECORDS) == ENTRIES


@given(entries=st.lists(dirents, max_size=8), count=st.integers(0, 4096))
def test_directory_records_are_whole_leading_and_within_count(entries: list[Dirent], count: int) -> None:
    data = encode_dirents(entries, count)

    assert len(data) <= count
    decoded = decode_dirents(data)
    assert list(decoded) == entries[: len(decoded)]
    rest = entries[len(decoded) : len(decoded) + 1]
    assert not rest or len(data) + len(encode_dirents(rest, 1 << 20)) > count


@pytest.mark.parametrize("count", range(len(RECORDS) + 2))
def test_no_record_is_cut(count: int) -> None:
    ends = [0, 28, 54, 78]

    assert len(encode_dirents(ENTRIES, count)) == max(end for end in ends if end <= count)


def test_a_record_that_does_not_fit_ends_the_page_though_a_shorter_one_follows() -> None:
    assert encode_dirents(ENTRIES, 28 + 24) == RECORDS[:28]


def test_entries_past_the_first_that_does_not_fit_are_not_looked_at() -> None:
    rest = iter(ENTRIES)

    assert encode_dirents(rest, 28) == RECORDS[:28]
    assert list(rest) == [ENTRIES[2]]


def test_no_entries_are_no_bytes() -> None:
    assert encode_dirents((), 8192) == b""
    assert decode_dirents(b"") == ()


def test_every_cut_or_tail_of_directory_records_is_refused() -> None:
    for length in set(range(len(RECORDS))) - {0, 28, 54}:
        with pytest.raises(WireError):
            decode_dirents(RECORDS[:length])
    with pytest.raises(WireError, match="directory record of 1 bytes"):
        decode_dirents(RECORDS + b"\0")


def test_a_directory_entry_out_of_range_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="'proc' does not fit its record"):
        encode_dirents([Dirent(Qid(0, 0, 0), 0, 256, "proc")], 8192)
