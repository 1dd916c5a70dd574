"""How a job fares when the hive refuses, or is lost at the worst moment: with a session that fails as it is
told. Against a real hive it is tried in test_bridge.py."""

import errno
import struct
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ninedoor.client.failures import ConnectionLost
from ninedoor.errors import P9Error
from ninedoor.gpu.jobs import Pending, build, parse_job
from ninedoor.gpubridge.computing import command_for
from ninedoor.gpubridge.discovery import mock_devices
from ninedoor.gpubridge.running import Runner
from ninedoor.gpubridge.sessions import Link
from ninedoor.gpubridge.streams import Streams
from ninedoor.gpubridge.work import Work

PAYLOAD = struct.pack("<2f", 1, 2)
LOST = ConnectionLost("the server closed it", left=True)


class Session:
    """Takes lines and results. `failures` are raised in their order, one for each call; None is none. A line
    that is `taken` counts although the call fails."""

    def __init__(self, *failures: P9Error | None, taken: bool = False) -> None:
        self._failures = list(failures)
        self._taken = taken
        self.lines: list[str] = []
        self.results: list[bytes] = []

    async def tell(self, _gpu: str, line: str) -> None:
        await trio.lowlevel.checkpoint()
        self._take(self.lines.append, line)

    async def report(self, gpu: str, job: str, result: bytes, line: str) -> None:
        await self.append_result(gpu, job, result)
        await self.tell(gpu, line)

    async def append_result(self, _gpu: str, _job: str, result: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self._take(self.results.append, result)

    async def read_up_to(self, _path: str, _most: int) -> bytes:
        self._take(lambda _nothing: None, "")
        return PAYLOAD

    def close(self) -> None:
        pass

    def states(self) -> list[str]:
        return [line.split('"state":"')[1].partition('"')[0] for line in self.lines]

    def _take(self, take: Callable[[Any], None], what: Any) -> None:
        failure = self._failures.pop(0) if self._failures else None
        if failure is None or self._taken:
            take(what)
        if failure is not None:
            raise failure


class Office:
    """A runner with sessions one after the other; `listed` is what the queue says of the job before each."""

    def __init__(self, *sessions: Session, listed: tuple[str, ...] = (), inputs: bool = False) -> None:
        self.link = Link()
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.streams = Streams(command_for(mock_devices()[0]))
        runner = Runner(
            self.link, {"GPU-0": self.streams}, lambda name, **facts: self.told.append((name, facts))
        )
        line = build("j", "vadd", PAYLOAD, inputs=["/updates/1/payload"] if inputs else None)
        self.work = Work("GPU-0", Pending(parse_job(line), "QUEUED", "worker-1", 1, 1, 0))
        self._runner = runner
        self._sessions = list(sessions)
        self._listed = list(listed)

    async def run(self) -> list[str]:
        """Carry the job out; the names of what was told."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._provide)
            with trio.fail_after(30):
                await self._runner.carry_out(self.work)
            nursery.cancel_scope.cancel()
        await self.streams.close()
        return [name for name, _facts in self.told]

    async def _provide(self) -> None:
        while True:
            if self.link._session is None and self._sessions:
                self.work.listed = self._listed.pop(0) if self._listed else self.work.listed
                self.link.be(self._sessions.pop(0))  # type: ignore[arg-type]
            await trio.sleep(0.001)


async def test_a_job_is_claimed_computed_and_reported() -> None:
    session = Session()

    assert await Office(session).run() == ["completed"]
    assert session.states() == ["RUNNING", "OK"]
    assert session.results == [struct.pack("<f", 3)]


@pytest.mark.parametrize("ecode", [errno.EBUSY, errno.ESTALE, errno.ENOENT])
async def test_a_claim_that_is_refused_is_the_end_of_it(ecode: int) -> None:
    session = Session(P9Error(ecode, "no"))

    assert await Office(session).run() == []
    assert session.lines == []


async def test_a_claim_that_is_not_possible_now_is_repeated(autojump_clock: trio.testing.MockClock) -> None:
    session = Session(P9Error(errno.EPERM, "the node is draining"))
    office = Office(session)
    office.streams.compute = computed  # type: ignore[method-assign]

    assert await office.run() == ["completed"]


async def computed(*_problem: object) -> bytes:
    return struct.pack("<f", 3)


@pytest.mark.parametrize(("taken", "listed"), [(True, "RUNNING"), (False, "QUEUED")])
async def test_a_claim_of_unknown_fate_is_looked_up(taken: bool, listed: str) -> None:
    first, second = Session(LOST, taken=taken), Session()

    assert await Office(first, second, listed=("QUEUED", listed)).run() == ["completed"]
    assert (first.states() + second.states()) == ["RUNNING", "OK"]


@pytest.mark.parametrize(("taken", "listed", "again"), [(True, "", 0), (False, "RUNNING", 1)])
async def test_a_report_of_unknown_fate_is_looked_up(taken: bool, listed: str, again: int) -> None:
    first, second = Session(None, None, LOST, taken=taken), Session()

    assert await Office(first, second, listed=("QUEUED", listed)).run() == ["completed"]
    assert first.states().count("OK") == 1 - again
    assert second.states().count("OK") == again


async def test_a_result_that_was_cut_off_is_gone_on_with() -> None:
    first, second = Session(None, LOST), Session()

    assert await Office(first, second, listed=("QUEUED", "RUNNING")).run() == ["completed"]
    assert second.results == [struct.pack("<f", 3)]


async def test_a_result_that_the_hive_does_not_take_fails_the_job() -> None:
    session = Session(None, P9Error(errno.ENOSPC, "results of running jobs over 16 MiB"))

    assert await Office(session).run() == ["failed"]
    assert session.states() == ["RUNNING", "ERR"]
    assert "the result was refused: ENOSPC" in session.lines[-1]


async def test_an_outcome_that_nobody_wants_is_dropped() -> None:
    session = Session(None, None, P9Error(errno.ESTALE, "job j has ended already"))

    assert await Office(session).run() == []


async def test_inputs_are_read_again_after_a_loss() -> None:
    first, second = Session(None, LOST), Session()

    assert await Office(first, second, listed=("QUEUED", "RUNNING"), inputs=True).run() == ["completed"]


async def test_inputs_that_are_refused_fail_the_job() -> None:
    session = Session(None, P9Error(errno.EPERM, "scope"))

    assert await Office(session, inputs=True).run() == ["failed"]
    assert "an input cannot be read: EPERM" in session.lines[-1]


async def test_a_job_that_the_hive_ends_is_dropped_wherever_it_is() -> None:
    office = Office()
    office.work.scope.cancel()

    assert await office.run() == ["cancelled"]
