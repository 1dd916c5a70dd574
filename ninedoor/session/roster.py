"""Which sessions there are: who each is, since when, in which state, and how they spread over the shards.

Counts are kept as sessions come, attach and go, so that showing them costs the same for ten sessions and ten
thousand. The time comes from the `clock` that the runtime hands in, as a session begins and ends without a
request. Whether the hive is draining is not known here: an attached session is ACTIVE.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from ninedoor import shards

SessionState = Literal["SETUP", "ACTIVE", "CLOSED"]

CutReason = Literal["none", "network_unreachable", "session_revoked", "policy_denied"]
"""Why no queen is attached: the last one left or was lost, the server ended her session, or one that wanted
to attach was not let in."""

QUEEN = "queen"
_WORKER = "worker-"


def _no_clock() -> float:
    return 0.0


class SessionRecord:
    """One session. `label` is its peer's name until an attach says who it is; `since` the unix time of its
    present state, `opened` that of its beginning; `shard` the number of its worker's shard, -1 without."""

    __slots__ = ("label", "opened", "shard", "since", "state")

    def __init__(self, label: str, now: float) -> None:
        self.label = label
        self.state: SessionState = "SETUP"
        self.opened = self.since = now
        self.shard = -1


class Roster:
    """The open sessions by serial, and what they add up to.

    `workers` and `queens` count those that are attached as one; `shards` counts the workers by the number of
    their shard. `queen_left` is the unix time at which the last queen went, 0 while one is there or none has
    ever been; `cut` says why she went, `cuts` how often that has happened.
    """

    def __init__(self, clock: Callable[[], float] = _no_clock, shard_bits: int = 0) -> None:
        self.clock = clock
        self.shard_bits = shard_bits
        self.shards = [0] * (1 << shard_bits)
        self.attached = 0
        self.workers = 0
        self.queens = 0
        self.queen_left = 0.0
        self.cut: CutReason = "none"
        self.cuts = 0
        self.opened_total = 0
        self.changed: Callable[[int, bool], None] = _nobody
        """Told (serial, is it open) as a session begins and ends."""
        self._records: dict[int, SessionRecord] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[int]:
        """The serials."""
        return iter(self._records)

    def get(self, serial: int) -> SessionRecord | None:
        return self._records.get(serial)

    def labels(self) -> list[str]:
        """What every open session is called, the oldest first."""
        return [record.label for record in self._records.values()]

    def open(self, serial: int, peer: str) -> None:
        """A session begins; nobody knows yet whose it is."""
        self._records[serial] = SessionRecord(peer, self.clock())
        self.opened_total += 1
        self.changed(serial, True)

    def attach(self, serial: int, label: str, now: float) -> None:
        """Whoever attached is `queen` or `<role>:<identity>`."""
        record = self._records[serial]
        self._leave(record)
        record.label, record.state, record.since = label, "ACTIVE", now
        self.attached += 1
        if label == QUEEN:
            self.queens += 1
            self.queen_left, self.cut = 0.0, "none"
        elif label.startswith(_WORKER):
            self.workers += 1
            record.shard = shards.index(label.partition(":")[2], self.shard_bits)
            self.shards[record.shard] += 1

    def start_over(self, serial: int, peer: str, now: float) -> None:
        """A Tversion: what was attached is not any more."""
        record = self._records[serial]
        if record.state == "ACTIVE":
            self._go(record, "network_unreachable", now)
        record.label, record.state, record.since = peer, "SETUP", now

    def denied(self, label: str) -> None:
        """`label` wanted to attach and may not."""
        if label == QUEEN and not self.queens:
            self.cut = "policy_denied"

    def close(self, serial: int, *, revoked: bool = False) -> None:
        """The session is over; `revoked`: because the server says so. Idempotent."""
        record = self._records.pop(serial, None)
        if record is None:
            return
        now = self.clock()
        self._go(record, "session_revoked" if revoked else "network_unreachable", now)
        record.state, record.since = "CLOSED", now
        self.changed(serial, False)

    def _go(self, record: SessionRecord, why: CutReason, now: float) -> None:
        queens = self.queens
        self._leave(record)
        if queens and not self.queens:
            self.queen_left, self.cut = now, why
            self.cuts += 1

    def _leave(self, record: SessionRecord) -> None:
        """Take back what the record's last attach counted."""
        if record.state != "ACTIVE":
            return
        self.attached -= 1
        if record.label == QUEEN:
            self.queens -= 1
        elif record.shard >= 0:
            self.workers -= 1
            self.shards[record.shard] -= 1
            record.shard = -1


def _nobody(_serial: int, _is_open: bool) -> None:
    """Who is told of sessions where nothing shows them."""
