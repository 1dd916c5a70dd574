"""How a client's requests reach a session of this process: as decoded messages, or as real bytes. Both answer
alike, and like a socket (`sockets.py`).

`LocalChannel` is what embedded doors and supervised workers use; `FrameChannel` runs the same calls through
frames and a `Connection`, so that tests and sockets share one road.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ninedoor.client.exchange import Exchanges
from ninedoor.client.failures import ConnectionLost
from ninedoor.client.pipeline import WINDOW, Pipeline, refusal
from ninedoor.errors import P9Error
from ninedoor.wire.messages import Message, Rlerror

Clock = Callable[[], float]
"""Unix time in seconds, never going backwards."""


class Channel(Protocol):
    """One session, as its client reaches it. Belongs to one thread."""

    def call(self, request: Any) -> Any:
        """The reply to `request`. Raises P9Error: with the peer's errno for Rlerror, `failures.Unanswered`
        when no reply comes."""

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        """The replies in the order of the requests, which are sent in that order and without waiting for each
        other. What `call` would raise for one of them stands in its place."""

    def close(self) -> None:
        """End the session behind the channel. Idempotent."""


class _Session(Protocol):
    """The slice of `ninedoor.session.session.Session` that is used here (client and session never import
    each other)."""

    def handle(self, request: Any, now: float) -> Any: ...

    commit: Callable[[], None]

    def close(self, reason: str = ...) -> None: ...


class _Connection(Protocol):
    closed: str | None

    @property
    def more(self) -> bool: ...

    def receive(self, data: bytes, now: float) -> bytes: ...

    def end(self, reason: str) -> None: ...


def local_call(session: _Session, clock: Clock) -> Callable[[Any], Any]:
    """`LocalChannel.call` without the channel, for a door that makes a hundred thousand calls a second:
    nothing that never changes is looked up."""
    handle, commit = session.handle, session.commit

    def call(request: Any) -> Any:
        reply = handle(request, clock())
        commit()
        if type(reply) is Rlerror:
            raise refusal(reply.ecode)
        return reply

    return call


def one_by_one(call: Callable[[Any], Any], requests: Sequence[Any]) -> list[Any]:
    """`Channel.call_many` where there is nothing to gain from sending ahead."""
    results: list[Any] = []
    for request in requests:
        try:
            results.append(call(request))
        except P9Error as refused:
            results.append(refused)
    return results


class LocalChannel:
    """Decoded messages straight into a session of this process."""

    def __init__(self, session: _Session, clock: Clock) -> None:
        self.session = session
        self.clock = clock
        self._call = local_call(session, clock)

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Journalled before it returns."""
        return self._call(request)

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        """See `Channel.call_many`."""
        return one_by_one(self._call, requests)

    def close(self) -> None:
        self.session.close("client closed")


class FrameChannel:
    """Real frames through a `Connection` of this process."""

    def __init__(self, connection: _Connection, clock: Clock, window: int = WINDOW) -> None:
        self._connection = connection
        self._clock = clock
        self._pipeline = Pipeline(window)
        self._exchanges = Exchanges(self._pipeline)
        self._why: str | None = None

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Raises ConnectionLost after the connection was closed, and when its bytes are
        not what was asked for."""
        (result,) = self.call_many((request,))
        if isinstance(result, P9Error):
            raise result
        return result

    def call_many(self, requests: Sequence[Message]) -> list[Any]:
        """See `Channel.call_many`."""
        pipeline = self._pipeline
        self._why = self._why or self._connection.closed
        if self._why is not None:
            return [self._lost(False) for _ in requests]
        exchange = self._exchanges.open(requests)
        while not exchange.done:
            frames = bytes(pipeline.unsent)
            pipeline.sent(len(frames))
            answered = self._exchanges.receive(self._connection.receive(frames, self._clock()))
            if not (answered or pipeline.unsent or self._connection.more):
                self._why = str(pipeline.broken or self._connection.closed or "no reply")
                self._exchanges.fail(self._lost)
        return exchange.results

    def _lost(self, left: bool) -> ConnectionLost:
        return ConnectionLost(self._why or "", left=left)

    def close(self) -> None:
        self._connection.end("client closed")
