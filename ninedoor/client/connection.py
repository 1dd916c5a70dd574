"""A connected socket and what goes over it. Nothing here waits: channels do that, each in its own way."""

import errno
import socket
from collections.abc import Callable, Sequence
from functools import partial

from ninedoor.client.exchange import Exchange, Exchanges
from ninedoor.client.failures import ConnectionLost, Unanswered
from ninedoor.client.pipeline import Pipeline
from ninedoor.wire.messages import Message

CALL_TIMEOUT_S = 15.0
"""How long a reply may take. Servers answer within milliseconds; this is for networks and full machines."""

RECEIVE_BYTES = 1 << 16
"""Most bytes taken from the socket at once."""


class Connection:
    """`connected` is non-blocking, and belongs to the connection from now on; `closing` is called with it
    before it is closed. `name` is the server's URL, for messages. At most `window` requests are in flight;
    that the server takes `at_once` need not be found out. `heard` counts the bytes received."""

    def __init__(
        self,
        connected: socket.socket,
        name: str,
        window: int,
        closing: Callable[[socket.socket], None],
        at_once: int = 1,
    ) -> None:
        self.socket = connected
        self.name = name
        self.heard = 0
        self._exchanges = Exchanges(Pipeline(window), at_once)
        self._closing = closing
        self._sends = True
        self._why: str | None = None

    @property
    def lost(self) -> str | None:
        """Why the connection is no more, None while it is."""
        return self._why

    @property
    def blocked(self) -> bool:
        """Are there bytes to send that the socket did not take?"""
        return self._sends and bool(self._exchanges.pipeline.unsent)

    def open(self, requests: Sequence[Message]) -> Exchange:
        """Put `requests` on their way as the window allows. Then call `send`. Precondition: not lost."""
        return self._exchanges.open(requests)

    def send(self) -> None:
        """Send what the socket takes now."""
        if self._why is not None or not self.blocked:
            return
        pipeline = self._exchanges.pipeline
        try:
            pipeline.sent(self.socket.send(pipeline.unsent))
        except BlockingIOError:
            return
        except OSError:
            # There may be replies to read that were sent before the peer went; reading meets the end then.
            self._sends = False

    def receive(self) -> set[Exchange] | None:
        """Take what is there: whose replies came, None when nothing was there. May find the connection lost,
        which wakes everybody."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return None
        except OSError as failed:
            return self.lose(str(failed.strerror).lower())
        pipeline = self._exchanges.pipeline
        if not data:
            cut = " inside a frame" if pipeline.inside_frame else ""
            return self.lose(f"the server closed it{cut}")
        self.heard += len(data)
        answered = self._exchanges.receive(data)
        if pipeline.broken is not None:
            answered |= self.lose(f"the server broke the protocol: {pipeline.broken}")
        self.send()
        return answered

    def lose(self, why: str) -> set[Exchange]:
        """Hang up. Every exchange that is not done fails; returns them. Idempotent."""
        if self._why is not None:
            return set()
        self._why = why
        self._closing(self.socket)
        self.socket.close()
        return self._exchanges.fail(self.failure)

    def failure(self, left: bool) -> ConnectionLost:
        """What becomes of a request when the connection is lost."""
        return ConnectionLost(f"connection to {self.name} lost: {self._why}", left=left)

    def give_up(self, exchange: Exchange, timeout_s: float, heard: int) -> None:
        """No reply of `exchange` came within `timeout_s`, before which `heard` was what it says."""
        silent_s = timeout_s if heard == self.heard else 0.0
        exchange.give_up(partial(self._late, timeout_s, silent_s))
        self.send()

    def abandon(self, exchange: Exchange) -> None:
        """Nobody waits for `exchange` any more, nor for what has come of it."""
        exchange.abandon(self.failure)
        self.send()

    def _late(self, timeout_s: float, silent_s: float, left: bool) -> Unanswered:
        return Unanswered(
            errno.ETIMEDOUT,
            f"no reply from {self.name} within {timeout_s:.3g} s",
            left=left,
            silent_s=silent_s,
        )
