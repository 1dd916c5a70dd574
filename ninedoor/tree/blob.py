"""Files that are written once, in pieces, and never change after that.

Until it is committed such a file is append-only to look at: its size is what has come of it, nobody may read
it, and what is written has its place (`ninedoor.session.ports.Rewritable`). From then on it is immutable: its
qid says so (version 0), and whoever caches it may do so for good. Writing says again what is there, or is
refused.
"""

import errno
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Caller, Opened, Path
from ninedoor.tree.node import BaseNode
from ninedoor.wire.types import QT_APPEND, QT_FILE, Qid, new_qid

Reader = Callable[[int, int, float], bytes]
"""(offset, count, now) → bytes; b"" behind the end."""


class Held(NamedTuple):
    """What there is of a file: whether all of it, and how many bytes."""

    committed: bool
    size: int


class Content(Protocol):
    """What a `BlobFile` shows."""

    def held(self) -> Held: ...

    def reader(self, now: float) -> Reader:
        """Called for a committed file. Raises P9Error."""

    def write(self, offset: int, data: bytes, now: float) -> int:
        """Returns the bytes taken. Raises P9Error."""

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each change until the returned function is called."""


class BlobFile(BaseNode):
    """One file. `writable` says that clients may write to it before it is committed."""

    def __init__(self, path: Path, content: Content, *, writable: bool = True, mtime: float = 0.0) -> None:
        super().__init__(path, permissions=0o644 if writable else 0o444, mtime=mtime)
        self._content = content
        self._writable = writable

    @property
    def qid(self) -> Qid:
        held = self._content.held()
        if held.committed:
            return new_qid((QT_FILE, 0, self.number))
        return new_qid((QT_APPEND, held.size + 1, self.number))

    def size(self) -> int:
        return self._content.held().size

    def cut(self, size: int) -> None:
        """See `ports.Rewritable`."""
        if not self._writable or size not in (0, self.size()):
            raise P9Error(errno.EPERM, f"{self.path[-1]} has {self.size()} bytes and cannot be cut to {size}")

    def open(self, access: int, now: float) -> Opened:
        if access & WRITE and not self._writable:
            raise P9Error(errno.EPERM, f"{self.path[-1]} is read-only")
        # What is not committed cannot be read, but opened: who copies in place looks at what there is.
        reader = self._content.reader(now) if access & READ and self._content.held().committed else None
        return BlobHandle(self._content, reader, self._uncommitted)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._content.watch(wake)

    def _uncommitted(self) -> P9Error:
        return P9Error(errno.ENOENT, f"{self.path[-1]} is not committed")


class BlobHandle:
    """One open. A file that is committed while it is open can be read from then on."""

    def __init__(self, content: Content, reader: Reader | None, uncommitted: Callable[[], P9Error]) -> None:
        self._content = content
        self._reader = reader
        self._uncommitted = uncommitted
        self._end = 0

    def read(self, offset: int, count: int, now: float) -> bytes:
        if self._reader is None:
            if not self._content.held().committed:
                raise self._uncommitted()
            self._reader = self._content.reader(now)
        data = self._reader(offset, count, now)
        self._end = offset + len(data)
        return data

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        return self._content.write(offset, data, now)

    def pending(self) -> bool:
        held = self._content.held()
        return held.committed and self._end < held.size

    def close(self) -> None:
        return None
