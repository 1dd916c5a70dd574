"""A session of this process that says why it refuses.

A reply has room for an errno only. Whoever shares the process with the session gets the refusal itself, which
tells apart what a role, a ticket and a node refuse.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ninedoor.client.channel import Clock, one_by_one
from ninedoor.errors import P9Error
from ninedoor.wire.messages import Rlerror


class _Session(Protocol):
    """The slice of `ninedoor.session.session.Session` that is used here."""

    refusal: P9Error | None

    def handle(self, request: Any, now: float) -> Any: ...

    commit: Callable[[], None]

    def close(self, reason: str = ...) -> None: ...


class ExplainedChannel:
    """Satisfies `client.channel.Channel`; refusals are raised as they were made. `farewell` is what the
    session is told when it is closed."""

    def __init__(self, session: _Session, clock: Clock, farewell: str = "client closed") -> None:
        self._session = session
        self._clock = clock
        self._farewell = farewell

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Journalled before it returns."""
        session = self._session
        reply = session.handle(request, self._clock())
        session.commit()
        if type(reply) is Rlerror:
            assert session.refusal is not None  # it is what the reply was made of
            raise session.refusal
        return reply

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        """See `Channel.call_many`."""
        return one_by_one(self.call, requests)

    def close(self) -> None:
        """See `Channel.close`."""
        self._session.close(self._farewell)
