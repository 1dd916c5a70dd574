"""The remote handlers over a real hive, without a kernel and without a socket.

`Wire` is a channel as the client library makes them, with a session of this process behind it: many callers,
requests served in the order in which they leave, and waits wherever a real one waits. How long they are is
for a test to say.
"""

import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pyfuse3
import pytest
import trio

from ninedoor.client.channel import LocalChannel
from ninedoor.client.failures import Unanswered
from ninedoor.client.operations import ROOT
from ninedoor.doors.fuse.remote.handlers import Remote
from ninedoor.errors import P9Error
from ninedoor.limits import SESSION_FIDS
from ninedoor.runtime.app import App
from ninedoor.session.fids import Profile
from ninedoor.session.session import Session
from ninedoor.wire import messages as m
from ninedoor.wire.messages import Message
from tests import deployment

CONTEXT = pyfuse3.RequestContext()

Wait = Callable[[], Awaitable[None]]


class Wire:
    """`pause` is awaited before each request leaves and before each reply arrives. `requests` are those that
    reached the session, `batches` the sizes of what was sent together. While `silent`, none does. `failures`
    meets the next request of its kind in place of a reply."""

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        self.pause: Wait = trio.lowlevel.checkpoint
        self.requests: list[Message] = []
        self.batches: list[int] = []
        self.failures: dict[type, P9Error] = {}
        self.silent = False
        self._local = LocalChannel(session, clock)

    async def call(self, request: Any) -> Any:
        (reply,) = await self._exchange([request])
        if isinstance(reply, P9Error):
            raise reply
        return reply

    def close(self) -> None:
        self._local.close()

    async def call_many(self, requests: Sequence[Any]) -> list[Any]:
        self.batches.append(len(requests))
        return await self._exchange(requests)

    async def _exchange(self, requests: Sequence[Any]) -> list[Any]:
        replies: list[Any] = []
        try:
            for request in requests:
                await self.pause()
                replies.append(self._serve(request))
            await self.pause()
        except trio.Cancelled:
            self._forget(requests, replies)
            raise
        return replies

    def _serve(self, request: Any) -> Any:
        if self.silent:
            return Unanswered(errno.ETIMEDOUT, "no reply within the deadline")
        self.requests.append(request)
        if type(request) in self.failures:
            return self.failures.pop(type(request))
        try:
            return self._local.call(request)
        except P9Error as refusal:
            return refusal

    def _forget(self, requests: Sequence[Any], replies: Sequence[Any]) -> None:
        """What the pipeline does about the fids of walks whose callers do not wait any more: those whose
        reply comes late are clunked. Here that is the last one; the others had come."""
        if replies and isinstance(requests[len(replies) - 1], m.Twalk) and isinstance(replies[-1], m.Rwalk):
            self._serve(m.Tclunk(requests[len(replies) - 1].newfid))


class RemoteMount:
    """One remote mount of one hive; attached as queen once `begin` has returned."""

    def __init__(
        self, app: App | None = None, *, fids: int = SESSION_FIDS, profile: Profile = Profile.STRICT
    ) -> None:
        self.app = app or deployment.open_app()
        self.session: Session = self.app.session(trusted=True, fids=fids, profile=profile, peer="mount")
        self.wire = Wire(self.session, self.app.clock)

    async def begin(self) -> None:
        self.remote = await Remote.attached(self.wire, "queen", "")
        self.operations = self.remote.operations

    async def lookup(self, path: str) -> pyfuse3.EntryAttributes:
        """One LOOKUP for each name of `path`, as the kernel does it."""
        inode = pyfuse3.ROOT_INODE
        for name in path.strip("/").split("/"):
            entry = await self.operations.lookup(inode, name.encode(), CONTEXT)
            inode = entry.st_ino
        return entry

    async def open(self, path: str, flags: int) -> pyfuse3.FileInfo:
        return await self.operations.open((await self.lookup(path)).st_ino, flags, CONTEXT)

    def sent(self, kind: type) -> list[Any]:
        """The requests of one kind that reached the session."""
        return [request for request in self.wire.requests if type(request) is kind]

    def lookups(self, number: int) -> int:
        return self.remote._names.known(number).lookups

    def numbers(self) -> set[int]:
        """Every inode that is known."""
        return {inode.number for inode in self.remote._names._table}

    async def live_fids(self) -> set[int]:
        """Fids of the session besides its root, once all that is given up has been clunked and nothing is
        kept to walk from."""
        fids = self.remote._fids
        for inode in tuple(fids._kept):
            fids.drop(inode)
        await self.remote._clunks.flush()
        return set(self.session._fids.live) - {ROOT}


@asynccontextmanager
async def running(mount: RemoteMount) -> AsyncIterator[RemoteMount]:
    """The mount attached, and what runs beside its handlers running."""
    await mount.begin()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mount.remote.run)
        yield mount
        nursery.cancel_scope.cancel()


class Reader:
    """readdir(3) on an open directory: READDIR until nothing more comes, `room` entries each time."""

    def __init__(self, mount: RemoteMount, monkeypatch: pytest.MonkeyPatch, room: int = 200) -> None:
        self._operations = mount.operations
        self._room = room
        self.sent: list[tuple[str, pyfuse3.EntryAttributes, int]] = []
        self._position = 0
        monkeypatch.setattr(pyfuse3, "readdir_reply", self._reply)

    async def open(self, inode: int) -> "Reader":
        self.fh = await self._operations.opendir(inode, CONTEXT)
        return self

    def _reply(self, left: list[int], name: bytes, entry: pyfuse3.EntryAttributes, position: int) -> bool:
        if left[0] == 0:
            return False
        left[0] -= 1
        self.sent.append((name.decode(), entry, position))
        self._position = position
        return True

    async def more(self) -> bool:
        """One READDIR; False when nothing came."""
        before = len(self.sent)
        token: Any = [self._room]
        await self._operations.readdir(self.fh, self._position, token)
        return len(self.sent) > before

    async def names(self) -> list[str]:
        """Everything there is, from the beginning."""
        self._position = 0
        self.sent.clear()
        while await self.more():
            pass
        return [name for name, _entry, _position in self.sent]
