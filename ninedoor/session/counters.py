"""What the daemon counts about its sessions; /proc/9p shows it. Shared by every session of one daemon."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """`sessions` holds the open sessions' labels by serial, `outstanding` the requests in hand right now;
    the others are totals since the daemon started."""

    sessions: dict[int, str] = field(default_factory=dict)
    outstanding: int = 0
    short_writes: int = 0
    retries: int = 0
