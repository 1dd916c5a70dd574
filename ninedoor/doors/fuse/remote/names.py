"""Names and attributes at the other end of a connection: asked for each time, since nothing tells of changes.

Everything that waits does so before the table of inodes is touched: what an answer teaches is entered, and
counted by the handler, with no checkpoint in between. So two lookups of one name end in one inode, and a
FORGET that comes while another lookup is under way finds a count that is right.
"""

import errno
from collections.abc import Sequence

from ninedoor.client.aio.driver import AsyncChannel
from ninedoor.client.failures import Unanswered
from ninedoor.doors.fuse.attrs import fill
from ninedoor.doors.fuse.inodes import Inode, InodeTable
from ninedoor.doors.fuse.remote.fids import Fids
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, Fid

_ENDED = frozenset({errno.EBADF, errno.ESTALE})
"""What a fid answers whose node, or whose connection, is no more. The path may lead on all the same."""


class RemoteNames:
    """See `doors.fuse.ports.Names`."""

    def __init__(self, channel: AsyncChannel, fids: Fids, root: m.Rgetattr) -> None:
        self._channel = channel
        self._fids = fids
        self.clunk = fids.clunk
        self._table = InodeTable(root.qid, announced=False)
        fill(self._table.root.entry, root)

    def close(self) -> None:
        """Nothing is heard of changes anyway."""

    # -- inodes -------------------------------------------------------------------------------------------

    def known(self, number: int) -> Inode:
        return self._table.get(number)

    def inode(self, number: int) -> Inode:
        return self._table.get(number)

    def forget(self, number: int, lookups: int) -> None:
        inode = self._table.get(number)
        inode.lookups -= lookups
        self.discard(inode)

    def discard(self, inode: Inode) -> None:
        """Forget `inode` unless the kernel knows it."""
        if inode.lookups <= 0 and inode is not self._table.root and inode.is_known:
            self._table.drop(inode)
            self._fids.drop(inode)

    def learn(self, parent: Inode, name: str, reply: m.Rgetattr) -> Inode:
        """The inode of what was found as `name`, brought up to date; not counted yet."""
        inode = self._table.found(parent, name, reply.qid) or self._table.adopt(parent, name, reply.qid)
        fill(inode.entry, reply)
        return inode

    # -- asking -------------------------------------------------------------------------------------------

    async def lookup(self, parent: Inode, name: str) -> Inode:
        known = parent.children.get(name)
        if known is not None and await self._is_still_there(known):
            return known
        since = self._fids.now
        fid = await self._walk_from(parent, name)
        try:
            reply: m.Rgetattr = await self._channel.call(m.Tgetattr(Fid(fid), GETATTR_BASIC))
        except BaseException:
            self.clunk(fid)
            raise
        inode = self.learn(parent, name, reply)
        self._fids.keep(inode, fid, since)
        return inode

    async def _is_still_there(self, inode: Inode) -> bool:
        """Does its kept fid say that the name of `inode` still leads to it? If so, it is brought up to
        date."""
        if not self._fids.keeps(inode):
            return False
        fid = await self._fids.reach(inode)
        try:
            fill(inode.entry, await self._channel.call(m.Tgetattr(Fid(fid), GETATTR_BASIC)))
        except Unanswered:
            raise
        except P9Error:
            self._fids.drop(inode)
        finally:
            self._fids.leave(fid)
        return self._fids.keeps(inode)

    async def _walk_from(self, parent: Inode, name: str) -> int:
        kept = self._fids.keeps(parent)
        base = await self._fids.reach(parent)
        try:
            return (await self._fids.walk(base, (name,)))[0]
        except P9Error as refusal:
            if not kept or refusal.ecode not in _ENDED:
                raise
            self._fids.drop(parent)
        finally:
            self._fids.leave(base)
        return await self._walk_from(parent, name)

    async def look(self, parent: Inode, names: Sequence[str]) -> list[m.Rgetattr | P9Error]:
        """The attributes of each of `names` in `parent`, or why there are none. Takes a fid for each name
        for as long as it lasts."""
        kept = self._fids.keeps(parent)
        base = await self._fids.reach(parent)
        try:
            walked = await self._fids.walk_each(base, names)
        finally:
            self._fids.leave(base)
        ended = kept and any(isinstance(fid, P9Error) and fid.ecode in _ENDED for fid in walked)
        crowded = any(isinstance(fid, P9Error) and fid.ecode == errno.EMFILE for fid in walked)
        if not ended and not (crowded and len(names) > 1):
            return await self._attributes(walked)
        for fid in walked:
            if isinstance(fid, int):
                self.clunk(fid)
        if ended:
            self._fids.drop(parent)
            return await self.look(parent, names)
        await self._fids.make_room()
        half = len(names) // 2
        return [*await self.look(parent, names[:half]), *await self.look(parent, names[half:])]

    async def _attributes(self, walked: Sequence[int | P9Error]) -> list[m.Rgetattr | P9Error]:
        """What the fids in `walked` stand for; they are clunked."""
        fids = [Fid(fid) for fid in walked if isinstance(fid, int)]
        requests = [request for fid in fids for request in (m.Tgetattr(fid, GETATTR_BASIC), m.Tclunk(fid))]
        try:
            answers = iter((await self._channel.call_many(requests))[::2])
        except BaseException:
            for fid in fids:
                self.clunk(fid)
            raise
        return [next(answers) if isinstance(found, int) else found for found in walked]

    async def refresh(self, inode: Inode) -> None:
        kept = self._fids.keeps(inode)
        fid = await self._fids.reach(inode)
        try:
            fill(inode.entry, await self._channel.call(m.Tgetattr(Fid(fid), GETATTR_BASIC)))
            return
        except P9Error as refusal:
            if not kept or refusal.ecode not in _ENDED:
                raise
            self._fids.drop(inode)
        finally:
            self._fids.leave(fid)
        await self.refresh(inode)

    async def reach(self, inode: Inode) -> int:
        return await self._fids.reach(inode)

    def leave(self, inode: Inode, fid: int) -> None:
        self._fids.leave(fid)

    async def clone(self, inode: Inode) -> int:
        return await self._fids.new(inode)
