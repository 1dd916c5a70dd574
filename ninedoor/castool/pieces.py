"""How bytes are written to a node of an update so that it takes them as they are.

A node takes one LF (and a CR before it) off the end of every write, and what then begins with `b64:` for
base64, because consoles write lines. A piece that would be read otherwise than it is meant is written as
base64.
"""

import errno
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ninedoor.errors import P9Error

PREFIX = b"b64:"

LEAST = len(PREFIX) + 4
"""Bytes that a write must have room for: base64 of up to three bytes."""


class Piece(NamedTuple):
    """What one write carries, and how many bytes it stands for."""

    written: bytes
    size: int


def room(data: bytes, most: int) -> int:
    """The bytes that a write for `data` may have, where a message carries `most`: no more than the whole of
    `data`, which is what a node for it has room for."""
    return max(min(most, len(data)), LEAST)


def of(data: bytes, start: int, most: int, *, at_once: bool) -> Iterable[Piece]:
    """What is written of `data` from `start` on, where a message carries `most` bytes. Raises EMSGSIZE for
    what has to be written `at_once`, and does not fit."""
    if at_once:
        return (whole(data, most),)
    return raw(data[start:] if start else data, room(data, most))


def raw(data: bytes, most: int) -> Iterator[Piece]:
    """`data` in writes of at most `most` bytes, which is LEAST or more; as they are wherever possible."""
    at = 0
    while at < len(data):
        part = data[at : at + most]
        if part.startswith(PREFIX):
            piece = _encoded(part, most)
        elif part.endswith(b"\n"):
            plain = part.rstrip(b"\n")
            piece = Piece(plain, len(plain)) if plain else _encoded(part, most)
        else:
            piece = Piece(part, len(part))
        yield piece
        at += piece.size


def whole(data: bytes, most: int) -> Piece:
    """`data` in one write of at most `most` bytes. Raises EMSGSIZE."""
    piece = Piece(data, len(data))
    if data.startswith(PREFIX) or data.endswith(b"\n"):
        piece = Piece(PREFIX + b64encode(data), len(data))
    return _fitting(piece, most)


def line(data: bytes, most: int) -> Piece:
    """`data` in one line of at most `most` characters: letters and digits as they are, all else as base64.
    Raises EMSGSIZE."""
    written = data if data.isalnum() else PREFIX + b64encode(data)
    return _fitting(Piece(written, len(data)), most)


def lines(data: bytes, most: int) -> Iterator[Piece]:
    """`data` in lines of at most `most` characters, all of them base64: what a console's echo carries."""
    at = 0
    while at < len(data):
        piece = _encoded(data[at:], most)
        yield piece
        at += piece.size


def _fitting(piece: Piece, most: int) -> Piece:
    if len(piece.written) > most:
        raise P9Error(errno.EMSGSIZE, f"{len(piece.written)} bytes do not fit one write of {most}")
    return piece


def _encoded(data: bytes, most: int) -> Piece:
    part = data[: (most - len(PREFIX)) // 4 * 3]
    return Piece(PREFIX + b64encode(part), len(part))
