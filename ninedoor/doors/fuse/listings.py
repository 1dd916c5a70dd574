"""Directories that are open: what is in them, kept as long as it stays true.

A listing is made of Treaddir once and used for every reader until the version of the directory's qid
changes. The kernel takes attributes along with the names, so before they are sent each inode is brought up to
date; with nothing changed since the last time that is one comparison for the whole listing.
"""

import errno
import logging
import os
from bisect import bisect_right
from collections.abc import Callable
from itertools import repeat
from typing import Any

import pyfuse3

from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.names import Names
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX, READ_OVERHEAD
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_dirents
from ninedoor.wire.types import U32, U64, Fid

_log = logging.getLogger(__name__)

AT_A_TIME = 512
"""Entries offered for one READDIR: more than fit the 32 KiB that readdir(3) asks for."""

_COUNT = U32(MSIZE_MAX - READ_OVERHEAD)

_GONE = frozenset({errno.ENOENT, errno.ESTALE, errno.EPERM})
"""An entry that answers so to its reader is left out of the listing."""

_DOTS = 2
"""`.` and `..` come first; the kernel takes no notice of their inodes, so they are not counted."""


class Listing:
    """Parallel lists, in the order of the directory. `positions` ascend and stay with their names; `verified`
    is the `Names.changes` at which every inode was fresh."""

    __slots__ = ("entries", "inodes", "made_at", "names", "positions", "steady", "verified")

    def __init__(
        self, content: list[tuple[int, bytes, Inode]], made_at: tuple[int, int], verified: int
    ) -> None:
        self.positions = [position for position, _name, _inode in content]
        self.names = [name for _position, name, _inode in content]
        self.inodes = [inode for _position, _name, inode in content]
        self.entries = [inode.entry for inode in self.inodes]
        self.steady = all(inode.steady for inode in self.inodes)
        self.made_at = made_at
        self.verified = verified


class _OpenDirectory:
    """Between opendir and releasedir; `listing` is what its reader is in the middle of."""

    __slots__ = ("inode", "listing")

    def __init__(self, inode: Inode) -> None:
        self.inode = inode
        self.listing: Listing | None = None


class Listings:
    """See `ports.Listings`."""

    def __init__(self, call: Callable[[Any], Any], names: Names) -> None:
        self._call = call
        self._names = names
        self._open: dict[int, _OpenDirectory] = {}

    async def open(self, inode: Inode) -> int:
        fid = await self._names.clone(inode)
        try:
            self._call(m.Tlopen(Fid(fid), U32(os.O_RDONLY | os.O_DIRECTORY)))
        except P9Error:
            self._names.clunk(fid)
            raise
        self._open[fid] = _OpenDirectory(inode)
        return fid

    def close(self, fid: int) -> None:
        del self._open[fid]
        self._names.clunk(fid)

    async def reply(self, fid: int, start: int, token: pyfuse3.ReaddirToken) -> None:
        directory = self._open[fid]
        if start == 0 or directory.listing is None:
            directory.listing = await self._current(directory.inode, fid)
        listing = await self._verified(directory.inode, directory.listing)
        directory.listing = listing
        first = bisect_right(listing.positions, start)
        offered = slice(first, first + AT_A_TIME)
        taken = map(
            pyfuse3.readdir_reply,
            repeat(token),
            listing.names[offered],
            listing.entries[offered],
            listing.positions[offered],
        )
        end = first
        for fits in taken:
            if not fits:
                break
            end += 1
        for inode in listing.inodes[max(first, _DOTS) : end]:
            inode.lookups += 1

    async def _current(self, inode: Inode, fid: int) -> Listing:
        """The content now, `.` and `..` first."""
        await self._names.refresh(inode)
        state = (inode.version, self._names.binds)
        kept = inode.listing
        if kept is not None and kept.made_at == state:
            return kept
        listing = inode.listing = Listing(await self._list(inode, fid), state, -1)
        return listing

    async def _list(self, directory: Inode, fid: int) -> list[tuple[int, bytes, Inode]]:
        content = [(1, b".", directory), (2, b"..", directory.parent)]
        offset = 0
        while records := decode_dirents(self._call(m.Treaddir(Fid(fid), U64(offset), _COUNT)).data):
            for record in records:
                try:
                    child = await self._names.child(directory, record.name, record.qid)
                except P9Error as refusal:
                    _log.debug("%s is listed but not reachable: %s", record.name, refusal)
                    continue
                content.append((_DOTS + record.offset, record.name.encode(), child))
            offset = records[-1].offset
        return content

    async def _verified(self, directory: Inode, listing: Listing) -> Listing:
        """`listing` with every inode fresh; what has vanished since it was made is left out."""
        changes = self._names.changes
        if listing.verified == changes and listing.steady:
            return listing
        if not all(inode.fresh for inode in listing.inodes):
            listing = await self._refreshed(directory, listing)
        listing.verified = changes
        return listing

    async def _refreshed(self, directory: Inode, listing: Listing) -> Listing:
        content = []
        for position, name, inode in zip(listing.positions, listing.names, listing.inodes, strict=True):
            present = inode if inode.fresh else await self._present(directory, name, inode)
            if present is not None:
                content.append((position, name, present))
        refreshed = Listing(content, listing.made_at, -1)
        if directory.listing is listing:
            directory.listing = refreshed
        return refreshed

    async def _present(self, parent: Inode, name: bytes, inode: Inode) -> Inode | None:
        """The inode for an entry that is not fresh, or None when the entry has vanished."""
        try:
            if inode.is_known and not inode.displaced:
                await self._names.refresh(inode)
                return inode
            return None if name in (b".", b"..") else await self._names.lookup(parent, name.decode())
        except P9Error as refusal:
            if refusal.ecode in _GONE:
                return None
            raise
