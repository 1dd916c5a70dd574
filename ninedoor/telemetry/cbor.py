"""CBOR as telemetry frames use it: RFC 8949, one encoding for each value, and nothing that could surprise.

Definite lengths, shortest integers and lengths, floats in the shortest form that keeps the value, map keys
that are text and differ; no tags. Nesting and size are bounded: a decoder takes no more than the bytes
it was given are worth. The order of a map's keys is the sender's and is kept.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ninedoor import limits
from ninedoor.errors import NineDoorError

Value = Any
"""None, bool, int (-2^64..2^64-1), float, str, bytes, a list of values, or a dict of text to values."""

UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
"""Major types."""

_FALSE, _TRUE, _NULL = 20, 21, 22
_HALF, _SINGLE, _DOUBLE = 25, 26, 27
_INDEFINITE = 31

_FLOATS = {_HALF: ">e", _SINGLE: ">f", _DOUBLE: ">d"}
_NAN = b"\xf9\x7e\x00"
_U64 = 1 << 64


class CborError(NineDoorError):
    """Bytes that are no value, or not in its one encoding. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CutShort(CborError):
    """The bytes end within a value that is right so far."""


def encode(value: Value) -> bytes:
    """The one encoding of `value`. Raises CborError for what has none, or is nested too deep."""
    parts: list[bytes] = []
    _encode(value, parts.append, 0)
    return b"".join(parts)


def decode(data: bytes, at: int = 0) -> tuple[Value, int]:
    """The value that begins at `at`, and where it ends. Raises CborError; CutShort where `data` ends
    first."""
    return _decode(data, at, 0)


# -- encoding


def _encode(value: Value, out: Callable[[bytes], None], depth: int) -> None:
    if depth > limits.CBOR_DEPTH_MAX:
        raise CborError(f"nested deeper than {limits.CBOR_DEPTH_MAX}")
    scalar = _scalar(value)
    if scalar is not None:
        out(scalar)
    elif isinstance(value, Mapping):
        out(_head(MAP, len(value)))
        for key, member in value.items():
            if not isinstance(key, str):
                raise CborError(f"map key {key!r} is not text")
            out(_text(key))
            _encode(member, out, depth + 1)
    elif isinstance(value, Sequence):
        out(_head(ARRAY, len(value)))
        for member in value:
            _encode(member, out, depth + 1)
    else:
        raise CborError(f"a {type(value).__name__} has no encoding")


def _scalar(value: Value) -> bytes | None:
    if value is None or isinstance(value, bool):
        return _head(SIMPLE, _NULL if value is None else _TRUE if value else _FALSE)
    if isinstance(value, int):
        if not -_U64 <= value < _U64:
            raise CborError(f"integer {value} is outside -2^64..2^64-1")
        return _head(UINT, value) if value >= 0 else _head(NINT, -1 - value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return _head(BYTES, len(value)) + value
    return None


def _head(major: int, argument: int) -> bytes:
    first = major << 5
    if argument < 24:
        return bytes((first | argument,))
    for extra, code in ((1, 24), (2, 25), (4, 26)):
        if argument < 1 << (8 * extra):
            return bytes((first | code,)) + argument.to_bytes(extra, "big")
    return bytes((first | 27,)) + argument.to_bytes(8, "big")


def _text(text: str) -> bytes:
    try:
        encoded = text.encode()
    except UnicodeEncodeError as bad:
        raise CborError(f"text {text!a} is not Unicode") from bad
    return _head(TEXT, len(encoded)) + encoded


def _float(value: float) -> bytes:
    if math.isnan(value):
        return _NAN
    for code, layout in _FLOATS.items():
        try:
            packed = struct.pack(layout, value)
        except OverflowError:
            continue
        if struct.unpack(layout, packed)[0] == value:
            return bytes((SIMPLE << 5 | code,)) + packed
    raise AssertionError("a double holds every float")  # pragma: no cover


# -- decoding


def _decode(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth > limits.CBOR_DEPTH_MAX:
        raise CborError(f"nested deeper than {limits.CBOR_DEPTH_MAX}")
    if at >= len(data):
        raise CutShort("the bytes end within a value")
    major, code = data[at] >> 5, data[at] & 0x1F
    if major == SIMPLE:
        return _decode_simple(data, at, code)
    argument, at = _argument(data, at, code)
    if major == UINT:
        return argument, at
    if major == NINT:
        return -1 - argument, at
    if major in (BYTES, TEXT):
        return _decode_string(data, at, argument, text=major == TEXT)
    if major == ARRAY:
        return _decode_array(data, at, argument, depth)
    if major == MAP:
        return _decode_map(data, at, argument, depth)
    raise CborError("tags are not used")


def _argument(data: bytes, at: int, code: int) -> tuple[int, int]:
    if code < 24:
        return code, at + 1
    if code > 27:
        raise CborError("indefinite lengths are not used" if code == _INDEFINITE else f"reserved code {code}")
    size = 1 << (code - 24)
    end = at + 1 + size
    if end > len(data):
        raise CutShort("the bytes end within a value")
    argument = int.from_bytes(data[at + 1 : end], "big")
    if argument < (24 if size == 1 else 1 << (4 * size)):
        raise CborError(f"{argument} is not in its shortest form")
    return argument, end


def _decode_string(data: bytes, at: int, size: int, *, text: bool) -> tuple[Value, int]:
    _require_room(data, at, size)
    end = at + size
    if end > len(data):
        raise CutShort("the bytes end within a string")
    part = data[at:end]
    if not text:
        return part, end
    try:
        return part.decode(), end
    except UnicodeDecodeError as bad:
        raise CborError(f"text is not UTF-8 at byte {at + bad.start}") from bad


def _decode_array(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    _require_room(data, at, count)
    members = []
    for _ in range(count):
        member, at = _decode(data, at, depth + 1)
        members.append(member)
    return members, at


def _decode_map(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    _require_room(data, at, 2 * count)
    members: dict[str, Value] = {}
    for _ in range(count):
        key, at = _decode(data, at, depth + 1)
        if not isinstance(key, str):
            raise CborError(f"map key {key!r:.40} is not text")
        if key in members:
            raise CborError(f"map key {key!a:.40} appears twice")
        members[key], at = _decode(data, at, depth + 1)
    return members, at


def _require_room(data: bytes, at: int, size: int) -> None:
    """Nothing announces more than a frame may hold: its head alone is enough to refuse it, and what is cut
    short is worth waiting for."""
    if size > limits.CBOR_BYTES_MAX:
        raise CborError(f"length {size} is over {limits.CBOR_BYTES_MAX}")


def _decode_simple(data: bytes, at: int, code: int) -> tuple[Value, int]:
    if code in (_FALSE, _TRUE):
        return code == _TRUE, at + 1
    if code == _NULL:
        return None, at + 1
    layout = _FLOATS.get(code)
    if layout is None:
        raise CborError(f"simple value {code} is not used")
    end = at + 1 + struct.calcsize(layout)
    if end > len(data):
        raise CutShort("the bytes end within a float")
    value = struct.unpack(layout, data[at + 1 : end])[0]
    if _float(value) != data[at:end]:
        raise CborError(f"{value} is not in its shortest form")
    return value, end
