"""An epoch of a hive, read and checked: its manifest, and its payload chunk by chunk.

Nothing is believed that the manifest does not name by its hash; whether the manifest itself is to be believed
is for a signature to say.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import is_epoch
from ninedoor.cas.manifest import Bundle
from ninedoor.cas.payload import check_delta
from ninedoor.castool.bundle import MANIFEST, decoded
from ninedoor.castool.ways.way import Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error

PAYLOAD = "payload"
"""The assembled payload. The original has none; then chunks are read one by one."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A committed update; `encoded` is its manifest as the hive has it, `base` that of a delta's base."""

    bundle: Bundle
    encoded: bytes
    base: Bundle | None

    @property
    def parts(self) -> tuple[Bundle, ...]:
        """Whose chunks make the payload, in order."""
        return (self.bundle,) if self.base is None else (self.base, self.bundle)

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return sum(part.payload_bytes for part in self.parts)

    def chunks(self) -> list[tuple[str, bytes, int]]:
        """Path, hash and size of every chunk of the payload, in order."""
        return [
            (f"/updates/{part.epoch}/chunks/{digest.hex()}", digest, part.chunk_size(index))
            for part in self.parts
            for index, digest in enumerate(part.chunks)
        ]


def fetch(way: Way, epoch: str) -> Epoch:
    """The update `epoch`. Raises CommandFailure when there is none."""
    encoded, bundle = _manifest(way, epoch)
    base = None
    if bundle.delta is not None:
        _, base = _manifest(way, bundle.delta.base_epoch)
        try:
            check_delta(bundle, base)
        except CasFault as wrong:
            raise CommandFailure(Exit.FAILED, f"{way.place}: epoch {epoch}: {wrong.reason}") from None
    return Epoch(bundle, encoded, base)


def _manifest(way: Way, epoch: str) -> tuple[bytes, Bundle]:
    if not is_epoch(epoch):
        raise CommandFailure(Exit.USAGE, f"epoch {epoch!r} must be 1 to 20 digits")
    path = f"/updates/{epoch}/{MANIFEST}"
    try:
        if epoch not in way.names("/updates"):  # looking into an epoch that is not there would make it
            raise CommandFailure(Exit.FAILED, f"{way.place} has no epoch {epoch}")
        encoded = way.read(path)
    except Unanswered:
        raise
    except P9Error as refused:
        raise CommandFailure(
            Exit.FAILED,
            f"{way.place}: epoch {epoch} is not complete ({refused}); see /updates/{epoch}/status",
        ) from None
    bundle = decoded(encoded, f"{way.place}: {path}")
    if bundle.epoch != epoch:
        raise CommandFailure(Exit.FAILED, f"{way.place}: {path} is that of epoch {bundle.epoch}")
    return encoded, bundle


def verified(way: Way, epoch: Epoch, first: int = 0) -> Iterator[bytes]:
    """The chunks of the payload from number `first` on, each checked. Raises CommandFailure for one that is
    missing or damaged."""
    chunks = epoch.chunks()
    source = (
        _streamed(way, epoch, chunks, first)
        if PAYLOAD in way.names(f"/updates/{epoch.bundle.epoch}") and way.resumes
        else _one_by_one(way, chunks, first)
    )
    for number, content in enumerate(source, first):
        path, digest, size = chunks[number]
        if len(content) != size or hashlib.sha256(content).digest() != digest:
            raise CommandFailure(
                Exit.FAILED, f"{way.place}: chunk {number}, {path}, is damaged: see `ninedoor cas verify`"
            )
        yield content


def _one_by_one(way: Way, chunks: list[tuple[str, bytes, int]], first: int) -> Iterator[bytes]:
    for path, _digest, _size in chunks[first:]:
        try:
            yield way.read(path)
        except Unanswered:
            raise
        except P9Error as refused:
            raise CommandFailure(Exit.FAILED, f"{way.place}: {path}: {refused}") from None


def _streamed(way: Way, epoch: Epoch, chunks: list[tuple[str, bytes, int]], first: int) -> Iterator[bytes]:
    path = f"/updates/{epoch.bundle.epoch}/{PAYLOAD}"
    offset = sum(size for _path, _digest, size in chunks[:first])
    held = bytearray()
    number = first
    try:
        for part in way.contents(path, offset, epoch.size):
            if not held and number < len(chunks) and len(part) == chunks[number][2]:
                yield part  # as it comes over a socket, where chunks are as long as messages
                number += 1
                continue
            held += part
            at = 0
            while number < len(chunks) and at + chunks[number][2] <= len(held):
                size = chunks[number][2]
                yield bytes(held[at : at + size])
                at += size
                number += 1
            del held[:at]
    except Unanswered:
        raise
    except P9Error as refused:
        raise CommandFailure(Exit.FAILED, f"{way.place}: {path}: {refused}") from None
    if number < len(chunks):
        raise CommandFailure(Exit.FAILED, f"{way.place}: {path} ends before chunk {number} of {len(chunks)}")
