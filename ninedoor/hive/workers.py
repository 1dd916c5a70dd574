"""Workers as the hive keeps them: identity, telemetry ring and what is left of the budget."""

from dataclasses import dataclass, field
from typing import Any

from ninedoor.hive.ring import Ring


@dataclass(slots=True)
class Worker:
    """`role` is the ticket role that may attach as this worker. `ticks_left` and `ops_left` are None when
    unlimited; `deadline` is the unix time in seconds at which the ttl ends, None when it never does. `beats`
    counts the worker's own appends. `gone` says why the worker was revoked. `cursors` are the named cursors
    of its readers, None where there never were any; `frame` is the number of the last CBOR frame in the ring.
    Those two are kept by parts of the state (`ninedoor.hive.cursors`, `ninedoor.hive.frames`)."""

    id: str
    role: str
    ring: Ring
    spawned: float
    ticks: int | None
    ticks_left: int | None
    ops_left: int | None
    deadline: float | None
    beats: int = 0
    gone: str | None = None
    cursors: dict[str, int] | None = None
    frame: int = -1
    label: str = field(init=False)
    """What its principal is called: the caller that pays ticks."""

    def __post_init__(self) -> None:
        self.label = f"{self.role}:{self.id}"

    def dump(self) -> list[Any]:
        """Plain values for a snapshot; `load` is the inverse."""
        ring = self.ring
        return [
            self.id, self.role, ring.capacity, ring.base, ring.retained(), ring.mtime, self.spawned,
            self.ticks, self.ticks_left, self.ops_left, self.deadline, self.beats,
        ]  # fmt: skip

    @classmethod
    def load(cls, values: list[Any]) -> "Worker":
        id_, role, capacity, base, retained, mtime, spawned, ticks, ticks_left, ops_left, deadline, beats = (
            values
        )
        ring = Ring(capacity, base, retained, mtime)
        return cls(id_, role, ring, spawned, ticks, ticks_left, ops_left, deadline, beats)


def shown(limit: int | None) -> str:
    """A limit as log lines print it."""
    return "∞" if limit is None else str(limit)
