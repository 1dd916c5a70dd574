"""The hive's commands, budgets and rings: exact log lines, and nothing done when anything is refused."""

import errno
from collections.abc import Callable
from functools import partial

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.hive.refusals import BURST
from ninedoor.hive.workers import Worker
from ninedoor.store.memory import RetainedJournal
from tests.callers import RecordingCaller
from tests.hive.hives import (
    CAPACITY,
    NOW,
    added,
    log,
    new_hive,
    opened,
    outcomes,
    run,
    spawned,
    state_of,
)

WORKER = "worker-heartbeat:worker-1"
FULL = P9Error(errno.ENOSPC, "no room for a record")


def _refused(action: Callable[[], object]) -> P9Error:
    with pytest.raises(P9Error) as refusal:
        action()
    return refusal.value


class _Follower:
    """Remembers what it was told of the workers (`ninedoor.hive.hive.Observer`)."""

    def __init__(self, hive: Hive) -> None:
        self.told: list[tuple[str, str, float]] = []
        hive.observers.append(self)

    def spawned(self, worker: Worker, now: float) -> None:
        self.told.append(("spawned", worker.id, now))

    def revoked(self, worker: Worker, reason: str, now: float) -> None:
        self.told.append((reason, worker.id, now))


# -- spawn --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ('{"spawn":"heartbeat","ticks":100}', "spawned worker-1 ticks=100 ttl=300 ops=10000"),
        (
            '{"spawn":"heartbeat","ticks":40,"budget":{"ttl_s":60}}',
            "spawned worker-1 ticks=40 ttl=60 ops=∞",
        ),
        (
            '{"spawn":"heartbeat","ticks":1,"budget":{"ttl_s":10,"ops":3}}',
            "spawned worker-1 ticks=1 ttl=10 ops=3",
        ),
        ('{"spawn":"heartbeat","ticks":0,"budget":{}}', "spawned worker-1 ticks=0 ttl=∞ ops=∞"),
    ],
)
def test_a_spawn_is_logged_with_its_budget(command: str, line: str) -> None:
    hive = new_hive()

    run(hive, command)

    assert log(hive) == [line]
    assert outcomes(hive) == [f"OK {command}"]


def test_a_spawned_worker_has_the_default_budget() -> None:
    hive = new_hive()

    run(hive, '{"spawn":"heartbeat","ticks":100}')

    worker = hive.workers["worker-1"]
    assert (worker.role, worker.ticks, worker.ticks_left) == ("worker-heartbeat", 100, 100)
    assert (worker.ops_left, worker.deadline, worker.spawned) == (10000, NOW + 300, NOW)
    assert worker.ring.capacity == CAPACITY


def test_a_budget_of_its_own_replaces_the_defaults_wholesale() -> None:
    worker = spawned(new_hive(), ops=7)

    assert (worker.ops_left, worker.deadline) == (7, None)


def test_the_greatest_numbers_are_a_budget() -> None:
    most = 2**64 - 1
    hive = new_hive()

    worker = spawned(hive, ticks=most, ttl_s=most, ops=most)
    hive.charge(worker, NOW)
    hive.append_telemetry(worker, 0, b"x", WORKER, NOW)

    assert (worker.ticks_left, worker.ops_left) == (most - 1, most - 1)


def test_ids_count_upwards() -> None:
    hive = new_hive()

    assert [spawned(hive).id for _ in range(3)] == ["worker-1", "worker-2", "worker-3"]


def test_an_id_is_never_reused() -> None:
    hive = new_hive()
    spawned(hive)
    run(hive, '{"kill":"worker-1"}')

    assert spawned(hive).id == "worker-2"


def test_a_full_hive_refuses_a_spawn() -> None:
    hive = new_hive()
    for _ in range(5):
        spawned(hive)

    refusal = _refused(lambda: spawned(hive))

    assert refusal.ecode == errno.ENOSPC
    assert len(hive.workers) == 5
    run(hive, '{"kill":"worker-3"}')
    assert spawned(hive).id == "worker-6"


def test_a_gpu_spawn_finds_no_gpu_and_uses_up_an_id() -> None:
    hive = new_hive()
    lease = '{"gpu_id":"GPU-0","mem_mb":1,"streams":2,"ttl_s":120}'

    refusal = _refused(lambda: run(hive, f'{{"spawn":"gpu","lease":{lease}}}'))

    assert (refusal.ecode, refusal.reason) == (errno.ENOENT, "gpu GPU-0 not registered")
    assert not hive.workers
    assert spawned(hive).id == "worker-2"


def test_a_gpu_spawn_without_streams_is_refused_and_uses_up_nothing() -> None:
    hive = new_hive()
    lease = '{"gpu_id":"GPU-0","mem_mb":1,"streams":0,"ttl_s":120}'

    assert _refused(lambda: run(hive, f'{{"spawn":"gpu","lease":{lease}}}')).ecode == errno.EINVAL

    assert spawned(hive).id == "worker-1"


# -- kill ---------------------------------------------------------------------------------------------------


def test_a_kill_is_logged_as_kill_and_as_revocation() -> None:
    hive = new_hive()
    worker = spawned(hive)

    lines = added(hive, lambda: run(hive, '{"kill":"worker-1"}'))

    assert lines == ["killed worker-1", "revoked worker-1: killed by queen"]
    assert worker.gone == "killed by queen"
    assert not hive.workers


def test_a_killed_worker_can_do_nothing_any_more() -> None:
    hive = new_hive()
    worker = spawned(hive)
    run(hive, '{"kill":"worker-1"}')
    before = state_of(hive)

    for action in (
        lambda: hive.charge(worker, NOW),
        lambda: hive.append_telemetry(worker, 0, b"x", WORKER, NOW),
    ):
        refusal = _refused(action)
        assert (refusal.ecode, refusal.reason) == (errno.ESTALE, "killed by queen")

    assert state_of(hive) == before


def test_a_worker_is_killed_once() -> None:
    hive = new_hive()
    spawned(hive)
    run(hive, '{"kill":"worker-1"}')

    refusal = _refused(lambda: run(hive, '{"kill":"worker-1"}'))

    assert (refusal.ecode, refusal.reason) == (errno.ENOENT, "worker worker-1 not found")


def test_revoking_what_is_gone_does_nothing() -> None:
    hive = new_hive()
    worker = spawned(hive)
    hive.revoke(worker, "ticket ttl expired", NOW)
    before = state_of(hive)

    hive.revoke(worker, "ticket ttl expired", NOW)

    assert state_of(hive) == before


def test_killing_one_worker_leaves_the_others_alone() -> None:
    hive = new_hive()
    first, second = spawned(hive), spawned(hive)
    hive.append_telemetry(second, 0, b"heartbeat 1\n", "queen", NOW)

    run(hive, '{"kill":"worker-1"}')

    assert first.gone
    assert second.gone is None
    assert hive.workers == {"worker-2": second}
    assert second.ring.retained() == b"heartbeat 1\n"


# -- default budgets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "line", "defaults"),
    [
        ('{"budget":{"ttl_s":60,"ops":5}}', "ttl=60 ops=5", (60, 5)),
        ('{"budget":{"ttl_s":60}}', "ttl=60 ops=∞", (60, None)),
        ('{"budget":{"ops":5}}', "ttl=∞ ops=5", (None, 5)),
        ('{"budget":{}}', "ttl=∞ ops=∞", (None, None)),
        ('{"budget":{"ttl_s":0,"ops":0}}', "ttl=0 ops=0", (0, 0)),
    ],
)
def test_a_budget_command_replaces_both_defaults(
    command: str, line: str, defaults: tuple[int | None, int | None]
) -> None:
    hive = new_hive()

    run(hive, command)

    assert log(hive) == [f"updated default budget {line} ticks=∞"]
    assert (hive.defaults.ttl_s, hive.defaults.ops) == defaults


def test_new_defaults_are_for_the_workers_to_come() -> None:
    hive = new_hive()
    run(hive, '{"spawn":"heartbeat","ticks":1}')
    run(hive, '{"budget":{"ops":5}}')
    run(hive, '{"spawn":"heartbeat","ticks":1}')

    old, new = hive.workers.values()
    assert (old.ops_left, old.deadline) == (10000, NOW + 300)
    assert (new.ops_left, new.deadline) == (5, None)
    assert log(hive)[-1] == "spawned worker-2 ticks=1 ttl=∞ ops=5"


# -- bind and mount -----------------------------------------------------------------------------------------


def test_a_bind_is_the_writers_own_and_is_logged() -> None:
    hive = new_hive()
    caller = RecordingCaller()

    run(hive, '{"bind":{"from":"/a","to":"/b/c"}}', caller=caller)

    assert caller.binds == [(("a",), ("b", "c"))]
    assert log(hive) == ["bound /a -> /b/c"]


def test_a_mount_binds_what_the_service_stands_for() -> None:
    hive = new_hive()
    caller = RecordingCaller()

    run(hive, '{"mount":{"service":"logs","at":"/x"}}', caller=caller)

    assert caller.binds == [(("log",), ("x",))]
    assert log(hive) == ["mounted logs at /x"]


def test_a_mount_of_an_unknown_service_is_refused() -> None:
    hive = new_hive()
    caller = RecordingCaller()

    refusal = _refused(lambda: run(hive, '{"mount":{"service":"nfs","at":"/x"}}', caller=caller))

    assert (refusal.ecode, refusal.reason) == (errno.ENOENT, "service nfs not registered")
    assert not caller.binds
    assert not log(hive)


@pytest.mark.parametrize(
    "command", ['{"bind":{"from":"/a","to":"/b"}}', '{"mount":{"service":"logs","at":"/x"}}']
)
def test_a_bind_that_the_session_refuses_is_refused(command: str) -> None:
    hive = new_hive()
    caller = RecordingCaller()
    caller.refusal = P9Error(errno.ENOENT, "a not found")

    assert _refused(lambda: run(hive, command, caller=caller)) is caller.refusal

    assert not log(hive)
    assert outcomes(hive) == [f"ERR ENOENT {command}: a not found"]


@pytest.mark.parametrize(
    "command", ['{"bind":{"from":"/a","to":"/b"}}', '{"mount":{"service":"logs","at":"/x"}}']
)
def test_a_bind_that_cannot_be_recorded_is_taken_back(command: str) -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    caller = RecordingCaller()
    run(hive, command, caller=caller)
    before = list(caller.binds)
    journal.failure = FULL

    assert _refused(lambda: run(hive, command, caller=caller)) is FULL

    assert caller.binds == before
    assert len(outcomes(hive)) == 1


def test_a_bound_path_cannot_begin_another_log_line() -> None:
    hive = new_hive()

    run(hive, '{"bind":{"from":"/a","to":"/b\\nkilled worker-1"}}')

    assert log(hive) == ["bound /a -> /b\\nkilled worker-1"]


# -- outcomes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("nonsense", "ERR EINVAL nonsense: invalid queen command: expecting value at column 1"),
        ('{"kill":"worker-9"}', 'ERR ENOENT {"kill":"worker-9"}: worker worker-9 not found'),
    ],
)
def test_a_refused_command_says_why_and_changes_nothing_else(command: str, outcome: str) -> None:
    hive = new_hive()
    spawned(hive)
    before = state_of(hive)

    _refused(lambda: run(hive, command))

    assert outcomes(hive)[1:] == [outcome]
    assert state_of(hive) | {"outcomes": before["outcomes"]} == before


def test_an_outcome_is_one_line_whatever_the_command_holds() -> None:
    hive = new_hive()

    _refused(lambda: run(hive, "\x1b[2J" + "x" * 9000))

    (outcome,) = outcomes(hive)
    assert outcome.startswith("ERR EINVAL \\x1b[2Jxxx")
    assert outcome.isprintable()
    assert len(outcome) < 2500


@pytest.mark.parametrize("failure", [FULL, P9Error(errno.EIO, "sync failed")])
def test_a_command_stays_refused_for_its_own_reason_when_its_outcome_cannot_be_recorded(
    failure: P9Error,
) -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    journal.failure = failure

    assert _refused(lambda: run(hive, "nonsense")).ecode == errno.EINVAL
    assert _refused(lambda: run(hive, '{"kill":"worker-9"}')).ecode == errno.ENOENT
    hive.rejected("x", P9Error(errno.EMSGSIZE, "too long"), NOW)

    assert outcomes(hive) == []


# -- budgets of workers -------------------------------------------------------------------------------------


def test_each_operation_costs_one_and_the_one_after_the_last_ends_the_worker() -> None:
    hive = new_hive()
    worker = spawned(hive, ops=3)
    for left in (2, 1, 0):
        hive.charge(worker, NOW)
        assert worker.ops_left == left
    assert worker.gone is None

    refusal = _refused(lambda: hive.charge(worker, NOW))

    assert (refusal.ecode, refusal.reason) == (errno.ESTALE, "operation budget exhausted")
    assert log(hive)[1:] == ["revoked worker-1: operation budget exhausted"]
    assert not hive.workers


def test_a_worker_without_a_limit_on_operations_is_charged_nothing() -> None:
    hive = new_hive()
    worker = spawned(hive)
    before = state_of(hive)

    hive.charge(worker, NOW)

    assert state_of(hive) == before


def test_the_ttl_ends_a_worker_at_its_deadline_and_not_before() -> None:
    hive = new_hive()
    worker = spawned(hive, ttl_s=60)
    hive.charge(worker, NOW + 59.999)

    refusal = _refused(lambda: hive.charge(worker, NOW + 60))

    assert (refusal.ecode, refusal.reason) == (errno.ESTALE, "ticket ttl expired")
    assert log(hive)[1:] == ["revoked worker-1: ticket ttl expired"]


def test_expiry_ends_whoever_is_overdue_and_nobody_else() -> None:
    hive = new_hive()
    spawned(hive, ttl_s=10)
    spawned(hive, ttl_s=20)
    spawned(hive, ops=1)
    assert hive.next_deadline() == NOW + 10

    assert added(hive, lambda: hive.expire(NOW + 9.9)) == []
    assert added(hive, lambda: hive.expire(NOW + 10)) == ["revoked worker-1: ticket ttl expired"]
    assert hive.next_deadline() == NOW + 20
    assert added(hive, lambda: hive.expire(NOW + 1000)) == ["revoked worker-2: ticket ttl expired"]

    assert list(hive.workers) == ["worker-3"]
    assert hive.next_deadline() is None


def test_the_first_reason_stands_when_two_budgets_end_together() -> None:
    hive = new_hive()
    worker = spawned(hive, ttl_s=60, ops=0)

    assert _refused(lambda: hive.charge(worker, NOW + 60)).reason == "ticket ttl expired"


def test_each_own_append_costs_a_tick_and_the_one_after_the_last_ends_the_worker() -> None:
    hive = new_hive()
    worker = spawned(hive, ticks=2)
    for beat in (1, 2):
        hive.append_telemetry(worker, worker.ring.next, f"{beat}\n".encode(), WORKER, NOW)
    assert (worker.ticks_left, worker.beats, worker.gone) == (0, 2, None)

    refusal = _refused(lambda: hive.append_telemetry(worker, worker.ring.next, b"3\n", WORKER, NOW))

    assert (refusal.ecode, refusal.reason) == (errno.ESTALE, "tick budget exhausted")
    assert worker.ring.retained() == b"1\n2\n"
    assert log(hive)[1:] == ["revoked worker-1: tick budget exhausted"]


def test_an_append_by_another_costs_the_worker_nothing() -> None:
    hive = new_hive()
    worker = spawned(hive, ticks=2)

    hive.append_telemetry(worker, 0, b"note\n", "queen", NOW)

    assert (worker.ticks_left, worker.beats) == (2, 0)
    assert worker.ring.retained() == b"note\n"


def test_a_refused_append_costs_no_tick() -> None:
    hive = new_hive()
    worker = spawned(hive, ticks=2)

    for offset, data in ((5, b"x"), (0, b"x" * 17), (0, b"\xff")):
        _refused(partial(hive.append_telemetry, worker, offset, data, WORKER, NOW))

    assert (worker.ticks_left, worker.beats) == (2, 0)


# -- telemetry ----------------------------------------------------------------------------------------------


def _ring_of(worker: Worker) -> tuple[int, int, bytes]:
    return worker.ring.base, worker.ring.next, worker.ring.retained()


def test_a_ring_of_sixteen_bytes_wraps_and_says_so() -> None:
    hive = new_hive()
    worker = spawned(hive)
    assert hive.append_telemetry(worker, 0, b"0123456789", WORKER, NOW) == 10
    assert _ring_of(worker) == (0, 10, b"0123456789")

    lines = added(hive, lambda: hive.append_telemetry(worker, 10, b"abcdefgh", WORKER, NOW))

    assert _ring_of(worker) == (2, 18, b"23456789abcdefgh")
    assert lines == ["[audit] telemetry ring wrap dropped_bytes=2 new_base=2"]


def test_a_frame_larger_than_the_ring_is_refused() -> None:
    hive = new_hive()
    worker = spawned(hive)
    refusals: list[P9Error] = []

    lines = added(
        hive,
        lambda: refusals.append(_refused(lambda: hive.append_telemetry(worker, 0, b"x" * 17, WORKER, NOW))),
    )

    assert refusals[0].ecode == errno.EDQUOT
    assert refusals[0].reason == "telemetry frame exceeds ring quota: 17 > 16"
    assert lines == ["[audit] telemetry quota reject bytes=17 quota=16"]
    assert _ring_of(worker) == (0, 0, b"")


def test_an_append_anywhere_but_at_the_end_is_refused() -> None:
    hive = new_hive()
    worker = spawned(hive)
    hive.append_telemetry(worker, 0, b"0123456789", WORKER, NOW)
    hive.append_telemetry(worker, 10, b"abcdefgh", WORKER, NOW)
    before = _ring_of(worker)
    refusals: list[P9Error] = []

    lines = added(
        hive,
        lambda: refusals.append(_refused(lambda: hive.append_telemetry(worker, 5, b"x", WORKER, NOW))),
    )

    reason = "telemetry append offset rejected: append-only offset 5 does not match expected 18"
    assert (refusals[0].ecode, refusals[0].reason) == (errno.EINVAL, reason)
    assert lines == [f"[audit] {reason}"]
    assert _ring_of(worker) == before


def test_an_append_at_the_end_wherever_that_is_always_fits() -> None:
    hive = new_hive()
    worker = spawned(hive)
    hive.append_telemetry(worker, 0, b"abc", WORKER, NOW)

    assert hive.append_telemetry(worker, limits.APPEND_OFFSET, b"def", WORKER, NOW) == 3

    assert worker.ring.retained() == b"abcdef"


def test_a_frame_of_exactly_the_ring_replaces_it() -> None:
    hive = new_hive()
    worker = spawned(hive)
    hive.append_telemetry(worker, 0, b"abc", WORKER, NOW)

    hive.append_telemetry(worker, 3, b"x" * 16, WORKER, NOW)

    assert _ring_of(worker) == (3, 19, b"x" * 16)


@pytest.mark.parametrize("data", [b"\xff", b"ok \xc3(", b"\xed\xa0\x80"])
def test_a_frame_that_is_not_utf8_is_refused(data: bytes) -> None:
    hive = new_hive()
    worker = spawned(hive)
    refusals: list[P9Error] = []

    lines = added(
        hive,
        lambda: refusals.append(_refused(lambda: hive.append_telemetry(worker, 0, data, WORKER, NOW))),
    )

    assert refusals[0].ecode == errno.EINVAL
    assert refusals[0].reason == "telemetry frame must be UTF-8 under legacy schema"
    assert lines == ["[audit] telemetry frame rejected: non-utf8 payload under legacy schema"]
    assert _ring_of(worker) == (0, 0, b"")


def test_refused_appends_are_logged_up_to_the_bound_of_all_refusals() -> None:
    hive = new_hive()
    worker = spawned(hive)
    hive.refusals.refused("queen", "none", "Twalk", "/x", errno.EPERM, "no", NOW)

    for data in (b"\xff", b"x" * 17):
        for _ in range(BURST):
            _refused(partial(hive.append_telemetry, worker, 0, data, WORKER, NOW))
    assert len(log(hive)) == 1 + BURST

    hive.refusals.tally(NOW + 1)
    assert log(hive)[-1] == f"audit-suppressed lines={BURST + 1} limit_per_s={BURST}"


def test_a_refused_append_stays_refused_for_its_own_reason_when_the_log_cannot_be_written() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    worker = spawned(hive)
    journal.failure = FULL

    refusal = _refused(lambda: hive.append_telemetry(worker, 0, b"\xff", WORKER, NOW))

    assert refusal.ecode == errno.EINVAL


def test_utf8_beyond_ascii_is_telemetry() -> None:
    hive = new_hive()
    worker = spawned(hive)

    hive.append_telemetry(worker, 0, "42 °C\n".encode(), WORKER, NOW)

    assert worker.ring.retained().decode() == "42 °C\n"


def test_an_empty_frame_is_taken_and_costs_nothing() -> None:
    hive = new_hive()
    worker = spawned(hive)
    before = state_of(hive)

    assert hive.append_telemetry(worker, 0, b"", WORKER, NOW) == 0

    assert state_of(hive) == before


# -- the queen's log ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"one\n\xfftwo\n", b"\n", b"\0\x1b[2J\n"])
def test_what_a_client_appends_to_the_log_is_kept_byte_for_byte(data: bytes) -> None:
    hive = new_hive()

    assert hive.append_log(data, NOW) == len(data)
    assert hive.append_log(b"", NOW) == 0

    assert hive.log.retained() == data


def test_a_client_that_ends_no_line_cannot_begin_one_of_the_servers() -> None:
    hive = new_hive()

    assert hive.append_log(b"one\ndenied", NOW) == 10
    hive.note("revoked worker-1: killed by queen", NOW)

    assert log(hive) == ["one", "denied", "revoked worker-1: killed by queen"]


def test_a_note_is_written_as_it_is() -> None:
    hive = new_hive()

    hive.note("spawned worker-1 ttl=∞", NOW)

    assert log(hive) == ["spawned worker-1 ttl=∞"]


def test_the_log_forgets_its_oldest_bytes_and_counts_them() -> None:
    hive = new_hive()
    for _ in range(limits.LOG_BYTES // 4096):
        hive.append_log(b"x" * 4095 + b"\n", NOW)

    hive.append_log(b"last\n", NOW)

    assert (hive.log.base, hive.log.next) == (5, limits.LOG_BYTES + 5)
    assert hive.log.retained().endswith(b"x\nlast\n")


# -- tickets ------------------------------------------------------------------------------------------------


def test_every_ticket_of_a_worker_is_revoked_with_it() -> None:
    hive = new_hive()
    first, second = spawned(hive), spawned(hive)
    hive.ticket_presented(first, "aa", NOW)
    hive.ticket_presented(first, "bb", NOW)
    hive.ticket_presented(second, "cc", NOW)

    hive.revoke(first, "ticket ttl expired", NOW)

    assert hive.revocations.get("aa") == hive.revocations.get("bb") == "ticket ttl expired"
    assert hive.revocations.get("cc") is None


def test_a_ticket_presented_again_is_journalled_once() -> None:
    hive = new_hive()
    worker = spawned(hive)
    hive.ticket_presented(worker, "aa", NOW)
    before = state_of(hive)

    hive.ticket_presented(worker, "aa", NOW + 1)

    assert state_of(hive) == before


def test_the_tickets_remembered_of_a_worker_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WORKER_TICKETS_MAX", 2)
    hive = new_hive()
    first, second = spawned(hive), spawned(hive)
    for fingerprint in ("aa", "bb", "cc"):
        hive.ticket_presented(first, fingerprint, NOW)
    hive.ticket_presented(second, "dd", NOW)

    hive.revoke(first, "killed by queen", NOW)
    hive.revoke(second, "killed by queen", NOW)

    revoked = [fingerprint for fingerprint in ("aa", "bb", "cc", "dd") if hive.revocations.get(fingerprint)]
    assert revoked == ["aa", "bb", "dd"]


def test_the_revoked_tickets_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REVOKED_TICKETS_MAX", 2)
    hive = new_hive()
    worker = spawned(hive)
    for fingerprint in ("aa", "bb", "cc"):
        hive.ticket_presented(worker, fingerprint, NOW)

    hive.revoke(worker, "killed by queen", NOW)

    assert [hive.revocations.get(fingerprint) for fingerprint in ("aa", "bb", "cc")] == [
        None,
        "killed by queen",
        "killed by queen",
    ]


# -- who follows --------------------------------------------------------------------------------------------


def test_an_observer_hears_of_every_worker_that_comes_and_goes() -> None:
    hive = new_hive()
    follower = _Follower(hive)
    spawned(hive, ttl_s=10)
    spawned(hive)
    run(hive, '{"kill":"worker-2"}', NOW + 1)
    hive.expire(NOW + 10)

    assert follower.told == [
        ("spawned", "worker-1", NOW),
        ("spawned", "worker-2", NOW),
        ("killed by queen", "worker-2", NOW + 1),
        ("ticket ttl expired", "worker-1", NOW + 10),
    ]


def test_an_observer_that_hears_of_a_worker_finds_it_as_it_then_is() -> None:
    hive = new_hive()
    seen: list[tuple[bool, str | None]] = []

    class Watcher:
        def spawned(self, worker: Worker, now: float) -> None:
            seen.append((hive.workers[worker.id] is worker, worker.gone))

        def revoked(self, worker: Worker, reason: str, now: float) -> None:
            seen.append((worker.id in hive.workers, worker.gone))

    hive.observers.append(Watcher())
    spawned(hive)
    run(hive, '{"kill":"worker-1"}')

    assert seen == [(True, None), (False, "killed by queen")]


def test_an_observer_that_hears_of_a_worker_finds_the_whole_record_done() -> None:
    hive = new_hive()
    worker = spawned(hive)
    hive.ticket_presented(worker, "aa", NOW)
    seen: list[tuple[str, str | None]] = []

    class Watcher:
        def spawned(self, worker: Worker, now: float) -> None:
            seen.append((log(hive)[-1], None))

        def revoked(self, worker: Worker, reason: str, now: float) -> None:
            seen.append((log(hive)[-1], hive.revocations.get("aa")))

    hive.observers.append(Watcher())
    run(hive, '{"kill":"worker-1"}')
    spawned(hive)

    assert seen == [
        ("revoked worker-1: killed by queen", "killed by queen"),
        ("spawned worker-2 ticks=100 ttl=∞ ops=∞", None),
    ]


def test_an_observer_hears_nothing_of_what_was_loaded() -> None:
    journal = RetainedJournal()
    spawned(opened(journal))
    hive = opened(journal.reopened())
    follower = _Follower(hive)

    hive.note("x", NOW)
    spawned(hive)

    assert follower.told == [("spawned", "worker-2", NOW)]


def test_a_hive_begins_once() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    assert hive.birth == 0

    hive.started_with("", NOW)
    again = opened(journal.reopened())
    again.started_with("", NOW + 5)

    assert hive.birth == again.birth == NOW * 1_000_000


def test_another_manifest_than_last_time_is_told_and_logged_once() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    assert hive.started_with("a" * 64, NOW) is None
    assert hive.started_with("a" * 64, NOW) is None

    again = opened(journal.reopened())
    assert again.started_with("b" * 64, NOW) == "a" * 64
    assert again.started_with("b" * 64, NOW) is None

    assert again.log.retained() == b"manifest changed old=aaaaaaaaaaaa new=bbbbbbbbbbbb\n"
