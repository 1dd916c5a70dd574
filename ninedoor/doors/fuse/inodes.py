"""What the kernel remembers of the namespace, for as long as it remembers it.

An inode stands for one node of the tree: its number is the node's qid path. The kernel counts how often it
was told of an inode and gives the counts back with FORGET; at none left the inode goes, and the fid it
keeps, if any, with it. A directory knows its children by name, so that a name that vanishes leads to the
inode behind it and to everything below.

Exceptions to "number is qid path": the root is always inode 1, and a directory that is reached under two
names gets a number of its own for each, because the kernel allows a directory only one place.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING

import pyfuse3

from ninedoor.doors.fuse.attrs import is_directory, is_steady, new_entry
from ninedoor.limits import NOFID
from ninedoor.session.view import SALT_SHIFT
from ninedoor.wire.types import Qid

if TYPE_CHECKING:
    from ninedoor.doors.fuse.listings import Listing

_ALIASES = 1 << 63
"""First inode number for further places of a directory; qid paths stay below."""

_NODE = (1 << SALT_SHIFT) - 1
"""The part of a qid path that names the node, whatever bind it is seen through."""


class Inode:
    """One node as the kernel sees it.

    parent, name: where it was found first.
    fid: walks from here, for as long as the inode is known; NOFID where none is kept.
    is_known: neither the kernel nor a listing has forgotten it.
    lookups: how often the kernel was told of it.
    entry: the attributes last sent; true right now while `fresh`, which a forgotten inode never is.
    version: that of the qid when the attributes were last asked for.
    displaced: the name that led here no longer does. Everything but what is open answers ESTALE, upon which
        the kernel looks the name up again.
    listing: a directory's content, see `listings.py`.
    """

    __slots__ = (
        "children",
        "displaced",
        "entry",
        "fid",
        "fresh",
        "is_known",
        "listing",
        "lookups",
        "name",
        "number",
        "parent",
        "qid",
        "steady",
        "unwatch",
        "version",
    )

    def __init__(
        self, number: int, qid: Qid, fid: int, parent: "Inode | None", name: str, *, announced: bool
    ) -> None:
        self.number = number
        self.qid = qid
        self.steady = announced and is_steady(qid)
        self.fid = fid
        self.is_known = True
        self.parent = parent or self
        self.name = name
        self.lookups = 0
        self.entry = new_entry(number, qid, announced=announced)
        self.fresh = False
        self.version = qid.version
        self.displaced = False
        self.children: dict[str, Inode] = {}
        self.listing: Listing | None = None
        self.unwatch: Callable[[], None] | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The names that lead here from the root."""
        names: list[str] = []
        inode = self
        while inode.parent is not inode:
            names.append(inode.name)
            inode = inode.parent
        return tuple(reversed(names))

    def stop_watching(self) -> None:
        """Hear no more of the node's changes. Idempotent."""
        if self.unwatch is not None:
            self.unwatch()
            self.unwatch = None

    def below(self) -> "Iterator[Inode]":
        """This inode and all known ones under it."""
        waiting = [self]
        while waiting:
            inode = waiting.pop()
            yield inode
            waiting.extend(inode.children.values())


class InodeTable:
    """Inodes by number. The root is there from the start and stays. `announced`: changes are announced, so
    that the kernel may keep what it is told (`attrs.py`)."""

    def __init__(self, root: Qid, fid: int = NOFID, *, announced: bool = True) -> None:
        self._root_path = root.path
        self._announced = announced
        self._aliases = count(_ALIASES)
        self.root = Inode(pyfuse3.ROOT_INODE, root, fid, None, "", announced=announced)
        self._inodes: dict[int, Inode] = {self.root.number: self.root}
        self._places: dict[int, list[Inode]] = {root.path & _NODE: [self.root]}

    def __iter__(self) -> Iterator[Inode]:
        return iter(self._inodes.values())

    def get(self, number: int) -> Inode:
        """Raises KeyError for a number that the kernel was never told, or has forgotten: a bug of either."""
        return self._inodes[number]

    def known(self, parent: Inode, name: str, qid: Qid) -> Inode | None:
        """The inode that stands for `qid` under this name, or, for a file, under any; None when there is none
        yet."""
        child = parent.children.get(name)
        if child is not None and child.is_known and child.qid.path == qid.path:
            return child
        if is_directory(qid):
            return None
        other = self._inodes.get(self._number(qid))
        if other is not None:
            parent.children[name] = other
        return other

    def found(self, parent: Inode, name: str, qid: Qid) -> Inode | None:
        """The inode that stands for `qid` in this very place, None when there is none yet."""
        for inode in (parent.children.get(name), self._inodes.get(self._number(qid))):
            if inode is None or not inode.is_known or inode.qid.path != qid.path:
                continue
            if inode.parent.number == parent.number and inode.name == name:
                inode.parent = parent  # which may have been forgotten meanwhile, and be known anew
                parent.children[name] = inode
                return inode
        return None

    def adopt(self, parent: Inode, name: str, qid: Qid, fid: int = NOFID) -> Inode:
        """A new inode for `qid`, which `fid` walks from. Precondition: it is not `known` or, where every
        place counts, not `found`."""
        number = self._number(qid)
        if number in self._inodes:
            number = next(self._aliases)
        inode = Inode(number, qid, fid, parent, name, announced=self._announced)
        self._inodes[number] = inode
        parent.children[name] = inode
        if is_directory(qid):
            self._places.setdefault(qid.path & _NODE, []).append(inode)
        return inode

    def drop(self, inode: Inode) -> list[int]:
        """Forget `inode`, which is not the root, and the children that only its listing kept; returns the
        fids that are free now."""
        dropped = [inode] + [child for child in inode.children.values() if child.lookups == 0]
        return [fid for fid in map(self._remove, dropped) if fid != NOFID]

    def places(self, directory: int) -> list[Inode]:
        """The inodes of the directory with this qid path, in whatever bind it is seen through."""
        return list(self._places.get(directory & _NODE, ()))

    def _remove(self, inode: Inode) -> int:
        fid = inode.fid
        if not inode.is_known:
            return NOFID
        inode.fid = NOFID
        inode.is_known = inode.fresh = False
        inode.stop_watching()
        del self._inodes[inode.number]
        if inode.parent.children.get(inode.name) is inode:
            del inode.parent.children[inode.name]
        if is_directory(inode.qid):
            places = self._places[inode.qid.path & _NODE]
            places.remove(inode)
            if not places:
                del self._places[inode.qid.path & _NODE]
        return fid

    def _number(self, qid: Qid) -> int:
        """Qid path to inode number; the root's path and ROOT_INODE change places, so that no two collide."""
        if qid.path == self._root_path:
            return pyfuse3.ROOT_INODE
        return self._root_path if qid.path == pyfuse3.ROOT_INODE else qid.path
