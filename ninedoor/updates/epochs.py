"""One epoch: what is known of it, and its status."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ninedoor.cas.manifest import Bundle, Decoder
from ninedoor.cas.status import State, Status
from ninedoor.updates.jobs import HashJob
from ninedoor.updates.payloads import Hasher, Hashing, Run


@dataclass(slots=True)
class Upload:
    """A manifest that arrives. `decoder` has been fed `size` bytes, which are stored; `hashing` follows
    it."""

    decoder: Decoder
    hashing: Hashing

    @property
    def size(self) -> int:
        return self.decoder.size


@dataclass(slots=True)
class Epoch:
    """An epoch that holds something. It is committed when `bundle` is there, and then never changes but for
    the state of its chunks.

    manifest_bytes: length of the committed manifest.
    pending_bytes: stored bytes of one that is not whole.
    upload: the decoder of those, while the manifest arrives; made again from the store where it is missing.
    run: the chunks that came through this epoch before its manifest.
    claimed: those chunks, for a listing.
    settled: a power cut takes neither the manifest nor its chunks any more.
    revoked: a key that was taken back signed it.
    hasher: of the payload, for deltas that go on from it.
    job: what hashes the payload in a thread before the manifest can be accepted.
    version: counts what changes a listing.
    """

    name: str
    run: Run
    bundle: Bundle | None = None
    manifest_bytes: int = 0
    pending_bytes: int = 0
    upload: Upload | None = None
    claimed: dict[bytes, None] = field(default_factory=dict)
    settled: bool = True
    revoked: bool = False
    hasher: Hasher | None = None
    job: HashJob | None = None
    version: int = 2
    missing: set[bytes] = field(default_factory=set)
    mtime: float = 0.0

    @property
    def stored_as(self) -> Literal["manifests", "accepted"]:
        """The kind of its manifest in the store, once it is committed."""
        return "manifests" if self.settled else "accepted"

    def own(self) -> tuple[bytes, ...]:
        """Its own chunks, once it is committed."""
        return () if self.bundle is None else self.bundle.chunks

    def digests(self) -> list[bytes]:
        """The chunks that a listing shows, each once."""
        return list(dict.fromkeys(self.bundle.chunks)) if self.bundle is not None else list(self.claimed)

    def status(self, partial: Callable[[bytes], bool]) -> Status:
        """`partial` says whether some bytes of a chunk are there."""
        bundle = self.bundle
        if bundle is None:
            state: State = "manifest_pending" if self.pending_bytes else "empty"
            return Status(self.name, state, manifest_pending_bytes=self.pending_bytes)
        gone = [digest for digest in bundle.chunks if digest in self.missing] if self.missing else []
        pending = sum(map(partial, gone))
        return Status(
            self.name,
            "chunks_pending" if gone else "ready",
            manifest_bytes=self.manifest_bytes,
            chunks_expected=len(bundle.chunks),
            chunks_committed=len(bundle.chunks) - len(gone),
            chunks_pending=pending,
            chunks_missing=len(gone) - pending,
            payload_bytes=bundle.payload_bytes,
            payload_sha256=bundle.payload_sha256,
            delta=bundle.delta,
        )
