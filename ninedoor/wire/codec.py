"""Frames to messages and back: the header, the type number and the Treaddir records.

Whose fault decides the exception. A peer's bytes raise WireError and nothing else; a value of our own that
does not fit its field is a bug and raises ValueError from `encode`. A WireError with a `tag` can be
answered on that tag; without one the header itself was wrong and the connection has to close. Names are
checked for length and UTF-8 only: `.`, `..`, empty, NUL and `/` are requests to refuse, not bad bytes.
"""

import struct
from collections.abc import Iterable, Mapping
from struct import Struct

from ninedoor.errors import WireError
from ninedoor.limits import HEADER_BYTES, STRING_MAX
from ninedoor.wire.fields import Decoder, Encoder, decoder, encoder, read_string
from ninedoor.wire.messages import NUMBERS, REPLIES, REQUESTS, Message
from ninedoor.wire.types import Dirent, Qid, Tag


class UnknownMessage(WireError):
    """A well-framed message whose type number is not served: answer EOPNOTSUPP on its tag."""

    def __init__(self, number: int, direction: str) -> None:
        super().__init__(f"message type {number} is not a {direction}")
        self.number = number


def _unknown(number: int, direction: str) -> Decoder:
    def decode(buffer: bytes, at: int, end: int) -> Message:
        raise UnknownMessage(number, direction)

    return decode


def _decoders(messages: Mapping[int, type[Message]], direction: str) -> tuple[Decoder, ...]:
    return tuple(
        decoder(messages[number]) if number in messages else _unknown(number, direction)
        for number in range(256)
    )


REQUEST_DECODERS = _decoders(REQUESTS, "request")
"""Type number → what decodes the fields behind the header of a T-message. For who decodes many frames that
are known to be whole; everybody else calls `decode_request`."""

ENCODERS: Mapping[type[Message], Encoder] = {
    message: encoder(message, number) for message, number in NUMBERS.items()
}
"""Message → what makes a frame of it. For who encodes many messages that are known to be some; everybody else
calls `encode`."""

HEADER = Struct("<IBH")
"""size[4] type[1] tag[2] of intro(5)."""

APPEND_HEADER = Struct("<IBHI8xI")
"""A Twrite up to its data, without the offset: size[4] type[1] tag[2] fid[4] offset[8] count[4]."""

WRITTEN = Struct("<IBHI")
"""An Rwrite: size[4] type[1] tag[2] count[4]."""

_REPLY_DECODERS = _decoders(REPLIES, "reply")
_RECORD = Struct("<BIQQB")
"""A Treaddir record up to its name: qid[13] offset[8] type[1]."""

_NAMED_RECORD = Struct("<BIQQBH")
"""The same, with the length of the name."""


def decode_request(buffer: bytes, start: int, end: int) -> tuple[Tag, Message]:
    """The tag and the T-message of the frame buffer[start:end], header included.

    Precondition: 0 <= start <= end <= len(buffer). A span of a larger buffer costs no copy but that of the
    data field, so hand over what `FrameReader` yields.

    Raises WireError: without `tag` when the frame is under 7 bytes or its size[4] is not `end - start`,
    with `tag` when its fields do not fill it exactly, a string is over STRING_MAX or not UTF-8, or there
    are more than WIRE_NAMES_MAX names; UnknownMessage (with `tag`) for a number that is no request.
    """
    return _decode(REQUEST_DECODERS, buffer, start, end)


def decode_reply(buffer: bytes, start: int, end: int) -> tuple[Tag, Message]:
    """The tag and the R-message of the frame buffer[start:end]; otherwise as `decode_request`."""
    return _decode(_REPLY_DECODERS, buffer, start, end)


def encode(tag: int, message: Message) -> bytes:
    """The frame of `message`, header included; `decode_request` or `decode_reply` gives it back.

    Nothing here knows the negotiated msize: who builds the message keeps the frame within it.

    Raises ValueError when the tag or a field is out of its range, a string is over STRING_MAX bytes or not
    encodable, or there are more than WIRE_NAMES_MAX names; TypeError when `message` is not a message.
    """
    encode_message = ENCODERS.get(type(message))
    if encode_message is None:
        raise TypeError(f"{type(message).__name__} is not a 9P message")
    try:
        return encode_message(tag, message)
    except struct.error as error:
        raise ValueError(f"{type(message).__name__} does not fit its frame: {error}") from error


def tag_of(frame: bytes) -> int:
    """The tag of a whole frame."""
    return frame[5] | frame[6] << 8


def encode_dirents(entries: Iterable[Dirent], count: int) -> bytes:
    """The records of as many leading `entries` as fit whole into `count` bytes.

    b"" for no entries, and also when the first one does not fit: a peer reads b"" as the end of the
    directory, so the caller refuses such a `count`. Entries past the last one that fits are not looked at.

    Raises ValueError when a field is out of its range or a name is over STRING_MAX bytes.
    """
    records = []
    left = count
    pack = _NAMED_RECORD.pack
    for entry in entries:
        (kind, version, path), offset, entry_type, text = entry
        name = text.encode()
        if len(name) > STRING_MAX:
            raise ValueError(f"directory entry with a name of {len(name)} bytes over {STRING_MAX}")
        try:
            record = pack(kind, version, path, offset, entry_type, len(name)) + name
        except struct.error as error:
            raise ValueError(f"directory entry {entry.name!r} does not fit its record: {error}") from error
        left -= len(record)
        if left < 0:
            break
        records.append(record)
    return b"".join(records)


def decode_dirents(data: bytes) -> tuple[Dirent, ...]:
    """The records of an Rreaddir's data. Raises WireError (no tag) when they do not fill it exactly."""
    entries = []
    at, end = 0, len(data)
    while at < end:
        if at + _RECORD.size > end:
            raise WireError(f"directory record of {end - at} bytes")
        kind, version, path, offset, entry_type = _RECORD.unpack_from(data, at)
        names: list[str] = []
        at = read_string(data, at + _RECORD.size, end, names)
        entries.append(Dirent(Qid(kind, version, path), offset, entry_type, names[0]))
    return tuple(entries)


def _decode(decoders: tuple[Decoder, ...], buffer: bytes, start: int, end: int) -> tuple[Tag, Message]:
    length = end - start
    if length < HEADER_BYTES:
        raise WireError(f"frame of {length} bytes is shorter than its header")
    size, number, tag = HEADER.unpack_from(buffer, start)
    if size != length:
        raise WireError(f"frame declares {size} bytes and has {length}")
    try:
        return tag, decoders[number](buffer, start + HEADER_BYTES, end)
    except WireError as error:
        error.tag = tag
        raise
