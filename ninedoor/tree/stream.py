"""Append-only files over a `Ring`: logs, telemetry, ctl outcomes.

A file's offsets are the ring's absolute offsets, so `st_size` only grows and `tail -f` works however often
the ring has wrapped. What lies below the ring's base is gone:
- who starts at offset 0 (`cat`, `grep`, `cp`) is given the retained bytes from their first on, as if the file
  began there;
- who asks for another offset (`tail`, `less +F`) gets what is there, and line feeds where bytes are gone;
- who reads on where its last read ended, and is overtaken, so that bytes it was about to read are gone, is
  told: a marker (`ninedoor.telemetry.gaps`) stands there, and the oldest byte retained comes behind it.
What a reader counts lags behind the file's offsets then. That holds as long as it reads on; one that asks for
another offset means the file's. A reader that had better fail opens with O_DIRECT (`ninedoor.tree.exact`).
"""

import errno
import stat
from collections.abc import Callable
from typing import Protocol

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Attr, Caller, Gather, Opened, Path, new_attr
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
    """An append-only node. `append` is None where only the server writes; `gather` does the same for several
    writes, where there is such a thing. `cursors` hears of readers that
    were overtaken, or stand where a strict reader must not."""

    def __init__(
        self,
        path: Path,
        ring: Bytes,
        append: Append | None,
        *,
        permissions: int = 0o644,
        gather: Gather | None = None,
        cursors: CursorLog | None = None,
        born: float = 0.0,
    ) -> None:
        super().__init__(path, permissions=permissions, born=born)
        self.gather = gather
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
        "_append", "_blind", "_cursors", "_end", "_from_start", "_note", "_note_at", "_note_end", "_ring",
        "_skew", "_waits",
    )  # fmt: skip

    def __init__(self, ring: Bytes, append: Append | None, reads: int, cursors: CursorLog | None) -> None:
        self._ring = ring
        self._append = append
        self._cursors = cursors
        self._skew = 0
        """How far what the reader counts lags behind the ring's offsets."""
        self._end = 0 if reads else ring.next
        """Where the last read ended, as an offset of the ring."""
        self._from_start = False
        """It began at offset 0, and counts from there whatever it asks for."""
        self._waits = False
        """It has asked at offset 0, and nothing had ever been appended."""
        self._blind = -1
        """Where the last read ended that met nothing but what was gone by then: nobody is overtaken there."""
        self._note = b""
        self._note_at = self._note_end = 0
        """Where the reader finds the marker `_note`, by its own count."""

    def exact(self) -> Opened:
        """The same open for a reader that wants what the original gives it."""
        return ExactHandle(self._ring, self, self._cursors)

    def read(self, offset: int, count: int, now: float) -> bytes:
        if not offset:
            if self._waits and self._ring.base:
                return self._overtaken(0, 0, count, now)
            self._begin(from_start=True)
            self._waits = not self._ring.next
        at = offset + self._skew
        if self._skew and self._means_the_file(offset, at):
            self._begin(from_start=False)
            at = offset
        if at < self._ring.base:
            return self._below(offset, at, count, now)
        data = self._ring.read(at, count)
        self._end = at + len(data)
        return data

    def _begin(self, *, from_start: bool) -> None:
        """From here on offsets are the file's own."""
        self._from_start = from_start
        self._skew = 0
        self._note_end = 0

    def _means_the_file(self, offset: int, at: int) -> bool:
        """Has a reader whose count lags behind given it up? It asks for what lies past the end by its own
        count but not by the file's size, or elsewhere than where it stood."""
        if offset <= self._ring.next < at:
            return True
        return not (self._from_start or at == self._end or self._note_at <= offset < self._note_end)

    def _below(self, offset: int, at: int, count: int, now: float) -> bytes:
        """What a reader gets that counts `offset` where the ring has dropped `at`."""
        if self._note_at <= offset < self._note_end:
            return self._noted(offset, count, self._note_end + self._skew)
        if not offset:
            self._skew = at = self._ring.base
        elif at == self._end != self._blind:
            return self._overtaken(offset, at, count, now)
        lost = min(max(self._ring.base - at, 0), count)
        data = b"\n" * lost + self._ring.read(max(at, self._ring.base), count - lost)
        self._end = at + len(data)
        if self._end < self._ring.base:
            self._blind = self._end
        return data

    def _overtaken(self, offset: int, at: int, count: int, now: float) -> bytes:
        """The reader counts `offset` and wanted `at`: it gets the marker, and the oldest byte behind it. What
        it counts never runs ahead of the file's own offsets, or tail(1) would find the file cut: where less
        is gone than a marker takes, line feeds tell of it."""
        base = self._ring.base
        if self._cursors is not None:
            self._cursors.overtaken(at, base, now)
        self._waits = False
        told = marker(Gap(base - at, base))
        self._note = told if len(told) <= base - at else b"\n" * (base - at)
        self._note_at, self._note_end = offset, offset + len(self._note)
        self._skew = base - self._note_end
        return self._noted(offset, count, base)

    def _noted(self, at: int, count: int, behind: int) -> bytes:
        """The marker from `at` on by the reader's count, and what follows at offset `behind` of the ring if
        it is still there."""
        part = self._note[at - self._note_at :][:count]
        self._end = behind
        if at + len(part) == self._note_end and behind == self._ring.base:
            rest = self._ring.read(behind, count - len(part))
            self._end += len(rest)
            return part + rest
        return part

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        if self._append is None:
            raise P9Error(errno.EPERM, "only the server appends here")
        return self._append(offset, data, caller, now)

    def pending(self) -> bool:
        return self._end < self._ring.next

    def close(self) -> None:
        return None
