"""Updates under test, over a store in memory or on a disk, with small chunks and everything that is logged.

Shared by the tests of this package and those of the providers; it mirrors no module.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import pytest

from ninedoor.cas.manifest import Bundle, Delta, encode
from ninedoor.cas.signing import sign
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from ninedoor.store.blobports import Blobs
from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.updates.updates import Updates
from tests.cas.packing import payload_hash, split
from tests.cas.vectors import PUBLIC, SEED, VECTORS, A, B

NOW = 1000.0

SETTINGS = Cas(enable=True, chunk_bytes=128, max_chunks=64, delta=True, keys=(PUBLIC,), models=True)

ORIGINAL = replace(SETTINGS, max_chunks=8)

UNSIGNED = replace(VECTORS["100"].bundle, signature=None)


@dataclass
class Kept:
    """Updates and what they said."""

    updates: Updates
    blobs: Blobs
    lines: list[str] = field(default_factory=list)

    def chunk(self, epoch: str, data: bytes, offset: int = 0, digest: bytes | None = None) -> int:
        """Write `data` to the chunk that has its hash, or to that of `digest`."""
        name = hashlib.sha256(data).digest() if digest is None else digest
        return self.updates.write_chunk(epoch, name, offset, data, NOW)

    def manifest(self, epoch: str, data: bytes, offset: int = 0) -> int:
        return self.updates.manifests.write(epoch, offset, data, NOW)

    def line(self, epoch: str, data: bytes) -> int:
        """Append to the manifest, as a console does."""
        return self.updates.manifests.write(epoch, APPEND_OFFSET, data, NOW)

    def upload(self, bundle: Bundle, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            self.chunk(bundle.epoch, chunk)
        self.manifest(bundle.epoch, encode(bundle))

    def payload(self, epoch: str) -> bytes:
        payload = self.updates.payload(epoch)
        read = payload.reader(self.updates.chunks.read)
        content = b""
        while piece := read(len(content), 100, NOW):
            content += piece
        return content

    def reopened(self, settings: Cas = SETTINGS) -> "Kept":
        """The same store after a restart."""
        return kept(settings, self.blobs)


def kept(settings: Cas = SETTINGS, blobs: Blobs | None = None, *, sync_first: bool = False) -> Kept:
    """Updates with what `blobs` holds."""
    lines: list[str] = []

    def log(text: str, now: float) -> None:
        lines.append(text)

    blobs = blobs or MemoryBlobs()
    updates = Updates(blobs, settings, log, log, sync_first=sync_first)
    updates.load(NOW)
    return Kept(updates, blobs, lines)


def bundled(
    epoch: str, payload: bytes, chunk_bytes: int = 128, base: tuple[str, bytes] | None = None
) -> tuple[Bundle, list[bytes]]:
    """A signed bundle of `payload`, and its chunks. `base` is the epoch and payload of what it goes on
    from."""
    chunks = list(split(payload, chunk_bytes))
    delta = None if base is None else Delta(base[0], hashlib.sha256(base[1]).digest())
    digest = payload_hash(payload, b"" if base is None else base[1])
    names = tuple(hashlib.sha256(chunk).digest() for chunk in chunks)
    bundle = Bundle(epoch, chunk_bytes, len(payload), digest, names, delta)
    return signed(bundle), chunks


def signed(bundle: Bundle) -> Bundle:
    return replace(bundle, signature=sign(bundle, SEED))


def refused(call: Callable[[], object]) -> P9Error:
    with pytest.raises(P9Error) as refusal:
        call()
    return refusal.value


def uploaded(*epochs: str) -> Kept:
    """The original's bundles, by their chunks and manifests."""
    hive = kept(ORIGINAL)
    contents = {"100": A, "101": B, "9": bytes(range(256))}
    for epoch in epochs:
        for at in range(0, len(contents[epoch]), 128):
            hive.chunk(epoch, contents[epoch][at : at + 128])
        hive.manifest(epoch, VECTORS[epoch].data)
    return hive


def large(count: int) -> tuple[Bundle, list[bytes]]:
    return bundled("1", b"".join(number.to_bytes(4) for number in range(32 * count)))


def in_pieces(hive: Kept, data: bytes, size: int = 512) -> None:
    for at in range(0, len(data), size):
        hive.manifest("1", data[at : at + size], at)
