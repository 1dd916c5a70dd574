"""What a hive is: the state that the journal's events add up to, and its snapshot.

Nothing here decides anything. `apply` is total for events that `ninedoor.hive.hive` has written, and the same
whether they happen now or are replayed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from ninedoor import limits
from ninedoor.errors import StoreError
from ninedoor.hive import events as ev
from ninedoor.hive.parts import Handler, Part
from ninedoor.hive.ring import Ring
from ninedoor.hive.workers import Worker

DEFAULT_TTL_S = 300
DEFAULT_OPS = 10000
"""Budget of a heartbeat worker whose spawn names none, until a budget command changes it."""

SNAPSHOT_FORMAT = 1


@dataclass(slots=True)
class Defaults:
    """Budget given to the next spawn that names none; None is unlimited."""

    ttl_s: int | None = DEFAULT_TTL_S
    ops: int | None = DEFAULT_OPS


class State:
    """All that outlives a session. `workers` holds the living by id; `last_time` is the unix time of the
    newest record, before which the clock must not start; `manifest` is the fingerprint of the one last used;
    `birth`, when the hive began (unix time in µs, 0 before it did), tells it from any other; `news` is what
    observers have not been told yet."""

    def __init__(self) -> None:
        self.workers: dict[str, Worker] = {}
        self.log = Ring(limits.LOG_BYTES)
        self.outcomes = Ring(limits.CTL_BYTES)
        self.defaults = Defaults()
        self.last_time = 0.0
        self.manifest = ""
        self.birth = 0
        self.news: list[tuple[Worker, float]] = []
        self._next_number = 1
        self._revoked_tickets: dict[str, str] = {}
        self._tickets: dict[str, set[str]] = {}
        self._parts: list[Part] = []
        self._apply: dict[int, Handler] = {
            ev.SPAWNED: self._apply_spawned,
            ev.REVOKED: self._apply_revoked,
            ev.TELEMETRY: self._apply_telemetry,
            ev.CHARGED: self._apply_charged,
            ev.LOGGED: self._apply_logged,
            ev.OUTCOME: self._apply_outcome,
            ev.DEFAULTS: self._apply_defaults,
            ev.TICKET_REVOKED: self._apply_ticket_revoked,
            ev.TICKET_SEEN: self._apply_ticket_seen,
            ev.NUMBERED: self._apply_numbered,
            ev.MANIFEST: self._apply_manifest,
            ev.BORN: self._apply_born,
        }

    def join(self, part: Part) -> None:
        """Make `part` a part of the state. Before `load`; its event kinds are nobody else's."""
        handlers = part.handlers()
        assert self._apply.keys().isdisjoint(handlers), f"{part.name} takes another's events"
        self._parts.append(part)
        self._apply.update(handlers)

    def apply(self, now: float, happened: Iterable[Sequence[Any]]) -> None:
        """The events of one record, in order."""
        if now > self.last_time:
            self.last_time = now
        for event in happened:
            self._apply[event[0]](now, event)

    def snapshot(self) -> bytes:
        """The whole state as one value; `restore` is the inverse."""
        state = {
            "format": SNAPSHOT_FORMAT,
            "time": self.last_time,
            "manifest": self.manifest,
            "birth": self.birth,
            "next": self._next_number,
            "defaults": [self.defaults.ttl_s, self.defaults.ops],
            "log": [self.log.base, self.log.retained(), self.log.mtime],
            "outcomes": [self.outcomes.base, self.outcomes.retained(), self.outcomes.mtime],
            "workers": [worker.dump() for worker in self.workers.values()],
            "tickets": [[worker, sorted(seen)] for worker, seen in self._tickets.items()],
            "revoked": list(self._revoked_tickets.items()),
            "parts": {part.name: part.dump() for part in self._parts},
        }
        packed: bytes = msgpack.packb(state)
        return packed

    def restore(self, snapshot: bytes) -> None:
        """Raises StoreError for another format, and whatever broken values raise (see `Hive.load`)."""
        state = msgpack.unpackb(snapshot)
        if state["format"] != SNAPSHOT_FORMAT:
            raise StoreError(f"snapshot format {state['format']} is not {SNAPSHOT_FORMAT}")
        self.last_time = state["time"]
        self.manifest = state["manifest"]
        # A snapshot of an earlier version has none: the hive gets one when it starts.
        self.birth = state.get("birth", 0)
        self._next_number = state["next"]
        self.defaults = Defaults(*state["defaults"])
        self.log = Ring(limits.LOG_BYTES, *state["log"])
        self.outcomes = Ring(limits.CTL_BYTES, *state["outcomes"])
        self.workers = {values[0]: Worker.load(values) for values in state["workers"]}
        self._tickets = {worker: set(seen) for worker, seen in state["tickets"]}
        self._revoked_tickets.clear()
        self._revoked_tickets.update(state["revoked"])
        # A snapshot of an earlier version has fewer parts, or none.
        kept = state.get("parts", {})
        for part in self._parts:
            if part.name in kept:
                part.restore(kept[part.name])

    def _apply_numbered(self, _now: float, event: Sequence[Any]) -> None:
        self._next_number = event[1] + 1

    def _apply_manifest(self, _now: float, event: Sequence[Any]) -> None:
        self.manifest = event[1]

    def _apply_born(self, _now: float, event: Sequence[Any]) -> None:
        self.birth = event[1]

    def _apply_spawned(self, now: float, event: Sequence[Any]) -> None:
        worker = Worker.load(event[1])
        self.workers[worker.id] = worker
        self.news.append((worker, now))

    def _apply_revoked(self, now: float, event: Sequence[Any]) -> None:
        _kind, id_, reason = event
        worker = self.workers.pop(id_)
        worker.gone = reason
        self._tickets.pop(id_, None)
        self.news.append((worker, now))

    def _apply_telemetry(self, now: float, event: Sequence[Any]) -> None:
        _kind, id_, data, own = event
        worker = self.workers[id_]
        if own:
            worker.beats += 1
            if worker.ticks_left is not None:
                worker.ticks_left -= 1
        worker.ring.append(data, now)

    def _apply_charged(self, _now: float, event: Sequence[Any]) -> None:
        worker = self.workers[event[1]]
        if worker.ops_left is not None:
            worker.ops_left -= 1

    def _apply_logged(self, now: float, event: Sequence[Any]) -> None:
        self.log.append(event[1], now)

    def _apply_outcome(self, now: float, event: Sequence[Any]) -> None:
        self.outcomes.append(event[1], now)

    def _apply_defaults(self, _now: float, event: Sequence[Any]) -> None:
        _kind, ttl_s, ops = event
        self.defaults = Defaults(ttl_s, ops)

    def _apply_ticket_seen(self, _now: float, event: Sequence[Any]) -> None:
        _kind, id_, fingerprint = event
        self._tickets.setdefault(id_, set()).add(fingerprint)

    def _apply_ticket_revoked(self, _now: float, event: Sequence[Any]) -> None:
        _kind, fingerprint, reason = event
        self._revoked_tickets[fingerprint] = reason
        while len(self._revoked_tickets) > limits.REVOKED_TICKETS_MAX:
            del self._revoked_tickets[next(iter(self._revoked_tickets))]
