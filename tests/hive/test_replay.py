"""What a restart brings back: after any history the journal holds exactly the state, and a journal that
refuses a record leaves the state as it was.

It mirrors no module: it is the law that `hive.py`, `state.py`, `events.py` and `workers.py` keep together.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from unittest import mock

import msgpack
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ninedoor import limits
from ninedoor.errors import P9Error, StoreError
from ninedoor.hive import events as ev
from ninedoor.hive.hive import Hive
from ninedoor.hive.lifecycle import TRANSITIONS
from ninedoor.hive.state import State
from ninedoor.hive.workers import Worker
from ninedoor.store.memory import RetainedJournal
from tests.callers import RecordingCaller
from tests.hive.hives import CAPACITY, FULL, NOW, FailingJournal, opened, run, spawned, state_of

# -- a restart ----------------------------------------------------------------------------------------------


def _history(hive: Hive) -> Iterator[Callable[[], object]]:
    """Every kind of change once, refusals and exhausted budgets included."""
    queen = RecordingCaller()
    yield partial(run, hive, '{"spawn":"heartbeat","ticks":2,"budget":{"ttl_s":50,"ops":4}}', NOW)
    first = hive.workers.get("worker-1")
    yield partial(run, hive, '{"spawn":"heartbeat","ticks":100}', NOW + 1)
    yield partial(
        run, hive, '{"spawn":"gpu","lease":{"gpu_id":"G","mem_mb":1,"streams":1,"ttl_s":1}}', NOW + 1
    )
    yield partial(run, hive, "nonsense", NOW + 2)
    yield partial(run, hive, '{"budget":{"ops":9}}', NOW + 2)
    yield partial(run, hive, '{"bind":{"from":"/a","to":"/b"}}', NOW + 2, queen)
    if first is not None:
        role = f"{first.role}:{first.id}"
        yield partial(hive.ticket_presented, first, "9f3a", NOW + 3)
        yield partial(hive.charge, first, NOW + 4)
        yield partial(hive.append_telemetry, first, limits.APPEND_OFFSET, b"heartbeat 1\n", role, NOW + 4)
        yield partial(hive.append_telemetry, first, limits.APPEND_OFFSET, b"heartbeat 2\n", role, NOW + 5)
        yield partial(hive.append_telemetry, first, 3, b"heartbeat 3\n", role, NOW + 6)
        yield partial(hive.append_telemetry, first, limits.APPEND_OFFSET, b"x" * 99, role, NOW + 6)
        yield partial(hive.append_telemetry, first, limits.APPEND_OFFSET, b"\xff", role, NOW + 6)
        yield partial(hive.append_telemetry, first, limits.APPEND_OFFSET, b"heartbeat 3\n", role, NOW + 7)
        for text in ("set dash 3", "set dash 999", "set archive 12", "drop archive", "drop archive"):
            yield partial(hive.cursors.command, first, text, NOW + 7)
    for word in ("cordon", "halt", "drain", "resume"):
        yield partial(hive.lifecycle.command, word, queen, NOW + 8)
    for text in ('{"new":"segment"}', '{"new":"segment","mime":"text/csv"}', '{"new":"x"}'):
        yield partial(hive.segments.command, "dev", text, NOW + 8)
    yield partial(_push, hive, b"a record")
    yield partial(hive.note, "ui-ticket outcome=deny", NOW + 8)
    yield partial(hive.append_log, b"by hand\n", NOW + 8)
    yield partial(run, hive, '{"kill":"worker-2"}', NOW + 9)
    yield partial(run, hive, '{"spawn":"heartbeat","ticks":1,"budget":{"ttl_s":1}}', NOW + 9)
    yield partial(hive.expire, NOW + 10)


def _push(hive: Hive, data: bytes) -> None:
    """Append to the first segment there is."""
    for device in hive.segments.devices.values():
        segment = next(iter(device.segments.values()))
        hive.segments.append(device, segment, limits.APPEND_OFFSET, data, NOW + 8)


def _reopened_states(hive: Hive, journal: RetainedJournal) -> list[dict[str, Any]]:
    """The state after a restart: from the records alone, and from a snapshot taken now."""
    compacted = journal.reopened()
    compacted.compact(hive.snapshot())
    return [state_of(opened(journal.reopened())), state_of(opened(compacted))]


def test_a_restart_after_every_step_brings_back_the_state() -> None:
    journal = RetainedJournal()
    hive = opened(journal)

    for step in _history(hive):
        with suppress(P9Error):
            step()

        assert _reopened_states(hive, journal) == [state_of(hive)] * 2


def test_a_restart_goes_on_from_a_snapshot_and_the_records_after_it() -> None:
    journal = RetainedJournal()
    hive = opened(journal)

    for number, step in enumerate(_history(hive)):
        with suppress(P9Error):
            step()
        if number % 4 == 0:
            journal.compact(hive.snapshot())

        assert state_of(opened(journal.reopened())) == state_of(hive)


def test_the_time_of_the_newest_record_is_known_whatever_the_record_was() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    worker = spawned(hive, ops=10)
    hive.charge(worker, NOW + 7)

    assert hive.last_time == NOW + 7
    journal.compact(hive.snapshot())
    assert opened(journal.reopened()).last_time == NOW + 7


def test_the_number_of_records_replayed_is_told() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    spawned(hive)
    hive.note("x", NOW)

    assert Hive(hive._config, journal.reopened()).load() == 2


def test_an_id_used_before_a_restart_is_never_reused_after_it() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    spawned(hive)
    run(hive, '{"kill":"worker-1"}')
    with suppress(P9Error):
        run(hive, '{"spawn":"gpu","lease":{"gpu_id":"G","mem_mb":1,"streams":1,"ttl_s":1}}')

    assert spawned(opened(journal.reopened())).id == "worker-3"


def test_a_ttl_runs_on_while_the_hive_is_down() -> None:
    journal = RetainedJournal()
    spawned(opened(journal), ttl_s=60)
    hive = opened(journal.reopened())

    hive.expire(NOW + 60)

    assert not hive.workers


@pytest.mark.parametrize(
    "record",
    [
        b"\xc1",
        ev.encode(NOW, [(99, "of a later version")]),
        ev.encode(NOW, [(ev.CHARGED, "worker-9")]),
        ev.encode(NOW, [(ev.CHARGED,)]),
        ev.encode(NOW, [(ev.SPAWNED, ["too", "few"])]),
        b"\x92\xa1a\xa1b",
    ],
)
def test_a_record_of_another_program_is_refused_by_its_number(record: bytes) -> None:
    journal = RetainedJournal()
    opened(journal).note("x", NOW)
    journal.append(record)

    with pytest.raises(StoreError, match="record 2 of the journal is not of this version"):
        opened(journal.reopened())


@pytest.mark.parametrize(
    "snapshot",
    [
        b"",
        b"\xc1",
        msgpack.packb("text"),
        msgpack.packb({"time": 1.0}),
        State().snapshot()[:-1],
        State().snapshot() + b"\x01",
        msgpack.packb({**msgpack.unpackb(State().snapshot()), "workers": [["few"]]}),
    ],
)
def test_a_snapshot_of_another_program_is_refused(snapshot: bytes) -> None:
    journal = RetainedJournal()
    journal.compact(snapshot)

    with pytest.raises(StoreError, match="the snapshot of the journal is not of this version"):
        opened(journal)


def test_a_snapshot_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    monkeypatch.setattr("ninedoor.hive.state.SNAPSHOT_FORMAT", 2)
    journal.compact(hive.snapshot())
    monkeypatch.undo()

    with pytest.raises(StoreError, match="snapshot format 2 is not 1"):
        opened(journal.reopened())


def test_compaction_happens_when_the_journal_asks_for_it() -> None:
    journal = RetainedJournal(snapshot_after=2)
    hive = opened(journal)
    for _ in range(2):
        hive.note("x", NOW)
    hive.compact()
    before = journal.snapshot

    hive.note("x", NOW)
    hive.compact()

    assert before is None
    assert journal.snapshot == hive.snapshot()
    assert not journal.records


def test_a_compaction_that_fails_changes_nothing() -> None:
    journal = RetainedJournal(snapshot_after=0)
    hive = opened(journal)
    hive.note("x", NOW)
    journal.failure = FULL

    with pytest.raises(P9Error):
        hive.compact()

    assert state_of(opened(journal.reopened())) == state_of(hive)


# -- a journal that refuses ---------------------------------------------------------------------------------


def test_a_refused_record_surfaces_and_leaves_the_state_as_the_journal_has_it() -> None:
    steps = len(list(_history(opened(RetainedJournal()))))
    surfaced = 0

    for number in range(2 * steps):
        journal = FailingJournal()
        hive = opened(journal)
        journal.fail(number + 1)
        for step in _history(hive):
            records, before = len(journal.records), state_of(hive)
            appends = journal.appends
            refused = False
            try:
                step()
            except P9Error:
                refused = True
            if appends < journal.failing <= journal.appends:
                # A refused command stays refused for its own reason when its outcome cannot be recorded.
                assert refused
                surfaced += 1
            failed_first = journal.failing == appends + 1
            if failed_first and len(journal.records) == records:
                assert state_of(hive) == before
            assert state_of(opened(journal.reopened())) == state_of(hive)
        if journal.appends < journal.failing:
            break
    else:
        pytest.fail("the history has more records than the loop has rounds")

    assert surfaced == number


def test_what_failed_once_works_again_when_there_is_room() -> None:
    journal = FailingJournal()
    hive = opened(journal)
    journal.fail(1)
    with pytest.raises(P9Error):
        spawned(hive)

    assert spawned(hive).id == "worker-1"
    assert state_of(opened(journal.reopened())) == state_of(hive)


def test_nobody_hears_of_what_was_not_recorded() -> None:
    journal = FailingJournal()
    hive = opened(journal)
    worker = spawned(hive)
    heard: list[str] = []

    class Follower:
        def spawned(self, worker: Worker, now: float) -> None:
            heard.append(worker.id)

        def revoked(self, worker: Worker, reason: str, now: float) -> None:
            heard.append(reason)

    hive.observers.append(Follower())
    woken: list[None] = []
    hive.log.watch(lambda: woken.append(None))
    worker.ring.watch(lambda: woken.append(None))
    for action in (
        partial(spawned, hive),
        partial(run, hive, '{"kill":"worker-1"}'),
        partial(hive.note, "x", NOW),
        partial(hive.append_telemetry, worker, 0, b"x", "queen", NOW),
    ):
        journal.fail(1)
        with pytest.raises(P9Error):
            action()

    assert not heard
    assert not woken


# -- any history --------------------------------------------------------------------------------------------

_BUDGETS = st.one_of(st.none(), st.integers(0, 5), st.integers(2**64 - 2, 2**64 - 1))
_DATA = st.one_of(st.binary(max_size=CAPACITY + 2), st.text(max_size=8).map(str.encode))


class Histories(RuleBasedStateMachine):
    """Random commands, appends, charges, failures and restarts. After each step a second hive opened from the
    journal must equal the first, ids must be new, and no budget may grow."""

    def __init__(self) -> None:
        super().__init__()
        # Small enough for the log, the outcomes and the table of revoked tickets to wrap.
        self._bounds = mock.patch.multiple(limits, LOG_BYTES=8192, CTL_BYTES=8192, REVOKED_TICKETS_MAX=3)
        self._bounds.start()
        self.now = NOW
        self.journal = FailingJournal()
        self.hive = opened(self.journal)
        self.ids: set[str] = set()

    def teardown(self) -> None:
        self._bounds.stop()

    def worker(self, data: st.DataObject) -> Worker:
        return data.draw(st.sampled_from(list(self.hive.workers.values())), label="worker")

    def attempt(self, action: Callable[[], object]) -> P9Error | None:
        """Run `action`; a refused action may change nothing but the log, the outcomes, and who lives."""
        known = set(self.hive.workers)
        try:
            action()
        except P9Error as refusal:
            return refusal
        finally:
            arrived = set(self.hive.workers) - known
            assert not arrived & self.ids
            self.ids |= arrived
        return None

    @initialize(ttl_s=_BUDGETS, ops=_BUDGETS)
    def choose_defaults(self, ttl_s: int | None, ops: int | None) -> None:
        self.command("budget", ttl_s, ops)

    def command(self, verb: str, ttl_s: int | None, ops: int | None, ticks: int = 0) -> None:
        numbers = {"ttl_s": ttl_s, "ops": ops}
        budget = ",".join(f'"{name}":{value}' for name, value in numbers.items() if value is not None)
        head = "" if verb == "budget" else f'"spawn":"heartbeat","ticks":{ticks},'
        self.attempt(lambda: run(self.hive, f'{{{head}"budget":{{{budget}}}}}', self.now))

    @rule(ttl_s=_BUDGETS, ops=_BUDGETS)
    def change_defaults(self, ttl_s: int | None, ops: int | None) -> None:
        self.command("budget", ttl_s, ops)

    @rule(ticks=st.integers(0, 4), ttl_s=_BUDGETS, ops=_BUDGETS)
    def spawn(self, ticks: int, ttl_s: int | None, ops: int | None) -> None:
        self.command("spawn", ttl_s, ops, ticks)

    @rule()
    def spawn_with_defaults(self) -> None:
        self.attempt(lambda: run(self.hive, '{"spawn":"heartbeat","ticks":3}', self.now))

    @rule(
        line=st.sampled_from(
            [
                '{"spawn":"gpu","lease":{"gpu_id":"G","mem_mb":1,"streams":1,"ttl_s":1}}',
                '{"kill":"worker-1"}',
                '{"bind":{"from":"/a","to":"/b"}}',
                '{"mount":{"service":"logs","at":"/x"}}',
                '{"mount":{"service":"nfs","at":"/x"}}',
                "nonsense",
                "∞" * 3000,
            ]
        )
    )
    def other_command(self, line: str) -> None:
        self.attempt(lambda: run(self.hive, line, self.now))

    @precondition(lambda self: self.hive.workers)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        self.attempt(lambda: run(self.hive, f'{{"kill":"{self.worker(data).id}"}}', self.now))

    @precondition(lambda self: self.hive.workers)
    @rule(
        data=st.data(),
        payload=_DATA,
        own=st.booleans(),
        offset=st.one_of(st.just(2**64 - 1), st.integers(0, 99)),
    )
    def append_telemetry(self, data: st.DataObject, payload: bytes, own: bool, offset: int) -> None:
        worker = self.worker(data)
        ticks, beats = worker.ticks_left, worker.beats
        who = f"{worker.role}:{worker.id}" if own else "queen"

        refusal = self.attempt(lambda: self.hive.append_telemetry(worker, offset, payload, who, self.now))

        spent = int(own and refusal is None and payload != b"")
        assert (worker.ticks_left, worker.beats) == (ticks and ticks - spent, beats + spent)

    @precondition(lambda self: self.hive.workers)
    @rule(data=st.data())
    def charge(self, data: st.DataObject) -> None:
        worker = self.worker(data)
        ops = worker.ops_left

        refusal = self.attempt(lambda: self.hive.charge(worker, self.now))

        assert worker.ops_left == (ops - 1 if ops and refusal is None else ops)

    @precondition(lambda self: self.hive.workers)
    @rule(data=st.data(), fingerprint=st.sampled_from(["aa", "bb", "cc", "dd", "ee", "ff"]))
    def present_ticket(self, data: st.DataObject, fingerprint: str) -> None:
        worker = self.worker(data)
        self.attempt(lambda: self.hive.ticket_presented(worker, fingerprint, self.now))

    @rule(word=st.sampled_from([*TRANSITIONS, "halt"]))
    def change_the_life_cycle(self, word: str) -> None:
        self.attempt(lambda: self.hive.lifecycle.command(word, RecordingCaller(), self.now))

    @rule(payload=st.one_of(st.binary(max_size=20), st.integers(1000, 8168).map(bytes)))
    def append_log(self, payload: bytes) -> None:
        self.attempt(lambda: self.hive.append_log(payload, self.now))

    @rule(text=st.text(max_size=20))
    def note(self, text: str) -> None:
        self.attempt(lambda: self.hive.note(text, self.now))

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.attempt(lambda: self.hive.expire(self.now))

    @rule(appends=st.integers(1, 4))
    def fill_the_disk(self, appends: int) -> None:
        """One of the next records will be refused."""
        self.journal.fail(appends)

    @rule()
    def restart(self) -> None:
        journal = FailingJournal()
        journal.snapshot, journal.records = self.journal.snapshot, list(self.journal.records)
        self.journal, self.hive = journal, opened(journal)

    @rule()
    def compact(self) -> None:
        self.journal.compact(self.hive.snapshot())

    @invariant()
    def the_journal_holds_the_state(self) -> None:
        state = state_of(self.hive)
        assert _reopened_states(self.hive, self.journal) == [state, state]

    @invariant()
    def rings_are_within_their_bounds(self) -> None:
        rings = [self.hive.log, self.hive.outcomes, *(worker.ring for worker in self.hive.workers.values())]
        for ring in rings:
            assert ring.next - ring.base == len(ring.retained()) <= ring.capacity

    @invariant()
    def no_worker_outlives_itself(self) -> None:
        assert self.hive._tickets.keys() <= self.hive.workers.keys()
        for worker in self.hive.workers.values():
            assert worker.gone is None
            assert worker.ticks_left is None or worker.ticks_left >= 0
            assert worker.ops_left is None or worker.ops_left >= 0


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=20, deadline=None)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_many_long_histories() -> None:
    run_state_machine_as_test(
        Histories, settings=settings(max_examples=400, stateful_step_count=100, deadline=None)
    )
