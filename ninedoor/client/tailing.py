"""Following a file that grows: every byte from a cursor on, each with its offset, none twice.

The offsets are the file's own, which never restart, so a cursor stays good over a lost connection and over a
restart of the hive. Files drop their oldest bytes when they are full; how far that went the server tells in
the data version of Rgetattr (docs/SECURE9P.md), and a reader that was too slow hears how many it missed. A
file that is idle is asked for its attributes only: reads count against the quotas of a ticket.
"""

import errno
import os
from typing import Literal, NamedTuple

from ninedoor.client.operations import Attached, Handle, clunk, open_
from ninedoor.client.steps import Batch, Operation, Pause
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, GETATTR_DATA_VERSION, QT_DIR, Fid

POLL_S = 0.5
"""Seconds between two looks at an idle file."""

Cursor = int | Literal["start", "end"]
"""Where to begin: at the oldest byte there is, behind the newest, or at the byte with this offset."""


class Piece(NamedTuple):
    """New bytes. `offset` is that of the first one; `lost` bytes right before it are gone unread."""

    offset: int
    data: bytes
    lost: int

    @property
    def end(self) -> int:
        """The cursor that goes on behind this piece."""
        return self.offset + len(self.data)


NOTHING = Piece(0, b"", 0)


class Tail:
    """One reader of the file at `path`. Run `next_piece` again and again, and `close` in the end."""

    def __init__(
        self, session: Attached, path: str, cursor: Cursor, *, follow: bool, interval_s: float
    ) -> None:
        self._session = session
        self._path = path
        self._cursor = cursor
        self._follow = follow
        self._interval_s = interval_s
        self._handle: Handle | None = None

    def next_piece(self) -> Operation[Piece | None]:
        """The next bytes, as soon as there are any; None at the end of a file that is not to be followed.

        Raises EISDIR, EINVAL for a cursor past the end, ESTALE when the file is no more or no longer the same
        one.
        """
        if self._handle is None:
            self._handle = yield from open_(self._session, self._path, os.O_RDONLY)
        handle = self._handle
        if handle.qid.type & QT_DIR:
            raise P9Error(errno.EISDIR, f"{self._path} is a directory")
        while True:
            size, base = _bounds((yield _attributes(handle)))
            cursor = self._place(size, base)
            piece = (yield from self._read(handle, cursor, max(cursor, base))) if cursor < size else NOTHING
            if piece is None:
                continue
            if piece.data:
                self._cursor = piece.end
                return piece
            if not self._follow:
                return None
            yield Pause(self._interval_s)

    def close(self) -> Operation[None]:
        """Let go of the file. Idempotent."""
        handle, self._handle = self._handle, None
        if handle is not None:
            yield from clunk(handle.fid)

    def _place(self, size: int, base: int) -> int:
        if self._cursor == "start":
            self._cursor = base
        elif self._cursor == "end":
            self._cursor = size
        elif self._cursor > size:
            raise P9Error(errno.EINVAL, f"cursor {self._cursor} is past the end of {self._path}, {size}")
        return self._cursor

    def _read(self, handle: Handle, cursor: int, at: int) -> Operation[Piece | None]:
        """What lies at `at`; None when it was dropped meanwhile, in which case the bytes read are others."""
        # A handle that falls behind, or has begun at offset 0, counts otherwise than the file from then on; a
        # new open makes it forget that.
        anew = m.Tlopen(Fid(handle.fid), handle.flags)
        requests = [m.Tread(Fid(handle.fid), at, handle.iounit), _attributes(handle)]
        if at == 0:
            requests.append(anew)
        replies = yield Batch(requests)
        for reply in replies:
            if isinstance(reply, P9Error):
                raise reply
        _size, base = _bounds(replies[1])
        if base > at:
            if at:
                yield anew
            return None
        return Piece(at, replies[0].data, at - cursor)


def _attributes(handle: Handle) -> m.Tgetattr:
    return m.Tgetattr(Fid(handle.fid), GETATTR_BASIC | GETATTR_DATA_VERSION)


def _bounds(reply: m.Rgetattr) -> tuple[int, int]:
    """The offsets behind the newest byte and of the oldest; who does not tell the latter keeps them all."""
    return reply.size, reply.data_version if reply.valid & GETATTR_DATA_VERSION else 0
