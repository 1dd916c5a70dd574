"""File operations for trio: `ninedoor.client.client`, awaited. Any number of tasks may use one client.

What an operation does is in `ninedoor.client.operations`, `writing` and `tailing`.
"""

import errno
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ninedoor import limits
from ninedoor.client import contents, cursors, operations, writing
from ninedoor.client.address import Address
from ninedoor.client.aio.driver import AsyncChannel, let_go, run
from ninedoor.client.aio.resuming import open_channel
from ninedoor.client.connection import CALL_TIMEOUT_S
from ninedoor.client.cursors import NamedTail
from ninedoor.client.failures import ConnectionLost
from ninedoor.client.opening import not_spoken
from ninedoor.client.operations import Attached, Handle
from ninedoor.client.resumption import OnChange
from ninedoor.client.tailing import POLL_S, Cursor, Piece, Tail
from ninedoor.client.writing import ShortWrites
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import Dirent


class AsyncFile:
    """An open fid. Close it, or use it as an async context manager."""

    def __init__(self, channel: AsyncChannel, handle: Handle) -> None:
        self._channel = channel
        self._handle = handle
        self._closed = False

    @property
    def fid(self) -> int:
        return self._handle.fid

    @property
    def _open(self) -> Handle:
        """Raises EBADF once the file is closed."""
        if self._closed:
            raise P9Error(errno.EBADF, "the file is closed")
        return self._handle

    async def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at `offset`, at most one payload of the session; b"" at the end."""
        return await run(self._channel, operations.read(self._open, offset, size))

    async def read_all(self) -> bytes:
        """From offset 0 until a read brings nothing."""
        return await run(self._channel, operations.read_all(self._open))

    async def write(self, data: bytes, offset: int = limits.APPEND_OFFSET) -> int:
        """One Twrite; returns the bytes taken."""
        return await run(self._channel, operations.write(self._open, data, offset))

    async def write_all(
        self, data: bytes, *, short_writes: ShortWrites = "reject", pipelined: bool = False
    ) -> None:
        """Append all of `data`, in several writes where it needs them. See `writing.write_all`."""
        await run(
            self._channel,
            writing.write_all(self._open, data, short_writes=short_writes, pipelined=pipelined),
        )

    async def close(self) -> None:
        """Let go of the fid, whether cancelled or not. Idempotent."""
        if not self._closed:
            self._closed = True
            await let_go(self._channel, operations.clunk(self._handle.fid))

    async def __aenter__(self) -> "AsyncFile":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()


class AsyncClient:
    """An attached session. Raises P9Error wherever the server refuses. Made by `attach` or `connect`."""

    def __init__(self, channel: AsyncChannel, session: Attached) -> None:
        self.channel = channel
        self._session = session

    @classmethod
    async def attach(
        cls,
        channel: AsyncChannel,
        *,
        uname: str = "queen",
        ticket: str = "",
        msize: int = limits.MSIZE_MAX,
    ) -> "AsyncClient":
        """Begin a session over `channel`, which stays its owner's to close."""
        return cls(channel, await run(channel, operations.attach(uname, ticket, msize)))

    @property
    def root(self) -> int:
        """The fid of the root directory."""
        return self._session.root

    async def walk(self, path: str) -> int:
        """A new fid for `path`."""
        return await run(self.channel, operations.walk(self._session, path))

    async def clunk(self, fid: int) -> None:
        """Let go of `fid`."""
        await run(self.channel, operations.clunk(fid))

    async def open(self, path: str, flags: int = os.O_RDONLY) -> AsyncFile:
        """Walk and open with Linux open(2) `flags`."""
        return AsyncFile(self.channel, await run(self.channel, operations.open_(self._session, path, flags)))

    async def read(self, path: str) -> bytes:
        """Everything `path` holds."""
        return await run(self.channel, operations.read_path(self._session, path))

    async def whole(self, path: str, most: int) -> bytes:
        """As `read`, in as few requests as it takes. Raises EMSGSIZE for more than `most` bytes."""
        return await run(self.channel, contents.whole(self._session, path, most))

    async def latest(self, path: str, most: int) -> tuple[bytes, int]:
        """The last `most` bytes of `path`, from the beginning of a line on, and the offset behind them."""
        return await run(self.channel, contents.latest(self._session, path, most))

    async def append(self, path: str, data: bytes) -> int:
        """One write at the end of `path`; returns the bytes taken."""
        return await run(self.channel, operations.append(self._session, path, data))

    async def command(self, path: str, line: str) -> None:
        """Write one command to the ctl file at `path`. A refusal has the reason that the ctl file gives."""
        await run(self.channel, operations.command(self._session, path, line))

    async def stat(self, path: str) -> m.Rgetattr:
        """Attributes as Tgetattr tells them."""
        return await run(self.channel, operations.stat(self._session, path))

    async def entries(self, path: str) -> list[Dirent]:
        """The children of directory `path`."""
        return await run(self.channel, operations.entries(self._session, path))

    async def names(self, path: str) -> list[str]:
        """The names in directory `path`, sorted bytewise."""
        return [entry.name for entry in await self.entries(path)]

    async def cursor(self, path: str, name: str) -> int | None:
        """Where the cursor `name` of the telemetry at `path` stands; None when there is none."""
        return await run(self.channel, cursors.get(self._session, path, name))

    async def set_cursor(self, path: str, name: str, offset: int) -> None:
        """Let the cursor `name` stand at `offset`: all before it was dealt with."""
        await run(self.channel, cursors.set_(self._session, path, name, offset))

    async def drop_cursor(self, path: str, name: str) -> None:
        """Forget the cursor `name`."""
        await run(self.channel, cursors.drop(self._session, path, name))

    @asynccontextmanager
    async def tail(
        self,
        path: str,
        cursor: Cursor = "end",
        *,
        resume: str = "",
        follow: bool = True,
        interval_s: float = POLL_S,
    ) -> AsyncIterator[AsyncIterator[Piece]]:
        """New bytes of `path` from `cursor` on, piece by piece, for ever; up to its present end unless
        `follow`. An idle file is looked at every `interval_s`. See `ninedoor.client.tailing`. With `resume`,
        the name of a cursor that the hive keeps, from where that stands (see `ninedoor.client.cursors`).

        An async context manager, so that the file is closed at its end: `async with client.tail(path) as
        pieces`, then `async for piece in pieces`."""
        tail = cursors.tail(self._session, path, cursor, resume, follow=follow, interval_s=interval_s)
        try:
            async with aclosing(self._pieces(tail)) as pieces:
                yield pieces
        finally:
            await let_go(self.channel, tail.close())

    async def _pieces(self, tail: Tail | NamedTail) -> AsyncGenerator[Piece, None]:
        while piece := await run(self.channel, tail.next_piece()):
            yield piece


@asynccontextmanager
async def connect(
    url: str | Address,
    *,
    uname: str = "queen",
    ticket: str = "",
    timeout_s: float = CALL_TIMEOUT_S,
    on_change: OnChange | None = None,
) -> AsyncIterator[AsyncClient]:
    """An attached client of the server at `url`, for the time of an `async with`: `ninedoor.client.connect`
    with the same arguments and errors. The connection is kept up in the background."""
    async with open_channel(url, timeout_s=timeout_s, on_change=on_change) as channel:
        try:
            client = await AsyncClient.attach(channel, uname=uname, ticket=ticket)
        except ConnectionLost as lost:
            raise not_spoken(channel.name, lost) from lost
        yield client
