"""Where a downloaded payload goes: a file that appears when it is complete, or standard output."""

import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from ninedoor.castool.epochs import Epoch
from ninedoor.castool.padding import tail_bytes


class Sink(Protocol):
    """Takes the chunks of a payload in order."""

    def present(self, epoch: Epoch) -> Iterator[bytes]:
        """The first chunks of `epoch`, as far as they are there, and right, from an earlier run."""

    def put(self, chunk: bytes) -> None:
        """The next chunk."""

    def finish(self, cut: int) -> None:
        """All are there; leave out the last `cut` bytes."""

    def close(self) -> None:
        """Let go; what is there stays. Idempotent."""


class FileSink(Sink):
    """The file `place`. Until it is complete it is called `place`.HASH.part, where HASH is the beginning of
    the payload's, so that no other payload is ever gone on with."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._part = place
        self._descriptor: int | None = None

    def present(self, epoch: Epoch) -> Iterator[bytes]:
        """See `Sink.present`."""
        name = f"{self._place.name}.{epoch.bundle.payload_sha256.hex()[:12]}.part"
        self._part = self._place.with_name(name)
        self._descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        kept = 0
        for _path, digest, size in epoch.chunks():
            chunk = os.read(self._descriptor, size)
            if len(chunk) < size or sha256(chunk).digest() != digest:
                break
            yield chunk
            kept += size
        os.ftruncate(self._descriptor, kept)
        os.lseek(self._descriptor, kept, os.SEEK_SET)

    def put(self, chunk: bytes) -> None:
        """See `Sink.put`."""
        assert self._descriptor is not None  # `present` comes first
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def finish(self, cut: int) -> None:
        """See `Sink.finish`."""
        assert self._descriptor is not None  # as above
        os.ftruncate(self._descriptor, os.lseek(self._descriptor, 0, os.SEEK_CUR) - cut)
        os.fsync(self._descriptor)
        self._part.replace(self._place)

    def close(self) -> None:
        """See `Sink.close`."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class StreamSink(Sink):
    """Standard output. The last `held` bytes wait until it is known whether they belong to the payload."""

    def __init__(self) -> None:
        self._waiting = b""
        self._hold = 0

    def present(self, epoch: Epoch) -> Iterator[bytes]:
        """See `Sink.present`."""
        self._hold = tail_bytes(epoch.bundle.chunk_bytes)
        yield from ()

    def put(self, chunk: bytes) -> None:
        """See `Sink.put`."""
        waiting = self._waiting + chunk
        ready = max(0, len(waiting) - self._hold)
        sys.stdout.buffer.write(waiting[:ready])
        self._waiting = waiting[ready:]

    def finish(self, cut: int) -> None:
        """See `Sink.finish`."""
        sys.stdout.buffer.write(self._waiting[: len(self._waiting) - cut])
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """See `Sink.close`."""


class NoSink(Sink):
    """Nowhere: for who only wants to know that the payload is right."""

    def present(self, epoch: Epoch) -> Iterator[bytes]:
        """See `Sink.present`."""
        yield from ()

    def put(self, chunk: bytes) -> None:
        """See `Sink.put`."""

    def finish(self, cut: int) -> None:
        """See `Sink.finish`."""

    def close(self) -> None:
        """See `Sink.close`."""
