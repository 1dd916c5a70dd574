"""What the handlers need of the two kinds of mount: one whose session lives in this process and announces
what changes (`embedded.py`), and one whose session is far away and has to be asked (`remote/`).

Nothing of the first kind ever waits: its coroutines have no checkpoint, so each handler is atomic. Those of
the second have one in every call that goes to the server, and between two any other handler may run.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pyfuse3

from ninedoor.doors.fuse.inodes import Inode

Call = Callable[[Any], Awaitable[Any]]
"""A T-message in, its R-message out. Raises P9Error."""


class Names(Protocol):
    """The namespace as the mount sees it."""

    def known(self, number: int) -> Inode:
        """The inode the kernel means. Raises KeyError for one it was never told of, or has forgotten."""

    def inode(self, number: int) -> Inode:
        """The inode the kernel means, to find the way from it. Raises ESTALE when no name leads there."""

    async def lookup(self, parent: Inode, name: str) -> Inode:
        """The child `name`, with fresh attributes, not counted yet. Raises ENOENT and what the gate says."""

    async def refresh(self, inode: Inode) -> None:
        """Bring the attributes up to date. Raises ESTALE for a node that is gone."""

    def forget(self, number: int, lookups: int) -> None:
        """The kernel gives back `lookups` of the times it was told of inode `number`."""

    async def reach(self, inode: Inode) -> int:
        """A fid that stands for the node and is not open. Every one is given back to `leave`. Raises ESTALE
        when the node is gone."""

    def leave(self, inode: Inode, fid: int) -> None:
        """Give back what `reach` gave."""

    async def clone(self, inode: Inode) -> int:
        """A new fid for the node of `inode`, to be opened. Raises ESTALE when that is gone."""

    def clunk(self, fid: int) -> None:
        """Give up a fid. Never raises: after the session ended there is nothing left to give up."""

    def close(self) -> None:
        """Hear no more of changes, and tell the kernel of none. Idempotent."""


class Data(Protocol):
    """Bytes of open files. `read` and `write` are whole handlers: they raise FUSEError and nothing else.
    `may_be_cached`: the kernel may keep the content of a file that never changes."""

    may_be_cached: bool

    async def read(self, fh: int, off: int, size: int) -> bytes: ...

    async def write(self, fh: int, off: int, buf: bytes) -> int: ...

    def opened(self, inode: Inode, fid: int, flags: int, iounit: int) -> None:
        """`fid` was opened with Linux `flags`; one message carries `iounit` bytes of it."""

    def released(self, fid: int) -> None:
        """The file behind `fid` was closed."""


class Polls(Protocol):
    """Who sleeps on which open file."""

    async def events(self, inode: Inode, fid: int, handle: pyfuse3.PollHandle | None) -> int:
        """What is possible now. When that is not reading, and `handle` is given, it is notified after the
        next change. Raises ENOENT for a fid that is not open."""

    def release(self, fid: int) -> None:
        """The file behind `fid` was closed."""

    def close(self) -> None:
        """Wake nobody any more: a handle that outlives its mount leads nowhere. Idempotent."""


class Listings(Protocol):
    """Open directories."""

    async def open(self, inode: Inode) -> int:
        """The fid of the open directory. Raises what the gate says."""

    def close(self, fid: int) -> None:
        """The directory behind `fid` was closed."""

    async def reply(self, fid: int, start: int, token: pyfuse3.ReaddirToken) -> None:
        """Send as many entries behind position `start` as the kernel takes. Raises ESTALE when the directory
        is gone."""
