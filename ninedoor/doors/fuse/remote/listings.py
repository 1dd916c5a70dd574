"""Directories at the other end of a connection: read anew by every reader, with attributes asked for as they
are handed out.

An open directory remembers what Treaddir told it so far. Of that, so many entries are looked at together as
the kernel has taken at a time before; all of them are looked at before the first is handed out, so that what
is told to the kernel and what is counted as told never part.
"""

import errno
import logging
import os
from bisect import bisect_right
from operator import attrgetter

import pyfuse3

from ninedoor.client.aio.driver import AsyncChannel
from ninedoor.client.failures import Unanswered
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.remote.names import RemoteNames
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_dirents
from ninedoor.wire.types import U32, U64, Dirent, Fid

_log = logging.getLogger(__name__)

ENTRIES_MIN = 16
"""Entries looked at for the first READDIR: fewer than fit the page that older kernels offer."""

ENTRIES_MAX = 64
"""Entries looked at together: each needs a fid meanwhile, and a session is granted 256 by default."""

_GONE = frozenset({errno.ENOENT, errno.ESTALE, errno.EPERM, errno.EACCES, errno.EINVAL})
"""An entry that answers so to its reader is left out of the listing: it has vanished since, or is out of
reach."""

_DOTS = 2
"""`.` and `..` come first; the kernel takes no notice of their inodes, so they are not counted."""


class _OpenDirectory:
    """Between opendir and releasedir. `records` is what Treaddir told from position `began` on, up to the
    end if `whole`; `room` the entries that go into one READDIR."""

    __slots__ = ("began", "inode", "records", "room", "whole")

    def __init__(self, inode: Inode) -> None:
        self.inode = inode
        self.room = ENTRIES_MIN
        self.begin(0)

    def begin(self, position: int) -> None:
        """Forget what was told: the reader starts over."""
        self.began = position
        self.records: list[Dirent] = []
        self.whole = False

    @property
    def told(self) -> int:
        """The position up to which it is known what there is."""
        return self.records[-1].offset if self.records else self.began


class RemoteListings:
    """See `doors.fuse.ports.Listings`. Positions are those of Treaddir, behind the two dots; `payload` is
    what one message carries, in bytes."""

    def __init__(self, channel: AsyncChannel, names: RemoteNames, payload: int) -> None:
        self._channel = channel
        self._names = names
        self._payload = U32(payload)
        self._open: dict[int, _OpenDirectory] = {}

    async def open(self, inode: Inode) -> int:
        fid = await self._names.clone(inode)
        try:
            await self._channel.call(m.Tlopen(Fid(fid), U32(os.O_RDONLY | os.O_DIRECTORY)))
        except BaseException:
            self._names.clunk(fid)
            raise
        self._open[fid] = _OpenDirectory(inode)
        return fid

    def close(self, fid: int) -> None:
        del self._open[fid]
        self._names.clunk(fid)

    async def reply(self, fid: int, start: int, token: pyfuse3.ReaddirToken) -> None:
        directory = self._open[fid]
        behind = max(start - _DOTS, 0)
        if start == 0 or not directory.began <= behind <= directory.told:
            directory.begin(behind)
        found = await self._found(fid, directory, behind)
        # No checkpoint from here on: what is sent is counted.
        dots = ((1, b".", directory.inode), (2, b"..", directory.inode.parent))
        for position, name, inode in dots:
            if start < position and not pyfuse3.readdir_reply(token, name, inode.entry, position):
                return
        sent = 0
        for record, attributes in found:
            inode = self._names.learn(directory.inode, record.name, attributes)
            if not pyfuse3.readdir_reply(token, record.name.encode(), inode.entry, _DOTS + record.offset):
                self._names.discard(inode)
                break
            inode.lookups += 1
            sent += 1
        whole = sent == len(found)
        directory.room = min(directory.room * 2, ENTRIES_MAX) if whole else max(sent, ENTRIES_MIN)

    async def _found(
        self, fid: int, directory: _OpenDirectory, behind: int
    ) -> list[tuple[Dirent, m.Rgetattr]]:
        """Entries behind position `behind` with their attributes; none only at the end of the directory."""
        while records := await self._records(fid, directory, behind):
            looked = await self._names.look(directory.inode, [record.name for record in records])
            found = [
                (record, attributes)
                for record, reply in zip(records, looked, strict=True)
                if (attributes := _attributes(record, reply)) is not None
            ]
            if found:
                return found
            behind = records[-1].offset
        return []

    async def _records(self, fid: int, directory: _OpenDirectory, behind: int) -> list[Dirent]:
        """What Treaddir tells of the entries that come next."""
        while True:
            first = bisect_right(directory.records, behind, key=attrgetter("offset"))
            if directory.whole or len(directory.records) - first >= directory.room:
                return directory.records[first : first + directory.room]
            records, told = directory.records, directory.told
            reply: m.Rreaddir = await self._channel.call(m.Treaddir(Fid(fid), U64(told), self._payload))
            if records is directory.records and told == directory.told:
                more = decode_dirents(reply.data)
                records += more
                directory.whole = not more


def _attributes(record: Dirent, looked: m.Rgetattr | P9Error) -> m.Rgetattr | None:
    """None for an entry that is not shown. Raises a failure that is not about this one entry."""
    if not isinstance(looked, P9Error):
        return looked
    if looked.ecode not in _GONE or isinstance(looked, Unanswered):
        raise looked
    _log.debug("%s is listed but not reachable: %s", record.name, looked)
    return None
