"""The blocking channel that comes back: a `SocketChannel` after the other, one session to its user.

What that means is decided in `resumption.py`. There is nobody to connect in the background: a call that finds
the connection lost makes the next one, within its own deadline.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from ninedoor.client.client import run
from ninedoor.client.connecting import CONNECT_TIMEOUT_S
from ninedoor.client.connection import CALL_TIMEOUT_S
from ninedoor.client.failures import ConnectError, ConnectionLost, Unanswered
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
from ninedoor.client.sockets import SocketChannel
from ninedoor.errors import P9Error
from ninedoor.wire.messages import Message

Connect = Callable[[float], SocketChannel]
"""A new connection within so many seconds. Raises ConnectError."""


class _Timed:
    """A channel whose calls all end at one deadline."""

    def __init__(self, channel: SocketChannel, deadline: float) -> None:
        self._channel = channel
        self._deadline = deadline

    def call(self, request: Any) -> Any:
        return self._channel.call(request, self._left())

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        return self._channel.call_many(requests, self._left())

    def close(self) -> None:
        self._channel.close()

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


class ResumingChannel:
    """Satisfies `channel.Channel`. `name` is the server's URL, for messages. Raises ConnectError when the
    first connection cannot be made."""

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
        self._not_before = 0.0
        self._closed = False
        self._link = Link(self._resumption.next_epoch(), connect(CONNECT_TIMEOUT_S))
        self._resumption.connected(self._link.epoch, time.time())

    @property
    def timeout_s(self) -> float:
        """How long a call may take, connecting again included."""
        return self._resumption.timeout_s

    @property
    def state(self) -> ChannelState:
        """How the connection is; looked at when it is used, so a loss shows with the next call."""
        return self._resumption.state

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Raises ETIMEDOUT after `timeout_s`, ESTALE for a fid that is not what it was,
        EIO for a write that was on its way when the connection was lost."""
        (result,) = self.call_many((request,))
        if isinstance(result, P9Error):
            raise result
        return result

    def call_many(self, requests: Sequence[Message]) -> list[Any]:
        """See `Channel.call_many`."""
        deadline = time.monotonic() + self.timeout_s
        effects = self._resumption.call_many(requests)
        resume: Any = effects.send
        value: Any = None
        while True:
            try:
                effect = resume(value)
            except StopIteration as done:
                results: list[Any] = done.value
                return results
            try:
                value, resume = self._perform(effect, deadline), effects.send
            except P9Error as failed:
                value, resume = failed, effects.throw

    def close(self) -> None:
        """See `Channel.close`."""
        if not self._closed:
            self._closed = True
            self._link.channel.close()
            self._resumption.ended(time.time())

    def __enter__(self) -> "ResumingChannel":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # -- effects ------------------------------------------------------------------------------------------

    def _perform(self, effect: Any, deadline: float) -> Any:
        kind = type(effect)
        if kind is Ask:
            return self._ask(effect, deadline)
        if kind is Restore:
            return self._restore(effect, deadline)
        if kind is Drop:
            return self._drop(effect.link, effect.why)
        return self._live(deadline)

    def _ask(self, effect: Ask, deadline: float) -> list[Any]:
        answers = _Timed(effect.link.channel, deadline).call_many(effect.requests)
        self._notice(effect.link)
        return answers

    def _restore(self, effect: Restore, deadline: float) -> None:
        link = effect.link
        try:
            run(_Timed(link.channel, deadline), self._resumption.fids.restore(effect.fid, link.epoch))
        except Unanswered as unanswered:
            # How far it came is not known, so the session cannot be gone on with.
            self._drop(link, unanswered.reason)
            raise

    def _drop(self, link: Link, why: str) -> None:
        link.channel.close()
        self._lost(why)

    def _notice(self, link: Link) -> None:
        if link.channel.lost is not None:
            self._lost(link.channel.lost)

    def _lost(self, why: str) -> None:
        if self._resumption.lost(why, time.time()):
            self._not_before = time.monotonic() + self._resumption.pause_s

    def _live(self, deadline: float) -> Link:
        while self._link.channel.lost is not None:
            if self._closed:
                raise ConnectionLost(f"connection to {self.name} lost: {CLOSED}", left=False)
            if self._resumption.refusal is not None:
                raise P9Error(self._resumption.refusal.ecode, self._resumption.refusal.reason)
            self._notice(self._link)
            self._wait(deadline)
            self._connect_again(deadline)
        return self._link

    def _wait(self, deadline: float) -> None:
        """Raises ETIMEDOUT when the next attempt is not due before the deadline."""
        now = time.monotonic()
        time.sleep(max(0.0, min(self._not_before, deadline) - now))
        if time.monotonic() >= deadline:
            raise self._resumption.late(self.name)

    def _connect_again(self, deadline: float) -> None:
        resumption = self._resumption
        epoch = resumption.next_epoch()
        try:
            channel = self._connect(min(CONNECT_TIMEOUT_S, deadline - time.monotonic()))
        except ConnectError as failed:
            self._failed(failed.reason)
            return
        try:
            run(_Timed(channel, deadline), resumption.hello(epoch))
        except P9Error as refused:
            channel.close()
            is_told = resumption.refused(refused)
            self._not_before = time.monotonic() + resumption.pause_s
            if is_told:
                raise
            return
        except BaseException:
            channel.close()
            raise
        self._link = Link(epoch, channel)
        resumption.connected(epoch, time.time())

    def _failed(self, why: str) -> None:
        self._resumption.failed(why)
        self._not_before = time.monotonic() + self._resumption.pause_s
