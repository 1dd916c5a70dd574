"""The tree that all sessions share: a root directory and the people who want to hear what leaves it."""

from collections.abc import Callable

from ninedoor.session.ports import Path
from ninedoor.tree.directory import Directory
from ninedoor.tree.node import BaseNode


class Namespace:
    """Satisfies `ninedoor.session.ports.Tree`. `hive` tells one hive from another: the numbers of the nodes
    are made from it."""

    def __init__(self, now: float, hive: int = 0) -> None:
        self._observers: list[Callable[[int, str], None]] = []
        self._now = now
        self.root = Directory((), mtime=now, removed=self.left)
        self.root.settle_as_root(hive.to_bytes(8, "little"))

    def observe(self, vanished: Callable[[int, str], None]) -> Callable[[], None]:
        """See `ports.Tree.observe`."""
        self._observers.append(vanished)
        return lambda: self._observers.remove(vanished)

    def directory(self, path: Path) -> Directory:
        """The directory at `path`, made with its parents where missing."""
        here = self.root
        for depth, name in enumerate(path, 1):
            here = self._child(here, path[:depth], name)
        return here

    def add(self, node: BaseNode) -> None:
        """Put `node` at its path, its directory made where missing."""
        self.directory(node.path[:-1]).add(node, self._now)

    def _child(self, parent: Directory, path: Path, name: str) -> Directory:
        if not parent.has(name):
            parent.add(Directory(path, mtime=self._now, removed=self.left), self._now)
        child = parent.walk(name)
        assert isinstance(child, Directory)
        return child

    def left(self, directory: int, name: str) -> None:
        """`name` has left the directory with this qid path: observers hear of it. For nodes that are built
        elsewhere."""
        for vanished in tuple(self._observers):
            vanished(directory, name)
