"""Carries out operations (`ninedoor.client.steps`) on trio."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import trio

from ninedoor.client.channel import Channel
from ninedoor.client.steps import Batch, Operation, Pause
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m

T = TypeVar("T")

CLEANUP_S = 2.0
"""How long letting go of fids may take when it is not known whether anybody answers."""


class AsyncChannel(Protocol):
    """One session, as its client reaches it; raises what `ninedoor.client.channel.Channel` does."""

    async def call(self, request: Any) -> Any: ...

    async def call_many(self, requests: Sequence[Any]) -> list[Any]: ...

    def close(self) -> None: ...


class InProcess:
    """A channel of this process, which never waits, as an AsyncChannel: no call has a checkpoint, so each is
    atomic among the tasks."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def call(self, request: Any) -> Any:
        return self._channel.call(request)

    async def call_many(self, requests: Sequence[Any]) -> list[Any]:
        return self._channel.call_many(requests)

    def close(self) -> None:
        self._channel.close()


async def run(channel: AsyncChannel, operation: Operation[T]) -> T:
    """Carry out `operation`: its result, or what it raises. When it is cancelled, the steps it takes to clean
    up are still carried out, for at most CLEANUP_S."""
    resume: Any = operation.send
    value: Any = None
    while True:
        try:
            step: Any = resume(value)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            value, resume = await _perform(channel, step), operation.send
        except trio.Cancelled as cancelled:
            await _clean_up(channel, operation, cancelled)
            raise
        except Exception as failed:
            value, resume = failed, operation.throw


async def let_go(channel: AsyncChannel, operation: Operation[None]) -> None:
    """Carry out an `operation` that frees something, also for a caller that is cancelled; for at most
    CLEANUP_S."""
    with trio.CancelScope(shield=True, deadline=trio.current_time() + CLEANUP_S):
        await run(channel, operation)


async def _clean_up(channel: AsyncChannel, operation: Operation[T], cancelled: trio.Cancelled) -> None:
    ends = suppress(StopIteration, trio.Cancelled, P9Error)
    with trio.CancelScope(shield=True, deadline=trio.current_time() + CLEANUP_S), ends:
        step: Any = operation.throw(cancelled)
        while True:
            try:
                value = await _perform(channel, step)
            except (P9Error, trio.Cancelled) as failed:
                step = operation.throw(failed)
            else:
                step = operation.send(value)


async def _perform(channel: AsyncChannel, step: Any) -> Any:
    kind = type(step)
    if kind is Batch:
        return await channel.call_many(step.requests)
    if kind is Pause:
        await trio.sleep(step.seconds)
        return None
    if kind is m.Tclunk:
        # Not given up with its caller: it may still wait for its place in the window, and the fid would stay.
        with trio.CancelScope(shield=True, deadline=trio.current_time() + CLEANUP_S):
            return await channel.call(step)
        return None
    return await channel.call(step)
