"""One look at a hive: what is asked for, and what comes of the answers.

A hive need not have every file: a manifest may leave status files out, there may be no GPUs. What cannot be
had is None or empty, never a failure; only a hive that cannot be reached is one.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ninedoor.console.grammar import Command
from ninedoor.top.facts import facts, merged, number

LOG = "/log/queen.log"
LOG_LINES = 50
"""Lines of the log that a sample keeps."""

PRESSURE = ("busy", "quota", "cut", "policy")
INGEST = ("p50_ms", "p95_ms", "queued", "dropped", "backpressure")
GPU_NODES = frozenset({"bridge", "models", "telemetry"})
"""Names in /gpu that are no GPU."""


class Answer(Protocol):
    """What a command came to (`cohsh.transports.transport.Reply`)."""

    @property
    def ok(self) -> bool: ...

    @property
    def body(self) -> Sequence[str]: ...


class Way(Protocol):
    """A session with the hive (`cohsh.transports.transport.Transport`)."""

    def ask(self, command: Command) -> Answer:
        """Raises NineDoorError when the hive cannot be reached."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker. Ring offsets in bytes; what is left is None where there is no limit; `ends_ms` is unix
    time."""

    id: str
    role: str
    ring_bytes: int
    ring_base: int
    ring_next: int
    beats: int
    ticks_left: int | None
    ops_left: int | None
    ends_ms: int | None

    @property
    def filled(self) -> float:
        """How full the ring is, 0 to 1."""
        return (self.ring_next - self.ring_base) / self.ring_bytes if self.ring_bytes else 0.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The newest lease of a GPU; only `gpu` is known of one that was never leased."""

    gpu: str
    state: str = "FREE"
    worker: str = ""
    mem_mb: int | None = None
    streams: int | None = None
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `at` is unix s by the clock of whoever looks."""

    at: float
    state: str | None = None
    reachable: str | None = None
    sessions: int | None = None
    worker_sessions: int | None = None
    outstanding: int | None = None
    workers_total: int | None = None
    workers: tuple[Worker, ...] = ()
    leases: tuple[Lease, ...] = ()
    pressure: Mapping[str, int | None] = field(default_factory=dict)
    ingest: Mapping[str, int | None] = field(default_factory=dict)
    log: tuple[str, ...] = ()


def take(way: Way) -> Sample:
    """Look once. Raises NineDoorError when the hive cannot be reached."""
    sessions = facts(_first(way, "/proc/9p/sessions"))
    workers = _text(way, "/proc/workers")
    return Sample(
        at=time.time(),
        state=facts(_first(way, "/proc/lifecycle/state")).get("state"),
        reachable=facts(_first(way, "/proc/root/reachable")).get("reachable"),
        sessions=number(sessions, "total"),
        worker_sessions=number(sessions, "worker"),
        outstanding=number(facts(_first(way, "/proc/9p/outstanding")), "current"),
        workers_total=number(facts(workers[0] if workers else ""), "total"),
        workers=tuple(worker for worker in map(_worker, workers[1:]) if worker is not None),
        leases=_leases(way),
        pressure=_numbers(way, "/proc/pressure", PRESSURE),
        ingest=_numbers(way, "/proc/ingest", INGEST),
        log=_lines(way, Command("tail", path=LOG))[-LOG_LINES:],
    )


def _lines(way: Way, command: Command) -> tuple[str, ...]:
    answer = way.ask(command)
    return tuple(answer.body) if answer.ok else ()


def _text(way: Way, path: str) -> tuple[str, ...]:
    return _lines(way, Command("cat", path=path))


def _first(way: Way, path: str) -> str:
    return next(iter(_text(way, path)), "")


def _numbers(way: Way, directory: str, names: Sequence[str]) -> Mapping[str, int | None]:
    there = set(_lines(way, Command("ls", path=directory)))
    asked = [name for name in names if name in there]
    said = merged(line for name in asked for line in _text(way, f"{directory}/{name}"))
    return {name: number(said, name) for name in names}


def _worker(line: str) -> Worker | None:
    said = facts(line)
    ring = [number(said, key) for key in ("ring_bytes", "ring_base", "ring_next", "beats")]
    capacity, base, end, beats = ring
    if "id" not in said or capacity is None or base is None or end is None or beats is None:
        return None
    left = (number(said, key) for key in ("ticks_left", "ops_left", "ends_ms"))
    return Worker(said["id"], said.get("role", ""), capacity, base, end, beats, *left)


def _leases(way: Way) -> tuple[Lease, ...]:
    there = _lines(way, Command("ls", path="/gpu"))
    return tuple(_lease(way, name) for name in there if name not in GPU_NODES)


def _lease(way: Way, gpu: str) -> Lease:
    lines = _text(way, f"/gpu/{gpu}/lease")
    try:
        said = json.loads(lines[-1]) if lines else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return Lease(gpu)
    sizes = (said.get(key) for key in ("mem_mb", "streams", "ttl_s"))
    return Lease(
        gpu,
        str(said.get("state", "")),
        str(said.get("worker_id", "")),
        *(size if isinstance(size, int) else None for size in sizes),
    )
