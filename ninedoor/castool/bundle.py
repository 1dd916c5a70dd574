"""An update on disk: a directory with `manifest.cbor` and `chunks/<sha256>`.

Chunks are read one at a time and checked as they are read, so a bundle may be larger than memory. A directory
of a mounted hive, /updates/<epoch>, can be read as a bundle too.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import Limits
from ninedoor.cas.manifest import Bundle, decode
from ninedoor.cli.exits import CommandFailure, Exit

MANIFEST = "manifest.cbor"
CHUNKS = "chunks"

LIMITS = Limits(chunk_bytes=(1 << 16) - 1, max_chunks=1 << 18)
"""What the tool takes; hives are narrower. A manifest at the limit has 9 MB."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The bundle in the directory `place`; `encoded` is its manifest as it lies there."""

    place: Path
    encoded: bytes
    bundle: Bundle

    def content(self, index: int) -> bytes:
        """What lies in the file of own chunk number `index`; nothing says that it is right. Raises
        CommandFailure when there is none."""
        name = f"{self.place}/{CHUNKS}/{self.bundle.chunks[index].hex()}"
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise CommandFailure(Exit.FAILED, f"{name} is missing") from None
        try:
            return os.read(descriptor, self.bundle.chunk_bytes + 1)
        finally:
            os.close(descriptor)

    def chunk(self, index: int) -> bytes:
        """Own chunk number `index`. Raises CommandFailure when it is missing or another one."""
        digest, size = self.bundle.chunks[index], self.bundle.chunk_size(index)
        data = self.content(index)
        if len(data) != size or sha256(data).digest() != digest:
            file = self.place / CHUNKS / digest.hex()
            raise CommandFailure(
                Exit.FAILED, f"{file} is damaged: it does not hold the {size} bytes of its name"
            )
        return data

    def chunks(self) -> Iterator[bytes]:
        """The bundle's own chunks, in order."""
        return map(self.chunk, range(len(self.bundle.chunks)))


def open_directory(place: Path) -> Directory:
    """The bundle in the directory `place`. Raises CommandFailure, OSError."""
    file = place / MANIFEST
    try:
        encoded = read_manifest(file)
    except (FileNotFoundError, NotADirectoryError):
        raise CommandFailure(Exit.USAGE, f"{place} is no bundle: it has no {MANIFEST}") from None
    return Directory(place, encoded, decoded(encoded, str(file)))


def read_manifest(file: Path) -> bytes:
    """The bytes of a manifest. Raises CommandFailure for too many, OSError."""
    with file.open("rb") as opened:
        encoded = opened.read(LIMITS.manifest_bytes + 1)
    if len(encoded) > LIMITS.manifest_bytes:
        raise CommandFailure(Exit.FAILED, f"{file} has over {LIMITS.manifest_bytes} bytes: no manifest")
    return encoded


def decoded(encoded: bytes, name: str) -> Bundle:
    """The manifest that `encoded`, found at `name`, is. Raises CommandFailure."""
    try:
        bundle = decode(encoded, LIMITS)
        bundle.check_sizes()
    except CasFault as wrong:
        raise CommandFailure(Exit.FAILED, f"{name} is no manifest of an update: {wrong.reason}") from None
    return bundle


@contextmanager
def replacing(place: Path) -> Iterator[Path]:
    """A new directory beside `place`, which takes its place at the end; nothing is left of it when that is
    not reached."""
    place.parent.mkdir(parents=True, exist_ok=True)
    made = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    made.mkdir()
    try:
        yield made
        if os.path.lexists(place):
            old = made.with_name(f"{made.name}.old")
            place.rename(old)
            made.rename(place)
            shutil.rmtree(old)
        else:
            made.rename(place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


class Written(NamedTuple):
    """Digests of the chunks that were written, in order, and their bytes together."""

    digests: list[bytes]
    size: int


def write_chunks(chunks: Iterator[bytes], into: Path) -> Written:
    """Write each chunk below the new bundle `into`, equal ones once."""
    folder = into / CHUNKS
    folder.mkdir()
    digests: list[bytes] = []
    written: set[bytes] = set()
    size = 0
    for chunk in chunks:
        digest = sha256(chunk).digest()
        digests.append(digest)
        size += len(chunk)
        if digest not in written:
            written.add(digest)
            (folder / digest.hex()).write_bytes(chunk)
    return Written(digests, size)
