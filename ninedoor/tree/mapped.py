"""Directories whose children are made when they are asked for, not kept.

Any name of the right form leads to a child, be there anything behind it or not, while a listing shows only
what there is. So who looks for something that could come is never told that it cannot, and asking makes
nothing.
"""

import errno
import stat
from collections.abc import Callable, Iterable, Sequence

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, Attr, Entry, Node, Opened, Path
from ninedoor.tree.node import BaseNode
from ninedoor.wire.types import QT_DIR, Qid, new_qid

Make = Callable[[Path, str], BaseNode | None]
"""(path of the child, its name) → the child, None where no child can have that name."""


class MappedDirectory(BaseNode):
    """`make` makes children; `names` are those to be listed, in any order; `version` counts their changes,
    which `watch_names` tells of."""

    def __init__(
        self,
        path: Path,
        make: Make,
        names: Callable[[], Iterable[str]],
        version: Callable[[], int],
        watch_names: Callable[[Callable[[], None]], Callable[[], None]],
        *,
        mtime: float = 0.0,
    ) -> None:
        super().__init__(path, permissions=0o555, mtime=mtime)
        self._make = make
        self._names = names
        self._version = version
        self._watch_names = watch_names

    @property
    def qid(self) -> Qid:
        return new_qid((QT_DIR, self._version() & 0xFFFFFFFF or 1, self.number))

    def attr(self) -> Attr:
        return Attr(stat.S_IFDIR | self.permissions, 0, self.mtime)

    def walk(self, name: str) -> Node:
        child = self._child(name)
        if child is None:
            raise P9Error(errno.ENOENT, f"{name} not found")
        return child

    def entries(self) -> Sequence[Entry]:
        listed = []
        for name in sorted(self._names()):
            child = self._child(name)
            if child is not None:
                listed.append(Entry(name, child.qid))
        return listed

    def open(self, access: int, now: float) -> Opened:
        if access & READ:
            raise P9Error(errno.EISDIR, "is a directory: read it with Treaddir")
        raise P9Error(errno.EISDIR, "cannot write directories")

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Children that come and go wake."""
        return self._watch_names(wake)

    def _child(self, name: str) -> BaseNode | None:
        child = self._make((*self.path, name), name)
        if child is not None:
            child.settle(self.identity)
        return child
