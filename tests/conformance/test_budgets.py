"""Budgets: time, operations and ticks run out, and the worker is revoked with the reason word for word. What
a ticket grants on top of that ends with the ticket."""

import os

import pytest

from tests.conformance.cases import CTL, LOG, TELEMETRY, command, refusal, told, worker
from tests.conformance.doors import APPEND, Door
from tests.conformance.hives import Hive
from tests.deployment import ticket


def assert_revoked(hive: Hive, reason: str) -> None:
    """The hive says so, once, and the worker's place is gone."""
    assert told(hive)[-1] == f"revoked worker-1: {reason}"
    assert sum("revoked" in line for line in hive.log()) == 1
    assert hive.desk.names("/worker") == []


def test_a_workers_time_runs_out_though_it_does_nothing(hive: Hive) -> None:
    door = worker(hive, '{"spawn":"heartbeat","ticks":9,"budget":{"ttl_s":60}}')
    handle = door.open(TELEMETRY, APPEND)
    handle.write(b"heartbeat 1\n")

    hive.advance(59)
    handle.write(b"heartbeat 2\n")
    assert told(hive) == ["spawned worker-1 ticks=9 ttl=60 ops=∞"]
    hive.advance(1)

    assert_revoked(hive, "ticket ttl expired")
    assert refusal(handle.write, b"heartbeat 3\n") == "ESTALE"
    assert refusal(door.open, LOG, os.O_RDONLY) == "ESTALE"
    handle.close()


def test_a_queens_handle_on_an_expired_worker_is_stale(hive: Hive) -> None:
    command(hive.desk, '{"spawn":"heartbeat","ticks":9,"budget":{"ttl_s":1}}')
    door = hive.door()
    handle = door.open(TELEMETRY, os.O_RDONLY)

    hive.advance(1)

    assert refusal(handle.read, 0, 1) == "ESTALE"
    assert refusal(door.open, TELEMETRY, os.O_RDONLY) == door.gone_while_open
    handle.close()


def test_ticks_run_out_after_as_many_beats_and_not_one_more(hive: Hive) -> None:
    door = worker(hive, '{"spawn":"heartbeat","ticks":2,"budget":{}}')
    handle = door.open(TELEMETRY, os.O_RDWR | os.O_APPEND)

    handle.write(b"heartbeat 1\n")
    handle.write(b"heartbeat 2\n")
    assert handle.read(0, 100) == b"heartbeat 1\nheartbeat 2\n"
    assert refusal(handle.write, b"heartbeat 3\n") == "ESTALE"

    assert_revoked(hive, "tick budget exhausted")
    assert refusal(handle.read, 0, 100) == "ESTALE"
    handle.close()


def test_a_queens_writes_cost_a_worker_no_ticks(hive: Hive) -> None:
    command(hive.desk, '{"spawn":"heartbeat","ticks":0,"budget":{}}')
    door = hive.door()

    door.write(TELEMETRY, b"queen\n")
    door.write(TELEMETRY, b"queen\n")

    assert told(hive) == ["spawned worker-1 ticks=0 ttl=∞ ops=∞"]


def operate_until_refused(door: Door) -> int:
    """Appends until one is refused; returns how many were not."""
    for served in range(100):
        try:
            door.write(TELEMETRY, b"x\n")
        except OSError:
            return served
    raise AssertionError("never refused")


def test_operations_run_out(hive: Hive) -> None:
    """A door needs its own number of walks and opens for one append; the last operation is nobody's."""
    door = worker(hive, '{"spawn":"heartbeat","ticks":1000,"budget":{"ops":30}}')

    served = operate_until_refused(door)

    assert 0 < served <= 10
    assert_revoked(hive, "operation budget exhausted")
    assert refusal(door.open, LOG, os.O_RDONLY) == "ESTALE"


@pytest.mark.parametrize("budget", [{"ttl_s": 5}, {"ops": 12}, {"ticks": 2}], ids=["ttl", "ops", "ticks"])
def test_a_ticket_that_is_used_up_ends_its_session_and_not_the_worker(
    hive: Hive, budget: dict[str, int]
) -> None:
    command(hive.desk, '{"spawn":"heartbeat","ticks":1000,"budget":{}}')
    door = hive.door("worker-heartbeat:worker-1", ticket("worker-heartbeat", "worker-1", **budget))
    hive.advance(4)
    assert door.write(TELEMETRY, b"x\n") == 2

    hive.advance(1)
    operate_until_refused(door)

    assert refusal(door.write, TELEMETRY, b"x\n") == "ESTALE"
    assert told(hive) == ["spawned worker-1 ticks=1000 ttl=∞ ops=∞"]
    assert hive.desk.names("/worker") == ["worker-1"]


def test_a_new_default_budget_counts_for_the_next_worker_only(hive: Hive) -> None:
    door = hive.door()
    command(
        door,
        '{"spawn":"heartbeat","ticks":1}',
        '{"budget":{"ttl_s":1,"ops":9}}',
        '{"spawn":"heartbeat","ticks":1}',
    )

    hive.advance(1)

    assert door.names("/worker") == ["worker-1"]
    assert told(hive) == [
        "spawned worker-1 ticks=1 ttl=300 ops=10000",
        "updated default budget ttl=1 ops=9 ticks=∞",
        "spawned worker-2 ticks=1 ttl=1 ops=9",
        "revoked worker-2: ticket ttl expired",
    ]
    assert refusal(door.write, CTL, b'{"kill":"worker-2"}\n') == "ENOENT"
