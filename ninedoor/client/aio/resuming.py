"""The trio channel that comes back: a `TrioChannel` after the other, one session to its users.

What that means is decided in `ninedoor.client.resumption`. `ResumingTrioChannel.run` connects again in the
background, so that `state` tells how things are whether anybody asks or not.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from ninedoor.client.address import Address
from ninedoor.client.aio.channel import TrioChannel, connect_socket
from ninedoor.client.aio.driver import run
from ninedoor.client.connecting import CONNECT_TIMEOUT_S
from ninedoor.client.connection import CALL_TIMEOUT_S
from ninedoor.client.failures import ConnectError, ConnectionLost, Unanswered
from ninedoor.client.opening import address_of
from ninedoor.client.pipeline import WINDOW
from ninedoor.client.resumption import (
    CLOSED,
    Ask,
    ChannelState,
    Drop,
    Link,
    OnChange,
    Restore,
    Resumption,
)
from ninedoor.errors import P9Error
from ninedoor.wire.messages import Message

Connect = Callable[[], Awaitable[TrioChannel]]
"""A new connection. Raises ConnectError."""


class _Restoration:
    """One fid on its way into a new session, and who waits for it."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.failure: P9Error | None = None


class ResumingTrioChannel:
    """Calls are answered while `run` runs. `name` is the server's URL, for messages."""

    def __init__(
        self,
        connect: Connect,
        name: str,
        *,
        timeout_s: float = CALL_TIMEOUT_S,
        on_change: OnChange | None = None,
    ) -> None:
        self.name = name
        self._connect = connect
        self._resumption = Resumption(time.time(), timeout_s, on_change)
        self._closed = False
        self._link: Link | None = None
        self._refusal: P9Error | None = None
        """Why the server did not let us in again; None while that is not known."""
        self._news = trio.Event()
        """Set when `_link` or `_refusal` change."""
        self._restorations: dict[tuple[int, int], _Restoration] = {}
        self._nursery: trio.Nursery
        self._scope = trio.CancelScope()

    @property
    def timeout_s(self) -> float:
        """How long a call may take, connecting again included. May be set."""
        return self._resumption.timeout_s

    @timeout_s.setter
    def timeout_s(self, seconds: float) -> None:
        self._resumption.timeout_s = seconds

    @property
    def state(self) -> ChannelState:
        """How the connection is now."""
        return self._resumption.state

    async def call(self, request: Any) -> Any:
        """The reply to `request`. Raises P9Error: the server's errno for Rlerror; ETIMEDOUT when none came
        within `timeout_s`; ESTALE for a fid that is not what it was before the connection was lost; EIO for a
        write that was on its way then."""
        (result,) = await self.call_many((request,))
        if isinstance(result, P9Error):
            raise result
        return result

    async def call_many(self, requests: Sequence[Message]) -> list[Any]:
        """The replies in the order of the requests, which are sent in that order. What `call` would raise for
        one of them stands in its place."""
        deadline = trio.current_time() + self.timeout_s
        effects = self._resumption.call_many(requests)
        resume: Any = effects.send
        value: Any = None
        asked = False
        while True:
            try:
                effect = resume(value)
            except StopIteration as done:
                if not asked:
                    await trio.lowlevel.checkpoint()
                results: list[Any] = done.value
                return results
            asked = asked or type(effect) is Ask
            try:
                value, resume = await self._perform(effect, deadline), effects.send
            except P9Error as failed:
                value, resume = failed, effects.throw

    async def run(self, first: TrioChannel) -> None:
        """Begin with the connection `first`, and connect again whenever it is lost, until closed or over."""
        with self._scope:
            await self._serve(first)
            while not self.state.over:
                await self._serve(await self._connect_again())

    def close(self) -> None:
        """End the session; every later call raises ConnectionLost. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._scope.cancel()
        if self._link is not None:
            self._link.channel.close()
            self._link = None
        self._resumption.ended(time.time())
        self._tell()

    # -- connections --------------------------------------------------------------------------------------

    async def _serve(self, channel: TrioChannel) -> None:
        """Carry one connection until it is lost or good for nothing."""
        channel.timeout_s = self.timeout_s
        link = Link(self._resumption.next_epoch(), channel)
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(channel.run)
                if await self._begin(link):
                    await channel.wait_lost()
                nursery.cancel_scope.cancel()
        finally:
            self._drop(link, channel.lost or "")

    async def _begin(self, link: Link) -> bool:
        """Is the session there that `link` leads to?"""
        resumption = self._resumption
        try:
            await run(link.channel, resumption.hello(link.epoch))
        except P9Error as refused:
            self._refusal = refused if resumption.refused(refused) else None
            self._tell()
            return False
        if self._closed:
            return False
        self._link = link
        self._refusal = None
        resumption.connected(link.epoch, time.time())
        self._tell()
        return True

    async def _connect_again(self) -> TrioChannel:
        while True:
            await trio.sleep(self._resumption.pause_s)
            try:
                return await self._connect()
            except ConnectError as failed:
                self._refusal = None
                self._resumption.failed(failed.reason)

    def _drop(self, link: Link, why: str) -> None:
        """The link is no more, or good for nothing."""
        if self._link is link:
            self._link = None
            self._resumption.lost(why, time.time())
        link.channel.close()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    # -- effects ------------------------------------------------------------------------------------------

    async def _perform(self, effect: Any, deadline: float) -> Any:
        kind = type(effect)
        if kind is Ask:
            link = effect.link
            answers = await link.channel.call_many(effect.requests, max(0.0, deadline - trio.current_time()))
            if link.channel.lost is not None:
                self._drop(link, link.channel.lost)
            return answers
        if kind is Restore:
            return await self._restore(effect, deadline)
        if kind is Drop:
            return self._drop(effect.link, effect.why)
        return await self._live(deadline)

    async def _live(self, deadline: float) -> Link:
        if self._link is None:
            await self._wait_for_link(deadline)
        if self._link is None:
            raise self._resumption.late(self.name)
        return self._link

    async def _wait_for_link(self, deadline: float) -> None:
        """Until there is one, or the deadline has passed."""
        with trio.move_on_at(deadline):
            while self._link is None:
                if self._closed:
                    raise ConnectionLost(f"connection to {self.name} lost: {CLOSED}", left=False)
                if self._refusal is not None:
                    await trio.lowlevel.checkpoint()
                    raise P9Error(self._refusal.ecode, self._refusal.reason)
                await self._news.wait()

    async def _restore(self, effect: Restore, deadline: float) -> None:
        """Several tasks may want the same fid at the same time; a task of the link's own restores it, so that
        none of them, when it is cancelled, leaves that half done."""
        link, fid = effect
        key = (link.epoch, fid)
        restoration = self._restorations.get(key)
        if restoration is None:
            if link.channel.lost is not None:
                self._drop(link, link.channel.lost)
            if link is not self._link:
                raise ConnectionLost(f"connection to {self.name} lost", left=False)
            restoration = self._restorations[key] = _Restoration()
            self._nursery.start_soon(self._carry_out, link, fid, restoration)
        with trio.move_on_at(deadline):
            await restoration.done.wait()
        if not restoration.done.is_set():
            raise self._resumption.late(self.name)
        if restoration.failure is not None:
            raise restoration.failure

    async def _carry_out(self, link: Link, fid: int, restoration: _Restoration) -> None:
        try:
            if self._resumption.fids.is_lapsed(fid, link.epoch):
                await run(link.channel, self._resumption.fids.restore(fid, link.epoch))
        except P9Error as failure:
            restoration.failure = failure
            if isinstance(failure, Unanswered):
                # How far it came is not known, so the session cannot be gone on with.
                self._drop(link, failure.reason)
        except trio.Cancelled:
            restoration.failure = ConnectionLost(f"connection to {self.name} lost", left=False)
            raise
        finally:
            restoration.done.set()
            del self._restorations[link.epoch, fid]


@asynccontextmanager
async def open_channel(
    url: str | Address,
    *,
    timeout_s: float = CALL_TIMEOUT_S,
    window: int = WINDOW,
    on_change: OnChange | None = None,
) -> AsyncIterator[ResumingTrioChannel]:
    """A channel to the server at `url`, closed in the end; a lost connection is made again. Raises
    AddressError, and ConnectError when nobody is there now."""
    address = address_of(url)
    channel = ResumingTrioChannel(
        partial(_connect, address, window), str(address), timeout_s=timeout_s, on_change=on_change
    )
    first = await _connect(address, window)
    raised: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(channel.run, first)
        try:
            yield channel
        except BaseException as failure:
            # Raised outside, so that the nursery does not wrap into a group what is not its own.
            raised = failure
        finally:
            channel.close()
            nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


async def _connect(address: Address, window: int) -> TrioChannel:
    return TrioChannel(await connect_socket(address, CONNECT_TIMEOUT_S), str(address), window=window)
