"""poll(2) on files that grow at the other end of a connection."""

import errno
import os
import select
from typing import Any

import pytest
import trio
from pyfuse3 import FUSEError
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor.doors.fuse.remote.polls import AT_A_TIME, PERIOD_S
from ninedoor.limits import LOG_BYTES
from ninedoor.wire import messages as m
from tests import deployment
from tests.doors.fuse.remote.harness import CONTEXT, RemoteMount

LOG = "/log/queen.log"
WRITABLE = select.POLLOUT | select.POLLWRNORM
READABLE = select.POLLIN | select.POLLRDNORM


class Sleeper:
    """A poll handle of pyfuse3's."""

    def __init__(self) -> None:
        self.notified = 0

    def notify(self) -> None:
        self.notified += 1


class Poller:
    """One open file and its reader."""

    def __init__(self, mount: RemoteMount, inode: int, fh: int) -> None:
        self._operations = mount.operations
        self._inode = inode
        self.fh = fh
        self._offset = 0

    async def read(self, size: int = 4096) -> bytes:
        data = await self._operations.read(self.fh, self._offset, size)
        self._offset += len(data)
        return data

    async def poll(self, handle: Any = None) -> int:
        return await self._operations.poll(self._inode, self.fh, handle, CONTEXT)


async def poller(mount: RemoteMount, path: str, flags: int = os.O_RDONLY) -> Poller:
    inode = (await mount.lookup(path)).st_ino
    return Poller(mount, inode, (await mount.operations.open(inode, flags, CONTEXT)).fh)


def append(mount: RemoteMount, text: bytes) -> None:
    deployment.client(mount.app).append(LOG, text)


async def let_pass(clock: MockClock, seconds: float) -> None:
    await wait_all_tasks_blocked()
    clock.jump(seconds)
    await wait_all_tasks_blocked()


@pytest.fixture
def clock(mock_clock: MockClock) -> MockClock:
    return mock_clock


@pytest.mark.parametrize("size", [2, 4096, 1 << 17])
async def test_a_file_is_readable_until_its_end_was_read(mount: RemoteMount, size: int) -> None:
    append(mount, b"one\n")
    log = await poller(mount, LOG)

    for text in (b"one\n", b"two\n"):
        assert await log.poll() == WRITABLE | READABLE
        read = b""
        while part := await log.read(size):
            read += part
        assert read == text
        assert await log.poll() == WRITABLE
        append(mount, b"two\n")


async def test_a_sleeper_is_woken_once_by_the_next_look_after_a_change(
    mount: RemoteMount, clock: MockClock
) -> None:
    log = await poller(mount, LOG)
    sleeper = Sleeper()
    assert await log.poll(sleeper) == WRITABLE
    await let_pass(clock, PERIOD_S)
    assert sleeper.notified == 0

    append(mount, b"one\n")
    await let_pass(clock, PERIOD_S)
    append(mount, b"two\n")
    await let_pass(clock, PERIOD_S)
    assert sleeper.notified == 1


async def test_nobody_is_asked_while_nobody_sleeps(mount: RemoteMount, clock: MockClock) -> None:
    log = await poller(mount, LOG)
    await log.poll()
    mount.wire.requests.clear()
    await let_pass(clock, 100)
    assert mount.wire.requests == []

    await log.poll(Sleeper())
    append(mount, b"one\n")
    await let_pass(clock, PERIOD_S)
    mount.wire.requests.clear()
    await let_pass(clock, 100)
    assert mount.wire.requests == []


async def test_a_file_that_dropped_bytes_is_not_readable_at_its_end(mount: RemoteMount) -> None:
    """Its size is more than what a reader from its beginning is given."""
    for _ in range(LOG_BYTES // 8000 + 20):
        append(mount, b"x" * 7999 + b"\n")
    log = await poller(mount, LOG)
    await log.poll()
    while await log.read(1 << 17):
        pass

    assert await log.poll() == WRITABLE
    append(mount, b"one\n")
    assert await log.poll() == WRITABLE | READABLE


async def test_who_sleeps_on_a_node_that_vanishes_is_woken(mount: RemoteMount, clock: MockClock) -> None:
    queen = deployment.client(mount.app)
    deployment.spawn(queen)
    telemetry = await poller(mount, "/worker/worker-1/telemetry")
    sleeper = Sleeper()
    await telemetry.poll(sleeper)
    deployment.spawn(queen, '{"kill":"worker-1"}')
    await let_pass(clock, PERIOD_S)

    assert sleeper.notified == 1
    assert await telemetry.poll() == WRITABLE | READABLE


async def test_while_no_answer_comes_everybody_sleeps_on(mount: RemoteMount, clock: MockClock) -> None:
    log = await poller(mount, LOG)
    sleeper = Sleeper()
    await log.poll(sleeper)
    mount.wire.silent = True
    append(mount, b"one\n")
    await let_pass(clock, PERIOD_S)
    assert sleeper.notified == 0
    with pytest.raises(FUSEError) as late:
        await log.poll()
    assert late.value.errno == errno.ETIMEDOUT

    mount.wire.silent = False
    await let_pass(clock, PERIOD_S)
    assert sleeper.notified == 1


@pytest.mark.parametrize("how", ["release", "close"])
async def test_whoever_has_closed_is_not_woken(mount: RemoteMount, clock: MockClock, how: str) -> None:
    log = await poller(mount, LOG)
    sleeper = Sleeper()
    await log.poll(sleeper)
    if how == "release":
        await mount.operations.release(log.fh)
    else:
        mount.operations.close()
    append(mount, b"one\n")
    await let_pass(clock, PERIOD_S)

    assert sleeper.notified == 0


async def test_a_look_is_bounded_and_everybody_has_a_turn(mount: RemoteMount, clock: MockClock) -> None:
    logs = [await poller(mount, LOG) for _ in range(AT_A_TIME + 10)]
    for log in logs:
        await log.poll(Sleeper())
    mount.wire.requests.clear()
    await let_pass(clock, PERIOD_S)
    assert len(mount.wire.requests) == AT_A_TIME
    await let_pass(clock, PERIOD_S)

    assert {request.fid for request in mount.sent(m.Tgetattr)} == {log.fh for log in logs}


@pytest.mark.parametrize("path", ["/proc/boot", "/proc/9p/sessions"])
async def test_files_that_do_not_grow_are_always_readable(mount: RemoteMount, path: str) -> None:
    file = await poller(mount, path)
    await file.read()

    assert await file.poll(Sleeper()) == WRITABLE | READABLE


async def test_a_file_that_is_only_written_to_is_never_readable(mount: RemoteMount) -> None:
    append(mount, b"one\n")
    log = await poller(mount, LOG, os.O_WRONLY)

    assert await log.poll(Sleeper()) == WRITABLE


async def test_a_release_during_a_look_does_no_harm(mount: RemoteMount, clock: MockClock) -> None:
    log = await poller(mount, LOG)
    await log.poll(Sleeper())
    at_the_server = trio.Event()
    go_on = trio.Event()

    async def wait() -> None:
        at_the_server.set()
        await go_on.wait()

    mount.wire.pause = wait
    await let_pass(clock, PERIOD_S)
    await at_the_server.wait()
    await mount.operations.release(log.fh)
    go_on.set()
    mount.wire.pause = trio.lowlevel.checkpoint
    await let_pass(clock, PERIOD_S)

    assert await mount.live_fids() == set()
