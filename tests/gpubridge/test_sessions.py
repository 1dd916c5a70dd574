import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from ninedoor.client.failures import ConnectError, ConnectionLost, PartialWrite
from ninedoor.errors import P9Error
from ninedoor.gpubridge.discovery import mock_devices
from ninedoor.gpubridge.publishing import snapshot_of
from ninedoor.gpubridge.sessions import HiveSession, Link, Where, attached, is_lost
from tests.client.hives import Daemon, daemon
from tests.gpubridge.operators import Operator

GPU = "GPU-0"


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Daemon]:
    with daemon(tmp_path) as one:
        yield one


async def ready(session: HiveSession) -> None:
    await session.publish(snapshot_of(mock_devices(), None, mocked=True).encode())
    await session.watch([GPU, "GPU-1"])


async def test_sizes_tell_what_others_have_written(hive: Daemon) -> None:
    async with attached(Where(hive.unix, "")) as session:
        await ready(session)
        with Operator(hive.unix) as operator:
            operator.lease()
            before = await session.sizes()
            await session.tell(GPU, '{"schema":"x"}')
            assert await session.sizes() == before
            operator.add("j", bytes(8))
            after = await session.sizes()

    assert after["GPU-1"] == before["GPU-1"]
    assert after[GPU].job > before[GPU].job
    assert after[GPU].status > before[GPU].status


async def test_a_result_is_appended_from_where_it_ends(hive: Daemon) -> None:
    async with attached(Where(hive.unix, "")) as session:
        await ready(session)
        with Operator(hive.unix) as operator:
            operator.lease()
            operator.add("j", bytes(8))
            (pending,) = await session.queue(GPU)
            await session.tell(GPU, '{"job":"j","state":"RUNNING","detail":"scheduled"}')
            result = bytes(range(256)) * 200
            await session.append_result(GPU, "j", result[:9000])
            await session.append_result(GPU, "j", result)
            await session.append_result(GPU, "j", result)

            assert operator.result("j") == result
    assert (pending.job.id, pending.state) == ("j", "QUEUED")


async def test_a_file_is_read_up_to_a_bound_and_a_byte(hive: Daemon) -> None:
    async with attached(Where(hive.unix, "")) as session:
        whole = await session.read_up_to("/proc/boot", 1 << 20)

        assert await session.read_up_to("/proc/boot", len(whole)) == whole
        assert await session.read_up_to("/proc/boot", 3) == whole[:4]


async def test_a_gpu_that_is_not_there_cannot_be_watched(hive: Daemon) -> None:
    async with attached(Where(hive.unix, "")) as session:
        with pytest.raises(P9Error) as refused:
            await session.watch(["GPU-7"])

    assert refused.value.ecode == errno.ENOENT
    assert not is_lost(refused.value)


async def test_a_session_that_is_closed_is_lost_to_whoever_asks(hive: Daemon) -> None:
    async with attached(Where(hive.unix, "")) as session:
        session.close()
        with pytest.raises(ConnectionLost) as lost:
            await session.bridge_status()

    assert is_lost(lost.value)


def test_a_write_that_was_cut_off_is_lost_too() -> None:
    def partial(cause: P9Error) -> PartialWrite:
        failure = PartialWrite(cause.ecode, cause.reason, 10, ((5, 10),))
        failure.__cause__ = cause
        return failure

    assert is_lost(partial(ConnectionLost("gone", left=True)))
    assert not is_lost(partial(P9Error(errno.EPERM, "no")))


async def test_nobody_there_is_told(tmp_path: Path) -> None:
    with daemon(tmp_path) as hive:
        address = hive.unix
    with pytest.raises(ConnectError):
        async with attached(Where(address, "")):
            pass


async def test_a_link_waits_for_a_session_and_forgets_one_that_is_lost(hive: Daemon) -> None:
    link = Link()
    found: list[HiveSession] = []

    async def wait() -> None:
        found.append(await link.live())

    async with attached(Where(hive.unix, "")) as session, attached(Where(hive.unix, "")) as other:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            assert found == []
            link.be(session)
        assert found == [session]

        link.lost(other)
        assert await link.live() is session
        link.lost(session)
        with trio.move_on_after(0) as patience:
            await link.live()
        assert patience.cancelled_caught
