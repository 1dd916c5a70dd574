"""What one session has bound: the namespace as its owner arranged it.

The table maps a target path to the canonical path that serves it. Lookup takes the longest target that is a
component-wise prefix and substitutes once; what is served is never looked up again, so binds do not chain.
A target whose parents do not exist is still reachable: the missing parents appear as empty directories.
"""

import errno
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from zlib import crc32

from ninedoor.errors import P9Error
from ninedoor.session.ports import Attr, Entry, Gather, Node, Opened, Path, Tree
from ninedoor.wire.types import QT_DIR, Qid

SALT_SHIFT = 48
"""Nodes seen through bind number n carry n in the top 16 bits of their qid path, so that no client takes the
two names of a directory for one place."""

SALT_MAX = 0xFFFF

BINDS_MAX = 256
"""Binds of one session; the original allows 8."""


@dataclass(frozen=True, slots=True)
class Bound:
    source: Path
    salt: int


class Waypoint:
    """A directory that exists only because a bind lies below it. `path` is where it would be in the shared
    tree, `seen_as` where the session has it."""

    def __init__(self, path: Path, seen_as: Path) -> None:
        self.path = path
        self.gone: str | None = None
        self.gather: Gather | None = None
        self._number = 1 << (SALT_SHIFT - 1) | crc32("/".join(seen_as).encode())

    @property
    def qid(self) -> Qid:
        return Qid(QT_DIR, 1, self._number)

    def attr(self) -> Attr:
        return Attr(stat.S_IFDIR | 0o555, 0, 0.0)

    def walk(self, name: str) -> Node:
        raise P9Error(errno.ENOENT, f"{name} not found")

    def entries(self) -> Sequence[Entry]:
        return ()

    def open(self, access: int, now: float) -> Opened:
        raise P9Error(errno.EISDIR, "is a directory")

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


class Place(NamedTuple):
    """A node as a session reached it: under which path, and through which bind (0 for none)."""

    node: Node
    path: Path
    salt: int

    @property
    def qid(self) -> Qid:
        return salted(self.node.qid, self.salt) if self.salt else self.node.qid


_place: Callable[[tuple[Node, Path, int]], Place] = partial(tuple.__new__, Place)
"""Place(...) in half the time: every name of a walk makes one."""


class View:
    """One session's namespace: the shared tree and the session's own binds over it."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._table: dict[Path, Bound] = {}
        self._serial = 0

    def root(self) -> Place:
        return Place(self._tree.root, (), 0)

    def canonical(self, place: Place, names: Path) -> Path:
        """The path, binds resolved, of what `names` below `place` lead to: what the gate is asked about."""
        served = place.node.path
        if not self._table:
            return served + names
        path = place.path
        for name in names:
            path = (*path, name)
            bound = self._table.get(path)
            served = (*served, name) if bound is None else bound.source
        return served

    def descend(self, place: Place, names: Path, *, whole: bool) -> tuple[Place, list[Qid]]:
        """As far as `names` lead from `place`: where, and the qids on the way. A first name that leads
        nowhere raises ENOENT or ENOTDIR; a later one does so only where the walk must be `whole`."""
        qids: list[Qid] = []
        for name in names:
            try:
                place = self._step(place, name)
            except P9Error:
                if whole or not qids:
                    raise
                break
            qids.append(place.qid)
        return place, qids

    def entries(self, place: Place) -> dict[str, Qid]:
        """Children of a directory as this session sees them, sorted bytewise."""
        listed = place.node.entries()
        entries = {name: salted(qid, place.salt) for name, qid in listed} if place.salt else dict(listed)
        if not self._table:
            return entries
        for name in self._names_below(place.path):
            try:
                entries[name] = self._step(place, name).qid
            except P9Error:
                entries.pop(name, None)  # what was bound here has vanished
        return dict(sorted(entries.items(), key=lambda entry: entry[0].encode()))

    def bind(self, source: Path, target: Path) -> tuple[Place, Callable[[], None]]:
        """Serve `target` from the canonical `source`; replaces what was bound there. Returns the directory in
        which a name changed its meaning, and what takes the bind back. Raises ENOENT when `source` does not
        exist, EINVAL for the root as target, ENOTDIR for a target below a file, ENOSPC past `BINDS_MAX`;
        then nothing is bound."""
        if not target:
            raise P9Error(errno.EINVAL, "bind target must not be root")
        if len(self._table) >= BINDS_MAX and target not in self._table:
            raise P9Error(errno.ENOSPC, f"session holds {BINDS_MAX} binds already")
        self._resolve(source)
        before = self._table

        def undo() -> None:
            self._table = before

        self._table = {**before, target: Bound(source, self._next_salt())}
        try:
            directory, _qids = self.descend(self.root(), target[:-1], whole=True)
            if not directory.qid.type & QT_DIR:
                raise P9Error(errno.ENOTDIR, f"{target[-2]} is not a directory")
        except P9Error:
            undo()
            raise
        return directory, undo

    def _next_salt(self) -> int:
        taken = {bound.salt for bound in self._table.values()}
        while True:
            self._serial = self._serial % SALT_MAX + 1
            if self._serial not in taken:
                return self._serial

    def _step(self, place: Place, name: str) -> Place:
        path = (*place.path, name)
        bound = self._table.get(path) if self._table else None
        if bound is not None:
            return _place((self._resolve(bound.source), path, bound.salt))
        try:
            return _place((place.node.walk(name), path, place.salt))
        except P9Error as missing:
            if missing.ecode == errno.ENOENT and self._table and self._leads_on(path):
                return Place(Waypoint((*place.node.path, name), path), path, place.salt)
            raise

    def _resolve(self, path: Path) -> Node:
        """The node at a canonical path: binds do not chain."""
        node: Node = self._tree.root
        for name in path:
            node = node.walk(name)
        return node

    def _leads_on(self, path: Path) -> bool:
        """Does a bind target lie strictly below `path`?"""
        return any(len(target) > len(path) and target[: len(path)] == path for target in self._table)

    def _names_below(self, path: Path) -> set[str]:
        """Names that binds add to a listing of `path`."""
        depth = len(path)
        return {target[depth] for target in self._table if len(target) > depth and target[:depth] == path}


def salted(qid: Qid, salt: int) -> Qid:
    """`qid` as seen through bind number `salt`."""
    return Qid(qid.type, qid.version, qid.path | salt << SALT_SHIFT) if salt else qid
