"""The composed hive: spawned workers beat until told to stop, through restarts and failing stores."""

import errno
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor import limits
from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Config, Store, Telemetry, TicketLimits
from ninedoor.errors import P9Error, StoreError
from ninedoor.hive.hive import Hive
from ninedoor.hive.refusals import BURST
from ninedoor.policy.tickets import Ticket, mint
from ninedoor.runtime.app import App
from ninedoor.session.fids import Profile
from ninedoor.store.memory import RetainedJournal
from tests.runtime.apps import (
    CONFIG,
    EPOCH,
    FULL,
    FillableJournal,
    TrioClock,
    app_on,
    beats,
    changed,
    command,
    queen,
    running,
)

SPAWN = '{"spawn":"heartbeat","ticks":%d}'


def _log(app: App) -> list[str]:
    return app.hive.log.retained().decode().splitlines()


# -- workers ------------------------------------------------------------------------------------------------


async def test_a_spawned_worker_beats_until_it_is_killed(autojump_clock: MockClock) -> None:
    async with running() as (app, client):
        command(client, SPAWN % 100)
        await trio.sleep(2.5)
        assert client.names("/worker") == ["worker-1"]
        assert beats(client) == [1, 2, 3]

        command(client, '{"kill":"worker-1"}')
        await wait_all_tasks_blocked()

        assert client.names("/worker") == []
        assert app.counters.sessions.labels() == ["queen"]
        assert _log(app) == [
            "spawned worker-1 ticks=100 ttl=300 ops=10000",
            "killed worker-1",
            "revoked worker-1: killed by queen",
        ]


async def test_what_was_open_when_a_worker_was_killed_is_stale(autojump_clock: MockClock) -> None:
    async with running() as (_app, client):
        command(client, SPAWN % 100)
        await trio.sleep(0.5)
        telemetry = client.open("/worker/worker-1/telemetry")
        command(client, '{"kill":"worker-1"}')

        with pytest.raises(P9Error) as refusal:
            telemetry.read(0, 100)

        assert refusal.value.ecode == errno.ESTALE


async def test_a_ttl_ends_a_worker_though_nobody_asks(autojump_clock: MockClock) -> None:
    async with running() as (app, client):
        command(client, '{"spawn":"heartbeat","ticks":1000,"budget":{"ttl_s":10}}')
        await trio.sleep(9.9)
        assert beats(client) == list(range(1, 11))

        await trio.sleep(0.2)

        assert client.names("/worker") == []
        assert _log(app).count("revoked worker-1: ticket ttl expired") == 1


async def test_an_idle_worker_is_expired_too(autojump_clock: MockClock) -> None:
    async with running() as (_app, client):
        command(client, '{"spawn":"heartbeat","ticks":0,"budget":{"ttl_s":10}}')
        await trio.sleep(9.9)
        assert client.names("/worker") == ["worker-1"]

        await trio.sleep(0.2)

        assert client.names("/worker") == []


async def test_a_used_up_ticket_is_renewed_and_the_beats_go_on(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    # Room for three heartbeats of 12 bytes in one ticket.
    config = changed(ticket_limits=TicketLimits(bandwidth_bytes=40))
    async with running(config=config) as (app, client):
        command(client, SPAWN % 8)
        await trio.sleep(20)

        assert beats(client) == [1, 2, 3, 4, 5, 6, 7, 8]
        assert sum("reason=bandwidth" in line for line in _log(app)) == 2

    assert not caplog.records


async def test_a_ring_too_small_for_a_heartbeat_is_no_reason_to_spin(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    config = changed(telemetry=Telemetry(ring_bytes_per_worker=8))
    async with running(config=config) as (app, client):
        command(client, SPAWN % 8)
        await trio.sleep(100)

        assert sum("telemetry quota reject" in line for line in _log(app)) < 10
    assert len(caplog.records) < 10


async def test_a_role_without_a_secret_is_told_once_and_its_worker_stays_silent(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(config=changed(secrets={"queen": ("bootstrap",)})) as (_app, client):
        command(client, SPAWN % 8)
        await trio.sleep(200)

        assert client.names("/worker") == ["worker-1"]
        assert beats(client) == []
    assert caplog.messages == ["worker-1 cannot attach: no secret for role worker-heartbeat"]


@pytest.mark.slow
async def test_a_thousand_workers_at_once_all_beat_and_all_end(autojump_clock: MockClock) -> None:
    async with running() as (app, client):
        with client.open("/queen/ctl", 1) as ctl:
            for _ in range(1000):
                ctl.write((SPAWN % 3).encode() + b"\n")
        assert len(client.names("/worker")) == 1000
        await wait_all_tasks_blocked()
        assert len(app.counters.sessions) == 1001

        await trio.sleep(10)
        assert all(beats(client, worker) == [1, 2, 3] for worker in client.names("/worker"))
        assert len(app.counters.sessions) == 1

        with client.open("/queen/ctl", 1) as ctl:
            for worker in list(app.hive.workers):
                ctl.write(f'{{"kill":"{worker}"}}\n'.encode())
        assert client.names("/worker") == []


async def test_a_worker_killed_before_its_first_beat_is_not_refused_anything(
    autojump_clock: MockClock,
) -> None:
    async with running() as (app, client):
        client.append("/queen/ctl", (SPAWN % 5 + '\n{"kill":"worker-1"}\n').encode())
        await wait_all_tasks_blocked()

        assert _log(app)[1:] == ["killed worker-1", "revoked worker-1: killed by queen"]


async def test_a_hundred_workers_killed_while_they_beat_leave_nothing(autojump_clock: MockClock) -> None:
    async with running() as (app, client):
        for _ in range(100):
            command(client, SPAWN % 1000)
        await trio.sleep(1.5)
        command(client, *(f'{{"kill":"worker-{number}"}}' for number in range(1, 101)))
        await wait_all_tasks_blocked()

        assert len(app.counters.sessions) == 1


# -- restarts -----------------------------------------------------------------------------------------------


async def test_a_worker_goes_on_with_its_next_tick_after_a_restart(autojump_clock: MockClock) -> None:
    journal = RetainedJournal()
    async with running(journal) as (_app, client):
        command(client, SPAWN % 6)
        await trio.sleep(2.5)
        assert beats(client) == [1, 2, 3]

    async with running(journal.reopened()) as (app, client):
        await trio.sleep(10)

        assert beats(client) == [1, 2, 3, 4, 5, 6]
        assert app.hive.workers["worker-1"].ticks_left == 0


async def test_workers_do_not_all_go_on_at_the_same_moment_after_a_restart(
    autojump_clock: MockClock,
) -> None:
    journal = RetainedJournal()
    async with running(journal) as (_app, client):
        command(client, *[SPAWN % 9] * 20)
        await wait_all_tasks_blocked()

    async with running(journal.reopened()) as (app, client):
        await wait_all_tasks_blocked()
        assert len(app.counters.sessions) < 10

        await trio.sleep(1.0)
        assert len(app.counters.sessions) == 21
        assert {len(beats(client, worker)) for worker in client.names("/worker")} == {2}


async def test_a_worker_killed_before_a_restart_does_not_come_back(autojump_clock: MockClock) -> None:
    journal = RetainedJournal()
    async with running(journal) as (_app, client):
        command(client, SPAWN % 6, '{"kill":"worker-1"}')

    async with running(journal.reopened()) as (app, client):
        await trio.sleep(5)
        command(client, SPAWN % 6)
        await wait_all_tasks_blocked()

        assert client.names("/worker") == ["worker-2"]
        assert sorted(app.counters.sessions.labels()) == ["queen", "worker-heartbeat:worker-2"]


async def test_a_ttl_that_ended_during_the_downtime_ends_the_worker_at_once(
    autojump_clock: MockClock,
) -> None:
    journal = RetainedJournal()
    async with running(journal) as (_app, client):
        command(client, '{"spawn":"heartbeat","ticks":1000,"budget":{"ttl_s":60}}')
    await trio.sleep(3600)

    async with running(journal.reopened()) as (app, client):
        await trio.sleep(0.01)

        assert client.names("/worker") == []
        assert _log(app).count("revoked worker-1: ticket ttl expired") == 1


# -- a store that fails -------------------------------------------------------------------------------------


async def test_workers_go_on_when_the_store_takes_records_again(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    journal = FillableJournal()
    async with running(journal) as (_app, client):
        command(client, *[SPAWN % 5] * 3)
        await trio.sleep(1.5)
        journal.full = True
        await trio.sleep(10)
        assert [beats(client, f"worker-{number}") for number in (1, 2, 3)] == [[1, 2]] * 3

        journal.full = False
        await trio.sleep(60)

        assert [beats(client, f"worker-{number}") for number in (1, 2, 3)] == [[1, 2, 3, 4, 5]] * 3
    expected = ("no room", "no space", "the store takes no records")
    assert all(any(words in text for words in expected) for text in caplog.messages)


async def test_a_command_the_store_cannot_keep_is_refused_and_not_carried_out(
    autojump_clock: MockClock,
) -> None:
    journal = FillableJournal()
    async with running(journal) as (_app, client):
        journal.full = True
        with pytest.raises(P9Error) as refusal:
            command(client, SPAWN % 5)
        journal.full = False

        assert refusal.value.ecode == errno.ENOSPC
        assert client.names("/worker") == []


async def test_a_full_store_does_not_fill_the_log_of_the_daemon(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    journal = FillableJournal()
    async with running(journal) as (app, client):
        command(client, '{"spawn":"heartbeat","ticks":0,"budget":{"ttl_s":10}}')
        await trio.sleep(5)
        journal.full = True
        await trio.sleep(25)

        assert 10 < len(caplog.messages) < 30
        assert "worker-1" in app.hive.workers
        journal.full = False
        await trio.sleep(2)
        assert not app.hive.workers


def _refused_attach(app: App) -> int:
    """The errno that an expired ticket meets. Where there is room, it leaves a line of the gate's and one of
    the audit's."""
    expired = mint(Ticket("queen", 0, ttl_s=1), "bootstrap")
    channel = LocalChannel(app.session(trusted=False), app.clock)
    with pytest.raises(P9Error) as refusal:
        Client(channel, ticket=expired)
    channel.close()
    return refusal.value.ecode


async def test_an_attach_is_refused_for_its_own_reason_though_the_log_cannot_be_written() -> None:
    journal = FillableJournal()
    app = app_on(journal)
    journal.full = True
    assert _refused_attach(app) == errno.EPERM
    assert _log(app) == []
    journal.full = False

    assert _refused_attach(app) == errno.EPERM

    assert [line.split()[0] for line in _log(app)] == ["ui-ticket", "denied"]


async def test_all_that_is_refused_shares_one_bound_on_lines(autojump_clock: MockClock) -> None:
    async with running() as (app, _client):
        for _ in range(BURST):
            _refused_attach(app)
        assert len(_log(app)) == BURST

        await trio.sleep(1.5)

        assert _log(app)[BURST:] == [f"audit-suppressed lines={BURST} limit_per_s={BURST}"]


class _CrammedJournal(FillableJournal):
    """Has room again as soon as it was compacted, which it wants while it has none."""

    def wants_snapshot(self) -> bool:
        return self.full

    def compact(self, snapshot: bytes) -> None:
        self.full = False
        super().compact(snapshot)


async def test_compaction_makes_room_for_what_is_overdue(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    journal = _CrammedJournal()
    async with running(journal) as (app, client):
        command(client, '{"spawn":"heartbeat","ticks":0,"budget":{"ttl_s":10}}')
        await trio.sleep(9.5)
        journal.full = True
        await trio.sleep(0.7)

        assert not app.hive.workers
    assert not caplog.records


class _UncompactableJournal(RetainedJournal):
    def wants_snapshot(self) -> bool:
        return True

    def compact(self, snapshot: bytes) -> None:
        raise FULL


async def test_a_compaction_that_fails_is_told_and_holds_nothing_up(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(_UncompactableJournal()) as (app, client):
        command(client, '{"spawn":"heartbeat","ticks":0,"budget":{"ttl_s":10}}')
        await trio.sleep(10.1)

        assert not app.hive.workers
    assert set(caplog.messages) == {"the journal was not compacted: ENOSPC: no room for a record"}


# -- housekeeping -------------------------------------------------------------------------------------------


async def test_a_system_clock_that_was_set_forward_is_followed(autojump_clock: MockClock) -> None:
    clock = TrioClock()
    app = app_on(RetainedJournal())
    app.clock = clock
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        command(queen(app), '{"spawn":"heartbeat","ticks":0,"budget":{"ttl_s":3600}}')
        clock.behind = 3600.0
        await trio.sleep(1.1)

        assert not app.hive.workers
        nursery.cancel_scope.cancel()


async def test_a_long_journal_is_compacted(autojump_clock: MockClock) -> None:
    journal = RetainedJournal(snapshot_after=50)
    async with running(journal) as (app, client):
        command(client, SPAWN % 1000)
        for number in range(60):
            client.append("/log/queen.log", f"line {number}\n".encode())
        await trio.sleep(2)

        assert journal.snapshot is not None
        assert len(journal.records) < 50
        restarted = Hive(CONFIG, journal.reopened())
        restarted.load()
        assert restarted.log.retained() == app.hive.log.retained()


class _CountingJournal(RetainedJournal):
    def __init__(self) -> None:
        super().__init__()
        self.syncs = 0

    def sync(self) -> None:
        self.syncs += 1
        super().sync()


async def test_in_batch_mode_the_store_is_synced_every_batch(autojump_clock: MockClock) -> None:
    journal = _CountingJournal()
    async with running(journal, changed(store=Store(fsync="batch", batch_ms=100))):
        # The clock jumps while the thread syncs, so batches are not evenly apart here.
        with trio.fail_after(1000):
            while journal.syncs < 5:
                await trio.sleep(0.1)


@pytest.mark.parametrize("policy", ["always", "never"])
async def test_in_other_modes_nothing_is_synced_behind_the_scenes(
    autojump_clock: MockClock, policy: Any
) -> None:
    journal = _CountingJournal()
    async with running(journal, changed(store=Store(fsync=policy))):
        await trio.sleep(10)

    assert journal.syncs == 0


async def test_a_failed_sync_is_told_once_and_the_hive_stays(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    journal = _CountingJournal()
    async with running(journal, changed(store=Store(fsync="batch"))) as (_app, client):
        journal.failure = P9Error(errno.EIO, "sync failed: input/output error")
        with trio.fail_after(1000):
            while not caplog.records:
                await trio.sleep(0.1)
        journal.failure = None
        syncs = journal.syncs
        await trio.sleep(100)

        assert journal.syncs == syncs
        assert client.names("/") == ["gpu", "log", "proc", "queen", "worker"]

    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "sync failed" in caplog.messages[0]


# -- start and end ------------------------------------------------------------------------------------------


async def test_an_ended_run_leaves_no_observer_behind(autojump_clock: MockClock) -> None:
    app = app_on(RetainedJournal())
    before = list(app.hive.observers)
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        command(queen(app), SPAWN % 5)
        nursery.cancel_scope.cancel()

    assert app.hive.observers == before
    command(queen(app), SPAWN % 5)
    assert list(app.hive.workers) == ["worker-1", "worker-2"]


async def test_a_hive_may_run_again_after_it_was_stopped(autojump_clock: MockClock) -> None:
    app = app_on(RetainedJournal())
    client = queen(app)
    command(client, SPAWN % 5)
    for _ in range(2):
        with trio.move_on_after(2.5):
            await app.run()

    assert beats(client) == [1, 2, 3, 4, 5]


async def test_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSIONS_MAX", 2)
    app = app_on(RetainedJournal())
    first, _second = app.session(trusted=True), app.session(trusted=True)

    with pytest.raises(P9Error, match="2 sessions are open already") as refusal:
        app.session(trusted=True)
    first.close()

    assert refusal.value.ecode == errno.EMFILE
    app.session(trusted=False, profile=Profile.LINUX, owner=(7, 8))


@pytest.fixture
def opened() -> Iterator[Callable[..., App]]:
    apps: list[App] = []

    def open_(config: Config, state: Path | None) -> App:
        apps.append(App.open(config, state))
        return apps[-1]

    yield open_
    for app in apps:
        app.close()


def test_a_hive_without_a_state_directory_forgets(opened: Callable[..., App]) -> None:
    command(queen(opened(CONFIG, None)), SPAWN % 5)

    assert not opened(CONFIG, None).hive.workers


def test_a_hive_with_a_state_directory_remembers(opened: Callable[..., App], tmp_path: Path) -> None:
    first = opened(CONFIG, tmp_path / "state")
    command(queen(first), SPAWN % 5)
    client = queen(first)
    client.append("/log/queen.log", b"by hand\n")
    log = client.read("/log/queen.log")
    first.close()
    first.close()

    second = queen(opened(CONFIG, tmp_path / "state"))

    assert second.names("/worker") == ["worker-1"]
    assert second.read("/log/queen.log") == log


def test_a_state_directory_in_use_is_refused(opened: Callable[..., App], tmp_path: Path) -> None:
    opened(CONFIG, tmp_path / "state")

    with pytest.raises(StoreError):
        opened(CONFIG, tmp_path / "state")


def test_a_hive_that_cannot_be_loaded_lets_go_of_its_state(
    opened: Callable[..., App], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_hive: Hive) -> int:
        raise StoreError("record 1 of the journal is not of this version")

    with monkeypatch.context() as patch:
        patch.setattr(Hive, "load", broken)
        with pytest.raises(StoreError, match="record 1"):
            opened(CONFIG, tmp_path / "state")

    assert not opened(CONFIG, tmp_path / "state").hive.workers


@pytest.mark.parametrize(("ahead_s", "told"), [(-10.0, False), (30.0, False), (90.0, True)])
def test_time_does_not_go_back_behind_the_records_and_a_leap_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, ahead_s: float, told: bool
) -> None:
    monkeypatch.setattr("ninedoor.runtime.clock.time.time", lambda: EPOCH)
    monkeypatch.setattr("ninedoor.runtime.clock.time.monotonic", lambda: 50.0)
    last = EPOCH + ahead_s
    journal = RetainedJournal()
    hive = Hive(CONFIG, journal)
    hive.load()
    hive.note("from another time", last)

    app = App.open(CONFIG, None, journal.reopened())

    assert app.clock() == max(last, EPOCH)
    leap = "the journal ends 90 s in the future: the hive's time goes on from there"
    assert caplog.messages == ([leap] if told else [])
