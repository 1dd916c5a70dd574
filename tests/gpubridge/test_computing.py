import logging
import os
import signal
import struct
import sys

import pytest
import trio

from ninedoor.gpubridge import computing
from ninedoor.gpubridge.computing import ComputeError, KernelWorker, command_for
from ninedoor.gpubridge.kernels.problem import pose
from tests.gpubridge.devices import device_of

SUM = pose("vadd", 16, (1, 1, 1), (1, 1, 1))
PAYLOAD = struct.pack("<4f", 1, 2, 10, 20)
RESULT = struct.pack("<2f", 11, 22)


def faulty(fault: str) -> list[str]:
    return [sys.executable, "-m", "tests.gpubridge.faulty", fault]


@pytest.mark.parametrize("backend", ["mock", "opencl"])
async def test_a_worker_computes_one_job_after_the_other(backend: str) -> None:
    worker = KernelWorker(command_for(device_of(backend)))
    await worker.start()

    assert [await worker.compute(SUM, PAYLOAD) for _ in range(3)] == [RESULT] * 3
    await worker.kill()
    assert not worker.alive


async def test_a_job_that_does_not_fit_leaves_the_worker_alive() -> None:
    worker = KernelWorker(command_for(device_of("mock")))
    await worker.start()
    too_large = pose("vadd", 16, (1, 1, 1), (1025, 1, 1))

    with pytest.raises(ComputeError, match="block of 1025 threads"):
        await worker.compute(too_large, PAYLOAD)
    assert await worker.compute(SUM, PAYLOAD) == RESULT
    await worker.kill()


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("crash", "the kernel worker ended with signal 11"),
        ("garble", "the kernel worker is out of its mind: it sent a message of"),
        ("long", "a result of 16 bytes"),
        ("fail", "RuntimeError: out of resources"),
    ],
)
async def test_a_fault_of_the_device_ends_the_worker_and_is_told(fault: str, text: str) -> None:
    worker = KernelWorker(faulty(fault))
    await worker.start()

    with pytest.raises(ComputeError, match=text):
        await worker.compute(SUM, PAYLOAD)
    assert not worker.alive


async def test_a_worker_that_hangs_is_killed_with_its_job() -> None:
    worker = KernelWorker(faulty("hang"))
    await worker.start()

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker.compute, SUM, PAYLOAD)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()

    assert not worker.alive


async def test_a_worker_that_was_killed_meanwhile_fails_the_job_that_it_gets() -> None:
    worker = KernelWorker(command_for(device_of("mock")))
    await worker.start()
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(ComputeError, match="the kernel worker ended with signal 9"):
        await worker.compute(SUM, PAYLOAD)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("absent", "the device cannot be used: LookupError: no such device"),
        ("dead", "the kernel worker ended with status 3"),
    ],
)
async def test_a_worker_without_a_device_does_not_start(fault: str, text: str) -> None:
    worker = KernelWorker(faulty(fault))

    with pytest.raises(ComputeError, match=text):
        await worker.start()
    assert not worker.alive


async def test_a_device_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "START_S", 0.05)
    worker = KernelWorker(faulty("late"))

    with pytest.raises(ComputeError, match=r"the device is not ready after 0\.05 s"):
        await worker.start()
    assert not worker.alive


async def test_a_process_that_does_not_go_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = KernelWorker(command_for(device_of("mock")))
    await worker.start()

    async def never(_process: object) -> bool:
        return False

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(computing, "_gone", never)
        await worker.kill()

    assert "is still there: its driver hangs" in caplog.text
    await worker.kill()
    assert worker._process is not None
    assert await computing._gone(worker._process)
