import errno
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ninedoor.errors import P9Error
from ninedoor.gpubridge import operations
from ninedoor.gpubridge.discovery import mock_devices
from ninedoor.gpubridge.publishing import snapshot_of
from ninedoor.gpubridge.sessions import HiveSession, Where, attached
from ninedoor.gpubridge.work import Work
from tests.client.hives import Daemon, daemon
from tests.gpubridge.operators import Operator

GPU = "GPU-0"


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Daemon]:
    with daemon(tmp_path) as one:
        yield one


async def claimed(session: HiveSession, operator: Operator, job: str) -> Work:
    """A job that the hive knows to run here."""
    await session.publish(snapshot_of(mock_devices(), None, mocked=True).encode())
    await session.watch([GPU])
    operator.lease()
    operator.add(job, bytes(8))
    (pending,) = await session.queue(GPU)
    await session.tell(GPU, Work(GPU, pending).running_line())
    return Work(GPU, pending)


@pytest.mark.parametrize("size", [1, 8168, 8169, 8168 * operations.PIECES_MAX, 200_000])
async def test_a_result_arrives_whole_with_its_line(hive: Daemon, size: int) -> None:
    result = bytes(number % 251 for number in range(size))
    with Operator(hive.unix) as operator:
        async with attached(Where(hive.unix, "")) as session:
            work = await claimed(session, operator, "j")
            await session.report(GPU, "j", result, work.done_line(sha256(result).hexdigest(), size, 1))

            assert operator.result("j") == result
            assert operator.state("j") == "OK"


async def test_a_line_that_is_not_true_of_the_result_is_refused(hive: Daemon) -> None:
    with Operator(hive.unix) as operator:
        async with attached(Where(hive.unix, "")) as session:
            work = await claimed(session, operator, "j")
            with pytest.raises(P9Error) as refused:
                await session.report(GPU, "j", b"abcd", work.done_line(sha256(b"else").hexdigest(), 4, 1))

    assert refused.value.ecode == errno.EINVAL


async def test_a_report_of_a_job_that_has_ended_leaves_no_fid_behind(hive: Daemon) -> None:
    with Operator(hive.unix) as operator:
        async with attached(Where(hive.unix, "")) as session:
            await claimed(session, operator, "j")
            unused = session._session.fids.take()
            session._session.fids.put_back(unused)
            for _ in range(3):
                with pytest.raises(P9Error) as refused:
                    await session.report(GPU, "gone", b"abcd", '{"job":"gone","state":"ERR","detail":""}')
                assert refused.value.ecode == errno.ENOENT

            assert session._session.fids.take() == unused
            assert [pending.state for pending in await session.queue(GPU)] == ["RUNNING"]


async def test_a_long_queue_is_read_whole(hive: Daemon) -> None:
    with Operator(hive.unix) as operator:
        async with attached(Where(hive.unix, "")) as session:
            await claimed(session, operator, "j")
            for number in range(30):
                operator.add(f"long-{number}", bytes(2048))
            listing = await session.queue(GPU)

    assert [pending.job.id for pending in listing] == ["j", *(f"long-{number}" for number in range(30))]
    assert all(pending.job.payload == bytes(2048) for pending in listing[1:])
