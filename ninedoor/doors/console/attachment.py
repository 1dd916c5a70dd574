"""A console's session: the road of every command to the hive.

The channel is that of any client of this process, but for its errors: a reply has room for an errno only,
and the console has different words for what a role, a ticket and a node refuse.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from ninedoor.client.channel import one_by_one
from ninedoor.client.client import run
from ninedoor.client.operations import attach
from ninedoor.client.steps import Operation
from ninedoor.config import Role
from ninedoor.doors.console.guard import NO_TICKET
from ninedoor.doors.console.visitor import Visitor
from ninedoor.errors import TicketError
from ninedoor.policy.roles import QUEEN, Identity
from ninedoor.policy.tickets import fingerprint, peek
from ninedoor.runtime.app import App
from ninedoor.session.session import Session
from ninedoor.wire.messages import Rlerror

T = TypeVar("T")


class ExplainedChannel:
    """A session of this process, whose refusals are raised as they were made. Satisfies
    `client.channel.Channel`; `now` is the time that its calls are served at."""

    def __init__(self, session: Session, now: float) -> None:
        self._session = session
        self.now = now

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Journalled before it returns."""
        session = self._session
        reply = session.handle(request, self.now)
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
        self._session.close("console detached")


class Attachment:
    """One attached session. `label` and `ticket` (a fingerprint) name it in log lines."""

    def __init__(self, app: App, visitor: Visitor, role: Role, token: str, now: float) -> None:
        """Attach as `role` with the ticket `token`, "" for none. A worker is the one its ticket names.

        Raises what the gate refuses it with: TicketExpired, P9Error(EPERM, EINVAL, ENOENT); EMFILE when the
        hive has too many sessions; whatever the store raises.
        """
        identity = Identity(role, None if role == QUEEN else _claimed_subject(token))
        self.role = role
        self.label = identity.label
        self.ticket = fingerprint(token) if token else NO_TICKET
        self._channel = ExplainedChannel(app.session(trusted=visitor.trusted, peer=visitor.label), now)
        try:
            self.session = run(self._channel, attach(identity.label, token, app.config.secure9p.msize))
        except BaseException:
            self.close()
            raise

    def run(self, operation: Operation[T], now: float) -> T:
        """Carry out `operation` at `now`. Raises what its requests are refused with."""
        self._channel.now = now
        return run(self._channel, operation)

    def close(self) -> None:
        """End the session. Idempotent."""
        self._channel.close()


def _claimed_subject(token: str) -> str:
    """Whom a worker's ticket names: a claim, which the gate verifies with the rest of it."""
    try:
        return peek(token).claims.subject or ""
    except TicketError:
        return ""
