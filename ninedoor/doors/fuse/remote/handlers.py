"""A mount whose session is at the other end of a connection: how its parts belong together, and how it
begins."""

import trio

from ninedoor.client.aio.driver import AsyncChannel, run
from ninedoor.client.operations import Attached, attach
from ninedoor.doors.fuse.operations import Operations
from ninedoor.doors.fuse.remote.clunks import Clunks
from ninedoor.doors.fuse.remote.data import RemoteData
from ninedoor.doors.fuse.remote.fids import Fids
from ninedoor.doors.fuse.remote.listings import RemoteListings
from ninedoor.doors.fuse.remote.names import RemoteNames
from ninedoor.doors.fuse.remote.polls import RemotePolls
from ninedoor.limits import MSIZE_MAX
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, Fid


class Remote:
    """The handlers of one mount over `session`, which is behind `channel`; `root` is what it has at the
    top."""

    def __init__(self, channel: AsyncChannel, session: Attached, root: m.Rgetattr) -> None:
        self._clunks = Clunks(channel)
        self._fids = Fids(channel, self._clunks, session)
        self._names = RemoteNames(channel, self._fids, root)
        data = RemoteData(channel, session.payload, self._fids.commanded)
        self._polls = RemotePolls(channel, data)
        listings = RemoteListings(channel, self._names, session.payload)
        self.operations = Operations(channel.call, session.root, self._names, data, self._polls, listings)

    @classmethod
    async def attached(cls, channel: AsyncChannel, uname: str, aname: str) -> "Remote":
        """Begin a session as `uname` with the ticket `aname`, empty without one. Raises P9Error."""
        session = await run(channel, attach(uname, aname, MSIZE_MAX))
        root = await channel.call(m.Tgetattr(Fid(session.root), GETATTR_BASIC))
        return cls(channel, session, root)

    async def run(self) -> None:
        """Do what no request of the kernel waits for, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._clunks.run)
            nursery.start_soon(self._polls.run)

    async def settle(self) -> None:
        """Wait until nothing that was given up is still on its way."""
        await self._clunks.flush()
