"""/proc/workers: every worker on a line, and a bound on the lines."""

import re

import pytest

from ninedoor.providers import fleet
from tests.callers import QUEEN
from tests.providers.sites import NOW, Shown, shown

LINE = re.compile(
    r"worker id=worker-\d+ role=worker-heartbeat ring_bytes=\d+ ring_base=\d+ ring_next=\d+ beats=\d+ "
    r"ticks_left=(none|\d+) ops_left=(none|\d+) ends_ms=(none|\d+)"
)


def lines(hive: Shown) -> list[str]:
    return hive.read("/proc/workers").decode().splitlines()


def spawn(hive: Shown, budget: str = "") -> None:
    hive.hive.command('{"spawn":"heartbeat","ticks":5' + budget + "}", QUEEN, NOW)


def test_a_hive_without_workers_says_so() -> None:
    assert lines(shown(fleet.provide)) == ["workers total=0 shown=0"]


def test_each_worker_has_its_ring_and_what_is_left_to_it() -> None:
    hive = shown(fleet.provide)
    spawn(hive, ',"budget":{"ttl_s":60}')
    spawn(hive, ',"budget":{"ops":7}')
    worker = hive.hive.workers["worker-1"]
    hive.hive.append_telemetry(worker, 0, b"heartbeat 1\n", worker.label, NOW)

    ring = f"ring_bytes={worker.ring.capacity} ring_base=0"
    ends = int((NOW + 60) * 1000)
    first = f"{ring} ring_next=12 beats=1 ticks_left=4 ops_left=none ends_ms={ends}"
    second = f"{ring} ring_next=0 beats=0 ticks_left=5 ops_left=7 ends_ms=none"
    assert lines(hive) == [
        "workers total=2 shown=2",
        f"worker id=worker-1 role=worker-heartbeat {first}",
        f"worker id=worker-2 role=worker-heartbeat {second}",
    ]
    assert all(LINE.fullmatch(line) for line in lines(hive)[1:])


def test_more_workers_than_are_shown_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "WORKERS_SHOWN", 2)
    hive = shown(fleet.provide)
    for _ in range(3):
        spawn(hive)

    assert lines(hive)[0] == "workers total=3 shown=2"
    assert len(lines(hive)) == 3
