"""Read-only text: fixed, or rendered for each open so that one reader sees one consistent text."""

import errno
from collections.abc import Callable

from ninedoor.errors import P9Error
from ninedoor.session.ports import WRITE, Attr, Caller, Opened, Path
from ninedoor.tree.node import BaseNode
from ninedoor.wire.types import QT_FILE, Qid


class Snapshot:
    """An open read-only text."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._end = 0

    def read(self, offset: int, count: int, now: float) -> bytes:
        data = self._text[offset : offset + count]
        self._end = offset + len(data)
        return data

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        raise P9Error(errno.EPERM, "node is read-only")

    def pending(self) -> bool:
        return self._end < len(self._text)

    def close(self) -> None:
        return None


class _Text(BaseNode):
    def __init__(self, path: Path, *, mtime: float = 0.0) -> None:
        super().__init__(path, permissions=0o444, mtime=mtime)

    def text(self) -> bytes:
        raise AssertionError("each kind of text defines this")  # pragma: no cover

    def size(self) -> int:
        return len(self.text())

    def open(self, access: int, now: float) -> Opened:
        if access & WRITE:
            raise P9Error(errno.EPERM, "fid is not append-only")
        return Snapshot(self.text())


class StaticText(_Text):
    """Text that never changes while the daemon runs. Its qid version is 0, which says that any client may
    keep the content for as long as it likes."""

    def __init__(self, path: Path, text: bytes, *, mtime: float = 0.0) -> None:
        super().__init__(path, mtime=mtime)
        self._bytes = text
        self._attr = super().attr()
        self._qid = Qid(QT_FILE, 0, self.number)

    def settle(self, above: bytes) -> None:
        super().settle(above)
        self._qid = Qid(QT_FILE, 0, self.number)

    @property
    def qid(self) -> Qid:
        return self._qid

    def attr(self) -> Attr:
        return self._attr

    def text(self) -> bytes:
        return self._bytes


class RenderedText(_Text):
    """Text made afresh for every open and every stat. `render` must be quick; what it returns over
    `cap_bytes` is refused with EMSGSIZE rather than cut."""

    def __init__(
        self, path: Path, render: Callable[[], bytes], *, cap_bytes: int, mtime: float = 0.0
    ) -> None:
        super().__init__(path, mtime=mtime)
        self._render = render
        self._cap = cap_bytes

    def text(self) -> bytes:
        text = self._render()
        if len(text) > self._cap:
            raise P9Error(errno.EMSGSIZE, f"text of {len(text)} bytes over the cap of {self._cap}")
        return text
