"""Append-only files over a `Ring`: logs, telemetry, ctl outcomes.

A file's offsets are the ring's absolute offsets, so `st_size` only grows and `tail -f` works however often
the ring has wrapped. What lies below the ring's base is gone; a reader meets that in one of two ways:
- one that starts at offset 0 (`cat`, `grep`, `cp`) is given the retained bytes from their first on, as if
  the file began there;
- one that seeks (`tail`, `less +F`) keeps exact positions, and reads line feeds where bytes are gone. So does
  one of the first kind once it asks for an offset past what it was shown.
A reader of either kind that is overtaken, so that bytes it was about to read are gone, is told: a marker
(`ninedoor.telemetry.gaps`) stands where they were. One that streams goes on behind it at the oldest byte
retained; for one that seeks it takes the place of as many of the line feeds. A reader that had better fail
opens with O_DIRECT (`ninedoor.tree.exact`).
"""

import errno
import stat
from collections.abc import Callable
from typing import Protocol

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Attr, Caller, Opened, Path, new_attr
from ninedoor.telemetry.cursors import CursorLog
from ninedoor.telemetry.gaps import Gap, marker
from ninedoor.tree.exact import ExactHandle
from ninedoor.tree.node import BaseNode
from ninedoor.wire.types import QT_APPEND, Qid, new_qid


class Bytes(Protocol):
    """The ring behind a stream (`ninedoor.hive.ring.Ring`)."""

    base: int
    next: int
    capacity: int
    mtime: float

    def read(self, offset: int, count: int) -> bytes: ...

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]: ...


Append = Callable[[int, bytes, Caller, float], int]
"""(offset, data, caller, now) → bytes taken."""


class Stream(BaseNode):
    """An append-only node. `append` is None where only the server writes. `cursors` hears of readers that
    were overtaken, or stand where a strict reader must not."""

    def __init__(
        self,
        path: Path,
        ring: Bytes,
        append: Append | None,
        *,
        permissions: int = 0o644,
        cursors: CursorLog | None = None,
        born: float = 0.0,
    ) -> None:
        super().__init__(path, permissions=permissions, born=born)
        self._ring = ring
        self._append = append
        self._cursors = cursors

    @property
    def qid(self) -> Qid:
        return new_qid((QT_APPEND, self._ring.next & 0xFFFFFFFF or 1, self.number))

    def attr(self) -> Attr:
        ring = self._ring
        return new_attr((stat.S_IFREG | self.permissions, ring.next, ring.mtime, ring.base))

    def open(self, access: int, now: float) -> Opened:
        if access & WRITE and self._append is None:
            raise P9Error(errno.EPERM, "only the server appends here")
        return StreamHandle(self._ring, self._append, access & READ, self._cursors)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._ring.watch(wake)


class StreamHandle:
    """One open of a stream: its place when the ring moves under it."""

    __slots__ = (
        "_append", "_blind", "_cursors", "_end", "_note", "_note_at", "_note_end", "_ring", "_skew",
        "_streams", "_waits",
    )  # fmt: skip

    def __init__(self, ring: Bytes, append: Append | None, reads: int, cursors: CursorLog | None) -> None:
        self._ring = ring
        self._append = append
        self._cursors = cursors
        self._skew = 0
        self._end = 0 if reads else ring.next
        self._streams = False
        self._waits = False
        """It has asked at offset 0, and nothing had ever been appended."""
        self._blind = -1
        """Where the last read ended that met nothing but what was gone by then: nobody is overtaken there."""
        self._note = b""
        self._note_at = self._note_end = 0
        """What stands at `_note_at`, and goes on as line feeds to `_note_end`: an offset as the reader counts
        for one that streams, of the ring for one that seeks."""

    def exact(self) -> Opened:
        """The same open for a reader that wants what the original gives it."""
        return ExactHandle(self._ring, self, self._cursors)

    def read(self, offset: int, count: int, now: float) -> bytes:
        if not offset:
            if self._waits and self._ring.base:
                return self._overtaken(0, 0, count, now)
            self._streams = True
            self._skew = 0
            self._note_end = 0
            self._waits = not self._ring.next
        at = offset + self._skew
        if at < self._ring.base:
            return self._below(offset, at, count, now)
        if self._skew and offset <= self._ring.next < at:
            # Past the end of what it streams: it has asked for the size and means true offsets from now on.
            self._skew = 0
            self._note_end = 0
            return self._exactly(offset, count, now)
        data = self._ring.read(at, count)
        self._end = at + len(data)
        return data

    def _below(self, offset: int, at: int, count: int, now: float) -> bytes:
        if self._streams:
            if self._note_at <= offset < self._note_end:
                return self._noted(offset, count, self._note_end + self._skew)
            if not offset:
                self._skew = self._ring.base
                return self._exactly(self._ring.base, count, now)
            if at == self._end:
                return self._overtaken(offset, at, count, now)
        return self._exactly(at, count, now)

    def _overtaken(self, offset: int, at: int, count: int, now: float) -> bytes:
        """A reader that streams, and counts `offset`, wanted `at`: it gets the marker, and the oldest byte
        behind it. What it counts never runs ahead of the file's own offsets, or tail(1) would find the file
        cut: where less is gone than a marker takes, line feeds tell of it."""
        base = self._ring.base
        self._tell(at, now)
        self._waits = False
        self._streams = True
        self._note = self._marked(at, base) or b"\n" * (base - at)
        self._note_at, self._note_end = offset, offset + len(self._note)
        self._skew = base - self._note_end
        return self._noted(offset, count, base)

    def _noted(self, at: int, count: int, behind: int) -> bytes:
        """The marker from `at` on, the line feeds that fill the gap behind it, and what follows at absolute
        offset `behind` if it is still there."""
        part = self._note[at - self._note_at :][:count]
        part += b"\n" * (min(count, self._note_end - at) - len(part))
        self._end = behind
        if at + len(part) == self._note_end and behind == self._ring.base:
            rest = self._ring.read(behind, count - len(part))
            self._end += len(rest)
            return part + rest
        return part

    def _exactly(self, at: int, count: int, now: float) -> bytes:
        """What absolute offset `at` holds: a marker where the reader stood when it was overtaken, line feeds
        where else bytes are gone."""
        base = self._ring.base
        if at >= base:
            data = self._ring.read(at, count)
            self._end = at + len(data)
            return data
        if not self._streams:
            if at == self._end != self._blind:
                self._tell(at, now)
                self._note = self._marked(at, base)
                self._note_at, self._note_end = at, base
            if self._note_at <= at < self._note_end:
                data = self._noted(at, count, self._note_end)
                if at + len(data) < self._note_end:
                    self._end = self._blind = at + len(data)
                return data
        lost = min(base - at, count)
        data = b"\n" * lost + self._ring.read(base, count - lost)
        self._end = at + len(data)
        if self._end < base:
            self._blind = self._end
        return data

    @staticmethod
    def _marked(at: int, base: int) -> bytes:
        """The marker for the bytes from `at` to `base`; b"" where they have no room for it."""
        note = marker(Gap(base - at, base))
        return note if len(note) <= base - at else b""

    def _tell(self, at: int, now: float) -> None:
        if self._cursors is not None:
            self._cursors.overtaken(at, self._ring.base, now)

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        if self._append is None:
            raise P9Error(errno.EPERM, "only the server appends here")
        return self._append(offset, data, caller, now)

    def pending(self) -> bool:
        return self._end < self._ring.next

    def close(self) -> None:
        return None
