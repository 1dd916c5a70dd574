"""What a store of updates holds, told by the store alone: for looking at one without the hive, and clearing
it.

Nothing is decided here that a hive would decide otherwise: an epoch is committed when its manifest is stored
as one, and a chunk is of use when a manifest or a model names it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import Limits, hash_of
from ninedoor.cas.manifest import Bundle, decode
from ninedoor.store.blobports import Blob, Blobs, Kind


class Stored(Protocol):
    """The part of a store that is read."""

    def load(self) -> list[Blob]: ...

    def read(self, kind: Kind, name: str) -> bytes | None: ...


@dataclass(slots=True)
class Inventory:
    """`bundles` are the committed epochs by name, `pending` the bytes of manifests on their way; `chunks` and
    `partial` are sizes by hash, `ages` unix times of last change; `faults` say what is wrong with
    manifests."""

    bundles: dict[str, Bundle] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    chunks: dict[bytes, int] = field(default_factory=dict)
    partial: dict[bytes, int] = field(default_factory=dict)
    ages: dict[bytes, float] = field(default_factory=dict)
    models: set[bytes] = field(default_factory=set)
    quarantined: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def unused(self) -> set[bytes]:
        """Chunks, whole or not, that no manifest and no model names."""
        used = self.models.union(*(bundle.chunks for bundle in self.bundles.values()))
        return (self.chunks.keys() | self.partial.keys()) - used

    def missing(self, bundle: Bundle) -> int:
        """How many of the own chunks of `bundle` are not there."""
        return sum(digest not in self.chunks for digest in bundle.chunks)


def take(stored: Stored) -> Inventory:
    """Everything in a store. Raises StoreError."""
    found = Inventory()
    for blob in stored.load():
        digest = hash_of(blob.name.partition(".")[0])
        match blob.kind:
            case "chunks" | "partial" if digest is not None:
                (found.chunks if blob.kind == "chunks" else found.partial)[digest] = blob.size
                found.ages[digest] = blob.mtime
            case "models" if digest is not None:
                found.models.add(digest)
            case "manifests" | "accepted":
                _read_manifest(found, stored, blob)
            case "parts" | "epochs":
                found.pending[blob.name] = max(blob.size, found.pending.get(blob.name, 0))
            case "quarantine":
                found.quarantined.append(blob.name)
    for name in found.bundles:
        found.pending.pop(name, None)
    return found


def verify(found: Inventory, stored: Stored) -> Iterator[str]:
    """What is wrong with the content of a store, one line each: chunks with another hash than their name, and
    epochs whose payload is not what their manifest says. Reads everything. Raises StoreError."""
    yield from found.faults
    bad: set[bytes] = set()
    for digest in found.chunks:
        content = stored.read("chunks", digest.hex())
        if content is not None and hashlib.sha256(content).digest() != digest:
            bad.add(digest)
            yield f"chunk {digest.hex()}: its content has hash {hashlib.sha256(content).hexdigest()}"
    for name, bundle in sorted(found.bundles.items()):
        yield from (f"epoch {name}: {fault}" for fault in _payload_faults(found, stored, bundle, bad))


def clear(found: Inventory, blobs: Blobs, before: float) -> tuple[int, int]:
    """Remove what is unused and was last changed before unix time `before`; how many chunks went, and how
    many bytes. Raises P9Error."""
    removed = size = 0
    for digest in sorted(found.unused()):
        if found.ages[digest] < before:
            removed += 1
            size += found.chunks.pop(digest, 0) + found.partial.pop(digest, 0)
            blobs.remove("partial", digest.hex())
            blobs.remove("chunks", digest.hex())
    return removed, size


def drop(found: Inventory, blobs: Blobs, name: str) -> None:
    """Remove an epoch; its chunks stay until they are cleared. Raises CasFault when there is none, or when a
    delta goes on from it, and P9Error."""
    if name not in found.bundles and name not in found.pending:
        raise CasFault(f"there is no epoch {name}")
    for other, bundle in sorted(found.bundles.items()):
        if bundle.delta is not None and bundle.delta.base_epoch == name:
            raise CasFault(f"epoch {other} is a delta on epoch {name}: drop that first")
    # As a running hive does: a manifest stays as a mark, so that its number never comes to stand for another
    # update.
    for blob in blobs.load():
        if blob.name == name and blob.kind in ("accepted", "manifests"):
            blobs.move(blob.kind, name, "dropped", name)
    kinds: tuple[Kind, ...] = ("parts", "epochs")
    for kind in kinds:
        blobs.remove(kind, name)
    found.bundles.pop(name, None)
    found.pending.pop(name, None)


def _read_manifest(found: Inventory, stored: Stored, blob: Blob) -> None:
    data = stored.read(blob.kind, blob.name) or b""
    try:
        bundle = decode(data, Limits(0, len(data)))
        if bundle.epoch != blob.name:
            raise CasFault(f"belongs to epoch {bundle.epoch}")
    except CasFault as fault:
        found.faults.append(f"manifest of epoch {blob.name}: {fault.reason}")
    else:
        found.bundles[blob.name] = bundle


def _payload_faults(found: Inventory, stored: Stored, bundle: Bundle, bad: Iterable[bytes]) -> Iterator[str]:
    chunks = bundle.chunks
    if bundle.delta is not None:
        base = found.bundles.get(bundle.delta.base_epoch)
        if base is None:
            yield f"its base, epoch {bundle.delta.base_epoch}, is not there"
            return
        chunks = (*base.chunks, *chunks)
    missing = sum(digest not in found.chunks for digest in chunks)
    damaged = sum(digest in bad for digest in chunks)
    if missing or damaged:
        yield f"{missing} of {len(chunks)} chunks are missing, {damaged} are damaged: send them again"
        return
    sha256 = hashlib.sha256()
    for digest in chunks:
        sha256.update(stored.read("chunks", digest.hex()) or b"")
    if sha256.digest() != bundle.payload_sha256:
        yield f"its payload has hash {sha256.hexdigest()}, not {bundle.payload_sha256.hex()}"
