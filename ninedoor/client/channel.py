"""How a client's requests reach a session: as decoded messages, or as real bytes. Both answer alike.

`LocalChannel` is what embedded doors and supervised workers use; `FrameChannel` runs the same calls through
`encode` → `Connection.receive` → `decode`, so that tests and sockets share one road.
"""

import errno
import os
from collections.abc import Callable
from itertools import count
from typing import Any, Protocol

from ninedoor.errors import P9Error, WireError
from ninedoor.limits import NOTAG
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.messages import Rlerror

Clock = Callable[[], float]
"""Unix time in seconds, never going backwards."""


class Channel(Protocol):
    def call(self, request: Any) -> Any:
        """The reply to `request`. Raises P9Error with the peer's errno for Rlerror."""

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

    def receive(self, data: bytes, now: float) -> bytes: ...

    def end(self, reason: str) -> None: ...


def refusal(ecode: int) -> P9Error:
    """The exception for an Rlerror: the wire carries no reason, so errno's own text stands in."""
    return P9Error(ecode, os.strerror(ecode).lower())


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


class LocalChannel:
    """Decoded messages straight into a session of this process."""

    def __init__(self, session: _Session, clock: Clock) -> None:
        self.session = session
        self.clock = clock
        self._call = local_call(session, clock)

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Journalled before it returns."""
        return self._call(request)

    def close(self) -> None:
        self.session.close("client closed")


class FrameChannel:
    """Real frames through a `Connection` of this process, one request at a time."""

    def __init__(self, connection: _Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._tags = count(1)

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Raises WireError when the reply is not the one asked for, ESTALE after the
        connection was closed."""
        if self._connection.closed is not None:
            raise P9Error(errno.ESTALE, self._connection.closed)
        tag = next(self._tags) % NOTAG
        data = self._connection.receive(encode(tag, request), self._clock())
        answered, reply = decode_reply(data, 0, len(data))
        if answered != tag:
            raise WireError(f"reply to tag {answered}, asked with {tag}", tag)
        if type(reply) is Rlerror:
            raise refusal(reply.ecode)
        return reply

    def close(self) -> None:
        self._connection.end("client closed")
