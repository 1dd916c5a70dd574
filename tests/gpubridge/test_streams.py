import os
import signal
import struct

import pytest
import trio

from ninedoor.gpubridge.computing import ComputeError, KernelWorker, command_for
from ninedoor.gpubridge.kernels.problem import pose
from ninedoor.gpubridge.streams import Streams, close_all
from tests.gpubridge.devices import device_of
from tests.gpubridge.test_computing import PAYLOAD, RESULT, SUM, faulty


def streams() -> tuple[Streams, list[KernelWorker]]:
    made: list[KernelWorker] = []
    return Streams(command_for(device_of("mock")), made.append), made


async def test_one_worker_serves_jobs_that_come_one_by_one() -> None:
    all_streams, made = streams()
    await all_streams.warm()
    for _ in range(3):
        assert await all_streams.compute(SUM, PAYLOAD) == RESULT

    assert len(made) == 1
    await all_streams.close()
    assert not made[0].alive


async def test_jobs_at_the_same_time_have_a_worker_each() -> None:
    all_streams, made = streams()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(all_streams.compute, SUM, PAYLOAD)

    assert len(made) == 2
    await all_streams.keep(1)
    assert [worker.alive for worker in made].count(True) == 1
    await close_all([all_streams])
    assert not any(worker.alive for worker in made)


async def test_a_worker_found_dead_is_replaced_before_it_gets_a_job() -> None:
    all_streams, made = streams()
    await all_streams.warm()
    assert made[0].pid is not None
    os.kill(made[0].pid, signal.SIGKILL)
    os.waitid(os.P_PID, made[0].pid, os.WEXITED | os.WNOWAIT)

    assert await all_streams.compute(SUM, PAYLOAD) == RESULT
    assert len(made) == 2
    await all_streams.close()


async def test_a_fault_fails_its_job_and_the_next_gets_a_new_worker() -> None:
    made: list[KernelWorker] = []
    all_streams = Streams(faulty("crash"), made.append)
    for _ in range(2):
        with pytest.raises(ComputeError, match="signal 11"):
            await all_streams.compute(SUM, PAYLOAD)

    assert len(made) == 2
    await all_streams.close()


async def test_nothing_is_started_once_it_is_closed() -> None:
    all_streams, made = streams()
    await all_streams.close()

    with pytest.raises(ComputeError, match="the bridge is ending"):
        await all_streams.compute(SUM, PAYLOAD)
    assert made == []


async def test_a_job_that_ends_after_closing_leaves_no_worker() -> None:
    all_streams, made = streams()
    larger = pose("matmul", 8 * 64 * 64, (1, 1, 1), (1, 1, 1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(all_streams.compute, larger, struct.pack("<8192f", *range(8192)))
        while not made:
            await trio.sleep(0.001)
        await all_streams.close()

    assert not made[0].alive
