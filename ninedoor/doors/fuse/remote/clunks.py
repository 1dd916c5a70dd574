"""Fids given up, clunked by a task of their own: nobody who waits for an answer waits for that too, and
nobody who is cancelled leaves a fid behind."""

import trio

from ninedoor.client.aio.driver import AsyncChannel
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid


class Clunks:
    """The fids nobody needs any more. How many there can be is bounded by what the server lets live."""

    def __init__(self, channel: AsyncChannel) -> None:
        self._channel = channel
        self._waiting: list[int] = []
        self._more = trio.Event()
        self._busy = trio.Lock()

    def give_up(self, fid: int) -> None:
        """Let `fid` be clunked soon."""
        self._waiting.append(fid)
        self._more.set()

    async def run(self) -> None:
        """Clunk what is given up, until cancelled."""
        while True:
            await self._more.wait()
            await self.flush()

    async def flush(self) -> None:
        """Clunk what has been given up so far. An answer makes no difference: a fid whose session has ended
        is gone as well."""
        async with self._busy:
            self._more = trio.Event()
            waiting, self._waiting = self._waiting, []
            try:
                if waiting:
                    await self._channel.call_many([m.Tclunk(Fid(fid)) for fid in waiting])
            except trio.Cancelled:
                for fid in waiting:
                    self.give_up(fid)
                raise
