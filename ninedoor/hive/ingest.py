"""What telemetry costs and what is refused of it: the last service times, counts, and lines for who watches.

A service time runs from the moment an append reaches its node to when it is on record, or is gathered for
the record of its turn. It is measured with the `monotonic` clock that the runtime hands in, and kept in a
window of fixed size. All appends are counted. Of those that come closer together than `TIMED_EVERY_S`, the
first is timed: reading a clock for each would cost a twentieth of an append.

An appending node does, in its own function, because a call more would cost as much as all the rest:

    try:
        if now < ingest.due:
            taken = append(...)
        else:
            taken = ingest.timed(now, append, ...)
    except P9Error as refusal:
        ingest.refused(refusal.ecode)
        raise
    ingest.appends += 1
"""

import errno
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from ninedoor.config import ProcIngest
from ninedoor.hive.watchlines import WatchLines
from ninedoor.session.counters import Counters

TIMED_EVERY_S = 0.001
"""A thousand service times a second fill the largest window 15 times."""

_TOO_BIG = frozenset({errno.EMSGSIZE, errno.EDQUOT})


def _unmeasured() -> float:
    return 0.0


class Ingest:
    """`appends` counts those taken since the daemon started, `backpressure` those refused because something
    was busy, `dropped` those too large or over a quota. From the unix time `due` on, the next one is timed:
    never, where nothing is shown. `bytes_gone` plus the ends of the rings there are is how many bytes of
    telemetry were appended to rings since the daemon started. `lines` is what /proc/ingest/watch shows."""

    __slots__ = (
        "_counters", "_interval_s", "_line_due", "_monotonic", "appends", "backpressure", "bytes_gone",
        "dropped", "due", "enabled", "lines", "times",
    )  # fmt: skip

    def __init__(
        self,
        settings: ProcIngest | None = None,
        counters: Counters | None = None,
        monotonic: Callable[[], float] = _unmeasured,
    ) -> None:
        """
        Args:
            settings: which files there are; with none of them, nothing is measured.
            counters: of the sessions, for the lines of watch.
            monotonic: seconds since whenever, never going backwards.
        """
        settings = settings or ProcIngest()
        self._counters = counters or Counters()
        self._monotonic = monotonic
        self._interval_s = settings.watch_min_interval_ms / 1000
        self.enabled = any(
            (settings.p50_ms, settings.p95_ms, settings.backpressure, settings.dropped, settings.queued)
        )
        self.appends = 0
        self.bytes_gone = 0
        self.backpressure = 0
        self.dropped = 0
        self.times: deque[float] = deque(maxlen=settings.latency_samples)
        """Service times in seconds, the latest last."""
        self.due = 0.0 if self.enabled else math.inf
        self._line_due = 0.0 if settings.watch else math.inf
        self.lines = WatchLines(settings.watch_max_entries, settings.watch_line_bytes)

    def timed(self, now: float, append: Callable[..., int], *arguments: Any) -> int:
        """What `append(*arguments)` takes, its service time on record, and a line for who watches where one
        is due. `now` is unix seconds."""
        self.due = now + TIMED_EVERY_S
        began = self._monotonic()
        taken = append(*arguments)
        self.times.append(self._monotonic() - began)
        self.snapshot(now)
        return taken

    def refused(self, ecode: int) -> None:
        """An append was refused with `ecode`."""
        if ecode == errno.EBUSY:
            self.backpressure += 1
        elif ecode in _TOO_BIG:
            self.dropped += 1

    @property
    def queued(self) -> int:
        """Requests that were answered in the present turn of a connection and whose replies wait for its
        commit."""
        turn = self._counters.turn
        return 0 if turn is None else len(turn)

    def percentile(self, percent: int) -> float:
        """Seconds that `percent` (0..100) of the last operations stayed within; 0 when there were none."""
        ordered = sorted(self.times)
        return ordered[(len(ordered) - 1) * percent // 100] if ordered else 0.0

    def percentile_ms(self, percent: int) -> int:
        """As `percentile`, in whole ms."""
        return int(self.percentile(percent) * 1000)

    def snapshot(self, now: float) -> None:
        """Add a line for who watches, unless the last one is too young. `now` is unix seconds."""
        if now < self._line_due:
            return
        self._line_due = now + self._interval_s
        counters = self._counters
        self.lines.add(
            f"watch ts_ms={int(now * 1000)} p50_ms={self.percentile_ms(50)} p95_ms={self.percentile_ms(95)} "
            f"queued={self.queued} backpressure={self.backpressure} dropped={self.dropped} "
            f"ui_reads={counters.ui_reads} ui_denies={counters.ui_denies}\n".encode(),
            now,
        )
