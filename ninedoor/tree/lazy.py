"""A directory whose children are made when somebody looks: thousands of them cost nothing until then.

What is shown by a child is found in the state behind it, so two makings of one child are the same node to
every client: name and time of birth decide about its number, as for all nodes (`node.py`).
"""

from collections.abc import Callable, Iterable, Sequence

from ninedoor.session.ports import Entry, Node, Path
from ninedoor.tree.directory import Directory
from ninedoor.tree.node import identity_of, number_of
from ninedoor.wire.types import QT_DIR, new_qid


class LazyDirectory(Directory):
    """`names` gives (name, unix time of birth) of every child that would be made now, each a directory;
    `make` makes the one called so, None when there is none. Children that were added are there as well."""

    def __init__(
        self,
        path: Path,
        names: Callable[[], Iterable[tuple[str, float]]],
        make: Callable[[str], Directory | None],
        *,
        mtime: float,
        removed: Callable[[int, str], None],
    ) -> None:
        super().__init__(path, mtime=mtime, removed=removed)
        self._names = names
        self._make = make
        self._left = removed

    def walk(self, name: str) -> Node:
        made = None if self.has(name) else self._make(name)
        if made is None:
            return super().walk(name)
        made.settle(self.identity)
        return made

    def entries(self) -> Sequence[Entry]:
        if self._entries is None:
            made = [
                Entry(name, new_qid((QT_DIR, 1, number_of(identity_of(self.identity, name, born)))))
                for name, born in self._names()
            ]
            fixed = [Entry(name, child.qid) for name, child in self._children.items()]
            self._entries = tuple(sorted(made + fixed, key=lambda entry: entry.name.encode()))
        return self._entries

    def arrived(self, now: float) -> None:
        """`names` has one more."""
        self._changed(now)

    def went(self, name: str, now: float) -> None:
        """`names` has one less. Who has it open goes on."""
        self._changed(now)
        self._left(self.number, name)
