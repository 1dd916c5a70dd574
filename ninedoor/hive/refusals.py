"""Refusals in /log/queen.log: one line each, up to a bound.

Up to `BURST` lines in one second are written; the rest is counted, and the count is written once the second
is over, so that a peer that is refused a million times cannot push everything else out of the log. Every kind
of refusal goes through here: requests, tickets, telemetry.
"""

import errno
from collections.abc import Callable

from ninedoor.errors import P9Error
from ninedoor.hive.lines import clean, field

BURST = 200
"""Lines a second: more than an operator provokes, and 1/80 of the log at a second's worst."""


class RefusalLog:
    """`note(text, now)` writes one line and may raise P9Error, which is swallowed: a refusal stays a refusal
    when the store is full. Satisfies `ninedoor.session.ports.Audit`."""

    def __init__(self, note: Callable[[str, float], None]) -> None:
        self._note = note
        self.lost = 0
        """Lines that the store did not take."""
        self._second = 0
        self._lines = 0

    def refused(
        self, principal: str, ticket: str, operation: str, path: str, ecode: int, reason: str, now: float
    ) -> None:
        """See `ports.Audit.refused`."""
        who = f"who={field(principal)} ticket={field(ticket)} op={operation} path={field(path)}"
        error = errno.errorcode.get(ecode, str(ecode))
        self.line(f"denied {who} error={error} reason={clean(reason)}", now)

    def line(self, text: str, now: float) -> None:
        """Write `text`, or count it."""
        self.tally(now)
        self._lines += 1
        if self._lines <= BURST:
            self._write(text, now)

    def tally(self, now: float) -> None:
        """Write how many lines a second that is over has suppressed. Called for each refusal, and by the
        runtime now and then, so that the count does not wait for the next one."""
        second = int(now)
        if second == self._second:
            return
        suppressed = max(0, self._lines - BURST)
        self._second, self._lines = second, 0
        if suppressed:
            self._write(f"audit-suppressed lines={suppressed} limit_per_s={BURST}", now)

    def _write(self, text: str, now: float) -> None:
        try:
            self._note(text, now)
        except P9Error:
            self.lost += 1
