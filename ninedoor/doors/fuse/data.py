"""Bytes of open files when the session lives in this process.

Reads and writes are all of the daemon's work that repeats tens of thousands of times a second, hence written
out: what `guard.py` does for every other handler is repeated here, and nothing is awaited.
"""

import errno
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from pyfuse3 import FUSEError

from ninedoor.client.writing import piece_end
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.errors import P9Error
from ninedoor.limits import IO_OVERHEAD, MSIZE_MAX
from ninedoor.wire import messages as m

_log = logging.getLogger(__name__)

_tread: Callable[[tuple[int, int, int]], m.Tread] = partial(tuple.__new__, m.Tread)
_twrite: Callable[[tuple[int, int, bytes]], m.Twrite] = partial(tuple.__new__, m.Twrite)
"""The two messages of the hot path, built in half the time their own constructors take."""


class DirectData:
    """See `ports.Data`. `call` answers at once; `iounit` is the payload of one message, in bytes."""

    def __init__(self, call: Callable[[Any], Any]) -> None:
        self.may_be_cached = True
        self._call = call
        self.iounit = MSIZE_MAX - IO_OVERHEAD

    def opened(self, inode: Inode, fid: int, flags: int, iounit: int) -> None:
        """Nothing has to be remembered of it."""

    def released(self, fid: int) -> None:
        """Nothing was remembered of it."""

    async def read(self, fh: int, off: int, size: int) -> bytes:
        try:
            if size <= self.iounit:
                data: bytes = self._call(_tread((fh, off, size))).data
                return data
            return self._read_pieces(fh, off, size)
        except P9Error as refusal:
            raise FUSEError(refusal.ecode) from None
        except Exception as bug:
            _log.exception("bug in the FUSE handler read")
            raise FUSEError(errno.EIO) from bug

    async def write(self, fh: int, off: int, buf: bytes) -> int:
        try:
            if len(buf) <= self.iounit:
                count: int = self._call(_twrite((fh, off, buf))).count
                return count
            return self._write_pieces(fh, off, buf)
        except P9Error as refusal:
            raise FUSEError(refusal.ecode) from None
        except Exception as bug:
            _log.exception("bug in the FUSE handler write")
            raise FUSEError(errno.EIO) from bug

    def _read_pieces(self, fid: int, offset: int, size: int) -> bytes:
        pieces: list[bytes] = []
        while size > 0:
            asked = min(size, self.iounit)
            try:
                data: bytes = self._call(_tread((fid, offset, asked))).data
            except P9Error:
                if pieces:
                    break  # what was read is given; the next read meets the refusal again
                raise
            pieces.append(data)
            if len(data) < asked:
                break
            offset += asked
            size -= asked
        return b"".join(pieces)

    def _write_pieces(self, fid: int, offset: int, data: bytes) -> int:
        """Lines stay whole where they can. After a piece was taken, a refusal of the next is a short write:
        the writer learns what arrived, and meets the refusal when it goes on."""
        written = 0
        while written < len(data):
            piece = data[written : piece_end(data, written, self.iounit)]
            try:
                count: int = self._call(_twrite((fid, offset + written, piece))).count
            except P9Error:
                if written:
                    break
                raise
            written += count
            if count < len(piece):
                break
        return written
