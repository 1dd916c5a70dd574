"""The node that refuses everything; kinds override the few verbs they support.

Which errno a verb gets when a node does not have it is decided here, once.
"""

import errno
import stat
from collections.abc import Callable, Sequence
from itertools import count

from ninedoor.errors import P9Error
from ninedoor.session.ports import Attr, Entry, Node, Opened, Path
from ninedoor.wire.types import QT_FILE, Qid

ROOT_NUMBER = 1

_numbers = count(ROOT_NUMBER + 1)


def next_number() -> int:
    """A qid path that no other node of this process has or had."""
    return next(_numbers)


def _ignore() -> None:
    return None


class BaseNode:
    """A file that cannot be opened. `number` is its qid path; `mtime` unix seconds."""

    def __init__(
        self, path: Path, *, permissions: int, mtime: float = 0.0, number: int | None = None
    ) -> None:
        self.path = path
        self.gone: str | None = None
        self.permissions = permissions
        self.mtime = mtime
        self.number = next_number() if number is None else number

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
