"""Who may present credentials when, and the line in the queen's log for each denial.

AUTH and ATTACH are counted apart: who knows the console's token could otherwise clear, by showing it again,
what wrong tickets have cost. A denial that the session has refused itself is in the log already.
"""

import errno
from typing import Literal

from ninedoor.console.ack import Ack
from ninedoor.console.throttle import Denied, Throttles
from ninedoor.doors.console.counters import Counters
from ninedoor.doors.console.visitor import Visitor
from ninedoor.session.ports import Audit

Credential = Literal["AUTH", "ATTACH"]

NO_TICKET = "none"


class Guard:
    """Shared by all dialogues of a door. `now` is unix seconds, and never goes backwards."""

    def __init__(self, audit: Audit, counters: Counters) -> None:
        self._audit = audit
        self._counters = counters
        self._throttles: dict[Credential, Throttles] = {"AUTH": Throttles(), "ATTACH": Throttles()}

    def held_back(self, verb: Credential, visitor: Visitor, ticket: str, now: float) -> Ack | None:
        """The answer to an attempt that comes too early, which is not even looked at; None where one may be
        made. `ticket` is the fingerprint of what is presented."""
        denied = self._throttles[verb].check(visitor.origin, now)
        if denied is None:
            return None
        reason = f"{denied.detail} delay_ms={denied.delay_ms}"
        self.denied(visitor.label, ticket, verb, "-", reason, now, ecode=errno.EAGAIN)
        return denied.ack(verb)

    def failed(self, verb: Credential, visitor: Visitor, now: float) -> Ack | None:
        """An attempt was wrong: what to answer if that blocks the visitor, else None."""
        blocked: Denied | None = self._throttles[verb].failed(visitor.origin, now)
        return None if blocked is None else blocked.ack(verb)

    def succeeded(self, verb: Credential, visitor: Visitor) -> None:
        """An attempt was right."""
        self._throttles[verb].succeeded(visitor.origin)

    def denied(
        self,
        who: str,
        ticket: str,
        verb: str,
        path: str,
        reason: str,
        now: float,
        *,
        ecode: int = errno.EPERM,
    ) -> None:
        """Write one line about a denial that no session knows of."""
        self._counters.denied += 1
        self._audit.refused(who, ticket, verb, path or "-", ecode, reason, now)
