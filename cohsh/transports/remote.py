"""Files of a hive that a 9P client reaches: over a socket, or in this process."""

import errno
from collections.abc import Callable, Iterator

from cohsh.transports.namespace import NamespaceTransport, News, SessionFiles
from cohsh.transports.transport import Notice, Unreachable
from ninedoor.client.client import Client
from ninedoor.client.failures import ConnectError, Unanswered
from ninedoor.client.opening import connect
from ninedoor.client.resumption import CLOSED, ChannelState
from ninedoor.client.tailing import Cursor
from ninedoor.config import Role

Subject = Callable[[str], str]
"""Whom a ticket names; "" for nobody. A 9P attach has to say it."""


class ClientFiles(SessionFiles):
    """The namespace of an attached `client`, which is closed with it. `notice` hears why nothing comes."""

    def __init__(self, client: Client, notice: Notice) -> None:
        self._client = client
        self._notice = notice

    def whole(self, path: str, most: int) -> bytes:
        """See `Files.whole`."""
        return self._client.whole(path, most)

    def latest(self, path: str, most: int) -> tuple[bytes, int]:
        """See `Files.latest`."""
        return self._client.latest(path, most)

    def names(self, path: str) -> list[str]:
        """See `Files.names`."""
        return self._client.names(path)

    def append(self, path: str, data: bytes) -> None:
        """See `Files.append`."""
        self._client.append(path, data)

    def news(self, path: str, cursor: int, interval_s: float) -> Iterator[News]:
        """See `SessionFiles.news`. A hive that is away for longer than a call may take is waited for."""
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

    def ping(self) -> None:
        """See `SessionFiles.ping`."""
        self._client.stat("/")

    def close(self) -> None:
        """See `SessionFiles.close`."""
        self._client.close()


class Dial:
    """Attaches over the socket at `url`; the connection is made again when it is lost. `subject` reads
    tickets. No call takes longer than `timeout_s`. Notices tell of the first connection, of losses and of
    returns; an attach that takes the place of another, or is one of a pool, is nothing to tell."""

    def __init__(self, url: str, subject: Subject, notice: Notice, timeout_s: float) -> None:
        self._url = url
        self._subject = subject
        self._notice = notice
        self._timeout_s = timeout_s
        self._connects = 0

    def __call__(self, role: Role, ticket: str) -> ClientFiles:
        """See `namespace.Attach`."""
        uname = role if role == "queen" else f"{role}:{self._subject(ticket)}"
        attached = False

        def changed(state: ChannelState) -> None:
            if attached:
                self._changed(state)

        try:
            client = connect(
                self._url, uname=uname, ticket=ticket, timeout_s=self._timeout_s, on_change=changed
            )
        except ConnectError as nobody:
            raise Unreachable(str(nobody)) from nobody
        attached = True
        if not self._connects:
            self._connected()
        return ClientFiles(client, self._notice)

    def _connected(self) -> None:
        self._connects += 1
        self._notice(f"connected to {self._url} (connects={self._connects})")

    def _changed(self, state: ChannelState) -> None:
        if state.connected:
            self._connected()
        elif state.over:
            self._notice(f"{self._url} does not let us in any more: {state.why}; attach anew")
        elif state.why != CLOSED and not state.attempts:
            self._notice(f"connection lost: {state.why}")


def over_9p(url: str, subject: Subject, notice: Notice, timeout_s: float) -> NamespaceTransport:
    """The transport `9p`."""
    return NamespaceTransport("9p", Dial(url, subject, notice, timeout_s), beats=True)
