"""Blobs on a disk: one file each, in a directory for each kind, in `cas` below the state directory.

A file is written under a temporary name in its own directory and renamed. The page cache then has it, so the
end of the process, however sudden, loses nothing. What a power cut may lose is the journal's policy,
`store.fsync`:

    always  a file is synced before it is renamed, and its directory before the reply (`commit`)
    batch   everything is synced at most store.batch_ms later, in a thread (`sync`)
    never   only at the end

A failed sync is final, as it is for the journal: from then on every change is refused with EIO.

A thread may run `sync` or `read` beside the rest: `sync` takes the set of what is to be synced away from the
writer in one step, and a file that was renamed or removed meanwhile is in the writer's new set under its new
name.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Literal

from ninedoor.errors import P9Error
from ninedoor.store.blobfiles import FileSystem
from ninedoor.store.blobports import KINDS, Blob, Kind
from ninedoor.store.directory import cause, explained

DIRECTORY = "cas"
TEMPORARY = "incoming.tmp"
"""One is enough: changes belong to one thread. It is in no one's way when a process is killed."""

ONE_BY_ONE = 64
"""Files up to this many are synced one by one, more by one sync of their file system."""

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskBlobs:
    """A `Blobs` in `state`/cas, created with mode 0700. Whoever opens it holds the lock of the state
    directory. Raises StoreError when the directories cannot be used."""

    def __init__(
        self,
        state: Path,
        fsync: Literal["always", "batch", "never"] = "batch",
        files: FileSystem | None = None,
    ) -> None:
        self.path = state / DIRECTORY
        self._files = files or FileSystem()
        self.acts_on_commit = fsync == "always"
        self._failed: str | None = None
        self._syncing = Lock()
        self._noting = Lock()  # held to note what has to be synced, and to take that away
        self._dirty: set[tuple[Kind, str]] = set()
        self._changed: set[Kind] = set()
        self._directories: dict[Kind, int] = {}
        with explained(f"cannot open {self.path}"):
            status = os.stat(state)
            foreign = os.geteuid() == 0 and status.st_uid != 0
            self._owner = (status.st_uid, status.st_gid) if foreign else None
            parent = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._root = self._files.open_directory(DIRECTORY, parent, self._owner)
                os.fsync(parent)
            finally:
                os.close(parent)
            for kind in KINDS:
                self._directories[kind] = self._files.open_directory(kind, self._root, self._owner)
            os.fsync(self._root)

    def load(self) -> list[Blob]:
        """See the port. What an interrupted write left is removed. Raises StoreError."""
        with explained(f"cannot read {self.path}"):
            for descriptor in self._directories.values():
                self._files.unlink(descriptor, TEMPORARY)
            return list(listed(self._directories))

    def read(self, kind: Kind, name: str) -> bytes | None:
        try:
            return self._files.read(self._directories[kind], name)
        except OSError as failed:
            raise P9Error(errno.EIO, f"{kind} {name} cannot be read: {cause(failed)}") from failed

    def write(self, kind: Kind, name: str, data: bytes) -> None:
        files, directory = self._files, self._directories[kind]
        self._raise_failure()
        try:
            descriptor = files.create(directory, TEMPORARY)
            try:
                if self._owner is not None:
                    files.give(descriptor, self._owner)
                files.write_all(descriptor, data, 0)
                if self.acts_on_commit:
                    files.fsync(descriptor)
            finally:
                os.close(descriptor)
            files.rename(directory, TEMPORARY, directory, name)
        except OSError as failed:
            with suppress(OSError):
                files.unlink(directory, TEMPORARY)
            raise _refusal(failed) from failed
        self._note(kind, name)

    def append(self, kind: Kind, name: str, offset: int, data: bytes) -> None:
        files = self._files
        self._raise_failure()
        try:
            descriptor = files.extend(self._directories[kind], name)
            try:
                if self._owner is not None:
                    files.give(descriptor, self._owner)
                try:
                    files.cut(descriptor, offset)
                    files.write_all(descriptor, data, offset)
                except OSError:
                    with suppress(OSError):
                        files.cut(descriptor, offset)
                    raise
            finally:
                os.close(descriptor)
        except OSError as failed:
            raise _refusal(failed) from failed
        self._note(kind, name)

    def remove(self, kind: Kind, name: str) -> None:
        self._raise_failure()
        with _refused():
            self._files.unlink(self._directories[kind], name)
        self._note(kind, None, gone=name)

    def move(self, kind: Kind, name: str, to: Kind, new: str) -> None:
        self._raise_failure()
        with _refused():
            self._files.rename(self._directories[kind], name, self._directories[to], new)
        self._note(kind, None, gone=name)
        self._note(to, new)

    def commit(self) -> None:
        if self.acts_on_commit and (self._changed or self._dirty):
            self.sync()

    def sync(self) -> None:
        with self._syncing:
            self._raise_failure()
            with self._noting:
                dirty, self._dirty = self._dirty, set()
                changed, self._changed = self._changed, set()
            if not dirty and not changed:
                return
            try:
                if len(dirty) > ONE_BY_ONE:
                    self._files.sync_all(self._root)
                    return
                for kind, name in dirty:
                    self._sync_file(kind, name)
                for kind in changed:
                    self._files.fsync(self._directories[kind])
            except OSError as failed:
                self._failed = f"sync of {self.path} failed: {cause(failed)}"
                raise P9Error(errno.EIO, self._failed) from failed

    def close(self) -> None:
        if self._root < 0:
            return
        with suppress(P9Error):
            self.sync()
        for descriptor in (*self._directories.values(), self._root):
            os.close(descriptor)
        self._root = -1

    def _sync_file(self, kind: Kind, name: str) -> None:
        with suppress(FileNotFoundError):
            descriptor = self._files.existing(self._directories[kind], name)
            try:
                self._files.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _note(self, kind: Kind, name: str | None, gone: str | None = None) -> None:
        """`kind` has changed: `name` is to be synced, `gone` no longer is."""
        with self._noting:
            if name is not None:
                self._dirty.add((kind, name))
            if gone is not None:
                self._dirty.discard((kind, gone))
            self._changed.add(kind)

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise P9Error(errno.EIO, self._failed)


def listed(directories: dict[Kind, int]) -> Iterator[Blob]:
    """Every blob below `directories`, which are descriptors. Raises OSError."""
    for kind, descriptor in directories.items():
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if entry.name != TEMPORARY and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield Blob(kind, entry.name, status.st_size, status.st_mtime)


class ViewedBlobs:
    """The blobs of a state directory that a hive may be running on: `load` and `read` only, nothing created.
    Raises StoreError when there are none."""

    def __init__(self, state: Path) -> None:
        self.path = state / DIRECTORY
        self._directories: dict[Kind, int] = {}
        with explained(f"cannot open {self.path}"):
            for kind in KINDS:
                self._directories[kind] = os.open(
                    self.path / kind, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                )

    def load(self) -> list[Blob]:
        """See the port. Raises StoreError."""
        with explained(f"cannot read {self.path}"):
            return list(listed(self._directories))

    def read(self, kind: Kind, name: str) -> bytes | None:
        """See the port. Raises StoreError."""
        with explained(f"cannot read {self.path / kind / name}"):
            return FileSystem().read(self._directories[kind], name)

    def close(self) -> None:
        for descriptor in self._directories.values():
            os.close(descriptor)
        self._directories.clear()


def has_blobs(state: Path) -> bool:
    """Has a hive ever kept updates in this state directory?"""
    return (state / DIRECTORY / KINDS[-1]).is_dir()


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        raise _refusal(failed) from failed


def _refusal(failed: OSError) -> P9Error:
    code = errno.ENOSPC if failed.errno in _FULL_DISK else errno.EIO
    return P9Error(code, f"the state directory takes nothing: {cause(failed)}")
