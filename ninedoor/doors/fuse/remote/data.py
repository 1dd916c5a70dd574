"""Bytes of open files at the other end of a connection: what the kernel asks for at once, up to a MiB,
travels as many messages that are on their way together.

Reading. Only what is certain to be there is asked for ahead: a read past the end of a stream would make its
handle forget where its reader stands (`ninedoor/tree/stream.py`). How much that is the attributes tell,
which are asked for along with the first piece. The first piece that is not full ends the reading.

Writing. Pieces end behind a line feed where they can. Files that everybody may read are logs: their lines
mean something each by itself, so pieces are sent ahead, after the first was taken. In any other file, a ctl
file above all, nothing that stands behind a refused line may take effect, so each piece waits for the answer
to the one before. Either way the count that is answered is true: all bytes up to there were taken, and none
behind. Where that cannot be said, because no answer came or because bytes behind a refused piece were taken,
the write fails.
"""

import errno
import logging
import os
import stat
from collections.abc import Callable, Sequence
from typing import Any

import trio

from ninedoor.client.aio.driver import AsyncChannel
from ninedoor.client.failures import Unanswered
from ninedoor.client.pipeline import WINDOW
from ninedoor.client.writing import piece_end
from ninedoor.doors.fuse.attrs import grows
from ninedoor.doors.fuse.guard import guarded
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, GETATTR_DATA_VERSION, Fid

_log = logging.getLogger(__name__)

_BOUNDS = GETATTR_BASIC | GETATTR_DATA_VERSION
"""Attributes that also tell where the oldest byte of a stream is."""

_EVERYBODY = stat.S_IRGRP | stat.S_IROTH


class OpenFile:
    """One open file. `end` is where its last read ended. `seen`: its reader knows all the bytes that the
    file had when its size was this. `polled`: someone has asked whether there is something to read."""

    __slots__ = ("end", "grows", "iounit", "is_log", "polled", "reads", "seen")

    def __init__(self, inode: Inode, flags: int, iounit: int) -> None:
        self.iounit = iounit
        self.grows = grows(inode.qid)
        self.is_log = self.grows and inode.entry.st_mode & _EVERYBODY == _EVERYBODY
        self.reads = flags & os.O_ACCMODE != os.O_WRONLY
        self.polled = False
        self.end = 0
        self.seen = 0


class RemoteData:
    """See `doors.fuse.ports.Data`. `payload` is what one message of the session carries, in bytes;
    `commanded` is told whenever something was written that may be a command."""

    def __init__(self, channel: AsyncChannel, payload: int, commanded: Callable[[], None]) -> None:
        self.may_be_cached = False
        self._payload = payload
        self._channel = channel
        self._commanded = commanded
        self._files: dict[int, OpenFile] = {}

    def opened(self, inode: Inode, fid: int, flags: int, iounit: int) -> None:
        # open(5): an iounit of 0 leaves it to the msize.
        self._files[fid] = OpenFile(inode, flags, min(iounit or self._payload, self._payload))

    def released(self, fid: int) -> None:
        del self._files[fid]

    def file(self, fid: int) -> OpenFile | None:
        """The file open as `fid`."""
        return self._files.get(fid)

    # -- reading ------------------------------------------------------------------------------------------

    @guarded
    async def read(self, fh: int, off: int, size: int) -> bytes:
        file = self._files[fh]
        if size <= file.iounit and not file.polled:
            reply: m.Rread = await self._channel.call(m.Tread(Fid(fh), off, size))
            file.end = file.seen = off + len(reply.data)
            return reply.data
        first = min(size, file.iounit)
        bounds, reply = await self._channel.call_many(
            [m.Tgetattr(Fid(fh), _BOUNDS), m.Tread(Fid(fh), off, first)]
        )
        if isinstance(reply, P9Error):
            raise reply
        data = [reply.data]
        at_end = len(reply.data) < first
        if not at_end and first < size:
            rest, at_end = await self._read_on(fh, file, off + first, size - first, _certain_end(bounds))
            data += rest
        read = b"".join(data)
        file.end = file.seen = off + len(read)
        if at_end and not isinstance(bounds, P9Error):
            # The size was asked for before the last piece, which ended behind all of it.
            file.seen = bounds.size
        return read

    async def _read_on(
        self, fid: int, file: OpenFile, offset: int, size: int, certain: int
    ) -> tuple[list[bytes], bool]:
        """The pieces from `offset` on, and whether the last one met the end of the file. There are bytes up
        to offset `certain` at least."""
        data: list[bytes] = []
        end = offset + size
        halfway = _halfway()
        while offset < end and trio.current_time() < halfway:
            ahead = range(offset, max(min(certain, end), offset + 1), file.iounit)[:WINDOW]
            pieces = [m.Tread(Fid(fid), at, min(file.iounit, end - at)) for at in ahead]
            for piece, reply in zip(pieces, await self._channel.call_many(pieces), strict=True):
                if isinstance(reply, P9Error):
                    return data, False  # what was read is given; the next read meets the refusal again
                data.append(reply.data)
                if len(reply.data) < piece.count:
                    return data, True
            offset = pieces[-1].offset + pieces[-1].count
        return data, False

    # -- writing ------------------------------------------------------------------------------------------

    @guarded
    async def write(self, fh: int, off: int, buf: bytes) -> int:
        file = self._files[fh]
        try:
            return await self._write(fh, file, off, buf)
        finally:
            if not file.is_log:
                self._commanded()

    async def _write(self, fh: int, file: OpenFile, off: int, buf: bytes) -> int:
        if len(buf) <= file.iounit:
            reply: m.Rwrite = await self._channel.call(m.Twrite(Fid(fh), off, buf))
            return reply.count
        written = 0
        ahead = 1
        halfway = _halfway()
        while written < len(buf) and (written == 0 or trio.current_time() < halfway):
            pieces: list[m.Twrite] = []
            at = written
            while len(pieces) < ahead and at < len(buf):
                end = piece_end(buf, at, file.iounit)
                pieces.append(m.Twrite(Fid(fh), off + at, buf[at:end]))
                at = end
            written += _taken(pieces, await self._channel.call_many(pieces), written)
            if written < at:
                break
            ahead = WINDOW if file.is_log else 1
        return written


def _halfway() -> float:
    """When half of the time that the request of the kernel may take is over: enough was read or written then,
    and what is not done is left to the next request."""
    now = trio.current_time()
    return now + (trio.current_effective_deadline() - now) / 2


def _certain_end(bounds: m.Rgetattr | P9Error) -> int:
    """The offset up to which a reader finds bytes, wherever it began. One that began at 0 counts from what
    was the oldest byte then, which lies no further back than the oldest one now."""
    if isinstance(bounds, P9Error):
        return 0
    oldest = bounds.data_version if bounds.valid & GETATTR_DATA_VERSION else 0
    return bounds.size - oldest


def _taken(pieces: Sequence[m.Twrite], replies: Sequence[Any], before: int) -> int:
    """How many bytes from the first of `pieces` on were taken, `before` of the write having been taken
    already. Raises the refusal when it is none in all, and whenever no true count can be given."""
    taken = 0
    refusal: P9Error | None = None
    whole = True
    for piece, reply in zip(pieces, replies, strict=True):
        if isinstance(reply, P9Error):
            if isinstance(reply, Unanswered) and reply.left:
                raise reply
            refusal = refusal or reply
            whole = False
        elif whole:
            taken += reply.count
            whole = reply.count == len(piece.data)
        else:
            _log.warning("bytes behind a piece that was not taken whole were taken (%s)", refusal or "short")
            raise refusal or P9Error(errno.EIO, "bytes behind a short write were taken")
    if refusal is not None and before + taken == 0:
        raise refusal
    return taken
