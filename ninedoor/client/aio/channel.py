"""A session behind a socket, for trio: any number of tasks call at once over one connection.

`TrioChannel.run` takes replies in and hands them out. A caller that is alone sends for itself; what several
ask in the same moment leaves in one piece, which is what makes many calls cheap. A caller that is cancelled
leaves nothing behind: its request is flushed.
"""

import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import trio

from ninedoor.client.address import Address
from ninedoor.client.connecting import CONNECT_TIMEOUT_S, Resolve, Writable, connecting
from ninedoor.client.connection import CALL_TIMEOUT_S, Connection
from ninedoor.client.exchange import Exchange
from ninedoor.client.pipeline import WINDOW
from ninedoor.errors import P9Error
from ninedoor.wire.messages import Message

ROUNDS = 8
"""Receives in a row after which other tasks have their turn."""


async def connect_socket(address: Address, timeout_s: float = CONNECT_TIMEOUT_S) -> socket.socket:
    """A connected non-blocking socket. Raises ConnectError."""
    steps = connecting(address, timeout_s)
    resume: Any = steps.send
    value: Any = None
    while True:
        try:
            step = resume(value)
        except StopIteration as done:
            connected: socket.socket = done.value
            return connected
        try:
            value, resume = await _perform(step), steps.send
        except BaseException as failed:
            value, resume = failed, steps.throw


async def _perform(step: Any) -> Any:
    if isinstance(step, Resolve):
        return await trio.socket.getaddrinfo(step.host, step.port, type=socket.SOCK_STREAM)
    if isinstance(step, Writable):
        with trio.move_on_after(step.seconds) as waiting:
            await trio.lowlevel.wait_writable(step.socket)
        return not waiting.cancelled_caught
    await trio.sleep(step.seconds)
    return None


class TrioChannel:
    """One connection; calls are answered while `run` runs. `name` is the server's URL, for messages.
    `connected` is non-blocking and belongs to the channel from now on."""

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
        self.timeout_s = timeout_s
        self._connection = Connection(connected, name, window, trio.lowlevel.notify_closing, at_once)
        self._callers: dict[Exchange, trio.Event] = {}
        self._ended = trio.Event()
        self._unsent = trio.Event()
        """Set when there is something to send that was not sent at once."""

    @property
    def lost(self) -> str | None:
        """Why the connection is no more, None while it is."""
        return self._connection.lost

    async def call(self, request: Any, timeout_s: float | None = None) -> Any:
        """The reply to `request`. Raises P9Error: the server's errno for Rlerror, ETIMEDOUT when none has
        come after `timeout_s` (the channel's own unless given), ConnectionLost."""
        (result,) = await self.call_many((request,), timeout_s)
        if isinstance(result, P9Error):
            raise result
        return result

    async def call_many(self, requests: Sequence[Message], timeout_s: float | None = None) -> list[Any]:
        """The replies in the order of the requests, which are sent in that order. What `call` would raise for
        one of them stands in its place. The deadline begins anew with every reply."""
        connection = self._connection
        await trio.lowlevel.checkpoint_if_cancelled()
        if connection.lost is not None:
            await trio.lowlevel.checkpoint()
            return [connection.failure(False) for _ in requests]
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        exchange = connection.open(requests)
        try:
            if exchange.alone:
                connection.send()
            self._send_soon()
            if exchange.done:
                await trio.lowlevel.checkpoint()
            while not exchange.done:
                await self._wait(exchange, timeout_s)
        except BaseException:
            connection.abandon(exchange)
            self._send_soon()
            raise
        finally:
            self._callers.pop(exchange, None)
        return exchange.results

    async def run(self) -> None:
        """Carry the bytes until the connection is lost or closed; returns then."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send_rest)
                await self._receive()
                nursery.cancel_scope.cancel()
        finally:
            self._lose("nobody reads from it")
            self._ended.set()

    async def wait_lost(self) -> None:
        """Until `run` has ended."""
        await self._ended.wait()

    def close(self) -> None:
        """Hang up. Whoever waits meets ConnectionLost. Idempotent."""
        self._lose("the client closed it")

    async def _wait(self, exchange: Exchange, timeout_s: float) -> None:
        """Until replies of `exchange` have come, or it was given up at the deadline."""
        connection = self._connection
        heard, answered = connection.heard, exchange.answered
        came = self._callers[exchange] = trio.Event()
        with trio.move_on_after(timeout_s):
            await came.wait()
        if exchange.answered == answered and not exchange.done:
            connection.give_up(exchange, timeout_s, heard)
            self._send_soon()

    def _wake(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            caller = self._callers.get(exchange)
            if caller is not None:
                caller.set()

    def _lose(self, why: str) -> None:
        self._wake(self._connection.lose(why))

    def _send_soon(self) -> None:
        if self._connection.blocked:
            self._unsent.set()

    async def _receive(self) -> None:
        connection = self._connection
        rounds = 0
        while connection.lost is None:
            answered = connection.receive()
            if answered is None:
                rounds = 0
                with suppress(trio.ClosedResourceError):
                    await trio.lowlevel.wait_readable(connection.socket)
                continue
            self._wake(answered)
            self._send_soon()
            rounds += 1
            if rounds == ROUNDS:
                rounds = 0
                await trio.lowlevel.checkpoint()

    async def _send_rest(self) -> None:
        """Send what callers left here, as soon as the socket takes it."""
        connection = self._connection
        while True:
            await self._unsent.wait()
            self._unsent = trio.Event()
            connection.send()
            while connection.blocked and connection.lost is None:
                with suppress(trio.ClosedResourceError):
                    await trio.lowlevel.wait_writable(connection.socket)
                connection.send()
