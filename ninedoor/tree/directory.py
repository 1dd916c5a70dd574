"""Directories. The qid version counts changes of the children: a client may keep a listing until then."""

import errno
import stat
from collections.abc import Callable, Sequence
from functools import partial

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, Attr, Entry, Node, Opened, Path
from ninedoor.tree.node import ROOT_NUMBER, BaseNode
from ninedoor.wire.types import QT_DIR, Qid, new_qid

_entry: Callable[[tuple[str, Qid]], Entry] = partial(tuple.__new__, Entry)
"""Entry(...) in half the time: a listing of 10,000 workers makes as many."""


class Directory(BaseNode):
    """Children by name. `removed` is told (qid path, name) of each child that leaves."""

    def __init__(
        self,
        path: Path,
        *,
        mtime: float = 0.0,
        born: float = 0.0,
        removed: Callable[[int, str], None] | None = None,
    ) -> None:
        super().__init__(path, permissions=0o555, mtime=mtime, born=born)
        self._children: dict[str, BaseNode] = {}
        self._removed = removed
        self._version = 1
        self._watchers: list[Callable[[], None]] = []
        self._entries: tuple[Entry, ...] | None = None

    @property
    def qid(self) -> Qid:
        return new_qid((QT_DIR, self._version, self.number))

    def attr(self) -> Attr:
        return Attr(stat.S_IFDIR | self.permissions, 0, self.mtime)

    def walk(self, name: str) -> Node:
        child = self._children.get(name)
        if child is None:
            raise P9Error(errno.ENOENT, f"{name} not found")
        return child

    def has(self, name: str) -> bool:
        """Is there a child called `name`?"""
        return name in self._children

    def entries(self) -> Sequence[Entry]:
        if self._entries is None:
            # Strings sort by code point, which is the order of their bytes in UTF-8.
            children = self._children
            self._entries = tuple([_entry((name, children[name].qid)) for name in sorted(children)])
        return self._entries

    def open(self, access: int, now: float) -> Opened:
        if access & READ:
            raise P9Error(errno.EISDIR, "is a directory: read it with Treaddir")
        raise P9Error(errno.EISDIR, "cannot write directories")

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Children that come and go wake."""
        self._watchers.append(wake)
        return lambda: self._watchers.remove(wake)

    def settle(self, above: bytes) -> None:
        super().settle(above)
        self._settle_children()

    def settle_as_root(self, hive: bytes) -> None:
        """This is the root of the tree of `hive`, whose identity is not empty."""
        self.identity = hive
        self.number = ROOT_NUMBER
        self._settle_children()

    def _settle_children(self) -> None:
        self._entries = None
        for child in self._children.values():
            child.settle(self.identity)

    def add(self, child: BaseNode, now: float = 0.0) -> None:
        """Put `child` under the last component of its path. Precondition: the name is free."""
        self._children[child.path[-1]] = child
        if isinstance(child, Directory) and child._removed is None:
            child._removed = self._removed  # what leaves it leaves the same tree
        if self.identity:
            child.settle(self.identity)
        self._changed(now)

    def remove(self, name: str, reason: str, now: float) -> None:
        """Take `name` and everything below it out of the tree; open handles there answer ESTALE."""
        self._children.pop(name).vanish(reason)
        self._changed(now)
        if self._removed is not None:
            self._removed(self.number, name)

    def vanish(self, reason: str) -> None:
        super().vanish(reason)
        for child in self._children.values():
            child.vanish(reason)

    def _changed(self, now: float) -> None:
        self._version = (self._version + 1) & 0xFFFFFFFF or 1
        self._entries = None
        self.mtime = max(self.mtime, now)
        for wake in tuple(self._watchers):
            wake()
