"""Payloads: which bytes an update stands for, read from anywhere in them, and hashed without hurry.

The hash of a payload is over all of its bytes, and a request must not take as long as that. So it is made in
steps: the chunks of an update that come in the order of its manifest are hashed soon after they are committed
(`Run`); otherwise the pieces in which the manifest arrives each hash a bounded number of them (`Hashing`);
and what is still left when the manifest is whole is done in a thread.
"""

import errno
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from ninedoor.cas.limits import HASH_BYTES
from ninedoor.cas.manifest import Bundle
from ninedoor.errors import P9Error

Raw = Callable[[bytes], bytes | None]
"""The content of a chunk by its hash, not verified: the hash of the whole tells."""

Lock = AbstractContextManager[Any]

ALONE: Lock = nullcontext()
"""The lock of what no other thread touches."""

LATE_BYTES = 1 << 20
"""What a thread hashes at a time, some 0.6 ms: for less, handing it over costs more than it takes."""


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
    """The chunks that were committed for one epoch, in that order, hashed as a payload: `LATE_BYTES` at a
    time, by a thread that calls `catch_up`, or by whoever asks for the `hasher` before. `lock` is held to
    hash."""

    def __init__(self, most: int, lock: Lock = ALONE) -> None:
        self.digests = bytearray()
        self._most = most * HASH_BYTES
        self._lock = lock
        self._hasher = Hasher()
        self._late: deque[bytes] = deque()
        self._late_bytes = 0
        self._is_behind = False

    @property
    def hasher(self) -> Hasher:
        """Of all `digests`."""
        self.catch_up()
        return self._hasher

    def add(self, digest: bytes, content: bytes) -> bool:
        """One more chunk. Returns whether a thread should `catch_up` now."""
        if len(self.digests) >= self._most:
            return False
        self.digests += digest
        self._late.append(content)
        self._late_bytes += len(content)
        if self._late_bytes < LATE_BYTES:
            return False
        self._late_bytes = 0
        if self._is_behind:  # no thread has come since: what waits is bounded all the same
            self.catch_up()
            return False
        self._is_behind = True
        return True

    def catch_up(self) -> None:
        """Hash what is late. For any thread."""
        with self._lock:
            late = [self._late.popleft() for _ in range(len(self._late))]
            self._hasher.sha256.update(b"".join(late))
            self._hasher.count += len(late)
            self._is_behind = False


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
        """A function (offset, count, now) → bytes, which remembers the chunk it read last, and what was
        damaged: the kernel asks once more for what it could not read, and passes on the second answer."""
        last: tuple[bytes, bytes] = (b"", b"")
        damaged: dict[bytes, P9Error] = {}

        def content(digest: bytes, now: float) -> bytes:
            try:
                return read_chunk(digest, now)
            except P9Error as failed:
                if failed.ecode == errno.EIO:
                    damaged[digest] = failed
                raise damaged.get(digest, failed) from None

        def read(offset: int, count: int, now: float) -> bytes:
            nonlocal last
            pieces: list[bytes] = []
            while count > 0 and (place := self._place(offset)) is not None:
                digest, at = place
                if last[0] != digest:
                    last = digest, content(digest, now)
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
