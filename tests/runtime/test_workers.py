"""Supervised workers: they attach, beat, retry what may pass, and end when they have no business left."""

import errno
import logging

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor.client.client import Client
from ninedoor.config import Telemetry
from ninedoor.errors import P9Error
from ninedoor.hive.workers import Worker
from ninedoor.runtime.app import App
from ninedoor.runtime.workers import RETRY_MOST_S, Supervisor
from ninedoor.store.memory import RetainedJournal
from ninedoor.telemetry.frames import Frame, decode_all, encode
from tests.runtime.apps import FillableJournal, app_on, beats, changed, command, queen, running

SPAWN = '{"spawn":"heartbeat","ticks":%d,"budget":{}}'


class _Ward:
    """A hive that nobody keeps alive, one worker in it, and an `attach` whose refusals a test scripts."""

    def __init__(self, ticks: int = 5) -> None:
        self.journal = FillableJournal()
        self.app: App = app_on(self.journal)
        self.queen = queen(self.app)
        command(self.queen, SPAWN % ticks)
        self.worker = self.app.hive.workers["worker-1"]
        self.refusals: list[Exception] = []
        self.attached: list[float] = []

    def attach(self, worker: Worker) -> Client:
        self.attached.append(trio.current_time() - self.began)
        if self.refusals:
            raise self.refusals.pop(0)
        return self.app._attach_worker(worker)

    def beats(self) -> list[int]:
        return beats(self.queen)

    async def resume(self, nursery: trio.Nursery, heartbeat_s: float) -> Supervisor:
        """As after a restart: every worker at a moment of its own."""
        self.began = trio.current_time()
        supervisor = Supervisor(nursery, self.attach, heartbeat_s)
        for worker in self.app.hive.workers.values():
            supervisor.resume(worker)
        return supervisor

    async def supervise(self, nursery: trio.Nursery, heartbeat_s: float = 1.0) -> Supervisor:
        self.began = trio.current_time()
        supervisor = Supervisor(nursery, self.attach, heartbeat_s)
        supervisor.spawned(self.worker, self.app.clock())
        return supervisor

    @property
    def sessions(self) -> int:
        """Sessions besides the queen's."""
        return len(self.app.counters.sessions) - 1


async def test_a_worker_appends_one_line_per_tick_and_ends(autojump_clock: MockClock) -> None:
    ward = _Ward(ticks=3)

    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery)

    assert ward.queen.read("/worker/worker-1/telemetry") == b"heartbeat 1\nheartbeat 2\nheartbeat 3\n"
    assert ward.worker.ticks_left == 0
    assert ward.worker.gone is None
    assert ward.sessions == 0


async def test_under_the_schema_of_frames_a_heartbeat_is_one(autojump_clock: MockClock) -> None:
    framed = changed(telemetry=Telemetry(ring_bytes_per_worker=1024, frame_schema="cbor-v1"))
    journal = RetainedJournal()
    async with running(journal, framed) as (_app, client):
        command(client, SPAWN % 5)
        await trio.sleep(2.5)
    async with running(journal.reopened(), framed) as (app, client):
        await trio.sleep(10)
        found = decode_all(client.read("/worker/worker-1/telemetry"))

    assert [frame.seq for frame in found] == [1, 2, 3, 4, 5]
    assert [frame.payload for frame in found] == [{"tick": tick} for tick in range(1, 6)]
    assert {(frame.worker_id, frame.role) for frame in found} == {("worker-1", "worker-heartbeat")}
    assert found[1].emitted_ms - found[0].emitted_ms == 1000
    assert app.hive.workers["worker-1"].ticks_left == 0


async def test_a_heartbeat_follows_the_frames_of_others(autojump_clock: MockClock) -> None:
    framed = changed(telemetry=Telemetry(ring_bytes_per_worker=1024, frame_schema="cbor-v1"))
    async with running(None, framed) as (_app, client):
        command(client, SPAWN % 3)
        await trio.sleep(0.5)
        client.append(
            "/worker/worker-1/telemetry", encode(Frame("worker-1", "worker-heartbeat", 70, 0, {"by": "hand"}))
        )
        await trio.sleep(10)
        found = decode_all(client.read("/worker/worker-1/telemetry"))

    assert [frame.seq for frame in found] == [1, 70, 71, 72]


async def test_heartbeats_are_as_far_apart_as_the_manifest_says(autojump_clock: MockClock) -> None:
    ward = _Ward(ticks=100)

    with trio.move_on_after(2.6):
        async with trio.open_nursery() as nursery:
            await ward.supervise(nursery, heartbeat_s=0.5)

    assert ward.beats() == [1, 2, 3, 4, 5, 6]
    assert ward.sessions == 0


async def test_a_worker_goes_on_with_the_tick_after_its_last(autojump_clock: MockClock) -> None:
    ward = _Ward(ticks=5)
    with trio.move_on_after(1.5):
        async with trio.open_nursery() as nursery:
            await ward.supervise(nursery)
    assert ward.beats() == [1, 2]

    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery)

    assert ward.beats() == [1, 2, 3, 4, 5]


async def test_a_worker_without_ticks_ends_without_an_attach(autojump_clock: MockClock) -> None:
    """Which would cost it operations that its readers can see."""
    ward = _Ward(ticks=0)

    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery)

    assert ward.attached == []
    assert ward.beats() == []


async def test_a_worker_that_has_beaten_its_last_does_not_attach_again(autojump_clock: MockClock) -> None:
    ward = _Ward(ticks=2)
    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery)
    assert ward.attached == [0.0]

    async with trio.open_nursery() as nursery:
        await ward.resume(nursery, 1.0)

    assert ward.attached == [0.0]
    assert ward.beats() == [1, 2]


async def test_workers_resume_at_moments_of_their_own_within_one_heartbeat(
    autojump_clock: MockClock,
) -> None:
    ward = _Ward(ticks=1)
    command(ward.queen, *[SPAWN % 1] * 63)

    moments = []
    for _ in range(2):
        ward.attached.clear()
        with trio.move_on_after(10.0):
            async with trio.open_nursery() as nursery:
                ward.refusals = [P9Error(errno.EPERM, "over")] * 64
                await ward.resume(nursery, 10.0)
        moments.append(ward.attached)

    assert len(set(moments[0])) > 50
    assert 0.0 <= min(moments[0]) < 1.0
    assert 9.0 < max(moments[0]) < 10.0
    assert moments[0] == pytest.approx(moments[1])


async def test_a_worker_killed_before_it_resumes_never_attaches(autojump_clock: MockClock) -> None:
    ward = _Ward()
    async with trio.open_nursery() as nursery:
        ward.app.hive.observers.append(await ward.resume(nursery, 1000.0))
        await wait_all_tasks_blocked()
        command(ward.queen, '{"kill":"worker-1"}')

    assert ward.attached == []
    assert trio.current_time() == ward.began


async def test_a_revoked_worker_ends_at_once(autojump_clock: MockClock) -> None:
    ward = _Ward()
    async with trio.open_nursery() as nursery:
        ward.app.hive.observers.append(await ward.supervise(nursery, heartbeat_s=1000.0))
        await wait_all_tasks_blocked()
        command(ward.queen, '{"kill":"worker-1"}')
        await wait_all_tasks_blocked()

        assert not nursery.child_tasks

    assert ward.sessions == 0


async def test_revoking_one_worker_leaves_the_others_running(autojump_clock: MockClock) -> None:
    ward = _Ward()
    command(ward.queen, SPAWN % 5)
    async with trio.open_nursery() as nursery:
        supervisor = await ward.supervise(nursery)
        ward.app.hive.observers.append(supervisor)
        supervisor.spawned(ward.app.hive.workers["worker-2"], ward.app.clock())
        await wait_all_tasks_blocked()
        command(ward.queen, '{"kill":"worker-1"}')

    assert beats(ward.queen, "worker-2") == [1, 2, 3, 4, 5]


async def test_a_worker_that_exhausts_its_own_budget_ends(autojump_clock: MockClock) -> None:
    ward = _Ward(ticks=100)
    command(ward.queen, '{"spawn":"heartbeat","ticks":9,"budget":{"ops":5}}')
    worker = ward.app.hive.workers["worker-2"]
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(nursery, ward.app._attach_worker, 1.0)
        ward.app.hive.observers.append(supervisor)
        supervisor.spawned(worker, ward.app.clock())

    # Five operations: a walk, an open and three writes.
    assert worker.ring.retained() == b"heartbeat 1\nheartbeat 2\nheartbeat 3\n"
    assert worker.gone == "operation budget exhausted"
    assert ward.sessions == 0


@pytest.mark.parametrize("ecode", [errno.ESTALE, errno.ENOENT, errno.EPERM])
async def test_a_worker_without_business_ends_without_a_word(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, ecode: int
) -> None:
    ward = _Ward()
    ward.refusals = [P9Error(ecode, "over")]

    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery)

    assert ward.attached == [0.0]
    assert not caplog.records


@pytest.mark.parametrize("ecode", [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EINVAL])
async def test_what_may_pass_is_tried_again_with_a_growing_pause(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, ecode: int
) -> None:
    ward = _Ward(ticks=1)
    ward.refusals = [P9Error(ecode, "not now")] * 9

    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery)

    pauses = [after - before for before, after in zip(ward.attached, ward.attached[1:], strict=False)]
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, RETRY_MOST_S, RETRY_MOST_S, RETRY_MOST_S])
    assert ward.beats() == [1]
    assert len(caplog.records) == 9
    assert caplog.messages[0].startswith("worker-1 cannot write: ")


async def test_the_pause_starts_over_once_a_heartbeat_got_through(autojump_clock: MockClock) -> None:
    ward = _Ward(ticks=2)
    ward.refusals = [P9Error(errno.EIO, "not now")] * 3
    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery, heartbeat_s=10.0)
        await trio.sleep(7.5)
        assert ward.beats() == [1]
        ward.journal.full = True
        await trio.sleep(10.0)
        ward.journal.full = False

    assert ward.attached == pytest.approx([0, 1, 3, 7, 18])
    assert ward.beats() == [1, 2]


async def test_a_quota_too_small_for_any_heartbeat_is_no_reason_to_spin(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    ward = _Ward()
    ward.refusals = [P9Error(errno.EDQUOT, "telemetry frame exceeds ring quota: 12 > 8")] * 1000

    with trio.move_on_after(100):
        async with trio.open_nursery() as nursery:
            await ward.supervise(nursery)

    assert len(ward.attached) < 10
    assert len(caplog.records) == len(ward.attached)


async def test_a_bug_in_one_worker_ends_neither_it_nor_another(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    ward = _Ward(ticks=1)
    command(ward.queen, SPAWN % 3)
    ward.refusals = [RuntimeError("never thought of that")]
    async with trio.open_nursery() as nursery:
        supervisor = await ward.supervise(nursery)
        await wait_all_tasks_blocked()
        supervisor.spawned(ward.app.hive.workers["worker-2"], ward.app.clock())

    assert beats(ward.queen, "worker-1") == [1]
    assert beats(ward.queen, "worker-2") == [1, 2, 3]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.messages == ["bug in worker-1; again in 1 s"]


async def test_a_refused_attach_leaves_no_session_behind(autojump_clock: MockClock) -> None:
    ward = _Ward()
    ward.app.hive.workers.pop("worker-1")

    async with trio.open_nursery() as nursery:
        await ward.supervise(nursery)

    assert ward.attached == [0.0]
    assert ward.sessions == 0


@pytest.mark.parametrize("verb", ["Twalk", "Tlopen", "Twrite"])
async def test_a_refusal_anywhere_leaves_no_session_behind(autojump_clock: MockClock, verb: str) -> None:
    ward = _Ward()
    sessions: list[int] = []

    def attach(worker: Worker) -> Client:
        sessions.append(ward.sessions)
        client = ward.app._attach_worker(worker)
        call = client.channel.call

        def failing(request: object) -> object:
            if type(request).__name__ == verb:
                raise P9Error(errno.ENOSPC, "no room")
            return call(request)

        client.channel.call = failing  # type: ignore[method-assign]
        return client

    with trio.move_on_after(10.0):
        async with trio.open_nursery() as nursery:
            Supervisor(nursery, attach, 1.0).spawned(ward.worker, ward.app.clock())

    assert sessions == [0] * 4  # after 0, 1, 3 and 7 s
    assert ward.sessions == 0


async def test_a_worker_that_is_due_earlier_is_not_kept_waiting(autojump_clock: MockClock) -> None:
    ward = _Ward()
    command(ward.queen, SPAWN % 1)
    with trio.move_on_after(5.0):
        async with trio.open_nursery() as nursery:
            supervisor = await ward.supervise(nursery, heartbeat_s=1000.0)
            await trio.sleep(3.0)
            supervisor.spawned(ward.app.hive.workers["worker-2"], ward.app.clock())
            await wait_all_tasks_blocked()

            assert beats(ward.queen, "worker-2") == [1]

    assert ward.sessions == 0


async def test_other_tasks_run_while_many_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninedoor.runtime.workers.YIELD_S", -1.0)
    ward = _Ward(ticks=1)
    command(ward.queen, *[SPAWN % 1] * 9)
    seen: list[int] = []

    async def look() -> None:
        while ward.attached != [] or not seen:
            seen.append(len(ward.attached))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        supervisor = await ward.supervise(nursery, heartbeat_s=0.0)
        for worker in list(ward.app.hive.workers.values())[1:]:
            supervisor.spawned(worker, ward.app.clock())
        while len(ward.attached) < 10:
            await trio.lowlevel.checkpoint()
        ward.attached.clear()

    assert len(set(seen)) > 5


async def test_a_supervisor_without_workers_has_no_task(autojump_clock: MockClock) -> None:
    ward = _Ward(ticks=1)
    command(ward.queen, SPAWN % 1)
    async with trio.open_nursery() as nursery:
        supervisor = await ward.supervise(nursery)
        await trio.sleep(5.0)
        assert not nursery.child_tasks

        supervisor.spawned(ward.app.hive.workers["worker-2"], ward.app.clock())
        assert len(nursery.child_tasks) == 1

    assert beats(ward.queen, "worker-2") == [1]
