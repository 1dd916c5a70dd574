"""No request of the kernel is kept longer than its time."""

import errno
import inspect
from typing import Any

import pyfuse3
import pytest
import trio
from pyfuse3 import FUSEError
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor.doors.fuse.operations import Operations
from ninedoor.doors.fuse.remote.patience import HANDLERS, Patient
from tests.doors.fuse.remote.harness import CONTEXT, RemoteMount

ROOT = pyfuse3.ROOT_INODE


async def refusal(coroutine: Any) -> int:
    with pytest.raises(FUSEError) as refused:
        await coroutine
    return int(refused.value.errno)


def test_every_handler_is_bounded() -> None:
    served = {
        name
        for name, handler in vars(Operations).items()
        if inspect.iscoroutinefunction(handler) and not name.startswith("_")
    }

    assert set(HANDLERS) == served | {"read", "write"}


async def test_what_is_answered_in_time_is_answered(mount: RemoteMount) -> None:
    patient = Patient(mount.operations, lambda: 10.0)

    assert (await patient.getattr(ROOT, CONTEXT)).st_ino == ROOT
    assert await refusal(patient.lookup(ROOT, b"nothing", CONTEXT)) == errno.ENOENT


async def test_what_takes_too_long_is_given_up(mount: RemoteMount, mock_clock: MockClock) -> None:
    patient = Patient(mount.operations, lambda: 10.0)
    mount.wire.pause = trio.sleep_forever
    mock_clock.autojump_threshold = 0

    assert await refusal(patient.lookup(ROOT, b"proc", CONTEXT)) == errno.ETIMEDOUT
    assert trio.current_time() >= 10.0


async def test_all_that_one_request_asks_counts_together(mount: RemoteMount, mock_clock: MockClock) -> None:
    patient = Patient(mount.operations, lambda: 10.0)

    async def slow() -> None:
        await trio.sleep(4)

    mount.wire.pause = slow
    mock_clock.autojump_threshold = 0

    assert await refusal(patient.lookup(ROOT, b"proc", CONTEXT)) == errno.ETIMEDOUT


async def test_the_end_of_the_mount_ends_all_waiting(mount: RemoteMount) -> None:
    patient = Patient(mount.operations, lambda: 10.0)
    mount.wire.pause = trio.sleep_forever
    answers: list[int] = []

    async def ask() -> None:
        answers.append(await refusal(patient.getattr(ROOT, CONTEXT)))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        patient.end()

    assert answers == [errno.ENOTCONN] * 3
    assert await refusal(patient.getattr(ROOT, CONTEXT)) == errno.ENOTCONN


async def test_without_patience_what_needs_no_server_is_answered(mount: RemoteMount) -> None:
    opened = await mount.open("/proc/boot", 0)
    patient = Patient(mount.operations, lambda: 0.0)

    await patient.forget([(ROOT, 1)])
    await patient.release(opened.fh)
    assert await refusal(patient.getattr(ROOT, CONTEXT)) == errno.ETIMEDOUT
