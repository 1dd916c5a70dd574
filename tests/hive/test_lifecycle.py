"""The life cycle: every transition and gate of the tables, what is refused, and what a restart keeps."""

import errno
from collections.abc import Callable
from typing import get_args

import pytest

from ninedoor import limits
from ninedoor.config import Config, LifecycleState
from ninedoor.config import Lifecycle as Settings
from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.hive.lifecycle import OPEN_IN, TRANSITIONS, Gate
from ninedoor.store.memory import RetainedJournal
from tests.callers import QUEEN
from tests.hive.hives import FULL, NOW, FailingJournal, added, log, opened, outcomes, run, spawned

STATES: tuple[LifecycleState, ...] = get_args(LifecycleState)
AT_BOOT = Settings("BOOTING", (("BOOTING", "ONLINE"),))


def hive_in(state: LifecycleState, journal: RetainedJournal | None = None) -> Hive:
    """A hive that began in `state`."""
    hive = opened(journal or RetainedJournal(), Config(lifecycle=Settings(state)))
    hive.lifecycle.boot(NOW)
    return hive


def command(hive: Hive, text: str, now: float = NOW) -> None:
    hive.lifecycle.command(text, QUEEN, now)


def refused(action: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(P9Error) as refusal:
        action()
    return refusal.value.ecode, refusal.value.reason


def shown(hive: Hive) -> list[str]:
    """Lines that /queen/lifecycle/ctl shows."""
    return hive.lifecycle.outcomes.retained().decode().splitlines()


# -- booting ------------------------------------------------------------------------------------------------


def test_a_hive_without_settings_is_online_and_says_nothing() -> None:
    hive = hive_in("ONLINE")

    assert (hive.lifecycle.state, hive.lifecycle.reason) == ("ONLINE", "boot-complete")
    assert hive.lifecycle.since == NOW
    assert log(hive) == []


def test_boot_takes_the_transition_of_the_manifest_and_logs_it() -> None:
    hive = opened(RetainedJournal(), Config(lifecycle=AT_BOOT))
    assert hive.lifecycle.state == "BOOTING"

    hive.lifecycle.boot(NOW + 1)

    assert (hive.lifecycle.state, hive.lifecycle.since) == ("ONLINE", NOW + 1)
    assert log(hive) == ["lifecycle transition old=BOOTING new=ONLINE reason=boot-complete"]


def test_boot_takes_the_first_transition_that_leaves_the_initial_state() -> None:
    steps = Settings("BOOTING", (("BOOTING", "DEGRADED"), ("BOOTING", "ONLINE")))
    hive = opened(RetainedJournal(), Config(lifecycle=steps))

    hive.lifecycle.boot(NOW)

    assert hive.lifecycle.state == "DEGRADED"


def test_boot_happens_once_in_a_run() -> None:
    hive = opened(RetainedJournal(), Config(lifecycle=AT_BOOT))
    hive.lifecycle.boot(NOW)
    command(hive, "reset")

    hive.lifecycle.boot(NOW)

    assert hive.lifecycle.state == "BOOTING"


def test_boot_that_the_store_refuses_can_be_done_again() -> None:
    journal = FailingJournal()
    hive = opened(journal, Config(lifecycle=AT_BOOT))
    journal.fail(1)

    assert refused(lambda: hive.lifecycle.boot(NOW))[0] == FULL.ecode
    assert hive.lifecycle.state == "BOOTING"

    hive.lifecycle.boot(NOW)
    assert hive.lifecycle.state == "ONLINE"


# -- a restart ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_snapshot", [False, True])
def test_a_restart_keeps_what_the_operator_decided(from_snapshot: bool) -> None:
    journal = RetainedJournal()
    hive = opened(journal, Config(lifecycle=AT_BOOT))
    hive.lifecycle.boot(NOW)
    command(hive, "cordon", NOW + 2)
    reopened = journal.reopened()
    if from_snapshot:
        reopened.compact(hive.snapshot())
    later = opened(reopened, Config(lifecycle=AT_BOOT))

    later.lifecycle.boot(NOW + 9)

    lifecycle = later.lifecycle
    assert (lifecycle.state, lifecycle.reason, lifecycle.since) == ("DRAINING", "cordon", NOW + 2)
    assert shown(later) == ["OK cordon"]
    assert log(later)[-1] == "lifecycle denied action=boot state=DRAINING reason=auto-transition-denied"


def test_a_hive_that_was_reset_boots_at_the_next_start() -> None:
    journal = RetainedJournal()
    hive = opened(journal, Config(lifecycle=AT_BOOT))
    hive.lifecycle.boot(NOW)
    command(hive, "reset")
    later = opened(journal.reopened(), Config(lifecycle=AT_BOOT))

    later.lifecycle.boot(NOW + 9)

    assert (later.lifecycle.state, later.lifecycle.reason) == ("ONLINE", "boot-complete")


def test_a_restart_of_an_online_hive_records_nothing() -> None:
    journal = RetainedJournal()
    opened(journal, Config(lifecycle=AT_BOOT)).lifecycle.boot(NOW)
    later = opened(journal.reopened(), Config(lifecycle=AT_BOOT))
    before = len(journal.records)

    later.lifecycle.boot(NOW + 9)

    assert len(journal.records) == before
    assert later.lifecycle.since == NOW


# -- commands -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("word", TRANSITIONS)
def test_every_command_is_allowed_where_the_table_says_and_nowhere_else(
    word: str, state: LifecycleState
) -> None:
    hive = hive_in(state)
    allowed, to, _idle = TRANSITIONS[word]

    if state in allowed:
        lines = added(hive, lambda: command(hive, word, NOW + 5))
        assert lines == [f"lifecycle transition old={state} new={to} reason={word}"]
        assert (hive.lifecycle.state, hive.lifecycle.reason, hive.lifecycle.since) == (to, word, NOW + 5)
        assert shown(hive) == [f"OK {word}"]
        return
    before = hive.log.next
    assert refused(lambda: command(hive, word)) == (errno.EINVAL, f"lifecycle has no {word} from {state}")
    told = hive.log.read(before, hive.log.capacity).decode()
    assert told == f"lifecycle denied action={word} state={state} reason=invalid-transition\n"
    assert (hive.lifecycle.state, hive.lifecycle.reason) == (state, "boot-complete")
    assert shown(hive) == [f"ERR EINVAL {word}: lifecycle has no {word} from {state}"]


def test_the_table_of_commands_is_that_of_the_format() -> None:
    table = {word: (sorted(step.allowed), step.to, step.idle) for word, step in TRANSITIONS.items()}

    assert table == {
        "cordon": (["DEGRADED", "ONLINE"], "DRAINING", False),
        "drain": (["DRAINING"], "QUIESCED", True),
        "resume": (["BOOTING", "DEGRADED", "DRAINING", "OFFLINE", "QUIESCED"], "ONLINE", False),
        "quiesce": (["DEGRADED", "DRAINING", "ONLINE"], "QUIESCED", True),
        "reset": (["DEGRADED", "DRAINING", "OFFLINE", "ONLINE", "QUIESCED"], "BOOTING", True),
    }


def test_a_command_is_understood_in_any_case() -> None:
    hive = hive_in("ONLINE")

    command(hive, "CorDon")

    assert (hive.lifecycle.state, hive.lifecycle.reason) == ("DRAINING", "cordon")


def test_an_unknown_word_is_refused_and_cannot_forge_a_line() -> None:
    hive = hive_in("ONLINE")

    ecode, _reason = refused(lambda: command(hive, "halt x\x1b"))

    assert ecode == errno.EINVAL
    assert log(hive) == ["lifecycle denied action=halt\\x20x\\x1b state=ONLINE reason=invalid-command"]


@pytest.mark.parametrize(
    ("word", "state"), [("drain", "DRAINING"), ("quiesce", "ONLINE"), ("reset", "ONLINE")]
)
def test_what_needs_an_idle_hive_is_busy_while_workers_live(word: str, state: LifecycleState) -> None:
    hive = hive_in("ONLINE")
    spawned(hive)
    spawned(hive)
    if state == "DRAINING":
        command(hive, "cordon")

    def busy() -> None:
        assert refused(lambda: command(hive, word)) == (errno.EBUSY, "lifecycle outstanding leases 2")

    assert added(hive, busy) == [
        f"lifecycle denied action={word} state={state} reason=outstanding-leases leases=2"
    ]
    assert hive.lifecycle.state == state
    assert shown(hive)[-1] == f"ERR EBUSY {word}: lifecycle outstanding leases 2"


def test_a_drain_can_be_completed() -> None:
    hive = hive_in("ONLINE")
    spawned(hive)
    command(hive, "cordon")

    run(hive, '{"kill":"worker-1"}')
    run(hive, '{"budget":{"ops":5}}')
    command(hive, "drain")

    assert hive.lifecycle.state == "QUIESCED"


def test_a_command_that_the_store_refuses_changes_nothing() -> None:
    journal = FailingJournal()
    hive = hive_in("ONLINE", journal)
    journal.fail(1)

    assert refused(lambda: command(hive, "cordon"))[0] == FULL.ecode
    assert hive.lifecycle.state == "ONLINE"
    assert shown(hive) == []


def test_a_refusal_stays_a_refusal_when_the_store_is_full() -> None:
    journal = FailingJournal()
    hive = hive_in("ONLINE", journal)
    for failing in (1, 2):
        journal.fail(failing)

        assert refused(lambda: command(hive, "halt"))[0] == errno.EINVAL


def test_the_file_of_commands_keeps_what_fits() -> None:
    hive = hive_in("ONLINE")

    for _ in range(limits.LIFECYCLE_CTL_BYTES // 8):
        command(hive, "cordon")
        command(hive, "resume")

    shown_bytes = hive.lifecycle.outcomes.retained()
    assert len(shown_bytes) == limits.LIFECYCLE_CTL_BYTES
    assert shown_bytes.endswith(b"OK cordon\nOK resume\n")


# -- gates --------------------------------------------------------------------------------------------------


def test_the_table_of_gates_is_that_of_the_format() -> None:
    running, finishing = {"ONLINE", "DEGRADED"}, {"ONLINE", "DEGRADED", "DRAINING"}

    assert {gate: set(states) for gate, states in OPEN_IN.items()} == {
        "new-work": running,
        "telemetry-ingest": finishing,
        "worker-attach": finishing,
        "worker-telemetry": finishing,
        "worker-job": running,
        "host-publish": running,
    }


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("gate", get_args(Gate))
def test_a_gate_is_open_where_the_table_says_and_a_closed_one_is_logged(
    gate: Gate, state: LifecycleState
) -> None:
    hive = hive_in(state)

    if state in OPEN_IN[gate]:
        assert added(hive, lambda: hive.lifecycle.require(gate, NOW)) == []
        return
    ecode, reason = refused(lambda: hive.lifecycle.require(gate, NOW))
    assert (ecode, reason) == (errno.EPERM, f"{gate} is closed while the life cycle is {state}")
    assert log(hive) == [f"lifecycle denied action={gate} state={state} reason=gate-denied"]


@pytest.mark.parametrize(
    "line",
    [
        '{"spawn":"heartbeat","ticks":1}',
        '{"spawn":"gpu","lease":{"gpu_id":"G","mem_mb":1,"streams":1,"ttl_s":1}}',
        '{"bind":{"from":"/log","to":"/b"}}',
        '{"mount":{"service":"logs","at":"/x"}}',
    ],
)
def test_a_draining_hive_takes_no_new_work(line: str) -> None:
    hive = hive_in("DRAINING")

    assert refused(lambda: run(hive, line))[0] == errno.EPERM
    assert "lifecycle denied action=new-work state=DRAINING reason=gate-denied" in log(hive)
    assert outcomes(hive)[-1].startswith("ERR EPERM ")
    assert not hive.workers


def test_a_worker_writes_while_the_hive_drains_and_not_once_it_is_off() -> None:
    journal = RetainedJournal()
    hive = hive_in("ONLINE", journal)
    worker = spawned(hive)
    command(hive, "cordon")
    hive.append_telemetry(worker, limits.APPEND_OFFSET, b"a\n", worker.label, NOW)
    hive.lifecycle._enter("OFFLINE", "test", NOW)

    ecode, _reason = refused(
        lambda: hive.append_telemetry(worker, limits.APPEND_OFFSET, b"b\n", worker.label, NOW)
    )

    assert ecode == errno.EPERM
    assert worker.ring.retained() == b"a\n"
    assert log(hive)[-1] == "lifecycle denied action=worker-telemetry state=OFFLINE reason=gate-denied"
