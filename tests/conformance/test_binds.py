"""Binds and mounts: one session's arrangement, which no other session sees."""

import os

import pytest

from tests.conformance.cases import CTL, HEARTBEAT, LOG, TELEMETRY, command, refusal
from tests.conformance.hives import Hive
from tests.deployment import PROC

ROOT = ["gpu", "log", "proc", "queen", "worker"]


def test_a_bind_serves_one_place_from_another_in_this_session_only(hive: Hive) -> None:
    door = hive.door()
    hive.desk.write(LOG, b"line\n")
    assert door.names("/worker") == []

    command(door, '{"bind":{"from":"/log","to":"/worker"}}')

    assert door.names("/worker") == ["queen.log"]
    assert door.read("/worker/queen.log") == b"line\nbound /log -> /worker\n"
    assert hive.desk.names("/worker") == []
    assert refusal(hive.desk.read, "/worker/queen.log") == "ENOENT"


def test_another_sessions_bind_changes_nothing_here(hive: Hive) -> None:
    door = hive.door()
    command(hive.desk, '{"bind":{"from":"/log","to":"/worker"}}')

    assert hive.desk.names("/worker") == ["queen.log"]
    assert door.names("/worker") == []
    assert door.names("/") == ROOT


def test_a_queen_may_remap_even_her_own_control_file(hive: Hive) -> None:
    door = hive.door()

    command(door, '{"bind":{"from":"/queen","to":"/q"}}', '{"bind":{"from":"/log","to":"/queen"}}')

    assert refusal(door.open, CTL, os.O_RDONLY) == "ENOENT"
    door.write("/q/ctl", HEARTBEAT.encode())
    assert hive.desk.names("/worker") == ["worker-1"]
    assert hive.desk.names("/queen") == ["ctl", "lifecycle", "telemetry"]


def test_a_service_is_mounted_where_it_is_wanted(hive: Hive) -> None:
    door = hive.door()
    hive.desk.write(LOG, b"line\n")

    command(door, '{"mount":{"service":"logs","at":"/far/off"}}')

    assert door.names("/") == ["far", *ROOT]
    assert door.names("/far") == ["off"]
    assert door.names("/far/off") == ["queen.log"]
    assert door.read("/far/off/queen.log").startswith(b"line\n")
    assert hive.desk.names("/") == ROOT


def test_writes_through_a_bind_arrive(hive: Hive) -> None:
    command(hive.desk, HEARTBEAT)
    door = hive.door()
    command(door, '{"bind":{"from":"/worker/worker-1","to":"/mine"}}')

    door.write("/mine/telemetry", b"heartbeat 1\n")

    assert hive.desk.read(TELEMETRY) == b"heartbeat 1\n"
    assert door.read("/mine/telemetry") == b"heartbeat 1\n"
    assert door.read(TELEMETRY) == b"heartbeat 1\n"


def test_a_file_can_be_bound_over_a_file(hive: Hive) -> None:
    door = hive.door()
    before = door.read("/proc/boot")
    hive.desk.write(LOG, b"line\n")

    command(door, '{"bind":{"from":"/log/queen.log","to":"/proc/boot"}}')

    assert door.read("/proc/boot").startswith(b"line\n")
    assert hive.desk.read("/proc/boot") == before


def test_a_target_bound_again_is_replaced(hive: Hive) -> None:
    door = hive.door()
    command(door, '{"bind":{"from":"/log","to":"/a"}}')
    assert door.names("/a") == ["queen.log"]

    command(door, '{"bind":{"from":"/queen","to":"/a"}}')

    assert door.names("/a") == ["ctl", "lifecycle", "telemetry"]


def test_the_longest_target_wins_and_binds_do_not_chain(hive: Hive) -> None:
    door = hive.door()
    command(
        door,
        '{"bind":{"from":"/log","to":"/a"}}',
        '{"bind":{"from":"/queen","to":"/a/b"}}',
        '{"bind":{"from":"/proc","to":"/log"}}',
    )

    assert door.names("/a") == ["b", "queen.log"]
    assert door.names("/a/b") == ["ctl", "lifecycle", "telemetry"]
    assert door.names("/log") == PROC


def test_nothing_deeper_than_eight_names_is_reached_through_a_bind(hive: Hive) -> None:
    command(hive.desk, HEARTBEAT)
    door = hive.door()
    command(door, '{"bind":{"from":"/worker","to":"/a/a/a/a/a/a/a/a"}}')

    assert door.stat("/a/a/a/a/a/a/a/a").links == 2
    assert refusal(door.open, "/a/a/a/a/a/a/a/a/worker-1", os.O_RDONLY) == "EINVAL"


def test_what_was_bound_and_vanished_is_missing(hive: Hive) -> None:
    command(hive.desk, HEARTBEAT)
    door = hive.door()
    command(door, '{"bind":{"from":"/worker/worker-1","to":"/mine"}}')
    handle = door.open("/mine/telemetry", os.O_RDONLY)

    command(hive.desk, '{"kill":"worker-1"}')

    assert refusal(handle.read, 0, 1) == "ESTALE"
    assert refusal(door.open, "/mine/telemetry", os.O_RDONLY) == door.gone_while_open
    assert door.names("/") == ROOT
    handle.close()


@pytest.mark.parametrize(
    "text",
    [
        '{"bind":{"from":"/nobody","to":"/log"}}',
        '{"bind":{"from":"/log","to":"/"}}',
        '{"bind":{"from":"/log","to":"/proc/boot/x"}}',
        '{"bind":{"from":"/log","to":"/\\ud800"}}',
    ],
)
def test_a_refused_bind_changes_nothing(hive: Hive, text: str) -> None:
    door = hive.door()

    refusal(door.write, CTL, text.encode() + b"\n")

    assert door.names("/") == ROOT
    assert door.names("/log") == ["queen.log"]
    assert door.names("/proc") == PROC
