"""Fids given up are clunked, by whoever comes to it."""

import os

import trio
from trio.testing import wait_all_tasks_blocked

from ninedoor.wire import messages as m
from tests.doors.fuse.remote.harness import RemoteMount


async def test_nobody_waits_for_a_clunk(mount: RemoteMount) -> None:
    opened = await mount.open("/proc/boot", os.O_RDONLY)
    mount.wire.pause = trio.sleep_forever
    with trio.fail_after(5):
        await mount.operations.release(opened.fh)


async def test_what_is_given_up_together_is_clunked_together(mount: RemoteMount) -> None:
    opened = [await mount.open("/proc/boot", os.O_RDONLY) for _ in range(5)]
    mount.wire.batches.clear()
    for each in opened:
        await mount.operations.release(each.fh)
    await wait_all_tasks_blocked()

    assert mount.wire.batches == [5]
    assert [request.fid for request in mount.sent(m.Tclunk)][-5:] == [each.fh for each in opened]


async def test_a_flush_that_is_cancelled_leaves_the_rest_to_the_next() -> None:
    mount = RemoteMount()
    await mount.begin()
    opened = await mount.open("/proc/boot", os.O_RDONLY)
    await mount.operations.release(opened.fh)
    scope = trio.CancelScope()

    async def give_up() -> None:
        scope.cancel()
        await trio.sleep_forever()

    mount.wire.pause = give_up
    with scope:
        await mount.remote._clunks.flush()
    mount.wire.pause = trio.lowlevel.checkpoint

    assert await mount.live_fids() == set()
