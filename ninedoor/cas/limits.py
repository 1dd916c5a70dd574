"""Bounds of updates, and which names epochs, chunks and models have."""

import re
from dataclasses import dataclass

HASH_BYTES = 32
"""SHA-256."""

EPOCH_DIGITS = 20
"""Longest name of an epoch (the original's)."""

CHUNK_ENTRY_BYTES = 34
"""What a chunk takes in a manifest: the head of a byte string, and its hash."""

FRAME_BYTES = 256
"""Room for all of a manifest but its chunks; the largest has 234."""

_EPOCH = re.compile(r"[0-9]{1,20}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """`chunk_bytes` is the size of every chunk but, perhaps, the last; `max_chunks` bounds one manifest."""

    chunk_bytes: int
    max_chunks: int

    @property
    def manifest_bytes(self) -> int:
        """Largest manifest."""
        return FRAME_BYTES + CHUNK_ENTRY_BYTES * self.max_chunks


def is_epoch(name: str) -> bool:
    """Is `name` 1 to 20 ASCII digits? `7` and `07` are two epochs."""
    return _EPOCH.fullmatch(name) is not None


def hash_of(name: str) -> bytes | None:
    """The hash that names a chunk or a model, None for any other name. It is written with lower-case digits
    only: a node has one name. (The original takes both cases.)"""
    return bytes.fromhex(name) if _HASH.fullmatch(name) else None
