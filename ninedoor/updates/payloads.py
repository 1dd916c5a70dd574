"""Payloads: which bytes an update stands for, read from anywhere in them, and hashed without hurry.

The hash of a payload is over all of its bytes, and a request must not take as long as that. So it is made in
steps: the chunks of an update that come in the order of its manifest are hashed as they are committed
(`Run`); otherwise the pieces in which the manifest arrives each hash a bounded number of them (`Hashing`);
and what is still left when the manifest is whole is done in a thread.
"""

import errno
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ninedoor.cas.limits import HASH_BYTES
from ninedoor.cas.manifest import Bundle
from ninedoor.errors import P9Error

Raw = Callable[[bytes], bytes | None]
"""The content of a chunk by its hash, not verified: the hash of the whole tells."""


class Hasher:
    """SHA-256 of the first `count` chunks of some list."""

    __slots__ = ("count", "sha256")

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.count = 0

    def copy(self) -> "Hasher":
        other = Hasher()
        other.sha256, other.count = self.sha256.copy(), self.count
        return other

    def advance(self, raw: Raw, chunks: Sequence[bytes], most: int) -> bool:
        """Hash at most `most` more of `chunks`; True once all are. Raises ENOENT for one that is missing."""
        self.update(raw, chunks[self.count : self.count + most])
        return self.count == len(chunks)

    def update(self, raw: Raw, more: Iterable[bytes]) -> None:
        """Hash `more` chunks. Raises ENOENT for one that is missing; those before it are hashed."""
        for digest in more:
            content = raw(digest)
            if content is None:
                raise P9Error(errno.ENOENT, f"chunk {digest.hex()} is not committed")
            self.sha256.update(content)
            self.count += 1


class Run:
    """The chunks that were committed for one epoch, in that order, hashed as a payload."""

    def __init__(self, most: int) -> None:
        self.digests = bytearray()
        self.hasher = Hasher()
        self._most = most * HASH_BYTES

    def add(self, digest: bytes, content: bytes) -> None:
        if len(self.digests) < self._most:
            self.digests += digest
            self.hasher.sha256.update(content)
            self.hasher.count += 1


class Hashing:
    """The hash of the list of chunks that a manifest names while it still arrives."""

    def __init__(self, raw: Raw, run: Run) -> None:
        self._raw = raw
        self._run = run
        self._hasher: Hasher | None = None

    def advance(self, known: bytes | bytearray, most: int, *, whole: bool = False) -> Hasher | None:
        """Go on with `known`, the hashes so far one after the other (`whole`: no more will come); the hasher
        of all of them, None while chunks are left. Raises ENOENT for one that is missing."""
        if self._hasher is None:
            run = self._run.digests
            if not whole and len(run) > len(known) and run.startswith(known):
                return None  # as expected so far; nothing to be done again
            self._hasher = self._run.hasher.copy() if run and known[: len(run)] == run else Hasher()
        start = self._hasher.count * HASH_BYTES
        end = min(len(known), start + most * HASH_BYTES)
        self._hasher.update(
            self._raw, (bytes(known[at : at + HASH_BYTES]) for at in range(start, end, HASH_BYTES))
        )
        return self._hasher if end == len(known) else None


class Part(NamedTuple):
    """Chunks in order, all of `chunk_bytes` but the last: `size` bytes together."""

    chunks: tuple[bytes, ...]
    chunk_bytes: int
    size: int

    @classmethod
    def of(cls, bundle: Bundle) -> "Part":
        return cls(bundle.chunks, bundle.chunk_bytes, bundle.payload_bytes)


class Payload:
    """The payload of an epoch: its own part, behind that of the base where it is a delta. `read_chunk` gives
    the verified content of a chunk."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.size = sum(part.size for part in parts)
        self._parts = parts

    def reader(self, read_chunk: Callable[[bytes, float], bytes]) -> Callable[[int, int, float], bytes]:
        """A function (offset, count, now) → bytes, which remembers the chunk it read last."""
        last: tuple[bytes, bytes] = (b"", b"")

        def read(offset: int, count: int, now: float) -> bytes:
            nonlocal last
            pieces: list[bytes] = []
            while count > 0 and (place := self._place(offset)) is not None:
                digest, at = place
                if last[0] != digest:
                    last = digest, read_chunk(digest, now)
                piece = last[1][at : at + count]
                if not piece:
                    raise P9Error(errno.EIO, f"chunk {digest.hex()} is shorter than its manifest says")
                pieces.append(piece)
                offset += len(piece)
                count -= len(piece)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)

        return read

    def _place(self, offset: int) -> tuple[bytes, int] | None:
        """The chunk that holds byte `offset`, and where in it; None behind the end."""
        for part in self._parts:
            if offset < part.size:
                return part.chunks[offset // part.chunk_bytes], offset % part.chunk_bytes
            offset -= part.size
        return None
