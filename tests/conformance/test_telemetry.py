"""Rings that wrap, strict readers, named cursors and segments: alike behind every door."""

import os

import pytest

from ninedoor.telemetry.gaps import Gap, marker
from tests.conformance.cases import TELEMETRY, command, refusal
from tests.conformance.doors import REPLACE
from tests.conformance.hives import Hive

RING = 1024
CURSORS = "/worker/worker-1/cursors"
DEVICE = "/queen/telemetry/dev"
SPAWN = '{"spawn":"heartbeat","ticks":100,"budget":{}}'


@pytest.fixture
def wrapped(hive: Hive) -> Hive:
    """Twelve records of 90 bytes into 1024: 56 are gone."""
    command(hive.desk, SPAWN)
    for number in range(12):
        hive.desk.write(TELEMETRY, b"%089d\n" % number)
    return hive


HISTORY = b"".join(b"%089d\n" % number for number in range(12))


def test_what_is_retained_is_read_and_the_size_is_its_end(wrapped: Hive) -> None:
    door = wrapped.door()

    assert door.read(TELEMETRY) == HISTORY[56:]
    assert door.stat(TELEMETRY).size == 1080
    handle = door.open(TELEMETRY, os.O_RDONLY)
    assert handle.read(1079, 100) == b"\n"
    assert handle.read(1080, 100) == b""
    handle.close()
    assert wrapped.log()[-1] == "[audit] telemetry ring wrap dropped_bytes=56 new_base=56"


def test_a_reader_that_is_overtaken_sees_a_marker_and_goes_on(wrapped: Hive) -> None:
    door = wrapped.door()
    handle = door.open(TELEMETRY, os.O_RDONLY)
    text = handle.read(0, 24)

    wrapped.desk.write(TELEMETRY, b"a" * 900)
    wrapped.desk.write(TELEMETRY, b"b" * 900)
    while part := handle.read(len(text), 500):
        text += part
    handle.close()

    assert text == HISTORY[56:80] + marker(Gap(1776, 1856)) + b"a" * 124 + b"b" * 900
    assert wrapped.log()[-1] == (
        "[audit] telemetry cursor stale requested=80 rewind_to=1856 retain_on_boot=false"
    )


def test_a_strict_reader_meets_the_original_errors(wrapped: Hive) -> None:
    door = wrapped.door()
    handle = door.open(TELEMETRY, os.O_RDONLY | os.O_DIRECT)

    assert refusal(handle.read, 0, 100) == "EINVAL"
    assert handle.read(56, 2000) == HISTORY[56:]
    assert handle.read(70, 10) == HISTORY[70:80]
    handle.close()

    told = [line for line in wrapped.log() if "[audit] telemetry cursor" in line]
    assert told[0] == "[audit] telemetry cursor stale requested=0 rewind_to=56 retain_on_boot=false"
    assert "[audit] telemetry cursor rewind requested=70 last=1080 bytes=1010" in told


def test_named_cursors_are_lines_of_a_file(wrapped: Hive) -> None:
    door = wrapped.door()

    door.write(CURSORS, b"set dash 900\n", REPLACE)
    door.write(CURSORS, b"set archive 56\ndrop archive\n")

    assert door.read(CURSORS) == (
        b"ring base=56 next=1080 capacity=1024\ncursor name=dash offset=900 lost=0 unread=180\n"
    )
    assert refusal(door.write, CURSORS, b"set dash 2000\n") == "EINVAL"
    assert wrapped.log()[-1].endswith("reason=telemetry cursor requested=2000 is past the end=1080")
    assert refusal(door.write, CURSORS, b"drop none\n") == "ENOENT"
    assert wrapped.log()[-1].endswith("reason=telemetry cursor none not found")
    assert b"name=dash offset=900" in door.read(CURSORS)


def test_segments_come_grow_and_go(hive: Hive) -> None:
    door = hive.door()
    for _ in range(4):
        door.write(f"{DEVICE}/ctl", b'{"new":"segment","mime":"text/plain"}\n')
    assert door.names("/queen/telemetry") == ["dev"]
    assert door.read(f"{DEVICE}/latest") == b"seg-000004\n"
    door.write(f"{DEVICE}/seg/seg-000001", b"first ")
    door.write(f"{DEVICE}/seg/seg-000001", b"piece\n", REPLACE)
    handle = door.open(f"{DEVICE}/seg/seg-000001", os.O_RDONLY)
    assert handle.read(0, 100) == b"first piece\n"
    assert door.stat(f"{DEVICE}/seg/seg-000001").size == 12

    door.write(f"{DEVICE}/ctl", b'{"new":"segment"}\n')

    assert door.names(f"{DEVICE}/seg") == [f"seg-{number:06}" for number in (2, 3, 4, 5)]
    assert refusal(handle.read, 0, 100) == "ESTALE"
    handle.close()
    assert refusal(door.read, f"{DEVICE}/seg/seg-000001") == "ENOENT"
    assert refusal(door.write, f"{DEVICE}/ctl", b'{"new":"stream"}\n') == "EINVAL"
    assert hive.log()[-1].endswith("reason=unsupported telemetry ctl verb stream")
