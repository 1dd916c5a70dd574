"""poll(2), select(2) and epoll(7) at the other end of a connection, which tells of nothing unasked.

While somebody sleeps on a file, one task asks every quarter of a second how large the files are that are
slept on, and wakes those whose file has grown past what was read of it. While nobody sleeps it sleeps too.
"""

from itertools import islice

import pyfuse3
import trio

from ninedoor.client.aio.driver import AsyncChannel
from ninedoor.client.failures import Unanswered
from ninedoor.doors.fuse.attrs import grows
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.polls import READABLE, WRITABLE, Sleepers
from ninedoor.doors.fuse.remote.data import RemoteData
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, Fid

PERIOD_S = 0.25
"""Between two looks: what a person who waits does not notice, and what costs a server nothing."""

AT_A_TIME = 64
"""Files asked for in one look; where more are slept on, each has its turn less often."""


class RemotePolls:
    """See `doors.fuse.ports.Polls`. Each look asks for `AT_A_TIME` files at most."""

    def __init__(self, channel: AsyncChannel, data: RemoteData) -> None:
        self._channel = channel
        self._data = data
        self._sleepers = Sleepers()
        self._some = trio.Event()

    async def events(self, inode: Inode, fid: int, handle: pyfuse3.PollHandle | None) -> int:
        file = self._data.file(fid)
        if file is None or not grows(inode.qid):
            return WRITABLE | READABLE
        if not file.reads:
            return WRITABLE
        file.polled = True
        try:
            reply = await self._channel.call(_size(fid))
        except Unanswered:
            raise
        except P9Error:
            return WRITABLE | READABLE  # the read will say why
        if reply.size > file.seen:
            return WRITABLE | READABLE
        if handle is not None:
            self._sleepers.put(fid, handle)
            self._some.set()
        return WRITABLE

    def release(self, fid: int) -> None:
        self._sleepers.forget(fid)

    def close(self) -> None:
        self._sleepers.clear()

    async def run(self) -> None:
        """Look after the sleepers until cancelled."""
        while True:
            await self._some.wait()
            while len(self._sleepers):
                await trio.sleep(PERIOD_S)
                await self.look()
            self._some = trio.Event()

    async def look(self) -> None:
        """Wake those whose file has grown or is gone. Whoever is asked for and sleeps on comes last next
        time."""
        asked = [(fid, self._data.file(fid)) for fid in islice(self._sleepers, AT_A_TIME)]
        replies = await self._channel.call_many([_size(fid) for fid, _file in asked])
        for (fid, file), reply in zip(asked, replies, strict=True):
            if isinstance(reply, Unanswered):
                continue
            if file is None or isinstance(reply, P9Error) or reply.size > file.seen:
                self._sleepers.wake(fid)
            else:
                self._sleepers.postpone(fid)


def _size(fid: int) -> m.Tgetattr:
    return m.Tgetattr(Fid(fid), GETATTR_BASIC)
