"""One line in the daemon's log for each connection that was refused, cut or lost, up to a bound.

A flood of peers must not fill the log: past `LINES` in one second the rest is counted, and the count written
when the second is over.
"""

import logging

_log = logging.getLogger(__name__)

LINES = 20
"""Lines a second: more than peers that mean well provoke."""


class Drops:
    """Shared by all listeners of a door."""

    def __init__(self) -> None:
        self._second = 0
        self._lines = 0

    def drop(self, who: str, why: str, now: float) -> None:
        """Write that the connection of `who` is over because of `why`, or count it; `now` in seconds."""
        self.tally(now)
        self._lines += 1
        if self._lines <= LINES:
            _log.warning("%s: %s", who, why)

    def tally(self, now: float) -> None:
        """Write how many lines a second that is over has suppressed. Called for each drop, and now and then
        by the door, so that the count does not wait for the next one."""
        second = int(now)
        if second == self._second:
            return
        suppressed = max(0, self._lines - LINES)
        self._second, self._lines = second, 0
        if suppressed:
            _log.warning("%d more connections were dropped in one second", suppressed)
