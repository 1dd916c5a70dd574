"""The state directory: who may use it, which files are in it, and how one is created, opened and named.

Every name is resolved below one directory descriptor, so a rename of a parent changes nothing. A file that is
not regular, is a symbolic link, or belongs to neither this user nor the directory's owner is refused. What
root creates here belongs to the directory's owner, so that `ninedoor doctor` may run as root.
"""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from ninedoor.errors import StoreError

LOCK_NAME = "lock"
TEMPORARY = ".tmp"

_GENERATION = re.compile(r"journal-([0-9]{16})(\.tmp)?", re.ASCII)
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_READ_BYTES = 1 << 20


def file_name(generation: int) -> str:
    """The name of a generation's file."""
    return f"journal-{generation:016d}"


def cause(exc: OSError) -> str:
    """What the system says about an error, in lower case."""
    return (exc.strerror or str(exc)).lower()


@contextmanager
def explained(action: str) -> Iterator[None]:
    """Turn an OSError of the block into a StoreError that begins with `action`."""
    try:
        yield
    except OSError as exc:
        hint = f" (this process has user id {os.geteuid()})" if isinstance(exc, PermissionError) else ""
        raise StoreError(f"{action}: {cause(exc)}{hint}") from exc


class StateDirectory:
    """An open state directory. `take` locks it for one process; `view` is for looking only."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._lock = -1
        status = os.fstat(descriptor)
        self._owner = (status.st_uid, status.st_gid)

    @classmethod
    def view(cls, path: Path) -> Self:
        """Open a directory that exists, without locking it. Raises StoreError."""
        with explained(f"cannot open state directory {path}"):
            return cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    @classmethod
    def take(cls, path: Path, *, create: bool) -> Self:
        """Open a directory for this process alone, creating it (mode 0700, its parent must exist) on request.
        Raises StoreError; "in use by pid N" when another process has it."""
        if create:
            with explained(f"cannot create state directory {path}"):
                _make(path)
        directory = cls.view(path)
        try:
            directory._acquire()
        except BaseException:
            directory.close()
            raise
        return directory

    def holder(self) -> str | None:
        """Who uses the directory ("pid 17"), or None. Takes nothing that outlives the call."""
        try:
            lock = self.open_file(LOCK_NAME, writable=False)
        except StoreError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _pid_in(lock)
        finally:
            os.close(lock)
        return None

    def generations(self) -> list[int]:
        """The generations that have a file, oldest first."""
        matches = [_GENERATION.fullmatch(name) for name in os.listdir(self._descriptor)]
        return sorted(int(match[1]) for match in matches if match and not match[2])

    def unfinished(self) -> list[str]:
        """Names of generation files whose writing was interrupted."""
        matches = [_GENERATION.fullmatch(name) for name in os.listdir(self._descriptor)]
        return sorted(match[0] for match in matches if match and match[2])

    def file_path(self, name: str) -> Path:
        """For messages; files are opened by name below the directory's descriptor."""
        return self.path / name

    def open_file(self, name: str, *, writable: bool) -> int:
        """A descriptor of an existing file. Raises StoreError."""
        path = self.file_path(name)
        with explained(f"cannot open {path}"):
            mode = os.O_RDWR if writable else os.O_RDONLY
            descriptor = os.open(name, mode | _FLAGS, dir_fd=self._descriptor)
        try:
            self._check(path, os.fstat(descriptor))
        except StoreError:
            os.close(descriptor)
            raise
        return descriptor

    def create_file(self, name: str) -> int:
        """A descriptor of a new file, mode 0600. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS
        descriptor = os.open(name, flags, 0o600, dir_fd=self._descriptor)
        self._give_to_owner(descriptor)
        return descriptor

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is as good. Raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def rename(self, old: str, new: str) -> None:
        """Give a file its final name. Raises OSError."""
        os.rename(old, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def exists(self, name: str) -> bool:
        """Whether anything has this name."""
        try:
            os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def sync(self) -> None:
        """Make the names durable. Raises OSError."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Release the lock and the directory. Idempotent."""
        for descriptor in (self._lock, self._descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self._lock = self._descriptor = -1

    def _acquire(self) -> None:
        with explained(f"cannot lock state directory {self.path}"):
            flags = os.O_RDWR | os.O_CREAT | _FLAGS
            self._lock = os.open(LOCK_NAME, flags, 0o600, dir_fd=self._descriptor)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _pid_in(self._lock)
                raise StoreError(f"state directory {self.path} is in use by {holder}") from None
            self._check(self.file_path(LOCK_NAME), os.fstat(self._lock))
            self._give_to_owner(self._lock)
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)

    def _check(self, path: Path, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{path} is not a regular file")
        if status.st_uid not in (os.geteuid(), self._owner[0]):
            raise StoreError(f"{path} belongs to user id {status.st_uid}, not to {os.geteuid()}")

    def _give_to_owner(self, descriptor: int) -> None:
        if os.geteuid() == 0 and self._owner[0] != 0:
            os.fchown(descriptor, *self._owner)


def read_file(descriptor: int) -> bytes:
    """All bytes of an open file. Raises OSError.

    Read, not mapped: a bad sector is then an error and not a signal that ends the process."""
    pieces, offset = [], 0
    while piece := os.pread(descriptor, _READ_BYTES, offset):
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def write_file(descriptor: int, data: bytes, offset: int) -> int:
    """Write all of `data` at `offset` and return the offset behind it. Raises OSError."""
    with memoryview(data) as view:
        done = 0
        while done < len(data):
            done += os.pwrite(descriptor, view[done:], offset + done)
    return offset + done


def _make(path: Path) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _pid_in(lock: int) -> str:
    text = os.pread(lock, 32, 0).strip()
    return f"pid {text.decode()}" if text.isdigit() else "another process"
