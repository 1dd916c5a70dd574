"""Payloads cut and hashed the short way, for tests to compare with; it mirrors no module."""

import base64
import hashlib
from collections.abc import Iterator

PIECE = 93
"""Bytes that a `b64:` line of the original's tool stands for."""


def split(payload: bytes, chunk_bytes: int) -> Iterator[bytes]:
    """The chunks of `payload` in order, the last one with what is left."""
    for at in range(0, len(payload), chunk_bytes):
        yield payload[at : at + chunk_bytes]


def payload_hash(payload: bytes, base: bytes = b"") -> bytes:
    """payload_sha256 of own content behind that of a base."""
    return hashlib.sha256(base + payload).digest()


def lines_of(content: bytes) -> Iterator[bytes]:
    """`content` as `b64:` lines without their ends, each short enough for a console."""
    for at in range(0, len(content), PIECE):
        yield b"b64:" + base64.b64encode(content[at : at + PIECE])
