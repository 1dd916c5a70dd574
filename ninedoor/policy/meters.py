"""One ticket's scopes, rates and quotas as they are used, by all sessions that present it.

State belongs to the ticket, not to the session: it is found again by fingerprint after a detach, so that
attaching anew does not refill a quota. Every refusal here goes to the queen's log with its numbers.
"""

import errno
from collections import OrderedDict
from collections.abc import Callable
from typing import NoReturn
from weakref import WeakValueDictionary

from ninedoor import limits
from ninedoor.errors import P9Error, TicketRefusal
from ninedoor.policy.ports import Log
from ninedoor.policy.quotas import RESUME, QuotaUse
from ninedoor.policy.rules import path_text
from ninedoor.policy.scopes import Scopes, Window
from ninedoor.policy.tickets import Quotas, Ticket, Verb
from ninedoor.session.ports import READ, Path

METERS_MAX = limits.SESSIONS_MAX
"""Tickets whose use is remembered while no session presents them; the one attached longest ago is forgotten
first. As many as there can be sessions, so that a full house detaching at once loses nothing."""

ELIMIT = "ELIMIT"
"""The reason of every exhausted rate or quota; clients of the original look for this word."""


class Meter:
    """Use of one ticket: its budget, its scopes, its quotas (those it is held to, 0 = not limited). What runs
    out here ends the ticket; the worker it names lives on by its own budget."""

    __slots__ = (
        "__weakref__", "_log", "_role", "_scopes", "_ticket", "_ticks_left", "_use", "moved", "ops_left",
    )  # fmt: skip

    def __init__(self, ticket: Ticket, fingerprint: str, quotas: Quotas, log: Log) -> None:
        self._role = ticket.role
        self._ticket = fingerprint
        self.ops_left = ticket.ops
        self._ticks_left = ticket.ticks
        self._scopes = Scopes(ticket.scopes)
        self._use = QuotaUse(quotas)
        self.moved: Callable[[int], None] = self._use.moved
        """Call it with the bytes that really were transferred."""
        self._log = log

    @property
    def limits_bandwidth(self) -> bool:
        """Does a quota bound the bytes moved? Where neither it nor a rate does, `transfer` is not asked."""
        return self._use.limits.bandwidth_bytes > 0

    def spend(self) -> None:
        """One operation. Raises ESTALE when the ticket pays for no more."""
        if self.ops_left is not None:
            if self.ops_left == 0:
                raise P9Error(errno.ESTALE, "operation budget of the ticket exhausted")
            self.ops_left -= 1

    def tick(self) -> None:
        """One append to telemetry. Raises ESTALE when the ticket pays for no more."""
        if self._ticks_left is not None:
            if self._ticks_left == 0:
                raise P9Error(errno.ESTALE, "tick budget of the ticket exhausted")
            self._ticks_left -= 1

    def admits_walk(self, path: Path) -> bool:
        """Do the scopes let `path` be reached? Neither counted nor logged."""
        return self._scopes.admits_walk(path)

    def walk(self, path: Path, now: float) -> None:
        """Raises EPERM when no scope lets `path` be reached."""
        if not self._scopes.admits_walk(path):
            self._outside(path, READ, now)

    def window(self, path: Path, needed: int, access: int, now: float) -> Window | None:
        """The rate that `needed` (READ, WRITE or 0) transfers of `path` run under; None when `needed` is 0.
        `access` is the whole of what was asked. Raises EPERM when no scope covers it."""
        if not needed:
            return None
        window = self._scopes.window(path, needed)
        if window is None:
            self._outside(path, access, now)
        return window

    def transfer(self, window: Window, path: Path, access: int, count: int, now: float) -> None:
        """Count one read or write of at most `count` bytes. Raises EDQUOT when rate or bandwidth is out."""
        if not window.take(now):
            self._exhausted("rate", path, access, f"limit_per_s={window.limit} window_ms=1000", now)
        use = self._use
        if not use.affords(count):
            numbers = f"limit_bytes={use.limits.bandwidth_bytes} remaining_bytes={use.remaining_bytes}"
            self._exhausted("bandwidth", path, access, f"{numbers} requested_bytes={count}", now)

    def advance(self, path: Path, offset: int, now: float) -> None:
        """Count one read of telemetry. Raises EDQUOT when a cursor quota is used up."""
        exhausted = self._use.advance(path, offset)
        if exhausted is not None:
            quotas = self._use.limits
            limit = quotas.cursor_resumes if exhausted == RESUME else quotas.cursor_advances
            self._exhausted(exhausted, path, READ, f"limit={limit}", now)

    def read_up_to(self, path: Path, end: int) -> None:
        """The last read of the telemetry at `path` ended at byte `end`."""
        self._use.read_up_to(path, end)

    def _outside(self, path: Path, access: int, now: float) -> NoReturn:
        self._log(self._line("scope", path, access), now)
        reason = f"access to {path_text(path)} denied: outside the scopes of the ticket"
        raise TicketRefusal(errno.EPERM, reason)

    def _exhausted(self, reason: str, path: Path, access: int, numbers: str, now: float) -> NoReturn:
        self._log(f"{self._line(reason, path, access)} {numbers}", now)
        raise TicketRefusal(errno.EDQUOT, ELIMIT)

    def _line(self, reason: str, path: Path, access: int) -> str:
        who = f"role={self._role} ticket={self._ticket}"
        return f"ui-ticket outcome=deny reason={reason} {who} path={path_text(path)} verb={Verb(access).text}"


class Meters:
    """Every ticket's meter by fingerprint."""

    def __init__(self, log: Log, bound: int = METERS_MAX) -> None:
        self._log = log
        self._bound = bound
        self._recent: OrderedDict[str, Meter] = OrderedDict()
        self._held: WeakValueDictionary[str, Meter] = WeakValueDictionary()

    def of(self, fingerprint: str, ticket: Ticket, quotas: Quotas) -> Meter:
        """The meter of `ticket`: the one any session still holds, else a remembered one, else a new one."""
        meter = self._held.get(fingerprint)
        if meter is None:
            meter = Meter(ticket, fingerprint, quotas, self._log)
            self._held[fingerprint] = meter
        self._recent[fingerprint] = meter
        self._recent.move_to_end(fingerprint)
        if len(self._recent) > self._bound:
            self._recent.popitem(last=False)
        return meter
