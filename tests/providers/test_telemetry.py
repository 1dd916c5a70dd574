"""What a worker's directory holds: the ring, and the cursors of those who read it."""

import errno

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.providers import worker
from ninedoor.session.ports import READ
from tests.callers import QUEEN
from tests.providers.sites import NOW, Shown, shown

TELEMETRY = "/worker/worker-1/telemetry"
CURSORS = "/worker/worker-1/cursors"


def _spawned() -> Shown:
    hive = shown(worker.provide)
    hive.hive.command('{"spawn":"heartbeat","ticks":100}', QUEEN, NOW)
    return hive


def test_the_ring_and_the_cursors() -> None:
    hive = _spawned()

    assert hive.names("/worker/worker-1") == ["cursors", "telemetry"]
    assert hive.read(CURSORS) == b"ring base=0 next=0 capacity=16\n"


def test_a_cursor_is_set_and_dropped_by_lines() -> None:
    hive = _spawned()
    hive.write(TELEMETRY, b"0123456789", offset=limits.APPEND_OFFSET)

    assert hive.write(CURSORS, b"set dash 4\nset archive 10\n") == 26
    assert hive.read(CURSORS).splitlines()[1:] == [
        b"cursor name=archive offset=10 lost=0 unread=0",
        b"cursor name=dash offset=4 lost=0 unread=6",
    ]
    hive.write(CURSORS, b"drop archive\n")
    with pytest.raises(P9Error) as refusal:
        hive.write(CURSORS, b"set dash 99\n")

    assert refusal.value.ecode == errno.EINVAL
    assert hive.hive.workers["worker-1"].cursors == {"dash": 4}


def test_the_cursors_of_an_earlier_run_are_there() -> None:
    first = _spawned()
    first.write(CURSORS, b"set dash 0\n")

    again = shown(worker.provide, journal=first.journal.reopened())

    assert b"name=dash offset=0" in again.read(CURSORS)


def test_who_watches_the_cursors_hears_of_the_ring_too() -> None:
    hive = _spawned()
    woken: list[int] = []
    stop = hive.node(CURSORS).watch(lambda: woken.append(1))

    hive.write(TELEMETRY, b"0123456789", offset=limits.APPEND_OFFSET)
    hive.write(CURSORS, b"set dash 4\n")
    stop()
    hive.write(CURSORS, b"set dash 5\n")
    hive.write(TELEMETRY, b"x", offset=limits.APPEND_OFFSET)

    assert woken == [1, 1]


def test_a_reader_that_is_overtaken_is_logged() -> None:
    hive = _spawned()
    hive.write(TELEMETRY, b"0123456789", offset=limits.APPEND_OFFSET)
    opened = hive.node(TELEMETRY).open(READ, NOW)
    opened.read(0, 4, NOW)

    hive.write(TELEMETRY, b"ABCDEFGHIJKLMNOP", offset=limits.APPEND_OFFSET)

    assert opened.read(4, 100, NOW) == b"\n" * 6 + b"ABCDEFGHIJKLMNOP"
    assert hive.hive.log.retained().splitlines()[-1] == (
        b"[audit] telemetry cursor stale requested=4 rewind_to=10 retain_on_boot=false"
    )
