"""The system calls that the disk store of blobs is made of, in one class, so that a test can stop a process
before, in and after any of them.

`FileSystem` does what it says and raises OSError. Names are resolved below a directory's descriptor; symbolic
links are never followed.
"""

import ctypes
import os
from contextlib import suppress

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o600
_PIECE = 1 << 20
_USUAL = 16 << 10
"""More than a chunk has: to read it, no megabyte has to be set aside."""


class FileSystem:
    """Files below open directories (`directory` is a descriptor)."""

    def open_directory(self, name: str, parent: int, owner: tuple[int, int] | None) -> int:
        """A descriptor of the directory `name`, made (mode 0700) where missing; `owner` gets a new one."""
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent)
            if owner is not None:
                os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=parent)

    def create(self, directory: int, name: str) -> int:
        """A descriptor of the file `name`, empty."""
        return os.open(name, _WRITE | os.O_TRUNC, _MODE, dir_fd=directory)

    def extend(self, directory: int, name: str) -> int:
        """A descriptor of the file `name`, to write into as it is."""
        return os.open(name, _WRITE, _MODE, dir_fd=directory)

    def existing(self, directory: int, name: str) -> int:
        """A descriptor of the file `name`, which has to be there."""
        return os.open(name, _READ, dir_fd=directory)

    def put(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        """One write; returns the bytes taken, perhaps not all."""
        return os.pwrite(descriptor, data, offset)

    def cut(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def give(self, descriptor: int, owner: tuple[int, int]) -> None:
        os.fchown(descriptor, *owner)

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def sync_all(self, descriptor: int) -> None:
        """Make the whole file system of `descriptor` durable: cheaper than thousands of files one by one."""
        if _libc.syncfs(descriptor):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def rename(self, directory: int, old: str, to: int, new: str) -> None:
        os.rename(old, new, src_dir_fd=directory, dst_dir_fd=to)

    def unlink(self, directory: int, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)

    def read(self, directory: int, name: str) -> bytes | None:
        """All of a file; None when there is none."""
        try:
            descriptor = os.open(name, _READ, dir_fd=directory)
        except FileNotFoundError:
            return None
        try:
            data = os.read(descriptor, _USUAL)
            if len(data) < _USUAL:
                return data
            pieces = [data]
            while data := os.read(descriptor, _PIECE):
                pieces.append(data)
            return b"".join(pieces)
        finally:
            os.close(descriptor)

    def write_all(self, descriptor: int, data: bytes, offset: int) -> None:
        """All of `data` at `offset`."""
        done = self.put(descriptor, data, offset)
        while done < len(data):
            done += self.put(descriptor, memoryview(data)[done:], offset + done)


_libc = ctypes.CDLL(None, use_errno=True)
