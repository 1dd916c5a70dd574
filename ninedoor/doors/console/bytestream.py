"""Bytes to and from a descriptor, be it a socket or a terminal, within time limits."""

import os

import trio

from ninedoor.doors.stream.bound import words

RECEIVE_BYTES = 4096
"""Bytes taken at a time: sixteen of the longest lines, so that no client's turn is long."""


class Cut(Exception):
    """The conversation is over because of `why`; the door ends it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Gone(Cut):
    """... because the peer left (`why` is "") or the connection broke."""


class ByteStream:
    """`descriptor` is non-blocking and belongs to somebody else."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def receive(self, deadline: float) -> bytes | None:
        """What has come, once there is something; None when there is nothing until `deadline` (trio's time).
        Raises Gone. Has a checkpoint."""
        while True:
            with trio.move_on_at(deadline) as waiting:
                await trio.lowlevel.wait_readable(self._descriptor)
            if waiting.cancelled_caught:
                return None
            try:
                data = os.read(self._descriptor, RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError as broken:
                raise Gone(words(broken)) from broken
            if not data:
                raise Gone("")
            return data

    async def send(self, data: bytes, patience_s: float) -> None:
        """Send all of `data`. Raises Gone, and Cut when the peer takes none of it for `patience_s` seconds.
        Has a checkpoint."""
        await trio.lowlevel.checkpoint()
        while data:
            try:
                taken = os.write(self._descriptor, data)
            except BlockingIOError:
                with trio.move_on_after(patience_s) as waiting:
                    await trio.lowlevel.wait_writable(self._descriptor)
                if waiting.cancelled_caught:
                    raise Cut(f"took none of {len(data)} bytes for {patience_s:g} s") from None
            except OSError as broken:
                raise Gone(words(broken)) from broken
            else:
                data = data[taken:]
