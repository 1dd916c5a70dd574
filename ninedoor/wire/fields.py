"""Compiles the field annotations of a message class into one decoder and one encoder.

This file decides how each field type lies on the wire and which sizes are refused before anything is
copied; it does not know which messages exist, and of the frame header only how to write one. All integers
are little-endian (intro(5)). Four shapes are told apart, because the transfers decide the speed:

    fixed      scalars and at most one qid             one Struct for everything
    data       scalars, then bytes                     one Struct up to their count, then all the rest
    counted    scalars, then names or qids             one Struct up to their count, then one by one
    pieces     scalars and strings in any order        one reader and one writer per piece

Decoders look only at buffer[at:end]. What follows `end` belongs to the next frame, so every length is
checked against `end` before it is used and never left to an IndexError or a struct.error.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from struct import Struct
from typing import Any, NamedTuple, get_type_hints

from ninedoor.errors import WireError
from ninedoor.limits import HEADER_BYTES, STRING_MAX, WIRE_NAMES_MAX
from ninedoor.wire.messages import Message
from ninedoor.wire.types import U8, U16, U32, U64, Fid, Qid, Tag

Decoder = Callable[[bytes, int, int], Message]
"""(buffer, at, end) → the message whose fields are exactly buffer[at:end], else WireError without a tag."""

Encoder = Callable[[int, Message], bytes]
"""(tag, message) → the whole frame. ValueError or struct.error where a value does not fit its field."""

_Reader = Callable[[bytes, int, int, list[Any]], int]
"""(buffer, at, end, values) → where the next piece begins, having appended the values of this one."""

_Writer = Callable[[Message], bytes]
"""message → the bytes of one piece of it."""

_SCALARS = {U8: "B", U16: "H", Tag: "H", U32: "I", Fid: "I", U64: "Q"}
_QID = "BIQ"
_HEADER = "<IBH"

_new = tuple.__new__
_HEADERS = Struct(_HEADER)
_LENGTHS = Struct("<H")
_QIDS = Struct("<" + _QID)
_QIDS_OF = [Struct("<" + _QID * number).pack for number in range(WIRE_NAMES_MAX + 1)]


def field_kinds(message: type[Message]) -> dict[str, Any]:
    """Field name → annotation, in wire order: what codec, strategies and documentation are derived from."""
    return get_type_hints(message, include_extras=True)


def decoder(message: type[Message]) -> Decoder:
    """The decoder of `message`. Raises TypeError for annotations that none of the shapes covers."""
    kinds = list(field_kinds(message).values())
    if _is_fixed(kinds):
        return _fixed_decoder(message, kinds)
    if kinds[-1] is bytes:
        return _data_decoder(message, kinds[:-1])
    if kinds[-1] in _TAILS:
        return _counted_decoder(message, kinds[:-1], _TAILS[kinds[-1]])
    return _pieces_decoder(message, [piece.read for piece in _pieces(kinds)])


def encoder(message: type[Message], number: int) -> Encoder:
    """The encoder of `message`, whose type number is `number`. Raises TypeError as `decoder` does."""
    kinds = list(field_kinds(message).values())
    if _is_fixed(kinds):
        return _fixed_encoder(number, kinds)
    if kinds[-1] is bytes:
        return _data_encoder(number, kinds[:-1])
    if kinds[-1] in _TAILS:
        return _counted_encoder(number, kinds[:-1], _TAILS[kinds[-1]])
    return _pieces_encoder(number, [piece.write for piece in _pieces(kinds)])


def read_string(buffer: bytes, at: int, end: int, values: list[Any]) -> int:
    """Append the string len[2] + UTF-8 at `at` to `values` and return where it ends.

    Raises WireError where it passes `end`, is over STRING_MAX bytes or is not strict UTF-8.
    """
    begin = at + 2
    if begin > end:
        raise WireError("frame ends before the length of a string")
    length = buffer[at] | buffer[at + 1] << 8
    if length > STRING_MAX:
        raise WireError(f"string of {length} bytes over {STRING_MAX}")
    stop = begin + length
    if stop > end:
        raise WireError(f"string of {length} bytes where {end - begin} are left")
    try:
        values.append(buffer[begin:stop].decode())
        return stop
    except UnicodeDecodeError as error:
        fault = f"{error.reason} at its byte {error.start}"
    # Raised out here, not chained to the original: that carries the string, and an aname is a ticket.
    raise WireError(f"string is not UTF-8: {fault}")


def write_string(text: str) -> bytes:
    """len[2] and the UTF-8 of `text`. Raises ValueError over STRING_MAX bytes or for a lone surrogate."""
    data = text.encode()
    if len(data) > STRING_MAX:
        raise ValueError(f"string of {len(data)} bytes over {STRING_MAX}")
    return _LENGTHS.pack(len(data)) + data


def _codes(kinds: Sequence[Any]) -> str:
    """Struct codes of scalars. Raises TypeError for any other kind."""
    try:
        return "".join([_SCALARS[kind] for kind in kinds])
    except KeyError as error:
        raise TypeError(f"{error} has no wire form in this place") from error


# Fixed


def _is_fixed(kinds: Sequence[Any]) -> bool:
    return kinds.count(Qid) <= 1 and all(kind in _SCALARS or kind is Qid for kind in kinds)


def _fixed_codes(kinds: Sequence[Any]) -> str:
    return "".join([_QID if kind is Qid else _SCALARS[kind] for kind in kinds])


def _fixed_decoder(message: type[Message], kinds: Sequence[Any]) -> Decoder:
    layout = Struct("<" + _fixed_codes(kinds))
    size, unpack = layout.size, layout.unpack_from

    def decode(buffer: bytes, at: int, end: int) -> Message:
        if end - at != size:
            raise WireError(f"{message.__name__} with {end - at} bytes of fields, not {size}")
        return _new(message, unpack(buffer, at))

    if Qid not in kinds:
        return decode
    first = kinds.index(Qid)
    last = first + len(_QID)

    def decode_with_qid(buffer: bytes, at: int, end: int) -> Message:
        values = decode(buffer, at, end)
        return _new(message, (*values[:first], _new(Qid, values[first:last]), *values[last:]))

    return decode_with_qid


def _fixed_encoder(number: int, kinds: Sequence[Any]) -> Encoder:
    layout = Struct(_HEADER + _fixed_codes(kinds))
    size, pack = layout.size, layout.pack

    def encode(tag: int, message: Message) -> bytes:
        return pack(size, number, tag, *message)

    return _written_out(pack, size, number, kinds) if Qid in kinds else encode


def _written_out(
    pack: Callable[..., bytes], size: int, number: int, kinds: Sequence[Any]
) -> Callable[[int, Message], bytes]:
    """The encoder of a message with a qid, made from source as namedtuple makes its methods: naming every
    field takes a message apart in two thirds of the time that slicing around the qid takes."""
    qid = [f"q{at}" for at in range(len(_QID))]
    names = [f"f{at}" for at in range(len(kinds))]
    parts = [
        "(" + ", ".join(qid) + ")" if kind is Qid else name for kind, name in zip(kinds, names, strict=True)
    ]
    values = chain.from_iterable(
        qid if kind is Qid else [name] for kind, name in zip(kinds, names, strict=True)
    )
    source = (
        "def encode(tag, message):\n"
        f"    {', '.join(parts)}, = message\n"
        f"    return pack({size}, {number}, tag, {', '.join(values)})\n"
    )
    made: dict[str, Any] = {"pack": pack}
    exec(source, made)
    encode: Callable[[int, Message], bytes] = made["encode"]
    return encode


# Data


def _data_decoder(message: type[Message], kinds: Sequence[Any]) -> Decoder:
    layout = Struct("<" + _codes(kinds) + "I")
    size, unpack = layout.size, layout.unpack_from

    def decode(buffer: bytes, at: int, end: int) -> Message:
        begin = at + size
        if begin > end:
            raise WireError(f"{message.__name__} with {end - at} bytes of fields, under {size}")
        fields = unpack(buffer, at)
        if fields[-1] != end - begin:
            raise WireError(f"count {fields[-1]} of data where {end - begin} bytes follow")
        return _new(message, (*fields[:-1], buffer[begin:end]))

    def decode_after_two(buffer: bytes, at: int, end: int) -> Message:
        # The same for Twrite, in two thirds of the time: naming the fields saves slicing them.
        begin = at + size
        if begin > end:
            raise WireError(f"{message.__name__} with {end - at} bytes of fields, under {size}")
        first, second, count = unpack(buffer, at)
        if count != end - begin:
            raise WireError(f"count {count} of data where {end - begin} bytes follow")
        return _new(message, (first, second, buffer[begin:end]))

    return decode_after_two if len(kinds) == 2 else decode


def _data_encoder(number: int, kinds: Sequence[Any]) -> Encoder:
    layout = Struct(_HEADER + _codes(kinds) + "I")
    size, pack = layout.size, layout.pack

    def encode(tag: int, message: Message) -> bytes:
        *scalars, data = message
        length = len(data)
        frame: bytes = pack(size + length, number, tag, *scalars, length) + data
        return frame

    def encode_data_alone(tag: int, message: Message) -> bytes:
        (data,) = message
        length = len(data)
        frame: bytes = pack(size + length, number, tag, length) + data
        return frame

    return encode if kinds else encode_data_alone


# Counted


class _Tail(NamedTuple):
    """A last field that begins with a count of its items and fills the rest of the frame."""

    code: str
    """Struct code of the count."""
    read: Callable[[bytes, int, int, int], Any]
    """(buffer, at, end, count) → the value; `at` is behind the count."""
    write: Callable[[Any], bytes]


def _counted_decoder(message: type[Message], kinds: Sequence[Any], tail: _Tail) -> Decoder:
    layout = Struct("<" + _codes(kinds) + tail.code)
    size, unpack, read = layout.size, layout.unpack_from, tail.read

    def decode(buffer: bytes, at: int, end: int) -> Message:
        begin = at + size
        if begin > end:
            raise WireError(f"{message.__name__} with {end - at} bytes of fields, under {size}")
        *scalars, count = unpack(buffer, at)
        return _new(message, (*scalars, read(buffer, begin, end, count)))

    return decode


def _counted_encoder(number: int, kinds: Sequence[Any], tail: _Tail) -> Encoder:
    layout = Struct(_HEADER + _codes(kinds) + tail.code)
    size, pack, write = layout.size, layout.pack, tail.write

    def encode(tag: int, message: Message) -> bytes:
        items = message[-1]
        body = write(items)
        return pack(size + len(body), number, tag, *message[:-1], len(items)) + body

    return encode


def _read_names(buffer: bytes, at: int, end: int, count: int) -> tuple[str, ...]:
    if count > WIRE_NAMES_MAX:
        raise WireError(f"{count} names over {WIRE_NAMES_MAX}")
    names: list[str] = []
    for _ in range(count):
        at = read_string(buffer, at, end, names)
    if at != end:
        raise WireError(f"{end - at} bytes after {count} names")
    return tuple(names)


def _write_names(names: tuple[str, ...]) -> bytes:
    if len(names) > WIRE_NAMES_MAX:
        raise ValueError(f"{len(names)} names over {WIRE_NAMES_MAX}")
    return b"".join(map(write_string, names))


def _read_qids(buffer: bytes, at: int, end: int, count: int) -> tuple[Qid, ...]:
    if count > WIRE_NAMES_MAX:
        raise WireError(f"{count} qids over {WIRE_NAMES_MAX}")
    if count * _QIDS.size != end - at:
        raise WireError(f"{count} qids where {end - at} bytes follow")
    return tuple([_new(Qid, qid) for qid in _QIDS.iter_unpack(buffer[at:end])])


def _write_qids(qids: tuple[Qid, ...]) -> bytes:
    if len(qids) > WIRE_NAMES_MAX:
        raise ValueError(f"{len(qids)} qids over {WIRE_NAMES_MAX}")
    packed: bytes = _QIDS_OF[len(qids)](*chain.from_iterable(qids))
    return packed


_TAILS: dict[Any, _Tail] = {
    tuple[str, ...]: _Tail("H", _read_names, _write_names),
    tuple[Qid, ...]: _Tail("H", _read_qids, _write_qids),
}


# Pieces


class _Piece(NamedTuple):
    """Either a run of scalars or one string."""

    read: _Reader
    write: _Writer


def _pieces(kinds: Sequence[Any]) -> list[_Piece]:
    pieces = []
    first = 0
    for index, kind in enumerate(kinds):
        if kind is str:
            pieces += [_scalars(kinds[first:index], first), _string(index)]
            first = index + 1
    pieces.append(_scalars(kinds[first:], first))
    return pieces


def _scalars(kinds: Sequence[Any], first: int) -> _Piece:
    layout = Struct("<" + _codes(kinds))
    size, unpack, pack = layout.size, layout.unpack_from, layout.pack
    last = first + len(kinds)

    def read(buffer: bytes, at: int, end: int, values: list[Any]) -> int:
        if at + size > end:
            raise WireError(f"{end - at} bytes left where {size} are due")
        values += unpack(buffer, at)
        return at + size

    def write(message: Message) -> bytes:
        return pack(*message[first:last])

    return _Piece(read, write)


def _string(index: int) -> _Piece:
    def write(message: Message) -> bytes:
        return write_string(message[index])

    return _Piece(read_string, write)


def _pieces_decoder(message: type[Message], readers: Sequence[_Reader]) -> Decoder:
    def decode(buffer: bytes, at: int, end: int) -> Message:
        values: list[Any] = []
        for read in readers:
            at = read(buffer, at, end, values)
        if at != end:
            raise WireError(f"{message.__name__} with {end - at} bytes after its last field")
        return _new(message, values)

    return decode


def _pieces_encoder(number: int, writers: Sequence[_Writer]) -> Encoder:
    pack = _HEADERS.pack

    def encode(tag: int, message: Message) -> bytes:
        body = b"".join([write(message) for write in writers])
        return pack(HEADER_BYTES + len(body), number, tag) + body

    return encode
