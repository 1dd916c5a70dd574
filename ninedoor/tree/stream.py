"""Append-only files over a `Ring`: logs, telemetry, ctl outcomes.

A file's offsets are the ring's absolute offsets, so `st_size` only grows and `tail -f` works however often
the ring has wrapped. What lies below the ring's base is gone; a reader meets that in one of two ways:
- one that starts at offset 0 (`cat`, `grep`, `cp`) is given the retained bytes from their first on, as if
  the file began there;
- one that seeks (`tail`, `less +F`) keeps exact positions, and reads line feeds where bytes are gone. So does
  one of the first kind once it asks for an offset past what it was shown.
A reader that falls behind while it streams goes on at the oldest byte retained.
"""

import errno
import stat
from collections.abc import Callable
from typing import Protocol

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Attr, Caller, Opened, Path, new_attr
from ninedoor.tree.node import BaseNode
from ninedoor.wire.types import QT_APPEND, Qid, new_qid


class Bytes(Protocol):
    """The ring behind a stream (`ninedoor.hive.ring.Ring`)."""

    base: int
    next: int
    mtime: float

    def read(self, offset: int, count: int) -> bytes: ...

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]: ...


Append = Callable[[int, bytes, Caller, float], int]
"""(offset, data, caller, now) → bytes taken."""


class Stream(BaseNode):
    """An append-only node. `append` is None where only the server writes."""

    def __init__(self, path: Path, ring: Bytes, append: Append | None, *, permissions: int = 0o644) -> None:
        super().__init__(path, permissions=permissions)
        self._ring = ring
        self._append = append

    @property
    def qid(self) -> Qid:
        return new_qid((QT_APPEND, self._ring.next & 0xFFFFFFFF or 1, self.number))

    def attr(self) -> Attr:
        ring = self._ring
        return new_attr((stat.S_IFREG | self.permissions, ring.next, ring.mtime, ring.base))

    def open(self, access: int, now: float) -> Opened:
        if access & WRITE and self._append is None:
            raise P9Error(errno.EPERM, "only the server appends here")
        return StreamHandle(self._ring, self._append, access & READ)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._ring.watch(wake)


class StreamHandle:
    """One open of a stream: its place when the ring moves under it."""

    def __init__(self, ring: Bytes, append: Append | None, reads: int) -> None:
        self._ring = ring
        self._append = append
        self._skew = 0
        self._end = 0 if reads else ring.next
        self._streams = False

    def read(self, offset: int, count: int, now: float) -> bytes:
        if not offset:
            self._streams = True
            self._skew = 0
        at = offset + self._skew
        if at < self._ring.base:
            return self._below(offset, at, count)
        if self._skew and offset <= self._ring.next < at:
            # Past the end of what it streams: it has asked for the size and means true offsets from now on.
            self._skew = 0
            return self._exactly(offset, count)
        data = self._ring.read(at, count)
        self._end = at + len(data)
        return data

    def _below(self, offset: int, at: int, count: int) -> bytes:
        if self._streams and at in (0, self._end):
            self._skew = self._ring.base - offset
            return self._exactly(self._ring.base, count)
        return self._exactly(at, count)

    def _exactly(self, at: int, count: int) -> bytes:
        """What absolute offset `at` holds: line feeds where bytes are gone."""
        base = self._ring.base
        if at >= base:
            data = self._ring.read(at, count)
            self._end = at + len(data)
            return data
        lost = min(base - at, count)
        data = b"\n" * lost + self._ring.read(base, count - lost)
        self._end = at + len(data)
        return data

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        if self._append is None:
            raise P9Error(errno.EPERM, "only the server appends here")
        return self._append(offset, data, caller, now)

    def pending(self) -> bool:
        return self._end < self._ring.next

    def close(self) -> None:
        return None
