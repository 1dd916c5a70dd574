"""The trace file: what a session sent and received, and how it was acknowledged, sealed against change.

    "COHTRACE", u8 1, u8 0, u32 frames, u32 acks,
    frames times (u32 length, request, u32 length, response), acks times (u32 length, text),
    SHA-256 of everything before

in little-endian. Requests and responses are whole 9P frames.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

from ninedoor.errors import NineDoorError
from ninedoor.limits import CONSOLE_LINE_MAX, MSIZE_MAX

MAGIC = b"COHTRACE\x01\x00"
_COUNTS = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
_DIGEST_BYTES = hashlib.sha256().digest_size

FRAME_BYTES = MSIZE_MAX
ACK_BYTES = CONSOLE_LINE_MAX
"""The longest frame and acknowledgement."""


class TraceError(NineDoorError):
    """A file that is no trace, one that does not fit in, or a session that is not the recorded one."""


class Trace(NamedTuple):
    """`frames` are pairs of request and response."""

    frames: tuple[tuple[bytes, bytes], ...]
    acks: tuple[str, ...]


def encode(trace: Trace, most: int) -> bytes:
    """The file of `trace`. Raises TraceError when it would have over `most` bytes, or a piece is too long."""
    pieces = [MAGIC, _COUNTS.pack(len(trace.frames), len(trace.acks))]
    for pair in trace.frames:
        pieces += [_piece(frame, FRAME_BYTES, "frame") for frame in pair]
    pieces += [_piece(ack.encode(), ACK_BYTES, "acknowledgement") for ack in trace.acks]
    data = b"".join(pieces)
    size = len(data) + _DIGEST_BYTES
    if size > most:
        raise TraceError(f"trace of {size} bytes, over {most}: record a shorter session")
    return data + hashlib.sha256(data).digest()


def decode(data: bytes, most: int) -> Trace:
    """The trace in a file. Raises TraceError for one that was changed, cut, or never was one."""
    if len(data) > most:
        raise TraceError(f"trace of {len(data)} bytes, over {most}")
    if not data.startswith(MAGIC):
        raise TraceError("no trace: it does not begin with COHTRACE, version 1")
    body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if len(body) < len(MAGIC) + _COUNTS.size or hashlib.sha256(body).digest() != digest:
        raise TraceError("trace hash mismatch: the file was changed or cut after it was written")
    frames, acks = _COUNTS.unpack_from(body, len(MAGIC))
    reader = _read(body, len(MAGIC) + _COUNTS.size)
    try:
        pairs = tuple((_next(reader, FRAME_BYTES), _next(reader, FRAME_BYTES)) for _ in range(frames))
        texts = tuple(_next(reader, ACK_BYTES).decode() for _ in range(acks))
    except UnicodeDecodeError as wrong:
        raise TraceError("no trace: an acknowledgement is not UTF-8") from wrong
    if next(reader, None) is not None:
        raise TraceError("no trace: there is more than its head says")
    return Trace(pairs, texts)


def _piece(data: bytes, most: int, kind: str) -> bytes:
    if len(data) > most:
        raise TraceError(f"{kind} of {len(data)} bytes, over {most}: it cannot be recorded")
    return _LENGTH.pack(len(data)) + data


def _read(data: bytes, at: int) -> Iterator[bytes]:
    """The pieces of `data` from `at` on."""
    while at < len(data):
        if len(data) - at < _LENGTH.size:
            raise TraceError("no trace: it ends inside a length")
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if size > len(data) - at:
            raise TraceError(f"no trace: a piece of {size} bytes where {len(data) - at} are left")
        yield data[at : at + size]
        at += size


def _next(reader: Iterator[bytes], most: int) -> bytes:
    piece = next(reader, None)
    if piece is None:
        raise TraceError("no trace: there is less than its head says")
    if len(piece) > most:
        raise TraceError(f"no trace: a piece of {len(piece)} bytes, over {most}")
    return piece
