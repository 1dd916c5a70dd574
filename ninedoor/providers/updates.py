"""/updates: bundles that arrive chunk by chunk, and their payloads. Formats are in docs/INTERFACES.md.

    /updates/ctl                       how full the store is; write commands, see `ninedoor.updates.control`
    /updates/<epoch>/chunks/<sha256>   write the content of a chunk, in pieces; read it once committed
    /updates/<epoch>/manifest.cbor     write it after the chunks; read it once committed
    /updates/<epoch>/status, .cbor     how far the epoch has come
    /updates/<epoch>/payload           the assembled content, once committed

Any epoch and any hash can be walked to; only what holds something is listed, and counts.
"""

import errno
from collections.abc import Callable
from functools import partial

from ninedoor.cas.limits import hash_of, is_epoch
from ninedoor.cas.manifest import encode
from ninedoor.errors import P9Error
from ninedoor.providers.ports import Site
from ninedoor.session.ports import Path
from ninedoor.tree.blob import BlobFile, Held, Reader
from ninedoor.tree.mapped import MappedDirectory
from ninedoor.tree.node import BaseNode
from ninedoor.tree.register import Register
from ninedoor.tree.text import RenderedText
from ninedoor.updates.control import Control
from ninedoor.updates.registry import ALL
from ninedoor.updates.updates import Updates

ROOT = ("updates",)

CTL = "ctl"
"""No epoch: those are digits."""

STATUS_BYTES = 1024
"""Room for a status with every number as long as any."""

PAYLOAD = "payload"


def provide(site: Site) -> None:
    """The tree, while `cas.enable` is set."""
    if site.updates is not None and site.config.cas.enable:
        Tree(site, site.updates)


class Tree:
    """Makes the nodes of /updates when they are asked for."""

    def __init__(self, site: Site, updates: Updates) -> None:
        self._updates = updates
        self._control = Control(updates)
        self._mtime = site.now
        site.tree.add(
            MappedDirectory(
                ROOT,
                self._epoch,
                lambda: (CTL, *updates.epochs),
                lambda: updates.registry.version,
                partial(updates.registry.watch, ALL),
                mtime=site.now,
            )
        )

    def _epoch(self, path: Path, name: str) -> BaseNode | None:
        if name == CTL:
            control, watched = self._control, partial(self._updates.registry.watch, ALL)
            return Register(path, control.text, control.execute, watched, mtime=self._mtime)
        if not is_epoch(name):
            return None
        return MappedDirectory(
            path,
            partial(self._file, name),
            partial(self._files, name),
            partial(self._version, name),
            partial(self._updates.registry.watch, name),
            mtime=self._mtime_of(name),
        )

    def _files(self, epoch: str) -> list[str]:
        shown = self._updates.settings
        files = ["chunks"]
        if shown.manifest:
            files.append("manifest.cbor")
        if shown.status:
            files += ("status", "status.cbor")
        if self._is_committed(epoch):
            files.append(PAYLOAD)
        return files

    def _file(self, epoch: str, path: Path, name: str) -> BaseNode | None:
        if name not in self._files(epoch):
            return None
        updates, mtime = self._updates, self._mtime_of(epoch)
        match name:
            case "chunks":
                return MappedDirectory(
                    path,
                    partial(self._chunk, epoch),
                    partial(self._chunks, epoch),
                    partial(self._version, epoch),
                    partial(updates.registry.watch, epoch),
                    mtime=mtime,
                )
            case "manifest.cbor":
                return BlobFile(path, Manifest(updates, epoch), mtime=mtime)
            case "payload":
                return BlobFile(path, Assembled(updates, epoch), writable=False, mtime=mtime)
            case "status":
                render = lambda: updates.status(epoch).text()  # noqa: E731
            case _:
                render = lambda: updates.status(epoch).cbor()  # noqa: E731
        return RenderedText(path, render, cap_bytes=STATUS_BYTES, mtime=mtime)

    def _chunk(self, epoch: str, path: Path, name: str) -> BaseNode | None:
        digest = hash_of(name)
        if digest is None:
            return None
        return BlobFile(path, Chunk(self._updates, epoch, digest), mtime=self._mtime_of(epoch))

    def _chunks(self, name: str) -> list[str]:
        epoch = self._updates.epochs.get(name)
        return [] if epoch is None else [digest.hex() for digest in epoch.digests()]

    def _version(self, name: str) -> int:
        epoch = self._updates.epochs.get(name)
        return 1 if epoch is None else epoch.version

    def _mtime_of(self, name: str) -> float:
        epoch = self._updates.epochs.get(name)
        return self._mtime if epoch is None else epoch.mtime

    def _is_committed(self, name: str) -> bool:
        epoch = self._updates.epochs.get(name)
        return epoch is not None and epoch.bundle is not None


class Chunk:
    """One chunk, seen from one epoch (`ninedoor.tree.blob.Content`)."""

    def __init__(self, updates: Updates, epoch: str, digest: bytes) -> None:
        self._updates = updates
        self._epoch = epoch
        self._digest = digest

    def held(self) -> Held:
        chunks = self._updates.chunks
        size = chunks.sizes.get(self._digest)
        return Held(True, size) if size is not None else Held(False, chunks.partial.get(self._digest, 0))

    def reader(self, now: float) -> Reader:
        return reader_of(self._updates.chunks.read(self._digest, now))

    def write(self, offset: int, data: bytes, now: float) -> int:
        return self._updates.write_chunk(self._epoch, self._digest, offset, data, now)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._updates.chunks.watch(self._digest, wake)


class Manifest:
    """The manifest of one epoch."""

    def __init__(self, updates: Updates, epoch: str) -> None:
        self._updates = updates
        self._epoch = epoch

    def held(self) -> Held:
        epoch = self._updates.epochs.get(self._epoch)
        if epoch is None:
            return Held(False, 0)
        committed = epoch.bundle is not None
        return Held(committed, epoch.manifest_bytes if committed else epoch.pending_bytes)

    def reader(self, now: float) -> Reader:
        bundle = self._updates.epochs[self._epoch].bundle
        if bundle is None:
            raise P9Error(errno.ENOENT, "manifest.cbor is not committed")
        return reader_of(encode(bundle))

    def write(self, offset: int, data: bytes, now: float) -> int:
        return self._updates.manifests.write(self._epoch, offset, data, now)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._updates.registry.watch(self._epoch, wake)


class Assembled:
    """The payload of one epoch, which is there once that is committed."""

    def __init__(self, updates: Updates, epoch: str) -> None:
        self._updates = updates
        self._epoch = epoch

    def held(self) -> Held:
        try:
            return Held(True, self._updates.payload(self._epoch).size)
        except P9Error:
            return Held(True, 0)  # withheld: opening it says why

    def reader(self, now: float) -> Reader:
        return self._updates.payload(self._epoch).reader(self._updates.chunks.read)

    def write(self, offset: int, data: bytes, now: float) -> int:
        raise P9Error(errno.EPERM, "payload is read-only")

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._updates.registry.watch(self._epoch, wake)


def reader_of(content: bytes) -> Reader:
    """Reads what is in memory."""
    return lambda offset, count, now: content[offset : offset + count]
