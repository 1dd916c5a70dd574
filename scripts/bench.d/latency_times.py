"""How long an append to telemetry takes, P50 and P95: for the hive, and for who waits for its answer.

The suite `telemetry_ring`: records of 90 bytes, one at a time, into a ring that wraps all the while. The hive
is a daemon with policy, audit and its journal on disk; what it needs itself it tells in /proc/metrics.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import contenders
import listeners

from ninedoor.client import connect

RECORD = b"t" * 89 + b"\n"
WINDOW = 32
"""Appends between two looks at /proc/metrics: as many as the stock manifest's window holds."""

WAYS = {
    "in the hive": "from the arrival at the file to the journal, as /proc/metrics tells",
    "over TCP": "a 9P client on this machine, from the request to the reply",
    "through a mount": "write(2) on a mount, the kernel's share included",
}


class Times(NamedTuple):
    """One suite: how many appends, and the times that half of them, and 95 of 100, stayed within, in ms."""

    samples: int
    p50_ms: float
    p95_ms: float


def measure(samples: int, cpu: int) -> dict[str, Times]:
    """Times by the names of WAYS."""
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder:
        into = Path(folder)
        with _over_tcp(into, cpu) as (append, shown):
            over_tcp, in_hive = _appends(append, samples, shown)
        with contenders.ninedoor(into, cpu, state=True) as files:
            descriptor = os.open(files.worker / "telemetry", os.O_WRONLY | os.O_APPEND)
            try:
                mounted, _none = _appends(lambda: os.write(descriptor, RECORD), samples, None)
            finally:
                os.close(descriptor)
    return dict(zip(WAYS, (in_hive, over_tcp, mounted), strict=True))


@contextmanager
def _over_tcp(
    into: Path, cpu: int
) -> Iterator[tuple[Callable[[], object], Callable[[], Mapping[str, float]]]]:
    """What appends one record to a hive of its own, and what reads the times that the hive tells, in ms."""
    with listeners.hive(into, cpu, "batch") as server:
        ticket = server.attach[-1]
        with connect(f"tcp://{server.address}", ticket=ticket) as queen:
            telemetry = queen.open(f"/{listeners.TELEMETRY}", os.O_WRONLY | os.O_APPEND)

            def shown() -> Mapping[str, float]:
                text = queen.read("/proc/metrics").decode()
                found = re.findall(
                    r'(?m)^ninedoor_ingest_latency_seconds\{quantile="([0-9.]+)"\} (\S+)$', text
                )
                return {quantile: float(seconds) * 1e3 for quantile, seconds in found}

            yield lambda: telemetry.write(RECORD), shown


def _appends(
    append: Callable[[], object], samples: int, shown: Callable[[], Mapping[str, float]] | None
) -> tuple[Times, Times]:
    """The times of `samples` appends, and the medians of what the hive has told of its own meanwhile."""
    for _ in range(WINDOW):
        append()
    taken: list[float] = []
    told: list[Mapping[str, float]] = []
    for number in range(1, samples + 1):
        begun = time.perf_counter()
        append()
        taken.append((time.perf_counter() - begun) * 1e3)
        if shown is not None and number % WINDOW == 0:
            told.append(shown())
    own = Times(
        len(told) * WINDOW, *(median(each[q] for each in told) if told else 0.0 for q in ("0.5", "0.95"))
    )
    return Times(samples, _percentile(taken, 50), _percentile(taken, 95)), own


def _percentile(values: list[float], percent: int) -> float:
    """As the hive reckons: the value at index floor((n - 1) * percent / 100) of the sorted ones."""
    return sorted(values)[(len(values) - 1) * percent // 100]


HEADS = ("append of 90 bytes", "samples", "P50 ms", "P95 ms")


def rows(figures: Mapping[str, Times]) -> list[tuple[str, ...]]:
    return [
        (f"{way}: {WAYS[way]}", str(times.samples), f"{times.p50_ms:.3f}", f"{times.p95_ms:.3f}")
        for way, times in figures.items()
    ]


def table(figures: Mapping[str, Times]) -> str:
    lines = ["{:<80}{:>8}{:>9}{:>9}".format(*HEADS)]
    return "\n".join([*lines, *("{:<80}{:>8}{:>9}{:>9}".format(*row) for row in rows(figures))])


def markdown(figures: Mapping[str, Times]) -> str:
    lines = ["| " + " | ".join(HEADS) + " |", "|---" * len(HEADS) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows(figures))])
