"""Names and attributes at the other end of a connection."""

import errno
from collections.abc import AsyncIterator

import pyfuse3
import pytest
import trio
from pyfuse3 import FUSEError

from ninedoor.doors.fuse.attrs import GLANCE_S
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from tests import deployment
from tests.doors.fuse.remote.harness import CONTEXT, RemoteMount, running

ROOT = pyfuse3.ROOT_INODE


async def refusal(mount: RemoteMount, inode: int) -> int:
    with pytest.raises(FUSEError) as refused:
        await mount.operations.getattr(inode, CONTEXT)
    return int(refused.value.errno)


async def test_no_name_may_be_kept_by_the_kernel(mount: RemoteMount) -> None:
    for path in ("/proc", "/proc/boot", "/log/queen.log"):
        entry = await mount.lookup(path)
        assert (entry.entry_timeout, entry.attr_timeout) == (0.0, GLANCE_S)


async def test_a_name_that_was_just_found_is_found_again_with_one_message(mount: RemoteMount) -> None:
    await mount.lookup("/proc/boot")
    mount.wire.requests.clear()
    await mount.lookup("/proc/boot")

    assert [type(request) for request in mount.wire.requests] == [m.Tgetattr, m.Tgetattr]


async def test_after_a_command_names_are_walked_to_anew(mount: RemoteMount) -> None:
    control = await mount.open("/queen/ctl", 0o2001)
    log = await mount.open("/log/queen.log", 0o2001)
    for opened, text, walks in ((control, b'{"budget":{}}\n', 1), (log, b"line\n", 0)):
        await mount.lookup("/proc")
        await mount.operations.write(opened.fh, 0, text)
        mount.wire.requests.clear()
        await mount.lookup("/proc")
        assert len(mount.sent(m.Twalk)) == walks


async def test_a_walk_from_before_a_command_is_not_kept(mount: RemoteMount) -> None:
    names = mount.remote._names
    at_the_server = trio.Event()
    go_on = trio.Event()

    async def wait() -> None:
        at_the_server.set()
        await go_on.wait()

    async with trio.open_nursery() as nursery:
        mount.wire.pause = wait
        nursery.start_soon(mount.lookup, "/proc")
        await at_the_server.wait()
        mount.remote._fids.commanded()
        go_on.set()
    (proc,) = mount.numbers() - {ROOT}

    assert not mount.remote._fids.keeps(names.known(proc))
    assert await mount.live_fids() == set()


async def test_a_second_lookup_ends_in_the_same_inode(mount: RemoteMount) -> None:
    first = await mount.lookup("/proc")
    second = await mount.lookup("/proc")

    assert second.st_ino == first.st_ino
    assert mount.lookups(first.st_ino) == 2


async def test_lookups_of_one_name_at_once_end_in_one_inode(mount: RemoteMount) -> None:
    found: list[int] = []

    async def look() -> None:
        found.append((await mount.lookup("/proc")).st_ino)

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(look)

    assert len(set(found)) == 1
    assert mount.lookups(found[0]) == 10
    assert await mount.live_fids() == set()


async def test_a_forget_during_a_lookup_leaves_the_count_of_the_lookup(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/proc")).st_ino
    at_the_server = trio.Event()
    go_on = trio.Event()

    async def wait() -> None:
        at_the_server.set()
        await go_on.wait()

    async with trio.open_nursery() as nursery:
        mount.wire.pause = wait
        nursery.start_soon(mount.lookup, "/proc")
        await at_the_server.wait()
        await mount.operations.forget([(inode, 1)])
        assert mount.numbers() == {ROOT}
        go_on.set()

    assert mount.lookups(inode) == 1


async def test_an_unknown_name_leaves_nothing_behind(mount: RemoteMount) -> None:
    for name, ecode in (
        (b"nothing", errno.ENOENT),
        (b"\xff", errno.ENOENT),
        (b"x" * 65, errno.ENAMETOOLONG),
    ):
        with pytest.raises(FUSEError) as refused:
            await mount.operations.lookup(ROOT, name, CONTEXT)
        assert refused.value.errno == ecode

    assert mount.numbers() == {ROOT}
    assert await mount.live_fids() == set()


async def test_numbers_of_fids_have_no_gaps(mount: RemoteMount) -> None:
    """A server remembers each gap for as long as the session lasts."""
    for _ in range(5):
        with pytest.raises(FUSEError):
            await mount.lookup("/nothing")
        await mount.lookup("/proc")
        await mount.open("/proc/boot", 0)

    numbers = [request.newfid for request in mount.sent(m.Twalk)]
    assert sorted(set(numbers)) == list(range(min(numbers), max(numbers) + 1))


async def test_the_last_forget_gives_the_inode_back(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/proc")).st_ino
    await mount.lookup("/proc")

    await mount.operations.forget([(inode, 1)])
    assert inode in mount.numbers()
    await mount.operations.forget([(inode, 1), (ROOT, 5)])
    assert mount.numbers() == {ROOT}
    assert await mount.live_fids() == set()


async def test_attributes_of_what_was_just_looked_up_take_one_message(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/log/queen.log")).st_ino
    mount.wire.requests.clear()
    await mount.operations.getattr(inode, CONTEXT)

    assert [type(request) for request in mount.wire.requests] == [m.Tgetattr]


async def test_attributes_are_asked_for_each_time(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/log/queen.log")).st_ino
    queen = deployment.client(mount.app)
    for size in (4, 8):
        queen.append("/log/queen.log", b"one\n")
        assert (await mount.operations.getattr(inode, CONTEXT)).st_size == size


async def test_more_inodes_than_fids_are_served(mount: RemoteMount) -> None:
    deployment.spawn(deployment.client(mount.app), *['{"spawn":"heartbeat","ticks":1}'] * 300)
    inodes = [(await mount.lookup(f"/worker/worker-{number}")).st_ino for number in range(1, 301)]

    for number, inode in enumerate(inodes, 1):
        assert (await mount.operations.getattr(inode, CONTEXT)).st_ino == inode
        assert mount.remote._names.known(inode).name == f"worker-{number}"


@pytest.fixture
async def narrow() -> AsyncIterator[RemoteMount]:
    async with running(RemoteMount(fids=16)) as mounted:
        yield mounted


async def test_a_server_that_grants_few_fids_is_enough(narrow: RemoteMount) -> None:
    deployment.spawn(deployment.client(narrow.app), *['{"spawn":"heartbeat","ticks":1}'] * 30)
    inodes = [(await narrow.lookup(f"/worker/worker-{number}")).st_ino for number in range(1, 31)]

    for inode in inodes:
        assert (await narrow.operations.getattr(inode, CONTEXT)).st_ino == inode


async def test_a_node_that_vanished_is_stale_and_its_name_missing(mount: RemoteMount) -> None:
    queen = deployment.client(mount.app)
    deployment.spawn(queen)
    worker = (await mount.lookup("/worker/worker-1")).st_ino
    telemetry = (await mount.lookup("/worker/worker-1/telemetry")).st_ino
    deployment.spawn(queen, '{"kill":"worker-1"}')

    assert await refusal(mount, telemetry) == errno.ESTALE
    assert await refusal(mount, worker) == errno.ESTALE
    with pytest.raises(FUSEError) as missing:
        await mount.lookup("/worker/worker-1")
    assert missing.value.errno == errno.ENOENT
    with pytest.raises(FUSEError) as stale:
        await mount.operations.open(telemetry, 0, CONTEXT)
    assert stale.value.errno == errno.ESTALE


async def test_a_name_bound_to_another_node_ends_in_another_inode(mount: RemoteMount) -> None:
    control = await mount.open("/queen/ctl", 0o2001)
    deployment.spawn(deployment.client(mount.app), *['{"spawn":"heartbeat","ticks":1}'] * 2)
    found = []
    for worker in ("worker-1", "worker-2"):
        line = b'{"bind":{"from":"/worker/%s","to":"/mine"}}\n' % worker.encode()
        await mount.operations.write(control.fh, 0, line)
        found.append((await mount.lookup("/mine")).st_ino)
        found.append((await mount.lookup("/mine/telemetry")).st_ino)

    assert len(set(found)) == 4
    # What was found before stays what it was for whoever holds it, until it is walked to again.
    mount.remote._fids.drop(mount.remote._names.known(found[0]))
    assert await refusal(mount, found[0]) == errno.ESTALE


async def test_a_kept_fid_that_lost_its_node_is_walked_to_anew(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/proc")).st_ino
    mount.wire.requests.clear()
    mount.wire.failures[m.Tgetattr] = P9Error(errno.ESTALE, "its connection was lost")

    assert (await mount.operations.getattr(inode, CONTEXT)).st_ino == inode
    asked = [type(request) for request in mount.wire.requests if type(request) is not m.Tclunk]
    assert asked == [m.Tgetattr, m.Twalk, m.Tgetattr]


async def test_a_kept_fid_of_a_directory_that_lost_its_node_is_walked_to_anew(mount: RemoteMount) -> None:
    parent = (await mount.lookup("/proc")).st_ino
    mount.wire.failures[m.Twalk] = P9Error(errno.ESTALE, "its connection was lost")

    assert (await mount.operations.lookup(parent, b"boot", CONTEXT)).st_ino


async def test_a_node_that_is_stale_after_a_new_walk_is_stale(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/proc")).st_ino
    mount.remote._fids.drop(mount.remote._names.known(inode))
    mount.wire.failures[m.Tgetattr] = P9Error(errno.ESTALE, "revoked")

    assert await refusal(mount, inode) == errno.ESTALE


async def test_no_answer_is_not_taken_for_a_node_that_is_gone(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/proc")).st_ino
    mount.wire.silent = True
    assert await refusal(mount, inode) == errno.ETIMEDOUT
    mount.wire.silent = False

    assert (await mount.operations.getattr(inode, CONTEXT)).st_ino == inode


async def test_a_cancelled_lookup_leaves_no_fid(mount: RemoteMount) -> None:
    for steps in range(8):
        left = steps

        async def wait() -> None:
            nonlocal left
            if left == 0:
                await trio.sleep_forever()
            left -= 1

        mount.wire.pause = wait
        with trio.move_on_after(0):
            await mount.lookup("/proc/9p")
        mount.wire.pause = trio.lowlevel.checkpoint
        assert await mount.live_fids() == set()
