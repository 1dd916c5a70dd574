"""Strict reading of a ring, as the original's clients know it: wrong offsets are errors, not filling.

Who opens an append-only file with O_DIRECT gets this. The cursor is the open handle's own (the original has
one for all readers of a file); what it may do is in `ninedoor.telemetry.cursors`. An offset past the end
brings no bytes, and is logged as clamped.
"""

from typing import Protocol

from ninedoor.session.ports import Caller
from ninedoor.telemetry.cursors import CursorLog, Extent, admit


class Readable(Extent, Protocol):
    """The ring behind a file."""

    def read(self, offset: int, count: int) -> bytes: ...


class Ordinary(Protocol):
    """The ordinary open of the same file: it writes, and tells whether there is something to read."""

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int: ...

    def close(self) -> None: ...


class ExactHandle:
    """One strict open. Satisfies `session.ports.Opened`."""

    __slots__ = ("_last", "_log", "_ordinary", "_ring")

    def __init__(self, ring: Readable, ordinary: Ordinary, log: CursorLog | None) -> None:
        self._ring = ring
        self._ordinary = ordinary
        self._log = log
        self._last = 0

    def read(self, offset: int, count: int, now: float) -> bytes:
        ring = self._ring
        if offset > ring.next:
            if self._log is not None:
                self._log.clamped(offset, ring.next, now)
            return b""
        admit(ring, offset, self._last, self._log, now)
        data = ring.read(offset, count)
        self._last = offset + len(data)
        return data

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        return self._ordinary.write(offset, data, caller, now)

    def pending(self) -> bool:
        return self._last < self._ring.next

    def close(self) -> None:
        self._ordinary.close()
