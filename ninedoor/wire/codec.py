"""Frames to messages and back: the header, the type number and the Treaddir records.

Whose fault decides the exception. A peer's bytes raise WireError and nothing else; a value of our own that
does not fit its field is a bug and raises ValueError from `encode`. A WireError with a `tag` can be
answered on that tag; without one the header itself was wrong and the connection has to close. Names are
checked for length and UTF-8 only: `.`, `..`, empty, NUL and `/` are requests to refuse, not bad bytes.
"""

import struct
from collections.abc import Iterable
from struct import Struct

from ninedoor.errors import WireError
from ninedoor.limits import HEADER_BYTES
from ninedoor.wire.fields import Decoder, Encoder, decoder, encoder, read_string, write_string
from ninedoor.wire.messages import NUMBERS, REPLIES, REQUESTS, Message
from ninedoor.wire.types import Dirent, Qid, Tag


class UnknownMessage(WireError):
    """A well-framed message whose type number is not served. `tag` is set: answer EOPNOTSUPP on it."""

    def __init__(self, number: int, direction: str, tag: int) -> None:
        super().__init__(f"message type {number} is not a {direction}", tag)
        self.number = number


_REQUEST_DECODERS: dict[int, Decoder] = {number: decoder(message) for number, message in REQUESTS.items()}
_REPLY_DECODERS: dict[int, Decoder] = {number: decoder(message) for number, message in REPLIES.items()}
_ENCODERS: dict[type[Message], Encoder] = {
    message: encoder(message, number) for message, number in NUMBERS.items()
}
_HEADER = Struct("<IBH")
_RECORD = Struct("<BIQQB")
"""A Treaddir record up to its name: qid[13] offset[8] type[1]."""


def decode_request(buffer: bytes, start: int, end: int) -> tuple[Tag, Message]:
    """The tag and the T-message of the frame buffer[start:end], header included.

    Precondition: 0 <= start <= end <= len(buffer). A span of a larger buffer costs no copy but that of the
    data field, so hand over what `FrameReader` yields.

    Raises WireError: without `tag` when the frame is under 7 bytes or its size[4] is not `end - start`,
    with `tag` when its fields do not fill it exactly, a string is over STRING_MAX or not UTF-8, or there
    are more than WIRE_NAMES_MAX names; UnknownMessage (with `tag`) for a number that is no request.
    """
    return _decode(_REQUEST_DECODERS, "request", buffer, start, end)


def decode_reply(buffer: bytes, start: int, end: int) -> tuple[Tag, Message]:
    """The tag and the R-message of the frame buffer[start:end]; otherwise as `decode_request`."""
    return _decode(_REPLY_DECODERS, "reply", buffer, start, end)


def encode(tag: int, message: Message) -> bytes:
    """The frame of `message`, header included; `decode_request` or `decode_reply` gives it back.

    Nothing here knows the negotiated msize: who builds the message keeps the frame within it.

    Raises ValueError when the tag or a field is out of its range, a string is over STRING_MAX bytes or not
    encodable, or there are more than WIRE_NAMES_MAX names; TypeError when `message` is not a message.
    """
    encode_message = _ENCODERS.get(type(message))
    if encode_message is None:
        raise TypeError(f"{type(message).__name__} is not a 9P message")
    try:
        return encode_message(tag, message)
    except struct.error as error:
        raise ValueError(f"{type(message).__name__} does not fit its frame: {error}") from error


def encode_dirents(entries: Iterable[Dirent], count: int) -> bytes:
    """The records of as many leading `entries` as fit whole into `count` bytes.

    b"" for no entries, and also when the first one does not fit: a peer reads b"" as the end of the
    directory, so the caller refuses such a `count`. Entries past the last one that fits are not looked at.

    Raises ValueError when a field is out of its range or a name is over STRING_MAX bytes.
    """
    records = []
    left = count
    for entry in entries:
        try:
            record = _RECORD.pack(*entry.qid, entry.offset, entry.type) + write_string(entry.name)
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


def _decode(
    decoders: dict[int, Decoder], direction: str, buffer: bytes, start: int, end: int
) -> tuple[Tag, Message]:
    length = end - start
    if length < HEADER_BYTES:
        raise WireError(f"frame of {length} bytes is shorter than its header")
    size, number, tag = _HEADER.unpack_from(buffer, start)
    if size != length:
        raise WireError(f"frame declares {size} bytes and has {length}")
    decode = decoders.get(number)
    if decode is None:
        raise UnknownMessage(number, direction, tag)
    try:
        return tag, decode(buffer, start + HEADER_BYTES, end)
    except WireError as error:
        error.tag = tag
        raise
