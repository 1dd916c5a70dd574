"""The FUSE door of a session at the other end of a connection: the same handlers, and as many requests of the
kernel in hand at once as it cares to make."""

import errno
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from ninedoor.client.address import Address
from ninedoor.client.aio.resuming import ResumingTrioChannel, open_channel
from ninedoor.client.failures import Unanswered
from ninedoor.client.resumption import ChannelState, OnChange
from ninedoor.doors.fuse.mount import Mount
from ninedoor.doors.fuse.options import MountError, MountOptions
from ninedoor.doors.fuse.remote.handlers import Remote
from ninedoor.doors.fuse.remote.patience import Patient
from ninedoor.errors import P9Error
from ninedoor.policy.expiry import expiry

DEADLINE_S = 10.0
"""How long the server may take for an answer, unless told otherwise. Nobody who waits for one can be
killed."""

SLACK_S = 1.0
"""How much longer than one answer all that a request of the kernel asks for may take together. A server that
says nothing is noticed within the deadline, and its connection given up."""

SETTLE_S = 0.2
"""How long the end of a mount waits for the answers to what it gave up last. A connection that is closed over
unread answers looks broken to the server."""

TASKS = 64
"""Requests of the kernel in hand at once; further ones wait in the kernel, where waiting can be killed."""


class RemoteDoor:
    """The FUSE door of the session behind `channel`. Each request of the kernel is answered within
    `deadline_s` and `SLACK_S` seconds: what takes longer fails with ETIMEDOUT."""

    def __init__(self, channel: ResumingTrioChannel, remote: Remote, deadline_s: float) -> None:
        self._channel = channel
        self._remote = remote
        self._deadline_s = deadline_s
        self._patient = Patient(remote.operations, self._patience)
        self._mount = Mount()

    @classmethod
    async def attached(
        cls, channel: ResumingTrioChannel, uname: str, aname: str, deadline_s: float = DEADLINE_S
    ) -> "RemoteDoor":
        """Begin the session as `uname` with the ticket `aname`, empty without one. Raises P9Error."""
        return cls(channel, await Remote.attached(channel, uname, aname), deadline_s)

    @property
    def state(self) -> ChannelState:
        """How the connection is."""
        return self._channel.state

    async def serve(self, mountpoint: Path, options: MountOptions, *, ready: Callable[[], None]) -> None:
        """Mount on `mountpoint`, call `ready`, and serve until someone unmounts, `terminate` is called or the
        task is cancelled; then unmount.

        Precondition: `preflight` gave `mountpoint`. Raises MountError.
        """
        with self._mount.on(mountpoint, options, self._patient):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._remote.run)
                try:
                    ready()
                    await self._mount.requests(TASKS)
                finally:
                    self._remote.operations.close()
                    with trio.CancelScope(shield=True, deadline=trio.current_time() + SETTLE_S):
                        await self._remote.settle()
                    nursery.cancel_scope.cancel()

    def _patience(self) -> float:
        """How long the next request of the kernel may take. When the server has been away for longer than
        that, nobody waits for it: it will be there, or not, when it is asked again."""
        state = self._channel.state
        away = not state.connected and time.time() - state.since > self._deadline_s
        return 0.0 if away else self._deadline_s + SLACK_S

    def terminate(self) -> None:
        """Let `serve` unmount and return at once: requests in hand fail. Without effect unless it is
        serving."""
        self._patient.end()
        self._mount.terminate()


@asynccontextmanager
async def remote_door(
    address: str | Address,
    uname: str,
    aname: str,
    *,
    deadline_s: float = DEADLINE_S,
    on_state: OnChange | None = None,
) -> AsyncGenerator[RemoteDoor]:
    """A door of the hive that listens at `address`, attached as `uname` with the ticket `aname`, empty
    without one. `on_state` is told whenever the connection is lost or comes back.

    Raises ConnectError when nobody is there, MountError when who is there does not let `uname` in.
    """
    async with open_channel(address, timeout_s=deadline_s, on_change=on_state) as channel:
        try:
            door = await RemoteDoor.attached(channel, uname, aname, deadline_s)
        except P9Error as refusal:
            raise MountError(_told(refusal, str(address), uname, aname)) from None
        yield door


def _told(refusal: P9Error, address: str, uname: str, aname: str) -> str:
    """Why there was no attach. The wire carries an errno and no more; here it is known what that means."""
    if isinstance(refusal, Unanswered):
        return refusal.reason
    why = refusal.reason
    if refusal.ecode == errno.ENOENT:
        why = "it has no such worker"
    elif refusal.ecode == errno.EPERM:
        asked = "is the ticket this hive's, of this role, and not expired?" if aname else "it wants a ticket"
        hint = expiry(aname, time.time()) or asked
        why = f"{why}: {hint}"
    return f"{address} refuses {uname}: {why}"
