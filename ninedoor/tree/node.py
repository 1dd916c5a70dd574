"""The node that refuses everything; kinds override the few verbs they support.

Which errno a verb gets when a node does not have it is decided here, once. So is what makes two nodes the
same one to a client: the hive they belong to, their path, and, for nodes that come and go, when they were
made. That is what the number in a qid is made of, so it survives a restart of the daemon with the same state,
and a node of another hive, or a later one under the same name, has another.
"""

import errno
import stat
from collections.abc import Callable, Sequence
from hashlib import blake2b

from ninedoor.errors import P9Error
from ninedoor.session.ports import Attr, Entry, Gather, Node, Opened, Path
from ninedoor.wire.types import QT_FILE, Qid

ROOT_NUMBER = 1

NUMBER_BITS = 47
"""Numbers stay below the bits that a session's binds use (`ninedoor.session.view`). That two of 30,000 nodes
have the same number has a chance of 1 in 300,000."""


def identity_of(above: bytes, name: str, born: float) -> bytes:
    """The identity of the child `name` of the directory with the identity `above`; see `BaseNode`."""
    return blake2b(f"{name}/{born!r}".encode(), key=above, digest_size=16).digest()


def number_of(identity: bytes) -> int:
    """The qid path of the node with this identity; neither 0 nor ROOT_NUMBER."""
    digits = int.from_bytes(identity[:8], "little")
    return ROOT_NUMBER + 1 + digits % ((1 << NUMBER_BITS) - ROOT_NUMBER - 1)


def _ignore() -> None:
    return None


class BaseNode:
    """A file that cannot be opened. `mtime` is unix seconds. `born` is the unix time at which a node was made
    that comes and goes while the hive lives, 0 for the others. `number` is the qid path once the node is in a
    tree."""

    def __init__(self, path: Path, *, permissions: int, mtime: float = 0.0, born: float = 0.0) -> None:
        self.path = path
        self.gone: str | None = None
        self.gather: Gather | None = None
        self.permissions = permissions
        self.mtime = mtime
        self.identity = b""
        self.same_as: BaseNode | None = None
        """The node that this one is a second name of; it is in the tree already."""
        self.number = 0
        self._born = born

    def settle(self, above: bytes) -> None:
        """The node is in the tree now, in the directory with the identity `above`."""
        if self.same_as is not None:
            self.identity, self.number = self.same_as.identity, self.same_as.number
            return
        self.identity = identity_of(above, self.path[-1], self._born)
        self.number = number_of(self.identity)

    @property
    def qid(self) -> Qid:
        return Qid(QT_FILE, 1, self.number)

    def size(self) -> int:
        """Bytes a reader would find, for stat(2)."""
        return 0

    def attr(self) -> Attr:
        return Attr(stat.S_IFREG | self.permissions, self.size(), self.mtime)

    def walk(self, name: str) -> Node:
        raise P9Error(errno.ENOTDIR, f"{self.path[-1]} is not a directory")

    def entries(self) -> Sequence[Entry]:
        raise P9Error(errno.ENOTDIR, f"{self.path[-1]} is not a directory")

    def open(self, access: int, now: float) -> Opened:
        raise P9Error(errno.EPERM, "node cannot be opened")

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Content that never changes by itself wakes nobody."""
        return _ignore

    def vanish(self, reason: str) -> None:
        """The node is no more: handles on it answer ESTALE with `reason`."""
        self.gone = reason
