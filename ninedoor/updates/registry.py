"""The epochs of a hive that hold something, by name: made, adopted, dropped, and told of.

A committed epoch that is dropped leaves a mark with the hash of its manifest, so that its number never comes
to stand for another update: whoever kept what it read of an epoch has kept the right thing.
"""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import suppress

from ninedoor.cas.limits import HASH_BYTES
from ninedoor.cas.manifest import Bundle, encode
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.store.blobports import Blob, Blobs
from ninedoor.updates.budget import Budget, blocks
from ninedoor.updates.chunks import Chunks
from ninedoor.updates.epochs import Epoch
from ninedoor.updates.payloads import Lock, Run
from ninedoor.updates.watchers import Wake, Watchers

ALL = ""
"""What is watched by who wants to know of epochs that come and go."""


def digest_of(mark: bytes) -> bytes:
    """The hash of a dropped manifest by its mark, which has the hash, or all of the manifest still."""
    return mark if len(mark) == HASH_BYTES else hashlib.sha256(mark).digest()


class Registry:
    """`version` counts what changes a listing of all epochs. `lock` is for what is hashed of them."""

    def __init__(self, blobs: Blobs, settings: Cas, budget: Budget, chunks: Chunks, lock: Lock) -> None:
        self.epochs: dict[str, Epoch] = {}
        self.version = 2
        self._blobs = blobs
        self._settings = settings
        self._budget = budget
        self._chunks = chunks
        self._lock = lock
        self._watchers: Watchers[str] = Watchers()
        self._dropped: dict[str, bytes] = {}

    def load(self, stored: list[Blob]) -> None:
        """The marks of epochs, and of those that were dropped."""
        for blob in stored:
            if blob.kind == "epochs":
                self.epochs[blob.name] = self._empty(blob.name, blob.mtime)
            elif blob.kind == "dropped":
                self._dropped[blob.name] = digest_of(self._blobs.read("dropped", blob.name) or b"")
                self._budget.used += blocks(blob.size)

    def require_room(self) -> None:
        """Raises ENOSPC when no other epoch may hold something."""
        most = self._settings.max_epochs
        if len(self.epochs) >= most:
            raise P9Error(errno.ENOSPC, f"hive holds {most} epochs already (cas.store.max_epochs)")

    def create(self, name: str, now: float) -> Epoch:
        """A new one, without anything. Raises P9Error from the store."""
        self._blobs.write("epochs", name, b"")
        epoch = self.epochs[name] = self._empty(name, now)
        self._list_changed()
        return epoch

    def adopt(self, epoch: Epoch, bundle: Bundle, size: int, mtime: float) -> None:
        """`bundle`, of `size` bytes, is the manifest of `epoch` from now on."""
        epoch.bundle = bundle
        epoch.manifest_bytes = size
        epoch.mtime = mtime
        epoch.run = Run(0)
        epoch.claimed = {}
        epoch.version += 1
        self.epochs[epoch.name] = epoch
        self._budget.used += blocks(size)
        self._chunks.refer(bundle.chunks)

    def require_itself(self, name: str, manifest: bytes) -> None:
        """Raises EPERM when `manifest` is another one than that of the epoch `name` that was dropped."""
        was = self._dropped.get(name)
        if was is not None and hashlib.sha256(manifest).digest() != was:
            raise P9Error(errno.EPERM, f"epoch {name} was another update, and dropped: its number is used up")

    def drop(self, epoch: Epoch, now: float) -> None:
        """Remove an epoch, of whose manifest nothing is pending. Its chunks stay for as long as they are of
        use. Raises EBUSY while a delta goes on from it, and P9Error from the store."""
        for delta in self._deltas_on(epoch.name):
            raise P9Error(errno.EBUSY, f"epoch {delta} is a delta on epoch {epoch.name}: drop that first")
        if epoch.bundle is not None:
            self._withdraw(epoch, epoch.bundle, now)
        self._blobs.remove("epochs", epoch.name)
        del self.epochs[epoch.name]
        self.tell(epoch.name)
        self._list_changed()

    def bump(self, epoch: Epoch) -> None:
        """`epoch` has changed."""
        epoch.version += 1
        self.tell(epoch.name)

    def watch(self, name: str, wake: Wake) -> Wake:
        """Call `wake` whenever epoch `name` has changed, for ALL whenever there are others, until the
        returned function is called."""
        return self._watchers.watch(name, wake)

    def tell(self, name: str) -> None:
        """Wake who watches `name`."""
        self._watchers.tell(name)

    def _empty(self, name: str, mtime: float) -> Epoch:
        return Epoch(name, Run(self._settings.max_chunks, self._lock), mtime=mtime)

    def _list_changed(self) -> None:
        self.version += 1
        self.tell(ALL)

    def _deltas_on(self, name: str) -> Iterator[str]:
        for epoch in self.epochs.values():
            delta = None if epoch.bundle is None else epoch.bundle.delta
            if delta is not None and delta.base_epoch == name:
                yield epoch.name

    def _withdraw(self, epoch: Epoch, bundle: Bundle, now: float) -> None:
        """It is no longer committed. Its manifest becomes the mark, in one step, for which even a full disk
        has room."""
        self._blobs.move(epoch.stored_as, epoch.name, "dropped", epoch.name)
        self._dropped[epoch.name] = digest = hashlib.sha256(encode(bundle)).digest()
        self._budget.used += blocks(len(digest)) - blocks(epoch.manifest_bytes)
        epoch.bundle = None
        epoch.settled = True  # there is nothing left to settle
        self._chunks.release(bundle.chunks, now)
        with suppress(P9Error):  # a longer mark says the same
            self._blobs.write("dropped", epoch.name, digest)
