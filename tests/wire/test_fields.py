"""Field annotations to bytes, on classes made up for the purpose."""

from typing import NamedTuple

import pytest

from ninedoor.errors import WireError
from ninedoor.limits import STRING_MAX, WIRE_NAMES_MAX
from ninedoor.wire.fields import decoder, encoder, read_string, write_string
from ninedoor.wire.messages import Message
from ninedoor.wire.types import U8, U16, U32, U64, Fid, Qid, Tag

HEADER = 7


class Scalars(NamedTuple):
    a: U8
    b: U16
    c: U32
    d: U64
    e: Fid
    f: Tag


class Empty(NamedTuple):
    pass


class QidInside(NamedTuple):
    before: U8
    qid: Qid
    after: U16


class Data(NamedTuple):
    fid: Fid
    data: bytes


class Names(NamedTuple):
    fid: Fid
    names: tuple[str, ...]


class Qids(NamedTuple):
    qids: tuple[Qid, ...]


class Strings(NamedTuple):
    a: U8
    first: str
    second: str
    b: U16


class TwoQids(NamedTuple):
    first: Qid
    second: Qid


class DataFirst(NamedTuple):
    data: bytes
    fid: Fid


class Floating(NamedTuple):
    value: float


QID = Qid(0x80, 7, 9)
QID_BYTES = bytes.fromhex("80 07000000 0900000000000000")
SAMPLES = {
    Scalars(1, 2, 3, 4, Fid(5), Tag(6)): "01 0200 03000000 0400000000000000 05000000 0600",
    Empty(): "",
    QidInside(1, QID, 2): "01" + QID_BYTES.hex() + "0200",
    Data(Fid(1), b"xy"): "01000000 02000000 7879",
    Names(Fid(1), ("a", "é")): "01000000 0200 0100 61 0200 c3a9",
    Qids((QID, QID)): "0200" + QID_BYTES.hex() * 2,
    Strings(1, "a", "", 2): "01 0100 61 0000 0200",
}
every_shape = pytest.mark.parametrize(
    ("message", "body"),
    [(message, bytes.fromhex(text)) for message, text in SAMPLES.items()],
    ids=[type(message).__name__ for message in SAMPLES],
)


@every_shape
def test_fields_lie_in_order_and_little_endian(message: Message, body: bytes) -> None:
    frame = encoder(type(message), 100)(0x1234, message)

    assert frame == (HEADER + len(body)).to_bytes(4, "little") + b"\x64\x34\x12" + body


@every_shape
def test_decoding_gives_the_message_and_its_types_back(message: Message, body: bytes) -> None:
    decoded = decoder(type(message))(body, 0, len(body))

    assert decoded == message
    assert type(decoded) is type(message)


@every_shape
def test_nothing_outside_the_span_is_read(message: Message, body: bytes) -> None:
    surrounded = b"\xff" * 9 + body + b"\xff" * 9

    assert decoder(type(message))(surrounded, 9, 9 + len(body)) == message


@every_shape
def test_a_frame_cut_short_is_refused_though_bytes_follow_it(message: Message, body: bytes) -> None:
    decode = decoder(type(message))

    for end in range(len(body)):
        with pytest.raises(WireError):
            decode(body + body, 0, end)


@every_shape
def test_a_tail_is_refused(message: Message, body: bytes) -> None:
    decode = decoder(type(message))

    for tail in (b"\0", b"\0\0\0\0"):
        with pytest.raises(WireError):
            decode(body + tail, 0, len(body + tail))


def test_a_decoded_qid_is_a_qid() -> None:
    body = b"\x01" + QID_BYTES + b"\x02\x00"
    (_, qid, _) = decoder(QidInside)(body, 0, len(body))

    assert type(qid) is Qid


def test_data_comes_out_as_bytes() -> None:
    (_, data) = decoder(Data)(bytes(4) + b"\x01\0\0\0x", 0, 9)

    assert type(data) is bytes


@pytest.mark.parametrize("kind", [TwoQids, DataFirst, Floating])
def test_annotations_without_a_layout_are_a_bug(kind: type[Message]) -> None:
    with pytest.raises(TypeError, match="has no wire form in this place"):
        decoder(kind)
    with pytest.raises(TypeError, match="has no wire form in this place"):
        encoder(kind, 100)


def test_reading_a_string_returns_where_it_ends() -> None:
    values: list[str] = []

    assert read_string(b"..\x02\0abcd", 2, 8, values) == 6
    assert values == ["ab"]


@pytest.mark.parametrize("end", range(7))
def test_a_string_never_reaches_into_what_follows_the_frame(end: int) -> None:
    values: list[str] = []
    with pytest.raises(WireError, match=r"before the length|of 5 bytes where"):
        read_string(b"\x05\0abcde", 0, end, values)

    assert values == []


def test_the_longest_string_passes_and_one_byte_more_does_not() -> None:
    longest = write_string("a" * STRING_MAX)
    values: list[str] = []

    assert read_string(longest, 0, len(longest), values) == len(longest)
    with pytest.raises(ValueError, match="string of 4097 bytes over 4096"):
        write_string("a" * (STRING_MAX + 1))
    with pytest.raises(WireError, match="string of 4097 bytes over 4096"):
        read_string(b"\x01\x10" + b"a" * 4097, 0, 4099, values)


def test_a_string_is_measured_in_bytes_not_characters() -> None:
    with pytest.raises(ValueError, match="string of 4098 bytes"):
        write_string("é" * 2049)


def test_a_lone_surrogate_does_not_encode() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        write_string("\udc80")


def test_a_refused_string_is_not_kept_by_its_error() -> None:
    with pytest.raises(WireError) as caught:
        read_string(b"\x08\0secret\xff\xff", 0, 10, [])

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fullest", "over"),
    [
        (Names(Fid(1), ("a",) * WIRE_NAMES_MAX), Names(Fid(1), ("a",) * (WIRE_NAMES_MAX + 1))),
        (Qids((QID,) * WIRE_NAMES_MAX), Qids((QID,) * (WIRE_NAMES_MAX + 1))),
    ],
)
def test_the_most_names_pass_and_one_more_does_not(fullest: Message, over: Message) -> None:
    encode, decode = encoder(type(fullest), 100), decoder(type(fullest))
    frame = encode(1, fullest)

    assert decode(frame, HEADER, len(frame)) == fullest
    with pytest.raises(ValueError, match=r"17 (names|qids) over 16"):
        encode(1, over)
