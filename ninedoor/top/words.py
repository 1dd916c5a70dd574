"""How values are written, on the screen and in plain text alike."""

from ninedoor.cli.status import duration
from ninedoor.top.rates import Row
from ninedoor.top.sample import Lease, Sample

WORKER_HEAD = ("WORKER", "ROLE", "RING", "B/S", "BEATS", "TICKS", "OPS", "ENDS IN")
LEASE_HEAD = ("GPU", "LEASE", "WORKER", "MEM MB", "STREAMS", "TTL S")

UNKNOWN = "-"
UNLIMITED = "∞"
BAR = 8
"""With it the table of workers fits on 80 columns."""


def worker_cells(row: Row, now: float) -> tuple[str, ...]:
    """One line of the table of workers; `now` is unix s."""
    worker = row.worker
    return (
        worker.id,
        worker.role.removeprefix("worker-"),
        f"{bar(worker.filled)} {worker.filled:4.0%}",
        UNKNOWN if row.bytes_s is None else short(row.bytes_s),
        short(worker.beats),
        UNLIMITED if worker.ticks_left is None else short(worker.ticks_left),
        UNLIMITED if worker.ops_left is None else short(worker.ops_left),
        UNLIMITED if worker.ends_ms is None else duration(max(int(worker.ends_ms / 1000 - now), 0)),
    )


def lease_cells(lease: Lease) -> tuple[str, ...]:
    """One line of the table of leases."""
    sizes = (UNKNOWN if size is None else str(size) for size in (lease.mem_mb, lease.streams, lease.ttl_s))
    return (lease.gpu, lease.state, lease.worker or UNKNOWN, *sizes)


def summary(sample: Sample) -> list[str]:
    """The three lines above the tables, each short enough for 80 columns."""
    said = {
        "state": sample.state,
        "queen": {"yes": "attached", "no": "away"}.get(sample.reachable or ""),
        "workers": _counted(sample),
        "sessions": sample.sessions,
    }
    pressure = {name: value for name, value in sample.pressure.items() if value is not None}
    ingest = {name: value for name, value in sample.ingest.items() if value is not None}
    requests = [] if sample.outstanding is None else [f"in hand {sample.outstanding}"]
    requests += [f"refused {_pairs(pressure)}"] if pressure else []
    return [
        "   ".join(f"{name} {value}" for name, value in said.items() if value is not None),
        "   ".join(requests) or "no /proc/9p and no /proc/pressure: the manifest does not enable them",
        f"ingest {_pairs(ingest)}" if ingest else "no /proc/ingest: the manifest does not enable it",
    ]


def no_workers(sample: Sample) -> str:
    """What stands where the table of workers would."""
    return (
        "no /proc/workers: the manifest does not enable it" if sample.workers_total is None else "no workers"
    )


def _counted(sample: Sample) -> str | None:
    """How many workers there are, and how many of them the hive tells of if not of all."""
    total, shown = sample.workers_total, len(sample.workers)
    if total is None:
        return None
    return f"{total} ({shown} shown)" if 0 < shown < total else str(total)


def _pairs(values: dict[str, int]) -> str:
    return " ".join(f"{name}={short(value)}" for name, value in values.items())


def bar(part: float) -> str:
    """`part`, 0 to 1, as a bar of BAR characters."""
    full = round(min(max(part, 0.0), 1.0) * BAR)
    return "█" * full + "░" * (BAR - full)


def short(value: float) -> str:
    """A number in at most five characters: 987, 12.3k, 4.5M."""
    for unit in ("", "k", "M", "G", "T"):
        if abs(value) < 999.5 or unit == "T":
            break
        value /= 1000
    return f"{value:.0f}{unit}" if not unit or abs(value) >= 99.95 else f"{value:.1f}{unit}"
