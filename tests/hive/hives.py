"""A hive under test: small rings, a journal that keeps its records, and the whole state as one value.

Shared by the tests of this package; it mirrors no module.
"""

import errno
from collections.abc import Callable
from typing import Any

from ninedoor.config import Config, Telemetry, Workers
from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.hive.ring import Ring
from ninedoor.hive.state import State
from ninedoor.hive.workers import Worker
from ninedoor.session.ports import Caller
from ninedoor.store.memory import RetainedJournal
from tests.callers import RecordingCaller

CAPACITY = 16
NOW = 1000.0

FULL = P9Error(errno.ENOSPC, "no room for a record")


class FailingJournal(RetainedJournal):
    """Refuses append number `failing`, counted from when it was set; takes all others."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = 0
        self.appends = 0

    def fail(self, number: int) -> None:
        self.failing, self.appends = number, 0

    def append(self, record: bytes, *, reserved: bool = False) -> None:
        self.appends += 1
        if self.appends == self.failing:
            raise FULL
        super().append(record, reserved=reserved)


CONFIG = Config(
    telemetry=Telemetry(ring_bytes_per_worker=CAPACITY),
    services={"logs": ("log",)},
    workers=Workers(max_workers=5),
)


def opened(journal: RetainedJournal, config: Config = CONFIG) -> Hive:
    """A hive with the state that `journal` holds."""
    hive = Hive(config, journal)
    hive.load()
    return hive


def new_hive(config: Config = CONFIG) -> Hive:
    return opened(RetainedJournal(), config)


def run(hive: Hive, command: str, now: float = NOW, caller: Caller | None = None) -> None:
    """One line of /queen/ctl."""
    hive.command(command, caller or RecordingCaller(), now)


def spawned(hive: Hive, now: float = NOW, **budget: int) -> Worker:
    """A new heartbeat worker. `ticks` is 100 unless given; `ttl_s` and `ops` make its budget."""
    ticks = budget.pop("ticks", 100)
    members = ",".join(f'"{name}":{value}' for name, value in budget.items())
    run(hive, f'{{"spawn":"heartbeat","ticks":{ticks},"budget":{{{members}}}}}', now)
    return list(hive.workers.values())[-1]


def log(hive: Hive) -> list[str]:
    """Lines of /log/queen.log."""
    return hive.log.retained().decode().splitlines()


def outcomes(hive: Hive) -> list[str]:
    """Lines that /queen/ctl shows."""
    return hive.outcomes.retained().decode().splitlines()


def added(hive: Hive, action: Callable[[], object]) -> list[str]:
    """The log lines that `action` causes. The log must not wrap meanwhile."""
    before = hive.log.next
    action()
    return hive.log.read(before, hive.log.capacity).decode().splitlines()


def state_of(hive: State) -> dict[str, Any]:
    """Everything a restart must bring back."""
    return {
        "workers": [_worker(worker) for worker in hive.workers.values()],
        "log": _ring(hive.log),
        "outcomes": _ring(hive.outcomes),
        "defaults": (hive.defaults.ttl_s, hive.defaults.ops),
        "time": hive.last_time,
        "next": hive._next_number,
        "birth": hive.birth,
        "tickets": {worker: set(seen) for worker, seen in hive._tickets.items()},
        "revoked": list(hive._revoked_tickets.items()),
        **{part.name: part.dump() for part in hive._parts},
    }


def _worker(worker: Worker) -> tuple[Any, ...]:
    return (
        worker.id,
        worker.role,
        worker.spawned,
        worker.ticks,
        worker.ticks_left,
        worker.ops_left,
        worker.deadline,
        worker.beats,
        worker.gone,
        _ring(worker.ring),
    )


def _ring(ring: Ring) -> tuple[Any, ...]:
    return (ring.capacity, ring.base, ring.next, ring.retained(), ring.mtime)
