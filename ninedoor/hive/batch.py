"""Appends that share a journal record: those of one run of writes.

A record each would cost more than all the rest of a write. So the journal is asked for room first, and what
is appended then is gathered until the run is over. Nothing can refuse it any more: the record has its place
in the journal even if the store fails meanwhile, as if it had been written before. Who opens a batch settles
it before anybody is answered, and before anything but a write is served; whatever else happens to the hive
settles it too, so the order of events is the order of the records.
"""

from collections.abc import Callable, Sequence

from ninedoor.errors import P9Error
from ninedoor.hive import events as ev
from ninedoor.hive.events import Event
from ninedoor.store.ports import Journal

BATCH_BYTES = 64 << 10
"""Room asked for: a turn of 128 writes of 128 bytes has enough of it."""

EVENT_BYTES = 128
"""What an event takes at most in a record beside its data: a worker's id, and what tells them apart."""


class Batch:
    """A record in the making; satisfies `ninedoor.session.ports.Appends`. `room` is how many bytes may still
    be added, 0 while no batch is open. `events` have been applied, `lines` (of /log/queen.log) not yet: many
    of them are appended at once. Who adds to either has counted it in `room`."""

    __slots__ = ("_apply", "_journal", "_now", "events", "lines", "room")

    def __init__(self, journal: Journal, apply: Callable[[float, Sequence[Event]], None]) -> None:
        self.room = 0
        self.events: list[Event] = []
        self.lines: list[bytes] = []
        self._journal = journal
        self._apply = apply
        self._now = 0.0

    def begin(self, now: float) -> None:
        """Open a batch, unless the store has no room for a whole one: then each append is refused, or not, by
        itself."""
        if self.room:
            self.settle()
        try:
            self._journal.reserve(BATCH_BYTES + EVENT_BYTES)
        except P9Error:
            return
        self._now = now
        self.room = BATCH_BYTES

    def fits(self, appends: int, size: int) -> bool:
        """See the port."""
        return self.room > size + appends * EVENT_BYTES

    def settle(self) -> None:
        """Put on record what was added, and close the batch. No-op when none is open."""
        if not self.room:
            return
        self.room = 0
        events, lines = self.events, self.lines
        logged = (ev.LOGGED, b"".join(lines)) if lines else None
        if logged is not None:
            lines.clear()
            events.append(logged)
        if events:
            self._journal.append(ev.encode(self._now, events), reserved=True)
            events.clear()
        if logged is not None:
            self._apply(self._now, (logged,))
