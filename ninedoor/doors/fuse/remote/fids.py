"""Fids of one remote session: where new ones come from, and the few that are kept to walk from.

A server grants a session so many fids (`limits.SESSION_FIDS` unless its manifest says otherwise), and the
kernel remembers any number of inodes. So an inode has no fid of its own: the node is walked to from the root
when it is needed, and the fid is kept for a while, since whoever asks for attributes of a node once does so
again. What is kept is only there to save messages; any of it may be given up at any time.

While a fid answers, its node is there, and a name leads to the same node for as long as that is there: nodes
are never renamed, and only a command of this very session can bind a name to another node. So a kept fid that
answers says that its name is still good, unless a command was written meanwhile.
"""

import errno
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Final

from ninedoor.client.aio.driver import AsyncChannel
from ninedoor.client.failures import Unanswered
from ninedoor.client.operations import Attached
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.remote.clunks import Clunks
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid, Qid

KEPT = 64
"""Fids kept to walk from: a quarter of what a session is granted by default, the rest is for open files."""


class Fids:
    """Fids are counted upwards; none is used again that may ever have named a node."""

    def __init__(self, channel: AsyncChannel, clunks: Clunks, session: Attached) -> None:
        self.clunk: Final = clunks.give_up
        self._channel = channel
        self._clunks = clunks
        self._most = KEPT
        self._root = session.root
        self._numbers = session.fids
        self._kept: OrderedDict[Inode, int] = OrderedDict()
        self._users: Counter[int] = Counter()
        self._dropped: set[int] = set()
        self._commands = 0

    # -- walking ------------------------------------------------------------------------------------------

    async def walk(self, fid: int, names: tuple[str, ...]) -> tuple[int, tuple[Qid, ...]]:
        """A new fid for what `names` lead to from `fid`, and the qids on the way. Raises what the server
        says, ENOENT when it says only how far it got."""
        try:
            return await self._walk(fid, names)
        except P9Error as refusal:
            if refusal.ecode != errno.EMFILE:
                raise
        await self.make_room()
        return await self._walk(fid, names)

    async def _walk(self, fid: int, names: tuple[str, ...]) -> tuple[int, tuple[Qid, ...]]:
        new = self._numbers.take()
        # Where it is not known whether the fid came to be, the channel clunks it, and its number stays taken.
        try:
            reply: m.Rwalk = await self._channel.call(m.Twalk(Fid(fid), Fid(new), names))
        except Unanswered:
            raise
        except P9Error:
            self._numbers.put_back(new)
            raise
        if len(reply.qids) < len(names):
            self._numbers.put_back(new)
            raise P9Error(errno.ENOENT, f"{names[len(reply.qids)]} not found")
        return new, reply.qids

    async def walk_each(self, fid: int, names: Sequence[str]) -> list[int | P9Error]:
        """A new fid for each of `names` below `fid`, or why there is none."""
        numbers = [self._numbers.take() for _name in names]
        walks = [m.Twalk(Fid(fid), Fid(new), (name,)) for new, name in zip(numbers, names, strict=True)]
        try:
            replies = await self._channel.call_many(walks)
        except BaseException:
            for new in numbers:
                self.clunk(new)
            raise
        return [self._walked(new, reply) for new, reply in zip(numbers, replies, strict=True)]

    def _walked(self, new: int, reply: m.Rwalk | P9Error) -> int | P9Error:
        if isinstance(reply, Unanswered):
            return reply
        if not isinstance(reply, P9Error) and reply.qids:
            return new
        self._numbers.put_back(new)
        return reply if isinstance(reply, P9Error) else P9Error(errno.ENOENT, "not found")

    # -- what is kept ---------------------------------------------------------------------------------------

    def keeps(self, inode: Inode) -> bool:
        """Is there a fid of `inode`, not walked to just now? It may be at its end without anybody's
        knowing."""
        return inode in self._kept

    async def reach(self, inode: Inode) -> int:
        """A fid that stands for the node of `inode` until it is given back to `leave`. Raises ESTALE when the
        inode's path leads there no more."""
        fid = self._kept.get(inode)
        if fid is None and inode.parent is not inode:
            return await self._walk_to(inode)
        if fid is not None:
            self._kept.move_to_end(inode)
        return self._used(self._root if fid is None else fid)

    async def _walk_to(self, inode: Inode) -> int:
        since = self.now
        fid = await self.new(inode)
        kept = self._kept.get(inode)
        if kept is not None:
            self.clunk(fid)  # somebody else was here first
            return self._used(kept)
        self._used(fid)
        self.keep(inode, fid, since)
        return fid

    def _used(self, fid: int) -> int:
        self._users[fid] += 1
        return fid

    async def new(self, inode: Inode) -> int:
        """A new fid for the node of `inode`, for its taker to clunk. Raises as `reach`."""
        if inode.parent is inode:
            return (await self.walk(self._root, ()))[0]
        try:
            fid, qids = await self.walk(self._root, inode.path)
        except P9Error as refusal:
            if refusal.ecode in (errno.ENOENT, errno.ENOTDIR):
                raise P9Error(errno.ESTALE, refusal.reason) from refusal
            raise
        if qids[-1].path != inode.qid.path:
            self.clunk(fid)
            raise P9Error(errno.ESTALE, f"{inode.name} is another node by now")
        return fid

    def leave(self, fid: int) -> None:
        """Give back what `reach` gave."""
        self._users[fid] -= 1
        if self._users[fid] == 0:
            del self._users[fid]
            if fid in self._dropped:
                self._dropped.remove(fid)
                self.clunk(fid)

    @property
    def now(self) -> int:
        """Until when names are known to mean what they did: for `keep`."""
        return self._commands

    def keep(self, inode: Inode, fid: int, since: int) -> None:
        """Keep `fid`, which stands for the node of `inode` `since` the walk to it began, in place of the one
        that was kept."""
        self.drop(inode)
        if not inode.is_known or since != self._commands:
            self._end(fid)
            return
        self._kept[inode] = fid
        if len(self._kept) > self._most:
            self.drop(next(iter(self._kept)))

    def drop(self, inode: Inode) -> None:
        """Keep no fid of `inode` any more."""
        fid = self._kept.pop(inode, None)
        if fid is not None:
            self._end(fid)

    def commanded(self) -> None:
        """A command was written, and may have bound names to other nodes."""
        self._commands += 1
        for inode in tuple(self._kept):
            self.drop(inode)

    def _end(self, fid: int) -> None:
        if self._users[fid]:
            self._dropped.add(fid)
        else:
            del self._users[fid]
            self.clunk(fid)

    async def make_room(self) -> None:
        """The server grants no more fids: clunk all that nobody uses right now."""
        for inode in [inode for inode, fid in self._kept.items() if not self._users[fid]]:
            self.drop(inode)
        await self._clunks.flush()
