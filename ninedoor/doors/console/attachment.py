"""A console's session: the road of every command to the hive."""

from typing import TypeVar

from ninedoor.client import contents, operations
from ninedoor.client.client import run
from ninedoor.client.explained import ExplainedChannel
from ninedoor.client.steps import Operation
from ninedoor.config import Role
from ninedoor.doors.console.guard import NO_TICKET
from ninedoor.doors.console.visitor import Visitor
from ninedoor.errors import TicketError
from ninedoor.policy.roles import QUEEN, Identity
from ninedoor.policy.tickets import fingerprint, peek
from ninedoor.runtime.app import App

T = TypeVar("T")


class Attachment:
    """One attached session, whose files commands work on: it satisfies `console.commands.Files`. `label` and
    `ticket` (a fingerprint) name it in log lines; `now` is the time that its requests are served at, which
    each command sets."""

    def __init__(self, app: App, visitor: Visitor, role: Role, token: str, now: float) -> None:
        """Attach as `role` with the ticket `token`, "" for none. A worker is the one its ticket names.

        Raises what the gate refuses it with: TicketExpired, P9Error(EPERM, EINVAL, ENOENT); EMFILE when the
        hive has too many sessions; whatever the store raises.
        """
        identity = Identity(role, None if role == QUEEN else _claimed_subject(token))
        self.now = now
        self.role = role
        self.label = identity.label
        self.ticket = fingerprint(token) if token else NO_TICKET
        session = app.session(trusted=visitor.trusted, peer=visitor.label)
        self._channel = ExplainedChannel(session, lambda: self.now, "console detached")
        try:
            self._session = self._run(operations.attach(identity.label, token, app.config.secure9p.msize))
        except BaseException:
            self.close()
            raise

    def whole(self, path: str, most: int) -> bytes:
        """See `Files.whole`."""
        return self._run(contents.whole(self._session, path, most))

    def latest(self, path: str, most: int) -> tuple[bytes, int]:
        """See `Files.latest`."""
        return self._run(contents.latest(self._session, path, most))

    def names(self, path: str) -> list[str]:
        """See `Files.names`."""
        return [entry.name for entry in self._run(operations.entries(self._session, path))]

    def append(self, path: str, data: bytes) -> None:
        """See `Files.append`."""
        self._run(operations.append(self._session, path, data))

    def close(self) -> None:
        """End the session. Idempotent."""
        self._channel.close()

    def _run(self, operation: Operation[T]) -> T:
        return run(self._channel, operation)


def _claimed_subject(token: str) -> str:
    """Whom a worker's ticket names: a claim, which the gate verifies with the rest of it."""
    try:
        return peek(token).claims.subject or ""
    except TicketError:
        return ""
