"""How often a peer may present credentials. Pure: `now` comes in, in seconds, and never goes backwards.

Two measures, both answered before a credential is looked at, so that a guess made meanwhile learns nothing:

* After each failure the next attempt has to wait: 250 ms, and twice as long each time up to 64 s
  (`detail=throttled`). Only a success ends the doubling.
* The third failure within 60 s blocks for 90 s (`detail=rate-limited`), and is itself answered so.

Each peer has its own count. All peers together have one with more room, against guessing from many addresses;
it does not bind a peer that has succeeded and was not blocked since, so that a storm from elsewhere does not
lock out operators at work.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Literal, NamedTuple

from ninedoor.console.ack import Ack, err

BACKOFF_MS = 250
BACKOFF_SHIFT_MAX = 8
"""The wait after failure number n (from 0) is BACKOFF_MS * 2**min(n, BACKOFF_SHIFT_MAX)."""

FAILURES_MAX = 3
WINDOW_MS = 60_000
COOLDOWN_MS = 90_000
"""So many failures within the window block for so long. The numbers so far are the original's."""

ALL_FAILURES_MAX = 30
"""As FAILURES_MAX, for all peers together: ten peers on their way to their own block."""

PEERS_MAX = 1024
"""Peers that are remembered; the one heard of longest ago is forgotten first. A flood of addresses that
pushes one out has met the bound of all peers long before."""


class Denied(NamedTuple):
    """An attempt that is not even looked at, or one that failed once too often. The next may be made in
    `delay_ms` ms."""

    detail: Literal["throttled", "rate-limited"]
    delay_ms: int

    def ack(self, verb: str) -> Ack:
        """The answer to `verb`."""
        return err(verb, "quota", detail=self.detail, delay_ms=self.delay_ms)


class Throttle:
    """The attempts of one peer, or of all of them."""

    def __init__(self, failures_max: int = FAILURES_MAX, *, backoff: bool = True) -> None:
        """`failures_max` failures within the window block. Without `backoff` the others cost no wait."""
        self._failures_max = failures_max
        self._backoff = backoff
        self._in_a_row = 0
        self._in_window = 0
        self._window_from = 0
        self._wait_until = 0
        self._blocked_until = 0

    def check(self, now: float) -> Denied | None:
        """Why no attempt may be made at `now`; None when one may."""
        at = _ms(now)
        if at < self._blocked_until:
            return Denied("rate-limited", self._blocked_until - at)
        if at < self._wait_until:
            return Denied("throttled", self._wait_until - at)
        return None

    def failed(self, now: float) -> Denied | None:
        """An attempt that `check` let through failed. What to answer where that blocks the peer, else None:
        then the failure is answered as itself."""
        at = _ms(now)
        if self._backoff:
            self._wait_until = at + (BACKOFF_MS << min(self._in_a_row, BACKOFF_SHIFT_MAX))
        self._in_a_row += 1
        if self._in_window == 0 or at - self._window_from > WINDOW_MS:
            self._window_from = at
            self._in_window = 0
        self._in_window += 1
        if self._in_window < self._failures_max:
            return None
        self._blocked_until = at + COOLDOWN_MS  # outlasts the window: the next failure begins a new one
        return Denied("rate-limited", COOLDOWN_MS)

    def succeeded(self) -> None:
        """An attempt succeeded: what was counted is forgotten."""
        self._in_a_row = self._in_window = self._wait_until = self._blocked_until = 0


class Throttles:
    """The attempts of every peer. `peer` is what tells peers apart: an address without its port, a line."""

    def __init__(self) -> None:
        self._peers: OrderedDict[Hashable, Throttle] = OrderedDict()
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        """Peers that succeeded and were not blocked since, the latest last."""
        self._all = Throttle(ALL_FAILURES_MAX, backoff=False)

    def check(self, peer: Hashable, now: float) -> Denied | None:
        """Why `peer` may make no attempt at `now`; None when it may."""
        throttle = self._peers.get(peer)
        denied = throttle.check(now) if throttle is not None else None
        if denied is None and peer not in self._known:
            denied = self._all.check(now)
        return denied

    def failed(self, peer: Hashable, now: float) -> Denied | None:
        """As `Throttle.failed`, for an attempt of `peer`."""
        throttle = self._peers.setdefault(peer, Throttle())
        _remember(self._peers, peer)
        blocked = throttle.failed(now)
        if blocked is not None:
            self._known.pop(peer, None)
        all_blocked = self._all.failed(now)
        return blocked if peer in self._known else blocked or all_blocked

    def succeeded(self, peer: Hashable) -> None:
        """`peer` succeeded. What was counted for all stays: one who has a ticket must not open the way for
        others."""
        self._peers.pop(peer, None)
        self._known[peer] = None
        _remember(self._known, peer)


def _remember(peers: OrderedDict[Hashable, Any], peer: Hashable) -> None:
    peers.move_to_end(peer)
    if len(peers) > PEERS_MAX:
        peers.popitem(last=False)


def _ms(now: float) -> int:
    return round(now * 1000)
