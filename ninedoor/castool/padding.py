"""Payloads of any length for hives that take whole chunks only.

In the original's manifests, `payload_bytes` is the number of chunks times `chunk_bytes`. So that a payload
of another length can be packed for it, `pack --pad` puts zeros and a trailer behind it, up to the end of a
chunk; the trailer tells the exact length, and lies inside what is hashed and signed. `download` takes both
off again. A server knows nothing of it: what it serves is the padded payload.

What is packed without padding must not end like a padded payload, so every payload that this tool packed
comes back as it was.
"""

import struct

MAGIC = b"cas-pad1"

_TRAILER = struct.Struct(">8sQ")
"""MAGIC and the payload's length in bytes, big-endian."""

TRAILER_BYTES = _TRAILER.size


def padding(size: int, chunk_bytes: int) -> bytes:
    """What follows a payload of `size` bytes: zeros and the trailer, to the end of a chunk."""
    return bytes(-(size + TRAILER_BYTES) % chunk_bytes) + _TRAILER.pack(MAGIC, size)


def tail_bytes(chunk_bytes: int) -> int:
    """How many bytes at the end of a payload `exact_size` wants to see."""
    return TRAILER_BYTES + chunk_bytes - 1


def exact_size(total: int, chunk_bytes: int, tail: bytes) -> int | None:
    """The length of the payload in a padded one of `total` bytes, which ends with `tail` (as many bytes as
    `tail_bytes` says, or all there are); None when it is not padded."""
    if len(tail) < TRAILER_BYTES:
        return None
    magic, size = _TRAILER.unpack(tail[-TRAILER_BYTES:])
    if magic != MAGIC or size > total:
        return None
    expected = padding(size, chunk_bytes)
    return size if size + len(expected) == total and tail.endswith(expected) else None
