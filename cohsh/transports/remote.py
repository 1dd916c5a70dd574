"""Files of a hive that a 9P client reaches: over a socket, or in this process.

A file is read in as few requests as it takes, because rates and quotas of tickets count each of them.
"""

import errno
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cohsh.transports.namespace import Files, Latest, NamespaceTransport, News
from cohsh.transports.transport import Notice, Unreachable
from ninedoor import limits
from ninedoor.client.client import Client, File
from ninedoor.client.failures import ConnectError, Unanswered
from ninedoor.client.opening import connect
from ninedoor.client.operations import GETATTR_BASIC
from ninedoor.client.resumption import CLOSED, ChannelState
from ninedoor.client.tailing import GETATTR_DATA_VERSION, Cursor
from ninedoor.config import Role
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid

Subject = Callable[[str], str]
"""Whom a ticket names; "" for nobody. A 9P attach has to say it."""


class _Extent(NamedTuple):
    """What a file holds: the bytes from offset `base` to `end`."""

    base: int
    end: int


class ClientFiles(Files):
    """The namespace of an attached `client`, which is closed with it. `notice` hears why nothing comes."""

    def __init__(self, client: Client, notice: Notice) -> None:
        self._client = client
        self._notice = notice

    def whole(self, path: str, most: int) -> bytes:
        """See `Files.whole`."""
        with self._client.open(path) as file:
            return _read(file, self._extent(file), most)

    def latest(self, path: str, most: int) -> Latest:
        """See `Files.latest`."""
        with self._client.open(path) as file:
            base, end = self._extent(file)
            start = max(base, end - most)
            content = _read(file, _Extent(start, end), 2 * most)
        behind = start + len(content)
        return Latest(content if start == base else content.partition(b"\n")[2] or content, behind)

    def names(self, path: str) -> list[str]:
        """See `Files.names`."""
        return self._client.names(path)

    def append(self, path: str, data: bytes) -> None:
        """See `Files.append`."""
        self._client.append(path, data)

    def news(self, path: str, cursor: int, interval_s: float) -> Iterator[News]:
        """See `Files.news`. A hive that is away for longer than a call may take is waited for."""
        position: Cursor = cursor
        waiting = False
        while True:
            try:
                for piece in self._client.tail(path, position, interval_s=interval_s):
                    position, waiting = piece.end, False
                    yield News(piece.data, piece.lost)
            except Unanswered as silent:
                if silent.ecode != errno.ETIMEDOUT:
                    raise
                if not waiting:
                    self._notice(f"still waiting for {path}: {silent.reason}")
                waiting = True

    def close(self) -> None:
        """See `Files.close`."""
        self._client.close()

    def _extent(self, file: File) -> _Extent:
        reply: m.Rgetattr = self._client.channel.call(
            m.Tgetattr(Fid(file.fid), GETATTR_BASIC | GETATTR_DATA_VERSION)
        )
        return _Extent(reply.data_version if reply.valid & GETATTR_DATA_VERSION else 0, reply.size)


def _read(file: File, extent: _Extent, most: int) -> bytes:
    """The bytes of `extent`, and what came after them meanwhile. One byte more than there should be is asked
    for: who does not get it has met the end, without another request."""
    parts: list[bytes] = []
    at = extent.base
    while True:
        remaining = max(extent.end - at, 0)
        asked = remaining + 1 if remaining or not parts else limits.MSIZE_MAX
        part = file.read(at, asked)
        parts.append(part)
        at += len(part)
        if at - extent.base > most:
            raise P9Error(errno.EMSGSIZE, f"file of over {most} bytes")
        if not part or (at >= extent.end and len(part) <= remaining):
            return b"".join(parts)


class Dial:
    """Attaches over the socket at `url`; the connection is made again when it is lost. `subject` reads
    tickets. No call takes longer than `timeout_s`."""

    def __init__(self, url: str, subject: Subject, notice: Notice, timeout_s: float) -> None:
        self._url = url
        self._subject = subject
        self._notice = notice
        self._timeout_s = timeout_s
        self._connects = 0

    def __call__(self, role: Role, ticket: str) -> ClientFiles:
        """See `namespace.Attach`."""
        uname = role if role == "queen" else f"{role}:{self._subject(ticket)}"
        try:
            client = connect(
                self._url, uname=uname, ticket=ticket, timeout_s=self._timeout_s, on_change=self._changed
            )
        except ConnectError as nobody:
            raise Unreachable(str(nobody)) from nobody
        return ClientFiles(client, self._notice)

    def _changed(self, state: ChannelState) -> None:
        if state.connected:
            self._connects += 1
            self._notice(f"connected to {self._url} (connects={self._connects})")
        elif state.why != CLOSED:
            self._notice(f"connection lost: {state.why}")


def over_9p(url: str, subject: Subject, notice: Notice, timeout_s: float) -> NamespaceTransport:
    """The transport `9p`."""
    return NamespaceTransport("9p", Dial(url, subject, notice, timeout_s))
