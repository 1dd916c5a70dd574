"""An upload whose process is killed at a chosen system call of its store, in a child of its own.

Shared by the test of this; it mirrors no module.
"""

import errno
import hashlib
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

from ninedoor.cas.manifest import encode
from ninedoor.errors import P9Error
from ninedoor.store.blobfiles import FileSystem
from ninedoor.store.blobs import DiskBlobs
from tests.updates.hives import NOW, Kept, bundled, kept

BASE = bytes(range(256)) * 3 + b"a rest"
MORE = b"more of it " * 40
WEIGHTS = b"W" * 100
WRONG = hashlib.sha256(b"what was meant").digest()

Moment = Literal["before", "within", "after"]
"""Of a system call. Within a write is when some of its bytes are written."""


class Unsynced(FileSystem):
    """Leaves the disk in peace: a process that is killed loses nothing that was written, synced or not."""

    def fsync(self, descriptor: int) -> None:
        return None

    def sync_all(self, descriptor: int) -> None:
        return None


class Deadly(Unsynced):
    """Kills this process at system call number `at` that changes something; 0 never does."""

    def __init__(self, at: int, moment: Moment) -> None:
        self.steps = 0
        self._at = at
        self._moment = moment

    def _run(self, call: Callable[[], int | None]) -> int | None:
        self.steps += 1
        if self.steps == self._at and self._moment == "before":
            _die()
        result = call()
        if self.steps == self._at:
            _die()
        return result

    def create(self, directory: int, name: str) -> int:
        return self._run(lambda: FileSystem.create(self, directory, name)) or 0

    def extend(self, directory: int, name: str) -> int:
        return self._run(lambda: FileSystem.extend(self, directory, name)) or 0

    def put(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        if self.steps + 1 == self._at and self._moment == "within":
            FileSystem.put(self, descriptor, data[: len(data) // 2], offset)
            _die()
        return self._run(lambda: FileSystem.put(self, descriptor, data, offset)) or 0

    def cut(self, descriptor: int, size: int) -> None:
        self._run(lambda: FileSystem.cut(self, descriptor, size))

    def fsync(self, descriptor: int) -> None:
        self._run(lambda: Unsynced.fsync(self, descriptor))

    def rename(self, directory: int, old: str, to: int, new: str) -> None:
        self._run(lambda: FileSystem.rename(self, directory, old, to, new))

    def unlink(self, directory: int, name: str) -> None:
        self._run(lambda: FileSystem.unlink(self, directory, name))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def opened(state: Path, files: FileSystem | None = None, fsync: str = "batch") -> Kept:
    """Updates kept in `state`."""
    blobs = DiskBlobs(state, fsync, files or Unsynced())  # type: ignore[arg-type]
    return kept(blobs=blobs, sync_first=fsync == "always")


def steps() -> list[Callable[[Kept], object]]:
    """What the upload does, one acknowledgement after the other. Doing it again from anywhere is harmless."""
    base, chunks = bundled("1", BASE)
    delta, own = bundled("2", MORE, base=("1", BASE))
    digest = hashlib.sha256(WEIGHTS).digest()
    return [
        *(partial(_piece, epoch="1", chunk=chunk, at=at) for chunk in chunks for at in (0, 50)),
        _wrong,
        *(partial(_manifest, epoch="1", data=encode(base), at=at) for at in (0, 100, 200)),
        lambda hive: hive.updates.sync(),
        *(partial(_piece, epoch="2", chunk=chunk, at=0, size=1000) for chunk in own),
        lambda hive: hive.manifest("2", encode(delta)),
        lambda hive: hive.updates.models.write_weights(digest, 0, WEIGHTS, NOW),
        lambda hive: hive.updates.models.write_text(digest, "schema", 0, b"schema"),
        lambda hive: hive.chunk("3", b"for nothing"),
        lambda hive: hive.upload(*bundled("4", MORE + b"for a while")),
        lambda hive: hive.updates.sync(),
        lambda hive: hive.updates.drop("4", NOW),
        lambda hive: hive.updates.sync(),
        lambda hive: hive.updates.collect(NOW + 1e12),
    ]


def _piece(hive: Kept, epoch: str, chunk: bytes, at: int, size: int = 78) -> None:
    digest = hashlib.sha256(chunk).digest()
    hive.chunk(epoch, chunk[at : at + size] if at else chunk[: min(size, 50)], at, digest)
    if size > 78:
        hive.chunk(epoch, chunk, 0, digest)


def _manifest(hive: Kept, epoch: str, data: bytes, at: int) -> None:
    hive.manifest(epoch, data[at : at + 100] if at < 200 else data[at:], at)


def _wrong(hive: Kept) -> None:
    with suppress(P9Error):
        hive.chunk("1", b"x" * 128, 0, WRONG)


def perish(state: Path, at: int, moment: Moment, fsync: str) -> tuple[bool, int]:
    """Run the upload in a child that is killed at system call `at`; whether that came to pass, and how many
    steps were acknowledged before."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        status = 1
        try:
            hive = opened(state, Deadly(at, moment), fsync)
            for step in steps():
                step(hive)
                hive.updates.commit()
                os.write(writer, b".")
            hive.blobs.close()
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    acknowledged = 0
    while piece := os.read(reader, 4096):
        acknowledged += len(piece)
    os.close(reader)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, "the upload failed by itself"
    return os.WIFSIGNALED(status), acknowledged


def resume(state: Path, fsync: str) -> dict[tuple[str, str], bytes]:
    """Send everything again; what is stored then."""
    hive = opened(state, fsync=fsync)
    for step in steps():
        with suppress(P9Error):
            step(hive)
    hive.updates.sync()
    found = {
        (blob.kind, blob.name): hive.blobs.read(blob.kind, blob.name) or b""
        for blob in hive.blobs.load()
        if blob.kind != "quarantine"
    }
    hive.blobs.close()
    return found


NOT_READABLE = (errno.ENOENT, errno.EPERM)
