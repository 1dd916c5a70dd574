"""Which scope of a ticket answers for an access, and how often per second it may.

An access belongs to the longest scope that contains its path and whose verb covers it. Rates run in fixed
windows of one second that open with the first use; a scope's window is shared by everything it admits.
"""

from collections.abc import Sequence

from ninedoor.policy.tickets import Scope, Verb
from ninedoor.session.ports import Path

WINDOW_S = 1.0

_WHOLE_TREE = (Scope("/", Verb.READ_WRITE),)


class Window:
    """How much of a scope's rate is used up. `limit` is operations per second, 0 = no limit."""

    __slots__ = ("_opened", "_used", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._opened = 0.0
        self._used = 0

    def take(self, now: float) -> bool:
        """Use one operation; False when the window has none left."""
        if not self.limit:
            return True
        if not self._used or now - self._opened >= WINDOW_S:
            self._opened = now
            self._used = 0
        if self._used >= self.limit:
            return False
        self._used += 1
        return True


class Scopes:
    """The scopes of one ticket with their rates; a ticket without any may use the whole tree. A scope whose
    path is not canonical (see `split_path`; claims with one are refused at attach) admits nothing."""

    __slots__ = ("_longest_first", "_whole")

    def __init__(self, scopes: Sequence[Scope]) -> None:
        rows = [
            (root, int(verb), Window(rate))
            for path, verb, rate in scopes or _WHOLE_TREE
            if (root := split_path(path)) is not None
        ]
        self._longest_first = tuple(sorted(rows, key=lambda row: -len(row[0])))
        self._whole = any(not row[0] for row in rows)

    def admits_walk(self, path: Path) -> bool:
        """May `path` be reached: is it in a scope, or on the way to one? Any verb will do: what may be only
        written must be walked to as well."""
        if self._whole:
            return True
        roots = (row[0] for row in self._longest_first)
        return any(path[: len(root)] == root or root[: len(path)] == path for root in roots)

    def window(self, path: Path, access: int) -> Window | None:
        """The rate of the scope that answers for `access` (READ or WRITE) to `path`, None when none does."""
        for root, verb, window in self._longest_first:
            if verb & access == access and path[: len(root)] == root:
                return window
        return None


def split_path(text: str) -> Path | None:
    """The components of an absolute path in canonical spelling, None for any other text."""
    if text == "/":
        return ()
    root, *names = text.split("/")
    if root or not names or any(name in ("", ".", "..") or "\0" in name for name in names):
        return None
    return tuple(names)
