"""A session behind a socket, for programs that wait for each answer: unix sockets and TCP.

One thread, one channel. Every wait ends at a deadline; a request that reached its own is flushed and the
channel stays good. Once the connection is lost it stays lost: `resuming.py` is the channel that comes back.
"""

import select
import socket
import time
from collections.abc import Sequence
from math import ceil
from typing import Any

from ninedoor.client.address import Address
from ninedoor.client.connecting import CONNECT_TIMEOUT_S, Connecting, Resolve, Writable, connecting
from ninedoor.client.connection import CALL_TIMEOUT_S, Connection
from ninedoor.client.exchange import Exchange
from ninedoor.client.pipeline import WINDOW
from ninedoor.errors import P9Error
from ninedoor.wire.messages import Message

WAIT_MOST_S = 3600.0
"""Longest single wait, so that any deadline can be counted in the milliseconds of poll(2)."""


def connect_socket(address: Address, timeout_s: float = CONNECT_TIMEOUT_S) -> socket.socket:
    """A connected non-blocking socket. Raises ConnectError."""
    return _wait_for(connecting(address, timeout_s))


def _wait_for(steps: Connecting) -> socket.socket:
    resume: Any = steps.send
    value: Any = None
    while True:
        try:
            step = resume(value)
        except StopIteration as done:
            connected: socket.socket = done.value
            return connected
        try:
            value, resume = _perform(step), steps.send
        except (OSError, UnicodeError) as failed:
            value, resume = failed, steps.throw


def _perform(step: Any) -> Any:
    if isinstance(step, Resolve):
        return socket.getaddrinfo(step.host, step.port, type=socket.SOCK_STREAM)
    if isinstance(step, Writable):
        poll = select.poll()
        poll.register(step.socket, select.POLLOUT)
        return bool(poll.poll(_milliseconds(step.seconds)))
    time.sleep(step.seconds)
    return None


def _milliseconds(seconds: float) -> int:
    """As poll(2) takes them, rounded up: it waits for ever for fewer than none."""
    return ceil(1000 * max(0.0, min(seconds, WAIT_MOST_S)))


class SocketChannel:
    """Satisfies `channel.Channel`. `name` is the server's URL, for messages. `connected` is non-blocking and
    belongs to the channel from now on."""

    def __init__(
        self,
        connected: socket.socket,
        name: str,
        *,
        timeout_s: float = CALL_TIMEOUT_S,
        window: int = WINDOW,
        at_once: int = 1,
    ) -> None:
        """For `window` and `at_once` see `Connection`."""
        self.name = name
        self.timeout_s = timeout_s
        self._poll = select.poll()
        self._events = select.POLLIN
        self._poll.register(connected, self._events)
        self._connection = Connection(connected, name, window, self._poll.unregister, at_once)

    @property
    def lost(self) -> str | None:
        """Why the connection is no more, None while it is."""
        return self._connection.lost

    def call(self, request: Any, timeout_s: float | None = None) -> Any:
        """See `Channel.call`. Raises ETIMEDOUT when no reply has come after `timeout_s` (the channel's own
        unless given)."""
        (result,) = self.call_many((request,), timeout_s)
        if isinstance(result, P9Error):
            raise result
        return result

    def call_many(self, requests: Sequence[Message], timeout_s: float | None = None) -> list[Any]:
        """See `Channel.call_many`. The deadline is for each reply: it begins anew with every one."""
        connection = self._connection
        if connection.lost is not None:
            return [connection.failure(False) for _ in requests]
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        exchange = connection.open(requests)
        try:
            connection.send()
            while not exchange.done:
                self._wait(exchange, timeout_s)
        except BaseException:
            connection.abandon(exchange)
            raise
        return exchange.results

    def close(self) -> None:
        """See `Channel.close`."""
        self._connection.lose("the client closed it")

    def __enter__(self) -> "SocketChannel":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _wait(self, exchange: Exchange, timeout_s: float) -> None:
        """Until replies of `exchange` have come, or it was given up at the deadline."""
        connection = self._connection
        heard, answered = connection.heard, exchange.answered
        deadline = time.monotonic() + timeout_s
        while exchange.answered == answered and not exchange.done:
            remaining = deadline - time.monotonic()
            if self._poll_for(remaining):
                connection.send()
                connection.receive()
            elif remaining <= 0:
                connection.give_up(exchange, timeout_s, heard)

    def _poll_for(self, seconds: float) -> bool:
        """Wait until there is something to receive, or room to send where that is wanted; False after
        `seconds`."""
        events = select.POLLIN | (select.POLLOUT if self._connection.blocked else 0)
        if events != self._events:
            self._events = events
            self._poll.modify(self._connection.socket, events)
        return bool(self._poll.poll(_milliseconds(seconds)))
