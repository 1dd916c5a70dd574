"""Refusals in /log/queen.log: one line each, up to a bound.

Up to `BURST` lines in one second are written; the rest is counted, and the count is written once the second
is over, so that a peer that is refused a million times cannot push everything else out of the log. Every kind
of refusal goes through here: requests, tickets, telemetry.

A stranger on the network, who has attached as nobody, has a bound of his own, by address: all of a storm of
`BURST` attempts is there, and of one that goes on for hours one line a second. At `BURST` lines a second he
would have pushed everything else out of the log within a minute.
"""

import errno
from collections import OrderedDict
from collections.abc import Callable

from ninedoor.errors import P9Error
from ninedoor.hive.lines import clean, field

BURST = 200
"""Lines a second: more than an operator provokes, and 1/40 of the log at a second's worst."""

STRANGER_PER_S = 1
"""Lines a second that one address gets back of the `BURST` that it may have at once."""

STRANGERS_MAX = 1024
"""Addresses that are remembered; the one heard of longest ago is forgotten first."""

_NETWORK = "tcp:"
"""Begins what a peer on the network is called until it has attached: `tcp:<address>:<port>`."""


class RefusalLog:
    """`note(text, now)` writes one line and may raise P9Error, which is swallowed: a refusal stays a refusal
    when the store is full. Satisfies `ninedoor.session.ports.Audit`."""

    def __init__(self, note: Callable[[str, float], None]) -> None:
        self._note = note
        self.lost = 0
        """Lines that the store did not take."""
        self._second = 0
        self._lines = 0
        self._strangers = Strangers()
        self._of_strangers = 0

    def refused(
        self, principal: str, ticket: str, operation: str, path: str, ecode: int, reason: str, now: float
    ) -> None:
        """See `ports.Audit.refused`."""
        if principal.startswith(_NETWORK) and not self._strangers.may(principal.rpartition(":")[0], now):
            self.tally(now)
            self._of_strangers += 1
            return
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
        of_strangers = self._of_strangers
        self._second, self._lines, self._of_strangers = second, 0, 0
        for lines, limit in ((suppressed, BURST), (of_strangers, STRANGER_PER_S)):
            if lines:
                self._write(f"audit-suppressed lines={lines} limit_per_s={limit}", now)

    def _write(self, text: str, now: float) -> None:
        try:
            self._note(text, now)
        except P9Error:
            self.lost += 1


class Strangers:
    """How many lines each address may still have."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Address → lines that were left, and when."""

    def may(self, address: str, now: float) -> bool:
        """May `address` have one more at `now`? Then it has had it."""
        left, at = self._left.get(address, (float(BURST), now))
        left = min(float(BURST), left + max(0.0, now - at) * STRANGER_PER_S)
        may = left >= 1
        self._left[address] = (left - 1 if may else left, now)
        self._left.move_to_end(address)
        if len(self._left) > STRANGERS_MAX:
            self._left.popitem(last=False)
        return may
