"""What a worker may reach, and what happens to it and to its files when it is revoked."""

import os

import pytest

from tests.conformance.cases import (
    CTL,
    HEARTBEAT,
    LOG,
    TELEMETRY,
    command,
    denials,
    refusal,
    told,
    worker,
)
from tests.conformance.doors import APPEND, REPLACE
from tests.conformance.hives import Hive
from tests.deployment import BOOT_LINES, ticket

OTHER = "/worker/worker-2/telemetry"


# -- isolation


def test_a_worker_sees_the_common_part_and_its_own_place(hive: Hive) -> None:
    door = worker(hive)
    command(hive.desk, HEARTBEAT)

    assert door.names("/") == ["log", "proc", "worker"]
    assert door.names("/proc") == ["boot"]
    assert door.names("/log") == ["queen.log"]
    assert door.names("/worker/worker-1") == ["telemetry"]
    assert door.read("/proc/boot").decode().splitlines() == list(BOOT_LINES)
    assert door.read(LOG).startswith(b"spawned worker-1 ")


def test_a_worker_writes_its_own_telemetry(hive: Hive) -> None:
    door = worker(hive)

    assert door.write(TELEMETRY, b"heartbeat 1\n") == 12
    assert door.write(TELEMETRY, b"heartbeat 2\n", REPLACE) == 12

    assert door.read(TELEMETRY) == b"heartbeat 1\nheartbeat 2\n"
    assert hive.desk.read(TELEMETRY) == b"heartbeat 1\nheartbeat 2\n"


@pytest.mark.parametrize(
    ("path", "flags"),
    [
        (CTL, os.O_RDONLY),
        (CTL, APPEND),
        ("/queen", os.O_RDONLY | os.O_DIRECTORY),
        ("/worker", os.O_RDONLY | os.O_DIRECTORY),
        (OTHER, os.O_RDONLY),
        (OTHER, APPEND),
        ("/worker/worker-2", os.O_RDONLY | os.O_DIRECTORY),
        (LOG, APPEND),
        ("/proc/9p/sessions", os.O_RDONLY),
    ],
)
def test_a_worker_reaches_nothing_else(hive: Hive, path: str, flags: int) -> None:
    door = worker(hive)
    command(hive.desk, HEARTBEAT)

    assert refusal(door.open, path, flags) == "EPERM"

    assert len(denials(hive)) == 1
    assert told(hive) == [f"spawned worker-{number} ticks=100 ttl=300 ops=10000" for number in (1, 2)]


def test_a_denial_is_logged_with_who_what_where_and_why(hive: Hive) -> None:
    door = worker(hive)

    refusal(door.open, "/queen/ctl", os.O_RDONLY)

    (line,) = denials(hive)
    assert line.startswith("denied who=worker-heartbeat:worker-1 ticket=")
    assert " error=EPERM reason=access to /queen" in line


def test_a_worker_binds_nothing(hive: Hive) -> None:
    door = worker(hive)

    assert refusal(door.write, CTL, b'{"bind":{"from":"/log","to":"/worker"}}\n') == "EPERM"

    assert door.names("/worker/worker-1") == ["telemetry"]
    assert not any(line.startswith("bound") for line in hive.log())


@pytest.mark.parametrize(
    ("uname", "aname", "name"),
    [
        ("worker-heartbeat:worker-1", "", "EPERM"),
        ("worker-heartbeat:worker-1", "cohesix-ticket-00.00", "EPERM"),
        ("worker-heartbeat:worker-1", ticket("worker-heartbeat", "worker-2"), "EPERM"),
        ("worker-gpu:worker-1", ticket("worker-heartbeat", "worker-1"), "EPERM"),
        ("worker-gpu:worker-1", ticket("worker-gpu", "worker-1"), "EINVAL"),
        ("worker-heartbeat:worker-7", ticket("worker-heartbeat", "worker-7"), "ENOENT"),
        ("worker-heartbeat:", ticket("worker-heartbeat", "worker-1"), "EINVAL"),
        ("worker-x:worker-1", ticket("worker-heartbeat", "worker-1"), "EINVAL"),
        ("queen", ticket("worker-heartbeat", "worker-1"), "EPERM"),
    ],
)
def test_who_has_no_ticket_for_it_is_not_admitted(hive: Hive, uname: str, aname: str, name: str) -> None:
    command(hive.desk, HEARTBEAT)

    assert refusal(hive.door, uname, aname) == name

    assert len(denials(hive)) == 1


def test_a_queen_with_a_ticket_is_a_queen(hive: Hive) -> None:
    door = hive.door("queen", ticket("queen"))

    command(door, HEARTBEAT)

    assert door.names("/worker") == ["worker-1"]


# -- revocation


def test_a_kill_makes_open_handles_stale_and_paths_vanish(hive: Hive) -> None:
    command(hive.desk, HEARTBEAT, HEARTBEAT)
    door = hive.door()
    reading, writing = door.open(TELEMETRY, os.O_RDONLY), door.open(TELEMETRY, APPEND)
    writing.write(b"heartbeat 1\n")
    assert reading.read(0, 100) == b"heartbeat 1\n"

    command(hive.desk, '{"kill":"worker-1"}')

    assert refusal(reading.read, 0, 100) == "ESTALE"
    assert refusal(writing.write, b"heartbeat 2\n") == "ESTALE"
    assert refusal(door.open, TELEMETRY, os.O_RDONLY) == door.gone_while_open
    assert refusal(door.stat, "/worker/worker-1") == door.gone_while_open
    assert refusal(door.read, TELEMETRY) == door.gone_while_open
    assert door.names("/worker") == ["worker-2"]
    assert told(hive)[2:] == ["killed worker-1", "revoked worker-1: killed by queen"]
    reading.close()
    writing.close()


@pytest.mark.parametrize("path", ["/worker/worker-1", TELEMETRY])
def test_a_kill_by_another_session_is_seen_by_the_next_stat(hive: Hive, path: str) -> None:
    """Linux keeps attributes; it has to be told at once that these are no more."""
    command(hive.desk, HEARTBEAT)
    door = hive.door()
    door.stat(path)

    command(hive.desk, '{"kill":"worker-1"}')

    assert refusal(door.stat, path) == "ENOENT"


def test_a_kill_through_the_door_itself_is_seen_there_at_once(hive: Hive) -> None:
    door = hive.door()
    command(door, HEARTBEAT)
    reading = door.open(TELEMETRY, os.O_RDONLY)
    assert door.names("/worker/worker-1") == ["cursors", "telemetry"]

    command(door, '{"kill":"worker-1"}')

    assert refusal(reading.read, 0, 100) == "ESTALE"
    assert refusal(door.stat, TELEMETRY) == door.gone_while_open
    assert door.names("/worker") == []
    reading.close()
    assert refusal(door.stat, TELEMETRY) == "ENOENT"


def test_a_killed_workers_session_is_at_its_end(hive: Hive) -> None:
    door = worker(hive)
    own, boot = door.open(TELEMETRY, os.O_RDWR), door.open("/proc/boot", os.O_RDONLY)
    own.write(b"heartbeat 1\n")

    command(hive.desk, '{"kill":"worker-1"}')

    assert refusal(own.read, 0, 100) == "ESTALE"
    assert refusal(own.write, b"heartbeat 2\n") == "ESTALE"
    assert refusal(boot.read, 0, 100) == "ESTALE"
    assert refusal(door.open, LOG, os.O_RDONLY) == "ESTALE"
    assert refusal(door.names, "/") == "ESTALE"
    assert refusal(door.stat, "/worker/worker-1") == "ESTALE"
    own.close()
    boot.close()


def test_a_killed_workers_ticket_opens_no_door(hive: Hive) -> None:
    command(hive.desk, HEARTBEAT)
    token = ticket("worker-heartbeat", "worker-1")
    hive.door("worker-heartbeat:worker-1", token).close()
    command(hive.desk, '{"kill":"worker-1"}', HEARTBEAT)

    assert refusal(hive.door, "worker-heartbeat:worker-1", token) == "EPERM"
    assert denials(hive)[-1].endswith("error=EPERM reason=ticket revoked: killed by queen")


def test_a_successor_is_another_worker(hive: Hive) -> None:
    door = hive.door()
    command(door, HEARTBEAT)
    handle = door.open(TELEMETRY, os.O_RDONLY)

    command(door, '{"kill":"worker-1"}', HEARTBEAT)

    assert door.names("/worker") == ["worker-2"]
    assert refusal(handle.read, 0, 1) == "ESTALE"
    handle.close()
